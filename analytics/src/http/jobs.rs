//! `POST /api/v1/jobs/mastery` and `POST /api/v1/jobs/mastery-as-of`.

use actix_web::{HttpResponse, web};
use service::error::Problem;
use service::identity::{Action, Caller};

use super::parameters::AsOf;
use crate::Analytics;
use crate::jobs::as_of;
use crate::jobs::mastery::Report;
use crate::store::runs::Cause;

/// Recomputes mastery from the lake now, and answers what the run did. It goes on when the caller
/// goes away.
#[utoipa::path(
    post,
    path = "/api/v1/jobs/mastery",
    tag = "analytics",
    responses(
        (status = 200, body = Report),
        (status = 409, description = "a recomputation is running already"),
    ),
)]
pub(super) async fn mastery(
    caller: Caller,
    analytics: web::Data<Analytics>,
) -> Result<HttpResponse, Problem> {
    caller.require(Action::Administer)?;
    let report = analytics.recompute(Cause::Request).await?;
    Ok(HttpResponse::Ok().json(report))
}

/// Computes everybody's mastery as it was at a time, by the answers given until then, into the lake's table
/// `mastery_as_of`, and answers what the run did. It goes on when the caller goes away.
#[utoipa::path(
    post,
    path = "/api/v1/jobs/mastery-as-of",
    tag = "analytics",
    params(("as_of" = String, Query, description = "the time (RFC 3339)")),
    responses(
        (status = 200, body = as_of::Report),
        (status = 409, description = "a recomputation is running already"),
    ),
)]
pub(super) async fn mastery_as_of(
    caller: Caller,
    parameters: web::Query<AsOf>,
    analytics: web::Data<Analytics>,
) -> Result<HttpResponse, Problem> {
    caller.require(Action::Administer)?;
    let report = analytics.mastery_as_of(parameters.required()?).await?;
    Ok(HttpResponse::Ok().json(report))
}

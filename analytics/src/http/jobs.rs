//! `POST /api/v1/jobs/mastery`.

use actix_web::{HttpResponse, web};
use service::error::Problem;
use service::identity::{Action, Caller};

use crate::Analytics;
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

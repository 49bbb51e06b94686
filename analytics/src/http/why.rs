//! `GET /api/v1/pupils/{key}/mastery/{competency}/why`.

use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpResponse, web};
use service::error::Problem;
use service::identity::{Action, Caller};

use super::parameters::{self, WhyOf};
use super::pupils::within_school;
use crate::Analytics;
use crate::aggregates::why::{self, Why};

/// Why a pupil's competency stands where it stands: the answers that moved it, and by how much.
#[utoipa::path(
    get,
    path = "/api/v1/pupils/{key}/mastery/{competency}/why",
    tag = "analytics",
    params(
        ("key" = String, Path, description = "the pupil's key"),
        ("competency" = String, Path, description = "the competency's URI, percent-encoded"),
        ("audience" = String, Query, description = "for whom: pupil, parent, teacher or auditor"),
        ("as_of" = Option<String>, Query, description = "the time at which mastery is evaluated (RFC 3339), later answers left out; now where it is left out"),
    ),
    responses(
        (status = 200, body = Why),
        (status = 400, description = "a parameter that cannot be taken"),
        (status = 404, description = "no pupil has this key, or the framework in force no such competency"),
        (status = 409, description = "mastery is about to be made again for this pupil: ask again"),
    ),
)]
pub(super) async fn get(
    caller: Caller,
    analytics: web::Data<Analytics>,
    path: web::Path<(String, String)>,
    parameters: web::Query<WhyOf>,
) -> Result<HttpResponse, Problem> {
    caller.require(Action::ReadAll)?;
    let (key, competency) = path.into_inner();
    let key = parameters::key(&key)?;
    let (audience, as_of) = parameters.into_inner().read()?;
    within_school(&caller, &analytics, key).await?;
    let (pool, models) = (analytics.pool(), analytics.models());
    let why = why::why(pool, models, key, &competency, audience, as_of).await?;
    Ok(HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "no-store"))
        .json(why))
}

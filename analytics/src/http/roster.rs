//! `PUT /api/v1/roster`.

use actix_web::{HttpRequest, HttpResponse, web};
use service::error::Problem;
use service::identity::{Action, Caller};

use super::{body, problems};
use crate::Analytics;
use crate::people::import::{self, Imported};
use crate::people::roster::Roster;

/// Takes in a school's roster: OneRoster 1.2 CSV files in a zip, whole or not at all. Accounts stand
/// in `userIds` as `{homePage:name}`; `users.csv` may tell a pupil's *voie*, `gt` or `pro`, in a last column
/// `metadata.sillage.voie`.
#[utoipa::path(
    put,
    path = "/api/v1/roster",
    tag = "analytics",
    request_body(content_type = "application/zip", description = "OneRoster 1.2 CSV in a zip"),
    responses(
        (status = 200, body = Imported),
        (status = 400, description = "refused whole: each fault with file, line and column"),
        (status = 413, description = "larger than the service takes"),
        (status = 415, description = "not application/zip"),
    ),
)]
pub(super) async fn put(
    caller: Caller,
    analytics: web::Data<Analytics>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    caller.require(Action::Administer)?;
    let max = analytics.config().body_max_bytes;
    let bytes = body::read(&request, payload, &["application/zip"], max).await?;
    // Unpacking takes a while: other requests of this thread go on.
    let read = web::block(move || Roster::read(&bytes)).await;
    let roster = read
        .map_err(|error| Problem::unavailable(&error))?
        .map_err(problems::roster)?;
    // The lock that an import takes is there from the first start on.
    analytics.start().await?;
    let imported = import::import(analytics.pool(), analytics.secret(), &roster).await?;
    Ok(HttpResponse::Ok().json(imported))
}

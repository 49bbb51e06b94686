//! `PUT` and `GET /api/v1/framework`.

use actix_web::{HttpRequest, HttpResponse, web};
use schemas::framework::{Framework, Scale};
use serde::Serialize;
use service::error::Problem;
use service::identity::{Action, Caller};
use utoipa::ToSchema;

use super::{body, problems};
use crate::Analytics;
use crate::store::{self, frameworks};

/// The framework in force, without its competencies.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FrameworkInForce)]
pub(super) struct Summary {
    /// Our own counting of what was put in force, from 1.
    number: i64,
    /// URI of the framework.
    uri: String,
    /// Its version.
    version: String,
    /// The day of that version.
    dated: String,
    /// How many domains it has.
    domains: usize,
    /// How many competencies it has.
    competencies: usize,
    /// Its thresholds: the cuts between degrees, the band, the rule of evidence.
    #[schema(value_type = Object)]
    scale: Scale,
}

impl Summary {
    fn new(number: i64, framework: Framework) -> Self {
        Self {
            number,
            domains: framework.domains.len(),
            competencies: framework.competencies().count(),
            scale: framework.levels.scale,
            uri: framework.uri,
            version: framework.version,
            dated: framework.dated,
        }
    }
}

/// Puts a framework in force. States are made again with it, and served when they are complete.
#[utoipa::path(
    put,
    path = "/api/v1/framework",
    tag = "analytics",
    request_body(content = Object, description = "a framework: schemas/README.md", content_type = "application/json"),
    responses(
        (status = 200, body = Summary),
        (status = 400, description = "refused whole: each fault with its JSON pointer"),
        (status = 413, description = "larger than the service takes"),
        (status = 415, description = "not application/json"),
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
    let bytes = body::read(&request, payload, &["application/json"], max).await?;
    let refused = |faults| problems::refused("framework", faults);
    let framework = Framework::parse(&bytes).map_err(refused)?;
    let document = schemas::strict_json::parse(&bytes).map_err(|fault| refused(vec![fault]))?;
    let client = store::client(analytics.pool()).await?;
    let number = frameworks::insert(&client, &framework, &document).await?;
    Ok(HttpResponse::Ok().json(Summary::new(number, framework)))
}

/// The framework in force, without its competencies.
#[utoipa::path(
    get,
    path = "/api/v1/framework",
    tag = "analytics",
    responses((status = 200, body = Summary)),
)]
pub(super) async fn get(
    caller: Caller,
    analytics: web::Data<Analytics>,
) -> Result<HttpResponse, Problem> {
    caller.require(Action::ReadAll)?;
    analytics.start().await?;
    let client = store::client(analytics.pool()).await?;
    let (number, framework) = frameworks::current(&client).await?;
    Ok(HttpResponse::Ok().json(Summary::new(number, framework)))
}

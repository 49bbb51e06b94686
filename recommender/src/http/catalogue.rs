//! `PUT` and `GET /api/v1/catalogue`.

use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, Utc};
use serde::Serialize;
use service::error::Problem;
use service::http::body;
use service::identity::{Action, Caller};
use utoipa::ToSchema;

use super::problems;
use crate::Recommender;
use crate::store::catalogue::CatalogueVersion;

/// The catalogue in force, without its items.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CatalogueInForce)]
pub(super) struct Summary {
    /// Our own counting of what was put in force, from 1.
    version: i64,
    /// URI of the catalogue.
    uri: String,
    /// The version that its maker gave it.
    catalogue_version: String,
    /// How many items it has.
    items: i32,
    /// When it came into force.
    loaded: DateTime<Utc>,
    /// SHA-256 of its content; the order of the items does not change it.
    fingerprint: String,
    /// After a PUT: whether it made a new version. The same content again makes none.
    #[serde(skip_serializing_if = "Option::is_none")]
    changed: Option<bool>,
}

impl Summary {
    fn new(current: CatalogueVersion, changed: Option<bool>) -> Self {
        let CatalogueVersion {
            version,
            uri,
            label,
            fingerprint,
            items,
            loaded,
        } = current;
        Self {
            version,
            uri,
            catalogue_version: label,
            items,
            loaded,
            fingerprint,
            changed,
        }
    }
}

/// Puts a catalogue in force in place of the former one, whole or not at all.
#[utoipa::path(
    put,
    path = "/api/v1/catalogue",
    tag = "recommender",
    request_body(content = Object, description = "a catalogue: schemas/README.md", content_type = "application/json"),
    responses(
        (status = 200, body = Summary),
        (status = 400, description = "refused whole: each fault with its JSON pointer"),
        (status = 413, description = "larger than the service takes"),
        (status = 415, description = "not application/json"),
    ),
)]
pub(super) async fn put(
    caller: Caller,
    recommender: web::Data<Recommender>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    caller.require(Action::Administer)?;
    let document = json(&request, payload, recommender.config().body_max_bytes).await?;
    let replaced = recommender.replace_catalogue(&document).await?;
    Ok(HttpResponse::Ok().json(Summary::new(replaced.current, Some(replaced.changed))))
}

/// The catalogue in force, without its items.
#[utoipa::path(
    get,
    path = "/api/v1/catalogue",
    tag = "recommender",
    responses(
        (status = 200, body = Summary),
        (status = 404, description = "no catalogue was loaded yet"),
    ),
)]
pub(super) async fn get(
    caller: Caller,
    recommender: web::Data<Recommender>,
) -> Result<HttpResponse, Problem> {
    caller.require(Action::ReadAll)?;
    let current = recommender.catalogue().await?;
    let current = current.ok_or_else(|| Problem::not_found("no catalogue was loaded yet"))?;
    Ok(HttpResponse::Ok().json(Summary::new(current, None)))
}

/// A JSON body of at most `max_bytes`.
async fn json(
    request: &HttpRequest,
    payload: web::Payload,
    max_bytes: usize,
) -> Result<Bytes, Problem> {
    let given = request
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let essence = given
        .unwrap_or_default()
        .split(';')
        .next()
        .unwrap_or_default()
        .trim();
    if !essence.eq_ignore_ascii_case("application/json") {
        return Err(problems::media_type(
            "Content-Type",
            "a catalogue is sent as application/json",
        ));
    }
    body::read(request, payload, max_bytes).await
}

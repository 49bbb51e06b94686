//! `GET /schemas/…`: the contracts of front-end teams, open to everybody.
//!
//! Each file is served under the end of its own `$id`, so that references between them hold.

use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpResponse, web};
use schemas::framework::SECONDE_JSON;
use schemas::profile::PROFILE_JSONLD;
use schemas::xapi;
use serde::Serialize;
use service::Problem;

use super::read_only;

/// An hour: they change with a release.
const CACHED: &str = "public, max-age=3600";

/// What is published.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct Index {
    /// Paths of the JSON Schemas (2020-12) of xAPI.
    xapi: Vec<String>,
    /// Path of Sillage's xAPI Profile (JSON-LD).
    profile: &'static str,
    /// Path of the default framework of competencies.
    framework: &'static str,
}

const PROFILE: &str = "/schemas/profile/sillage.jsonld";
const FRAMEWORK: &str = "/schemas/framework/seconde.json";

pub(super) fn routes(cfg: &mut web::ServiceConfig) {
    cfg.service(read_only("/schemas", web::get().to(index)))
        .service(read_only("/schemas/xapi/{name}", web::get().to(schema)))
        .service(read_only(
            PROFILE,
            web::get().to(|| file("application/ld+json", PROFILE_JSONLD)),
        ))
        .service(read_only(
            FRAMEWORK,
            web::get().to(|| file("application/json", SECONDE_JSON)),
        ));
}

/// What is published: JSON Schemas, the xAPI Profile, the default framework.
#[utoipa::path(
    get, path = "/schemas", tag = "schemas", security(()),
    responses((status = 200, description = "Where everything is.", body = Index)),
)]
pub(super) async fn index() -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, CACHED))
        .json(Index {
            xapi: xapi::published()
                .iter()
                .map(|(name, _)| format!("/schemas/xapi/{name}"))
                .collect(),
            profile: PROFILE,
            framework: FRAMEWORK,
        })
}

/// A JSON Schema of xAPI.
#[utoipa::path(
    get, path = "/schemas/xapi/{name}", tag = "schemas", security(()),
    params(("name" = String, Path, description = "File name, as `/schemas` lists it.")),
    responses(
        (status = 200, description = "A JSON Schema (2020-12).", content_type = "application/schema+json"),
        (status = 404, description = "There is no schema of that name."),
    ),
)]
pub(super) async fn schema(name: web::Path<String>) -> Result<HttpResponse, Problem> {
    let (_, text) = xapi::published()
        .iter()
        .find(|(known, _)| *known == name.as_str())
        .ok_or_else(|| {
            Problem::not_found("there is no schema of that name; /schemas lists them")
        })?;
    Ok(file("application/schema+json", text).await)
}

async fn file(content_type: &'static str, text: &'static str) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, CACHED))
        .content_type(content_type)
        .body(text)
}

//! The only place that names actix-web.

mod catalogue;
mod next;
mod problems;
pub mod routes;

use utoipa::OpenApi;

/// What the recommender's part of `/api/openapi.json` says.
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    Documented::openapi()
}

#[derive(OpenApi)]
#[openapi(paths(catalogue::put, catalogue::get, next::get))]
struct Documented;

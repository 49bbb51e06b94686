//! The only place that names actix-web.

mod body;
mod classes;
mod framework;
mod jobs;
mod parameters;
mod problems;
mod pupils;
mod roster;
pub mod routes;
mod status;
mod totals;
mod why;

use utoipa::OpenApi;

/// What the part of analytics of `/api/openapi.json` says.
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    Documented::openapi()
}

#[derive(OpenApi)]
#[openapi(paths(
    framework::put,
    framework::get,
    roster::put,
    classes::list,
    classes::mastery,
    pupils::mastery,
    pupils::resolve,
    why::get,
    totals::get,
    status::get,
    jobs::mastery,
))]
struct Documented;

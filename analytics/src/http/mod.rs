//! The only place that names actix-web.

mod body;
mod checks;
mod classes;
mod declared_profile;
mod evaluations;
mod fits;
mod framework;
mod jobs;
mod odd_answers;
mod of_pupil;
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
    declared_profile::put,
    declared_profile::get,
    declared_profile::delete,
    evaluations::post,
    evaluations::list,
    evaluations::delete,
    odd_answers::list,
    fits::list,
    fits::get,
    checks::last,
    checks::reliability,
    totals::get,
    status::get,
    jobs::mastery,
    jobs::mastery_as_of,
))]
struct Documented;

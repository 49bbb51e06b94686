//! The only place that names actix-web.

mod about;
mod body;
mod openapi;
mod params;
mod problems;
mod profile_check;
pub mod routes;
mod statements;
mod validate;
mod version;

pub use openapi::openapi;

//! The only place that names actix-web.

mod about;
mod alternate;
mod body;
mod openapi;
mod params;
mod problems;
pub mod routes;
mod statements;
mod version;

pub use openapi::openapi;

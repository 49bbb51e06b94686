//! The only place that names actix-web.

mod about;
mod activities;
mod agents;
mod alternate;
mod answer;
mod body;
mod documents;
mod openapi;
mod params;
mod problems;
pub mod routes;
mod statements;
mod version;

pub use openapi::openapi;

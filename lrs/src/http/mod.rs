//! The only place that names actix-web.

mod about;
mod access;
mod activities;
mod agents;
mod alternate;
mod answer;
mod body;
mod decode;
mod documents;
mod media;
mod multipart;
mod openapi;
mod params;
mod problems;
mod profile_check;
pub mod routes;
mod statements;
mod validate;
mod version;

pub use openapi::openapi;

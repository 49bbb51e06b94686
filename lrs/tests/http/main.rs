//! What a client of the LRS sees: the real routes over HTTP, over a private PostgreSQL.

mod access;
mod activities;
mod agents;
mod alternate;
mod app;
mod caller;
mod concurrent;
mod corners;
mod documents;
mod documents_concurrency;
mod errors;
mod formats;
mod fuzz;
mod headers;
mod lost_connection;
mod malformed;
mod paging;
mod people;
mod plans;
mod references;
mod related;
mod scopes;
mod statements;
mod validate;
mod voiding;

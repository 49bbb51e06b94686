//! What a client of the LRS sees: the real routes over HTTP, over a private PostgreSQL.

mod activities;
mod agents;
mod alternate;
mod app;
mod concurrent;
mod documents;
mod documents_concurrency;
mod formats;
mod fuzz;
mod headers;
mod lost_connection;
mod malformed;
mod paging;
mod plans;
mod references;
mod related;
mod statements;
mod voiding;

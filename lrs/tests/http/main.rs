//! What a client of the LRS sees: the real routes over HTTP, over a private PostgreSQL.

mod activities;
mod agents;
mod alternate;
mod app;
mod concurrent;
mod documents;
mod documents_concurrency;
mod headers;
mod lost_connection;
mod malformed;
mod paging;
mod plans;
mod statements;
mod voiding;

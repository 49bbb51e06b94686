//! What a client of the LRS sees: the real routes over HTTP, over a private PostgreSQL.

mod alternate;
mod app;
mod concurrent;
mod formats;
mod headers;
mod lost_connection;
mod malformed;
mod paging;
mod plans;
mod references;
mod related;
mod statements;
mod voiding;

//! What a client of the LRS sees: the real routes over HTTP, over a private PostgreSQL.

mod alternate;
mod app;
mod concurrent;
mod fuzz;
mod headers;
mod lost_connection;
mod malformed;
mod paging;
mod plans;
mod statements;
mod voiding;

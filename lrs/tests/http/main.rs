//! What a client of the LRS sees: the real routes over HTTP, over a private PostgreSQL.

mod alternate;
mod app;
mod attachments;
mod compressed;
mod concurrent;
mod formats;
mod fuzz;
mod headers;
mod lost_connection;
mod malformed;
mod mixed;
mod paging;
mod plans;
mod references;
mod related;
mod signed;
mod signer;
mod statements;
mod voiding;

//! What a client of the LRS sees: the real routes over HTTP, over a private PostgreSQL.

<<<<<<< HEAD
mod access;
=======
>>>>>>> documents
mod activities;
mod agents;
mod alternate;
mod app;
mod attachments;
mod caller;
mod compressed;
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
mod mixed;
mod paging;
mod people;
mod plans;
mod references;
mod related;
mod scopes;
mod signed;
mod signer;
mod statements;
mod validate;
mod voiding;

//! Statements as data: bytes in, values out. Pure: no clock, no database, no HTTP.
//!
//! [`parse()`] turns a body into [`Parsed`] statements or tells every broken rule; [`Stamped`] is
//! what only the database can still refuse. [`equivalence`] decides whether a statement sent again
//! is the same; [`mod@format`] gives it back.

pub mod attachments;
pub mod definition;
pub mod equivalence;
pub mod format;
pub mod keys;
pub mod parse;
pub mod payload;
pub mod report;
pub mod signature;
pub mod stamp;
mod timestamp;
mod tree;

pub use attachments::Attached;
pub use parse::{Body, Parsed, parse, parse_mixed};
pub use report::Report;
pub use stamp::{Authority, Stamped, Stamper};

#[cfg(test)]
mod tests;

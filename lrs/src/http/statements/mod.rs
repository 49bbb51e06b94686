//! `/xapi/statements` (xAPI 1.0.3 Communication 2.1).

mod get;
mod sent;
mod write;

pub(super) use get::get;
pub(super) use write::{post, put};

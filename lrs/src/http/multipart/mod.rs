//! `multipart/mixed`, both ways (xAPI 1.0.3 Communication 1.5.2): statements, and the contents of their
//! attachments after them.

mod parser;
mod receive;
mod respond;

pub(super) use receive::receive;
pub(super) use respond::respond;

//! Statements found again (xAPI 1.0.3 Communication 2.1.3): parameters → [`filter::Filter`] →
//! [`plan::Selection`] → SQL; the next page by a signed [`cursor`]; as JSON by [`show`].

pub mod cursor;
pub mod filter;
pub mod plan;
pub mod read;
pub mod show;

//! Statements found again (xAPI 1.0.3 Communication 2.1.3): parameters → [`filter::Filter`] →
//! [`plan::Selection`] → SQL; the next page by a signed [`cursor`].

pub mod cursor;
pub mod filter;
pub mod plan;
pub mod read;

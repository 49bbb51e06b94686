//! The incremental way: new answers are folded as the feed gives them.
//!
//! [`person`] is pure and is what both ways share; [`batch`] reads, folds and writes one batch in one
//! transaction; [`worker`] repeats it.

pub mod batch;
pub mod person;
pub mod usage;
pub mod worker;

pub use person::{Answer, Observer, PersonFold};
pub use usage::Usage;

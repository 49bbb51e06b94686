//! The incremental way: new answers are folded as the feed gives them.
//!
//! [`person`] and [`inputs`] are pure and are what both ways share; [`batch`] reads, folds and writes one batch in one
//! transaction; [`worker`] repeats it.

pub mod batch;
pub mod inputs;
pub mod person;
pub mod usage;
pub mod worker;

pub use inputs::{Evaluation, Inputs};
pub use person::{Answer, Folding, Move, Observer, PersonFold};
pub use usage::Usage;

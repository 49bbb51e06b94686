#![doc = include_str!("../README.md")]
//!
//! # The map
//!
//! 1. [`answers`]: what is fitted on ([`Answers`]).
//! 2. [`sequences`]: what of it depends on no parameter, made ready once.
//! 3. [`filter`]: the fold of `mastery` on plain arrays; its log loss.
//! 4. [`items`]: parameters of items, pass after pass.
//! 5. [`constants`]: the constants as variables; [`descent`]: the search.
//! 6. [`fitting`]: the whole ([`fit()`]); [`checkpoint`]: where it stands between two searches.
//! 7. [`scores`]: how good predictions were, [`plot`] their picture; [`compared`]: of two sets of parameters.
//!    [`diagnostics`]: what is odd about items.

pub mod answers;
pub mod checkpoint;
pub mod compared;
pub mod constants;
pub mod descent;
pub mod diagnostics;
pub mod filter;
pub mod fitting;
pub mod items;
pub mod plot;
pub mod scores;
pub mod sequences;
mod threads;

pub use answers::{Answer, Answers, AnswersError, Pupil, Start};
pub use checkpoint::{Checkpoint, Progress};
pub use compared::{Compared, Parameters};
pub use diagnostics::Diagnostics;
pub use fitting::{Attempt, Fitted, HeldOut, Settings, fit, fit_from, low, mixed, usual};
pub use items::Expected;
pub use scores::{Predicted, Reliability, Scores, loss};

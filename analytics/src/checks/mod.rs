//! Whether predictions come true: pure. [`crate::jobs::check`] reads, tallies, judges and keeps.
//!
//! 1. [`tally`]: every prediction with what came of it, summed by day, slice and bin; items by month.
//! 2. [`chance`]: how far such sums may be off where nothing is wrong.
//! 3. [`findings`]: slices that are off by more, and items whose difficulty changed; [`mod@plot`]: the picture of a slice.

pub mod chance;
pub mod findings;
pub mod plot;
pub mod tally;

pub use findings::{Alert, Drift, Judged};
pub use tally::{Bin, Bins, Cell, Dimension, Kinds, Month, Tally, Watching};

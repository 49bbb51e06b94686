//! Jobs: read, compute, check, publish.
//!
//! [`mastery`] makes a new version of all states: [`recompute`] folds the lake's answers as a
//! DataFusion plan, [`rows`] turns states into rows of the lake's table `mastery`, and the feed
//! gives what the lake lacks yet. Before it, [`odd`] looks for answers that may not count. [`as_of`] computes mastery as it was at a
//! time, for the lake alone. They run on threads of their own.
//!
//! [`fit`] proposes items and constants: [`persons`] reads the lake's answers, `gather` puts them by subject. [`check`] counts whether predictions come true.
//! [`service_usage`] counts who used what of the service, from the lake's statements.

pub mod as_of;
mod beside;
pub mod check;
pub mod fit;
mod gather;
pub mod mastery;
pub mod odd;
pub mod persons;
pub mod recompute;
pub mod rows;
pub mod service_usage;

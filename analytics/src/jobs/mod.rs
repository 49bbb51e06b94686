//! Jobs: read, compute, check, publish. One so far.
//!
//! [`mastery`] makes a new version of all states: [`recompute`] folds the lake's answers as a
//! DataFusion plan, [`rows`] turns states into rows of the lake's table `mastery`, and the feed
//! gives what the lake lacks yet. Before it, [`odd`] looks for answers that may not count. They run on threads of their own.

pub mod mastery;
pub mod odd;
pub mod recompute;
pub mod rows;

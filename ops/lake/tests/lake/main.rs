//! Tables on a disk, a database in memory: what the relay makes of the one in the other.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests are not seen as tests, and must fail as loudly"
)]

mod database;
mod former;
mod races;
mod reconcile;
mod relay;
mod rows;
mod sql;
mod table;
mod verify;

#![doc = include_str!("../README.md")]

mod error;
mod location;
mod pool;
mod rebuild;
mod reconcile;
mod relay;
mod shared;
mod snapshot;
mod sql;
mod table;
mod upkeep;
mod verify;

pub use error::LakeError;
pub use location::Lake;
pub use rebuild::{Progress, rebuild};
pub use reconcile::Reconciled;
pub use relay::{Gone, Pace, Piece, Relay, Source};
pub use snapshot::{frame, register, session};
pub use sql::{Limits, Questions, SqlError};
pub use table::{LakeTable, Pending, app_id};
pub use upkeep::Sizes;
pub use verify::{BadFile, Comparison, Difference, Verified, verify};

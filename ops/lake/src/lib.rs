#![doc = include_str!("../README.md")]

mod error;
mod location;
mod relay;
mod snapshot;
mod table;
mod upkeep;

pub use error::LakeError;
pub use location::Lake;
pub use relay::{Gone, Pace, Piece, Relay, Source};
pub use snapshot::{register, session};
pub use table::{LakeTable, app_id};

#![doc = include_str!("../README.md")]

pub mod cases;
pub mod cluster;
pub mod cpu;
pub mod data;
pub mod http;
pub mod limits;
pub mod load;
pub mod report;
pub mod server;

use std::path::PathBuf;

pub use service::histogram;

/// The root of the workspace: all paths start there, wherever the bench is started.
#[must_use]
pub fn workspace_root() -> PathBuf {
    let own = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    own.parent().map(PathBuf::from).unwrap_or(own)
}

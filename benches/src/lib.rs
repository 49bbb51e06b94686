#![doc = include_str!("../README.md")]

pub mod accuracy;
pub mod administration;
pub mod apart;
pub mod baselines;
pub mod bodies;
pub mod cases;
pub mod cluster;
pub mod cpu;
pub mod data;
pub mod engines;
pub mod flood;
pub mod http;
pub mod limits;
pub mod load;
pub mod made;
pub mod national;
pub mod neighbours;
pub mod plot;
pub mod report;
pub mod samples;
pub mod school;
pub mod senders;
pub mod server;
pub mod shapes;
pub mod store;
pub mod stored;
pub mod talk;
pub mod year;

use std::path::PathBuf;

pub use service::histogram;

/// The root of the workspace: all paths start there, wherever the bench is started.
#[must_use]
pub fn workspace_root() -> PathBuf {
    let own = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    own.parent().map(PathBuf::from).unwrap_or(own)
}

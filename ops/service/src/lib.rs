#![doc = include_str!("../README.md")]

pub mod background;
pub mod budget;
pub mod clock;
pub mod config;
pub mod context;
pub mod error;
pub mod histogram;
pub mod http;
pub mod identity;
pub mod pace;
pub mod pg;
pub mod store;
pub mod telemetry;
#[cfg(feature = "testkit")]
pub mod testkit;
pub mod threads;

pub use context::Context;
pub use error::Problem;

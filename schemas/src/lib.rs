#![doc = include_str!("../README.md")]

pub mod catalogue;
pub mod decimal;
mod document;
mod fault;
pub mod framework;
pub mod ids;
pub mod ifi;
pub mod profile;
pub mod strict_json;
pub mod tables;
#[cfg(any(test, feature = "testkit"))]
pub mod testkit;
pub mod time;
pub mod xapi;

pub use fault::Fault;

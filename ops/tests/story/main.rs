//! Stories told to the real binary: a process `sillage up` over a private PostgreSQL and a lake on
//! the local disk, spoken to over HTTP, killed and started again.
//!
//! One test binary, because each one links DataFusion.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests are not seen as tests, and must fail as loudly"
)]

mod answers;
mod attached;
mod bucket;
mod clients;
mod copies;
mod crash;
mod demo;
mod described;
mod faults;
mod fitted;
mod front;
mod harness;
mod horizon;
mod limits;
mod line;
mod loadtest;
mod malformed;
mod memory;
mod mend;
mod raw;
mod readers;
mod restore;
mod scopes;
mod seen;
mod sql;
mod wire;
#[cfg(feature = "cluster")]
mod workers;

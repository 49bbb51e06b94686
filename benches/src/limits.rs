//! The ceilings, measured in the same run as what they limit.

pub mod disk;
pub mod postgres;

//! The model against its reference, its properties, and what may be shown of it.

mod common;
mod explain;
mod fixture;
mod inputs;
mod priors;
mod properties;
mod shown;
mod treatments;
mod voie;

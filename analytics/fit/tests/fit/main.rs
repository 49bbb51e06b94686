//! The fit: its filter is the fold, it finds what made the answers, it takes any shape.

mod common;
mod filter;
mod finds;
mod guessing;
mod retries;
mod shapes;
mod stopped;

//! Analytics over a real PostgreSQL and a real lake: what is folded, recomputed, imported, shown.

mod equal;
mod fold;
mod inputs;
mod recompute;
mod rest;
mod roster;
mod versions;
mod why;
mod world;

//! Analytics over a real PostgreSQL and a real lake: what is folded, recomputed, imported, shown.

mod alarms;
mod as_of;
mod checks;
mod copies;
mod entered;
mod equal;
mod fit;
mod fold;
mod inputs;
mod new_items;
mod odd;
mod recompute;
mod rest;
mod roster;
mod school;
mod service_usage;
mod tagged;
mod versions;
mod why;
mod world;

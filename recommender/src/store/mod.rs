//! The tables of the schema `recommender`, and what is read of `published`: one file per noun, one
//! `.sql` per query. The only place that names tokio-postgres.

pub mod catalogue;
pub mod edition;
pub mod pupils;

use service::pg::Migrations;
pub use service::store::StoreError;

/// The migrations of the schema `recommender`; they run after those of `service`.
pub const MIGRATIONS: Migrations = Migrations {
    schema: "recommender",
    steps: &[
        (
            "0001_recommender",
            include_str!("../../migrations/0001_recommender.sql"),
        ),
        (
            "0002_catalogue_history",
            include_str!("../../migrations/0002_catalogue_history.sql"),
        ),
    ],
};

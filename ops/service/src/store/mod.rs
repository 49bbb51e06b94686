//! The tables of the schema `service`: one file per table, one `.sql` per query.

pub mod credentials;
pub mod installation;

use crate::pg::Migrations;

/// The migrations of the schema `service`; they run before those of any service.
pub const MIGRATIONS: Migrations = Migrations {
    schema: "service",
    steps: &[
        (
            "0001_service",
            include_str!("../../migrations/0001_service.sql"),
        ),
        (
            "0002_credentials",
            include_str!("../../migrations/0002_credentials.sql"),
        ),
        (
            "0003_profile_mode",
            include_str!("../../migrations/0003_profile_mode.sql"),
        ),
    ],
};

/// Why the database gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No connection could be had in time.
    #[error("no connection to PostgreSQL")]
    Pool(#[from] deadpool_postgres::PoolError),
    /// PostgreSQL refused, or the connection broke.
    #[error("PostgreSQL did not answer the query")]
    Query(#[from] tokio_postgres::Error),
}

impl From<StoreError> for crate::Problem {
    fn from(error: StoreError) -> Self {
        crate::Problem::unavailable(&error)
    }
}

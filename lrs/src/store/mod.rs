//! The tables of the schema `lrs`: one file per table, one `.sql` per query. The only place that
//! names tokio-postgres.

pub mod agents;
pub mod attachments;
pub mod definitions;
pub mod dictionaries;
pub mod documents;
pub mod horizon;
pub mod profile_warnings;
pub mod references;
pub mod relay;
pub mod statements;

use std::sync::Arc;

use service::pg::Migrations;
use tokio_postgres::error::{Severity, SqlState};

/// The migrations of the schema `lrs`; they run after those of `service`.
pub const MIGRATIONS: Migrations = Migrations {
    schema: "lrs",
    steps: &[
        (
            "0001_statements",
            include_str!("../../migrations/0001_statements.sql"),
        ),
        (
            "0002_references",
            include_str!("../../migrations/0002_references.sql"),
        ),
        (
            "0003_documents",
            include_str!("../../migrations/0003_documents.sql"),
        ),
        (
            "0004_attachments",
            include_str!("../../migrations/0004_attachments.sql"),
        ),
        (
            "0005_profile_warnings",
            include_str!("../../migrations/0005_profile_warnings.sql"),
        ),
        (
            "0006_fewer_bytes",
            include_str!("../../migrations/0006_fewer_bytes.sql"),
        ),
        (
            "0007_answers_of_an_account",
            include_str!("../../migrations/0007_answers_of_an_account.sql"),
        ),
        (
            "0008_history",
            include_str!("../../migrations/0008_history.sql"),
        ),
        (
            "0009_offline_answers",
            include_str!("../../migrations/0009_offline_answers.sql"),
        ),
    ],
};

/// Why the database did not do what was asked, by what can be done about it.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// No connection could be had: nothing was asked of the database.
    #[error("no connection to PostgreSQL")]
    NoConnection(#[source] Arc<deadpool_postgres::PoolError>),
    /// The connection broke, or the server ended it: whether a commit under way was done is not
    /// known.
    #[error("the connection to PostgreSQL was lost")]
    Lost(#[source] Arc<tokio_postgres::Error>),
    /// Another transaction wrote the same unique key first, or this one was chosen as the victim of
    /// a deadlock: nothing was written, and trying again helps.
    #[error("another transaction was first")]
    Raced(#[source] Arc<tokio_postgres::Error>),
    /// A value that PostgreSQL cannot hold (SQLSTATE class 22): nothing was written.
    #[error("PostgreSQL cannot hold a value")]
    Value(#[source] Arc<tokio_postgres::Error>),
    /// No room, no memory, a cancelled query: nothing was written, later it may work.
    #[error("PostgreSQL has no room")]
    Busy(#[source] Arc<tokio_postgres::Error>),
    /// An entry of a dictionary that was just written is not there: somebody deletes them.
    #[error("an entry of a dictionary vanished")]
    Vanished,
    /// Others kept writing the same document: nothing was written, later it may work.
    #[error("others kept writing the same document")]
    Contended,
    /// Anything else: nothing was written, and this is our fault.
    #[error("PostgreSQL refused a query")]
    Refused(#[source] Arc<tokio_postgres::Error>),
}

impl From<deadpool_postgres::PoolError> for StoreError {
    fn from(error: deadpool_postgres::PoolError) -> Self {
        Self::NoConnection(Arc::new(error))
    }
}

impl From<tokio_postgres::Error> for StoreError {
    fn from(error: tokio_postgres::Error) -> Self {
        let error = Arc::new(error);
        let Some(told) = error.as_db_error() else {
            // What did not come from the server came from the connection, or is a parameter that
            // does not fit its type, which no input can bring about.
            return if error.is_closed()
                || std::error::Error::source(&*error).is_some_and(|s| s.is::<std::io::Error>())
            {
                Self::Lost(error)
            } else {
                Self::Refused(error)
            };
        };
        // A server that shuts down may have committed before it says so.
        let fatal = matches!(
            told.parsed_severity(),
            Some(Severity::Fatal | Severity::Panic)
        );
        let raced = [
            SqlState::UNIQUE_VIOLATION,
            SqlState::T_R_DEADLOCK_DETECTED,
            SqlState::T_R_SERIALIZATION_FAILURE,
        ];
        let class = told.code().code().get(..2).unwrap_or_default();
        match class {
            _ if raced.contains(told.code()) => Self::Raced(error),
            _ if fatal => Self::Lost(error),
            "08" => Self::Lost(error),
            "22" => Self::Value(error),
            "25" | "53" | "55" | "57" | "58" => Self::Busy(error),
            _ => Self::Refused(error),
        }
    }
}

/// The result of a use of a connection, which goes back to the pool or not: one that failed in a
/// way that may leave something behind (a lock of the session, a half-read answer) is closed, never
/// given to the next.
pub(crate) fn settle<T>(
    connection: deadpool_postgres::Object,
    result: Result<T, tokio_postgres::Error>,
) -> Result<T, StoreError> {
    result.map_err(|error| {
        let error = StoreError::from(error);
        if !matches!(error, StoreError::Raced(_) | StoreError::Value(_)) {
            drop(deadpool_postgres::Object::take(connection));
        }
        error
    })
}

#![doc = include_str!("../README.md")]

mod location;
mod relay;
mod snapshot;
mod table;

pub use location::Lake;
pub use relay::{Gone, Pace, Piece, Relay, Source};
pub use snapshot::{register, session};
pub use table::{LakeTable, app_id};

use deltalake::DeltaTableError;
use deltalake::kernel::transaction::{CommitConflictError, TransactionError};

/// Why the lake did not do it.
#[derive(Debug, thiserror::Error)]
pub enum LakeError {
    /// The address is neither a folder that can be made nor an address of object storage.
    #[error("could not use {0} as a place for the lake")]
    Location(String, #[source] DeltaTableError),
    /// Another writer moved the position first: read it again and go on from there.
    #[error("another writer shipped to the table {0} first")]
    Raced(&'static str),
    /// The table was shipped to by another database, or by this one before it was restored.
    #[error(
        "the lake's table {0} holds rows of another database history: nothing is shipped until they are reconciled"
    )]
    OtherHistory(&'static str),
    /// The table's columns are not those that this program writes.
    #[error("the lake's table {0} has other columns than this program writes")]
    Columns(&'static str),
    /// Storage or the table's log failed: no space, no permission, a broken file.
    #[error("the lake's table {table} could not be {what}")]
    Storage {
        /// The table.
        table: &'static str,
        /// `read`, `written`...
        what: &'static str,
        /// What the storage said.
        #[source]
        source: Box<DeltaTableError>,
    },
    /// A query over the lake's files failed.
    #[error("a query over the lake's table {0} failed")]
    Query(&'static str, #[source] datafusion::error::DataFusionError),
}

impl LakeError {
    pub(crate) fn storage(
        table: &'static str,
        what: &'static str,
    ) -> impl FnOnce(DeltaTableError) -> Self {
        move |source| match source {
            DeltaTableError::Transaction {
                source:
                    TransactionError::CommitConflict(CommitConflictError::ConcurrentTransaction),
            } => Self::Raced(table),
            source => Self::Storage {
                table,
                what,
                source: Box::new(source),
            },
        }
    }
}

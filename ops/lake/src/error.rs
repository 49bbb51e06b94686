//! Why the lake did not do it, by what can be done about it.

use std::error::Error;
use std::io;

use deltalake::DeltaTableError;
use deltalake::kernel::transaction::{CommitConflictError, TransactionError};

/// Why the lake did not do it.
#[derive(Debug, thiserror::Error)]
pub enum LakeError {
    /// The folder is not there and cannot be made.
    #[error("could not make the folder {0} of the lake")]
    Folder(String, #[source] io::Error),
    /// The address is not one of object storage that this program knows.
    #[error("could not use {0} as a place for the lake")]
    Location(String, #[source] DeltaTableError),
    /// Another writer was first: read the position again and go on from there.
    #[error("another writer shipped to the table {0} first")]
    Raced(&'static str),
    /// The table was shipped to by another database, or by this one before it was restored.
    #[error("the lake's table {0} holds rows of another database history")]
    OtherHistory(&'static str),
    /// The table is at a position that the database has not reached: the database was put back to an
    /// older state in a way that left no trace in it.
    #[error("the lake's table {table} is at position {shipped}, the database only at {stored}")]
    Ahead {
        /// The table.
        table: &'static str,
        /// The position in the table's log.
        shipped: i64,
        /// The position of the last statement stored.
        stored: i64,
    },
    /// The table's columns are not those that this program writes.
    #[error("the lake's table {0} has other columns than this program writes")]
    Columns(&'static str),
    /// A file of the table's version is not there, or is not as it was written.
    #[error("the file {file} of the lake's table {table}: {why}")]
    File {
        /// The table.
        table: &'static str,
        /// Its place.
        file: String,
        /// What is wrong with it.
        why: String,
    },
    /// No room.
    #[error("there is no room left where the lake's table {0} is")]
    Full(&'static str, #[source] io::Error),
    /// No permission.
    #[error("the lake's table {0} may not be written or read by this user")]
    Forbidden(&'static str, #[source] io::Error),
    /// Storage or the table's log failed in another way.
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
    /// What turns an error of deltalake into ours.
    pub(crate) fn of(
        table: &'static str,
        what: &'static str,
    ) -> impl FnOnce(DeltaTableError) -> Self {
        move |source| {
            if is_race(&source) {
                return Self::Raced(table);
            }
            match of_the_system(&source) {
                Some(error) if is_full(&error) => Self::Full(table, error),
                Some(error) if is_forbidden(&error) => Self::Forbidden(table, error),
                _ => Self::Storage {
                    table,
                    what,
                    source: Box::new(source),
                },
            }
        }
    }
}

/// Whether nothing was done because somebody else did something at the same moment.
fn is_race(error: &DeltaTableError) -> bool {
    let DeltaTableError::Transaction { source } = error else {
        return false;
    };
    match source {
        TransactionError::CommitConflict(conflict) => matches!(
            conflict,
            CommitConflictError::ConcurrentTransaction
                | CommitConflictError::ConcurrentAppend
                | CommitConflictError::ConcurrentDeleteRead
                | CommitConflictError::ConcurrentDeleteDelete
        ),
        TransactionError::MaxCommitAttempts(_) => true,
        _ => false,
    }
}

/// What the operating system said, somewhere behind an error.
fn of_the_system(error: &(dyn Error + 'static)) -> Option<io::Error> {
    let mut next = Some(error);
    while let Some(error) = next {
        let code = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::raw_os_error);
        if let Some(code) = code {
            return Some(io::Error::from_raw_os_error(code));
        }
        next = error.source();
    }
    None
}

fn is_full(error: &io::Error) -> bool {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge)
}

fn is_forbidden(error: &io::Error) -> bool {
    use io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem};
    matches!(error.kind(), PermissionDenied | ReadOnlyFilesystem)
}

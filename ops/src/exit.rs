//! What an exit code means.

use std::io;
use std::process::ExitCode;

use lake::{LakeError, SqlError};
use service::config::ConfigError;
use service::pg::cluster::ClusterError;
use service::pg::{ConnectError, MigrateError};

use crate::client::ClientError;

/// The table of `--help`; a test holds it and [`Code`] together.
pub(crate) const HELP: &str = "\
Exit codes:
   0  done
   1  failed for another reason than those below (validate: a statement is not accepted)
   2  wrong arguments or settings
   3  another Sillage runs on the data folder
   4  the address cannot be listened on (taken, or not ours)
   5  a folder or file cannot be written or read
   6  the disk is full
   7  PostgreSQL is not installed, or did not start or stop
   8  the database was migrated by a newer Sillage
   9  the database cannot be reached
  10  the service cannot be reached, or refused the request
  11  loadtest: a statement that was acknowledged is not there, or there twice
  12  loadtest: requests were refused or not answered
  13  sql: the query takes more time, memory or disk than its limits allow
  14  lake verify: the lake and the database differ
  15  analytics check: predictions do not come true, or items drift";

/// Why the program ended, for scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Code {
    Failed = 1,
    Settings = 2,
    InUse = 3,
    Address = 4,
    Folder = 5,
    DiskFull = 6,
    PostgreSql = 7,
    NewerDatabase = 8,
    Database = 9,
    Service = 10,
    Lost = 11,
    Unanswered = 12,
    Limits = 13,
    Differs = 14,
    Alerts = 15,
}

impl From<Code> for ExitCode {
    fn from(code: Code) -> Self {
        Self::from(code as u8)
    }
}

/// A failure that knows its exit code where its cause does not.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Failure {
    code: Code,
    message: String,
    source: Option<anyhow::Error>,
}

impl Failure {
    /// A failure in one line, without a cause.
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            source: None,
        }
    }

    /// A failure with what caused it.
    pub(crate) fn because(
        code: Code,
        message: impl Into<String>,
        source: impl Into<anyhow::Error>,
    ) -> Self {
        Self {
            code,
            message: message.into(),
            source: Some(source.into()),
        }
    }
}

/// The exit code of an error: of the first in its chain that has one.
pub(crate) fn code(error: &anyhow::Error) -> Code {
    error.chain().find_map(of_one).unwrap_or(Code::Failed)
}

fn of_one(error: &(dyn std::error::Error + 'static)) -> Option<Code> {
    if let Some(failure) = error.downcast_ref::<Failure>() {
        return Some(failure.code);
    }
    if let Some(error) = error.downcast_ref::<ClusterError>() {
        return Some(of_cluster(error));
    }
    if let Some(error) = error.downcast_ref::<MigrateError>() {
        return match error {
            MigrateError::Newer { .. } => Some(Code::NewerDatabase),
            MigrateError::Pool(_) => Some(Code::Database),
            _ => None,
        };
    }
    if error.is::<ConfigError>()
        || error.is::<lrs::config::BadConfig>()
        || error.is::<recommender::config::BadConfig>()
        || error.is::<ConnectError>()
    {
        return Some(Code::Settings);
    }
    if let Some(error) = error.downcast_ref::<ClientError>() {
        return match error {
            ClientError::NoCredential(_)
            | ClientError::CredentialFile { .. }
            | ClientError::Endpoint(_) => Some(Code::Settings),
            _ => Some(Code::Service),
        };
    }
    if let Some(error) = error.downcast_ref::<SqlError>() {
        return match error {
            SqlError::NoLake(_) => Some(Code::Folder),
            SqlError::Question(_) => Some(Code::Settings),
            SqlError::Limits(_) => Some(Code::Limits),
            SqlError::Lake(error) => of_lake(error),
            SqlError::Failed(_) => None,
        };
    }
    if let Some(error) = error.downcast_ref::<LakeError>() {
        return of_lake(error);
    }
    of_io(error.downcast_ref::<io::Error>()?)
}

fn of_lake(error: &LakeError) -> Option<Code> {
    match error {
        LakeError::Location(..) => Some(Code::Settings),
        LakeError::Forbidden(..) | LakeError::Folder(..) => Some(Code::Folder),
        LakeError::Full(..) => Some(Code::DiskFull),
        _ => None,
    }
}

fn of_cluster(error: &ClusterError) -> Code {
    match error {
        ClusterError::InUse { .. } => Code::InUse,
        ClusterError::NotWritable { .. }
        | ClusterError::NotReadable { .. }
        | ClusterError::Unreachable { .. } => Code::Folder,
        ClusterError::DiskFull { .. } => Code::DiskFull,
        ClusterError::NotRunning { .. } => Code::Database,
        ClusterError::Cancelled => Code::Failed,
        _ => Code::PostgreSql,
    }
}

fn of_io(error: &io::Error) -> Option<Code> {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Some(Code::DiskFull),
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Some(Code::Folder),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_in_the_help() {
        for code in [
            Code::Failed,
            Code::Settings,
            Code::InUse,
            Code::Address,
            Code::Folder,
            Code::DiskFull,
            Code::PostgreSql,
            Code::NewerDatabase,
            Code::Database,
            Code::Service,
            Code::Lost,
            Code::Unanswered,
            Code::Limits,
            Code::Differs,
            Code::Alerts,
        ] {
            let number = format!("{:>4}  ", code as u8);
            assert!(
                HELP.lines().any(|line| line.starts_with(&number)),
                "{code:?}"
            );
        }
    }

    #[test]
    fn the_first_cause_with_a_code_gives_it() {
        let full = io::Error::from(io::ErrorKind::StorageFull);
        let error = anyhow::Error::from(full).context("could not write");
        assert_eq!(code(&error), Code::DiskFull);
        let denied = anyhow::Error::from(io::Error::from(io::ErrorKind::PermissionDenied));
        let failure = Failure::because(Code::Address, "could not listen", denied);
        assert_eq!(code(&failure.into()), Code::Address);
        let config = lrs::config::BadConfig::PublicUrl("nowhere".to_owned());
        assert_eq!(code(&config.into()), Code::Settings);
        assert_eq!(code(&anyhow::anyhow!("other")), Code::Failed);
    }
}

//! Why there is no cluster: each message is one line that says what to do.

use std::io;
use std::path::{Path, PathBuf};

/// Why a cluster could not be made, started, reached or stopped.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// There is no PostgreSQL on this machine that would do.
    #[error(
        "no PostgreSQL 15 to 18 found: install the package postgresql (Debian: apt-get install postgresql), or set database.bin to the folder of its programs, or DATABASE_URL to a server"
    )]
    NoPrograms,
    /// The cluster was made by another major version than those installed.
    #[error(
        "the cluster in {} was made by PostgreSQL {made}, which is not installed (found: {found}): install the package postgresql-{made}",
        folder.display()
    )]
    Version {
        /// The cluster's folder.
        folder: PathBuf,
        /// The version that made it.
        made: u32,
        /// The versions that are installed, for people.
        found: String,
    },
    /// Another process runs on the data folder.
    #[error("{} is in use by {holder}", folder.display())]
    InUse {
        /// The data folder.
        folder: PathBuf,
        /// The command and process id that hold it.
        holder: String,
    },
    /// A file or folder cannot be written.
    #[error("{} is not writable", path.display())]
    NotWritable {
        /// What could not be written.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file or folder cannot be read.
    #[error("{} is not readable", path.display())]
    NotReadable {
        /// What could not be read.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// There is no room left.
    #[error("the disk of {} is full", path.display())]
    DiskFull {
        /// What could not be written.
        path: PathBuf,
    },
    /// A file of ours does not hold what we wrote.
    #[error("{} is damaged: {detail}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        detail: String,
    },
    /// The cluster belongs to another data folder.
    #[error(
        "the cluster in {} belongs to the data folder {}: a data folder that was copied needs a cluster of its own (remove postgres.json from the copy)",
        folder.display(), owner.display()
    )]
    Foreign {
        /// The cluster's folder.
        folder: PathBuf,
        /// Whose it is.
        owner: PathBuf,
    },
    /// Root needs another user to run PostgreSQL as.
    #[error(
        "PostgreSQL does not run as root, and there is neither a user postgres nor a user nobody: create one"
    )]
    NoUser,
    /// The user that PostgreSQL runs as cannot reach the cluster's folder.
    #[error("the user {user} cannot reach {}", folder.display())]
    Unreachable {
        /// The user.
        user: String,
        /// The folder.
        folder: PathBuf,
    },
    /// A program could not be run at all.
    #[error("could not run {} as {user}", program.display())]
    Run {
        /// The program.
        program: PathBuf,
        /// As whom.
        user: String,
        /// What the system says.
        source: io::Error,
    },
    /// PostgreSQL would not make the cluster.
    #[error("could not make a cluster in {}: {detail}", folder.display())]
    Init {
        /// The cluster's folder.
        folder: PathBuf,
        /// PostgreSQL's own words.
        detail: String,
    },
    /// PostgreSQL would not start.
    #[error("PostgreSQL did not start: {detail} (see {})", log.display())]
    Start {
        /// PostgreSQL's own words.
        detail: String,
        /// Where it says more.
        log: PathBuf,
    },
    /// PostgreSQL would not stop.
    #[error("PostgreSQL (process {pid}) did not stop")]
    Stop {
        /// Its process id.
        pid: u32,
    },
    /// Nothing runs on the data folder.
    #[error("no Sillage runs on {}: start `sillage up` there, or set DATABASE_URL", data.display())]
    NotRunning {
        /// The data folder.
        data: PathBuf,
    },
    /// The start was broken off by the operator.
    #[error("the start was broken off")]
    Cancelled,
}

/// A failed write, told as what the operator can do about it.
pub(super) fn write_error(path: &Path, source: io::Error) -> ClusterError {
    match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ClusterError::DiskFull {
            path: path.to_owned(),
        },
        _ => ClusterError::NotWritable {
            path: path.to_owned(),
            source,
        },
    }
}

/// A failed read.
pub(super) fn read_error(path: &Path, source: io::Error) -> ClusterError {
    ClusterError::NotReadable {
        path: path.to_owned(),
        source,
    }
}

//! The private PostgreSQL cluster of a data folder.
//!
//! ```text
//! DIR/lock                    who runs on the folder: [`DataFolder`]
//! DIR/postgres.json           where the cluster is, its passwords (0600): [`place`]
//! DIR/postgres.log            what PostgreSQL says
//! DIR/postgres/               given to the account that runs PostgreSQL: [`account`]
//!     owner.json              whose cluster this is
//!     data/                   PGDATA: made whole or not at all: [`init`]
//!     run/                    the Unix socket; no TCP port is opened
//! ```
//!
//! Started as root, PostgreSQL runs as another user; where that user cannot reach `DIR`, the
//! folder `postgres` alone lies at `/var/lib/sillage/<hash of DIR>`.
//!
//! Everything here blocks: call it from `spawn_blocking`. PostgreSQL is a child in a process group
//! of its own, so that Ctrl-C reaches Sillage alone, which stops PostgreSQL once it has drained.
//! When Sillage is killed, PostgreSQL lives on; the next start finds it by its folder, stops it and
//! starts its own: `postmaster`.

mod account;
mod binaries;
mod error;
mod folder;
mod init;
mod place;
mod postmaster;

use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

pub use error::ClusterError;
pub use folder::DataFolder;

use account::Account;
use place::Place;
use postmaster::Postmaster;

/// The application's role and database: neither has rights over anything else in the cluster.
const APPLICATION: &str = "sillage";

/// The cluster's superuser: makes the role and the database, then serves the operator alone.
const SUPERUSER: &str = "postgres";

/// How long a fast shutdown may take before an immediate one: it writes a checkpoint.
const STOP_WITHIN: Duration = Duration::from_secs(60);

/// What may be chosen about a cluster.
#[derive(Clone, Debug)]
pub struct ClusterSettings {
    /// Where PostgreSQL's programs are; `None` looks for them.
    pub bin: Option<PathBuf>,
    /// Whether a commit survives a loss of power. Off only where the data is thrown away.
    pub durable: bool,
}

impl Default for ClusterSettings {
    fn default() -> Self {
        Self {
            bin: None,
            durable: true,
        }
    }
}

/// How to reach the cluster. `Debug` hides the passwords.
#[derive(Clone)]
pub struct Access {
    socket: PathBuf,
    port: u16,
    superuser_password: String,
    password: String,
}

impl Access {
    /// The address of the application's database as the application's role.
    #[must_use]
    pub fn url(&self) -> String {
        self.address(APPLICATION, &self.password, APPLICATION)
    }

    /// The address of any database as the application's role.
    #[must_use]
    pub fn url_of(&self, database: &str) -> String {
        self.address(APPLICATION, &self.password, database)
    }

    /// The address of any database as the superuser, which the application never uses.
    #[must_use]
    pub fn superuser_url(&self, database: &str) -> String {
        self.address(SUPERUSER, &self.superuser_password, database)
    }

    /// The folder of the Unix socket.
    #[must_use]
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    fn address(&self, user: &str, password: &str, database: &str) -> String {
        use percent_encoding::{NON_ALPHANUMERIC, percent_encode};
        use std::os::unix::ffi::OsStrExt as _;
        let host = percent_encode(self.socket.as_os_str().as_bytes(), NON_ALPHANUMERIC);
        format!(
            "postgresql://{user}:{password}@{host}:{}/{database}",
            self.port
        )
    }
}

impl std::fmt::Debug for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Access")
            .field("socket", &self.socket)
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}

/// A running cluster. Dropping it stops it.
#[derive(Debug)]
pub struct Cluster {
    postmaster: Option<Postmaster>,
    access: Access,
    folder: PathBuf,
}

impl Cluster {
    /// Starts the cluster of `folder`, making it first if there is none, and waits until it
    /// answers. A server left behind by a process that was killed is stopped before.
    pub fn start(
        folder: &DataFolder,
        settings: &ClusterSettings,
        cancelled: &CancellationToken,
    ) -> Result<Self, ClusterError> {
        let account = Account::choose()?;
        let place = Place::of(folder, &account)?;
        let found = binaries::find(settings.bin.as_deref());
        let programs = match place.version()? {
            Some(major) => binaries::of_version(found, major, &place)?,
            None => binaries::any(found)?,
        };
        postmaster::stop_leftovers(&place, &account)?;
        if !place.is_made() {
            init::make(&place, &programs, &account, settings)?;
        }
        let port = init::configure(&place, &account, settings)?;
        let postmaster = Postmaster::start(&place, &programs, &account, cancelled)?;
        Ok(Self {
            access: place.access(port),
            folder: place.folder().to_owned(),
            postmaster: Some(postmaster),
        })
    }

    /// How to reach the cluster that another process runs on the data folder `data`.
    pub fn attach(data: &Path) -> Result<Access, ClusterError> {
        let place = Place::existing(data)?;
        let port = postmaster::ready_on(&place)?;
        Ok(place.access(port))
    }

    /// How to reach it.
    #[must_use]
    pub fn access(&self) -> &Access {
        &self.access
    }

    /// The folder given to PostgreSQL: inside the data folder, or under `/var/lib/sillage`.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The process id of the postmaster.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.postmaster.as_ref().map(Postmaster::pid)
    }

    /// How PostgreSQL ended, if it did without being asked to.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.postmaster.as_mut().and_then(Postmaster::ended)
    }

    /// Stops PostgreSQL: fast (transactions roll back, a checkpoint is written), and if that takes
    /// more than a minute at once, which the next start recovers from.
    pub fn stop(mut self) -> Result<(), ClusterError> {
        match self.postmaster.take() {
            Some(mut postmaster) => postmaster.stop(STOP_WITHIN),
            None => Ok(()),
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Some(mut postmaster) = self.postmaster.take()
            && let Err(error) = postmaster.stop(STOP_WITHIN)
        {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "PostgreSQL did not stop"
            );
        }
    }
}

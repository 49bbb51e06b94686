//! Where a data folder's cluster lies, whose it is, and its passwords.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rand::RngCore as _;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::account::Account;
use super::error::{read_error, write_error};
use super::{Access, ClusterError, DataFolder, postmaster};

/// Where clusters go whose data folder PostgreSQL's user cannot reach.
const ELSEWHERE: &str = "/var/lib/sillage";

/// The name inside the data folder.
const INSIDE: &str = "postgres";

/// The longest path of a Unix socket is 107 bytes; its name takes `/.s.PGSQL.5432.lock`'s 19.
const SOCKET_FOLDER_MAX_BYTES: usize = 107 - 19;

/// `DIR/postgres.json`: what the owner of the data folder knows of its cluster.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    /// Names the cluster; the same in its `owner.json`.
    id: String,
    /// The cluster's folder: a name inside the data folder, or an absolute path.
    folder: PathBuf,
    /// The superuser's password.
    superuser_password: String,
    /// The application's password.
    password: String,
}

/// `owner.json` in the cluster's folder: whose it is.
#[derive(Serialize, Deserialize)]
struct Owner {
    id: String,
    data: PathBuf,
}

/// A data folder's cluster, made or yet to be made.
pub(super) struct Place {
    data: PathBuf,
    folder: PathBuf,
    record: Record,
}

impl Place {
    /// The cluster's place, as chosen at the first start; chosen now if this is the first.
    pub(super) fn of(data: &DataFolder, account: &Account) -> Result<Self, ClusterError> {
        let place = match read_record(data.path())? {
            Some(record) => Self::at(data.path(), record),
            None => Self::choose(data.path(), account)?,
        };
        account.make_folder(&place.folder)?;
        place.claim(account)?;
        if !account.reaches(&place.folder) {
            return Err(ClusterError::Unreachable {
                user: account.name().to_owned(),
                folder: place.folder,
            });
        }
        Ok(place)
    }

    /// The place of a cluster that was made before.
    pub(super) fn existing(data: &Path) -> Result<Self, ClusterError> {
        let not_running = || ClusterError::NotRunning {
            data: data.to_owned(),
        };
        let path = data.canonicalize().map_err(|_| not_running())?;
        let record = read_record(&path)?.ok_or_else(not_running)?;
        let place = Self::at(&path, record);
        place.check_owner()?;
        Ok(place)
    }

    fn at(data: &Path, record: Record) -> Self {
        Self {
            data: data.to_owned(),
            // An absolute path replaces what it is joined to.
            folder: data.join(&record.folder),
            record,
        }
    }

    /// Chooses and writes down the place: first of all, so that a start that is broken off leaves
    /// nothing that the next does not know.
    fn choose(data: &Path, account: &Account) -> Result<Self, ClusterError> {
        let folder = if Self::fits_inside(data, account)? {
            PathBuf::from(INSIDE)
        } else {
            let folder = elsewhere(data)?;
            tracing::info!(
                "the user {} cannot reach {}: the PostgreSQL cluster, and nothing else, goes to {}",
                account.name(),
                data.display(),
                folder.display()
            );
            folder
        };
        let record = Record {
            id: random(),
            folder,
            superuser_password: random(),
            password: random(),
        };
        write_record(data, &record)?;
        Ok(Self::at(data, record))
    }

    /// Whether the account can use a folder inside the data folder.
    fn fits_inside(data: &Path, account: &Account) -> Result<bool, ClusterError> {
        let inside = data.join(INSIDE);
        account.make_folder(&inside)?;
        if account.reaches(&inside) {
            return Ok(true);
        }
        // It was made just now, or is an empty one of a start that was broken off.
        let _ = fs::remove_dir(&inside);
        Ok(false)
    }

    /// Makes sure that the cluster's folder is this data folder's, and says so in it.
    fn claim(&self, account: &Account) -> Result<(), ClusterError> {
        self.check_owner()?;
        let owner = Owner {
            id: self.record.id.clone(),
            data: self.data.clone(),
        };
        let text = serde_json::to_string(&owner).expect("two strings are JSON");
        account.write_file(&self.folder.join("owner.json"), &text)
    }

    /// Refuses a cluster of another data folder: a copy of `postgres.json` names the same cluster.
    /// A data folder that was moved keeps its cluster.
    fn check_owner(&self) -> Result<(), ClusterError> {
        let Some(owner) = read_owner(&self.folder)? else {
            return Ok(());
        };
        let inside = self
            .folder
            .canonicalize()
            .is_ok_and(|folder| folder == self.data.join(INSIDE));
        let ours = owner.id == self.record.id
            && (owner.data == self.data || inside || !still_there(&owner));
        if ours {
            return Ok(());
        }
        Err(ClusterError::Foreign {
            folder: self.folder.clone(),
            owner: owner.data,
        })
    }

    /// The folder given to PostgreSQL.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The data folder.
    pub(super) fn data(&self) -> &Path {
        &self.data
    }

    /// PGDATA.
    pub(super) fn pgdata(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// PostgreSQL's log.
    pub(super) fn log(&self) -> PathBuf {
        self.data.join("postgres.log")
    }

    /// Whether the cluster was made: PGDATA gets its name once it is whole.
    pub(super) fn is_made(&self) -> bool {
        self.pgdata().join("PG_VERSION").is_file()
    }

    /// The major version that made the cluster; `None` when there is no cluster yet.
    pub(super) fn version(&self) -> Result<Option<u32>, ClusterError> {
        if !self.is_made() {
            return Ok(None);
        }
        let path = self.pgdata().join("PG_VERSION");
        let text = fs::read_to_string(&path).map_err(|error| read_error(&path, error))?;
        text.trim()
            .parse()
            .map(Some)
            .map_err(|_| ClusterError::Damaged {
                path,
                detail: "no version number".to_owned(),
            })
    }

    pub(super) fn superuser_password(&self) -> &str {
        &self.record.superuser_password
    }

    pub(super) fn password(&self) -> &str {
        &self.record.password
    }

    /// Makes and names the folder of the Unix socket: in the cluster's folder where the path is
    /// short enough for a socket, else in `/tmp`. In `/tmp` anybody may have made a folder of that
    /// name before us: it must be the account's own.
    pub(super) fn make_socket_folder(&self, account: &Account) -> Result<PathBuf, ClusterError> {
        let folder = self.socket_folder();
        account.script(
            r#"[ -d "$1" ] || mkdir "$1"; [ ! -L "$1" ] && [ -O "$1" ] && chmod 700 "$1""#,
            &[&folder],
            "",
        )?;
        Ok(folder)
    }

    pub(super) fn socket_folder(&self) -> PathBuf {
        let folder = self.folder.join("run");
        if folder.as_os_str().len() <= SOCKET_FOLDER_MAX_BYTES {
            return folder;
        }
        let named = format!("{} {}", self.record.id, self.folder.display());
        let hash = hex::encode(&Sha256::digest(named.as_bytes())[..8]);
        PathBuf::from(format!("/tmp/sillage-{hash}"))
    }

    /// How to reach the cluster on `port`.
    pub(super) fn access(&self, port: u16) -> Access {
        Access {
            socket: self.socket_folder(),
            port,
            superuser_password: self.record.superuser_password.clone(),
            password: self.record.password.clone(),
        }
    }
}

/// The folder for the cluster of a data folder that PostgreSQL's user cannot reach.
///
/// A cluster may lie there already, of a data folder of the same name that was removed: it is put
/// aside, whole, because nobody asked to remove it and nobody may go on with it unasked.
fn elsewhere(data: &Path) -> Result<PathBuf, ClusterError> {
    use std::os::unix::ffi::OsStrExt as _;
    let root = Path::new(ELSEWHERE);
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o711)
        .create(root)
        .map_err(|error| write_error(root, error))?;
    let hash = hex::encode(&Sha256::digest(data.as_os_str().as_bytes())[..8]);
    let folder = root.join(&hash);
    let Some(former) = read_owner(&folder)? else {
        return Ok(folder);
    };
    if former.data != data {
        return Err(ClusterError::Foreign {
            folder,
            owner: former.data,
        });
    }
    postmaster::stop_all_in(&folder.join("data"))?;
    let aside = root.join(format!("{hash}.{}", former.id.get(..8).unwrap_or("old")));
    fs::rename(&folder, &aside).map_err(|error| write_error(&folder, error))?;
    tracing::warn!(
        "the cluster of a removed data folder of the same name was put aside: {}; remove it when its data is not needed",
        aside.display()
    );
    Ok(folder)
}

/// Whether the data folder that an owner's mark names still claims the cluster.
fn still_there(owner: &Owner) -> bool {
    read_record(&owner.data)
        .ok()
        .flatten()
        .is_some_and(|record| record.id == owner.id)
}

fn read_owner(folder: &Path) -> Result<Option<Owner>, ClusterError> {
    read_json(&folder.join("owner.json"))
}

fn read_record(data: &Path) -> Result<Option<Record>, ClusterError> {
    read_json(&data.join("postgres.json"))
}

fn read_json<T: for<'a> Deserialize<'a>>(path: &Path) -> Result<Option<T>, ClusterError> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(read_error(path, error)),
    };
    serde_json::from_str(&text)
        .map(Some)
        .map_err(|error| ClusterError::Damaged {
            path: path.to_owned(),
            // Where, not what: the file holds passwords.
            detail: format!("line {}, column {}", error.line(), error.column()),
        })
}

/// Written beside and renamed, so that it is there whole or not at all.
fn write_record(data: &Path, record: &Record) -> Result<(), ClusterError> {
    let path = data.join("postgres.json");
    let fresh = data.join("postgres.json.new");
    let text = serde_json::to_string_pretty(record).expect("strings are JSON");
    let write = || {
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&fresh)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&fresh, &path)?;
        fs::File::open(data)?.sync_all()
    };
    write().map_err(|error| write_error(&path, error))
}

/// 256 random bits in hexadecimal digits: safe in SQL, in addresses and in file names.
fn random() -> String {
    let mut bytes = [0_u8; 32];
    rand::rng().fill_bytes(&mut bytes);
    hex::encode(bytes)
}

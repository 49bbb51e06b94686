//! The private cluster: made once, found again, never shared, never as root.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use service::pg;
use service::pg::cluster::{Cluster, ClusterError, ClusterSettings, DataFolder};
use tokio_util::sync::CancellationToken;

/// A data folder that PostgreSQL's user can reach, and what runs on it.
struct Installation {
    data: PathBuf,
    _dir: tempfile::TempDir,
}

impl Installation {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        Self {
            data: dir.path().join("var"),
            _dir: dir,
        }
    }

    fn lock(&self) -> DataFolder {
        DataFolder::lock(&self.data, "sillage up", Duration::ZERO).unwrap()
    }
}

fn start(folder: &DataFolder) -> Result<Cluster, ClusterError> {
    let settings = ClusterSettings {
        durable: false,
        ..ClusterSettings::default()
    };
    Cluster::start(folder, &settings, &CancellationToken::new())
}

/// The first column of the first row, as text; statements before the last `;` have none.
fn ask(url: &str, sql: &str) -> Result<String, String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let pool = pg::pool(url, 1).unwrap();
        let client = pool.get().await.map_err(|error| format!("{error:?}"))?;
        let messages = client
            .simple_query(sql)
            .await
            .map_err(|error| format!("{error:?}"))?;
        let row = messages.into_iter().find_map(|message| match message {
            tokio_postgres::SimpleQueryMessage::Row(row) => {
                Some(row.get(0).unwrap_or_default().to_owned())
            }
            _ => None,
        });
        Ok(row.unwrap_or_default())
    })
}

fn runs(pid: u32) -> bool {
    // The process of a dead one that nobody asked about yet stands nowhere.
    fs::read_link(format!("/proc/{pid}/cwd")).is_ok()
}

#[test]
fn a_cluster_is_made_safe_and_keeps_its_rows() {
    let installation = Installation::new();
    let folder = installation.lock();
    let cluster = start(&folder).unwrap();
    let url = cluster.access().url();
    for (sql, wanted) in [
        ("show data_checksums", "on"),
        ("show server_encoding", "UTF8"),
        ("show listen_addresses", ""),
        ("show password_encryption", "scram-sha-256"),
        (
            "select current_user || ' in ' || current_database()",
            "sillage in sillage",
        ),
        (
            "select rolsuper or rolcreaterole or rolcreatedb from pg_roles where rolname = current_user",
            "f",
        ),
        (
            "create table kept (x int); insert into kept values (7); select x from kept",
            "7",
        ),
    ] {
        assert_eq!(ask(&url, sql).unwrap(), wanted, "{sql}");
    }
    let wrong = url.replacen("sillage:", "sillage:x", 1);
    assert!(
        ask(&wrong, "select 1").unwrap_err().contains("password"),
        "scram is asked for"
    );

    let owner = fs::metadata(cluster.folder()).unwrap();
    assert_ne!(owner.uid(), 0, "PostgreSQL never runs as root");
    assert_eq!(owner.mode() & 0o777, 0o700);
    let process = fs::metadata(format!("/proc/{}", cluster.pid().unwrap())).unwrap();
    assert_eq!(process.uid(), owner.uid());
    for secret in ["postgres.json", "postgres.log", "lock"] {
        let file = fs::metadata(installation.data.join(secret)).unwrap();
        assert_eq!(file.mode() & 0o777, 0o600, "{secret}");
    }

    let pid = cluster.pid().unwrap();
    cluster.stop().unwrap();
    assert!(!runs(pid));
    let again = start(&folder).unwrap();
    assert_eq!(
        ask(&again.access().url(), "select x from kept").unwrap(),
        "7"
    );
}

#[test]
fn what_a_killed_process_left_behind_is_stopped() {
    let installation = Installation::new();
    let folder = installation.lock();
    let cluster = start(&folder).unwrap();
    let left = cluster.pid().unwrap();
    ask(
        &cluster.access().url(),
        "create table kept (x int); insert into kept values (7)",
    )
    .unwrap();
    // As SIGKILL would have it: nothing is stopped, and the lock goes with the process.
    std::mem::forget(cluster);
    drop(folder);

    let folder = installation.lock();
    let cluster = start(&folder).unwrap();
    assert!(!runs(left));
    assert_ne!(cluster.pid().unwrap(), left);
    assert_eq!(
        ask(&cluster.access().url(), "select x from kept").unwrap(),
        "7"
    );
}

#[test]
fn a_postmaster_that_was_killed_too_is_recovered_from() {
    let installation = Installation::new();
    let folder = installation.lock();
    // Durable: what was committed is there after this, too.
    let durable = ClusterSettings::default();
    let never = CancellationToken::new();
    let cluster = Cluster::start(&folder, &durable, &never).unwrap();
    ask(
        &cluster.access().url(),
        "create table kept (x int); insert into kept values (7)",
    )
    .unwrap();
    let pid = i32::try_from(cluster.pid().unwrap()).unwrap();
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    drop(cluster);
    // Its files name a process that lives and is not PostgreSQL: this one.
    let stale = installation.data.join("postgres/data/postmaster.pid");
    fs::write(&stale, format!("{}\n/x\n1\n5432\n/x\n", std::process::id())).unwrap();

    let cluster = start(&folder).unwrap();
    assert_eq!(
        ask(&cluster.access().url(), "select x from kept").unwrap(),
        "7"
    );
}

#[test]
fn a_start_that_was_broken_off_leaves_nothing_running_and_the_next_one_works() {
    let installation = Installation::new();
    let folder = installation.lock();
    let cancelled = CancellationToken::new();
    cancelled.cancel();
    let error = Cluster::start(&folder, &ClusterSettings::default(), &cancelled).unwrap_err();
    assert!(matches!(error, ClusterError::Cancelled), "{error}");
    let pgdata = installation.data.join("postgres/data");
    assert!(!pgdata.join("postmaster.pid").exists());
    // Half of another cluster, as an initdb that was killed leaves it.
    fs::create_dir(installation.data.join("postgres/data.new.1")).unwrap();
    start(&folder).unwrap();
}

#[test]
fn others_reach_a_cluster_only_while_it_runs() {
    let installation = Installation::new();
    let nobody = Cluster::attach(&installation.data).unwrap_err();
    assert!(
        matches!(nobody, ClusterError::NotRunning { .. }),
        "{nobody}"
    );
    let folder = installation.lock();
    let cluster = start(&folder).unwrap();
    let access = Cluster::attach(&installation.data).unwrap();
    assert_eq!(ask(&access.url(), "select 1").unwrap(), "1");
    cluster.stop().unwrap();
    let stopped = Cluster::attach(&installation.data).unwrap_err();
    assert!(
        matches!(stopped, ClusterError::NotRunning { .. }),
        "{stopped}"
    );
}

#[test]
fn two_folders_never_share_a_cluster() {
    let first = Installation::new();
    let folder = first.lock();
    let cluster = start(&folder).unwrap();
    // A copy that names the first one's cluster, as it would if that lay outside of the folder.
    let second = Installation::new();
    let copy = second.lock();
    let text = fs::read_to_string(first.data.join("postgres.json")).unwrap();
    let mut record: serde_json::Value = serde_json::from_str(&text).unwrap();
    record["folder"] = cluster.folder().to_str().unwrap().into();
    fs::write(second.data.join("postgres.json"), record.to_string()).unwrap();
    let error = start(&copy).unwrap_err();
    assert!(
        matches!(&error, ClusterError::Foreign { owner, .. } if *owner == canonical(&first.data)),
        "{error}"
    );
    assert_eq!(ask(&cluster.access().url(), "select 1").unwrap(), "1");
}

fn canonical(path: &Path) -> PathBuf {
    path.canonicalize().unwrap()
}

#[test]
fn a_path_too_long_for_a_socket_is_fine() {
    let mut installation = Installation::new();
    installation.data = installation.data.join("x".repeat(100));
    let folder = installation.lock();
    let cluster = start(&folder).unwrap();
    assert_eq!(ask(&cluster.access().url(), "select 1").unwrap(), "1");
    let socket = cluster.access().socket().to_owned();
    cluster.stop().unwrap();
    fs::remove_dir_all(socket).unwrap();
}

#[test]
fn without_postgresql_one_line_says_what_to_install() {
    let installation = Installation::new();
    let settings = ClusterSettings {
        bin: Some(PathBuf::from("/nowhere")),
        ..ClusterSettings::default()
    };
    let error = Cluster::start(&installation.lock(), &settings, &CancellationToken::new())
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("apt-get install postgresql") && !error.contains('\n'),
        "{error}"
    );
}

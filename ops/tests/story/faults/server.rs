//! A PostgreSQL of our own, which can be killed, and databases in it.

use std::cell::RefCell;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use service::identity::{Grant, NewCredential, Scope};
use service::pg::cluster::{Access, Cluster, ClusterSettings, DataFolder};
use service::pg::{self, Pool};
use tempfile::TempDir;
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;

/// A database at this program's schema with a credential in it, that runs begin from.
const TEMPLATE: &str = "runs_begin_here";

/// The server. Dropped, it is stopped and removed.
pub(super) struct Server {
    cluster: RefCell<Option<Cluster>>,
    access: Access,
    folder: Arc<DataFolder>,
    pub(super) key: String,
    pub(super) secret: String,
    /// Last, so that it goes last.
    _place: TempDir,
}

impl Server {
    pub(super) async fn start() -> Self {
        let place = tempfile::tempdir().unwrap();
        // Another user runs PostgreSQL where the tests run as root, and must be able to walk through.
        std::fs::set_permissions(place.path(), std::fs::Permissions::from_mode(0o711)).unwrap();
        let folder = DataFolder::lock(place.path(), "a test", Duration::ZERO).unwrap();
        let folder = Arc::new(folder);
        let cluster = start(&folder).await;
        let access = cluster.access().clone();
        let credential = NewCredential::random();
        let server = Self {
            cluster: RefCell::new(Some(cluster)),
            access,
            folder,
            key: credential.key.clone(),
            secret: credential.reveal_secret().to_owned(),
            _place: place,
        };
        server.create(TEMPLATE, "template0").await;
        let pool = server.pool(TEMPLATE);
        let sets = [
            service::store::MIGRATIONS,
            lrs::MIGRATIONS,
            analytics::MIGRATIONS,
            recommender::MIGRATIONS,
        ];
        pg::migrate(&pool, &sets).await.unwrap();
        let grant = Grant::of(&[Scope::All], "faults");
        let inserted = service::store::credentials::insert(&pool, &credential, &grant);
        inserted.await.unwrap();
        // A database is copied only while nobody is connected to it.
        pool.close();
        server
    }

    /// A database of its own for a run.
    pub(super) async fn database(&self, name: &str) {
        self.create(name, TEMPLATE).await;
    }

    /// Removes the database of a run.
    pub(super) async fn drop(&self, name: &str) {
        self.as_superuser(&format!("drop database {name} with (force)"))
            .await;
    }

    async fn create(&self, name: &str, template: &str) {
        self.as_superuser(&format!(
            "create database {name} owner sillage template {template} strategy file_copy"
        ))
        .await;
    }

    async fn as_superuser(&self, sql: &str) {
        let pool = pg::pool(&self.access.superuser_url("postgres"), 1).unwrap();
        pool.get().await.unwrap().batch_execute(sql).await.unwrap();
    }

    /// The address of a database.
    pub(super) fn url(&self, name: &str) -> String {
        self.access.url_of(name)
    }

    /// Connections to a database.
    pub(super) fn pool(&self, name: &str) -> Pool {
        pg::pool(&self.url(name), 2).unwrap()
    }

    /// Kills it without notice, and starts it again after a moment, at the same address.
    pub(super) async fn kill(&self, down: Duration) {
        let mut killed = self.cluster.borrow_mut().take().unwrap();
        let pid = i32::try_from(killed.pid().unwrap()).unwrap();
        kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
        while killed.ended().is_none() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        drop(killed);
        tokio::time::sleep(down).await;
        let again = start(&self.folder).await;
        assert_eq!(again.access().url(), self.access.url());
        self.cluster.replace(Some(again));
    }
}

async fn start(folder: &Arc<DataFolder>) -> Cluster {
    let folder = Arc::clone(folder);
    let starting = spawn_blocking(move || {
        Cluster::start(
            &folder,
            &ClusterSettings::default(),
            &CancellationToken::new(),
        )
    });
    starting.await.unwrap().unwrap()
}

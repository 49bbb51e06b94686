//! A private PostgreSQL for the tests of this process, and fresh databases in it.
//!
//! The cluster starts with the first test that asks for it and goes with the process, however it
//! ends: [`guardian`]. A set of migrations is run once, in a template; each test gets a copy.
//! When PostgreSQL cannot be started the test fails with one line; it is never skipped.

mod guardian;
mod issuer;

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use crate::context::{Context, InstallationSecret};
use crate::identity::{Grant, NewCredential, Scope};
use crate::pg::cluster::{Access, Cluster, ClusterSettings, DataFolder};
use crate::pg::{self, Migrations, Pool};
use crate::store;

use guardian::Guardian;

pub use issuer::{Algorithm, TestIssuer};

/// Connections of one test at most: the cluster takes 100, and tests run side by side.
const POOL_MAX: usize = 10;

/// A database that is this test's alone: migrated, empty, gone with the process.
#[derive(Debug)]
pub struct TestDb {
    name: String,
    url: String,
    pool: Pool,
}

impl TestDb {
    /// A fresh database at the given sets of migrations; those of the schema `service` come first,
    /// named or not.
    ///
    /// # Panics
    /// When PostgreSQL cannot be started or a migration fails: the test fails.
    pub async fn new(sets: &[Migrations]) -> Self {
        Self::try_new(sets)
            .await
            .unwrap_or_else(|error| panic!("no test database: {error:#}"))
    }

    async fn try_new(sets: &[Migrations]) -> anyhow::Result<Self> {
        let access = access().await?;
        let template = template(access, sets).await?;
        let name = fresh_name("test");
        create(access, &name, &template).await?;
        let url = access.url_of(&name);
        let pool = pg::pool(&url, POOL_MAX)?;
        Ok(Self { name, url, pool })
    }

    /// Connections to it.
    #[must_use]
    pub fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its address, as `DATABASE_URL` would have it.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What a service is given at its start. Credentials are not remembered, so that a test sees a
    /// change at once.
    ///
    /// # Panics
    /// When the database does not answer.
    pub async fn context(&self) -> Context {
        Context::open(self.pool.clone(), Duration::ZERO)
            .await
            .expect("the test database answers")
    }

    /// The installation's secret in this database.
    ///
    /// # Panics
    /// When the database does not answer.
    pub async fn secret(&self) -> InstallationSecret {
        store::installation::secret(&self.pool)
            .await
            .expect("the test database answers")
    }

    /// A new credential with these scopes.
    ///
    /// # Panics
    /// When the database does not answer.
    pub async fn credential(&self, scopes: &[Scope]) -> NewCredential {
        self.granted(&Grant::of(scopes, "test")).await
    }

    /// A new credential with an end, a binding.
    ///
    /// # Panics
    /// When the database does not answer.
    pub async fn granted(&self, grant: &Grant) -> NewCredential {
        let new = NewCredential::random();
        store::credentials::insert(&self.pool, &new, grant)
            .await
            .expect("the test database answers");
        new
    }

    /// The value of the header `Authorization` for a new credential with these scopes.
    pub async fn basic(&self, scopes: &[Scope]) -> String {
        basic(&self.credential(scopes).await)
    }
}

/// The value of the header `Authorization` for a credential.
#[must_use]
pub fn basic(credential: &NewCredential) -> String {
    use base64::Engine as _;
    let pair = format!("{}:{}", credential.key, credential.reveal_secret());
    format!(
        "Basic {}",
        base64::engine::general_purpose::STANDARD.encode(pair)
    )
}

/// The address of an empty database, without any migration: for tests of what runs at the start.
///
/// # Panics
/// When PostgreSQL cannot be started.
pub async fn empty_database() -> String {
    let made = async {
        let access = access().await?;
        let name = fresh_name("empty");
        create(access, &name, "template0").await?;
        anyhow::Ok(access.url_of(&name))
    };
    made.await
        .unwrap_or_else(|error| panic!("no test database: {error:#}"))
}

/// The cluster of this process, started by the first who asks.
async fn access() -> anyhow::Result<&'static Access> {
    static CLUSTER: OnceLock<Result<TestCluster, String>> = OnceLock::new();
    let cluster = tokio::task::spawn_blocking(|| {
        CLUSTER.get_or_init(|| TestCluster::start().map_err(|error| format!("{error:#}")))
    })
    .await?;
    match cluster {
        Ok(cluster) => Ok(cluster.cluster.access()),
        Err(error) => Err(anyhow::anyhow!("{error}")),
    }
}

/// Never dropped, because statics are not: the guardian clears up.
struct TestCluster {
    cluster: Cluster,
    _folder: DataFolder,
    _guardian: Guardian,
}

impl TestCluster {
    fn start() -> anyhow::Result<Self> {
        let dir = tempfile::Builder::new()
            .prefix("sillage-test-")
            .tempdir()?
            .keep();
        let mut guardian = Guardian::start()?;
        guardian.watch(&dir)?;
        // The user that PostgreSQL runs as must be able to walk through.
        let walkable = std::os::unix::fs::PermissionsExt::from_mode(0o711);
        std::fs::set_permissions(&dir, walkable)?;
        let folder = DataFolder::lock(&dir, "a test", Duration::ZERO)?;
        let settings = ClusterSettings {
            // Thrown away with the process. What must survive a loss of power is tested elsewhere.
            durable: false,
            ..ClusterSettings::default()
        };
        let cluster = Cluster::start(&folder, &settings, &CancellationToken::new())?;
        guardian.watch(cluster.folder())?;
        Ok(Self {
            cluster,
            _folder: folder,
            _guardian: guardian,
        })
    }
}

/// The name of the template at these migrations, made by the first who asks.
async fn template(access: &Access, sets: &[Migrations]) -> anyhow::Result<String> {
    static TEMPLATES: Mutex<Option<HashMap<String, String>>> = Mutex::const_new(None);
    let mut sets = sets.to_vec();
    if sets
        .iter()
        .all(|set| set.schema != store::MIGRATIONS.schema)
    {
        sets.insert(0, store::MIGRATIONS);
    }
    let key = sets.iter().fold(String::new(), |mut key, set| {
        // The steps of a schema are constants: its name says them all.
        let _ = write!(key, "{}:{} ", set.schema, set.steps.len());
        key
    });
    let mut templates = TEMPLATES.lock().await;
    let templates = templates.get_or_insert_default();
    if let Some(name) = templates.get(&key) {
        return Ok(name.clone());
    }
    let name = fresh_name("template");
    create(access, &name, "template0").await?;
    let pool = pg::pool(&access.url_of(&name), 2)?;
    pg::migrate(&pool, &sets).await?;
    // A database is copied only while nobody is connected to it.
    pool.close();
    templates.insert(key, name.clone());
    Ok(name)
}

async fn create(access: &Access, name: &str, template: &str) -> anyhow::Result<()> {
    let pool = pg::pool(&access.superuser_url("postgres"), 1)?;
    let client = pool.get().await?;
    // A copy of files: the write-ahead log of a copy block by block costs more than the checkpoint
    // that this strategy needs, because nothing is flushed in this cluster.
    let sql =
        format!("create database {name} owner sillage template {template} strategy file_copy");
    client.batch_execute(&sql).await?;
    Ok(())
}

/// A name that no other database of this cluster has.
fn fresh_name(what: &str) -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    format!("{what}_{}", COUNT.fetch_add(1, Ordering::Relaxed))
}

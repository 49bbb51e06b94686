//! The one database: the private cluster of the data folder, or the server that `DATABASE_URL`
//! names.

use std::path::Path;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use service::config::{DatabaseSettings, Settings};
use service::pg::cluster::{Access, Cluster, ClusterError, ClusterSettings, DataFolder};
use service::pg::{self, Channel, Pool};
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;

use crate::exit::{Code, Failure};
use crate::services;

/// The oldest PostgreSQL that the migrations run on.
const OLDEST_VERSION: i32 = 150_000;

/// How long a command waits for an installation that is just starting or stopping.
const COMMAND_PATIENCE: Duration = Duration::from_secs(30);

/// How long a start waits for the lock: a process that was killed holds it until the kernel has
/// cleared up after it.
const START_PATIENCE: Duration = Duration::from_secs(2);

/// Connections to the database at this program's schema, and the cluster if it is ours.
#[derive(Debug)]
pub(crate) struct Database {
    pool: Pool,
    channel: Channel,
    cluster: Option<Cluster>,
    /// Held for as long as the cluster runs.
    _folder: Option<Arc<DataFolder>>,
}

/// Takes the data folder for this process alone.
pub(crate) async fn lock(data: &Path, command: &'static str) -> anyhow::Result<Arc<DataFolder>> {
    let data = data.to_owned();
    let folder = spawn_blocking(move || DataFolder::lock(&data, command, START_PATIENCE));
    Ok(Arc::new(folder.await??))
}

impl Database {
    /// Starts the cluster of `folder`, or connects to the server that the settings name.
    pub(crate) async fn start(
        folder: &Arc<DataFolder>,
        settings: &Settings,
        cancelled: &CancellationToken,
    ) -> anyhow::Result<Self> {
        let wanted: DatabaseSettings = settings.section("database")?;
        if !wanted.url.is_empty() {
            return Self::connect(&wanted.url, &wanted, None).await;
        }
        Self::private(Arc::clone(folder), &wanted, cancelled.clone()).await
    }

    /// Connects to what runs already: the server that the settings name, or the cluster that a
    /// `sillage up` runs on the data folder.
    pub(crate) async fn running(settings: &Settings) -> anyhow::Result<Self> {
        let wanted: DatabaseSettings = settings.section("database")?;
        let url = if wanted.url.is_empty() {
            attach(settings.data().as_path()).await?.url()
        } else {
            wanted.url.clone()
        };
        Self::connect(&url, &wanted, None).await
    }

    /// As [`Self::running`]; where nothing runs, the cluster is started for this command.
    pub(crate) async fn for_a_moment(settings: &Settings) -> anyhow::Result<Self> {
        let wanted: DatabaseSettings = settings.section("database")?;
        if !wanted.url.is_empty() {
            return Self::connect(&wanted.url, &wanted, None).await;
        }
        let data = settings.data();
        let begun = std::time::Instant::now();
        loop {
            if let Ok(access) = attach(&data).await {
                return Self::connect(&access.url(), &wanted, None).await;
            }
            let folder = data.clone();
            let locked = spawn_blocking(move || {
                DataFolder::lock(&folder, "sillage credential", Duration::ZERO)
            });
            match locked.await? {
                Ok(folder) => {
                    let never = CancellationToken::new();
                    return Self::private(Arc::new(folder), &wanted, never).await;
                }
                // It is starting, or stopping, or another command is at it.
                Err(ClusterError::InUse { .. }) if begun.elapsed() < COMMAND_PATIENCE => {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    async fn private(
        folder: Arc<DataFolder>,
        wanted: &DatabaseSettings,
        cancelled: CancellationToken,
    ) -> anyhow::Result<Self> {
        let settings = ClusterSettings {
            bin: (!wanted.bin.is_empty()).then(|| wanted.bin.clone().into()),
            ..ClusterSettings::default()
        };
        let held = Arc::clone(&folder);
        let started = spawn_blocking(move || Cluster::start(&folder, &settings, &cancelled));
        let cluster = started.await??;
        let url = cluster.access().url();
        Self::connect(&url, wanted, Some((cluster, held))).await
    }

    async fn connect(
        url: &str,
        wanted: &DatabaseSettings,
        private: Option<(Cluster, Arc<DataFolder>)>,
    ) -> anyhow::Result<Self> {
        let (cluster, folder) = private.unzip();
        let database = Self {
            pool: pg::pool(url, wanted.pool_max)?,
            channel: Channel::new(url)?,
            cluster,
            _folder: folder,
        };
        let prepared = database.prepare().await;
        if let Err(error) = prepared {
            // Said before the cluster's own stop, which may take a moment.
            let _ = database.stop().await;
            return Err(error);
        }
        Ok(database)
    }

    /// Checks the server and brings the database to this program's schema.
    async fn prepare(&self) -> anyhow::Result<()> {
        let client = self.pool.get().await.map_err(|error| {
            let message = "no connection to PostgreSQL (see DATABASE_URL)";
            Failure::because(Code::Database, message, error)
        })?;
        let version: i32 = client
            .query_one("select current_setting('server_version_num')::int", &[])
            .await
            .context("could not ask PostgreSQL for its version")?
            .get(0);
        drop(client);
        if version < OLDEST_VERSION {
            let message = format!(
                "this is PostgreSQL {}, and Sillage needs version 15 or later",
                version / 10_000
            );
            return Err(Failure::new(Code::PostgreSql, message).into());
        }
        pg::migrate(&self.pool, &services::migrations()).await?;
        Ok(())
    }

    /// Connections to it.
    pub(crate) fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Where to hear what it tells by itself.
    pub(crate) fn channel(&self) -> &Channel {
        &self.channel
    }

    /// Where the cluster is, if it is ours.
    pub(crate) fn cluster_folder(&self) -> Option<&Path> {
        self.cluster.as_ref().map(Cluster::folder)
    }

    /// Ends when our PostgreSQL does, which it should not; never when it is not ours.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        let Some(cluster) = &mut self.cluster else {
            return std::future::pending().await;
        };
        loop {
            if let Some(status) = cluster.ended() {
                return status;
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    /// Closes the connections and stops the cluster if it is ours.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        self.pool.close();
        if let Some(cluster) = self.cluster {
            spawn_blocking(|| cluster.stop()).await??;
        }
        Ok(())
    }
}

async fn attach(data: &Path) -> anyhow::Result<Access> {
    let data = data.to_owned();
    Ok(spawn_blocking(move || Cluster::attach(&data)).await??)
}

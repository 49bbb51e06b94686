//! The private PostgreSQL of a run: as durable as a user's, in a folder of its own, gone at the end.

use std::path::{Path, PathBuf};
use std::str::FromStr as _;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use service::pg::cluster::{Access, Cluster, ClusterSettings, DataFolder};
use service::pg::{self, Migrations};
use tokio_postgres::{Client, NoTls};
use tokio_util::sync::CancellationToken;

use crate::workspace_root;

/// The database that the others are copies of.
const TEMPLATE: &str = "bench_template";

/// A running PostgreSQL. Dropped, it is stopped and its folders are removed, unless it is kept.
#[derive(Debug)]
pub struct Private {
    cluster: Option<Cluster>,
    kept: bool,
    folders: [PathBuf; 2],
    access: Access,
    _lock: DataFolder,
}

impl Private {
    /// Starts it with a template for the LRS, and fails unless its commits are durable.
    pub async fn for_lrs() -> anyhow::Result<Self> {
        Self::durable("var/bench", false).await
    }

    /// The same in a folder of its own, which stays.
    pub async fn kept_for_lrs() -> anyhow::Result<Self> {
        Self::durable("var/bench-store", true).await
    }

    async fn durable(folder: &'static str, kept: bool) -> anyhow::Result<Self> {
        crate::report::complain("starting PostgreSQL");
        let cluster =
            Self::start(folder, kept, &[service::store::MIGRATIONS, lrs::MIGRATIONS]).await?;
        for setting in ["fsync", "synchronous_commit", "full_page_writes"] {
            let value = cluster.setting(setting).await?;
            ensure!(
                value == "on",
                "{setting} is {value}: commits would not be durable"
            );
        }
        Ok(cluster)
    }

    /// What figures hold for: the machine, its load before, PostgreSQL.
    pub async fn setting_of_figures(&self) -> anyhow::Result<String> {
        let version = self.setting("server_version").await?;
        let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
        Ok(format!(
            "{} processors, load average at the start {}; PostgreSQL {version}, fsync on",
            crate::server::cores(),
            load.split(' ').next().unwrap_or("unknown"),
        ))
    }

    /// Starts it in a folder, with a template at these migrations. One that was left behind by a
    /// run that was killed is taken over.
    async fn start(folder: &'static str, kept: bool, sets: &[Migrations]) -> anyhow::Result<Self> {
        let start = move || Self::start_blocking(folder, kept);
        let private = tokio::task::spawn_blocking(start).await??;
        let admin = private.admin().await?;
        private.clear(&admin).await?;
        private.create(&admin, TEMPLATE, "template0").await?;
        let pool = pg::pool(&private.access.url_of(TEMPLATE), 1)?;
        pg::migrate(&pool, sets).await?;
        // A database is copied only while nobody is connected to it.
        pool.close();
        Ok(private)
    }

    fn start_blocking(folder: &str, kept: bool) -> anyhow::Result<Self> {
        let data = workspace_root().join(folder);
        let lock = DataFolder::lock(&data, "a bench", Duration::ZERO)?;
        let settings = ClusterSettings::default();
        let cluster = Cluster::start(&lock, &settings, &CancellationToken::new())
            .context("no PostgreSQL to measure")?;
        Ok(Self {
            folders: [cluster.folder().to_owned(), lock.path().to_owned()],
            access: cluster.access().clone(),
            cluster: Some(cluster),
            kept,
            _lock: lock,
        })
    }

    /// The folder of PostgreSQL's files: the disk that commits wait for.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folders[0]
    }

    /// The process id of the postmaster.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.cluster.as_ref().and_then(Cluster::pid)
    }

    /// The address of a database.
    #[must_use]
    pub fn url_of(&self, database: &str) -> String {
        self.access.url_of(database)
    }

    /// A connection to a database as the application's role.
    pub async fn connect(&self, database: &str) -> anyhow::Result<Client> {
        connect(&self.access.url_of(database)).await
    }

    /// An empty database at the migrations, right after a checkpoint: both sides start alike.
    pub async fn database(&self, name: &str) -> anyhow::Result<()> {
        let admin = self.admin().await?;
        self.create(&admin, name, TEMPLATE).await?;
        admin.batch_execute("checkpoint").await?;
        Ok(())
    }

    /// Whether there is a database of this name.
    pub async fn has_database(&self, name: &str) -> anyhow::Result<bool> {
        let sql = "select 1 from pg_database where datname = $1::text";
        Ok(self
            .admin()
            .await?
            .query_opt(sql, &[&name])
            .await?
            .is_some())
    }

    /// A database that holds what another does, to which nobody is connected.
    pub async fn copy_database(&self, name: &str, of: &str) -> anyhow::Result<()> {
        let admin = self.admin().await?;
        self.create(&admin, name, of).await
    }

    /// Drops a database.
    pub async fn drop_database(&self, name: &str) -> anyhow::Result<()> {
        let sql = format!("drop database if exists {name} with (force)");
        Ok(self.admin().await?.batch_execute(&sql).await?)
    }

    /// A setting, as PostgreSQL has it.
    pub async fn setting(&self, name: &str) -> anyhow::Result<String> {
        let row = self
            .admin()
            .await?
            .query_one("select current_setting($1)", &[&name])
            .await?;
        Ok(row.get(0))
    }

    async fn admin(&self) -> anyhow::Result<Client> {
        connect(&self.access.superuser_url("postgres")).await
    }

    async fn create(&self, admin: &Client, name: &str, template: &str) -> anyhow::Result<()> {
        let sql =
            format!("create database {name} owner sillage template {template} strategy file_copy");
        Ok(admin.batch_execute(&sql).await?)
    }

    /// Drops what a run that was killed has left.
    async fn clear(&self, admin: &Client) -> anyhow::Result<()> {
        let sql = "select datname::text from pg_database where datname like 'bench\\_%'";
        for row in admin.query(sql, &[]).await? {
            let name: String = row.get(0);
            admin
                .batch_execute(&format!("drop database {name} with (force)"))
                .await?;
        }
        Ok(())
    }
}

impl Drop for Private {
    fn drop(&mut self) {
        // Stops it first: dropping a cluster waits for its end.
        self.cluster = None;
        if self.kept {
            return;
        }
        for folder in &self.folders {
            if let Err(error) = std::fs::remove_dir_all(folder)
                && error.kind() != std::io::ErrorKind::NotFound
            {
                crate::report::complain(&format!("{} is left behind: {error}", folder.display()));
            }
        }
    }
}

/// A connection that is driven on the runtime that we are in.
pub async fn connect(url: &str) -> anyhow::Result<Client> {
    let (client, connection) = tokio_postgres::Config::from_str(url)?
        .connect(NoTls)
        .await?;
    // It ends when the client is dropped; what went wrong before, the client's calls tell.
    tokio::spawn(connection);
    Ok(client)
}

#![doc = include_str!("../README.md")]

pub mod aggregates;
pub mod calibration;
pub mod checks;
pub mod config;
pub mod fold;
pub mod http;
pub mod jobs;
pub mod lake;
pub mod model;
pub mod people;
pub mod store;

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use schemas::framework::{Framework, SECONDE_JSON};
use service::Context;
use service::context::InstallationSecret;
use service::pg::Pool;
use service::threads::{self, Broken};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use fold::worker;
use jobs::as_of;
use jobs::mastery::{JobError, Report};
use model::Models;
use store::runs::Cause;
use store::versions::Status;
use store::{StoreError, frameworks, versions};

pub use config::AnalyticsConfig;
pub use http::openapi;
pub use http::routes::routes;
pub use store::MIGRATIONS;

/// Time after a failed start before the next try.
const START_AGAIN: Duration = Duration::from_secs(1);

/// The analytics of one process: what its routes and its workers share.
#[derive(Debug)]
pub struct Analytics {
    context: Context,
    config: AnalyticsConfig,
    models: Models,
    runtime: Handle,
}

impl Analytics {
    /// Analytics that fold nothing until [`run_background`] runs.
    ///
    /// # Panics
    /// Outside a tokio runtime: recomputations are watched on the one that this is called in, whoever
    /// asks for them.
    #[must_use]
    pub fn new(context: Context, config: AnalyticsConfig) -> Self {
        Self {
            context,
            models: Models::new(config.analytics.voie_weight),
            config,
            runtime: Handle::current(),
        }
    }

    /// What it was told.
    #[must_use]
    pub fn config(&self) -> &AnalyticsConfig {
        &self.config
    }

    /// Connections to the one database.
    #[must_use]
    pub fn pool(&self) -> &Pool {
        &self.context.pool
    }

    /// The models of this process.
    #[must_use]
    pub fn models(&self) -> &Models {
        &self.models
    }

    pub(crate) fn secret(&self) -> &InstallationSecret {
        &self.context.secret
    }

    /// Loads the default framework where none is, and makes the first version. Does nothing when
    /// both are there.
    pub async fn start(&self) -> Result<(), StoreError> {
        let mut client = store::client(self.pool()).await?;
        if versions::current(&client).await?.is_some() {
            return Ok(());
        }
        let document: serde_json::Value = serde_json::from_str(SECONDE_JSON)
            .map_err(|_| StoreError::Document("default framework"))?;
        let transaction = store::begin(&mut client).await?;
        frameworks::insert_first(&transaction, Framework::seconde(), &document).await?;
        store::commit(transaction).await?;
        let model = self.models.wanted(self.pool()).await?;
        let transaction = store::begin(&mut client).await?;
        let version = versions::insert(&transaction, &model, Status::Current).await?;
        // Of two copies that start together, one finds the other's version and drops its own.
        if versions::serve_first(&transaction, version).await? {
            store::commit(transaction).await?;
        }
        Ok(())
    }

    /// Recomputes mastery from the lake, on threads of its own: whoever asks may go away.
    pub async fn recompute(self: &Arc<Self>, cause: Cause) -> Result<Report, JobError> {
        self.beside(async move |analytics| jobs::mastery::run(&analytics, cause).await)
            .await
    }

    /// Computes mastery as of a time into the lake, in the same way.
    pub async fn mastery_as_of(
        self: &Arc<Self>,
        as_of: DateTime<Utc>,
    ) -> Result<as_of::Report, JobError> {
        self.beside(async move |analytics| as_of::run(&analytics, as_of).await)
            .await
    }

    async fn beside<T, F>(self: &Arc<Self>, job: impl FnOnce(Arc<Self>) -> F) -> Result<T, JobError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, JobError>> + Send + 'static,
    {
        let job = job(Arc::clone(self));
        let job = threads::run("recompute", self.config.recompute_threads(), job);
        let done = self.runtime.spawn(job).await;
        done.map_err(Broken::from)??
    }
}

/// Folds, recomputes, checks, counts and ships to the lake until `shutdown`. Several copies may run.
pub async fn run_background(
    analytics: Arc<Analytics>,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    while let Err(error) = analytics.start().await {
        tracing::error!(error = %service::error::chain(&error), "could not start analytics");
        tokio::select! {
            () = shutdown.cancelled() => return Ok(()),
            () = tokio::time::sleep(START_AGAIN) => {}
        }
    }
    tokio::join!(
        worker::run(Arc::clone(&analytics), shutdown.clone()),
        worker::watch(Arc::clone(&analytics), shutdown.clone()),
        jobs::check::watch(Arc::clone(&analytics), shutdown.clone()),
        lake::copies::run(Arc::clone(&analytics), shutdown.clone()),
        jobs::service_usage::watch(Arc::clone(&analytics), shutdown.clone()),
        lake::run(Arc::clone(&analytics), shutdown),
    );
    Ok(())
}

//! Analytics and the recommender beside the LRS, as `sillage up` has them.

use std::path::Path;
use std::sync::Arc;

use actix_web::web;
use analytics::{Analytics, AnalyticsConfig};
use anyhow::Context as _;
use recommender::{Recommender, RecommenderConfig};
use service::background::Background;
use service::config::Settings;
use service::context::Context;
use tokio_util::sync::CancellationToken;

/// What a recomputation may take: one core.
const RECOMPUTE_THREADS: usize = 1;

/// Both of them, made.
#[derive(Clone, Debug)]
pub struct Neighbours {
    analytics: Arc<Analytics>,
    recommender: Arc<Recommender>,
}

impl Neighbours {
    /// Makes them ready to answer, over a database with their migrations.
    pub async fn start(
        context: &Context,
        settings: &Settings,
        lake: &Path,
    ) -> anyhow::Result<Self> {
        let mut config = AnalyticsConfig::load(settings)?;
        config.lake_root = lake.display().to_string();
        config.analytics.recompute_threads = RECOMPUTE_THREADS;
        let analytics = Arc::new(Analytics::new(context.clone(), config));
        analytics
            .start()
            .await
            .context("could not start analytics")?;
        let config = RecommenderConfig::load(settings)?;
        let recommender = Arc::new(Recommender::new(context, config));
        Ok(Self {
            analytics,
            recommender,
        })
    }

    /// Starts what they do besides answering.
    pub fn work(&self, background: &mut Background, shutdown: &CancellationToken) {
        background.spawn_beside(analytics::run_background(
            Arc::clone(&self.analytics),
            shutdown.clone(),
        ));
        background.spawn_beside(recommender::run_background(
            Arc::clone(&self.recommender),
            shutdown.clone(),
        ));
    }

    /// Their routes.
    pub fn routes(&self, cfg: &mut web::ServiceConfig) {
        cfg.app_data(web::Data::from(Arc::clone(&self.analytics)))
            .configure(analytics::routes)
            .app_data(web::Data::from(Arc::clone(&self.recommender)))
            .configure(recommender::routes);
    }
}

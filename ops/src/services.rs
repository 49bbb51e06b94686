//! The three services of this process: made, started, ended.

use std::sync::Arc;

use anyhow::Context as _;
use lrs::{Lrs, LrsConfig};
use recommender::{Recommender, RecommenderConfig};
use service::background::Background;
use service::config::Settings;
use service::pg::Migrations;
use service::{Context, store};
use tokio_util::sync::CancellationToken;

/// Which services run in this process.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Which {
    lrs: bool,
    analytics: bool,
    recommender: bool,
}

impl Which {
    const NONE: Self = Self {
        lrs: false,
        analytics: false,
        recommender: false,
    };
    /// All of them.
    pub(crate) const ALL: Self = Self {
        lrs: true,
        analytics: true,
        recommender: true,
    };
    /// The Learning Record Store alone.
    pub(crate) const LRS: Self = Self {
        lrs: true,
        ..Self::NONE
    };
    /// Analytics alone.
    pub(crate) const ANALYTICS: Self = Self {
        analytics: true,
        ..Self::NONE
    };
    /// The recommender alone.
    pub(crate) const RECOMMENDER: Self = Self {
        recommender: true,
        ..Self::NONE
    };
}

/// The migrations of every service, in the order in which they run.
///
/// A process that runs one service migrates for all: they are of one version, and meet in views.
pub(crate) fn migrations() -> [Migrations; 4] {
    [
        store::MIGRATIONS,
        lrs::MIGRATIONS,
        analytics::MIGRATIONS,
        recommender::MIGRATIONS,
    ]
}

/// The services of this process.
#[derive(Clone, Debug)]
pub(crate) struct Services {
    pub(crate) lrs: Option<Arc<Lrs>>,
    pub(crate) analytics: Option<Arc<analytics::Analytics>>,
    pub(crate) recommender: Option<Arc<Recommender>>,
}

impl Services {
    /// The services that `which` names, over one database.
    pub(crate) fn new(
        which: Which,
        context: &Context,
        settings: &Settings,
    ) -> anyhow::Result<Self> {
        let lrs = if which.lrs {
            let config = LrsConfig::load(settings)?;
            Some(Arc::new(Lrs::new(context.clone(), config)?))
        } else {
            None
        };
        let analytics = if which.analytics {
            let config = analytics::AnalyticsConfig::load(settings)?;
            Some(Arc::new(analytics::Analytics::new(context.clone(), config)))
        } else {
            None
        };
        let recommender = if which.recommender {
            let config = RecommenderConfig::load(settings)?;
            Some(Arc::new(Recommender::new(context, config)))
        } else {
            None
        };
        Ok(Self {
            lrs,
            analytics,
            recommender,
        })
    }

    /// Does what must be done before the first answer: without a framework and a first version of
    /// the states, analytics would say that it is not ready.
    pub(crate) async fn prepare(&self) -> anyhow::Result<()> {
        if let Some(analytics) = &self.analytics {
            analytics
                .start()
                .await
                .context("could not start analytics")?;
        }
        Ok(())
    }

    /// Starts what they do besides answering; it ends, flushed, after `shutdown`.
    pub(crate) fn start(&self, shutdown: &CancellationToken) -> std::io::Result<Background> {
        let mut background = Background::start()?;
        if let Some(lrs) = &self.lrs {
            let run = lrs::run_background(Arc::clone(lrs), shutdown.clone());
            background.spawn(async { run.await.context("the Learning Record Store stopped") });
            let relay = lrs::run_relay(Arc::clone(lrs), shutdown.clone());
            background.spawn_beside(async {
                relay.await;
                Ok(())
            });
            let sweep = lrs::run_sweep(Arc::clone(lrs), shutdown.clone());
            background.spawn_beside(async {
                sweep.await;
                Ok(())
            });
        }
        if let Some(analytics) = &self.analytics {
            let run = Box::pin(analytics::run_background(
                Arc::clone(analytics),
                shutdown.clone(),
            ));
            background.spawn_beside(async { run.await.context("analytics stopped") });
        }
        if let Some(recommender) = &self.recommender {
            let run = recommender::run_background(Arc::clone(recommender), shutdown.clone());
            background.spawn_beside(async { run.await.context("the recommender stopped") });
        }
        Ok(background)
    }
}

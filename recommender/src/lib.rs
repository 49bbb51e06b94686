#![doc = include_str!("../README.md")]
//!
//! # The map: a list served
//!
//! 1. [`http`]: `GET /api/v1/pupils/{key}/next-activities`, one page ([`routes`] lists them all).
//! 2. [`Recommender::next_activities`]: the line below, in one function.
//! 3. [`store::edition`]: catalogue and framework in force, read again when their version changed,
//!    kept in memory as a [`catalogue::Index`].
//! 4. [`store::pupils`]: the pupil's states, from `published.pupil_states`, as a
//!    [`pupil::PupilView`].
//! 5. [`policy`]: the [`policy::Policy`] of the settings ([`config`]) makes the list.
//! 6. [`reasons`]: each entry's reason, in French.
//!
//! And a catalogue taken in: [`http`] `PUT /api/v1/catalogue` → [`Recommender::replace_catalogue`]
//! → [`store::catalogue`].

pub mod catalogue;
pub mod config;
pub mod http;
pub mod policy;
pub mod pupil;
pub mod reasons;
pub mod store;

mod cache;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use schemas::Fault;
use schemas::catalogue::Catalogue;
use schemas::ids::PersonKey;
use service::Context;
use service::identity::School;
use service::pg::Pool;
use tokio_util::sync::CancellationToken;

use cache::Cache;
use catalogue::Index;
use policy::{Policy, Recommendation};
use pupil::PupilView;
use store::StoreError;
use store::catalogue::{CatalogueVersion, Replaced};
use store::edition::ContentError;
use store::pupils::PupilError;

pub use config::RecommenderConfig;
pub use http::openapi;
pub use http::routes::routes;
pub use store::MIGRATIONS;

/// Activities in a list at most.
pub const LIST_MAX: usize = 50;

/// The recommender of one process: what its routes share.
#[derive(Debug)]
pub struct Recommender {
    pool: Pool,
    config: RecommenderConfig,
    cache: Cache,
}

/// A list, with what it was made from.
#[derive(Debug)]
pub struct List {
    /// The catalogue and the model.
    pub index: Arc<Index>,
    /// The pupil, as the policy saw them.
    pub pupil: PupilView,
    /// The entries, the first to be done first.
    pub entries: Vec<Recommendation>,
}

/// Why there is no list.
#[derive(Debug, thiserror::Error)]
pub enum NoList {
    /// The key is nobody's.
    #[error("no pupil has this key")]
    Unknown,
    /// The pupil answered after the time asked for: the published state cannot be taken back to it.
    #[error("the pupil answered after the time asked for")]
    Past,
    /// Catalogue or framework could not be read.
    #[error("no catalogue to choose from")]
    Content(#[from] ContentError),
    /// The pupil could not be read.
    #[error("no state of the pupil")]
    Pupil(#[from] PupilError),
}

/// Why a catalogue was not taken in.
#[derive(Debug, thiserror::Error)]
pub enum NotReplaced {
    /// What was sent is no catalogue over the framework in force.
    #[error("not a catalogue: {} faults", .0.len())]
    Faults(Vec<Fault>),
    /// The framework could not be read.
    #[error("no framework to check against")]
    Content(#[from] ContentError),
    /// The database did not answer.
    #[error("the catalogue could not be stored")]
    Store(#[from] StoreError),
}

impl Recommender {
    /// A recommender over the database of `context`.
    #[must_use]
    pub fn new(context: &Context, config: RecommenderConfig) -> Self {
        Self {
            pool: context.pool.clone(),
            cache: Cache::new(context.pool.clone(), config.catalogue_cache),
            config,
        }
    }

    /// What it was told.
    #[must_use]
    pub fn config(&self) -> &RecommenderConfig {
        &self.config
    }

    /// The policy that makes the lists.
    #[must_use]
    pub fn policy(&self) -> &dyn Policy {
        &*self.config.policy
    }

    /// At most `limit` next activities of a pupil, as of `now`.
    ///
    /// # Errors
    ///
    /// [`NoList`]: nobody's key, a time before the pupil's last answer, or no database.
    pub async fn next_activities(
        &self,
        person: PersonKey,
        now: DateTime<Utc>,
        limit: usize,
    ) -> Result<List, NoList> {
        let index = self.cache.index().await?;
        let states = store::pupils::read(&self.pool, person)
            .await?
            .ok_or(NoList::Unknown)?;
        let pupil = PupilView::new(index.model(), states);
        let now_s = mastery::seconds(now.timestamp_micros());
        if pupil.last_answer().is_some_and(|last| last > now_s) {
            return Err(NoList::Past);
        }
        let day = now.timestamp().div_euclid(86_400);
        let seed = policy::seed(*person.as_uuid().as_bytes(), day);
        let entries = self.policy().next(&pupil, &index, now_s, limit, seed);
        Ok(List {
            index,
            pupil,
            entries,
        })
    }

    /// Whether a person is a pupil of a school.
    ///
    /// # Errors
    ///
    /// When the database does not answer.
    pub async fn is_pupil_of(
        &self,
        person: PersonKey,
        school: &School,
    ) -> Result<bool, StoreError> {
        store::pupils::is_of_school(&self.pool, person, &school.to_string()).await
    }

    /// Puts a catalogue in force, whole or not at all.
    ///
    /// # Errors
    ///
    /// [`NotReplaced`]: every fault of the document, or no database.
    pub async fn replace_catalogue(&self, document: &[u8]) -> Result<Replaced, NotReplaced> {
        let catalogue = Catalogue::parse(document).map_err(NotReplaced::Faults)?;
        let framework = store::edition::framework(&self.pool).await?;
        catalogue
            .check_against(&framework)
            .map_err(NotReplaced::Faults)?;
        let replaced = store::catalogue::replace(&self.pool, &catalogue).await?;
        self.cache.forget();
        Ok(replaced)
    }

    /// The catalogue in force, without its items.
    ///
    /// # Errors
    ///
    /// When the database does not answer.
    pub async fn catalogue(&self) -> Result<Option<CatalogueVersion>, StoreError> {
        store::catalogue::current(&self.pool).await
    }
}

/// What the recommender does besides answering: it reads the catalogue, so that the first list need
/// not wait for it.
///
/// # Errors
///
/// Never today: a database that does not answer is told by the lists.
pub async fn run_background(
    recommender: Arc<Recommender>,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    if let Err(error) = recommender.cache.index().await {
        let error = service::error::chain(&error);
        tracing::info!(%error, "the catalogue is not there yet; the first list reads it");
    }
    shutdown.cancelled().await;
    Ok(())
}

//! The index in memory, built again when the catalogue, the framework or a calibration in force changed.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use service::pg::Pool;
use tokio::sync::Mutex;

use crate::catalogue::Index;
use crate::store::edition::{self, Content, ContentError, Edition};

/// The index of the edition in force, at most `keep` old.
#[derive(Debug)]
pub(crate) struct Cache {
    pool: Pool,
    keep: Duration,
    known: RwLock<Option<Known>>,
    /// Held by the one request that looks at the database; the others wait for what it finds.
    looking: Mutex<()>,
}

#[derive(Debug, Clone)]
struct Known {
    /// When the edition was seen to be in force; `None`: look again.
    looked: Option<Instant>,
    edition: Edition,
    index: Arc<Index>,
}

impl Cache {
    pub(crate) fn new(pool: Pool, keep: Duration) -> Self {
        Self {
            pool,
            keep,
            known: RwLock::default(),
            looking: Mutex::default(),
        }
    }

    /// The index in force.
    pub(crate) async fn index(&self) -> Result<Arc<Index>, ContentError> {
        if let Some(known) = self.fresh() {
            return Ok(known.index);
        }
        let _one = self.looking.lock().await;
        if let Some(known) = self.fresh() {
            return Ok(known.index);
        }
        let known = self.look().await?;
        let index = Arc::clone(&known.index);
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = Some(known);
        Ok(index)
    }

    /// Makes the next request look at the database. The index stays: it may be the right one still.
    pub(crate) fn forget(&self) {
        if let Some(known) = &mut *self.known.write().unwrap_or_else(PoisonError::into_inner) {
            known.looked = None;
        }
    }

    async fn look(&self) -> Result<Known, ContentError> {
        // Before the query: what changes while it runs is seen by the next look.
        let looked = Some(Instant::now());
        let current = edition::current(&self.pool).await?;
        if let Some(known) = self.known().filter(|known| known.edition == current) {
            return Ok(Known { looked, ..known });
        }
        let (edition, content) = edition::read(&self.pool).await?;
        let version = edition.catalogue;
        let build = move || {
            let Content {
                framework,
                items,
                calibration,
            } = &content;
            Arc::new(Index::new(version, framework, items, calibration))
        };
        let index = tokio::task::spawn_blocking(build)
            .await
            .map_err(ContentError::Build)?;
        let (version, activities) = (index.version(), index.activities().len());
        tracing::info!(
            catalogue.version = version,
            activities,
            "catalogue in memory"
        );
        Ok(Known {
            looked,
            edition,
            index,
        })
    }

    fn fresh(&self) -> Option<Known> {
        self.known().filter(|known| {
            known
                .looked
                .is_some_and(|looked| looked.elapsed() < self.keep)
        })
    }

    fn known(&self) -> Option<Known> {
        self.known
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

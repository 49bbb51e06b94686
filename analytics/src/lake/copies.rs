//! Copies in the lake of tables that change: `catalogue`, `roster`, `accounts`.
//!
//! One file a table, written anew when the database's rows are others than those of the copy. Which rows those are is a
//! number, the *edition*; it is in the commit (docs/decisions/0043).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ::lake::{Comparison, Lake, LakeTable, Pending, Verified, app_id};
use arrow::array::RecordBatch;
use chrono::{DateTime, Utc};
use service::pg::Pool;
use tokio_util::sync::CancellationToken;

use super::{LakeError, place};
use crate::Analytics;
use crate::store::copies::{ALL, Copied, CopyError, Taker};
use crate::store::lake_feed;

/// A copy is not made again before this time for each of its rows has gone by: so 200 rows a second are written at
/// most, however often they change, and lie there for the week for which former versions stay. A school's copy follows
/// at once, that of a million accounts within an hour and a half.
const PER_ROW: Duration = Duration::from_millis(5);

/// How often files are looked for that no version needs any more.
const VACUUM_EVERY: Duration = Duration::from_secs(24 * 3600);

/// How often a copy that is to be made in any case is tried, where others make it too.
const TRIES: usize = 5;

/// Whether a copy is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// If the rows are others than before, and it was not made just now.
    Due,
    /// If the rows are others than before.
    Changed,
    /// In any case.
    Always,
}

/// A copy that was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Made {
    /// Its edition.
    pub edition: i64,
    /// Its rows.
    pub rows: usize,
}

/// Copies what has changed until `shutdown`. Several processes may: one commits, the others see it.
pub async fn run(analytics: Arc<Analytics>, shutdown: CancellationToken) {
    let every = Duration::from_millis(analytics.config().lake.commit_every_ms);
    let (lake, pool) = (place(&analytics), analytics.pool());
    let mut copies = Copies::new(&lake, pool);
    let mut vacuumed: Option<Instant> = None;
    let mut told: BTreeMap<&str, String> = BTreeMap::new();
    while !shutdown.is_cancelled() {
        for copied in &ALL {
            let table = copied.table.name;
            let Err(error) = copies.take(copied, When::Due).await else {
                told.remove(table);
                continue;
            };
            let error = service::error::chain(&error);
            // The same fault every few seconds is one line, not thousands.
            if told.get(table) != Some(&error) {
                tracing::error!(table, %error, "could not copy a table to the lake");
                told.insert(table, error);
            }
        }
        if vacuumed.is_none_or(|at| at.elapsed() > VACUUM_EVERY) {
            vacuumed = Some(Instant::now());
            // Somebody may have put another lake in its place.
            copies.seen.clear();
            if let Err(error) = vacuum(&lake).await {
                let error = service::error::chain(&error);
                tracing::error!(%error, "could not delete old files of the lake");
            }
        }
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = tokio::time::sleep(every) => {}
        }
    }
}

/// The copies of one lake, and what this process has seen of them.
///
/// One that is as it was seen is not opened: two short queries tell. The lake's log stays the truth: what another process
/// writes is of another edition, so the table is opened then.
#[derive(Debug)]
pub struct Copies<'a> {
    lake: &'a Lake,
    pool: &'a Pool,
    seen: BTreeMap<&'static str, Seen>,
}

/// A copy as this process wrote or found it last.
#[derive(Debug)]
struct Seen {
    /// Of which history of the database the edition is.
    app_id: String,
    edition: Option<i64>,
    /// When, and how many rows.
    written: Option<(DateTime<Utc>, usize)>,
}

impl Seen {
    /// Whether the copy can stay as it is, where the database's rows are of an edition.
    fn suffices(&self, edition: i64, when: When) -> bool {
        let is_same = self.edition == Some(edition);
        match when {
            When::Due => is_same || self.written.is_some_and(is_fresh),
            When::Changed => is_same,
            When::Always => false,
        }
    }
}

impl<'a> Copies<'a> {
    /// Those of `lake`, of the database's tables; none was seen.
    #[must_use]
    pub fn new(lake: &'a Lake, pool: &'a Pool) -> Self {
        Self {
            lake,
            pool,
            seen: BTreeMap::new(),
        }
    }

    /// Makes a copy anew, if it is time; gives it, if it was made.
    pub async fn take(&mut self, copied: &Copied, when: When) -> Result<Option<Made>, LakeError> {
        for _ in 0..TRIES {
            match self.try_to_take(copied, when).await {
                // Another process has made one meanwhile, of this edition or of the next look's.
                Err(LakeError::Lake(::lake::LakeError::Raced(_))) if when != When::Always => break,
                Err(LakeError::Lake(::lake::LakeError::Raced(_))) => {}
                other => return other,
            }
        }
        Ok(None)
    }

    async fn try_to_take(
        &mut self,
        copied: &Copied,
        when: When,
    ) -> Result<Option<Made>, LakeError> {
        let name = copied.table.name;
        let app_id = app_id(&lake_feed::epoch(self.pool).await?, copied.table);
        let edition = copied.edition(self.pool).await?;
        let seen = self.seen.get(name).filter(|seen| seen.app_id == app_id);
        if seen.is_some_and(|seen| seen.suffices(edition, when)) {
            return Ok(None);
        }
        let mut table = LakeTable::open(self.lake, copied.table).await?;
        let found = Seen {
            edition: table.edition(&app_id).await?,
            written: table.last_written()?,
            app_id: app_id.clone(),
        };
        let suffices = found.suffices(edition, when);
        self.seen.insert(name, found);
        if suffices {
            return Ok(None);
        }
        let mut file = table.pending_sorted()?;
        let (edition, rows) = copied.read(self.pool, &mut file).await?;
        table.put(file, &app_id, edition).await?;
        let made = Seen {
            app_id,
            edition: Some(edition),
            written: table.last_written()?,
        };
        self.seen.insert(name, made);
        tracing::debug!(table = name, rows, edition, "copied");
        Ok(Some(Made { edition, rows }))
    }
}

/// Whether a copy was made just now, for so many rows.
fn is_fresh((at, rows): (DateTime<Utc>, usize)) -> bool {
    let pause = PER_ROW.saturating_mul(u32::try_from(rows).unwrap_or(u32::MAX));
    let age = service::clock::now().signed_duration_since(at);
    age.to_std().is_ok_and(|age| age < pause)
}

/// Compares a copy with the rows of the database, where it is of the edition that they are of now.
pub async fn verify(lake: &Lake, pool: &Pool, copied: &Copied) -> Result<Verified, LakeError> {
    let app_id = app_id(&lake_feed::epoch(pool).await?, copied.table);
    let mut compared = Comparison::read(lake, copied.table, &app_id).await?;
    let (edition, _) = copied.read(pool, &mut compared).await?;
    Ok(compared.against(edition))
}

impl Taker for Pending {
    type Error = ::lake::LakeError;

    async fn take(&mut self, rows: RecordBatch) -> Result<(), Self::Error> {
        self.push(rows).await
    }
}

impl Taker for Comparison {
    type Error = ::lake::LakeError;

    async fn take(&mut self, rows: RecordBatch) -> Result<(), Self::Error> {
        self.count(&rows)
    }
}

async fn vacuum(lake: &Lake) -> Result<(), LakeError> {
    let replaced = schemas::tables::ALL.into_iter();
    for declared in replaced.filter(|table| table.is_copy) {
        if let Some(mut table) = LakeTable::existing(lake, declared).await? {
            table.vacuum().await?;
        }
    }
    Ok(())
}

impl From<CopyError<::lake::LakeError>> for LakeError {
    fn from(error: CopyError<::lake::LakeError>) -> Self {
        match error {
            CopyError::Store(error) => error.into(),
            CopyError::Taker(error) => error.into(),
        }
    }
}

//! Analytics' side of the lake: the relay of answers, copies of small tables, what the jobs read, what they write.
//!
//! [`::lake`] has the tables and the relay's loop; here stands what is particular to answers.

mod answers;
pub mod copies;

use std::sync::Arc;
use std::time::Duration;

use ::lake::{Lake, LakeTable, Pace, Pending, Relay, app_id, frame, register, session};
use arrow::array::{AsArray as _, RecordBatch, TimestampMicrosecondArray};
use arrow::datatypes::Int64Type;
use chrono::{DateTime, Utc};
use datafusion::common::ScalarValue;
use datafusion::prelude::{SessionContext, col, lit};
use schemas::tables::{self, Table};
use tokio_util::sync::CancellationToken;

use crate::Analytics;
use crate::store::{StoreError, lake_feed};

pub use answers::{AnswerSource, table_rows};

/// Rows of the feed that are in memory at once: a commit takes several pieces.
const PIECE_ROWS: i64 = 5_000;

/// The part of a job's memory that sorts may take. What is read, folded and written takes the rest, and is in no
/// pool: 200 MB of ten million answers on two threads (`cargo bench -p benches -- recompute`).
const OF_WHICH_SORTS: usize = 2;

/// Sorting memory for which a job reads in one part more. Parts that share less hold each other's last merge up.
const PART_BYTES: usize = 64 << 20;

/// Rows that go through a plan at a time: a merge holds a batch of each run that it merges, of some 200 bytes a row.
const BATCH_ROWS: usize = 2_048;

/// Why the lake was not read or written.
#[derive(Debug, thiserror::Error)]
pub enum LakeError {
    /// The lake failed.
    #[error("the lake failed")]
    Lake(#[from] ::lake::LakeError),
    /// The database, which knows whose positions the lake's are, did not answer.
    #[error("the database did not tell how far the lake is")]
    Store(#[from] StoreError),
    /// A session for a query could not be made.
    #[error("could not make a session")]
    Session(#[from] datafusion::error::DataFusionError),
}

/// One version of the table of answers.
pub struct Answers {
    /// The version.
    pub version: i64,
    /// The position that it holds every answer up to.
    pub seq: i64,
    /// A session in which it is the table `answers`.
    pub session: SessionContext,
    /// The table at that version.
    pub table: LakeTable,
}

impl std::fmt::Debug for Answers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Answers")
            .field("version", &self.version)
            .field("seq", &self.seq)
            .finish_non_exhaustive()
    }
}

/// How far the lake's tables are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Positions {
    /// Of the last statement shipped.
    pub statements: i64,
    /// Up to which the answers are complete.
    pub answers: i64,
}

/// Ships answers to the lake at the pace of the settings, until `shutdown` and once more then.
pub async fn run(analytics: Arc<Analytics>, shutdown: CancellationToken) {
    relay(&analytics).run(shutdown).await;
}

/// The relay of answers, as it has read nothing yet.
#[must_use]
pub fn relay(analytics: &Analytics) -> Relay<AnswerSource> {
    let settings = &analytics.config().lake;
    let pace = Pace {
        every: Duration::from_millis(settings.commit_every_ms),
        commit_max_rows: settings.commit_max_rows,
        compact_every: settings.compact_every_commits,
    };
    let source = AnswerSource::new(analytics.pool().clone(), PIECE_ROWS);
    Relay::new(place(analytics), &tables::answers::TABLE, source, pace)
}

/// The newest version of the table of answers; none while nothing was shipped.
pub async fn answers(analytics: &Analytics) -> Result<Option<Answers>, LakeError> {
    let epoch = lake_feed::epoch(analytics.pool()).await?;
    let config = analytics.config();
    let memory = config.analytics.recompute_memory_bytes;
    Answers::newest(
        &place(analytics),
        &epoch,
        memory,
        config.recompute_threads(),
    )
    .await
}

impl Answers {
    /// The newest version in a lake, by the positions of an epoch; none while nothing was shipped. A job reads
    /// and sorts it within `memory_bytes`, in so many parts: more than threads would only share the memory
    /// among more.
    pub async fn newest(
        lake: &Lake,
        epoch: &str,
        memory_bytes: usize,
        parts: usize,
    ) -> Result<Option<Self>, LakeError> {
        let declared = &tables::answers::TABLE;
        let table = LakeTable::open(lake, declared).await?;
        let seq = table.position(&app_id(epoch, declared)).await?;
        if seq == 0 {
            return Ok(None);
        }
        let session = job_session(memory_bytes, parts)?;
        register(&session, &table).await?;
        let version = i64::try_from(table.version()).unwrap_or(i64::MAX);
        Ok(Some(Self {
            version,
            seq,
            session,
            table,
        }))
    }
}

/// A session of a job that reads and sorts within `memory_bytes`, in so many parts.
pub(crate) fn job_session(
    memory_bytes: usize,
    parts: usize,
) -> Result<SessionContext, datafusion::error::DataFusionError> {
    let sorting = memory_bytes / OF_WHICH_SORTS;
    let session = session(sorting)?;
    let config = session
        .copied_config()
        .with_target_partitions(parts.min(sorting / PART_BYTES).max(1))
        .with_batch_size(BATCH_ROWS)
        // What each sort keeps for its last merge: with the default of 10 MB, little memory is none.
        .with_sort_spill_reservation_bytes((sorting / 8).min(10 << 20));
    Ok(SessionContext::new_with_config_rt(
        config,
        session.runtime_env(),
    ))
}

/// How far the lake's tables are; zeros before the first commit.
pub async fn positions(analytics: &Analytics) -> Result<Positions, LakeError> {
    let epoch = lake_feed::epoch(analytics.pool()).await?;
    let lake = place(analytics);
    let shipped = position(&lake, &tables::answers::TABLE, &epoch).await?;
    Ok(Positions {
        statements: position(&lake, &tables::statements::TABLE, &epoch).await?,
        answers: lake_feed::complete_through(analytics.pool(), shipped).await?,
    })
}

/// The rows of a run, on their way into the table `mastery`, or `mastery_as_of`.
#[derive(Debug)]
pub struct MasteryRows {
    table: LakeTable,
    file: Pending,
    rows: usize,
}

impl MasteryRows {
    /// Rows that nobody sees yet.
    pub async fn open(analytics: &Analytics) -> Result<Self, LakeError> {
        Self::of(&place(analytics)).await
    }

    /// Rows of a run as of a time.
    pub async fn as_of(analytics: &Analytics) -> Result<Self, LakeError> {
        Self::into(&place(analytics), &tables::mastery::AS_OF).await
    }

    /// The rows of [`MasteryRows::open`] in any lake.
    pub async fn of(lake: &Lake) -> Result<Self, LakeError> {
        Self::into(lake, &tables::mastery::TABLE).await
    }

    async fn into(lake: &Lake, declared: &'static Table) -> Result<Self, LakeError> {
        let table = LakeTable::open(lake, declared).await?;
        let file = table.pending()?;
        Ok(Self {
            table,
            file,
            rows: 0,
        })
    }

    /// Adds rows.
    pub async fn push(&mut self, rows: RecordBatch) -> Result<(), LakeError> {
        self.rows += rows.num_rows();
        Ok(self.file.push(rows).await?)
    }

    /// How many there are.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Puts them in place of the former run's, in one commit: where there are none, nothing stays.
    pub async fn publish(mut self) -> Result<(), LakeError> {
        self.table.refresh().await?;
        Ok(self.table.overwrite(self.file).await?)
    }

    /// Puts them in place of those of earlier runs as of the same time, in one commit.
    pub async fn publish_as_of(mut self, as_of: DateTime<Utc>) -> Result<(), LakeError> {
        self.table.refresh().await?;
        let runs = runs_as_of(&self.table, as_of).await?;
        let of_them = |run| runs.contains(&run);
        Ok(self.table.overwrite_runs(of_them, self.file).await?)
    }
}

/// The runs whose rows are as of a time. Asked of the rows: the log keeps a time to the millisecond only.
async fn runs_as_of(table: &LakeTable, as_of: DateTime<Utc>) -> Result<Vec<i64>, LakeError> {
    let files = table.files()?;
    if files.is_empty() {
        return Ok(Vec::new());
    }
    let at = TimestampMicrosecondArray::from(vec![as_of.timestamp_micros()]);
    let at = ScalarValue::try_from_array(&at.with_timezone("UTC"), 0)?;
    let runs = frame(&SessionContext::new(), table, &files)?
        .filter(col("as_of").eq(lit(at)))?
        .select_columns(&["run"])?
        .distinct()?
        .collect()
        .await?;
    let runs = runs
        .iter()
        .map(|batch| batch.column(0).as_primitive::<Int64Type>());
    Ok(runs.flat_map(|runs| runs.values().to_vec()).collect())
}

pub(crate) fn place(analytics: &Analytics) -> Lake {
    Lake::at(&analytics.config().lake_root)
}

async fn position(
    lake: &Lake,
    declared: &'static Table,
    epoch: &str,
) -> Result<i64, ::lake::LakeError> {
    let table = LakeTable::open(lake, declared).await?;
    table.position(&app_id(epoch, declared)).await
}

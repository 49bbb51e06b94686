//! From the database to a table of the lake, in the final order, none skipped, none twice.

use std::collections::BTreeSet;
use std::future::Future;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use arrow::array::RecordBatch;
use schemas::tables::Table;
use tokio_util::sync::CancellationToken;

use crate::reconcile::{reconcile, rows_of};
use crate::{Lake, LakeError, LakeTable, Pending, Sizes, app_id};

/// How often files are looked for that no version needs any more.
const VACUUM_EVERY: Duration = Duration::from_secs(24 * 3600);

/// Bytes of a commit's file at most, to a piece, as they are written.
const COMMIT_MAX_BYTES: usize = 64 << 20;

/// What comes after a position, as far as it should be in memory at once: a commit takes several.
#[derive(Debug)]
pub struct Piece {
    /// New rows, if any of what was read is a row of this table.
    pub rows: Option<RecordBatch>,
    /// Rows of former pieces that must go.
    pub gone: Gone,
    /// The position that this piece reaches.
    pub position: i64,
    /// Whether more was waiting when it was read.
    pub more: bool,
}

impl Piece {
    /// Nothing comes after this position.
    #[must_use]
    pub fn nothing_after(position: i64) -> Self {
        Self {
            rows: None,
            gone: Gone::default(),
            position,
            more: false,
        }
    }
}

/// Rows to remove: statement ids, and the buckets that they are in.
#[derive(Debug, Default)]
pub struct Gone {
    /// Ids of the statements.
    pub ids: Vec<String>,
    /// The buckets of their accounts.
    pub buckets: BTreeSet<i32>,
}

/// Where pieces come from: the database, read up to its horizon.
pub trait Source {
    /// The history that positions belong to: the cluster's system identifier and timeline.
    fn epoch(&self) -> impl Future<Output = anyhow::Result<String>>;

    /// The position of the last statement stored.
    fn stored(&self) -> impl Future<Output = anyhow::Result<i64>>;

    /// The piece after a position; a position that is returned unchanged means there is nothing.
    fn read(&self, after: i64) -> impl Future<Output = anyhow::Result<Piece>>;

    /// The piece after a position and up to `through`, a position that was shipped, as its rows were
    /// there: what was taken back later is among them, and nothing goes.
    fn as_of(&self, after: i64, through: i64) -> impl Future<Output = anyhow::Result<Piece>>;

    /// As [`Self::as_of`], positions and ids alone; and the position that they reach, `through` at the end.
    fn places(
        &self,
        after: i64,
        through: i64,
    ) -> impl Future<Output = anyhow::Result<(Vec<(i64, String)>, i64)>> {
        async move {
            let piece = self.as_of(after, through).await?;
            let is_last = piece.position == after || !piece.more;
            let rows = piece.rows.as_ref().map(rows_of).transpose()?;
            let next = if is_last { through } else { piece.position };
            Ok((rows.unwrap_or_default(), next))
        }
    }

    /// Ids of rows up to `through` that are taken back after it. Whoever shipped them may have known
    /// that already: they may be in the table or not.
    fn undecided(&self, through: i64) -> impl Future<Output = anyhow::Result<BTreeSet<String>>>;

    /// Puts rows of the table back that the database has lost; gives the ids of those that are not its
    /// own, and go.
    fn put_back(&self, rows: RecordBatch) -> impl Future<Output = anyhow::Result<Vec<String>>>;

    /// The table is in line with the database's history.
    fn in_line(&self) -> impl Future<Output = anyhow::Result<()>>;
}

/// How often and how much.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Time between two looks.
    pub every: Duration,
    /// Rows of one commit at most, to a piece.
    pub commit_max_rows: usize,
    /// Commits after which small files are put together; 0: never.
    pub compact_every: u64,
}

/// Carries one table's rows.
#[derive(Debug)]
pub struct Relay<S> {
    lake: Lake,
    declared: &'static Table,
    source: S,
    pace: Pace,
    open: Option<Open>,
    commits: u64,
    vacuumed: Option<Instant>,
}

/// A table that may be shipped to, and under which name.
#[derive(Debug)]
pub(crate) struct Open {
    pub(crate) table: LakeTable,
    pub(crate) app_id: String,
}

impl Open {
    /// # Errors
    /// [`LakeError::OtherHistory`], [`LakeError::Ahead`] when the lake's rows are not those of this
    /// database.
    pub(crate) async fn new(
        lake: &Lake,
        declared: &'static Table,
        source: &impl Source,
    ) -> anyhow::Result<Self> {
        let app_id = app_id(&source.epoch().await?, declared);
        let table = LakeTable::open(lake, declared).await?;
        let shipped = table.position(&app_id).await?;
        // Asked after the position was read: what was shipped was stored before.
        let stored = source.stored().await?;
        if shipped > stored {
            let table = declared.name;
            return Err(LakeError::Ahead {
                table,
                shipped,
                stored,
            }
            .into());
        }
        Ok(Self { table, app_id })
    }
}

impl<S: Source> Relay<S> {
    /// A relay that has read nothing yet.
    pub fn new(lake: Lake, declared: &'static Table, source: S, pace: Pace) -> Self {
        Self {
            lake,
            declared,
            source,
            pace,
            open: None,
            commits: 0,
            vacuumed: None,
        }
    }

    /// Ships at its pace until `shutdown`, and once more then. A fault is told in the log and tried
    /// again: nothing is lost, since the position stands in the table.
    pub async fn run(mut self, shutdown: CancellationToken) {
        let mut told = String::new();
        loop {
            let last = shutdown.is_cancelled();
            match self.ship().await {
                Ok(_) => told.clear(),
                Err(error) => {
                    let text = one_line(&error);
                    // The same fault every few seconds is one line, not thousands.
                    if text != told {
                        tracing::error!(table = self.declared.name, error = %text, "the lake lags behind");
                        told = text;
                    }
                    // New statements must not make up for those that the database has lost.
                    if matches!(error.downcast_ref(), Some(LakeError::Ahead { .. })) {
                        return;
                    }
                }
            }
            if last {
                return;
            }
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = tokio::time::sleep(self.pace.every) => {}
            }
        }
    }

    /// Ships everything up to the horizon; returns how many rows.
    pub async fn ship(&mut self) -> anyhow::Result<usize> {
        let mut open = self.open().await?;
        // On an error `open` is dropped: the next look starts from what the log says.
        let mut shipped = 0;
        loop {
            match self.ship_commit(&mut open).await {
                Ok((rows, more)) => {
                    shipped += rows;
                    if !more {
                        break;
                    }
                }
                Err(error) if is_raced(&error) => open.table.refresh().await?,
                Err(error) => return Err(error),
            }
        }
        self.upkeep(&mut open.table).await?;
        self.open = Some(open);
        Ok(shipped)
    }

    /// The table, once it is in line with the history that the database has now: that may have become another
    /// since the last look, where a copy of the database took over.
    async fn open(&mut self) -> anyhow::Result<Open> {
        let app_id = app_id(&self.source.epoch().await?, self.declared);
        if let Some(mut open) = self.open.take().filter(|open| open.app_id == app_id) {
            open.table.refresh().await?;
            return Ok(open);
        }
        let opened = Open::new(&self.lake, self.declared, &self.source).await;
        let open = match opened {
            Err(error) if is_apart(&error) => {
                let table = self.declared.name;
                tracing::warn!(table, error = %one_line(&error), "bringing lake and database together");
                let done = reconcile(&self.lake, self.declared, &self.source).await?;
                tracing::warn!(
                    table,
                    put_back = done.put_back,
                    removed = done.removed,
                    appended = done.appended,
                    position = done.position,
                    "lake and database are together again"
                );
                Open::new(&self.lake, self.declared, &self.source).await?
            }
            other => other?,
        };
        self.source.in_line().await?;
        Ok(open)
    }

    /// Carries some pieces in one commit; returns their rows, and whether more waits.
    async fn ship_commit(&mut self, open: &mut Open) -> anyhow::Result<(usize, bool)> {
        let Open { table, app_id } = open;
        let after = table.position(app_id).await?;
        let mut position = after;
        let mut pending: Option<Pending> = None;
        let mut rows = 0;
        let mut more = true;
        let mut bytes = 0;
        while more && rows < self.pace.commit_max_rows && bytes < COMMIT_MAX_BYTES {
            let piece = self.read(position).await?;
            if piece.position == position {
                more = false;
                break;
            }
            if !piece.gone.ids.is_empty() {
                // What is pending cannot be removed from the table yet. The piece is read again.
                if pending.is_some() {
                    break;
                }
                // Rows go before the position moves past their removal: a crash in between repeats it.
                table.delete(&piece.gone.buckets, &piece.gone.ids).await?;
            }
            if let Some(batch) = piece.rows {
                rows += batch.num_rows();
                let pending = match &mut pending {
                    Some(pending) => pending,
                    None => pending.insert(table.pending()?),
                };
                pending.push(batch).await?;
                bytes = pending.bytes();
            }
            position = piece.position;
            more = piece.more;
        }
        if position == after {
            return Ok((0, false));
        }
        // A piece without rows moves the position too. If it did not, another process could append
        // an answer that it read before the answer was voided, when we have seen the voiding already.
        table.append(pending, app_id, after, position).await?;
        self.commits += 1;
        tracing::debug!(table = self.declared.name, rows, position, "shipped");
        Ok((rows, more))
    }

    async fn read(&self, after: i64) -> anyhow::Result<Piece> {
        let read = self.source.read(after).await;
        read.with_context(|| format!("could not read what comes after position {after}"))
    }

    async fn upkeep(&mut self, table: &mut LakeTable) -> Result<(), LakeError> {
        if self.pace.compact_every == 0 || self.commits < self.pace.compact_every {
            return Ok(());
        }
        self.commits = 0;
        match table.compact(Sizes::default()).await {
            Ok(less) => tracing::debug!(table = self.declared.name, less, "compacted"),
            // Another process is at it: its turn.
            Err(LakeError::Raced(_)) => table.refresh().await?,
            Err(error) => return Err(error),
        }
        if self.vacuumed.is_none_or(|at| at.elapsed() > VACUUM_EVERY) {
            table.vacuum().await?;
            self.vacuumed = Some(Instant::now());
        }
        Ok(())
    }
}

/// Whether the table's rows are of another history of the database than it has now.
fn is_apart(error: &anyhow::Error) -> bool {
    matches!(
        error.downcast_ref(),
        Some(LakeError::OtherHistory(_) | LakeError::Ahead { .. })
    )
}

fn is_raced(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(LakeError::Raced(_)))
}

/// An error and what is behind it, on one line: some of it is told over several.
fn one_line(error: &anyhow::Error) -> String {
    format!("{error:#}")
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

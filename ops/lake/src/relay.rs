//! From the database to a table of the lake, in the final order, none skipped, none twice.

use std::collections::BTreeSet;
use std::future::Future;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use arrow::array::RecordBatch;
use schemas::tables::Table;
use tokio_util::sync::CancellationToken;

use crate::{Lake, LakeError, LakeTable, app_id};

/// How often files are looked for that no version needs any more.
const VACUUM_EVERY: Duration = Duration::from_secs(24 * 3600);

/// What comes after a position, as far as one commit should take it.
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
}

/// How often and how much.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Time between two looks.
    pub every: Duration,
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

#[derive(Debug)]
struct Open {
    table: LakeTable,
    app_id: String,
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
    /// again: nothing is lost, since the position stands in the table. Only where the database turns
    /// out to be behind its lake nothing more is shipped until somebody has looked.
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
        let mut open = match self.open.take() {
            Some(mut open) => {
                open.table.refresh().await?;
                open
            }
            None => self.start().await?,
        };
        // On an error `open` is dropped: the next look starts from what the log says.
        let mut shipped = 0;
        loop {
            match self.ship_piece(&mut open).await {
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

    async fn start(&self) -> anyhow::Result<Open> {
        let app_id = app_id(&self.source.epoch().await?, self.declared);
        let table = LakeTable::open(&self.lake, self.declared).await?;
        let shipped = table.position(&app_id).await?;
        // Asked after the position was read: what was shipped was stored before.
        let stored = self.source.stored().await?;
        if shipped > stored {
            let table = self.declared.name;
            return Err(LakeError::Ahead {
                table,
                shipped,
                stored,
            }
            .into());
        }
        Ok(Open { table, app_id })
    }

    async fn ship_piece(&mut self, open: &mut Open) -> anyhow::Result<(usize, bool)> {
        let Open { table, app_id } = open;
        let after = table.position(app_id).await?;
        let piece = self
            .source
            .read(after)
            .await
            .with_context(|| format!("could not read what comes after position {after}"))?;
        if piece.position == after {
            return Ok((0, false));
        }
        // Rows go before the position moves past their removal: a crash in between repeats it.
        if !piece.gone.ids.is_empty() {
            table.delete(&piece.gone.buckets, &piece.gone.ids).await?;
        }
        let rows = piece.rows.as_ref().map_or(0, RecordBatch::num_rows);
        // A piece without rows moves the position too. If it did not, another process could append
        // an answer that it read before the answer was voided, when we have seen the voiding already.
        table
            .append(piece.rows, app_id, after, piece.position)
            .await?;
        self.commits += 1;
        tracing::debug!(
            table = self.declared.name,
            rows,
            position = piece.position,
            "shipped"
        );
        Ok((rows, piece.more))
    }

    async fn upkeep(&mut self, table: &mut LakeTable) -> Result<(), LakeError> {
        if self.pace.compact_every == 0 || self.commits < self.pace.compact_every {
            return Ok(());
        }
        self.commits = 0;
        match table.compact().await {
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

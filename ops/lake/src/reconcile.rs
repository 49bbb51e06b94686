//! A table brought together with a database that was put back to an older state, by statement id: after a
//! restore, or once a copy took over that had not got everything.
//!
//! Up to the table's last row both sides are walked in the order of positions. What the table lacks is
//! appended; what only the table has is put back into the database, or goes where it is not the
//! database's. One commit then sets the position under the new history. Until that commit all of it may be
//! done again, by whomever.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, bail};
use arrow::array::{AsArray as _, BooleanArray, RecordBatch};
use arrow::compute::{cast, filter_record_batch};
use arrow::datatypes::{DataType, Int64Type};
use datafusion::execution::SendableRecordBatchStream;
use datafusion::prelude::SessionContext;
use futures::StreamExt as _;
use schemas::tables::{BUCKETS, Table, statements};

use crate::{Lake, LakeError, LakeTable, Pending, Source, app_id, snapshot};

/// Memory that the table's positions are sorted in; beyond, they spill to disk.
const SORT_BYTES: usize = 64 << 20;

/// How often both sides are walked: what is put back, or gone, is so at the next walk, unless others are at
/// it, too.
const ROUNDS: usize = 5;

/// What it came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reconciled {
    /// Rows that only the table had and the database has again.
    pub put_back: u64,
    /// Rows that only the table had, and that are not the database's: they are gone.
    pub removed: u64,
    /// Rows that only the database had.
    pub appended: u64,
    /// The position under the new history.
    pub position: i64,
}

/// Brings a table and its database together.
///
/// # Errors
/// [`LakeError::File`] when a file of the table cannot be read, [`LakeError::Raced`] when another process was
/// first, and whatever the source says that it cannot put back: nothing is shipped then.
pub(crate) async fn reconcile(
    lake: &Lake,
    declared: &'static Table,
    source: &impl Source,
) -> anyhow::Result<Reconciled> {
    let epoch = source.epoch().await?;
    after_statements(lake, declared, &epoch).await?;
    let app_id = app_id(&epoch, declared);
    let mut table = LakeTable::open(lake, declared).await?;
    let mut done = Reconciled::default();
    for _ in 0..ROUNDS {
        let sides = Sides::of(&table).await?;
        let apart = sides.walk(source).await?;
        if apart.of_table.is_empty() {
            let (missing, count) =
                missing(&table, source, &apart.of_database, sides.through).await?;
            done.appended = count;
            // Asked after the walk: another process may have put rows back that it then found on both sides, and
            // that are there already. Nothing else is stored until all of it is done. What the table had
            // beyond the last statement is gone; its positions will be given again.
            done.position = sides.through.min(source.stored().await?);
            table.adopt(missing, &app_id, done.position).await?;
            return Ok(done);
        }
        let strangers = sides.put_back(source, &apart.of_table).await?;
        done.put_back += (apart.of_table.len() - strangers.len()) as u64;
        done.removed += strangers.len() as u64;
        if !strangers.is_empty() {
            let all = (0..BUCKETS).collect();
            let strangers: Vec<_> = strangers.into_iter().collect();
            table.delete(&all, &strangers).await?;
        }
    }
    bail!(
        "the table has rows that neither go nor are the database's, however often it is looked at"
    );
}

/// Statements come first: what else the database has lost comes back with them, or not at all. And only they
/// tell whether the lake is this installation's.
async fn after_statements(
    lake: &Lake,
    declared: &'static Table,
    epoch: &str,
) -> anyhow::Result<()> {
    if declared.name == statements::TABLE.name {
        return Ok(());
    }
    if let Some(first) = LakeTable::existing(lake, &statements::TABLE).await? {
        first.position(&app_id(epoch, &statements::TABLE)).await?;
    }
    Ok(())
}

/// Rows of one side alone: position and statement id.
#[derive(Default)]
struct Apart {
    of_table: BTreeMap<i64, String>,
    of_database: BTreeMap<i64, String>,
}

/// A table to be walked.
struct Sides {
    session: SessionContext,
    name: &'static str,
    /// The position of its last row.
    through: i64,
}

impl Sides {
    async fn of(table: &LakeTable) -> Result<Self, LakeError> {
        let name = table.declared().name;
        let failed = |source| LakeError::Query(name, source);
        let session = snapshot::session(SORT_BYTES).map_err(failed)?;
        snapshot::register(&session, table).await?;
        let mut sides = Self {
            session,
            name,
            through: 0,
        };
        let last = format!("select coalesce(max(seq), 0) as seq from {name}");
        let mut rows = sides.ask(&last).await?;
        while let Some(rows) = rows.next().await {
            let rows = rows.map_err(failed)?;
            let seqs = rows.column(0).as_primitive::<Int64Type>();
            sides.through = seqs.iter().flatten().fold(sides.through, i64::max);
        }
        Ok(sides)
    }

    async fn ask(&self, question: &str) -> Result<SendableRecordBatchStream, LakeError> {
        let failed = |source| LakeError::Query(self.name, source);
        let rows = self.session.sql(question).await.map_err(failed)?;
        rows.execute_stream().await.map_err(failed)
    }

    /// What only one side has, up to the table's last row.
    async fn walk(&self, source: &impl Source) -> anyhow::Result<Apart> {
        let question = format!("select seq, id from {} order by seq", self.name);
        let mut table = OfTable {
            stream: self.ask(&question).await?,
            rows: Vec::new().into_iter(),
            name: self.name,
        };
        let mut database = OfDatabase {
            source,
            after: 0,
            through: self.through,
            rows: Vec::new().into_iter(),
        };
        let mut apart = Apart::default();
        let (mut one, mut other) = (table.next().await?, database.next().await?);
        loop {
            let place = |row: &Option<(i64, String)>| row.as_ref().map_or(i64::MAX, |row| row.0);
            let (here, there) = (place(&one), place(&other));
            if one.is_none() && other.is_none() {
                return Ok(apart);
            }
            if one != other {
                if here <= there {
                    apart.of_table.extend(one.take());
                }
                if there <= here {
                    apart.of_database.extend(other.take());
                }
            }
            if here <= there {
                one = table.next().await?;
            }
            if there <= here {
                other = database.next().await?;
            }
        }
    }

    /// Puts rows back into the database; gives the ids of those that are not its own.
    async fn put_back(
        &self,
        source: &impl Source,
        of_table: &BTreeMap<i64, String>,
    ) -> anyhow::Result<BTreeSet<String>> {
        let mut strangers = BTreeSet::new();
        let (Some(first), Some(last)) = (of_table.keys().next(), of_table.keys().next_back())
        else {
            return Ok(strangers);
        };
        let question = format!(
            "select * from {} where seq >= {first} and seq <= {last} order by seq",
            self.name
        );
        let mut rows = self.ask(&question).await?;
        while let Some(rows) = rows.next().await {
            let rows = rows.map_err(|source| LakeError::Query(self.name, source))?;
            let rows = only(&rows, of_table)?;
            if rows.num_rows() > 0 {
                strangers.extend(source.put_back(rows).await?);
            }
        }
        Ok(strangers)
    }
}

/// The rows that the table lacks, in a file that no version names yet, and how many they are.
async fn missing(
    table: &LakeTable,
    source: &impl Source,
    of_database: &BTreeMap<i64, String>,
    through: i64,
) -> anyhow::Result<(Option<Pending>, u64)> {
    let (Some(first), Some(last)) = (of_database.keys().next(), of_database.keys().next_back())
    else {
        return Ok((None, 0));
    };
    let mut pending = table.pending()?;
    let mut count = 0;
    let mut after = first - 1;
    while after < *last {
        let piece = source.as_of(after, through).await;
        let piece = piece.with_context(|| format!("could not read what comes after {after}"))?;
        if let Some(rows) = piece.rows {
            let rows = only(&rows, of_database)?;
            count += rows.num_rows() as u64;
            pending.push(rows).await?;
        }
        if piece.position == after || !piece.more {
            break;
        }
        after = piece.position;
    }
    Ok((Some(pending), count))
}

/// Positions and ids of some rows.
pub(crate) fn rows_of(rows: &RecordBatch) -> anyhow::Result<Vec<(i64, String)>> {
    let column = |name| {
        rows.column_by_name(name)
            .with_context(|| format!("no column {name}"))
    };
    let seqs = column("seq")?.as_primitive::<Int64Type>();
    // A file that was rewritten says that its texts are views.
    let ids = cast(column("id")?, &DataType::Utf8)?;
    let ids = ids.as_string::<i32>();
    Ok((0..rows.num_rows())
        .map(|at| (seqs.value(at), ids.value(at).to_owned()))
        .collect())
}

fn only(rows: &RecordBatch, wanted: &BTreeMap<i64, String>) -> anyhow::Result<RecordBatch> {
    let is_wanted = rows_of(rows)?
        .iter()
        .map(|(seq, id)| Some(wanted.get(seq) == Some(id)))
        .collect::<BooleanArray>();
    Ok(filter_record_batch(rows, &is_wanted)?)
}

/// The table's rows, in order.
struct OfTable {
    stream: SendableRecordBatchStream,
    rows: std::vec::IntoIter<(i64, String)>,
    name: &'static str,
}

impl OfTable {
    async fn next(&mut self) -> anyhow::Result<Option<(i64, String)>> {
        loop {
            if let Some(row) = self.rows.next() {
                return Ok(Some(row));
            }
            let Some(rows) = self.stream.next().await else {
                return Ok(None);
            };
            let rows = rows.map_err(|source| LakeError::Query(self.name, source))?;
            self.rows = rows_of(&rows)?.into_iter();
        }
    }
}

/// The database's rows, in order, as they were when the table's last row was shipped.
struct OfDatabase<'a, S> {
    source: &'a S,
    after: i64,
    through: i64,
    rows: std::vec::IntoIter<(i64, String)>,
}

impl<S: Source> OfDatabase<'_, S> {
    async fn next(&mut self) -> anyhow::Result<Option<(i64, String)>> {
        loop {
            if let Some(row) = self.rows.next() {
                return Ok(Some(row));
            }
            if self.after >= self.through {
                return Ok(None);
            }
            let places = self.source.places(self.after, self.through).await;
            let (rows, next) = places
                .with_context(|| format!("could not read what comes after {}", self.after))?;
            self.rows = rows.into_iter();
            self.after = next;
        }
    }
}

//! A table made anew from the database, beside whatever ships and reads.

use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::Context as _;
use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use datafusion::datasource::MemTable;
use datafusion::error::DataFusionError;
use datafusion::prelude::{SessionConfig, SessionContext};
use deltalake::kernel::Add;
use futures::StreamExt as _;
use object_store::path::Path;
use schemas::tables::Table;

use crate::relay::Open;
use crate::table::Pending;
use crate::{Lake, LakeError, LakeTable, Source, snapshot};

/// A file is closed beyond this many bytes: one that the upkeep finds large enough.
const FILE_BYTES: usize = 64 << 20;

/// How often the commit is tried. Others ship every some seconds; a try takes less than one.
const TRIES: usize = 100;

/// How far it is.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// The position that is reached.
    pub position: i64,
    /// The position of the last statement that was stored when it began.
    pub stored: i64,
    /// Rows written.
    pub rows: u64,
}

/// Puts the rows of the database in place of all that the table holds, in one commit; tells how far it is
/// after each piece.
///
/// New files are written beside those that are read. The commit takes the old ones out, brings the new ones in and
/// sets the position that they reach, all at once and only if nobody has moved that position meanwhile; who ships beside
/// goes on from there. If the position was moved, what was shipped is read, too, and the commit tried again. A run
/// that is broken off leaves files that no version names.
pub async fn rebuild(
    lake: &Lake,
    declared: &'static Table,
    source: &impl Source,
    mut told: impl FnMut(Progress),
) -> anyhow::Result<Progress> {
    let Open { mut table, app_id } = Open::new(lake, declared, source).await?;
    let mut now = Progress {
        position: 0,
        stored: source.stored().await?,
        rows: 0,
    };
    let mut files = Files::default();
    for _ in 0..TRIES {
        read_on(source, &table, &mut files, &mut now, &mut told).await?;
        files.close().await?;
        files.take_out(&table).await?;
        table.refresh().await?;
        if table.position(&app_id).await? > now.position {
            continue;
        }
        match table
            .replace(files.adds.clone(), &app_id, now.position)
            .await
        {
            Ok(()) => return Ok(now),
            Err(LakeError::Raced(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(LakeError::Raced(declared.name).into())
}

/// Reads to the end, or to where nothing more is final.
async fn read_on(
    source: &impl Source,
    table: &LakeTable,
    files: &mut Files,
    now: &mut Progress,
    told: &mut impl FnMut(Progress),
) -> anyhow::Result<()> {
    loop {
        let after = now.position;
        let piece = source.read(after).await;
        let piece = piece.with_context(|| format!("could not read what comes after {after}"))?;
        if piece.position == after {
            return Ok(());
        }
        files.gone.extend(piece.gone.ids);
        if let Some(rows) = piece.rows {
            now.rows += rows.num_rows() as u64;
            files.push(table, rows).await?;
        }
        now.position = piece.position;
        told(*now);
        if !piece.more {
            return Ok(());
        }
    }
}

/// Files that are to be the table's.
#[derive(Default)]
struct Files {
    adds: Vec<Add>,
    open: Option<Pending>,
    /// What was taken back among the rows read so far, or before. A row that was read before it was taken back is
    /// in a file.
    gone: BTreeSet<String>,
}

impl Files {
    async fn push(&mut self, table: &LakeTable, rows: RecordBatch) -> Result<(), LakeError> {
        let open = match &mut self.open {
            Some(open) => open,
            None => self.open.insert(table.pending()?),
        };
        open.push(rows).await?;
        if open.bytes() >= FILE_BYTES {
            self.close().await?;
        }
        Ok(())
    }

    async fn close(&mut self) -> Result<(), LakeError> {
        if let Some(open) = self.open.take() {
            self.adds.extend(open.finish().await?);
        }
        Ok(())
    }

    /// Writes again, without them, the files that hold rows that are gone.
    async fn take_out(&mut self, table: &LakeTable) -> Result<(), LakeError> {
        let gone = std::mem::take(&mut self.gone);
        if gone.is_empty() {
            return Ok(());
        }
        let failed = |source| LakeError::Query(table.declared().name, source);
        let mut kept = Vec::new();
        for add in std::mem::take(&mut self.adds) {
            let session = beside(table, &add, &gone)?;
            if count_of_gone(&session, table).await.map_err(failed)? == 0 {
                kept.push(add);
                continue;
            }
            let name = table.declared().name;
            let rest = format!("select * from {name} where id not in (select id from gone)");
            let rest = session.sql(&rest).await.map_err(failed)?;
            let mut rest = rest.execute_stream().await.map_err(failed)?;
            let mut pending = table.pending()?;
            while let Some(rows) = rest.next().await {
                pending.push(rows.map_err(failed)?).await?;
            }
            kept.extend(pending.finish().await?);
        }
        self.adds = kept;
        Ok(())
    }
}

/// A session with one file under the table's name, and the ids `gone`.
fn beside(
    table: &LakeTable,
    add: &Add,
    gone: &BTreeSet<String>,
) -> Result<SessionContext, LakeError> {
    let name = table.declared().name;
    let failed = |source| LakeError::Query(name, source);
    let config = SessionConfig::new()
        .with_target_partitions(1)
        .with_batch_size(1024);
    let session = SessionContext::new_with_config(config);
    let path = Path::parse(&add.path).map_err(|error| failed(error.into()))?;
    let uri = table.delta().log_store().to_uri(&path);
    snapshot::register_files(&session, table, &[uri])?;
    ids(gone)
        .and_then(|ids| session.register_table("gone", Arc::new(ids)))
        .map_err(failed)?;
    Ok(session)
}

fn ids(gone: &BTreeSet<String>) -> Result<MemTable, DataFusionError> {
    let schema = Schema::new(vec![Field::new("id", DataType::Utf8, false)]);
    let column: ArrayRef = Arc::new(StringArray::from_iter_values(gone));
    let rows = RecordBatch::try_new(Arc::new(schema.clone()), vec![column])?;
    MemTable::try_new(Arc::new(schema), vec![vec![rows]])
}

async fn count_of_gone(
    session: &SessionContext,
    table: &LakeTable,
) -> Result<usize, DataFusionError> {
    let name = table.declared().name;
    let question = format!("select id from {name} where id in (select id from gone)");
    session.sql(&question).await?.count().await
}

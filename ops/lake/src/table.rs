//! One table of the lake.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::{AsArray as _, RecordBatch, UInt32Array};
use arrow::compute::take_record_batch;
use arrow::datatypes::Int32Type;
use arrow::error::ArrowError;
use datafusion::prelude::{col, lit};
use deltalake::kernel::engine::arrow_conversion::TryIntoKernel;
use deltalake::kernel::transaction::{CommitBuilder, CommitProperties};
use deltalake::kernel::{Action, Add, StructType, Transaction};
use deltalake::protocol::{DeltaOperation, SaveMode};
use deltalake::table::state::DeltaTableState;
use deltalake::writer::{DeltaWriter, RecordBatchWriter};
use deltalake::{DeltaTable, DeltaTableError, TableProperty};
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use parquet::schema::types::ColumnPath;
use schemas::tables::{ColumnType, Table};

use crate::{Lake, LakeError};

/// The application id that every commit carries which takes files away: of two that race, the later
/// one fails. Without it Delta's conflict check lets both of two compactions pass, or a compaction
/// and then a removal, and the rows of the files that both took away stand there twice.
const REWRITE: &str = "sillage:rewrite";

/// How long former versions stay readable, for whoever reads one while the table goes on.
pub(crate) const KEEP_DAYS: i64 = 7;

/// Commits between two checkpoints of the log: what has to be read to open a table.
const CHECKPOINT_EVERY: &str = "50";

/// The one column that tables are partitioned by; it stands in the names of folders, not in files.
pub(crate) const BUCKET: &str = "bucket";

/// Rows of a row group at most: what a reader unpacks of one column at a time.
const ROW_GROUP_ROWS: usize = 131_072;

/// Files that are written at the same time: more than one, since an object store answers slowly; not
/// all, since each holds a compressor and a decompressor for every column, about 0.1 MB.
const OPEN_FILES: usize = 4;

/// The application id under which positions of a table are kept, for one history of the database.
#[must_use]
pub fn app_id(epoch: &str, table: &Table) -> String {
    format!("sillage:{epoch}:{}", table.name)
}

/// A table at the version that was read last.
#[derive(Debug)]
pub struct LakeTable {
    declared: &'static Table,
    delta: DeltaTable,
}

impl LakeTable {
    /// The table at its newest version; it is created when there is none.
    pub async fn open(lake: &Lake, declared: &'static Table) -> Result<Self, LakeError> {
        let delta = DeltaTable::try_from_url(lake.url(declared)?)
            .await
            .map_err(LakeError::of(declared.name, "opened"))?;
        let delta = if delta.version().is_some() {
            delta
        } else {
            create(delta, declared).await?
        };
        let table = Self { declared, delta };
        table.check_columns()?;
        Ok(table)
    }

    /// The version that was read last, from 0.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.delta.version().unwrap_or_default()
    }

    /// What the table holds.
    #[must_use]
    pub fn declared(&self) -> &'static Table {
        self.declared
    }

    /// Reads the newest version.
    pub async fn refresh(&mut self) -> Result<(), LakeError> {
        let read = self.delta.update_state().await;
        read.map_err(self.fault("read"))
    }

    /// The position of the last row shipped under `app_id`, as of the version read last; 0 when
    /// nothing was shipped yet.
    ///
    /// # Errors
    /// [`LakeError::OtherHistory`] when rows were shipped, but not under this id.
    pub async fn position(&self, app_id: &str) -> Result<i64, LakeError> {
        let position = self
            .state()?
            .transaction_version(self.delta.log_store().as_ref(), app_id)
            .await
            .map_err(self.fault("read"))?;
        match position {
            Some(position) => Ok(position),
            // Version 0 is the creation: whatever came after it came from somebody else.
            None if self.version() > 0 => Err(LakeError::OtherHistory(self.declared.name)),
            None => Ok(0),
        }
    }

    /// Moves the position of `app_id` from `after` to `position`, and appends the rows that lie
    /// between, if any, in the same commit.
    ///
    /// # Errors
    /// [`LakeError::Raced`] when the position is not `after` any more; nothing was appended then.
    /// After any other error it is not known whether the commit was done: the position tells.
    pub async fn append(
        &mut self,
        rows: Option<RecordBatch>,
        app_id: &str,
        after: i64,
        position: i64,
    ) -> Result<(), LakeError> {
        // On the very version that the commit is checked against: the caller may have removed rows
        // since it read the position, and that commit may have gone over another writer's.
        if self.position(app_id).await? != after {
            return Err(LakeError::Raced(self.declared.name));
        }
        let adds = self.write(rows).await?;
        let actions = adds.into_iter().map(Action::Add).collect();
        let operation = DeltaOperation::Write {
            mode: SaveMode::Append,
            partition_by: None,
            predicate: None,
        };
        self.commit(actions, operation, Transaction::new(app_id, position))
            .await
    }

    /// Removes the rows of these statement ids from these buckets; ids that are not there do not
    /// matter, so a repetition changes nothing.
    pub async fn delete(
        &mut self,
        buckets: &BTreeSet<i32>,
        ids: &[String],
    ) -> Result<(), LakeError> {
        let buckets = buckets.iter().map(|bucket| lit(*bucket)).collect();
        let ids = ids.iter().map(lit).collect();
        let rows = col("bucket")
            .in_list(buckets, false)
            .and(col("id").in_list(ids, false));
        let (delta, _) = self
            .delta
            .clone()
            .delete()
            .with_predicate(rows)
            .with_writer_properties(writer_properties())
            .with_commit_properties(properties(self.rewrite()))
            .await
            .map_err(self.fault("freed of rows"))?;
        self.delta = delta;
        Ok(())
    }

    /// Puts these rows in place of all there are, in one commit.
    pub async fn overwrite(&mut self, rows: Vec<RecordBatch>) -> Result<(), LakeError> {
        let adds = self.write(rows).await?;
        let log = self.state()?.log_data();
        let removes = log.iter().map(|file| file.remove_action(true));
        let actions = removes
            .map(Action::Remove)
            .chain(adds.into_iter().map(Action::Add))
            .collect();
        let operation = DeltaOperation::Write {
            mode: SaveMode::Overwrite,
            partition_by: None,
            predicate: None,
        };
        self.commit(actions, operation, self.rewrite()).await
    }

    /// The files that make up the version read last.
    pub fn files(&self) -> Result<Vec<String>, LakeError> {
        let uris = self.delta.get_file_uris().map_err(self.fault("listed"))?;
        Ok(uris.collect())
    }

    pub(crate) fn delta(&self) -> &DeltaTable {
        &self.delta
    }

    pub(crate) fn state(&self) -> Result<&DeltaTableState, LakeError> {
        self.delta.snapshot().map_err(self.fault("read"))
    }

    /// What turns an error of deltalake into ours.
    pub(crate) fn fault(
        &self,
        what: &'static str,
    ) -> impl FnOnce(DeltaTableError) -> LakeError + use<> {
        LakeError::of(self.declared.name, what)
    }

    /// The mark of a commit that takes files away.
    pub(crate) fn rewrite(&self) -> Transaction {
        let version = i64::try_from(self.version()).unwrap_or(i64::MAX);
        Transaction::new(REWRITE, version)
    }

    /// Where rows go that are to be in the table after the next commit.
    pub(crate) fn writer(&self) -> Result<RecordBatchWriter, LakeError> {
        let writer = RecordBatchWriter::for_table(&self.delta).map_err(self.fault("written"))?;
        Ok(writer.with_writer_properties(writer_properties()))
    }

    /// New files with these rows, not yet of any version. A partitioned table gets one a bucket of
    /// each batch, and only [`OPEN_FILES`] of them at a time: what is open holds the compressors of every column.
    async fn write(
        &self,
        rows: impl IntoIterator<Item = RecordBatch>,
    ) -> Result<Vec<Add>, LakeError> {
        let rows = rows.into_iter();
        if self.declared.partition.is_empty() {
            return self.write_file(rows).await;
        }
        let mut files = Vec::new();
        for batch in rows {
            let buckets = by_bucket(&batch).map_err(|error| self.fault("written")(error.into()))?;
            files.extend(buckets.into_iter().map(|rows| self.write_file([rows])));
        }
        let adds: Vec<_> = stream::iter(files)
            .buffered(OPEN_FILES)
            .try_collect()
            .await?;
        Ok(adds.concat())
    }

    async fn write_file(
        &self,
        rows: impl IntoIterator<Item = RecordBatch>,
    ) -> Result<Vec<Add>, LakeError> {
        let mut writer = self.writer()?;
        for batch in rows {
            let written = writer.write(batch).await;
            written.map_err(self.fault("written"))?;
        }
        writer.flush().await.map_err(self.fault("written"))
    }

    pub(crate) async fn commit(
        &mut self,
        actions: Vec<Action>,
        operation: DeltaOperation,
        transaction: Transaction,
    ) -> Result<(), LakeError> {
        let state = self.state()?;
        let committed = CommitBuilder::from(properties(transaction))
            .with_actions(actions)
            .build(Some(state), self.delta.log_store(), operation)
            .await
            .map_err(self.fault("written"))?;
        self.delta.state = Some(committed.snapshot());
        Ok(())
    }

    fn check_columns(&self) -> Result<(), LakeError> {
        let wanted = kernel_schema(self.declared)?;
        let found = self.state()?.schema();
        let same = wanted
            .fields()
            .map(|field| (field.name(), field.data_type()))
            .eq(found
                .fields()
                .map(|field| (field.name(), field.data_type())));
        if same {
            Ok(())
        } else {
            Err(LakeError::Columns(self.declared.name))
        }
    }
}

/// The rows of each bucket, in the order that they had.
fn by_bucket(rows: &RecordBatch) -> Result<Vec<RecordBatch>, ArrowError> {
    let buckets = rows
        .column_by_name(BUCKET)
        .and_then(|column| column.as_primitive_opt::<Int32Type>())
        .ok_or_else(|| ArrowError::SchemaError(format!("no column {BUCKET}")))?;
    let mut places: BTreeMap<i32, Vec<u32>> = BTreeMap::new();
    for (place, bucket) in (0..).zip(buckets.values()) {
        places.entry(*bucket).or_default().push(place);
    }
    places
        .into_values()
        .map(|places| take_record_batch(rows, &UInt32Array::from(places)))
        .collect()
}

/// Of every commit. Old entries of the log are cleared with the old files, not at each commit: that
/// would list the log every time.
fn properties(transaction: Transaction) -> CommitProperties {
    CommitProperties::default()
        .with_application_transaction(transaction)
        .with_cleanup_expired_logs(Some(false))
}

/// Creates the table; when another process did so at the same moment, theirs is taken.
async fn create(delta: DeltaTable, declared: &'static Table) -> Result<DeltaTable, LakeError> {
    let schema = kernel_schema(declared)?;
    let created = delta
        .create()
        .with_table_name(declared.name)
        .with_comment(declared.row)
        .with_columns(schema.fields().cloned())
        .with_partition_columns(declared.partition.iter().copied())
        .with_configuration(table_properties(declared))
        .with_save_mode(SaveMode::ErrorIfExists)
        // Tried again, a creation that comes second would become version 1 of the first one's table.
        .with_commit_properties(CommitProperties::default().with_max_retries(0))
        .await;
    match created {
        Ok(table) => Ok(table),
        Err(error) => {
            let mut theirs = delta;
            let loaded = theirs.load().await;
            loaded.map_err(|_| LakeError::of(declared.name, "created")(error))?;
            Ok(theirs)
        }
    }
}

fn table_properties(declared: &Table) -> Vec<(String, Option<String>)> {
    let keep = format!("interval {KEEP_DAYS} days");
    // The log keeps the least and the greatest value of these columns for each file. Positions and
    // times, so that readers can leave files out; no column that tells of anybody.
    let told: Vec<_> = declared
        .columns
        .iter()
        .filter(|column| {
            column.kind == ColumnType::Timestamp || ["seq", "run"].contains(&column.name)
        })
        .map(|column| column.name)
        .collect();
    let property = |key: TableProperty, value: String| {
        let key: &str = key.as_ref();
        (key.to_owned(), Some(value))
    };
    vec![
        property(
            TableProperty::CheckpointInterval,
            CHECKPOINT_EVERY.to_owned(),
        ),
        property(TableProperty::LogRetentionDuration, keep.clone()),
        property(TableProperty::DeletedFileRetentionDuration, keep),
        property(TableProperty::DataSkippingStatsColumns, told.join(",")),
    ]
}

fn writer_properties() -> WriterProperties {
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS));
    // No two rows share a value there: a dictionary would be built and thrown away.
    for unlike in ["id", "statement"] {
        properties = properties.set_column_dictionary_enabled(ColumnPath::from(unlike), false);
    }
    properties.build()
}

fn kernel_schema(declared: &'static Table) -> Result<StructType, LakeError> {
    declared
        .arrow_schema()
        .as_ref()
        .try_into_kernel()
        .map_err(|source: ArrowError| {
            LakeError::of(declared.name, "declared")(DeltaTableError::Arrow { source })
        })
}

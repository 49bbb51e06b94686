//! One table of the lake.

use std::collections::BTreeSet;

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use chrono::{DateTime, Utc};
use datafusion::prelude::{col, lit};
use deltalake::kernel::engine::arrow_conversion::TryIntoKernel;
use deltalake::kernel::transaction::{CommitBuilder, CommitProperties};
use deltalake::kernel::{Action, Add, LogicalFileView, StructField, StructType, Transaction};
use deltalake::protocol::{DeltaOperation, SaveMode};
use deltalake::table::state::DeltaTableState;
use deltalake::writer::{DeltaWriter, RecordBatchWriter};
use deltalake::{DeltaTable, DeltaTableError, TableProperty};
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::SortingColumn;
use parquet::file::properties::{WriterProperties, WriterPropertiesBuilder};
use parquet::schema::types::ColumnPath;
use schemas::tables::{ColumnType, Table};
use serde_json::Value;

use crate::{Lake, LakeError};

/// The application id that every commit carries which takes files away: of two that race, the later
/// one fails. Without it Delta's conflict check lets both of two compactions pass, or a compaction
/// and then a removal, and the rows of the files that both took away stand there twice.
const REWRITE: &str = "sillage:rewrite";

/// How long former versions stay readable, for whoever reads one while the table goes on.
pub(crate) const KEEP_DAYS: i64 = 7;

/// Commits between two checkpoints of the log: what has to be read to open a table.
const CHECKPOINT_EVERY: &str = "50";

/// The column that the rows of a table are sorted by, where it has one; a file's least and greatest stand
/// in the log.
pub(crate) const BUCKET: &str = "bucket";

/// What compaction sorts by. A file that is sorted says so in its footer (`sorting_columns`), and engines that
/// know how read it without a sort.
pub(crate) const ORDER: [&str; 3] = [BUCKET, "account", "seq"];

/// Rows of a row group at most: what a reader unpacks of one column at a time.
const ROW_GROUP_ROWS: usize = 131_072;

/// Accounts of a row group of sorted rows, as many as are thought of: each takes a byte or two of its filter.
const ROW_GROUP_ACCOUNTS: u64 = 4096;

/// Bytes of a row group at most, as they are written: what is in memory of a file on its way.
const ROW_GROUP_BYTES: usize = 8 << 20;

/// The application id under which positions of a table are kept, for one history of the database.
#[must_use]
pub fn app_id(epoch: &str, table: &Table) -> String {
    format!("sillage:{epoch}:{}", table.name)
}

/// Rows on their way into a table: they lie in a file that no version names yet.
#[derive(Debug)]
pub struct Pending {
    writer: RecordBatchWriter,
    table: &'static str,
}

impl Pending {
    /// Adds rows; what is full of them is written and leaves the memory.
    pub async fn push(&mut self, rows: RecordBatch) -> Result<(), LakeError> {
        let written = self.writer.write(rows).await;
        written.map_err(LakeError::of(self.table, "written"))
    }

    /// How large the file is so far.
    pub(crate) fn bytes(&self) -> usize {
        self.writer.buffer_len()
    }

    /// The file, whole.
    pub(crate) async fn finish(mut self) -> Result<Vec<Add>, LakeError> {
        let written = self.writer.flush().await;
        written.map_err(LakeError::of(self.table, "written"))
    }
}

/// A table at the version that was read last.
#[derive(Debug)]
pub struct LakeTable {
    declared: &'static Table,
    delta: DeltaTable,
}

impl LakeTable {
    /// The table at its newest version; it is created when there is none, and gets the columns that it does not
    /// have yet.
    pub async fn open(lake: &Lake, declared: &'static Table) -> Result<Self, LakeError> {
        let delta = DeltaTable::try_from_url(lake.url(declared)?)
            .await
            .map_err(LakeError::of(declared.name, "opened"))?;
        let delta = if delta.version().is_some() {
            delta
        } else {
            create(delta, declared).await?
        };
        Self::checked(declared, delta)?.with_all_columns().await
    }

    /// The table at its newest version, for reading; none when nobody has made it yet. Columns that its files do not
    /// have yet read as null.
    pub async fn existing(
        lake: &Lake,
        declared: &'static Table,
    ) -> Result<Option<Self>, LakeError> {
        let Some(url) = lake.url_if_any(declared)? else {
            return Ok(None);
        };
        let delta = DeltaTable::try_from_url(url)
            .await
            .map_err(LakeError::of(declared.name, "opened"))?;
        if delta.version().is_none() {
            return Ok(None);
        }
        Self::checked(declared, delta).map(Some)
    }

    fn checked(declared: &'static Table, delta: DeltaTable) -> Result<Self, LakeError> {
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
        match self.edition(app_id).await? {
            Some(position) => Ok(position),
            // Version 0 is the creation: whatever came after it came from somebody else.
            None if self.version() > 0 => Err(LakeError::OtherHistory(self.declared.name)),
            None => Ok(0),
        }
    }

    /// [`Self::append`] of rows that are all there.
    pub async fn append_rows(
        &mut self,
        rows: Option<RecordBatch>,
        app_id: &str,
        after: i64,
        position: i64,
    ) -> Result<(), LakeError> {
        let mut pending = None;
        if let Some(rows) = rows {
            pending.insert(self.pending()?).push(rows).await?;
        }
        self.append(pending, app_id, after, position).await
    }

    /// Moves the position of `app_id` from `after` to `position`, and appends the rows that lie
    /// between, if any, in the same commit.
    ///
    /// # Errors
    /// [`LakeError::Raced`] when the position is not `after` any more; nothing was appended then.
    /// After any other error it is not known whether the commit was done: the position tells.
    pub async fn append(
        &mut self,
        rows: Option<Pending>,
        app_id: &str,
        after: i64,
        position: i64,
    ) -> Result<(), LakeError> {
        // On the very version that the commit is checked against: the caller may have removed rows
        // since it read the position, and that commit may have gone over another writer's.
        if self.position(app_id).await? != after {
            return Err(LakeError::Raced(self.declared.name));
        }
        let mark = Transaction::new(app_id, position);
        self.append_files(rows, vec![mark]).await
    }

    /// Appends rows of which it does not matter if they stand there twice: no position goes with them.
    pub async fn add(&mut self, rows: RecordBatch) -> Result<(), LakeError> {
        let mut pending = self.pending()?;
        pending.push(rows).await?;
        self.append_files(Some(pending), Vec::new()).await
    }

    async fn append_files(
        &mut self,
        rows: Option<Pending>,
        marks: Vec<Transaction>,
    ) -> Result<(), LakeError> {
        let adds = match rows {
            Some(rows) => rows.finish().await?,
            None => Vec::new(),
        };
        let actions = adds.into_iter().map(Action::Add).collect();
        let operation = DeltaOperation::Write {
            mode: SaveMode::Append,
            partition_by: None,
            predicate: None,
        };
        self.commit(actions, operation, marks).await
    }

    /// Sets the position of `app_id`, whatever it was and whoever shipped the rows that are there, and
    /// appends rows, if any, in the same commit.
    ///
    /// # Errors
    /// [`LakeError::Raced`] when another process set it since the version was read.
    pub(crate) async fn adopt(
        &mut self,
        rows: Option<Pending>,
        app_id: &str,
        position: i64,
    ) -> Result<(), LakeError> {
        let mark = Transaction::new(app_id, position);
        self.append_files(rows, vec![mark]).await
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
            .with_writer_properties(writer_properties().build())
            .with_commit_properties(properties(vec![self.rewrite()]))
            .await
            .map_err(self.fault("freed of rows"))?;
        self.delta = delta;
        Ok(())
    }

    /// Puts these rows in place of all there are, in one commit.
    pub async fn overwrite(&mut self, rows: Pending) -> Result<(), LakeError> {
        let adds = rows.finish().await?;
        self.in_place_of_all(adds, vec![self.rewrite()]).await
    }

    /// Puts these rows in place of the files of some runs, in one commit: a file of a table that has a column
    /// `run` holds one.
    pub async fn overwrite_runs(
        &mut self,
        is_former: impl Fn(i64) -> bool,
        rows: Pending,
    ) -> Result<(), LakeError> {
        let adds = rows.finish().await?;
        let marks = vec![self.rewrite()];
        let is_former = |file: &LogicalFileView| only(file, "run").is_some_and(&is_former);
        self.in_place_of(is_former, adds, marks).await
    }

    /// Puts these files in place of all there are, and sets the position of `app_id`, in one commit.
    ///
    /// # Errors
    /// [`LakeError::Raced`] when somebody appended, or took files away, since the version was read.
    pub(crate) async fn replace(
        &mut self,
        adds: Vec<Add>,
        app_id: &str,
        position: i64,
    ) -> Result<(), LakeError> {
        let marks = vec![Transaction::new(app_id, position), self.rewrite()];
        self.in_place_of_all(adds, marks).await
    }

    async fn in_place_of_all(
        &mut self,
        adds: Vec<Add>,
        marks: Vec<Transaction>,
    ) -> Result<(), LakeError> {
        self.in_place_of(|_| true, adds, marks).await
    }

    async fn in_place_of(
        &mut self,
        is_former: impl Fn(&LogicalFileView) -> bool,
        adds: Vec<Add>,
        marks: Vec<Transaction>,
    ) -> Result<(), LakeError> {
        let log = self.state()?.log_data();
        let former = log.iter().filter(is_former);
        let removes = former.map(|file| file.remove_action(true));
        let actions = removes
            .map(Action::Remove)
            .chain(adds.into_iter().map(Action::Add))
            .collect();
        let operation = DeltaOperation::Write {
            mode: SaveMode::Overwrite,
            partition_by: None,
            predicate: None,
        };
        self.commit(actions, operation, marks).await
    }

    /// Puts these rows in place of all there are, and the edition that they are under `app_id`, in one commit.
    ///
    /// # Errors
    /// [`LakeError::Raced`] when another process did so since the version was read.
    pub async fn put(
        &mut self,
        rows: Pending,
        app_id: &str,
        edition: i64,
    ) -> Result<(), LakeError> {
        let adds = rows.finish().await?;
        self.replace(adds, app_id, edition).await
    }

    /// The edition of the rows under `app_id`, as of the version read last; none where they were put by another
    /// history of the database, or never.
    pub async fn edition(&self, app_id: &str) -> Result<Option<i64>, LakeError> {
        let log_store = self.delta.log_store();
        let edition = self
            .state()?
            .transaction_version(log_store.as_ref(), app_id);
        edition.await.map_err(self.fault("read"))
    }

    /// When the last of the files was written, and how many rows there are; none where there is no file.
    pub fn last_written(&self) -> Result<Option<(DateTime<Utc>, usize)>, LakeError> {
        let log = self.state()?.log_data();
        let rows = log.iter().filter_map(|file| file.num_records()).sum();
        let last = log.iter().map(|file| file.modification_time()).max();
        let at = last.and_then(DateTime::from_timestamp_millis);
        Ok(at.map(|at| (at, rows)))
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

    /// A file for rows that are to be in the table after the next commit.
    pub fn pending(&self) -> Result<Pending, LakeError> {
        self.pending_as(writer_properties().build())
    }

    /// A file for rows that come sorted by those of `bucket`, `account` and `seq` that the table has, and says so.
    pub fn pending_sorted(&self) -> Result<Pending, LakeError> {
        let columns = self.declared.columns.iter();
        let place = |name: &str| columns.clone().position(|column| column.name == name);
        let order = ORDER.iter().filter_map(|name| place(name));
        let order = order.map(|place| SortingColumn {
            column_idx: i32::try_from(place).unwrap_or(i32::MAX),
            descending: false,
            nulls_first: true,
        });
        let properties = writer_properties()
            .set_sorting_columns(Some(order.collect()))
            // Whoever looks for an account reads a few kilobytes of a file to know that it is not there.
            .set_column_bloom_filter_enabled(ColumnPath::from("account"), true)
            .set_column_bloom_filter_max_ndv(ColumnPath::from("account"), ROW_GROUP_ACCOUNTS);
        self.pending_as(properties.build())
    }

    fn pending_as(&self, properties: WriterProperties) -> Result<Pending, LakeError> {
        let writer = RecordBatchWriter::for_table(&self.delta).map_err(self.fault("written"))?;
        Ok(Pending {
            writer: writer.with_writer_properties(properties),
            table: self.declared.name,
        })
    }

    pub(crate) async fn commit(
        &mut self,
        actions: Vec<Action>,
        operation: DeltaOperation,
        marks: Vec<Transaction>,
    ) -> Result<(), LakeError> {
        let state = self.state()?;
        let committed = CommitBuilder::from(properties(marks))
            .with_actions(actions)
            .build(Some(state), self.delta.log_store(), operation)
            .await
            .map_err(self.fault("written"))?;
        self.delta.state = Some(committed.snapshot());
        Ok(())
    }

    /// Gives a table that a former version of the program made the columns that it has not. Its files stay as they
    /// are.
    async fn with_all_columns(mut self) -> Result<Self, LakeError> {
        let new = self.missing()?;
        if new.is_empty() {
            return Ok(self);
        }
        let added = self.delta.clone().add_columns().with_fields(new);
        match added.with_commit_properties(properties(Vec::new())).await {
            Ok(delta) => self.delta = delta,
            Err(error) => {
                self.refresh().await?;
                // Another process may have done it at the same moment.
                if !self.missing()?.is_empty() {
                    return Err(self.fault("given its new columns")(error));
                }
            }
        }
        Ok(self)
    }

    /// The columns that are declared and that the table has not.
    fn missing(&self) -> Result<Vec<StructField>, LakeError> {
        let wanted = kernel_schema(self.declared)?;
        let found = self.state()?.schema();
        let missing = wanted.fields().skip(found.fields().count());
        Ok(missing.cloned().collect())
    }

    /// The columns that the table has are the first ones declared; others may only be ones that can be null.
    fn check_columns(&self) -> Result<(), LakeError> {
        let wanted = kernel_schema(self.declared)?;
        let state = self.state()?;
        let found = state.schema();
        // A column that a table is partitioned by is not in its files.
        let is_partitioned = !state.metadata().partition_columns().is_empty();
        let has = found.fields().count();
        let same = found
            .fields()
            .map(|field| (field.name(), field.data_type()))
            .eq(wanted
                .fields()
                .take(has)
                .map(|field| (field.name(), field.data_type())));
        let rest_may_be_null = wanted.fields().skip(has).all(StructField::is_nullable);
        if same && rest_may_be_null && !is_partitioned {
            Ok(())
        } else {
            Err(LakeError::Columns(self.declared.name))
        }
    }
}

/// The one value that a file holds of a column of whole numbers, by what the log tells of it.
pub(crate) fn only(file: &LogicalFileView, column: &str) -> Option<i64> {
    let stats: Value = serde_json::from_str(&file.stats()?).ok()?;
    let (least, greatest) = (&stats["minValues"][column], &stats["maxValues"][column]);
    least.as_i64().filter(|_| least == greatest)
}

/// Of every commit. Old entries of the log are cleared with the old files, not at each commit: that
/// would list the log every time.
fn properties(marks: Vec<Transaction>) -> CommitProperties {
    CommitProperties::default()
        .with_application_transactions(marks)
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
    // The log keeps the least and the greatest value of these columns for each file. Positions, times
    // and buckets, so that readers can leave files out; no column that tells of anybody.
    let told: Vec<_> = declared
        .columns
        .iter()
        .filter(|column| {
            matches!(column.kind, ColumnType::Timestamp | ColumnType::Date)
                || [BUCKET, "seq", "run"].contains(&column.name)
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

fn writer_properties() -> WriterPropertiesBuilder {
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_max_row_group_bytes(Some(ROW_GROUP_BYTES));
    // No two rows share a value there: a dictionary would be built and thrown away.
    for unlike in ["id", "statement", "mean", "variance", "m"] {
        properties = properties.set_column_dictionary_enabled(ColumnPath::from(unlike), false);
    }
    properties
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

//! One table of the lake.

use std::collections::BTreeSet;

use arrow::array::RecordBatch;
use deltalake::kernel::Transaction;
use deltalake::kernel::engine::arrow_conversion::TryIntoKernel;
use deltalake::kernel::transaction::CommitProperties;
use deltalake::kernel::StructType;
use deltalake::protocol::SaveMode;
use deltalake::{DeltaTable, DeltaTableError};
use datafusion::prelude::{col, lit};
use schemas::tables::Table;

use crate::{Lake, LakeError};

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
        let url = lake.url(declared)?;
        let delta = DeltaTable::try_from_url(url)
            .await
            .map_err(LakeError::storage(declared.name, "opened"))?;
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
        self.delta
            .update_state()
            .await
            .map_err(LakeError::storage(self.declared.name, "read"))
    }

    /// The position of the last row shipped under `app_id`, as of the version read last; 0 when
    /// nothing was shipped yet.
    ///
    /// # Errors
    /// [`LakeError::OtherHistory`] when rows were shipped, but not under this id.
    pub async fn position(&self, app_id: &str) -> Result<i64, LakeError> {
        let fault = || LakeError::storage(self.declared.name, "read");
        let state = self.delta.snapshot().map_err(fault())?;
        let position = state
            .transaction_version(self.delta.log_store().as_ref(), app_id)
            .await
            .map_err(fault())?;
        match position {
            Some(position) => Ok(position),
            // Version 0 is the creation: whatever came after it came from somebody else.
            None if self.version() > 0 => Err(LakeError::OtherHistory(self.declared.name)),
            None => Ok(0),
        }
    }

    /// Appends rows, in one commit that moves the position of `app_id` to `position`.
    ///
    /// # Errors
    /// [`LakeError::Raced`] when the position was moved since the version read last; nothing was
    /// appended then.
    pub async fn append(
        &mut self,
        batch: RecordBatch,
        app_id: &str,
        position: i64,
    ) -> Result<(), LakeError> {
        let properties = CommitProperties::default()
            .with_application_transaction(Transaction::new(app_id, position));
        self.delta = self
            .delta
            .clone()
            .write([batch])
            .with_save_mode(SaveMode::Append)
            .with_commit_properties(properties)
            .await
            .map_err(LakeError::storage(self.declared.name, "written"))?;
        Ok(())
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
            .await
            .map_err(LakeError::storage(self.declared.name, "freed of rows"))?;
        self.delta = delta;
        Ok(())
    }

    /// Puts these rows in place of all there are, in one commit.
    pub async fn overwrite(&mut self, batches: Vec<RecordBatch>) -> Result<(), LakeError> {
        self.delta = self
            .delta
            .clone()
            .write(batches)
            .with_save_mode(SaveMode::Overwrite)
            .await
            .map_err(LakeError::storage(self.declared.name, "written"))?;
        Ok(())
    }

    /// The files that make up the version read last.
    pub fn files(&self) -> Result<Vec<String>, LakeError> {
        let uris = self
            .delta
            .get_file_uris()
            .map_err(LakeError::storage(self.declared.name, "listed"))?;
        Ok(uris.collect())
    }

    /// Puts small files together, within each partition. Rows stay as they are.
    pub async fn compact(&mut self) -> Result<(), LakeError> {
        let (delta, _) = self
            .delta
            .clone()
            .optimize()
            .await
            .map_err(LakeError::storage(self.declared.name, "compacted"))?;
        self.delta = delta;
        Ok(())
    }

    /// Deletes files that no version of the last seven days needs.
    pub async fn vacuum(&mut self) -> Result<(), LakeError> {
        let (delta, _) = self
            .delta
            .clone()
            .vacuum()
            .with_retention_period(chrono::Duration::days(7))
            .await
            .map_err(LakeError::storage(self.declared.name, "vacuumed"))?;
        self.delta = delta;
        Ok(())
    }

    fn check_columns(&self) -> Result<(), LakeError> {
        let state = self
            .delta
            .snapshot()
            .map_err(LakeError::storage(self.declared.name, "read"))?;
        let wanted = kernel_schema(self.declared)?;
        let found = state.schema();
        let same = wanted
            .fields()
            .map(|field| (field.name(), field.data_type()))
            .eq(found.fields().map(|field| (field.name(), field.data_type())));
        if same {
            Ok(())
        } else {
            Err(LakeError::Columns(self.declared.name))
        }
    }
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
        .with_save_mode(SaveMode::ErrorIfExists)
        .await;
    match created {
        Ok(table) => Ok(table),
        Err(error) => {
            let mut theirs = delta;
            theirs
                .load()
                .await
                .map_err(|_| LakeError::storage(declared.name, "created")(error))?;
            Ok(theirs)
        }
    }
}

fn kernel_schema(declared: &'static Table) -> Result<StructType, LakeError> {
    declared
        .arrow_schema()
        .as_ref()
        .try_into_kernel()
        .map_err(|source: arrow::error::ArrowError| {
            LakeError::storage(declared.name, "declared")(DeltaTableError::Arrow { source })
        })
}

//! Small files put together, and files that nobody needs deleted.
//!
//! Not by `deltalake`'s own `optimize`: it gives its commits no application transaction, and without
//! one two compactions that race both pass, and each row stands in the table twice.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Array, RecordBatch};
use datafusion::prelude::{SessionConfig, SessionContext};
use deltalake::kernel::{Action, Add, LogicalFileView};
use deltalake::protocol::DeltaOperation;
use deltalake::protocol::checkpoints::cleanup_metadata;
use deltalake::writer::DeltaWriter;
use futures::StreamExt as _;

use crate::table::{BUCKET, KEEP_DAYS};
use crate::{LakeError, LakeTable, snapshot};

/// A file of this size is left as it is: a job reads it in a second.
const LARGE_BYTES: u64 = 64 << 20;

/// A file joins smaller ones when it is no larger than this many times all of them together. So a
/// row is rewritten as often as its file grows fivefold, not at every compaction.
const AS_LARGE_AS: u64 = 4;

impl LakeTable {
    /// Puts small files together, within each bucket, in one commit. Rows stay as they are. Returns
    /// how many files there are less.
    ///
    /// # Errors
    /// [`LakeError::Raced`] when another process took files away meanwhile; nothing was done then.
    pub async fn compact(&mut self) -> Result<usize, LakeError> {
        let mut actions = Vec::new();
        let mut less = 0;
        for (bucket, files) in self.worth_compacting()? {
            let adds = self.rewritten(bucket, &files).await?;
            less += files.len().saturating_sub(adds.len());
            let removes = files.iter().map(|file| file.remove_action(false));
            actions.extend(removes.map(Action::Remove));
            actions.extend(adds.into_iter().map(|add| {
                Action::Add(Add {
                    data_change: false,
                    ..add
                })
            }));
        }
        if actions.is_empty() {
            return Ok(0);
        }
        let operation = DeltaOperation::Optimize {
            predicate: None,
            target_size: i64::try_from(LARGE_BYTES).unwrap_or(i64::MAX),
        };
        self.commit(actions, operation, self.rewrite()).await?;
        Ok(less)
    }

    /// Deletes files, and entries of the log, that no version of the last seven days needs.
    pub async fn vacuum(&mut self) -> Result<(), LakeError> {
        let (delta, _) = self
            .delta()
            .clone()
            .vacuum()
            // Files of commits that never were are found, too: they are in no entry of the log.
            .with_mode(deltalake::operations::vacuum::VacuumMode::Full)
            .with_retention_period(chrono::Duration::days(KEEP_DAYS))
            .await
            .map_err(self.fault("vacuumed"))?;
        cleanup_metadata(&delta, None)
            .await
            .map_err(self.fault("vacuumed"))?;
        self.refresh().await
    }

    /// The files of each bucket that are worth one.
    fn worth_compacting(&self) -> Result<BTreeMap<i32, Vec<LogicalFileView>>, LakeError> {
        let mut buckets: BTreeMap<i32, Vec<LogicalFileView>> = BTreeMap::new();
        for file in self.state()?.log_data().iter() {
            let bucket = file.partition_values_map().remove(BUCKET).flatten();
            if let Some(bucket) = bucket.and_then(|bucket| bucket.parse().ok()) {
                buckets.entry(bucket).or_default().push(file);
            }
        }
        for files in buckets.values_mut() {
            files.sort_by_key(LogicalFileView::size);
            let sizes: Vec<u64> = files.iter().map(size).collect();
            files.truncate(worth_one(&sizes));
        }
        buckets.retain(|_, files| files.len() > 1);
        Ok(buckets)
    }

    /// The rows of some files of a bucket, written again.
    async fn rewritten(
        &self,
        bucket: i32,
        files: &[LogicalFileView],
    ) -> Result<Vec<Add>, LakeError> {
        let name = self.declared().name;
        let failed = |source| LakeError::Query(name, source);
        let log_store = self.delta().log_store();
        let uris: Vec<_> = files
            .iter()
            .map(|file| log_store.to_uri(&file.object_store_path()))
            .collect();
        let session =
            SessionContext::new_with_config(SessionConfig::new().with_target_partitions(1));
        snapshot::register_files(&session, self, &uris)?;
        let rows = session.table(name).await.map_err(failed)?;
        let mut rows = rows.execute_stream().await.map_err(failed)?;
        let mut writer = self.writer()?;
        while let Some(batch) = rows.next().await {
            let batch = self.with_bucket(bucket, &batch.map_err(failed)?);
            let written = writer
                .write(batch.map_err(|error| failed(error.into()))?)
                .await;
            written.map_err(self.fault("compacted"))?;
        }
        writer.flush().await.map_err(self.fault("compacted"))
    }

    /// The columns of the table from those of a file, which lack the bucket.
    fn with_bucket(
        &self,
        bucket: i32,
        rows: &RecordBatch,
    ) -> Result<RecordBatch, arrow::error::ArrowError> {
        let schema = self.declared().arrow_schema();
        let bucket: ArrayRef = Arc::new(Int32Array::from_value(bucket, rows.num_rows()));
        let columns = schema
            .fields()
            .iter()
            .map(|field| match rows.column_by_name(field.name()) {
                Some(column) => Arc::clone(column),
                None => Arc::clone(&bucket),
            })
            .collect();
        RecordBatch::try_new(schema, columns)
    }
}

fn size(file: &LogicalFileView) -> u64 {
    u64::try_from(file.size()).unwrap_or_default()
}

/// How many of the smallest files become one, given all sizes in ascending order.
fn worth_one(sizes: &[u64]) -> usize {
    let mut together = 0;
    for (count, size) in sizes.iter().enumerate() {
        let small = together + size <= LARGE_BYTES;
        let alike = count == 0 || *size <= AS_LARGE_AS.saturating_mul(together);
        if !(small && alike) {
            return count;
        }
        together += size;
    }
    sizes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_file_waits_until_the_small_ones_are_worth_it() {
        let mib = 1 << 20;
        assert_eq!(worth_one(&[]), 0);
        assert_eq!(worth_one(&[mib]), 1);
        assert_eq!(worth_one(&[mib, mib, mib]), 3);
        assert_eq!(worth_one(&[mib, mib, 20 * mib]), 2);
        assert_eq!(worth_one(&[3 * mib, 3 * mib, 20 * mib]), 3);
        assert_eq!(worth_one(&[20 * mib, 30 * mib, 40 * mib]), 2);
        assert_eq!(worth_one(&[100 * mib, 100 * mib]), 0);
    }
}

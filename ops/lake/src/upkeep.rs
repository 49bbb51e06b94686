//! Small files put together, their rows sorted into buckets, and files that nobody needs deleted.
//!
//! Not by `deltalake`'s own `optimize`: it gives its commits no application transaction, and without
//! one two compactions that race both pass, and each row stands in the table twice.

use std::collections::BTreeMap;
use std::ops::Range;

use arrow::array::{AsArray as _, RecordBatch};
use arrow::compute::partition;
use arrow::datatypes::Int32Type;
use datafusion::error::DataFusionError;
use datafusion::prelude::{SessionContext, col};
use deltalake::kernel::{Action, Add, LogicalFileView};
use deltalake::protocol::DeltaOperation;
use deltalake::protocol::checkpoints::cleanup_metadata;
use futures::StreamExt as _;

use crate::table::{BUCKET, KEEP_DAYS, ORDER, Pending, only};
use crate::{LakeError, LakeTable, snapshot};

/// Sizes of files, in bytes, by which small ones are put together.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    /// A file of this size is left as it is: a job reads it in a second.
    pub large: u64,
    /// What holds rows of several buckets is sorted into one file a bucket when it is so much.
    pub mixed: u64,
    /// What is smaller than this counts as mixed: a bucket with less has no file of its own.
    pub least: u64,
}

impl Default for Sizes {
    /// A mebibyte or two for each bucket when the mixed files are sorted.
    fn default() -> Self {
        Self {
            large: 64 << 20,
            mixed: 64 << 20,
            least: 256 << 10,
        }
    }
}

/// A file joins smaller ones when it is no larger than this many times all of them together. So a
/// row is rewritten as often as its file grows fivefold, not at every compaction.
const AS_LARGE_AS: u64 = 4;

/// How many times [`Sizes::mixed`] are sorted at once, where a backlog left more: what a sort spills.
const MIXED_AT_ONCE: u64 = 4;

/// Memory that rows are sorted in; beyond, they spill to disk.
const SORT_BYTES: usize = 48 << 20;

/// Rows that are sorted and written at a time: a statement unpacks to some two kilobytes.
const BATCH_ROWS: usize = 1024;

/// Files that are to be read and replaced.
struct Rewrite {
    files: Vec<LogicalFileView>,
    /// By one file a bucket, or by one.
    by_bucket: bool,
}

impl LakeTable {
    /// Puts small files together in one commit: those of a bucket, and those that hold several, which
    /// become one file a bucket when there is enough of it. The rows of a file are sorted by bucket,
    /// account and position. Returns how many files there are less; splitting makes more.
    ///
    /// # Errors
    /// [`LakeError::Raced`] when another process took files away meanwhile; nothing was done then.
    pub async fn compact(&mut self, sizes: Sizes) -> Result<isize, LakeError> {
        let mut actions = Vec::new();
        let mut less = 0;
        for rewrite in self.worth_rewriting(sizes)? {
            let adds = self.rewritten(&rewrite).await?;
            less += rewrite.files.len().cast_signed() - adds.len().cast_signed();
            let removes = rewrite.files.iter().map(|file| file.remove_action(false));
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
            target_size: i64::try_from(sizes.large).unwrap_or(i64::MAX),
        };
        self.commit(actions, operation, vec![self.rewrite()])
            .await?;
        Ok(less)
    }

    /// The files of the version read last, each with the bucket whose rows it holds; none where it holds those
    /// of several.
    pub fn files_by_bucket(&self) -> Result<Vec<(Option<i32>, String)>, LakeError> {
        let log_store = self.delta().log_store();
        let files = self.state()?.log_data();
        let files = files.iter().map(|file| {
            let uri = log_store.to_uri(&file.object_store_path());
            (bucket(&file), uri)
        });
        Ok(files.collect())
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

    fn worth_rewriting(&self, sizes: Sizes) -> Result<Vec<Rewrite>, LakeError> {
        let mut mixed = Vec::new();
        let mut buckets: BTreeMap<i32, Vec<LogicalFileView>> = BTreeMap::new();
        // A copy is one file.
        if !self.declared().is_copy {
            for file in self.state()?.log_data().iter() {
                match bucket(&file).filter(|_| size(&file) >= sizes.least) {
                    Some(bucket) => buckets.entry(bucket).or_default().push(file),
                    None => mixed.push(file),
                }
            }
        }
        let by_bucket = mixed.iter().map(size).sum::<u64>() >= sizes.mixed;
        mixed = if by_bucket {
            worth_sorting(mixed, sizes)
        } else {
            worth_one(mixed, sizes)
        };
        let mixed = Some(mixed)
            .filter(|files| by_bucket || files.len() > 1)
            .map(|files| Rewrite { files, by_bucket });
        let buckets = buckets
            .into_values()
            .map(|files| worth_one(files, sizes))
            .filter(|files| files.len() > 1)
            .map(|files| Rewrite {
                files,
                by_bucket: false,
            });
        Ok(mixed.into_iter().chain(buckets).collect())
    }

    /// The rows of some files, sorted and written again.
    async fn rewritten(&self, rewrite: &Rewrite) -> Result<Vec<Add>, LakeError> {
        let name = self.declared().name;
        let failed = |source| LakeError::Query(name, source);
        let log_store = self.delta().log_store();
        let uris: Vec<_> = rewrite
            .files
            .iter()
            .map(|file| log_store.to_uri(&file.object_store_path()))
            .collect();
        let session = sorting().map_err(failed)?;
        snapshot::register_files(&session, self, &uris)?;
        let order = ORDER.map(|column| col(column).sort(true, true));
        let rows = session.table(name).await.map_err(failed)?;
        let rows = rows.sort(order.to_vec()).map_err(failed)?;
        let mut rows = rows.execute_stream().await.map_err(failed)?;
        let mut adds = Vec::new();
        let mut open: Option<(i32, Pending)> = None;
        while let Some(batch) = rows.next().await {
            let batch = batch.map_err(failed)?;
            for (bucket, range) in runs(&batch).map_err(failed)? {
                if rewrite.by_bucket
                    && let Some((_, full)) = open.take_if(|(of, _)| *of != bucket)
                {
                    adds.extend(full.finish().await?);
                }
                let (_, pending) = match &mut open {
                    Some(open) => open,
                    None => open.insert((bucket, self.pending_sorted()?)),
                };
                pending.push(batch.slice(range.start, range.len())).await?;
            }
        }
        if let Some((_, last)) = open {
            adds.extend(last.finish().await?);
        }
        Ok(adds)
    }
}

/// A session that sorts within [`SORT_BYTES`]: the process has other things to do.
fn sorting() -> Result<SessionContext, DataFusionError> {
    let session = snapshot::session(SORT_BYTES)?;
    let config = session
        .copied_config()
        .with_target_partitions(1)
        .with_batch_size(BATCH_ROWS);
    Ok(SessionContext::new_with_config_rt(
        config,
        session.runtime_env(),
    ))
}

/// The rows of each bucket, of rows that are sorted by it.
fn runs(rows: &RecordBatch) -> Result<Vec<(i32, Range<usize>)>, DataFusionError> {
    let Some(column) = rows.column_by_name(BUCKET) else {
        return Ok(Vec::new());
    };
    let buckets = column.as_primitive::<Int32Type>();
    let runs = partition(std::slice::from_ref(column))?.ranges();
    Ok(runs
        .into_iter()
        .map(|run| (buckets.value(run.start), run))
        .collect())
}

/// The one bucket that a file holds, by what the log tells of it.
pub(crate) fn bucket(file: &LogicalFileView) -> Option<i32> {
    i32::try_from(only(file, BUCKET)?).ok()
}

fn size(file: &LogicalFileView) -> u64 {
    u64::try_from(file.size()).unwrap_or_default()
}

/// Mixed files, as many as are sorted at once.
fn worth_sorting(files: Vec<LogicalFileView>, sizes: Sizes) -> Vec<LogicalFileView> {
    let mut together = 0;
    let mut taken = Vec::new();
    for file in files {
        together += size(&file);
        taken.push(file);
        if together >= MIXED_AT_ONCE.saturating_mul(sizes.mixed) {
            break;
        }
    }
    taken
}

/// The smallest of some files, as far as they become one.
fn worth_one(mut files: Vec<LogicalFileView>, sizes: Sizes) -> Vec<LogicalFileView> {
    files.sort_by_key(LogicalFileView::size);
    let ascending: Vec<u64> = files.iter().map(size).collect();
    files.truncate(together(&ascending, sizes));
    files
}

/// How many of the smallest files become one, given all sizes in ascending order.
fn together(ascending: &[u64], sizes: Sizes) -> usize {
    let mut together = 0;
    for (count, size) in ascending.iter().enumerate() {
        let small = together + size <= sizes.large;
        let alike = count == 0 || *size <= AS_LARGE_AS.saturating_mul(together);
        if !(small && alike) {
            return count;
        }
        together += size;
    }
    ascending.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_file_waits_until_the_small_ones_are_worth_it() {
        let mib = 1 << 20;
        assert_eq!(together(&[], Sizes::default()), 0);
        assert_eq!(together(&[mib], Sizes::default()), 1);
        assert_eq!(together(&[mib, mib, mib], Sizes::default()), 3);
        assert_eq!(together(&[mib, mib, 20 * mib], Sizes::default()), 2);
        assert_eq!(together(&[3 * mib, 3 * mib, 20 * mib], Sizes::default()), 3);
        assert_eq!(
            together(&[20 * mib, 30 * mib, 40 * mib], Sizes::default()),
            2
        );
        assert_eq!(together(&[100 * mib, 100 * mib], Sizes::default()), 0);
    }
}

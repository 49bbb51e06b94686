//! Runs of rows of one account, from inputs that are sorted by bucket and account.
//!
//! Some hundred rows of an account follow each other. Side by side is gone through run by run, not row by row, and no row
//! is copied: that is why inputs are not merged by the plan.

use std::cmp::Ordering;
use std::ops::Range;

use datafusion::error::Result;
use datafusion::execution::SendableRecordBatchStream;
use futures::StreamExt as _;

use super::answers::{Activities, Batch, Seen};

/// The inputs, each at a row.
pub(super) struct Runs {
    inputs: Vec<Input>,
    /// The input whose run was given last.
    given: Option<usize>,
}

/// One input: what is left of its batch begins with the row `at`.
struct Input {
    stream: SendableRecordBatchStream,
    batch: Option<Batch>,
    at: usize,
    seen: Seen,
}

impl Runs {
    pub(super) fn of(streams: Vec<SendableRecordBatchStream>) -> Self {
        let input = |stream| Input {
            stream,
            batch: None,
            at: 0,
            seen: Seen::default(),
        };
        Self {
            inputs: streams.into_iter().map(input).collect(),
            given: None,
        }
    }

    /// The next rows of one account: of the first in order. Other rows of it may follow, of this input or another.
    pub(super) async fn next(
        &mut self,
        activities: &mut Activities,
    ) -> Result<Option<(&Batch, Range<usize>)>> {
        match self.given {
            None => {
                for input in &mut self.inputs {
                    input.fill(activities).await?;
                }
            }
            Some(given) => self.inputs[given].fill(activities).await?,
        }
        let heads = self.inputs.iter().enumerate();
        let heads = heads.filter_map(|(n, input)| Some((n, input.batch.as_ref()?, input.at)));
        let first = heads.min_by(|(_, a, at), (_, b, bt)| order((a, *at), (b, *bt)));
        let Some(n) = first.map(|(n, _, _)| n) else {
            return Ok(None);
        };
        self.given = Some(n);
        let input = &mut self.inputs[n];
        let from = input.at;
        let batch = input.batch.as_ref();
        input.at = batch.map_or(from, |batch| batch.end_of_account(from));
        Ok(batch.map(|batch| (batch, from..input.at)))
    }
}

/// The order of two rows.
fn order((a, at): (&Batch, usize), (b, bt): (&Batch, usize)) -> Ordering {
    let bucket = |batch: &Batch, at| batch.bucket.as_ref().map(|bucket| bucket.value(at));
    let buckets = bucket(a, at).cmp(&bucket(b, bt));
    buckets.then_with(|| a.account.value(at).cmp(b.account.value(bt)))
}

impl Input {
    /// Sees to it that there is a row, unless the input has ended.
    async fn fill(&mut self, activities: &mut Activities) -> Result<()> {
        while self
            .batch
            .as_ref()
            .is_none_or(|batch| self.at >= batch.activities.len())
        {
            (self.batch, self.at) = (None, 0);
            let Some(batch) = self.stream.next().await.transpose()? else {
                break;
            };
            self.batch = Some(Batch::of(&batch, activities, &mut self.seen)?);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{
        ArrayRef, BooleanArray, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray,
    };
    use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
    use futures::stream;

    use super::*;

    /// An input of these batches; a row is a bucket and an account.
    fn input(batches: &[&[(i32, &str)]]) -> SendableRecordBatchStream {
        let batches: Vec<RecordBatch> = batches.iter().map(|rows| batch(rows)).collect();
        let schema = batch(&[]).schema();
        Box::pin(RecordBatchStreamAdapter::new(
            schema,
            stream::iter(batches.into_iter().map(Ok)),
        ))
    }

    fn batch(rows: &[(i32, &str)]) -> RecordBatch {
        let len = rows.len();
        let texts = |text: &str| Arc::new(StringArray::from(vec![text; len])) as ArrayRef;
        let numbers = Arc::new(Int64Array::from(vec![0; len])) as ArrayRef;
        let flags = Arc::new(BooleanArray::from(vec![false; len])) as ArrayRef;
        let buckets = Int32Array::from_iter_values(rows.iter().map(|row| row.0));
        let accounts = StringArray::from_iter_values(rows.iter().map(|row| row.1));
        RecordBatch::try_from_iter([
            ("bucket", Arc::new(buckets) as ArrayRef),
            ("account", Arc::new(accounts)),
            ("answered_at", Arc::clone(&numbers)),
            ("device_id", texts("device")),
            ("device_seq", numbers),
            ("id", texts("id")),
            ("activity", texts("urn:activity")),
            ("correct", Arc::clone(&flags)),
            ("outcome", Arc::new(Float64Array::from(vec![0.0; len]))),
            ("invented_time", flags),
        ])
        .expect("columns of one length")
    }

    /// The accounts in the order in which they are given, each with how many rows of it came before another's.
    async fn given(inputs: Vec<SendableRecordBatchStream>) -> Vec<(String, usize)> {
        let (mut runs, mut activities) = (Runs::of(inputs), Activities::default());
        let mut given: Vec<(String, usize)> = Vec::new();
        while let Some((batch, rows)) = runs.next(&mut activities).await.expect("rows") {
            let account = batch.account.value(rows.start).to_owned();
            match given.last_mut() {
                Some((last, count)) if *last == account => *count += rows.len(),
                _ => given.push((account, rows.len())),
            }
        }
        given
    }

    #[tokio::test]
    async fn rows_of_an_account_stand_together_whatever_inputs_and_batches_they_are_in() {
        let inputs = vec![
            input(&[
                &[(0, "a"), (0, "a")],
                &[],
                &[(0, "a"), (0, "c")],
                &[(1, "b")],
            ]),
            input(&[]),
            input(&[&[(0, "a"), (0, "b"), (0, "c")], &[(0, "c"), (1, "a")]]),
            input(&[&[(1, "b")], &[(1, "b")], &[(2, "a")]]),
        ];
        let wanted = [("a", 4), ("b", 1), ("c", 3), ("a", 1), ("b", 3), ("a", 1)];
        let wanted = wanted.map(|(account, rows)| (account.to_owned(), rows));
        assert_eq!(given(inputs).await, wanted);
        assert_eq!(given(Vec::new()).await, []);
    }
}

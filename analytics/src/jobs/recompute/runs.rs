//! Runs of rows of one account, from inputs that are sorted by bucket and account.
//!
//! Some hundred rows of an account follow each other. Side by side is gone through run by run, not row by row, and no row
//! is copied: that is why inputs are not merged by the plan.

use std::cmp::Ordering;
use std::ops::Range;

use datafusion::error::Result;
use datafusion::execution::SendableRecordBatchStream;
use futures::StreamExt as _;

use super::answers::{Activities, Batch};

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
}

impl Runs {
    pub(super) fn of(streams: Vec<SendableRecordBatchStream>) -> Self {
        let input = |stream| Input {
            stream,
            batch: None,
            at: 0,
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
            self.at = 0;
            self.batch = match self.stream.next().await.transpose()? {
                Some(batch) => Some(Batch::of(&batch, activities)?),
                None => {
                    self.batch = None;
                    return Ok(());
                }
            };
        }
        Ok(())
    }
}

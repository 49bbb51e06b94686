//! Answers as rows of the lake's table `answers`, and voided ones out of it.

use std::collections::BTreeSet;
use std::sync::Arc;

use ::lake::{Gone, Piece, Source};
use anyhow::Context as _;
use arrow::array::{
    ArrayRef, AsArray as _, BooleanBuilder, Float64Builder, Int32Builder, Int64Builder,
    ListBuilder, RecordBatch, StringBuilder, TimestampMicrosecondBuilder,
};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use schemas::profile::{answered_at, is_old};
use schemas::tables::{self, ColumnType, bucket};
use service::pg::Pool;

use crate::store::lake_feed::{self, Part, Shippable, ShippedAnswer};

/// The answers of the database, read up to its horizon.
#[derive(Debug)]
pub struct AnswerSource {
    pool: Pool,
    most: i64,
}

impl AnswerSource {
    /// At most `most` rows of the feed a piece.
    #[must_use]
    pub fn new(pool: Pool, most: i64) -> Self {
        Self { pool, most }
    }

    async fn piece(&self, after: i64, through: i64, voided_at: i64) -> anyhow::Result<Piece> {
        let part = Part {
            after,
            through,
            voided_at,
            most: self.most,
        };
        let (rows, position) = lake_feed::read(&self.pool, part).await?;
        let more = i64::try_from(rows.len()).unwrap_or(i64::MAX) >= self.most;
        let mut gone = Gone::default();
        let mut answers = Vec::new();
        for row in rows {
            match row {
                Shippable::Answer(answer) => answers.push(answer),
                Shippable::Voiding {
                    target,
                    account: Some(account),
                } => {
                    gone.ids.push(target.to_string());
                    gone.buckets.insert(bucket(account));
                }
                Shippable::Voiding { account: None, .. } | Shippable::Nothing => {}
            }
        }
        let rows = if answers.is_empty() {
            None
        } else {
            Some(table_rows(&answers)?)
        };
        Ok(Piece {
            rows,
            gone,
            position,
            more,
        })
    }
}

impl Source for AnswerSource {
    async fn epoch(&self) -> anyhow::Result<String> {
        Ok(lake_feed::epoch(&self.pool).await?)
    }

    async fn stored(&self) -> anyhow::Result<i64> {
        Ok(lake_feed::stored(&self.pool).await?)
    }

    async fn read(&self, after: i64) -> anyhow::Result<Piece> {
        self.piece(after, i64::MAX, i64::MAX).await
    }

    async fn as_of(&self, after: i64, through: i64) -> anyhow::Result<Piece> {
        let piece = self.piece(after, through, through).await?;
        Ok(Piece {
            gone: Gone::default(),
            ..piece
        })
    }

    async fn undecided(&self, through: i64) -> anyhow::Result<BTreeSet<String>> {
        let ids = lake_feed::undecided(&self.pool, through).await?;
        Ok(ids.iter().map(ToString::to_string).collect())
    }

    /// Answers come back with their statements: what is still here alone has none.
    async fn put_back(&self, rows: RecordBatch) -> anyhow::Result<Vec<String>> {
        let ids = rows.column_by_name("id").context("no column id")?;
        // A file that was rewritten says that its texts are views.
        let ids = cast(ids, &DataType::Utf8)?;
        let ids = ids.as_string::<i32>().iter().flatten();
        Ok(ids.map(str::to_owned).collect())
    }

    async fn in_line(&self) -> anyhow::Result<()> {
        Ok(())
    }
}

/// Answers as rows of the table.
pub fn table_rows(answers: &[Box<ShippedAnswer>]) -> Result<RecordBatch, ArrowError> {
    let mut columns = Columns::default();
    columns.competencies =
        std::mem::take(&mut columns.competencies).with_field(ColumnType::element());
    for answer in answers {
        columns.push(answer);
    }
    RecordBatch::try_new(tables::answers::schema(), columns.finish())
}

/// A builder a column, in the order of the table.
#[derive(Default)]
struct Columns {
    bucket: Int32Builder,
    seq: Int64Builder,
    id: StringBuilder,
    stored: TimestampMicrosecondBuilder,
    answered_at: TimestampMicrosecondBuilder,
    timestamp: TimestampMicrosecondBuilder,
    account: StringBuilder,
    activity: StringBuilder,
    correct: BooleanBuilder,
    outcome: Float64Builder,
    invented_time: BooleanBuilder,
    flag_no_offset: BooleanBuilder,
    flag_old: BooleanBuilder,
    skew_ms: Int64Builder,
    device_id: StringBuilder,
    device_seq: Int64Builder,
    registration: StringBuilder,
    duration_ms: Int64Builder,
    origin: StringBuilder,
    attempt: Int32Builder,
    hints: Int32Builder,
    offline: BooleanBuilder,
    competencies: ListBuilder<StringBuilder>,
}

impl Columns {
    fn push(&mut self, answer: &ShippedAnswer) {
        let at = answered_at(answer.timestamp, answer.skew_ms, answer.stored);
        self.bucket.append_value(bucket(answer.account));
        self.seq.append_value(answer.seq);
        self.id.append_value(answer.id.to_string());
        self.stored.append_value(answer.stored.timestamp_micros());
        self.answered_at.append_value(at.timestamp_micros());
        self.timestamp
            .append_option(answer.timestamp.map(|at| at.timestamp_micros()));
        self.account.append_value(answer.account.to_string());
        self.activity.append_value(&answer.activity);
        self.correct.append_value(answer.correct);
        self.outcome.append_value(answer.outcome);
        self.invented_time.append_value(answer.invented_time);
        self.flag_no_offset
            .append_value(answer.timestamp.is_some() && !answer.has_offset);
        self.flag_old
            .append_value(is_old(answer.timestamp, answer.stored));
        self.skew_ms.append_option(answer.skew_ms);
        self.device_id.append_option(answer.device_id.as_deref());
        self.device_seq.append_option(answer.device_seq);
        self.registration
            .append_option(answer.registration.map(|id| id.to_string()));
        self.duration_ms.append_option(answer.duration_ms);
        self.origin.append_option(answer.origin.as_deref());
        self.attempt.append_option(answer.attempt);
        self.hints.append_option(answer.hints);
        self.offline.append_option(answer.offline);
        let competencies = answer.competencies.as_ref();
        self.competencies
            .append_option(competencies.map(|uris| uris.iter().map(Some)));
    }

    fn finish(mut self) -> Vec<ArrayRef> {
        vec![
            Arc::new(self.bucket.finish()),
            Arc::new(self.seq.finish()),
            Arc::new(self.id.finish()),
            Arc::new(self.stored.finish().with_timezone("UTC")),
            Arc::new(self.answered_at.finish().with_timezone("UTC")),
            Arc::new(self.timestamp.finish().with_timezone("UTC")),
            Arc::new(self.account.finish()),
            Arc::new(self.activity.finish()),
            Arc::new(self.correct.finish()),
            Arc::new(self.outcome.finish()),
            Arc::new(self.invented_time.finish()),
            Arc::new(self.flag_no_offset.finish()),
            Arc::new(self.flag_old.finish()),
            Arc::new(self.skew_ms.finish()),
            Arc::new(self.device_id.finish()),
            Arc::new(self.device_seq.finish()),
            Arc::new(self.registration.finish()),
            Arc::new(self.duration_ms.finish()),
            Arc::new(self.origin.finish()),
            Arc::new(self.attempt.finish()),
            Arc::new(self.hints.finish()),
            Arc::new(self.offline.finish()),
            Arc::new(self.competencies.finish()),
        ]
    }
}

//! The answers of the lake, person by person, each person's in fold order: what jobs read that need answers
//! and no states. Memory is bounded by the pool that the plan is given, and by one person.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{
    Array, AsArray, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use arrow::error::ArrowError;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::prelude::SessionContext;
use futures::StreamExt;
use schemas::ids::{PersonKey, StatementId, key64};
use schemas::profile::FoldKey;

use super::beside::{parse, register_left_out, register_owners};
use super::recompute::RecomputeError;
use crate::fold::Answer;
use crate::store::account_person::Owners;

/// One row an answer, a person's answers together and in fold order ([`super::recompute`] has the same
/// order). Only persons with an answer in the window are read, but all answers of theirs up to its end.
fn plan(window: Window) -> String {
    let Window { after, through } = window;
    let new = if after > 0 {
        format!("where o.person in (select person from owned where seq > {after})")
    } else {
        String::new()
    };
    format!(
        "with owned as (
             select coalesce(p.person, a.account) as person, a.answered_at, a.device_id, a.device_seq, a.id,
                    a.activity, a.correct, a.outcome, a.invented_time, a.seq, a.stored
             from answers a
             left join account_person p on p.account = a.account
             left anti join voided v on v.id = a.id
             where a.seq <= {through}
         )
         select * from owned o
         {new}
         order by o.person, o.answered_at, o.device_id nulls first, o.device_seq nulls first, o.id"
    )
}

/// Positions of answers: after the one, up to the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Persons without an answer after this one are passed over.
    pub after: i64,
    /// Answers after this one are passed over.
    pub through: i64,
}

/// An answer with where and when it was stored.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredAnswer {
    /// Its position.
    pub seq: i64,
    /// When it was stored, in microseconds since 1970.
    pub stored: i64,
    /// The answer.
    pub answer: Answer,
}

/// A person's answers in fold order.
#[derive(Clone, Debug, PartialEq)]
pub struct PersonAnswers {
    /// Whose.
    pub person: PersonKey,
    /// At least one.
    pub answers: Vec<StoredAnswer>,
}

/// The persons of a version of the lake, one after another.
pub struct Persons {
    stream: SendableRecordBatchStream,
    activities: HashMap<Arc<str>, u64>,
    batch: Option<(Columns, usize)>,
    /// The first answer of the next person, read already.
    ahead: Option<(PersonKey, StoredAnswer)>,
}

impl std::fmt::Debug for Persons {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Persons")
    }
}

impl Persons {
    /// Starts the plan over the table `answers` of `session`. `left_out` are answers that do not
    /// count: void ones that the lake may still hold, and odd ones.
    pub async fn start(
        session: &SessionContext,
        owners: &Owners,
        left_out: &[StatementId],
        window: Window,
    ) -> Result<Self, RecomputeError> {
        register_owners(session, owners)?;
        register_left_out(session, left_out)?;
        let stream = session.sql(&plan(window)).await?.execute_stream().await?;
        Ok(Self {
            stream,
            activities: HashMap::new(),
            batch: None,
            ahead: None,
        })
    }

    /// The next person; none after the last one.
    pub async fn next(&mut self) -> Result<Option<PersonAnswers>, RecomputeError> {
        let first = match self.ahead.take() {
            Some(first) => Some(first),
            None => self.row().await?,
        };
        let Some((person, first)) = first else {
            return Ok(None);
        };
        let mut answers = vec![first];
        while let Some((next, answer)) = self.row().await? {
            if next != person {
                self.ahead = Some((next, answer));
                break;
            }
            if answers.last().map(|last| &last.answer.key) >= Some(&answer.answer.key) {
                return Err(RecomputeError::Order);
            }
            answers.push(answer);
        }
        Ok(Some(PersonAnswers { person, answers }))
    }

    async fn row(&mut self) -> Result<Option<(PersonKey, StoredAnswer)>, RecomputeError> {
        loop {
            if let Some((columns, next)) = &mut self.batch
                && *next < columns.rows
            {
                let row = columns.row(*next, &mut self.activities)?;
                *next += 1;
                return Ok(Some(row));
            }
            match self.stream.next().await.transpose()? {
                Some(batch) => self.batch = Some((Columns::of(&batch)?, 0)),
                None => return Ok(None),
            }
        }
    }
}

/// The columns of a batch.
struct Columns {
    rows: usize,
    person: StringArray,
    answered_at: Int64Array,
    device_id: StringArray,
    device_seq: Int64Array,
    id: StringArray,
    activity: StringArray,
    correct: BooleanArray,
    outcome: Float64Array,
    invented_time: BooleanArray,
    seq: Int64Array,
    stored: Int64Array,
}

impl Columns {
    /// Parquet's texts come as views and its times with a time zone: both are made plain.
    fn of(batch: &RecordBatch) -> Result<Self, ArrowError> {
        let plain = |index: usize, kind: &DataType| cast(batch.column(index), kind);
        let text = |index| Ok::<_, ArrowError>(plain(index, &DataType::Utf8)?.as_string().clone());
        let integer = |index| {
            let column = plain(index, &DataType::Int64)?;
            Ok::<_, ArrowError>(column.as_primitive::<Int64Type>().clone())
        };
        let boolean =
            |index| Ok::<_, ArrowError>(plain(index, &DataType::Boolean)?.as_boolean().clone());
        Ok(Self {
            rows: batch.num_rows(),
            person: text(0)?,
            answered_at: integer(1)?,
            device_id: text(2)?,
            device_seq: integer(3)?,
            id: text(4)?,
            activity: text(5)?,
            correct: boolean(6)?,
            outcome: plain(7, &DataType::Float64)?
                .as_primitive::<Float64Type>()
                .clone(),
            invented_time: boolean(8)?,
            seq: integer(9)?,
            stored: integer(10)?,
        })
    }

    fn row(
        &self,
        index: usize,
        activities: &mut HashMap<Arc<str>, u64>,
    ) -> Result<(PersonKey, StoredAnswer), RecomputeError> {
        let person = parse(self.person.value(index), "person")?;
        let id = parse(self.id.value(index), "statement")?;
        let (activity, item) = kept(activities, self.activity.value(index));
        let device_id = self.device_id.is_valid(index);
        let device_seq = self.device_seq.is_valid(index);
        let answer = StoredAnswer {
            seq: self.seq.value(index),
            stored: self.stored.value(index),
            answer: Answer {
                key: FoldKey {
                    answered_at: self.answered_at.value(index),
                    device_id: device_id.then(|| self.device_id.value(index).to_owned()),
                    device_seq: device_seq.then(|| self.device_seq.value(index)),
                    id,
                },
                item,
                activity,
                correct: self.correct.value(index),
                outcome: self.outcome.value(index),
                invented_time: self.invented_time.value(index),
            },
        };
        Ok((person, answer))
    }
}

/// An activity, kept and hashed once: there are few, and answers are many.
fn kept(activities: &mut HashMap<Arc<str>, u64>, iri: &str) -> (Arc<str>, u64) {
    if let Some((iri, key)) = activities.get_key_value(iri) {
        return (Arc::clone(iri), *key);
    }
    let (iri, key): (Arc<str>, u64) = (iri.into(), key64(iri));
    activities.insert(Arc::clone(&iri), key);
    (iri, key)
}

//! States as rows of the lake's table `mastery`.

use std::sync::Arc;

use ::mastery::{Mastery, Model};
use arrow::array::{
    ArrayRef, BooleanArray, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray,
    StringBuilder, TimestampMicrosecondArray,
};
use arrow::error::ArrowError;
use chrono::{DateTime, Utc};
use schemas::ids::PersonKey;
use schemas::tables;
use serde::{Deserialize, Serialize};

use crate::fold::PersonFold;

/// The run that rows belong to.
#[derive(Clone, Debug)]
pub struct Run {
    /// Its number.
    pub run: i64,
    /// The time at which mastery is evaluated.
    pub as_of: DateTime<Utc>,
    /// Which answers are folded.
    pub upto: Upto,
}

/// Which answers a run folds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub enum Upto {
    /// All there are.
    Last,
    /// Those given until the time at which mastery is evaluated.
    AsOf,
}

impl Run {
    /// The time of the last answer that is folded, in microseconds; none where all are.
    #[must_use]
    pub fn until(&self) -> Option<i64> {
        (self.upto == Upto::AsOf).then(|| self.as_of.timestamp_micros())
    }
}

/// Rows as they gather.
#[derive(Debug, Default)]
pub struct Rows {
    persons: StringBuilder,
    subjects: StringBuilder,
    kinds: Vec<&'static str>,
    uris: StringBuilder,
    masteries: Vec<Mastery>,
}

impl Rows {
    /// The competencies that a person has practised, and every domain of the subjects.
    pub fn add(&mut self, model: &Model, run: &Run, person: PersonKey, fold: &PersonFold) {
        let t = Some(::mastery::seconds(run.as_of.timestamp_micros()));
        let person = person.to_string();
        for (name, state) in &fold.states {
            let Some(subject) = model.subject(name) else {
                continue;
            };
            for domain in subject.domains() {
                let mastery = state.domain(model, subject, domain, t);
                self.push(&person, name, "domain", domain.uri(), mastery);
            }
            for competency in subject.competencies() {
                let mastery = state.competency(model, competency, t);
                if mastery.answers > 0 {
                    self.push(&person, name, "competency", competency.uri(), mastery);
                }
            }
        }
    }

    fn push(
        &mut self,
        person: &str,
        subject: &str,
        kind: &'static str,
        uri: &str,
        mastery: Mastery,
    ) {
        self.persons.append_value(person);
        self.subjects.append_value(subject);
        self.kinds.push(kind);
        self.uris.append_value(uri);
        self.masteries.push(mastery);
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.masteries.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.masteries.is_empty()
    }

    /// The rows as a batch of the table's schema.
    pub fn batch(mut self, model: &Model, run: &Run) -> Result<RecordBatch, ArrowError> {
        let n = self.len();
        let masteries = &self.masteries;
        let float = |of: fn(&Mastery) -> f64| -> ArrayRef {
            Arc::new(Float64Array::from_iter_values(masteries.iter().map(of)))
        };
        let as_of = TimestampMicrosecondArray::from(vec![run.as_of.timestamp_micros(); n]);
        // A degree that no answer gave is the prior's: nothing is known.
        let degree = |m: &Mastery| (m.answers > 0).then(|| i32::from(m.degree.number()));
        let answers = |m: &Mastery| i64::try_from(m.answers).unwrap_or(i64::MAX);
        let columns: Vec<ArrayRef> = vec![
            Arc::new(Int64Array::from(vec![run.run; n])),
            Arc::new(as_of.with_timezone("UTC")),
            Arc::new(self.persons.finish()),
            Arc::new(self.subjects.finish()),
            Arc::new(StringArray::from(self.kinds)),
            Arc::new(self.uris.finish()),
            float(|m| m.mean),
            float(|m| m.variance),
            Arc::new(Int64Array::from_iter_values(masteries.iter().map(answers))),
            float(|m| m.m),
            Arc::new(Int32Array::from_iter(masteries.iter().map(degree))),
            Arc::new(BooleanArray::from_iter(
                masteries.iter().map(|m| Some(m.shown)),
            )),
            Arc::new(StringArray::from(vec![model.fingerprint(); n])),
        ];
        RecordBatch::try_new(tables::mastery::schema(), columns)
    }
}

//! What is folded of persons, as columns: a row a person. It is what the operator gives, so that a plan can carry
//! it between threads, and processes.

use std::sync::{Arc, LazyLock};

use ::mastery::Model;
use arrow::array::{
    Array as _, ArrayRef, AsArray as _, BinaryBuilder, FixedSizeBinaryBuilder, Int64Builder,
    ListArray, RecordBatch, StringBuilder, StructArray, UInt64Builder,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Fields, Int64Type, Schema, SchemaRef, UInt64Type};
use arrow::error::ArrowError;
use chrono::DateTime;
use schemas::ids::{AccountKey, PersonKey};
use schemas::tables;
use uuid::Uuid;

use super::super::rows::{Rows, Run};
use crate::fold::PersonFold;
use crate::store::pupils::Columns;
use crate::store::versions::Sums;

/// Bytes of a key.
const KEY: i32 = 16;

/// A state of a subject, as `PupilState::encode` writes it.
fn state_fields() -> Fields {
    Fields::from(vec![
        Field::new("subject", DataType::Utf8, false),
        Field::new("state", DataType::Binary, false),
    ])
}

/// How often an activity was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Used<'a> {
    /// `key64` of the activity.
    pub(super) item: u64,
    pub(super) activity: &'a str,
    pub(super) answers: i64,
    /// Right ones.
    pub(super) correct: i64,
}

/// [`Used`] as columns.
fn used_fields() -> Fields {
    Fields::from(vec![
        Field::new("item", DataType::UInt64, false),
        Field::new("activity", DataType::Utf8, false),
        Field::new("answers", DataType::Int64, false),
        Field::new("correct", DataType::Int64, false),
    ])
}

fn list(name: &str, fields: Fields) -> Field {
    let item = Field::new_list_field(DataType::Struct(fields), false);
    Field::new(name, DataType::List(Arc::new(item)), false)
}

/// The columns.
pub(super) fn schema() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
        let required = |name: &str, kind| Field::new(name, kind, false);
        let optional = |name: &str, kind| Field::new(name, kind, true);
        Arc::new(Schema::new(vec![
            required("person", DataType::FixedSizeBinary(KEY)),
            required("answers", DataType::Int64),
            required("correct", DataType::Int64),
            // The key of the last answer or evaluation; null where there is neither.
            optional("last_answered_at", DataType::Int64),
            optional("last_device_id", DataType::Utf8),
            optional("last_device_seq", DataType::Int64),
            optional("last_statement", DataType::FixedSizeBinary(KEY)),
            required("others", DataType::Binary),
            // Keys of accounts that nobody has announced, one after another.
            required("new_accounts", DataType::Binary),
            list("states", state_fields()),
            // How often activities were answered by the persons of the batch: all in the first row.
            list("used", used_fields()),
            // Rows of the lake's table.
            list("mastery", tables::mastery::schema().fields().clone()),
        ]))
    });
    Arc::clone(&SCHEMA)
}

/// Rows as they gather.
#[derive(Debug)]
pub(super) struct Builder {
    person: FixedSizeBinaryBuilder,
    answers: Int64Builder,
    correct: Int64Builder,
    last_answered_at: Int64Builder,
    last_device_id: StringBuilder,
    last_device_seq: Int64Builder,
    last_statement: FixedSizeBinaryBuilder,
    others: BinaryBuilder,
    new_accounts: BinaryBuilder,
    subjects: StringBuilder,
    states: BinaryBuilder,
    states_of: Vec<usize>,
    rows: Rows,
    rows_of: Vec<usize>,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            person: FixedSizeBinaryBuilder::new(KEY),
            answers: Int64Builder::new(),
            correct: Int64Builder::new(),
            last_answered_at: Int64Builder::new(),
            last_device_id: StringBuilder::new(),
            last_device_seq: Int64Builder::new(),
            last_statement: FixedSizeBinaryBuilder::new(KEY),
            others: BinaryBuilder::new(),
            new_accounts: BinaryBuilder::new(),
            subjects: StringBuilder::new(),
            states: BinaryBuilder::new(),
            states_of: Vec::new(),
            rows: Rows::default(),
            rows_of: Vec::new(),
        }
    }
}

impl Builder {
    /// One person more.
    pub(super) fn push(
        &mut self,
        model: &Model,
        run: &Run,
        person: PersonKey,
        fold: &PersonFold,
        new_accounts: &[AccountKey],
    ) -> Result<(), ArrowError> {
        self.person.append_value(person.as_uuid())?;
        self.answers.append_value(fold.answers);
        self.correct.append_value(fold.correct);
        let last = fold.last.as_ref();
        self.last_answered_at
            .append_option(last.map(|key| key.answered_at));
        self.last_device_id
            .append_option(last.and_then(|key| key.device_id.as_deref()));
        self.last_device_seq
            .append_option(last.and_then(|key| key.device_seq));
        match last {
            Some(key) => self.last_statement.append_value(key.id.as_uuid())?,
            None => self.last_statement.append_null(),
        }
        self.others.append_value(fold.encode_others());
        let accounts = new_accounts
            .iter()
            .flat_map(|key| *key.as_uuid().as_bytes());
        self.new_accounts
            .append_value(accounts.collect::<Vec<u8>>());
        for (subject, state) in &fold.states {
            self.subjects.append_value(subject);
            self.states.append_value(state.encode());
        }
        self.states_of.push(fold.states.len());
        let before = self.rows.len();
        self.rows.add(model, run, person, fold);
        self.rows_of.push(self.rows.len() - before);
        Ok(())
    }

    /// How many persons there are.
    pub(super) fn len(&self) -> usize {
        self.rows_of.len()
    }

    /// The rows, with how often activities were answered by these persons; none are left.
    pub(super) fn finish<'a>(
        &mut self,
        model: &Model,
        run: &Run,
        used: impl Iterator<Item = Used<'a>>,
    ) -> Result<RecordBatch, ArrowError> {
        let mut done = std::mem::take(self);
        let used = used_array(used)?;
        let mut used_of = vec![0; done.len()];
        match used_of.first_mut() {
            Some(first) => *first = used.len(),
            // Whoever answered has a row, so that this is a fault of ours.
            None if !used.is_empty() => {
                return Err(ArrowError::ComputeError("answers of nobody".to_owned()));
            }
            None => {}
        }
        let states: Vec<ArrayRef> = vec![
            Arc::new(done.subjects.finish()),
            Arc::new(done.states.finish()),
        ];
        let states = StructArray::try_new(state_fields(), states, None)?;
        let rows = StructArray::from(done.rows.batch(model, run)?);
        RecordBatch::try_new(
            schema(),
            vec![
                Arc::new(done.person.finish()),
                Arc::new(done.answers.finish()),
                Arc::new(done.correct.finish()),
                Arc::new(done.last_answered_at.finish()),
                Arc::new(done.last_device_id.finish()),
                Arc::new(done.last_device_seq.finish()),
                Arc::new(done.last_statement.finish()),
                Arc::new(done.others.finish()),
                Arc::new(done.new_accounts.finish()),
                lists(states, done.states_of)?,
                lists(used, used_of)?,
                lists(rows, done.rows_of)?,
            ],
        )
    }
}

fn used_array<'a>(used: impl Iterator<Item = Used<'a>>) -> Result<StructArray, ArrowError> {
    let (mut items, mut activities) = (UInt64Builder::new(), StringBuilder::new());
    let (mut answers, mut correct) = (Int64Builder::new(), Int64Builder::new());
    for used in used {
        items.append_value(used.item);
        activities.append_value(used.activity);
        answers.append_value(used.answers);
        correct.append_value(used.correct);
    }
    let columns: Vec<ArrayRef> = vec![
        Arc::new(items.finish()),
        Arc::new(activities.finish()),
        Arc::new(answers.finish()),
        Arc::new(correct.finish()),
    ];
    StructArray::try_new(used_fields(), columns, None)
}

/// Lists of these lengths, one after another.
fn lists(values: StructArray, lengths: Vec<usize>) -> Result<ArrayRef, ArrowError> {
    let item = Field::new_list_field(DataType::Struct(values.fields().clone()), false);
    let offsets = OffsetBuffer::from_lengths(lengths);
    let list = ListArray::try_new(Arc::new(item), offsets, Arc::new(values), None)?;
    Ok(Arc::new(list))
}

/// Some persons, folded.
#[derive(Debug)]
pub struct Folds(RecordBatch);

impl Folds {
    /// Rows that the operator gave.
    pub(super) fn new(batch: RecordBatch) -> Self {
        Self(batch)
    }

    /// How many persons they are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.num_rows()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Who they are.
    pub fn persons(&self) -> impl Iterator<Item = PersonKey> + '_ {
        uuids(&self.0, "person").map(PersonKey::from_uuid)
    }

    /// The accounts that nobody has announced.
    #[must_use]
    pub fn new_accounts(&self) -> Vec<AccountKey> {
        let keys = column(&self.0, "new_accounts").as_binary::<i32>();
        let keys = keys.iter().flatten().flat_map(|keys| keys.as_chunks().0);
        keys.map(|key| AccountKey::from_uuid(Uuid::from_bytes(*key)))
            .collect()
    }

    /// What they add to the sums of a version.
    #[must_use]
    pub fn sums(&self) -> Sums {
        let [answers, correct] = ["answers", "correct"]
            .map(|name| column(&self.0, name).as_primitive::<Int64Type>().values());
        Sums {
            answers: answers.iter().sum(),
            correct: correct.iter().sum(),
            pupils: answers.iter().map(|answers| i64::from(*answers > 0)).sum(),
        }
    }

    /// How often activities were answered by them.
    pub(super) fn used(&self) -> impl Iterator<Item = Used<'_>> {
        let used = column(&self.0, "used").as_list::<i32>().values();
        let used = used.as_struct();
        let items = used.column(0).as_primitive::<UInt64Type>();
        let activities = used.column(1).as_string::<i32>();
        let [answers, correct] = [2, 3].map(|n| used.column(n).as_primitive::<Int64Type>());
        (0..used.len()).map(|n| Used {
            item: items.value(n),
            activity: activities.value(n),
            answers: answers.value(n),
            correct: correct.value(n),
        })
    }

    /// Their rows of the lake's table `mastery`.
    #[must_use]
    pub fn mastery(&self) -> RecordBatch {
        let rows = column(&self.0, "mastery").as_list::<i32>();
        RecordBatch::from(rows.values().as_struct())
    }

    /// Their rows in PostgreSQL.
    #[must_use]
    pub fn columns(&self) -> Columns {
        let integers = |name| column(&self.0, name).as_primitive::<Int64Type>();
        let mut columns = Columns::default();
        let persons: Vec<Uuid> = self.persons().map(|person| person.as_uuid()).collect();
        let (answers, correct) = (integers("answers"), integers("correct"));
        let (at, counters) = (integers("last_answered_at"), integers("last_device_seq"));
        let devices = column(&self.0, "last_device_id").as_string::<i32>();
        let statements = column(&self.0, "last_statement").as_fixed_size_binary();
        let others = column(&self.0, "others").as_binary::<i32>();
        let states = column(&self.0, "states").as_list::<i32>();
        for (n, person) in persons.iter().enumerate() {
            if at.is_valid(n) {
                columns.persons.push(*person);
                columns.answers.push(answers.value(n));
                columns.correct.push(correct.value(n));
                columns
                    .at
                    .push(DateTime::from_timestamp_micros(at.value(n)));
                let device = devices.is_valid(n).then(|| devices.value(n).to_owned());
                columns.devices.push(device);
                columns
                    .counters
                    .push(counters.is_valid(n).then(|| counters.value(n)));
                columns.statements.push(uuid(statements.value(n)));
                columns.others.push(others.value(n).to_vec());
            }
            let states = states.value(n);
            let states = states.as_struct();
            let subjects = states.column(0).as_string::<i32>().iter().flatten();
            let bytes = states.column(1).as_binary::<i32>().iter().flatten();
            for (subject, state) in subjects.zip(bytes) {
                columns.state_persons.push(*person);
                columns.subjects.push(subject.to_owned());
                columns.states.push(state.to_vec());
            }
        }
        columns
    }
}

fn column<'a>(batch: &'a RecordBatch, name: &str) -> &'a ArrayRef {
    batch
        .column_by_name(name)
        .expect("the operator gives all columns of its schema")
}

fn uuids<'a>(batch: &'a RecordBatch, name: &str) -> impl Iterator<Item = Uuid> + 'a {
    let keys = column(batch, name).as_fixed_size_binary();
    keys.iter().flatten().map(uuid)
}

fn uuid(bytes: &[u8]) -> Uuid {
    Uuid::from_slice(bytes).unwrap_or_default()
}

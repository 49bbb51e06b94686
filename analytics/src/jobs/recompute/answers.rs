//! The rows that the operator is given: answers, all of an account one after another.

use std::collections::HashMap;
use std::mem::take;

use arrow::array::{
    Array as _, AsArray as _, BooleanArray, Float64Array, Int32Array, Int64Array, RecordBatch,
    StringViewArray,
};
use arrow::buffer::Buffer;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Int32Type, Int64Type};
use arrow::error::ArrowError;
use schemas::ids::key64;

use super::folds::Used;

/// The columns that are read, in this order.
pub(super) const COLUMNS: [&str; 9] = [
    "account",
    "answered_at",
    "device_id",
    "device_seq",
    "id",
    "activity",
    "correct",
    "outcome",
    "invented_time",
];

/// Those of them that are texts.
pub(super) const TEXTS: [&str; 4] = ["account", "device_id", "id", "activity"];

/// The columns of a batch.
#[derive(Debug)]
pub(super) struct Batch {
    /// Where the plan has it as a column: not where answers are exchanged by person.
    pub(super) bucket: Option<Int32Array>,
    pub(super) account: StringViewArray,
    pub(super) answered_at: Int64Array,
    pub(super) device_id: StringViewArray,
    pub(super) device_seq: Int64Array,
    pub(super) id: StringViewArray,
    /// Numbers of [`Activities`].
    pub(super) activities: Vec<u32>,
    pub(super) correct: BooleanArray,
    pub(super) outcome: Float64Array,
    pub(super) invented_time: BooleanArray,
}

impl Batch {
    /// Texts are read as views and times as numbers, however they come.
    pub(super) fn of(
        batch: &RecordBatch,
        activities: &mut Activities,
        seen: &mut Seen,
    ) -> Result<Self, ArrowError> {
        let column = |name: &str, kind: &DataType| {
            let column = batch
                .column_by_name(name)
                .ok_or_else(|| ArrowError::SchemaError(format!("there is no column {name}")))?;
            cast(column, kind)
        };
        let text =
            |name| Ok::<_, ArrowError>(column(name, &DataType::Utf8View)?.as_string_view().clone());
        let integer = |name| {
            let column = column(name, &DataType::Int64)?;
            Ok::<_, ArrowError>(column.as_primitive::<Int64Type>().clone())
        };
        let boolean =
            |name| Ok::<_, ArrowError>(column(name, &DataType::Boolean)?.as_boolean().clone());
        let bucket = batch.column_by_name("bucket");
        let bucket = bucket.map(|bucket| cast(bucket, &DataType::Int32));
        Ok(Self {
            bucket: bucket
                .transpose()?
                .map(|bucket| bucket.as_primitive::<Int32Type>().clone()),
            account: text("account")?,
            answered_at: integer("answered_at")?,
            device_id: text("device_id")?,
            device_seq: integer("device_seq")?,
            id: text("id")?,
            activities: activities.numbers(&text("activity")?, seen),
            correct: boolean("correct")?,
            outcome: column("outcome", &DataType::Float64)?
                .as_primitive::<Float64Type>()
                .clone(),
            invented_time: boolean("invented_time")?,
        })
    }

    /// Rows from `from` on that have the account of the first of them: where they end.
    pub(super) fn end_of_account(&self, from: usize) -> usize {
        let same = |row: &usize| same(&self.account, from, *row);
        (from + 1..self.account.len())
            .find(|row| !same(row))
            .unwrap_or(self.account.len())
    }
}

/// Whether two rows have the same text. Rows of one page of a dictionary mostly share one view.
pub(super) fn same(texts: &StringViewArray, one: usize, other: usize) -> bool {
    let views = texts.views();
    views[one] == views[other] || texts.value(one) == texts.value(other)
}

/// The activities met, numbered: there are few, and answers are many.
#[derive(Debug, Default)]
pub(super) struct Activities {
    numbers: HashMap<String, u32>,
    all: Vec<Activity>,
}

/// Numbers of [`Activities`] by views, as batches of one input have them.
#[derive(Debug, Default)]
pub(super) struct Seen {
    numbers: HashMap<u128, u32, Views>,
    /// What the views point into: as long as it is held here, no other text gets there.
    buffers: Vec<Buffer>,
}

impl Seen {
    /// Forgets all unless these are the same buffers.
    fn within(&mut self, buffers: &[Buffer]) {
        let mut pairs = self.buffers.iter().zip(buffers);
        let same = self.buffers.len() == buffers.len();
        if !(same && pairs.all(|(one, other)| one.ptr_eq(other))) {
            self.numbers.clear();
            self.buffers = buffers.to_vec();
        }
    }
}

/// An activity, and its answers since [`Activities::used`] was last asked.
#[derive(Debug)]
struct Activity {
    iri: String,
    key: u64,
    answers: i64,
    correct: i64,
}

impl Activities {
    /// The number of each row. Rows of one dictionary share one view, and batches one dictionary: it is looked up once.
    fn numbers(&mut self, activities: &StringViewArray, seen: &mut Seen) -> Vec<u32> {
        seen.within(activities.data_buffers());
        let views = activities.views().iter().enumerate();
        let number = |(n, view): (usize, &u128)| {
            if let Some(number) = seen.numbers.get(view) {
                return *number;
            }
            let number = self.number(activities.value(n));
            seen.numbers.insert(*view, number);
            number
        };
        views.map(number).collect()
    }

    fn number(&mut self, iri: &str) -> u32 {
        if let Some(number) = self.numbers.get(iri) {
            return *number;
        }
        let number = u32::try_from(self.all.len()).unwrap_or(u32::MAX);
        self.numbers.insert(iri.to_owned(), number);
        self.all.push(Activity {
            iri: iri.to_owned(),
            key: key64(iri),
            answers: 0,
            correct: 0,
        });
        number
    }

    /// `key64` of an activity.
    pub(super) fn key(&self, number: u32) -> u64 {
        self.all[number as usize].key
    }

    /// Counts an answer to an activity.
    pub(super) fn count(&mut self, number: u32, correct: bool) {
        let activity = &mut self.all[number as usize];
        activity.answers += 1;
        activity.correct += i64::from(correct);
    }

    /// What was counted since this was last asked.
    pub(super) fn used(&mut self) -> impl Iterator<Item = Used<'_>> {
        let used = self.all.iter_mut().filter(|activity| activity.answers > 0);
        used.map(|activity| Used {
            item: activity.key,
            activity: &activity.iri,
            answers: take(&mut activity.answers),
            correct: take(&mut activity.correct),
        })
    }
}

/// Hashes a view: length, first letters, buffer and offset.
type Views = std::hash::BuildHasherDefault<ViewHasher>;

#[derive(Clone, Copy, Debug, Default)]
struct ViewHasher(u64);

impl std::hash::Hasher for ViewHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            // The odd number next to 2^64 over the golden ratio: it spreads what differs in few bits.
            let mixed = (self.0 ^ u64::from_le_bytes(word)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            self.0 = mixed ^ (mixed >> 32);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_view_is_another_activity_in_another_buffer() {
        let texts = |end: &str| {
            let rows = ["urn:short".to_owned(), format!("https://a.example/{end}")];
            StringViewArray::from_iter_values(rows)
        };
        let (mut activities, mut seen) = (Activities::default(), Seen::default());
        let (one, other) = (texts("1"), texts("2"));
        assert_eq!(one.views(), other.views());
        assert_eq!(activities.numbers(&one, &mut seen), [0, 1]);
        assert_eq!(activities.numbers(&one.slice(1, 1), &mut seen), [1]);
        assert_eq!(activities.numbers(&other, &mut seen), [0, 2]);
        drop((one, other));
        assert_eq!(activities.numbers(&texts("3"), &mut seen), [0, 3]);
    }

    #[test]
    fn an_activity_is_counted_under_its_key_whatever_its_view() {
        let long = "https://ressources.edu.example.net/sequence/001/exercice/0";
        let texts: Vec<String> = (0..40)
            .map(|n| match n % 4 {
                0 => format!("urn:{n}"),
                n => format!("{long}{n}"),
            })
            .collect();
        let column = StringViewArray::from_iter_values(&texts);
        let mut activities = Activities::default();
        let numbers = activities.numbers(&column, &mut Seen::default());
        for (number, text) in numbers.into_iter().zip(&texts) {
            assert_eq!(activities.key(number), key64(text));
            activities.count(number, text.ends_with('3'));
        }
        let used = activities.used();
        let used: Vec<_> = used
            .map(|of| (of.activity.to_owned(), of.answers, of.correct))
            .collect();
        assert_eq!(used.len(), 10 + 3);
        assert!(used.contains(&("urn:8".to_owned(), 1, 0)));
        assert!(used.contains(&(format!("{long}3"), 10, 10)));
        assert_eq!(activities.used().count(), 0);
    }
}

//! The file of answers: its columns, its times, its items and skills, its totals.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, ensure};
use arrow::array::{Array, AsArray, ListArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Int64Type};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use sha2::{Digest, Sha256};

/// Times below this (September 2001) are no Unix times: they count from some start.
const FIRST_UNIX_TIME_S: i64 = 1_000_000_000;

/// The columns that are read.
const COLUMNS: [&str; 6] = [
    "student_id",
    "order",
    "ts",
    "item_id",
    "skill_ids",
    "correct",
];

/// One answer of the file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    pub(crate) student: i64,
    /// Place among the pupil's answers, from 0.
    pub(crate) order: i64,
    /// Seconds, as the file has them.
    pub(crate) ts: i64,
    pub(crate) item: i64,
    pub(crate) correct: bool,
}

/// How the file's times are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Times {
    /// There are none: the order makes them, one second apart, and they are marked as invented.
    Invented,
    /// They count from a start that the file does not tell.
    FromStart,
    /// They are Unix times.
    Unix,
}

/// A file of answers, read whole.
#[derive(Debug)]
pub(crate) struct AnswersFile {
    /// First sixteen hexadecimal digits of the SHA-256 of its bytes.
    pub(crate) fingerprint: String,
    pub(crate) times: Times,
    pub(crate) rows: Vec<Row>,
    /// The skills of each item, in the order of the file.
    pub(crate) items: BTreeMap<i64, Vec<i64>>,
    /// Items that the file gives different skills in different rows; the first row counts.
    pub(crate) items_that_differ: usize,
}

/// What can be counted on both sides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
pub(crate) struct Totals {
    pub(crate) answers: u64,
    pub(crate) pupils: u64,
    pub(crate) correct: u64,
    pub(crate) items: u64,
}

impl AnswersFile {
    /// Reads and checks the file.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        let bytes =
            std::fs::read(path).with_context(|| format!("could not read {}", path.display()))?;
        let digest: [u8; 32] = Sha256::digest(&bytes).into();
        let mut reading = Reading::default();
        for batch in batches(Bytes::from(bytes))
            .with_context(|| format!("could not read {} as Parquet", path.display()))?
        {
            reading.take(&batch.context("could not read the Parquet file")?)?;
        }
        ensure!(
            !reading.rows.is_empty(),
            "{} holds no answer",
            path.display()
        );
        let times = times(&reading.rows)?;
        Ok(Self {
            fingerprint: hex::encode(&digest[..8]),
            times,
            rows: reading.rows,
            items: reading.items,
            items_that_differ: reading.items_that_differ.len(),
        })
    }

    /// Totals of the file.
    pub(crate) fn totals(&self) -> Totals {
        Totals {
            answers: self.rows.len() as u64,
            pupils: self.students().len() as u64,
            correct: self.rows.iter().filter(|row| row.correct).count() as u64,
            items: self.items.len() as u64,
        }
    }

    /// The pupils.
    pub(crate) fn students(&self) -> BTreeSet<i64> {
        self.rows.iter().map(|row| row.student).collect()
    }

    /// The skills.
    pub(crate) fn skills(&self) -> BTreeSet<i64> {
        self.items.values().flatten().copied().collect()
    }

    /// Answers and right ones by skill; an answer counts for each skill of its item.
    pub(crate) fn by_skill(&self) -> BTreeMap<i64, (u64, u64)> {
        let mut counts: BTreeMap<i64, (u64, u64)> = BTreeMap::new();
        for row in &self.rows {
            for skill in self.items.get(&row.item).into_iter().flatten() {
                let (answers, correct) = counts.entry(*skill).or_default();
                *answers += 1;
                *correct += u64::from(row.correct);
            }
        }
        counts
    }

    /// When a row's answer was given.
    pub(crate) fn at(&self, row: &Row, start: DateTime<Utc>) -> anyhow::Result<DateTime<Utc>> {
        let start_s = start.timestamp();
        let seconds = match self.times {
            Times::Invented => start_s.checked_add(row.order),
            Times::FromStart => start_s.checked_add(row.ts),
            Times::Unix => Some(row.ts),
        };
        seconds
            .and_then(|seconds| DateTime::from_timestamp(seconds, 0))
            .context("the file holds a time beyond the calendar")
    }
}

/// What was read so far.
#[derive(Default)]
struct Reading {
    rows: Vec<Row>,
    items: BTreeMap<i64, Vec<i64>>,
    items_that_differ: BTreeSet<i64>,
}

impl Reading {
    fn take(&mut self, batch: &RecordBatch) -> anyhow::Result<()> {
        let [student, order, ts, item, correct] =
            ["student_id", "order", "ts", "item_id", "correct"].map(|name| integers(batch, name));
        let (student, order, ts, item, correct) = (student?, order?, ts?, item?, correct?);
        let skills = skill_lists(batch)?;
        for n in 0..batch.num_rows() {
            ensure!(
                matches!(correct[n], 0 | 1),
                "row {}: correct is {}, expected 0 or 1",
                self.rows.len(),
                correct[n]
            );
            ensure!(
                order[n] >= 0,
                "row {}: order is {}, expected 0 or more",
                self.rows.len(),
                order[n]
            );
            ensure!(
                skills.is_valid(n),
                "row {}: skill_ids is missing",
                self.rows.len()
            );
            let listed = skills
                .value(n)
                .as_primitive::<Int64Type>()
                .values()
                .to_vec();
            ensure!(
                !listed.is_empty(),
                "row {}: skill_ids is empty",
                self.rows.len()
            );
            match self.items.entry(item[n]) {
                std::collections::btree_map::Entry::Vacant(place) => {
                    place.insert(listed);
                }
                std::collections::btree_map::Entry::Occupied(known) if *known.get() != listed => {
                    self.items_that_differ.insert(item[n]);
                }
                std::collections::btree_map::Entry::Occupied(_) => {}
            }
            self.rows.push(Row {
                student: student[n],
                order: order[n],
                ts: ts[n],
                item: item[n],
                correct: correct[n] == 1,
            });
        }
        Ok(())
    }
}

type Batches = parquet::arrow::arrow_reader::ParquetRecordBatchReader;

fn batches(bytes: Bytes) -> anyhow::Result<Batches> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(bytes)?;
    let present: Vec<&str> = builder
        .schema()
        .fields()
        .iter()
        .map(|field| field.name().as_str())
        .collect();
    for column in COLUMNS {
        ensure!(present.contains(&column), "there is no column {column}");
    }
    let mask = ProjectionMask::roots(
        builder.parquet_schema(),
        present
            .iter()
            .enumerate()
            .filter(|(_, name)| COLUMNS.contains(name))
            .map(|(n, _)| n)
            .collect::<Vec<_>>(),
    );
    Ok(builder
        .with_projection(mask)
        .with_batch_size(8_192)
        .build()?)
}

/// A column of whole numbers of any width.
fn integers(batch: &RecordBatch, name: &str) -> anyhow::Result<Vec<i64>> {
    let column = batch
        .column_by_name(name)
        .with_context(|| format!("there is no column {name}"))?;
    ensure!(column.null_count() == 0, "column {name} has missing values");
    let wide = cast(column, &DataType::Int64)
        .with_context(|| format!("column {name} does not hold whole numbers"))?;
    ensure!(
        wide.null_count() == 0,
        "column {name} does not hold whole numbers"
    );
    Ok(wide.as_primitive::<Int64Type>().values().to_vec())
}

fn skill_lists(batch: &RecordBatch) -> anyhow::Result<ListArray> {
    let column = batch
        .column_by_name("skill_ids")
        .context("there is no column skill_ids")?;
    let list = DataType::List(Field::new("item", DataType::Int64, true).into());
    let wide =
        cast(column, &list).context("column skill_ids does not hold lists of whole numbers")?;
    Ok(wide.as_list::<i32>().clone())
}

/// -1 everywhere: no times. A file with some times and some gaps is refused: nothing says what the
/// gaps mean.
fn times(rows: &[Row]) -> anyhow::Result<Times> {
    if rows.iter().all(|row| row.ts == -1) {
        return Ok(Times::Invented);
    }
    if let Some(n) = rows.iter().position(|row| row.ts < 0) {
        anyhow::bail!(
            "row {n} has the time {}, while other rows have times",
            rows[n].ts
        );
    }
    let unix = rows.iter().all(|row| row.ts >= FIRST_UNIX_TIME_S);
    Ok(if unix { Times::Unix } else { Times::FromStart })
}

//! Files of answers: `student_id`, `order`, `ts`, `item_id`, `skill_ids`, `correct`.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::mem;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use arrow::array::RecordBatch;
use fit::{Answer, Answers, Pupil, Start};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::columns::{integers, integers_or_none, lists, times};

/// What a file of answers must have.
const COLUMNS: [&str; 5] = ["student_id", "order", "item_id", "skill_ids", "correct"];

/// What another file of the same pupils or items hardly has.
const OWN: [&str; 2] = ["skill_ids", "correct"];

/// Every Parquet file of a folder, in the order of their names.
pub fn files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder)
        .with_context(|| format!("could not read the folder {}", folder.display()))?;
    let mut found = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|name| name == "parquet") {
            found.push(path);
        }
    }
    found.sort();
    ensure!(
        !found.is_empty(),
        "there is no *.parquet in {}",
        folder.display()
    );
    Ok(found)
}

/// What a Parquet file turned out to hold.
#[derive(Clone, Debug)]
pub enum Content {
    /// Answers, and how many rows were left out because they say no outcome.
    Answers(Answers, usize),
    /// Nothing that could be measured, and why.
    Nothing(&'static str),
}

/// Reads a file of answers.
///
/// - The pupil's place for an answer is `order`; where it is the same, the row that comes first is first.
/// - The skills of an item are a set. Of an item that comes with several, those that have a skill in common are
///   one item with all of their skills: what is remembered of an item and how hard it is go with the item, not
///   with how a row was tagged. Sets with nothing in common ask for different things: an item each.
/// - Rows of one answer that differ in nothing but their skills are one answer with all of them: so it is
///   written where each skill has a row.
/// - An answer that names no skill is of one competency that stands for all of these.
/// - A time that is missing or negative is none; without the column `ts` there are none.
///
/// # Errors
///
/// A file that cannot be read, lacks a column, or holds something else than whole numbers where they have
/// to be, or an outcome that is neither 0 nor 1: what is measured is right or wrong.
pub fn read(path: &Path) -> anyhow::Result<Content> {
    let file = File::open(path).with_context(|| format!("could not open {}", path.display()))?;
    let told = || format!("could not read {}", path.display());
    let parquet = ParquetRecordBatchReaderBuilder::try_new(file).with_context(told)?;
    let has = |name: &&str| parquet.schema().column_with_name(name).is_some();
    if !OWN.iter().any(has) {
        return Ok(Content::Nothing("it holds no answers"));
    }
    let mut rows = Rows::default();
    for batch in parquet.build().with_context(told)? {
        rows.take(&batch.with_context(told)?).with_context(told)?;
    }
    rows.content().with_context(told)
}

/// What was read so far.
#[derive(Debug, Default)]
struct Rows {
    /// By pupil.
    pupils: BTreeMap<i64, Vec<Row>>,
    left_out: usize,
}

/// An answer, or a part of one.
#[derive(Debug)]
struct Row {
    order: i64,
    item: i64,
    correct: bool,
    time: Option<f64>,
    /// Each once, in the order of their numbers.
    skills: Vec<i64>,
}

impl Rows {
    fn take(&mut self, batch: &RecordBatch) -> anyhow::Result<()> {
        let schema = batch.schema();
        let mut missing = COLUMNS.to_vec();
        missing.retain(|name| schema.column_with_name(name).is_none());
        ensure!(
            missing.is_empty(),
            "there is no column {}",
            missing.join(", ")
        );
        let [pupil, order, item] =
            ["student_id", "order", "item_id"].map(|name| integers(batch, name));
        let (pupil, order, item) = (pupil?, order?, item?);
        let correct = integers_or_none(batch, "correct")?;
        let times = if schema.column_with_name("ts").is_some() {
            times(batch, "ts")?
        } else {
            vec![None; batch.num_rows()]
        };
        for (n, mut skills) in lists(batch, "skill_ids")?.into_iter().enumerate() {
            let Some(correct) = correct[n] else {
                self.left_out += 1;
                continue;
            };
            ensure!(
                (0..=1).contains(&correct),
                "column correct holds {correct}, which is neither 0 nor 1"
            );
            skills.sort_unstable();
            skills.dedup();
            self.pupils.entry(pupil[n]).or_default().push(Row {
                order: order[n],
                item: item[n],
                correct: correct == 1,
                time: times[n],
                skills,
            });
        }
        Ok(())
    }

    fn content(mut self) -> anyhow::Result<Content> {
        if self.pupils.is_empty() {
            return Ok(Content::Nothing("it is empty"));
        }
        let mut groups = Groups::default();
        for rows in self.pupils.values_mut() {
            rows.sort_by_key(|row| row.order);
            rows.dedup_by(|next, row| row.took(next));
            rows.iter().for_each(|row| groups.add(row));
        }
        let mut items = Items::default();
        let pupils = self.pupils.into_iter().map(|(key, rows)| {
            let answers = rows.iter().map(|row| items.answer(row, groups.of(row)));
            Pupil {
                key: key.cast_unsigned(),
                answers: answers.collect(),
                start: Start::default(),
            }
        });
        let pupils = pupils.collect();
        // One domain: the files know none.
        let answers = Answers::new(items.tags, vec![0; items.skills.len()], pupils)?;
        Ok(Content::Answers(answers, self.left_out))
    }
}

impl Row {
    /// Takes in the skills of the next row, if both are rows of one answer. Equal rows are two answers: one
    /// cannot know better.
    fn took(&mut self, next: &Self) -> bool {
        let same = (self.order, self.item, self.correct) == (next.order, next.item, next.correct)
            && self.time == next.time
            && !next.skills.is_empty()
            && next.skills.iter().all(|skill| !self.skills.contains(skill));
        if same {
            self.skills.extend(&next.skills);
            self.skills.sort_unstable();
        }
        same
    }
}

/// Of each item the sets of skills that it comes with, joined where they have one in common.
#[derive(Debug, Default)]
struct Groups(HashMap<i64, Vec<Vec<i64>>>);

impl Groups {
    fn add(&mut self, row: &Row) {
        let sets = self.0.entry(row.item).or_default();
        if sets.contains(&row.skills) {
            return;
        }
        let (joined, mut others): (Vec<_>, Vec<_>) = mem::take(sets)
            .into_iter()
            .partition(|set| set.iter().any(|skill| row.skills.contains(skill)));
        let mut whole: Vec<i64> = joined.concat();
        whole.extend(&row.skills);
        whole.sort_unstable();
        whole.dedup();
        others.push(whole);
        *sets = others;
    }

    /// The set that a row's skills are in.
    fn of<'a>(&'a self, row: &'a Row) -> &'a [i64] {
        let mut sets = self.0.get(&row.item).into_iter().flatten();
        let is_in = |set: &&Vec<i64>| match row.skills.first() {
            Some(skill) => set.contains(skill),
            None => set.is_empty(),
        };
        sets.find(is_in).unwrap_or(&row.skills)
    }
}

/// Items and competencies, counted as they come.
#[derive(Debug, Default)]
struct Items {
    items: HashMap<(i64, Vec<i64>), usize>,
    tags: Vec<Vec<usize>>,
    /// `None` is the competency of the answers that name none.
    skills: HashMap<Option<i64>, usize>,
}

impl Items {
    fn answer(&mut self, row: &Row, skills: &[i64]) -> Answer {
        Answer {
            item: self.item(row.item, skills),
            outcome: f64::from(u8::from(row.correct)),
            correct: row.correct,
            time: row.time,
        }
    }

    fn item(&mut self, id: i64, skills: &[i64]) -> usize {
        if let Some(&known) = self.items.get(&(id, skills.to_vec())) {
            return known;
        }
        let named: Vec<Option<i64>> = if skills.is_empty() {
            vec![None]
        } else {
            skills.iter().copied().map(Some).collect()
        };
        let tags = named.into_iter().map(|skill| {
            let next = self.skills.len();
            *self.skills.entry(skill).or_insert(next)
        });
        let tags = tags.collect();
        self.tags.push(tags);
        self.items
            .insert((id, skills.to_vec()), self.tags.len() - 1);
        self.tags.len() - 1
    }
}

#[cfg(test)]
mod tests;

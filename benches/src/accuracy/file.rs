//! Files of answers: `student_id`, `order`, `ts`, `item_id`, `skill_ids`, `correct`.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use arrow::array::{Array as _, AsArray as _, RecordBatch};
use arrow::datatypes::Int64Type;
use fit::{Answer, Answers, Pupil, Start};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::cases::mastery::{integers, lists};

/// The competency of answers that name none.
const NO_SKILL: i64 = i64::MIN;

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

/// Reads a file of answers; of an item that comes with several sets of skills each set is an item of its
/// own: it asks for something else.
pub fn read(path: &Path) -> anyhow::Result<Answers> {
    let file = File::open(path).with_context(|| format!("could not open {}", path.display()))?;
    let mut rows = Rows::default();
    for batch in ParquetRecordBatchReaderBuilder::try_new(file)?.build()? {
        rows.take(&batch?)
            .with_context(|| format!("{} is no file of answers", path.display()))?;
    }
    rows.answers()
        .with_context(|| format!("{} cannot be fitted on", path.display()))
}

/// What was read so far.
#[derive(Debug, Default)]
struct Rows {
    /// By pupil: place in the pupil's order, answer.
    pupils: BTreeMap<i64, Vec<(i64, Answer)>>,
    items: HashMap<(i64, Vec<i64>), usize>,
    tags: Vec<Vec<usize>>,
    skills: HashMap<i64, usize>,
}

impl Rows {
    fn take(&mut self, batch: &RecordBatch) -> anyhow::Result<()> {
        let [pupil, order, item, correct] =
            ["student_id", "order", "item_id", "correct"].map(|name| integers(batch, name));
        let (pupil, order, item, correct) = (pupil?, order?, item?, correct?);
        let times = if batch.column_by_name("ts").is_some() {
            Some(integers(batch, "ts")?)
        } else {
            None
        };
        let lists = lists(batch, "skill_ids")?;
        for n in 0..batch.num_rows() {
            let mut skills = Vec::new();
            if lists.is_valid(n) {
                let list = lists.value(n);
                skills.extend(list.as_primitive::<Int64Type>().iter().flatten());
            }
            if skills.is_empty() {
                skills.push(NO_SKILL);
            }
            ensure!(
                (0..=1).contains(&correct[n]),
                "column correct holds {}, which is neither 0 nor 1",
                correct[n]
            );
            let item = self.item(item[n], skills);
            let answer = Answer {
                item,
                outcome: correct[n] as f64,
                correct: correct[n] == 1,
                time: times.as_ref().map(|times| times[n]).and_then(seconds),
            };
            let of_pupil = self.pupils.entry(pupil[n]).or_default();
            of_pupil.push((order[n], answer));
        }
        Ok(())
    }

    fn item(&mut self, id: i64, skills: Vec<i64>) -> usize {
        if let Some(&known) = self.items.get(&(id, skills.clone())) {
            return known;
        }
        let mut tags = Vec::with_capacity(skills.len());
        for &skill in &skills {
            let next = self.skills.len();
            tags.push(*self.skills.entry(skill).or_insert(next));
        }
        self.tags.push(tags);
        self.items.insert((id, skills), self.tags.len() - 1);
        self.tags.len() - 1
    }

    /// One domain: the files know none.
    fn answers(self) -> anyhow::Result<Answers> {
        let pupils = self.pupils.into_iter().map(|(key, mut rows)| {
            rows.sort_by_key(|(order, _)| *order);
            Pupil {
                key: key.cast_unsigned(),
                answers: rows.into_iter().map(|(_, answer)| answer).collect(),
                start: Start::default(),
            }
        });
        Ok(Answers::new(
            self.tags,
            vec![0; self.skills.len()],
            pupils.collect(),
        )?)
    }
}

/// −1 stands for no time.
fn seconds(time: i64) -> Option<f64> {
    (time >= 0).then_some(time as f64)
}

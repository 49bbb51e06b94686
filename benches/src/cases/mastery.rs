//! `mastery`: the fold of real answers by the model, against sorting the same rows.
//!
//! What every engine must do at least to fold answers in their order is to sort them. The file's skills
//! are the framework, its items the catalogue with the wide prior, as `sillage demo --answers` has it;
//! its times are invented, so no time passes between answers.

use std::collections::BTreeMap;
use std::fs::File;
use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow, bail, ensure};
use arrow::array::RecordBatch;
use mastery::{Model, PupilState};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use rand::SeedableRng as _;
use rand::seq::SliceRandom as _;
use rand_chacha::ChaCha8Rng;
use schemas::catalogue::CatalogueItem;
use schemas::framework::{Competency, Domain, Framework};
use schemas::ids::{ActivityIri, key64};

use super::Arguments;
use crate::accuracy::columns::{integers, lists};
use crate::report::{Report, median};
use crate::server::cores;

/// The file that is read.
const FILE: &str = "assist09.parquet";

/// Where the file's items and skills are put.
const BASE: &str = "https://ent.example.org/replay";

/// One answer, as the fold takes it.
#[derive(Clone, Copy, Debug)]
struct Answer {
    pupil: i64,
    order: i64,
    item: u64,
    correct: bool,
}

/// What a file holds.
#[derive(Debug, Default)]
struct Answers {
    rows: Vec<Answer>,
    items: BTreeMap<i64, Vec<i64>>,
}

/// Measures it. Whether it runs can be seen without the file, by made-up answers.
pub fn run(arguments: &Arguments) -> anyhow::Result<Report> {
    let answers = match &arguments.reference_data {
        Some(folder) => Answers::read(&folder.join(FILE))?,
        None if arguments.smoke => Answers::made_up(),
        None => bail!(
            "set SILLAGE_REFERENCE_DATA to the folder of the reference data, in which {FILE} is"
        ),
    };
    let model = answers.model()?;
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let mut times = Times::default();
    for _ in 0..arguments.rounds {
        let mut rows = answers.rows.clone();
        rows.shuffle(&mut random);
        times.whole.push(whole(&model, &rows)?);
        let start = Instant::now();
        sort(&mut rows);
        times.sort.push(start.elapsed().as_secs_f64());
        let start = Instant::now();
        let (folded, pupils) = fold(&model, &rows)?;
        times.fold.push(start.elapsed().as_secs_f64());
        ensure!(
            folded == answers.rows.len(),
            "{folded} answers were folded, the file holds {}",
            answers.rows.len()
        );
        times.pupils = pupils;
    }
    Ok(times.report(answers.rows.len()))
}

/// Seconds, a value a round.
#[derive(Debug, Default)]
struct Times {
    sort: Vec<f64>,
    fold: Vec<f64>,
    whole: Vec<f64>,
    pupils: usize,
}

impl Times {
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    fn report(&self, answers: usize) -> Report {
        let count = answers as f64;
        let heading = format!(
            "mastery: {FILE}, {answers} answers of {} pupils; {} processors, {} rounds",
            self.pupils,
            cores(),
            self.fold.len(),
        );
        let mut report = Report::new("mastery", heading);
        let (sort, fold) = (median(&self.sort), median(&self.fold));
        let ratios: Vec<f64> = self
            .fold
            .iter()
            .zip(&self.sort)
            .map(|(fold, sort)| fold / sort)
            .collect();
        report.add("mastery_one_thread", "fold", count / fold, "answer/s");
        report.add(
            "mastery_one_thread",
            "fold_time",
            fold * 1e6 / count,
            "µs/answer",
        );
        report.add("mastery_one_thread", "sort", count / sort, "row/s");
        report.add(
            "mastery_one_thread",
            "fold_to_sort_time",
            median(&ratios),
            "1",
        );
        let case = "mastery_all_processors";
        report.add(
            case,
            "sort_and_fold",
            count / median(&self.whole),
            "answer/s",
        );
        report.add(case, "processors", cores() as f64, "1");
        report
    }
}

/// The fold order of a pupil's answers: the file has no times, the order stands for them.
fn sort(rows: &mut [Answer]) {
    rows.sort_unstable_by_key(|row| (row.pupil, row.order));
}

/// Folds sorted rows; how many answers and pupils.
fn fold(model: &Model, rows: &[Answer]) -> anyhow::Result<(usize, usize)> {
    let (mut folded, mut pupils) = (0, 0);
    for of_pupil in rows.chunk_by(|one, next| one.pupil == next.pupil) {
        let mut state = PupilState::new(&model.subjects()[0]);
        for row in of_pupil {
            let item = model
                .item(row.item)
                .context("an item is not in the model")?;
            let outcome = f64::from(u8::from(row.correct));
            black_box(state.step(model, item, outcome, row.correct, None));
        }
        folded += usize::try_from(state.answers())?;
        pupils += 1;
        black_box(state);
    }
    Ok((folded, pupils))
}

/// Seconds to sort and fold on all processors: each takes the pupils of one share.
fn whole(model: &Model, rows: &[Answer]) -> anyhow::Result<f64> {
    let shares = i64::try_from(cores())?;
    let start = Instant::now();
    let folded = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..shares)
            .map(|share| {
                scope.spawn(move || {
                    let mine = |row: &&Answer| row.pupil.rem_euclid(shares) == share;
                    let mut mine: Vec<Answer> = rows.iter().filter(mine).copied().collect();
                    sort(&mut mine);
                    fold(model, &mine).map(|(folded, _)| folded)
                })
            })
            .collect();
        workers.into_iter().try_fold(0, |sum, worker| {
            let folded = worker.join().map_err(|_| anyhow!("a worker broke off"))??;
            anyhow::Ok(sum + folded)
        })
    })?;
    let elapsed: Duration = start.elapsed();
    ensure!(
        folded == rows.len(),
        "{folded} of {} answers were folded",
        rows.len()
    );
    Ok(elapsed.as_secs_f64())
}

impl Answers {
    /// A hundred answers of five pupils to two items.
    fn made_up() -> Self {
        let row = |n: i64| Answer {
            pupil: n % 5,
            order: n / 5,
            item: key64(&item_iri(1 + n % 2)),
            correct: n % 3 > 0,
        };
        Self {
            rows: (0..100).map(row).collect(),
            items: BTreeMap::from([(1, vec![7]), (2, vec![7, 8])]),
        }
    }

    fn read(path: &Path) -> anyhow::Result<Self> {
        let file = File::open(path).with_context(|| {
            format!(
                "could not read {}: SILLAGE_REFERENCE_DATA names the folder it is in",
                path.display()
            )
        })?;
        let mut answers = Self::default();
        for batch in ParquetRecordBatchReaderBuilder::try_new(file)?.build()? {
            answers.take(&batch?)?;
        }
        ensure!(
            !answers.rows.is_empty(),
            "{} holds no answer",
            path.display()
        );
        Ok(answers)
    }

    fn take(&mut self, batch: &RecordBatch) -> anyhow::Result<()> {
        let [pupil, order, item, correct] =
            ["student_id", "order", "item_id", "correct"].map(|name| integers(batch, name));
        let (pupil, order, item, correct) = (pupil?, order?, item?, correct?);
        let skills = lists(batch, "skill_ids")?;
        for (n, skills) in skills.into_iter().enumerate() {
            if skills.is_empty() {
                continue;
            }
            self.rows.push(Answer {
                pupil: pupil[n],
                order: order[n],
                item: key64(&item_iri(item[n])),
                correct: correct[n] == 1,
            });
            self.items.entry(item[n]).or_insert(skills);
        }
        Ok(())
    }

    fn model(&self) -> anyhow::Result<Model> {
        let mut skills: Vec<i64> = self.items.values().flatten().copied().collect();
        skills.sort_unstable();
        skills.dedup();
        let framework = framework(&skills);
        let items = self
            .items
            .iter()
            .map(|(item, skills)| catalogue_item(*item, skills))
            .collect::<anyhow::Result<Vec<_>>>()?;
        Ok(Model::new(&framework, &items))
    }
}

/// The skills as the competencies of one domain.
fn framework(skills: &[i64]) -> Framework {
    let seconde = Framework::seconde();
    let competency = |skill: &i64| Competency {
        uri: skill_iri(*skill),
        label_fr: format!("compétence {skill}"),
        status: "from the file".to_owned(),
        prerequisites: Vec::new(),
    };
    Framework {
        uri: format!("{BASE}/framework"),
        version: "1".to_owned(),
        dated: seconde.dated.clone(),
        language: seconde.language.clone(),
        levels: seconde.levels.clone(),
        domains: vec![Domain {
            uri: format!("{BASE}/domain"),
            subject: "maths".to_owned(),
            label_fr: "ensemble du fichier".to_owned(),
            status: "from the file".to_owned(),
            competencies: skills.iter().map(competency).collect(),
        }],
    }
}

fn catalogue_item(item: i64, skills: &[i64]) -> anyhow::Result<CatalogueItem> {
    Ok(CatalogueItem {
        id: item_iri(item)
            .parse::<ActivityIri>()
            .context("an item's IRI")?,
        title: BTreeMap::from([("fr".to_owned(), format!("exercice {item}"))]),
        subject: "maths".to_owned(),
        competencies: skills.iter().copied().map(skill_iri).collect(),
        intent: None,
        item: None,
        level: None,
    })
}

fn item_iri(item: i64) -> String {
    format!("{BASE}/item/{item}")
}

fn skill_iri(skill: i64) -> String {
    format!("{BASE}/skill/{skill}")
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[test]
    fn without_the_data_it_says_what_to_set() {
        let mut arguments = Arguments::parse_from(["bench", "mastery"]);
        arguments.reference_data = None;
        let told = run(&arguments).unwrap_err().to_string();
        assert!(
            told.contains("SILLAGE_REFERENCE_DATA") && !told.contains('\n'),
            "{told}"
        );
    }

    #[test]
    fn every_answer_is_folded_whoever_folds() {
        let answers = Answers::made_up();
        let model = answers.model().unwrap();
        let mut rows = answers.rows.clone();
        sort(&mut rows);
        assert_eq!(fold(&model, &rows).unwrap(), (100, 5));
        whole(&model, &answers.rows).unwrap();
    }
}

//! A folder of awkward files, each measured as far as it can be.

use std::fs::File;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int8Array, Int32Array, Int64Array, ListArray, RecordBatch};
use arrow::datatypes::Int16Type;
use clap::Parser as _;
use fit::mixed;
use parquet::arrow::ArrowWriter;

use super::*;

/// The models of a file: ours, its ablations, the baselines.
const MODELS: usize = 1 + VARIANTS.len() + baselines::ALL.len();

/// One answer.
#[derive(Clone)]
struct Answered {
    pupil: i32,
    order: i32,
    time: i64,
    item: i32,
    skills: Vec<i16>,
    correct: i8,
}

/// So many answers of each of these pupils: six items of three skills, times a minute apart.
fn answered(pupils: impl IntoIterator<Item = i32>, each: i32) -> Vec<Answered> {
    let of = |pupil: i32| {
        (0..each).map(move |order| {
            let item = (order * 5 + pupil) % 6;
            let chance = mixed(u64::from((pupil * 1_000 + order).unsigned_abs())) % 6;
            Answered {
                pupil,
                order,
                time: i64::from(order) * 60,
                item,
                skills: vec![i16::try_from(item % 3).unwrap()],
                correct: i8::from(chance as i32 + pupil % 3 > item),
            }
        })
    };
    pupils.into_iter().flat_map(of).collect()
}

fn changed(mut answers: Vec<Answered>, change: impl Fn(&mut Answered)) -> Vec<Answered> {
    answers.iter_mut().for_each(change);
    answers
}

fn written(path: &Path, answers: &[Answered]) {
    fn column<A: Array + FromIterator<T> + 'static, T>(
        values: impl Iterator<Item = T>,
    ) -> ArrayRef {
        Arc::new(values.collect::<A>())
    }
    let rows = || answers.iter();
    let lists = rows().map(|row| Some(row.skills.iter().copied().map(Some)));
    let batch = RecordBatch::try_from_iter([
        (
            "student_id",
            column::<Int32Array, _>(rows().map(|row| Some(row.pupil))),
        ),
        (
            "order",
            column::<Int32Array, _>(rows().map(|row| Some(row.order))),
        ),
        (
            "ts",
            column::<Int64Array, _>(rows().map(|row| Some(row.time))),
        ),
        (
            "item_id",
            column::<Int32Array, _>(rows().map(|row| Some(row.item))),
        ),
        (
            "skill_ids",
            Arc::new(ListArray::from_iter_primitive::<Int16Type, _, _>(lists)) as ArrayRef,
        ),
        (
            "correct",
            column::<Int8Array, _>(rows().map(|row| Some(row.correct))),
        ),
    ])
    .unwrap();
    let mut writer =
        ArrowWriter::try_new(File::create(path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

/// The smallest search: what is looked at is whether there are figures, not how good they are.
fn quick() -> Settings {
    Settings {
        evaluations: 5,
        rounds: 1,
        passes: 1,
        final_passes: 2,
        workers: 2,
        ..Settings::default()
    }
}

/// Files that can be measured, with whether they have an order to judge.
fn awkward() -> Vec<(&'static str, Vec<Answered>, bool)> {
    let usual = || answered(1..9, 12);
    let one_fold = (0..).filter(|key: &i32| mixed(u64::from(key.unsigned_abs())) % 5 == 2);
    vec![
        ("all_right", changed(usual(), |row| row.correct = 1), false),
        ("all_wrong", changed(usual(), |row| row.correct = 0), false),
        (
            "forty_skills",
            changed(usual(), |row| row.skills = (0..40).collect()),
            true,
        ),
        ("no_skill", changed(usual(), |row| row.skills.clear()), true),
        ("no_times", changed(usual(), |row| row.time = -1), true),
        ("one_answer_each", answered(1..30, 1), true),
        ("one_hash_fold", answered(one_fold.take(6), 12), true),
        (
            "one_item",
            changed(usual(), |row| (row.item, row.skills) = (7, vec![3])),
            true,
        ),
        (
            "one_skill",
            changed(usual(), |row| row.skills = vec![2]),
            true,
        ),
        (
            "repeated_at_once",
            changed(usual(), |row| row.item = row.order / 4),
            true,
        ),
        ("same_time", changed(usual(), |row| row.time = 0), true),
        (
            "sets_of_skills",
            changed(usual(), |row| {
                row.skills.push(i16::try_from(row.order % 4).unwrap())
            }),
            true,
        ),
        ("two_pupils", answered(1..3, 12), true),
    ]
}

#[test]
fn no_file_of_a_folder_costs_another_its_figures() {
    let folder = tempfile::tempdir().unwrap();
    let results = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(format!("{name}.parquet"));
    for (name, answers, _) in awkward() {
        written(&place(name), &answers);
    }
    written(&place("one_pupil"), &answered([4], 12));
    written(&place("empty"), &[]);
    written(
        &place("three_outcomes"),
        &changed(answered(1..9, 12), |row| row.correct += 1),
    );
    fs::write(place("broken"), "no Parquet").unwrap();
    fs::write(
        results.path().join("accuracy.jsonl"),
        "{\"case\":\"of an earlier run\"}\n",
    )
    .unwrap();

    let report = measure_all(folder.path(), results.path(), &quick()).unwrap();

    let failed = report.failures();
    assert_eq!(failed.len(), 2, "{failed:?}");
    assert!(failed[0].starts_with("broken: ") && failed[1].starts_with("three_outcomes: "));
    let text = fs::read_to_string(results.path().join("accuracy.jsonl")).unwrap();
    let rows = text.lines().map(|line| serde_json::from_str(line).unwrap());
    let rows: Vec<serde_json::Value> = rows.collect();
    assert_eq!(rows.len(), report.rows().len());
    assert!(rows.iter().all(|row| row["value"].is_f64()), "{text}");
    let tables = fs::read_to_string(results.path().join("accuracy.md")).unwrap();
    assert!(
        !tables.contains("NaN") && !tables.contains("inf"),
        "{tables}"
    );
    let mut of_files = 0;
    for (name, _, has_order) in awkward() {
        let figures = |metric: &str| {
            let mine = rows.iter().filter(|row| {
                let case = row["case"].as_str().unwrap();
                case.split_once('/').unwrap().0 == name && row["metric"] == metric
            });
            mine.map(|row| row["value"].as_f64().unwrap())
                .collect::<Vec<_>>()
        };
        for metric in ["logloss", "rmse", "accuracy", "ece"] {
            let figures = figures(metric);
            assert_eq!(figures.len(), MODELS, "{metric} of {name}");
            assert!(
                figures
                    .iter()
                    .all(|figure| figure.is_finite() && *figure >= 0.0)
            );
            of_files += figures.len();
        }
        let aucs = figures("auc");
        assert_eq!(
            aucs.len(),
            if has_order { MODELS } else { 0 },
            "AUC of {name}"
        );
        of_files += aucs.len() + figures("auc_over_best_baseline").len();
        assert!(tables.contains(&format!("### {name}\n")));
        assert!(results.path().join("model").join(plot_name(name)).exists());
    }
    assert_eq!(of_files, rows.len(), "rows of other files");
}

#[test]
fn a_file_is_measured_whatever_breaks_in_another() {
    let told = whatever_happens(|| -> anyhow::Result<()> { panic!("no such {}", "item") });
    assert_eq!(told.unwrap_err().to_string(), "it broke off: no such item");
    assert_eq!(whatever_happens(|| Ok(3)).unwrap(), 3);
}

#[test]
fn a_run_is_put_into_the_page_of_the_model() {
    let (results, docs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let page = fs::read_to_string(workspace_root().join("docs/model.md")).unwrap();
    fs::write(docs.path().join("model.md"), &page).unwrap();
    for (folder, file) in [(&results, "new"), (&docs, "old")] {
        let plots = folder.path().join("model");
        fs::create_dir(&plots).unwrap();
        fs::write(plots.join(plot_name(file)), "<svg/>").unwrap();
    }
    fs::write(
        results.path().join("accuracy.md"),
        "### new\n\n8 answers.\n",
    )
    .unwrap();

    document(results.path(), docs.path()).unwrap();

    let written = fs::read_to_string(docs.path().join("model.md")).unwrap();
    assert!(written.contains("### new\n\n8 answers.\n") && !written.contains("### assist09"));
    assert!(written.starts_with(page.split("<!--").next().unwrap()));
    let plots = docs.path().join("model");
    assert!(plots.join(plot_name("new")).exists() && !plots.join(plot_name("old")).exists());
}

#[test]
fn without_the_data_it_says_what_to_set() {
    let mut arguments = Arguments::parse_from(["bench", "accuracy"]);
    arguments.reference_data = None;
    let told = run(&arguments).unwrap_err().to_string();
    assert!(
        told.contains("SILLAGE_REFERENCE_DATA") && !told.contains('\n'),
        "{told}"
    );
}

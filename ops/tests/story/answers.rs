//! `sillage demo --answers` on a small file that the test writes: every total equals the file's,
//! and a difference is noticed.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, Int8Array, Int16Builder, Int32Array, Int64Array, ListBuilder};
use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

use crate::harness::{Installation, succeeded};

/// Answers of the file.
const ANSWERS: usize = 900;
const PUPILS: i32 = 20;
const ITEMS: i32 = 60;

/// Totals of what was written.
#[derive(Debug)]
struct Written {
    path: PathBuf,
    pupils: usize,
    items: usize,
    correct: usize,
}

/// Writes a file; `time` gives each answer's `ts` from its place among the pupil's answers.
fn write(folder: &Path, name: &str, time: impl Fn(i32) -> i64) -> Written {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let mut next = vec![0; PUPILS as usize];
    let rows: Vec<(i32, i32, i32, bool)> = (0..ANSWERS)
        .map(|_| {
            let student = rng.random_range(0..PUPILS);
            let order = next[student as usize];
            next[student as usize] += 1;
            (
                student,
                order,
                rng.random_range(0..ITEMS),
                rng.random_bool(0.6),
            )
        })
        .collect();
    let mut skills = ListBuilder::new(Int16Builder::new());
    for (_, _, item, _) in &rows {
        // Two skills for one item in five.
        skills.values().append_value((item % 7) as i16);
        if item % 5 == 0 {
            skills.values().append_value(7);
        }
        skills.append(true);
    }
    let columns: Vec<(&str, ArrayRef)> = vec![
        (
            "student_id",
            Arc::new(rows.iter().map(|row| row.0).collect::<Int32Array>()),
        ),
        (
            "order",
            Arc::new(rows.iter().map(|row| row.1).collect::<Int32Array>()),
        ),
        (
            "ts",
            Arc::new(rows.iter().map(|row| time(row.1)).collect::<Int64Array>()),
        ),
        (
            "item_id",
            Arc::new(rows.iter().map(|row| row.2).collect::<Int32Array>()),
        ),
        ("skill_ids", Arc::new(skills.finish())),
        (
            "correct",
            Arc::new(
                rows.iter()
                    .map(|row| i8::from(row.3))
                    .collect::<Int8Array>(),
            ),
        ),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let path = folder.join(name);
    let mut writer =
        ArrowWriter::try_new(std::fs::File::create(&path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    let distinct = |of: fn(&(i32, i32, i32, bool)) -> i32| {
        rows.iter()
            .map(of)
            .collect::<std::collections::BTreeSet<_>>()
            .len()
    };
    Written {
        path,
        pupils: distinct(|row| row.0),
        items: distinct(|row| row.2),
        correct: rows.iter().filter(|row| row.3).count(),
    }
}

fn replay(installation: &Installation, written: &Written) -> std::process::Output {
    let mut command = installation.client(&["demo", "--json", "--answers"]);
    command
        .arg(&written.path)
        .arg("--data")
        .arg(installation.data())
        .output()
        .unwrap()
}

fn assert_totals(output: std::process::Output, written: &Written) {
    let output = succeeded(output);
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    let expected = json!({ "answers": ANSWERS, "pupils": written.pupils, "correct": written.correct, "items": written.items });
    assert_eq!(told["totals"]["file"], expected);
    let places = told["totals"]["places"].as_array().unwrap();
    assert_eq!(
        places
            .iter()
            .map(|place| place["place"].as_str().unwrap())
            .collect::<Vec<_>>(),
        [
            "PostgreSQL",
            "lake, statements",
            "lake, answers",
            "aggregates"
        ]
    );
    assert!(
        places.iter().all(|place| place["totals"] == expected),
        "{told}"
    );
    // Seven skills by the item's number, and an eighth.
    assert_eq!(told["skills"], json!({ "compared": 8, "differ": [] }));
    let lists = told["steps"]
        .as_array()
        .unwrap()
        .iter()
        .find(|step| step["what"] == "next-activity lists")
        .unwrap();
    assert_eq!(lists["count"], written.pupils);
}

#[tokio::test]
async fn every_answer_of_a_file_without_times_arrives_everywhere() {
    let installation = Installation::new().await;
    let written = write(installation.scratch(), "without-times.parquet", |_| -1);
    assert_totals(replay(&installation, &written), &written);
    // The same statements again: nothing is counted twice.
    assert_totals(replay(&installation, &written), &written);

    let page = installation.get("/xapi/statements?limit=1").await;
    assert_eq!(
        page["statements"][0]["context"]["extensions"]["https://w3id.org/sillage/ext/invented-time"],
        true
    );

    // One answer more than the file has: the difference is noticed.
    let mut foreign = page["statements"][0].clone();
    for added in ["id", "stored", "authority", "version"] {
        foreign.as_object_mut().unwrap().remove(added);
    }
    foreign["object"]["id"] = json!("https://example.org/not-of-the-file");
    installation.post("/xapi/statements", &foreign).await;
    let output = replay(&installation, &written);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("aggregates"));
}

#[tokio::test]
async fn times_from_an_unstated_start_count_from_the_named_date() {
    let installation = Installation::new().await;
    let written = write(installation.scratch(), "from-a-start.parquet", |order| {
        i64::from(order) * 40
    });
    let mut command = installation.client(&[
        "demo",
        "--json",
        "--times-from",
        "2025-01-06T08:00:00Z",
        "--answers",
    ]);
    let output = command
        .arg(&written.path)
        .arg("--data")
        .arg(installation.data())
        .output()
        .unwrap();
    assert_totals(output, &written);
    let page = installation.get("/xapi/statements?limit=500").await;
    let times = page["statements"]
        .as_array()
        .unwrap()
        .iter()
        .map(|statement| statement["timestamp"].as_str().unwrap());
    assert_eq!(times.min(), Some("2025-01-06T08:00:00.000Z"));
    assert!(page["statements"][0]["context"]["extensions"]["https://w3id.org/sillage/ext/invented-time"].is_null());
}

//! `sillage sql`: the operator asks the lake.

use std::process::Output;

use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::{Installation, bare, succeeded};
use crate::seen;

/// Two statements and a voiding of the first.
pub(crate) async fn post(installation: &Installation) {
    let actor = json!({ "account": { "homePage": "https://example.org/", "name": "asker" } });
    let ids = [Uuid::new_v4(), Uuid::new_v4()];
    for id in ids {
        let statement = json!({
            "id": id,
            "actor": actor,
            "verb": { "id": "http://adlnet.gov/expapi/verbs/experienced" },
            "object": { "id": "https://example.org/page" },
        });
        installation.post("/xapi/statements", &statement).await;
    }
    let voiding = json!({
        "actor": actor,
        "verb": { "id": "http://adlnet.gov/expapi/verbs/voided" },
        "object": { "objectType": "StatementRef", "id": ids[0] },
    });
    installation.post("/xapi/statements", &voiding).await;
    seen::settled(installation).await;
}

const COUNTS: &str = "select (select count(*) from statements) as said,
                             (select count(*) from statements_valid) as valid";

fn code(output: &Output) -> (Option<i32>, String) {
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), told)
}

#[tokio::test]
async fn the_operator_asks_the_lake_in_every_format_whether_the_service_runs_or_not() {
    let mut sillage = Installation::new().await;
    post(&sillage).await;
    let ask = |sillage: &Installation, arguments: &[&str]| {
        let mut command = vec!["sql", COUNTS];
        command.extend(arguments);
        let answered = succeeded(sillage.command(&command));
        String::from_utf8(answered.stdout).unwrap()
    };
    let table = ask(&sillage, &[]);
    assert!(table.contains("| said | valid |"), "{table}");
    assert!(table.contains("| 3    | 2     |"), "{table}");
    sillage.kill();
    assert_eq!(ask(&sillage, &["--format", "csv"]), "said,valid\n3,2\n");
    let row: Value = serde_json::from_str(&ask(&sillage, &["--json"])).unwrap();
    assert_eq!(row, json!({ "said": 3, "valid": 2 }));
    let file = sillage.scratch().join("counts.parquet");
    let to = ["--format", "parquet", "--output", file.to_str().unwrap()];
    assert_eq!(ask(&sillage, &to), "");
    let rows = ParquetRecordBatchReaderBuilder::try_new(std::fs::File::open(&file).unwrap())
        .unwrap()
        .build()
        .unwrap()
        .map(|batch| batch.unwrap().num_rows())
        .sum::<usize>();
    assert_eq!(rows, 1);
    let explained = succeeded(sillage.command(&["sql", "explain select * from answers"]));
    assert!(String::from_utf8_lossy(&explained.stdout).contains("DataSourceExec"));
}

#[tokio::test]
async fn what_is_no_question_or_takes_too_much_is_refused_by_its_code() {
    let sillage = Installation::new().await;
    post(&sillage).await;
    let file = sillage.scratch().join("none.parquet");
    let file = file.to_str().unwrap();
    let wrong = |arguments: &[&str]| code(&sillage.command(arguments));
    for (arguments, expected, says) in [
        (
            vec!["sql", "delete from statements"],
            2,
            "DML not supported",
        ),
        (vec!["sql", "select nothing from statements"], 2, "nothing"),
        (
            vec!["sql", "select 1", "--format", "parquet"],
            2,
            "--output",
        ),
        (
            vec![
                "sql",
                "select count(*) from range(0, 1000000000000)",
                "--time-max-s",
                "1",
            ],
            13,
            "--time-max-s",
        ),
        (
            vec![
                "sql",
                "select repeat(cast(value as text), 300) as s from range(0, 100000) order by s",
                "--memory-max-mb",
                "1",
                "--format",
                "parquet",
                "--output",
                file,
            ],
            13,
            "limits",
        ),
    ] {
        let (code, told) = wrong(&arguments);
        assert_eq!(code, Some(expected), "{arguments:?}: {told}");
        assert!(told.contains(says), "{arguments:?}: {told}");
        assert_eq!(told.trim_end().lines().count(), 1, "{told}");
    }
    assert!(
        !std::path::Path::new(file).exists(),
        "half an answer is none"
    );
    let empty = sillage.scratch().join("empty");
    let nowhere = bare(&["sql", "select 1", "--data"]).arg(&empty).output();
    let (code, told) = code(&nowhere.unwrap());
    assert_eq!(code, Some(5), "{told}");
    assert!(told.contains("there is no lake"), "{told}");
    assert!(!empty.exists());
}

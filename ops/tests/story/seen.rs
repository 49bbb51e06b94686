//! What can be seen of an installation, in a form in which two installations can be compared: keys
//! of accounts and people, which each installation derives from its own secret, become labels.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use arrow::array::AsArray;
use arrow::datatypes::DataType;
use lake::{Lake, LakeTable};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use schemas::tables::Table;
use serde_json::{Map, Value};

use crate::harness::{Installation, within};

/// Everything posted is folded and shipped within this time.
const SETTLED_WITHIN: Duration = Duration::from_secs(60);

const VOIDED: &str = "http://adlnet.gov/expapi/verbs/voided";

/// All statements by id, the voided ones too, without what the LRS adds of its own: when it stored
/// them, and under whose credential.
pub(crate) async fn statements(installation: &Installation) -> BTreeMap<String, Value> {
    let mut all = BTreeMap::new();
    let mut keep = |mut statement: Value| {
        for added in ["stored", "authority"] {
            statement.as_object_mut().unwrap().remove(added);
        }
        let id = statement["id"].as_str().unwrap().to_owned();
        let before = all.insert(id.clone(), statement);
        assert!(before.is_none(), "{id} is there twice");
    };
    let mut voided = Vec::new();
    let mut next = Some("/xapi/statements?ascending=true&limit=500".to_owned());
    while let Some(path) = next {
        let page = installation.get(&path).await;
        for statement in page["statements"].as_array().unwrap() {
            if statement["verb"]["id"] == VOIDED {
                voided.push(statement["object"]["id"].as_str().unwrap().to_owned());
            }
            keep(statement.clone());
        }
        next = page["more"]
            .as_str()
            .filter(|more| !more.is_empty())
            .map(str::to_owned);
    }
    for id in voided {
        let path = format!("/xapi/statements?voidedStatementId={id}");
        keep(installation.get(&path).await);
    }
    all
}

/// Waits until everything stored is folded and in the lake.
pub(crate) async fn settled(installation: &Installation) {
    within(
        "everything folded and shipped",
        SETTLED_WITHIN,
        async || {
            let now = installation.get("/api/v1/status").await;
            let at = |pointer: &str| {
                now.pointer(pointer)
                    .and_then(Value::as_i64)
                    .unwrap_or_else(|| panic!("no {pointer} in {now}"))
            };
            let stored = at("/stored_seq");
            let reached = ["/folded_seq", "/lake/statements", "/lake/answers"]
                .into_iter()
                .all(|pointer| at(pointer) >= stored);
            (reached && now["rebuilding"] != true).then_some(())
        },
    )
    .await;
}

/// What the analytics publish, by label of the person.
pub(crate) struct Computed {
    /// Rows of the feed of answers by statement, without positions and times of receipt.
    pub(crate) answers: BTreeMap<String, Value>,
    /// States by person and subject: the very bytes.
    pub(crate) states: BTreeMap<(String, String), Vec<u8>>,
}

/// Reads the feed and the states from the database.
pub(crate) async fn computed(installation: &Installation) -> Computed {
    let pool = installation.database().await;
    let database = pool.get().await.unwrap();
    let labels: BTreeMap<String, String> = database
        .query(
            "select a.account::text, p.label from published.account_person a join published.people p using (person)",
            &[],
        )
        .await
        .unwrap()
        .into_iter()
        .map(|row| (row.get(0), row.get(1)))
        .collect();
    let answers = database
        .query("select to_jsonb(f) from published.answers_feed f", &[])
        .await
        .unwrap();
    let answers = answers
        .into_iter()
        .map(|row| answer(row.get(0), &labels))
        .collect();
    let states = database
        .query(
            "select p.label, s.subject, s.state from published.pupil_states s join published.people p using (person)",
            &[],
        )
        .await
        .unwrap();
    let states = states
        .into_iter()
        .map(|row| ((row.get(0), row.get(1)), row.get(2)))
        .collect();
    Computed { answers, states }
}

/// A row of the feed under its statement's id, its account named by the person's label.
fn answer(row: Value, labels: &BTreeMap<String, String>) -> (String, Value) {
    let Value::Object(mut row): Value = row else {
        panic!("a row is an object")
    };
    for differs in ["seq", "stored", "voided_seq", "target_seq", "answered_by"] {
        assert!(row.remove(differs).is_some(), "the feed has no {differs}");
    }
    name_account(&mut row, labels);
    (row["id"].as_str().unwrap().to_owned(), Value::Object(row))
}

fn name_account(row: &mut Map<String, Value>, labels: &BTreeMap<String, String>) {
    if let Some(account) = row.get("account").and_then(Value::as_str) {
        let label = labels
            .get(account)
            .unwrap_or_else(|| panic!("nobody has the account {account}"));
        row.insert("account".to_owned(), Value::String(label.clone()));
    }
}

/// The ids of a table of the lake, in no order, each as often as it is there.
pub(crate) async fn lake_ids(installation: &Installation, table: &'static Table) -> Vec<String> {
    lake_ids_at(&installation.data().join("lake"), table).await
}

/// As [`lake_ids`], of a lake in that folder.
pub(crate) async fn lake_ids_at(root: &Path, table: &'static Table) -> Vec<String> {
    let lake = Lake::at(root.to_str().unwrap());
    let files = LakeTable::open(&lake, table)
        .await
        .unwrap()
        .files()
        .unwrap();
    let mut ids = Vec::new();
    for file in files {
        let path = reqwest::Url::parse(&file)
            .ok()
            .and_then(|url| url.to_file_path().ok());
        let file = File::open(path.unwrap_or_else(|| PathBuf::from(&file))).unwrap();
        for batch in ParquetRecordBatchReaderBuilder::try_new(file)
            .unwrap()
            .build()
            .unwrap()
        {
            let batch = batch.unwrap();
            // A file that was rewritten says that its texts are views; Parquet knows one kind.
            let column = batch.column_by_name("id").unwrap();
            let column = arrow::compute::cast(column, &DataType::Utf8).unwrap();
            let column = column.as_string::<i32>();
            ids.extend(column.iter().map(|id| id.unwrap().to_owned()));
        }
    }
    ids
}

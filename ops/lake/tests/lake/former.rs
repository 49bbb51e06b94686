//! Tables as former versions of the program wrote them, read and gone on with by today's.
//!
//! `tests/former/TABLE.vVERSION/` holds a lake with that table, as `sillage up` of that version shipped it: six
//! statements of three pupils, four of them answers, one of which the last statement voids. Whoever raises a table's
//! version adds a folder, made by the program as it was before.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use arrow::array::{Array as _, AsArray as _, RecordBatch};
use futures::TryStreamExt as _;
use lake::{Lake, LakeError, LakeTable, Limits, Questions, Sizes};
use schemas::tables::{ALL, Table, answers, statements};
use tempfile::TempDir;

use crate::rows::{batch, id};

const LIMITS: Limits = Limits {
    memory_bytes: 64 << 20,
    spill_bytes: 1 << 30,
};

/// Columns that came after the first version that can be read, and with which.
const NEW: [(&str, &str, i32); 2] = [("answers", "offline", 3), ("answers", "competencies", 3)];

fn folder(table: &Table, version: i32) -> PathBuf {
    let former = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/former");
    former.join(format!("{}.v{version}", table.name))
}

/// A copy of a former lake.
fn former(table: &Table, version: i32) -> (TempDir, Lake) {
    let place = tempfile::tempdir().unwrap();
    copy(&folder(table, version), place.path());
    let lake = Lake::at(place.path().to_str().unwrap());
    (place, lake)
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}

async fn ask(lake: &Lake, question: &str) -> Vec<RecordBatch> {
    let questions = Questions::open(lake, LIMITS).await.unwrap();
    let rows = questions.ask(question).await.unwrap();
    rows.try_collect().await.unwrap()
}

/// What the answers are tagged with, by id.
async fn tagged(lake: &Lake) -> BTreeMap<String, Option<Vec<String>>> {
    let question = "select cast(id as varchar), competencies from answers";
    let mut tagged = BTreeMap::new();
    for rows in ask(lake, question).await {
        let ids = arrow::compute::cast(rows.column(0), &arrow::datatypes::DataType::Utf8).unwrap();
        let lists = rows.column(1).as_list::<i32>();
        for (row, id) in ids.as_string::<i32>().iter().enumerate() {
            let list = lists.is_valid(row).then(|| {
                let list = lists.value(row);
                let list = list.as_string::<i32>().iter();
                list.map(|uri| uri.unwrap().to_owned()).collect()
            });
            tagged.insert(id.unwrap().to_owned(), list);
        }
    }
    tagged
}

fn count(rows: &[RecordBatch]) -> usize {
    rows.iter().map(RecordBatch::num_rows).sum()
}

#[test]
fn there_is_a_lake_of_each_former_version() {
    for table in ALL {
        for version in 1..table.version {
            let folder = folder(table, version);
            assert!(folder.is_dir(), "{} is missing", folder.display());
        }
    }
}

#[tokio::test]
async fn columns_that_came_later_read_as_null_where_nobody_has_written_since() {
    for (table, rows) in [(&statements::TABLE, 6), (&answers::TABLE, 3)] {
        let (_place, lake) = former(table, 2);
        let all = ask(&lake, &format!("select * from {}", table.name)).await;
        assert_eq!(count(&all), rows, "{}", table.name);
        let columns = all[0].schema();
        let columns: Vec<_> = columns.fields().iter().map(|field| field.name()).collect();
        let declared: Vec<_> = table.columns.iter().map(|column| column.name).collect();
        assert_eq!(columns, declared);
        for column in table.columns {
            let is_new = NEW.contains(&(table.name, column.name, table.version));
            for rows in &all {
                let found = rows.column_by_name(column.name).unwrap();
                assert_eq!(
                    is_new,
                    found.null_count() == found.len() && !was_null(table, column.name),
                    "{}.{}",
                    table.name,
                    column.name
                );
            }
        }
    }
}

/// Columns of which no statement of the former lakes says anything.
fn was_null(table: &Table, column: &str) -> bool {
    match table.name {
        "answers" => ["skew_ms", "attempt"].contains(&column),
        // Each file has a few of the statements alone.
        _ => [
            "voids",
            "success",
            "score_scaled",
            "duration_ms",
            "registration",
        ]
        .contains(&column),
    }
}

#[tokio::test]
async fn a_former_table_is_gone_on_with_and_its_files_stay() {
    let (_place, lake) = former(&answers::TABLE, 2);
    let old = LakeTable::existing(&lake, &answers::TABLE).await.unwrap();
    let before: BTreeSet<_> = old.unwrap().files().unwrap().into_iter().collect();
    // Two processes come at the same moment.
    let (one, other) = tokio::join!(
        LakeTable::open(&lake, &answers::TABLE),
        LakeTable::open(&lake, &answers::TABLE)
    );
    let mut table = one.unwrap();
    table.refresh().await.unwrap();
    let after: BTreeSet<_> = table.files().unwrap().into_iter().collect();
    assert_eq!(before, after);
    let version = table.version();
    assert_eq!(
        version, 4,
        "one commit for the column, by whoever came first"
    );
    drop(other.unwrap());
    let again = LakeTable::open(&lake, &answers::TABLE).await.unwrap();
    assert_eq!(again.version(), version, "nothing is to be done twice");

    let log = std::fs::read_to_string(
        folder(&answers::TABLE, 2).join("answers/_delta_log/00000000000000000003.json"),
    );
    let log = log.unwrap();
    let app = log.split("\"appId\":\"").nth(1).unwrap();
    let app = app.split('"').next().unwrap();
    assert_eq!(table.position(app).await.unwrap(), 6, "where it was");
    let untagged = [1, 3, 4].map(|n| (id(n), None));
    let mut wanted = BTreeMap::from(untagged);
    assert_eq!(tagged(&lake).await, wanted);

    table
        .append_rows(Some(batch(&[7, 8])), app, 6, 8)
        .await
        .unwrap();
    let two = ["competency-0", "competency-1"].map(str::to_owned).to_vec();
    wanted.extend([(id(7), None), (id(8), Some(two))]);
    assert_eq!(tagged(&lake).await, wanted);
    // Old and new rows become one file.
    assert_eq!(table.compact(Sizes::default()).await.unwrap(), 2);
    assert_eq!(tagged(&lake).await, wanted);
    let all = (0..64).collect();
    table.delete(&all, &[id(3), id(7)]).await.unwrap();
    wanted.remove(&id(3));
    wanted.remove(&id(7));
    assert_eq!(tagged(&lake).await, wanted);
}

#[tokio::test]
async fn the_first_version_which_was_partitioned_is_refused_and_left_alone() {
    for table in [&statements::TABLE, &answers::TABLE] {
        let (place, lake) = former(table, 1);
        let refused = LakeTable::open(&lake, table).await.unwrap_err();
        assert!(matches!(refused, LakeError::Columns(_)), "{refused:?}");
        let log = place.path().join(table.name).join("_delta_log");
        let before = folder(table, 1).join(table.name).join("_delta_log");
        let entries = |at: &Path| std::fs::read_dir(at).unwrap().count();
        assert_eq!(entries(&log), entries(&before));
    }
}

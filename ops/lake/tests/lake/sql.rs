//! Questions in SQL: what they see, and what they can never do.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray as _, Int32Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::Int64Type;
use futures::TryStreamExt as _;
use lake::{LakeTable, Limits, Questions, Sizes, SqlError};
use schemas::ids::AccountKey;
use schemas::tables::{self, statements};
use uuid::Uuid;

use crate::rows::{APP, Place, TABLE, batch, id};

const LIMITS: Limits = Limits {
    memory_bytes: 64 << 20,
    spill_bytes: 1 << 30,
};

/// Statements at positions from 1, each with what it voids.
fn said(voids: &[Option<i64>]) -> RecordBatch {
    let seqs: Vec<i64> = (1..).take(voids.len()).collect();
    let columns = statements::schema()
        .fields()
        .iter()
        .map(|field| -> ArrayRef {
            match field.name().as_str() {
                "bucket" => Arc::new(Int32Array::from_iter_values(
                    seqs.iter().map(|seq| i32::try_from(seq % 3).unwrap()),
                )),
                "seq" => Arc::new(Int64Array::from(seqs.clone())),
                "id" => Arc::new(StringArray::from_iter_values(
                    seqs.iter().map(|seq| id(*seq)),
                )),
                "voids" => Arc::new(StringArray::from_iter(
                    voids.iter().map(|target| target.map(id)),
                )),
                "stored" | "timestamp" => {
                    Arc::new(TimestampMicrosecondArray::from(seqs.clone()).with_timezone("UTC"))
                }
                "verb" | "object_type" | "xapi_version" | "statement" => {
                    Arc::new(StringArray::from(vec!["{}"; seqs.len()]))
                }
                _ => arrow::array::new_null_array(field.data_type(), seqs.len()),
            }
        })
        .collect();
    RecordBatch::try_new(statements::schema(), columns).unwrap()
}

async fn numbers(questions: &Questions, question: &str) -> Vec<i64> {
    let rows = questions.ask(question).await.unwrap();
    let rows: Vec<_> = rows.try_collect().await.unwrap();
    rows.iter()
        .flat_map(|rows| rows.column(0).as_primitive::<Int64Type>().values().to_vec())
        .collect()
}

async fn refused(questions: &Questions, question: &str) -> SqlError {
    match questions.ask(question).await {
        Err(error) => error,
        Ok(rows) => match rows.try_collect::<Vec<_>>().await {
            Err(error) => error.into(),
            Ok(rows) => panic!("{question} was answered: {rows:?}"),
        },
    }
}

async fn place_with_answers(seqs: &[i64]) -> Place {
    let place = Place::new();
    let mut table = place.open().await;
    let last = *seqs.last().unwrap();
    table
        .append_rows(Some(batch(seqs)), APP, 0, last)
        .await
        .unwrap();
    place
}

#[tokio::test]
async fn tables_are_read_at_the_version_that_was_the_newest() {
    let place = place_with_answers(&[1, 2, 3]).await;
    let questions = Questions::open(&place.lake, LIMITS).await.unwrap();
    let mut table = place.open().await;
    table
        .append_rows(Some(batch(&[4])), APP, 3, 4)
        .await
        .unwrap();
    let count = "select count(*) from answers where bucket = seq % 3";
    assert_eq!(numbers(&questions, count).await, [3]);
    let later = Questions::open(&place.lake, LIMITS).await.unwrap();
    assert_eq!(numbers(&later, count).await, [4]);
    let none = "select count(*) from statements union all select count(*) from mastery";
    assert_eq!(
        numbers(&later, none).await,
        [0, 0],
        "a table that nobody has written is empty"
    );
}

#[tokio::test]
async fn the_valid_statements_are_those_that_nobody_voided() {
    let place = Place::new();
    let mut table = LakeTable::open(&place.lake, &statements::TABLE)
        .await
        .unwrap();
    // The fourth voids the first; the fifth would void the fourth, which nobody can; the sixth voids
    // what never came.
    let rows = said(&[None, None, None, Some(1), Some(4), Some(99)]);
    let app = "sillage:1-1:statements";
    table.append_rows(Some(rows), app, 0, 6).await.unwrap();
    let questions = Questions::open(&place.lake, LIMITS).await.unwrap();
    let valid = "select seq from statements_valid order by seq";
    assert_eq!(numbers(&questions, valid).await, [2, 3, 4, 5, 6]);
}

async fn explained(questions: &Questions, question: &str) -> String {
    let rows = questions.ask(question).await.unwrap();
    let rows: Vec<_> = rows.try_collect().await.unwrap();
    rows.iter()
        .flat_map(|rows| rows.column(1).as_string::<i32>().iter().flatten())
        .collect()
}

#[tokio::test]
async fn a_question_is_explained() {
    let place = place_with_answers(&[1, 2, 3]).await;
    let questions = Questions::open(&place.lake, LIMITS).await.unwrap();
    for question in [
        "explain select account, count(*) from answers where seq > 1 group by account",
        "explain analyze select account, count(*) from answers where seq > 1 group by account",
    ] {
        let plan = explained(&questions, question).await;
        assert!(plan.contains("AggregateExec"), "{plan}");
        assert!(plan.contains(".parquet"), "{plan}");
    }
}

/// Answers of two accounts whose buckets are those of their keys.
async fn place_with_accounts() -> (Place, [AccountKey; 2]) {
    let accounts = [5_u128, 9].map(|first| AccountKey::from_uuid(Uuid::from_u128(first << 120)));
    let seqs: Vec<i64> = (1..=20).collect();
    let of = |seq: i64| accounts[usize::try_from(seq % 2).unwrap()];
    let mut columns = batch(&seqs).columns().to_vec();
    let place_of = |name: &str| TABLE.columns.iter().position(|c| c.name == name).unwrap();
    let buckets = seqs.iter().map(|seq| tables::bucket(of(*seq)));
    columns[place_of("bucket")] = Arc::new(Int32Array::from_iter_values(buckets));
    let keys = seqs.iter().map(|seq| of(*seq).to_string());
    columns[place_of("account")] = Arc::new(StringArray::from_iter_values(keys));
    let place = Place::new();
    let mut table = place.open().await;
    let rows = RecordBatch::try_new(TABLE.arrow_schema(), columns).unwrap();
    table.append_rows(Some(rows), APP, 0, 20).await.unwrap();
    let sizes = Sizes {
        large: 1 << 20,
        mixed: 1,
        least: 1,
    };
    table.compact(sizes).await.unwrap();
    (place, accounts)
}

#[tokio::test]
async fn who_asks_for_an_account_reads_the_files_of_its_bucket() {
    let (place, [five, nine]) = place_with_accounts().await;
    let questions = Questions::open(&place.lake, LIMITS).await.unwrap();
    let of = |condition: &str| format!("select seq from answers a where {condition} order by seq");
    let even: Vec<i64> = (1..=10).map(|n| 2 * n).collect();
    let asked = of(&format!("a.account = '{five}'"));
    assert_eq!(numbers(&questions, &asked).await, even);
    let either = of(&format!("account = '{five}' or account = '{nine}'"));
    assert_eq!(numbers(&questions, &either).await.len(), 20);
    let other = of(&format!("not account = '{nine}' and '{five}' = account"));
    assert_eq!(numbers(&questions, &other).await, even);
    let none = of("account = 'nobody'");
    assert!(numbers(&questions, &none).await.is_empty());

    // Files tell their least and greatest bucket, so those of others are not opened.
    let plan = explained(&questions, &format!("explain {asked}")).await;
    assert!(plan.contains("bucket@0 = 5"), "{plan}");
}

#[tokio::test]
async fn nothing_is_written_and_no_other_file_is_read() {
    let place = place_with_answers(&[1, 2, 3]).await;
    let questions = Questions::open(&place.lake, LIMITS).await.unwrap();
    let outside = tempfile::NamedTempFile::with_suffix(".csv").unwrap();
    std::fs::write(outside.path(), "secret\n1\n").unwrap();
    let outside = outside.path().display();
    let written = tempfile::tempdir().unwrap();
    let copy = written.path().join("copy.parquet");
    for question in [
        "delete from answers".to_owned(),
        "update answers set seq = 0".to_owned(),
        "insert into answers select * from answers".to_owned(),
        "explain analyze insert into answers select * from answers".to_owned(),
        "truncate table answers".to_owned(),
        "drop table answers".to_owned(),
        "create table t as select * from answers".to_owned(),
        "create view t as select * from answers".to_owned(),
        "create function f() returns int return 1".to_owned(),
        format!("copy answers to '{}'", copy.display()),
        format!("explain analyze copy answers to '{}'", copy.display()),
        format!("create external table t stored as csv location '{outside}'"),
        format!("select * from '{outside}'"),
        format!("select * from \"{outside}\""),
        format!("select * from read_csv('{outside}')"),
        format!("select * from parquet_metadata('{outside}')"),
        "set datafusion.execution.target_partitions = 1".to_owned(),
        "begin".to_owned(),
        "select 1; select 2".to_owned(),
        "select nothing from answers".to_owned(),
        "select 1 / 0".to_owned(),
        "selec 1".to_owned(),
        String::new(),
    ] {
        let why = refused(&questions, &question).await;
        assert!(matches!(why, SqlError::Question(_)), "{question}: {why:?}");
        assert!(!why.to_string().contains('\n'), "{why}");
    }
    assert!(!copy.exists());
    assert_eq!(place.seqs().await, [1, 2, 3]);
}

#[tokio::test]
async fn a_question_keeps_to_its_memory_and_to_what_it_may_spill() {
    let place = place_with_answers(&[1, 2, 3]).await;
    let large = "select repeat(cast(value as text), 50) as s from range(0, 400000) order by s desc";
    let enough = Questions::open(&place.lake, LIMITS).await.unwrap();
    let rows = enough.ask(large).await.unwrap();
    rows.try_collect::<Vec<_>>().await.unwrap();
    let no_disk = Limits {
        spill_bytes: 1 << 20,
        ..LIMITS
    };
    let no_memory = Limits {
        memory_bytes: 1 << 20,
        ..LIMITS
    };
    for limits in [no_disk, no_memory] {
        let questions = Questions::open(&place.lake, limits).await.unwrap();
        let why = refused(&questions, large).await;
        assert!(matches!(why, SqlError::Limits(_)), "{why:?}");
    }
}

#[tokio::test]
async fn where_there_is_no_lake_none_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("nowhere");
    let lake = lake::Lake::at(root.to_str().unwrap());
    let none = Questions::open(&lake, LIMITS).await;
    assert!(matches!(none, Err(SqlError::NoLake(_))), "{none:?}");
    assert!(!root.exists());
}

#[tokio::test]
async fn a_file_that_is_missing_is_told_and_not_taken_for_one_without_rows() {
    let place = place_with_answers(&[1, 2, 3]).await;
    let file = place.open().await.files().unwrap().pop().unwrap();
    std::fs::remove_file(&file).unwrap();
    let opened = Questions::open(&place.lake, LIMITS).await;
    let error = opened.unwrap_err().to_string();
    assert!(error.contains(&file), "{error}");
    assert!(error.contains("it is not there"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sorts_side_by_side_leave_each_other_what_a_spilled_one_needs() {
    let place = place_with_answers(&[1, 2, 3]).await;
    let limits = Limits {
        memory_bytes: 48 << 20,
        ..LIMITS
    };
    let questions = Questions::open(&place.lake, limits).await.unwrap();
    let sorted = |order: &str| {
        format!(
            "select row_number() over (order by s {order}) as n
             from (select repeat(cast(value as text), 20) as s from range(0, 1000000))"
        )
    };
    let both = format!("{} union all {}", sorted("asc"), sorted("desc"));
    let last = format!("select cast(max(n) as bigint) from ({both})");
    assert_eq!(numbers(&questions, &last).await, [1_000_000]);
}

//! The lake is damaged by hand: `sillage lake verify` finds it, `sillage lake rebuild` mends it, beside ingest.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::time::Duration;

use arrow::array::AsArray as _;
use arrow::datatypes::{Int32Type, TimestampMicrosecondType};
use lake::{Lake, LakeTable, Sizes};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use schemas::tables::{BUCKETS, Table, answers, statements};
use serde_json::{Value, json};

use crate::demo;
use crate::harness::{Installation, succeeded};
use crate::seen;

/// Microseconds of a day.
const DAY_US: i64 = 86_400_000_000;

/// A file a bucket, however few rows.
const SMALL: Sizes = Sizes {
    large: 64 << 20,
    mixed: 1,
    least: 0,
};

/// What `lake verify` says, and its exit code.
fn verify(sillage: &Installation) -> (Option<i32>, Value) {
    let verified = sillage.command(&["lake", "verify", "--json"]);
    let told = serde_json::from_slice(&verified.stdout).unwrap_or_else(|_| {
        panic!("{}", String::from_utf8_lossy(&verified.stderr));
    });
    (verified.status.code(), told)
}

fn table<'a>(verified: &'a Value, name: &str) -> &'a Value {
    let mut tables = verified["tables"].as_array().unwrap().iter();
    tables.find(|table| table["table"] == name).unwrap()
}

fn is_equal(sillage: &Installation) {
    let (code, told) = verify(sillage);
    assert_eq!(code, Some(0), "{told}");
    assert!(table(&told, "statements")["rows"].as_u64() > Some(0));
    assert!(table(&told, "answers")["rows"].as_u64() > Some(0));
}

async fn open(sillage: &Installation, declared: &'static Table) -> LakeTable {
    let lake = Lake::at(sillage.data().join("lake").to_str().unwrap());
    LakeTable::open(&lake, declared).await.unwrap()
}

/// The buckets of a file's rows, and the days with the ids that were stored on them.
fn held(file: &str) -> (BTreeSet<i32>, Vec<(i64, String)>) {
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(file).unwrap());
    let mut buckets = BTreeSet::new();
    let mut ids = Vec::new();
    for rows in reader.unwrap().build().unwrap() {
        let rows = rows.unwrap();
        let column = |name: &str| rows.column_by_name(name).unwrap();
        buckets.extend(column("bucket").as_primitive::<Int32Type>().values());
        let stored = column("stored").as_primitive::<TimestampMicrosecondType>();
        let days = stored.values().iter().map(|at| at.div_euclid(DAY_US));
        let id = column("id").as_string::<i32>();
        ids.extend(days.zip(id.iter().map(|id| id.unwrap().to_owned())));
    }
    (buckets, ids)
}

#[tokio::test]
async fn a_bucket_and_a_day_deleted_by_hand_are_found_and_mended_beside_ingest() {
    let sillage = Installation::with(|_| {
        // The test compacts, so that buckets have files of their own.
        vec![("SILLAGE_LAKE_COMPACT_EVERY_COMMITS", "0".to_owned())]
    })
    .await;
    succeeded(demo::small(&sillage).output().unwrap());
    seen::settled(&sillage).await;
    is_equal(&sillage);

    for declared in [&statements::TABLE, &answers::TABLE] {
        let mut of_table = open(&sillage, declared).await;
        let mut before = None;
        while before != Some(of_table.version()) {
            before = Some(of_table.version());
            of_table.compact(SMALL).await.unwrap();
        }
        // A bucket whose rows came in commits of unlike sizes has several files.
        let mut files = of_table.files().unwrap();
        let (buckets, _) = held(files.last().unwrap());
        assert_eq!(buckets.len(), 1);
        files.retain(|file| held(file).0 == buckets);
        let mut lost: BTreeMap<String, usize> = BTreeMap::new();
        for file in files {
            let rows = held(&file).1.len();
            std::fs::remove_file(&file).unwrap();
            lost.insert(file, rows);
        }
        let (code, told) = verify(&sillage);
        assert_eq!(code, Some(14), "{told}");
        let found = table(&told, declared.name);
        let missing = found["files"].as_array().unwrap().iter().map(|file| {
            let rows = usize::try_from(file["rows"].as_u64().unwrap()).unwrap();
            (file["file"].as_str().unwrap().to_owned(), rows)
        });
        assert_eq!(missing.collect::<BTreeMap<_, _>>(), lost);
        let bucket = json!(buckets.first().unwrap());
        let differences = found["differences"].as_array().unwrap();
        assert!(!differences.is_empty());
        for difference in differences {
            assert_eq!(difference["bucket"], bucket);
            assert_eq!(difference["lake"], 0);
        }
    }
    rebuild_beside_ingest(&sillage).await;

    // The rows of one day: the demo posts all on one.
    for declared in [&statements::TABLE, &answers::TABLE] {
        let mut of_table = open(&sillage, declared).await;
        let rows: Vec<_> = of_table
            .files()
            .unwrap()
            .iter()
            .flat_map(|file| held(file).1)
            .collect();
        let day = rows[0].0;
        let ids: Vec<_> = rows
            .into_iter()
            .filter(|row| row.0 == day)
            .map(|row| row.1)
            .collect();
        let all = (0..BUCKETS).collect();
        of_table.delete(&all, &ids).await.unwrap();
        let (code, told) = verify(&sillage);
        assert_eq!(code, Some(14), "{told}");
        let found = table(&told, declared.name);
        let days: BTreeSet<_> = found["differences"]
            .as_array()
            .unwrap()
            .iter()
            .map(|difference| difference["day"].as_str().unwrap())
            .collect();
        assert_eq!(days.len(), 1, "{found}");
        let missing: u64 = found["differences"]
            .as_array()
            .unwrap()
            .iter()
            .map(|difference| {
                difference["database"].as_u64().unwrap() - difference["lake"].as_u64().unwrap()
            })
            .sum();
        assert_eq!(missing, ids.len() as u64);
    }
    rebuild_beside_ingest(&sillage).await;
}

/// Rebuilds while statements are posted and shipped; then all is equal, each statement once.
async fn rebuild_beside_ingest(sillage: &Installation) {
    let rebuilding = async {
        let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_sillage"));
        command
            .args(["lake", "rebuild", "--json", "--data"])
            .arg(sillage.data())
            .env_remove("DATABASE_URL");
        succeeded(command.output().await.unwrap())
    };
    let posting = async {
        for n in 0..40 {
            let statement = json!({
                "actor": { "account": { "homePage": "https://example.org/", "name": format!("a{n}") } },
                "verb": { "id": "http://adlnet.gov/expapi/verbs/experienced" },
                "object": { "id": "https://example.org/page" },
            });
            sillage.post("/xapi/statements", &statement).await;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let (rebuilt, ()) = tokio::join!(rebuilding, posting);
    assert_eq!(String::from_utf8_lossy(&rebuilt.stdout).lines().count(), 6);
    seen::settled(sillage).await;
    is_equal(sillage);
    let twice = "select count(*) - count(distinct id) as twice from statements";
    let asked = succeeded(sillage.command(&["sql", twice, "--json"]));
    assert_eq!(String::from_utf8_lossy(&asked.stdout), "{\"twice\":0}\n");
}

//! What one table does for one writer.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{AsArray as _, RecordBatch};
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::{Int32Type, Int64Type};
use lake::{Lake, LakeError, LakeTable, Sizes, register, session};
use schemas::tables::{ALL, mastery};

use crate::rows::{APP, Place, TABLE, batch, id, seqs};

#[tokio::test]
async fn values_come_back_as_they_were_after_a_compaction_too() {
    let place = Place::new();
    let mut table = place.open().await;
    let (one, two) = (batch(&[1, 2, 3]), batch(&[4, 5, 6, 7, 8, 9]));
    table
        .append_rows(Some(one.clone()), APP, 0, 3)
        .await
        .unwrap();
    table
        .append_rows(Some(two.clone()), APP, 3, 9)
        .await
        .unwrap();
    let sent = concat_batches(&one.schema(), [&one, &two]).unwrap();
    assert_eq!(table.files().unwrap().len(), 2, "a file a commit");
    assert_eq!(read(&table).await, sent);
    assert_eq!(table.compact(Sizes::default()).await.unwrap(), 1);
    assert_eq!(table.files().unwrap().len(), 1);
    assert_eq!(read(&table).await, sent);
    assert_eq!(
        table.compact(Sizes::default()).await.unwrap(),
        0,
        "nothing to do is no commit"
    );
    assert_eq!(place.open().await.version(), table.version());
    assert_eq!(table.position(APP).await.unwrap(), 9);
}

/// Sizes at which the few rows of a test are enough for a file a bucket.
const SMALL: Sizes = Sizes {
    large: 64 << 20,
    mixed: 1,
    least: 0,
};

#[tokio::test]
async fn what_is_enough_becomes_a_file_a_bucket_which_a_removal_rewrites_alone() {
    let place = Place::new();
    let mut table = place.open().await;
    let rows = batch(&[1, 2, 3, 4, 5, 6, 7, 8, 9]);
    table
        .append_rows(Some(rows.clone()), APP, 0, 9)
        .await
        .unwrap();
    assert_eq!(table.compact(SMALL).await.unwrap(), -2, "one becomes three");
    assert_eq!(read(&table).await, rows);
    let before: BTreeSet<_> = table.files().unwrap().into_iter().collect();
    let session = session(64 << 20).unwrap();
    for file in &before {
        let rows = session
            .read_parquet(file, datafusion::prelude::ParquetReadOptions::default())
            .await
            .unwrap();
        let rows = rows.collect().await.unwrap();
        assert_eq!(rows[0].num_rows(), 3);
        let bucket = rows[0].column(0).as_primitive::<Int32Type>();
        let seq = rows[0].column(1).as_primitive::<Int64Type>().values();
        let account = |place: usize| seq[place] % 7;
        for place in 0..3 {
            assert_eq!(bucket.value(place), bucket.value(0));
            assert!(
                place == 0 || (account(place - 1), seq[place - 1]) < (account(place), seq[place])
            );
        }
    }
    table.delete(&BTreeSet::from([1]), &[id(4)]).await.unwrap();
    let after: BTreeSet<_> = table.files().unwrap().into_iter().collect();
    assert_eq!(before.intersection(&after).count(), 2);
    assert_eq!(seqs(&table).await, [1, 2, 3, 5, 6, 7, 8, 9]);
    // What comes later joins its buckets.
    table
        .append_rows(Some(batch(&[10, 11, 12])), APP, 9, 12)
        .await
        .unwrap();
    table.compact(SMALL).await.unwrap();
    assert_eq!(table.compact(SMALL).await.unwrap(), 3);
    assert_eq!(table.files().unwrap().len(), 3);
    assert_eq!(place.seqs().await, [1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12]);
}

async fn read(table: &LakeTable) -> RecordBatch {
    let session = session(64 << 20).unwrap();
    register(&session, table).await.unwrap();
    let rows = session
        .sql("select * from answers order by seq")
        .await
        .unwrap();
    let batches = rows.collect().await.unwrap();
    let rows = concat_batches(&batches[0].schema(), &batches).unwrap();
    // Texts are read as views.
    let schema = table.declared().arrow_schema();
    let columns = rows.columns().iter().zip(schema.fields());
    let columns = columns.map(|(column, field)| cast(column, field.data_type()).unwrap());
    RecordBatch::try_new(Arc::clone(&schema), columns.collect()).unwrap()
}

#[tokio::test]
async fn every_table_can_be_made_and_opened_again() {
    let place = Place::new();
    for declared in ALL {
        for _ in 0..2 {
            let table = LakeTable::open(&place.lake, declared).await.unwrap();
            assert_eq!(table.version(), 0);
            assert_eq!(table.position(APP).await.unwrap(), 0);
        }
    }
}

#[tokio::test]
async fn removed_ids_are_gone_and_a_repetition_changes_nothing() {
    let place = Place::new();
    let mut table = place.open().await;
    table
        .append_rows(Some(batch(&[1, 2, 3, 4, 5, 6])), APP, 0, 6)
        .await
        .unwrap();
    let gone = [id(2), id(3), id(99)];
    let buckets = BTreeSet::from([0, 1, 2]);
    table.delete(&buckets, &gone).await.unwrap();
    assert_eq!(seqs(&table).await, [1, 4, 5, 6]);
    let version = table.version();
    table.delete(&buckets, &gone).await.unwrap();
    assert_eq!(table.version(), version);
    assert_eq!(table.position(APP).await.unwrap(), 6);
    // A bucket that is not named is not touched.
    table.delete(&BTreeSet::from([2]), &[id(1)]).await.unwrap();
    assert_eq!(place.seqs().await, [1, 4, 5, 6]);
}

#[tokio::test]
async fn a_position_moves_without_rows_and_only_from_where_it_is() {
    let place = Place::new();
    let mut table = place.open().await;
    table.append_rows(None, APP, 0, 4).await.unwrap();
    assert_eq!(place.open().await.position(APP).await.unwrap(), 4);
    for wrong in [0, 3, 5] {
        let refused = table.append_rows(Some(batch(&[9])), APP, wrong, 9).await;
        assert!(
            matches!(refused, Err(LakeError::Raced("answers"))),
            "{refused:?}"
        );
    }
    assert!(place.seqs().await.is_empty());
}

#[tokio::test]
async fn rows_of_another_history_stay_as_they_are() {
    let place = Place::new();
    let mut table = place.open().await;
    table
        .append_rows(Some(batch(&[1])), APP, 0, 1)
        .await
        .unwrap();
    let other = "sillage:1-2:answers";
    let position = table.position(other).await;
    assert!(
        matches!(position, Err(LakeError::OtherHistory("answers"))),
        "{position:?}"
    );
    let refused = table.append_rows(Some(batch(&[1])), other, 0, 1).await;
    assert!(
        matches!(refused, Err(LakeError::OtherHistory("answers"))),
        "{refused:?}"
    );
    assert_eq!(place.seqs().await, [1]);
}

#[tokio::test]
async fn an_overwrite_leaves_nothing_of_what_was() {
    let place = Place::new();
    let mut table = place.open().await;
    table
        .append_rows(Some(batch(&[1, 2, 3])), APP, 0, 3)
        .await
        .unwrap();
    let mut rows = table.pending().unwrap();
    rows.push(batch(&[7])).await.unwrap();
    rows.push(batch(&[8])).await.unwrap();
    table.overwrite(rows).await.unwrap();
    assert_eq!(place.seqs().await, [7, 8]);
    let mut none = table.pending().unwrap();
    none.push(RecordBatch::new_empty(TABLE.arrow_schema()))
        .await
        .unwrap();
    table.overwrite(none).await.unwrap();
    assert!(place.seqs().await.is_empty());

    let mut table = LakeTable::open(&place.lake, &mastery::TABLE).await.unwrap();
    table.overwrite(table.pending().unwrap()).await.unwrap();
    assert!(table.files().unwrap().is_empty());
}

#[tokio::test]
async fn a_vacuum_takes_nothing_that_is_new() {
    let place = Place::new();
    let mut table = place.open().await;
    for seq in 1..=6 {
        table
            .append_rows(Some(batch(&[seq])), APP, seq - 1, seq)
            .await
            .unwrap();
    }
    let before = table.files().unwrap();
    table.compact(Sizes::default()).await.unwrap();
    table.vacuum().await.unwrap();
    assert_eq!(seqs(&table).await, [1, 2, 3, 4, 5, 6]);
    for file in before {
        assert!(
            std::path::Path::new(&file).exists(),
            "whoever reads a former version still can: {file}"
        );
    }
}

#[tokio::test]
async fn the_log_tells_of_nobody() {
    let place = Place::new();
    let mut table = place.open().await;
    table
        .append_rows(Some(batch(&[1, 2, 3, 4])), APP, 0, 4)
        .await
        .unwrap();
    table.compact(Sizes::default()).await.unwrap();
    let log = place.commits().concat();
    assert!(log.contains(r#"\"seq\":1"#), "positions are told: {log}");
    for secret in ["account-1", "activity-1", &id(1), "é"] {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
}

#[tokio::test]
async fn a_checkpoint_keeps_the_position() {
    let place = Place::new();
    let mut table = place.open().await;
    for seq in 1..=60 {
        table
            .append_rows(Some(batch(&[seq])), APP, seq - 1, seq)
            .await
            .unwrap();
    }
    assert_eq!(place.open().await.position(APP).await.unwrap(), 60);
    assert_eq!(place.seqs().await, (1..=60).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_place_that_is_no_folder_is_told_in_one_line() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = LakeTable::open(&Lake::at(file.path().to_str().unwrap()), TABLE)
        .await
        .unwrap_err();
    assert!(matches!(error, LakeError::Folder(..)), "{error:?}");
    let error = LakeTable::open(&Lake::at("gopher://example.org/lake"), TABLE)
        .await
        .unwrap_err();
    assert!(matches!(error, LakeError::Location(..)), "{error:?}");
    assert_eq!(error.to_string().lines().count(), 1, "{error}");
}

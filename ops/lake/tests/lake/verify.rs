//! What is missing or altered is found, and a rebuild mends it, beside whoever ships.

use std::collections::BTreeSet;
use std::time::Duration;

use lake::{Pace, Relay, Sizes, Verified, rebuild, verify};
use tokio_util::sync::CancellationToken;

use crate::database::Database;
use crate::database::Statement::{self, Answer, Other, Voiding};
use crate::rows::{APP, Place, TABLE, batch, id};

const PACE: Pace = Pace {
    every: Duration::from_millis(1),
    commit_max_rows: 10,
    compact_every: 0,
};

/// A file a bucket, however few rows.
const SMALL: Sizes = Sizes {
    large: 64 << 20,
    mixed: 1,
    least: 0,
};

async fn shipped(statements: &[Statement]) -> (Place, Database) {
    let (place, database) = (Place::new(), Database::new(4));
    database.add(statements);
    ship(&place, &database).await;
    place.open().await.compact(SMALL).await.unwrap();
    (place, database)
}

async fn ship(place: &Place, database: &Database) {
    let mut relay = Relay::new(place.lake.clone(), TABLE, database.clone(), PACE);
    relay.ship().await.unwrap();
}

async fn verified(place: &Place, database: &Database) -> Verified {
    verify(&place.lake, TABLE, database).await.unwrap()
}

async fn is_mended(place: &Place, database: &Database) {
    rebuild(&place.lake, TABLE, database, |_| {}).await.unwrap();
    let verified = verified(place, database).await;
    assert!(verified.is_equal(), "{verified:?}");
    assert_eq!(place.seqs().await, database.valid());
}

#[tokio::test]
async fn what_is_whole_is_equal_whatever_was_voided_when() {
    let (place, database) = shipped(&[Answer, Answer, Voiding(1), Other, Answer]).await;
    // Not shipped yet: whether the answer is in the lake does not matter, nor what comes later.
    database.add(&[Voiding(2), Answer]);
    for _ in 0..2 {
        let verified = verified(&place, &database).await;
        assert!(verified.is_equal(), "{verified:?}");
        assert_eq!((verified.position, verified.stored), (5, 7));
        let mut table = place.open().await;
        table
            .delete(&BTreeSet::from([0, 1, 2]), &[id(2)])
            .await
            .unwrap();
    }
    ship(&place, &database).await;
    let verified = verified(&place, &database).await;
    assert!(verified.is_equal(), "{verified:?}");
    assert_eq!(verified.rows, 2);
}

#[tokio::test]
async fn the_files_of_a_bucket_that_are_gone_are_found_and_made_again() {
    let (place, database) = shipped(&[Answer; 12]).await;
    let file = place.open().await.files().unwrap().pop().unwrap();
    std::fs::remove_file(&file).unwrap();
    let found = verified(&place, &database).await;
    let [bad] = found.files.as_slice() else {
        panic!("{found:?}")
    };
    assert_eq!((bad.file.as_str(), bad.rows), (file.as_str(), Some(4)));
    assert_eq!(bad.why, "it is not there");
    let [difference] = found.differences.as_slice() else {
        panic!("{found:?}")
    };
    assert_eq!(bad.bucket, difference.bucket);
    assert_eq!((difference.database, difference.lake), (4, 0));
    is_mended(&place, &database).await;

    let file = place.open().await.files().unwrap().pop().unwrap();
    let whole = std::fs::read(&file).unwrap();
    std::fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    let found = verified(&place, &database).await;
    assert!(found.files[0].why.contains("bytes"), "{found:?}");
    is_mended(&place, &database).await;
}

#[tokio::test]
async fn rows_that_are_gone_twice_there_or_altered_are_found_and_mended() {
    let (place, database) = shipped(&[Answer; 12]).await;
    let mut table = place.open().await;
    table
        .delete(&BTreeSet::from([0, 1, 2]), &[id(3), id(4)])
        .await
        .unwrap();
    let found = verified(&place, &database).await;
    let counts = |found: &Verified| -> Vec<_> {
        let differences = found.differences.iter();
        differences
            .map(|difference| {
                (
                    difference.bucket.unwrap(),
                    difference.database,
                    difference.lake,
                )
            })
            .collect()
    };
    assert_eq!(counts(&found), [(0, 4, 3), (1, 4, 3)]);
    is_mended(&place, &database).await;

    let mut table = place.open().await;
    table
        .append_rows(Some(batch(&[3])), APP, 12, 12)
        .await
        .unwrap();
    assert_eq!(counts(&verified(&place, &database).await), [(0, 4, 5)]);
    is_mended(&place, &database).await;

    let mut table = place.open().await;
    table.delete(&BTreeSet::from([0]), &[id(3)]).await.unwrap();
    let rows = batch(&[3]);
    let mut columns = rows.columns().to_vec();
    let outcome = rows.schema().index_of("outcome").unwrap();
    columns[outcome] = std::sync::Arc::new(arrow::array::Float64Array::from(vec![0.5]));
    let altered = arrow::array::RecordBatch::try_new(rows.schema(), columns).unwrap();
    table.append_rows(Some(altered), APP, 12, 12).await.unwrap();
    assert_eq!(
        counts(&verified(&place, &database).await),
        [(0, 4, 4)],
        "as many, and others"
    );
    is_mended(&place, &database).await;
}

/// Beside copies that ship and compact, while answers come and are voided, whoever reads sees each valid
/// answer of some moment once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rebuild_beside_ingest_loses_and_doubles_nothing() {
    let (place, database) = shipped(&[Answer; 40]).await;
    let stop = CancellationToken::new();
    let pace = Pace {
        // Others ship now and then, not all the time: a rebuild has to come in between.
        every: Duration::from_millis(400),
        compact_every: 3,
        ..PACE
    };
    let copies: Vec<_> = (0..2)
        .map(|_| Relay::new(place.lake.clone(), TABLE, database.clone(), pace))
        .map(|relay| tokio::spawn(relay.run(stop.clone())))
        .collect();
    let posting = {
        let (database, stop) = (database.clone(), stop.clone());
        tokio::spawn(async move {
            for round in 0..60 {
                if stop.is_cancelled() {
                    break;
                }
                database.add(&[Answer, Answer, Voiding(3 * round + 1)]);
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
    };
    for _ in 0..4 {
        rebuild(&place.lake, TABLE, &database, |_| {})
            .await
            .unwrap();
        let seen = place.seqs().await;
        let distinct: BTreeSet<_> = seen.iter().copied().collect();
        assert_eq!(distinct.len(), seen.len(), "a row is there twice");
        let verified = verified(&place, &database).await;
        assert!(verified.is_equal(), "{verified:?}");
    }
    stop.cancel();
    posting.await.unwrap();
    for copy in copies {
        copy.await.unwrap();
    }
    ship(&place, &database).await;
    assert_eq!(place.seqs().await, database.valid());
}

#[tokio::test]
async fn a_rebuild_takes_out_what_was_voided_after_it_was_read() {
    let (place, database) = shipped(&[Answer; 9]).await;
    let mut voided = false;
    // After the first piece the first answer, which is in it, is voided.
    let done = rebuild(&place.lake, TABLE, &database, |_| {
        if !std::mem::replace(&mut voided, true) {
            database.add(&[Voiding(1)]);
        }
    });
    assert_eq!(done.await.unwrap().position, 10);
    assert_eq!(place.seqs().await, (2..=9).collect::<Vec<_>>());
    assert!(verified(&place, &database).await.is_equal());
}

#[tokio::test]
async fn a_rebuild_of_another_history_is_refused() {
    let (place, database) = shipped(&[Answer; 3]).await;
    let refused = rebuild(&place.lake, TABLE, &database.restored(), |_| {}).await;
    assert!(refused.is_err());
    assert_eq!(place.seqs().await, [1, 2, 3]);
}

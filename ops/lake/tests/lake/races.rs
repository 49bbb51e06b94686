//! Several processes at one table, at the same moment.

use std::collections::BTreeSet;

use lake::{LakeError, LakeTable, Sizes};

use crate::rows::{APP, Place, TABLE, batch, id};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_that_create_a_table_one_does() {
    let place = Place::new();
    let opened = (0..8).map(|_| {
        let lake = place.lake.clone();
        tokio::spawn(async move { LakeTable::open(&lake, TABLE).await.unwrap().version() })
    });
    for opened in opened.collect::<Vec<_>>() {
        assert_eq!(opened.await.unwrap(), 0);
    }
    assert_eq!(place.commits().len(), 1);
}

#[tokio::test]
async fn of_two_that_ship_the_same_rows_one_does() {
    let place = Place::new();
    let (mut first, mut second) = (place.open().await, place.open().await);
    first
        .append_rows(Some(batch(&[1, 2])), APP, 0, 2)
        .await
        .unwrap();
    let lost = second.append_rows(Some(batch(&[1, 2, 3])), APP, 0, 3).await;
    assert!(matches!(lost, Err(LakeError::Raced("answers"))), "{lost:?}");
    second.refresh().await.unwrap();
    assert_eq!(second.position(APP).await.unwrap(), 2);
    second
        .append_rows(Some(batch(&[3])), APP, 2, 3)
        .await
        .unwrap();
    assert_eq!(place.seqs().await, [1, 2, 3]);
}

/// The removal goes over the other's append, whose position the version read last then holds.
#[tokio::test]
async fn a_removal_in_between_hides_no_race() {
    let place = Place::new();
    let mut seed = place.open().await;
    seed.append_rows(Some(batch(&[1, 2])), APP, 0, 2)
        .await
        .unwrap();
    let (mut first, mut second) = (place.open().await, place.open().await);
    first
        .append_rows(Some(batch(&[4])), APP, 2, 4)
        .await
        .unwrap();
    match second.delete(&BTreeSet::from([0, 1, 2]), &[id(1)]).await {
        Ok(()) | Err(LakeError::Raced(_)) => {}
        Err(error) => panic!("{error}"),
    }
    let lost = second.append_rows(Some(batch(&[4])), APP, 2, 4).await;
    assert!(matches!(lost, Err(LakeError::Raced("answers"))), "{lost:?}");
    assert_eq!(
        place.seqs().await.iter().filter(|seq| **seq == 4).count(),
        1
    );
}

#[tokio::test]
async fn of_two_compactions_one_is_done() {
    let place = Place::new();
    let mut table = place.open().await;
    for seq in 1..=6 {
        table
            .append_rows(Some(batch(&[seq])), APP, seq - 1, seq)
            .await
            .unwrap();
    }
    let (mut first, mut second) = (place.open().await, place.open().await);
    assert_eq!(first.compact(Sizes::default()).await.unwrap(), 5);
    let lost = second.compact(Sizes::default()).await;
    assert!(matches!(lost, Err(LakeError::Raced("answers"))), "{lost:?}");
    assert_eq!(place.seqs().await, [1, 2, 3, 4, 5, 6]);
}

#[tokio::test]
async fn a_compaction_and_a_removal_do_not_undo_each_other() {
    for compaction_first in [true, false] {
        let place = Place::new();
        let mut table = place.open().await;
        for seq in 1..=6 {
            table
                .append_rows(Some(batch(&[seq])), APP, seq - 1, seq)
                .await
                .unwrap();
        }
        let (mut first, mut second) = (place.open().await, place.open().await);
        let (buckets, ids) = (BTreeSet::from([0, 1, 2]), [id(2)]);
        let lost = if compaction_first {
            first.compact(Sizes::default()).await.unwrap();
            second.delete(&buckets, &ids).await
        } else {
            first.delete(&buckets, &ids).await.unwrap();
            second.compact(Sizes::default()).await.map(drop)
        };
        assert!(matches!(lost, Err(LakeError::Raced("answers"))), "{lost:?}");
        second.refresh().await.unwrap();
        second.delete(&buckets, &ids).await.unwrap();
        second.compact(Sizes::default()).await.unwrap();
        assert_eq!(place.seqs().await, [1, 3, 4, 5, 6]);
    }
}

#[tokio::test]
async fn an_append_passes_a_compaction() {
    let place = Place::new();
    let mut table = place.open().await;
    for seq in 1..=6 {
        table
            .append_rows(Some(batch(&[seq])), APP, seq - 1, seq)
            .await
            .unwrap();
    }
    let (mut first, mut second) = (place.open().await, place.open().await);
    first.compact(Sizes::default()).await.unwrap();
    second
        .append_rows(Some(batch(&[7])), APP, 6, 7)
        .await
        .unwrap();
    let (mut first, mut second) = (place.open().await, place.open().await);
    first
        .append_rows(Some(batch(&[8])), APP, 7, 8)
        .await
        .unwrap();
    second.compact(Sizes::default()).await.unwrap();
    assert_eq!(place.seqs().await, [1, 2, 3, 4, 5, 6, 7, 8]);
}

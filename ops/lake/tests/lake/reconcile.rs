//! A table meets a database of another history: they are brought together, then it is shipped to again.

use lake::{Lake, LakeError, LakeTable, Pace, Relay, app_id};

use crate::database::Database;
use crate::database::Statement::{Answer, Other, Voiding};
use crate::rows::{Place, TABLE, bucket, id};

fn relay(place: &Place, database: &Database) -> Relay<Database> {
    let pace = Pace {
        every: std::time::Duration::from_millis(1),
        commit_max_rows: 100,
        compact_every: 0,
    };
    Relay::new(place.lake.clone(), TABLE, database.clone(), pace)
}

/// A lake with these six statements, and their database.
async fn shipped() -> (Place, Database) {
    let (place, database) = (Place::new(), Database::new(2));
    database.add(&[Answer, Answer, Other, Answer, Answer, Answer]);
    relay(&place, &database).ship().await.unwrap();
    (place, database)
}

async fn position(lake: &Lake, epoch: &str) -> Result<i64, LakeError> {
    let table = LakeTable::open(lake, TABLE).await.unwrap();
    table.position(&app_id(epoch, TABLE)).await
}

#[tokio::test]
async fn the_same_statements_on_another_timeline_are_shipped_on() {
    let (place, database) = shipped().await;
    let restored = database.restored();
    database.add(&[Answer]);
    assert_eq!(relay(&place, &restored).ship().await.unwrap(), 1);
    assert_eq!(place.seqs().await, [1, 2, 4, 5, 6, 7]);
    assert_eq!(position(&place.lake, "1-2").await.unwrap(), 7);
}

#[tokio::test]
async fn what_only_the_lake_has_is_put_back_and_what_it_lacks_is_appended() {
    let (place, database) = shipped().await;
    let backup = database.backup(3);
    // Rows that the lake has lost: one that the backup has, one that it has not.
    let mut table = place.open().await;
    let lost = [1, 4];
    let buckets = lost.iter().map(|seq| bucket(*seq)).collect();
    table.delete(&buckets, &lost.map(id)).await.unwrap();
    let mut again = relay(&place, &backup);
    again.ship().await.unwrap();
    assert_eq!(backup.valid(), [1, 2, 5, 6]);
    assert_eq!(place.seqs().await, [1, 2, 5, 6]);
    // What comes then comes after all of it, once.
    backup.add(&[Answer, Voiding(2)]);
    again.ship().await.unwrap();
    assert_eq!(place.seqs().await, [1, 5, 6, 7]);
}

#[tokio::test]
async fn rows_that_are_not_the_databases_go_and_their_positions_are_given_again() {
    let (place, database) = shipped().await;
    let mut backup = database.backup(3);
    backup.takes_back = false;
    let mut again = relay(&place, &backup);
    again.ship().await.unwrap();
    assert_eq!(place.seqs().await, [1, 2]);
    assert_eq!(position(&place.lake, "1-2").await.unwrap(), 3);
    backup.add(&[Answer]);
    again.ship().await.unwrap();
    assert_eq!(place.seqs().await, [1, 2, 4]);
}

#[tokio::test]
async fn a_database_that_was_put_back_without_a_trace_is_found_by_its_position() {
    let (place, database) = shipped().await;
    // The same epoch: files that were copied back.
    let younger = Database::new(2);
    younger.add(&[Answer, Answer]);
    relay(&place, &younger).ship().await.unwrap();
    assert_eq!(younger.valid(), database.valid());
    assert_eq!(place.seqs().await, [1, 2, 4, 5, 6]);
}

#[tokio::test]
async fn another_copy_of_the_database_that_takes_over_is_noticed_by_who_ships() {
    let (place, database) = shipped().await;
    let mut relay = relay(&place, &database);
    relay.ship().await.unwrap();
    database.promote("1-9");
    database.add(&[Answer]);
    relay.ship().await.unwrap();
    assert_eq!(place.seqs().await, [1, 2, 4, 5, 6, 7]);
    assert_eq!(position(&place.lake, "1-9").await.unwrap(), 7);
}

#[tokio::test]
async fn two_that_bring_them_together_at_the_same_time_leave_each_row_once() {
    let (place, database) = shipped().await;
    let backup = database.backup(2);
    let mut table = place.open().await;
    let buckets = [bucket(1)].into();
    table.delete(&buckets, &[id(1)]).await.unwrap();
    let mut copies = [relay(&place, &backup), relay(&place, &backup)];
    let [one, two] = &mut copies;
    let (one, two) = tokio::join!(one.ship(), two.ship());
    assert!(one.is_ok() || two.is_ok());
    let mut last = relay(&place, &backup);
    last.ship().await.unwrap();
    assert_eq!(place.seqs().await, [1, 2, 4, 5, 6]);
}

#[tokio::test]
async fn a_file_that_is_missing_stops_it() {
    let (place, database) = shipped().await;
    let file = place.open().await.files().unwrap().pop().unwrap();
    std::fs::remove_file(file).unwrap();
    let refused = relay(&place, &database.restored())
        .ship()
        .await
        .unwrap_err();
    let refused = refused.downcast_ref();
    assert!(
        matches!(
            refused,
            Some(LakeError::File {
                table: "answers",
                ..
            })
        ),
        "{refused:?}"
    );
    assert!(position(&place.lake, "1-2").await.is_err());
}

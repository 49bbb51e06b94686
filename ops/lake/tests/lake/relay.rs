//! The relay: each valid answer once, whatever ends when.

use std::time::Duration;

use lake::{LakeError, Pace, Relay};
use tokio_util::sync::CancellationToken;

use crate::database::Database;
use crate::database::Statement::{Answer, Other, Voiding};
use crate::rows::{APP, Place, TABLE};

const PACE: Pace = Pace {
    every: Duration::from_millis(1),
    commit_max_rows: 100,
    compact_every: 0,
};

fn relay(place: &Place, database: &Database) -> Relay<Database> {
    Relay::new(place.lake.clone(), TABLE, database.clone(), PACE)
}

#[tokio::test]
async fn everything_is_shipped_in_pieces_and_the_voided_goes() {
    let (place, database) = (Place::new(), Database::new(3));
    let mut relay = relay(&place, &database);
    assert_eq!(relay.ship().await.unwrap(), 0);
    database.add(&[
        Answer,
        Answer,
        Other,
        Answer,
        Voiding(4),
        Answer,
        Answer,
        Answer,
    ]);
    assert_eq!(relay.ship().await.unwrap(), 5);
    assert_eq!(place.seqs().await, [1, 2, 6, 7, 8]);
    // Of a former piece, of the same one, of one to come, and of what is no answer.
    database.add(&[
        Voiding(2),
        Answer,
        Voiding(10),
        Voiding(14),
        Voiding(3),
        Answer,
        Other,
    ]);
    relay.ship().await.unwrap();
    assert_eq!(place.seqs().await, [1, 6, 7, 8]);
    assert_eq!(place.seqs().await, database.valid());
    let table = place.open().await;
    assert_eq!(
        table.position(APP).await.unwrap(),
        15,
        "what is no row moves the position too"
    );
    assert_eq!(relay.ship().await.unwrap(), 0);
    assert_eq!(
        place.open().await.version(),
        table.version(),
        "nothing new is no commit"
    );
}

#[tokio::test]
async fn a_commit_takes_several_pieces_into_one_file() {
    let (place, database) = (Place::new(), Database::new(3));
    database.add(&[Answer; 10]);
    let mut of_all = relay(&place, &database);
    of_all.ship().await.unwrap();
    let table = place.open().await;
    assert_eq!((table.version(), table.files().unwrap().len()), (1, 1));
    // A commit ends with the piece that fills it, and before one that takes something back.
    let pace = Pace {
        commit_max_rows: 4,
        ..PACE
    };
    database.add(&[Answer; 10]);
    Relay::new(place.lake.clone(), TABLE, database.clone(), pace)
        .ship()
        .await
        .unwrap();
    let table = place.open().await;
    assert_eq!((table.version(), table.files().unwrap().len()), (3, 3));
    database.add(&[Answer, Answer, Answer, Voiding(22), Answer]);
    of_all.ship().await.unwrap();
    assert_eq!(place.seqs().await, database.valid());
    assert!(!place.seqs().await.contains(&22));
}

/// The steps of a piece are: read, remove, append. A process ends after each of them, and the next
/// one starts from what is in the table.
#[tokio::test]
async fn a_crash_between_any_two_steps_changes_nothing() {
    for steps in 0..=3 {
        let (place, database) = (Place::new(), Database::new(100));
        database.add(&[Answer, Answer, Answer, Answer]);
        relay(&place, &database).ship().await.unwrap();
        database.add(&[Voiding(2), Answer, Answer, Voiding(6)]);
        let mut table = place.open().await;
        let piece = database.piece(4);
        if steps > 1 {
            table
                .delete(&piece.gone.buckets, &piece.gone.ids)
                .await
                .unwrap();
        }
        if steps > 2 {
            table
                .append_rows(piece.rows, APP, 4, piece.position)
                .await
                .unwrap();
        }
        database.add(&[Answer]);
        drop(table);
        relay(&place, &database).ship().await.unwrap();
        assert_eq!(place.seqs().await, [1, 3, 4, 7, 9], "after {steps} steps");
    }
}

/// One process read an answer before it was voided; the other has seen the voiding already.
#[tokio::test]
async fn an_answer_read_before_its_voiding_does_not_come_back() {
    let (place, database) = (Place::new(), Database::new(100));
    database.add(&[Answer, Other]);
    let mut slow = place.open().await;
    let old = database.piece(0);
    database.add(&[Voiding(1)]);
    let mut fast = relay(&place, &database);
    fast.ship().await.unwrap();
    let lost = slow.append_rows(old.rows, APP, 0, old.position).await;
    assert!(matches!(lost, Err(LakeError::Raced("answers"))), "{lost:?}");
    fast.ship().await.unwrap();
    assert!(place.seqs().await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn copies_that_ship_at_the_same_time_ship_each_answer_once() {
    let (place, database) = (Place::new(), Database::new(7));
    let stop = CancellationToken::new();
    let pace = Pace {
        compact_every: 3,
        ..PACE
    };
    let copies: Vec<_> = (0..3)
        .map(|_| Relay::new(place.lake.clone(), TABLE, database.clone(), pace))
        .map(|relay| tokio::spawn(relay.run(stop.clone())))
        .collect();
    for round in 0..12 {
        database.add(&[Answer, Answer, Other, Voiding(5 * round + 1), Answer]);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    stop.cancel();
    for copy in copies {
        copy.await.unwrap();
    }
    // Whoever lost its last race has told so in the log; the table is right whatever it lacks.
    relay(&place, &database).ship().await.unwrap();
    assert_eq!(place.seqs().await, database.valid());
}

#[tokio::test]
async fn the_last_rows_are_shipped_at_the_end() {
    let (place, database) = (Place::new(), Database::new(100));
    let stop = CancellationToken::new();
    stop.cancel();
    database.add(&[Answer]);
    relay(&place, &database).run(stop).await;
    assert_eq!(place.seqs().await, [1]);
}

#[tokio::test]
async fn small_files_are_put_together_at_the_pace() {
    let (place, database) = (Place::new(), Database::new(3));
    let pace = Pace {
        compact_every: 4,
        ..PACE
    };
    let mut relay = Relay::new(place.lake.clone(), TABLE, database.clone(), pace);
    for _ in 0..4 {
        database.add(&[Answer; 3]);
        relay.ship().await.unwrap();
    }
    assert_eq!(place.open().await.files().unwrap().len(), 1);
    assert_eq!(place.seqs().await, database.valid());
}

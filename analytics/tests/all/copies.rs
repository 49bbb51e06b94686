//! Copies of the catalogue, the roster and the accounts in the lake: made when they changed, with what was before.

use std::path::Path;

use analytics::lake::copies::{self, Copies, Made, When};
use analytics::store::copies::{ACCOUNTS, ALL, CATALOGUE, Copied, ROSTER};
use arrow::array::AsArray as _;
use arrow::datatypes::Int64Type;
use futures::TryStreamExt as _;
use lake::{Lake, LakeTable, Limits, Questions};

use crate::roster::{ENROLLMENTS, USERS, import, roster};
use crate::world::{World, given};

pub(crate) fn lake(world: &World) -> Lake {
    Lake::at(&world.analytics.config().lake_root)
}

/// The numbers of the one row of a question.
pub(crate) async fn numbers(lake: &Lake, question: &str) -> Vec<i64> {
    let limits = Limits {
        memory_bytes: 64 << 20,
        spill_bytes: 1 << 30,
    };
    let questions = Questions::open(lake, limits).await.expect("a lake");
    let rows = questions.ask(question).await.expect("a question");
    let rows: Vec<_> = rows.try_collect().await.expect("an answer");
    let row = rows.iter().find(|rows| rows.num_rows() > 0).expect("a row");
    let number = |column: &arrow::array::ArrayRef| column.as_primitive::<Int64Type>().value(0);
    row.columns().iter().map(number).collect()
}

async fn take(world: &World, copied: &Copied) -> Option<usize> {
    let lake = lake(world);
    take_again(&mut Copies::new(&lake, world.db.pool()), copied).await
}

/// By a process that may have seen the copy before.
async fn take_again(copies: &mut Copies<'_>, copied: &Copied) -> Option<usize> {
    let taken = copies.take(copied, When::Changed).await;
    taken.expect("taken").map(|Made { rows, .. }| rows)
}

async fn is_equal(world: &World) {
    for copied in &ALL {
        let verified = copies::verify(&lake(world), world.db.pool(), copied).await;
        let verified = verified.expect("verified");
        assert_eq!(verified.position, verified.stored, "{}", verified.table);
        assert!(verified.is_equal(), "{verified:?}");
    }
}

#[actix_web::test]
async fn a_copy_is_made_when_it_changed_and_says_what_was_before() {
    let world = World::new().await;
    assert_eq!(import(&world, roster("bulk", &[])).await.0, 200);
    assert_eq!(take(&world, &CATALOGUE).await, Some(8));
    assert_eq!(take(&world, &ROSTER).await, Some(3));
    assert_eq!(take(&world, &ACCOUNTS).await, Some(2));
    for copied in &ALL {
        assert_eq!(take(&world, copied).await, None, "nothing is new");
    }
    is_equal(&world).await;
    // The same roster again says nothing else.
    assert_eq!(import(&world, roster("bulk", &[])).await.0, 200);
    assert_eq!(take(&world, &ROSTER).await, None);
    assert_eq!(take(&world, &ACCOUNTS).await, None);

    // u2 leaves, and the account of u1 becomes the teacher's.
    let fewer = ENROLLMENTS.replace("e2,,,c1,o1,u2,student,\n", "");
    let moved = USERS
        .replace("u1,{https://ent.example/ido:a}", "u1,")
        .replace(
            "t1,,,true,t1,,",
            "t1,,,true,t1,{https://ent.example/ido:a},",
        );
    let changed = [("enrollments.csv", fewer.as_str()), ("users.csv", &moved)];
    let (status, told) = import(&world, roster("bulk", &changed)).await;
    assert_eq!(status, 200, "{told}");
    // Somebody whom no roster knows.
    world.answer(&given(1, "z", 0, true, 0)).await;
    world.fold().await;
    assert_eq!(take(&world, &ROSTER).await, Some(3));
    assert_eq!(take(&world, &ACCOUNTS).await, Some(4));
    assert_eq!(take(&world, &CATALOGUE).await, None);
    is_equal(&world).await;
    let at = lake(&world);
    let closed = "select count(*), count(valid_to), count(distinct person), count(distinct school) from roster";
    assert_eq!(numbers(&at, closed).await, [3, 1, 3, 1]);
    let before = world.account("a");
    let owners = format!(
        "select count(*), count(valid_to), count(distinct person), count(distinct valid_from)
         from accounts where account = '{before}'"
    );
    assert_eq!(numbers(&at, &owners).await, [2, 1, 2, 2]);
    let joined = "select count(*) from accounts a join roster r on r.person = a.person
                  where a.valid_to is null and r.valid_to is null and r.role = 'teacher'";
    assert_eq!(numbers(&at, joined).await, [1]);
    let tags = "select count(*), cast(sum(array_length(competencies)) as bigint) from catalogue where valid_to is null";
    assert_eq!(numbers(&at, tags).await, [8, 8]);
}

#[actix_web::test]
async fn a_copy_that_lacks_rows_is_found_and_made_anew() {
    let world = World::new().await;
    assert_eq!(import(&world, roster("bulk", &[])).await.0, 200);
    for copied in &ALL {
        take(&world, copied).await.expect("a first copy");
    }
    is_equal(&world).await;
    let (at, pool) = (lake(&world), world.db.pool());
    for copied in &ALL {
        let verified = copies::verify(&at, pool, copied).await.expect("verified");
        let mut table = LakeTable::open(&at, copied.table).await.expect("a table");
        let none = table.pending_sorted().expect("a file");
        let epoch = analytics::store::lake_feed::epoch(pool)
            .await
            .expect("an epoch");
        let app = lake::app_id(&epoch, copied.table);
        table.put(none, &app, verified.position).await.expect("put");
        let verified = copies::verify(&at, pool, copied).await.expect("verified");
        let missing: u64 = verified
            .differences
            .iter()
            .map(|of| of.database - of.lake)
            .sum();
        assert_eq!(missing, verified.rows, "{verified:?}");
        assert!(missing > 0);
        let made = Copies::new(&at, pool).take(copied, When::Always).await;
        assert_eq!(
            made.expect("made").map(|made| made.rows as u64),
            Some(missing)
        );
    }
    is_equal(&world).await;
}

#[actix_web::test]
async fn a_copy_is_not_opened_again_while_it_is_as_this_process_saw_it() {
    let world = World::new().await;
    assert_eq!(import(&world, roster("bulk", &[])).await.0, 200);
    let (at, pool) = (lake(&world), world.db.pool());
    let mut one = Copies::new(&at, pool);
    let mut other = Copies::new(&at, pool);
    assert_eq!(take_again(&mut one, &ROSTER).await, Some(3));
    assert_eq!(take_again(&mut other, &ROSTER).await, None, "it is there");

    // Who looked would see it gone, and make it.
    let folder = Path::new(&world.analytics.config().lake_root).join("roster");
    std::fs::remove_dir_all(&folder).expect("a table");
    for process in [&mut one, &mut other] {
        assert_eq!(take_again(process, &ROSTER).await, None);
    }
    assert!(!folder.exists());
    assert_eq!(
        take(&world, &ROSTER).await,
        Some(3),
        "another process looks"
    );

    // What another process wrote is found there, and not written twice.
    let fewer = ENROLLMENTS.replace("e2,,,c1,o1,u2,student,\n", "");
    let changed = [("enrollments.csv", fewer.as_str())];
    assert_eq!(import(&world, roster("bulk", &changed)).await.0, 200);
    assert_eq!(take_again(&mut other, &ROSTER).await, Some(3));
    assert_eq!(take_again(&mut one, &ROSTER).await, None);
    std::fs::remove_dir_all(&folder).expect("a table");
    assert_eq!(take_again(&mut one, &ROSTER).await, None, "it was seen");
}

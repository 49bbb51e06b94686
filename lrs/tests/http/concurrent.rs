//! Many posters, two copies of the LRS, one database: verdicts, order, horizon.

use std::collections::HashSet;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::future::join_all;
use serde_json::json;
use service::pg::Pool;
use uuid::Uuid;

use crate::app::{App, answer, id, statement};

/// Follows the order as a reader of the feed does: the horizon in one statement, the rows up to it
/// in a later one. Returns the ids in the order in which it saw them, once `done` is over and the
/// horizon has passed it.
async fn follow(pool: &Pool, done: &tokio::sync::Notify) -> Vec<Uuid> {
    let client = pool.get().await.expect("a connection");
    let mut position = 0_i64;
    let mut seen = Vec::new();
    let mut until: Option<DateTime<Utc>> = None;
    let mut last_horizon = DateTime::<Utc>::MIN_UTC;
    let is_done = done.notified();
    tokio::pin!(is_done);
    loop {
        let horizon: DateTime<Utc> = client
            .query_one("select published.horizon()", &[])
            .await
            .expect("the horizon")
            .get(0);
        assert!(horizon >= last_horizon, "the horizon went back");
        last_horizon = horizon;
        let rows = client
            .query(
                "select seq, id, stored from lrs.statements where seq > $1 and stored <= $2 order by seq",
                &[&position, &horizon],
            )
            .await
            .expect("rows");
        for row in rows {
            position = row.get(0);
            seen.push(row.get(1));
        }
        if until.is_some_and(|until| horizon > until) {
            return seen;
        }
        if until.is_none()
            && tokio::time::timeout(Duration::from_millis(1), &mut is_done)
                .await
                .is_ok()
        {
            until = Some(
                client
                    .query_one("select clock_timestamp()", &[])
                    .await
                    .expect("the clock")
                    .get(0),
            );
        }
    }
}

#[actix_web::test]
async fn a_reader_sees_every_statement_once_and_in_the_final_order_while_writers_race() {
    let one = App::start().await;
    let two = one.another().await;
    let done = tokio::sync::Notify::new();
    let pool = service::pg::pool(one.db.url(), 2).expect("a pool");
    let writers = async {
        let posters = (0..36_u32).map(|pupil| {
            let app = if pupil % 2 == 0 { &one } else { &two };
            async move {
                for n in 0..12 {
                    let ids = [id(pupil * 100 + 2 * n + 1), id(pupil * 100 + 2 * n + 2)];
                    // Everybody does the same activity; some say it twice, to the other copy too.
                    let batch = json!([
                        answer(ids[0], &format!("p{pupil}"), "shared", true),
                        answer(ids[1], &format!("p{pupil}"), &format!("own{n}"), false)
                    ]);
                    app.post(&batch).await.is(200);
                }
            }
        });
        join_all(posters).await;
        done.notify_one();
    };
    let ((), seen) = futures::join!(writers, follow(&pool, &done));

    assert_eq!(seen.len(), 36 * 24);
    assert_eq!(
        seen.iter().collect::<HashSet<_>>().len(),
        seen.len(),
        "none twice"
    );
    let client = pool.get().await.expect("a connection");
    let rows = client
        .query("select id, stored from lrs.statements order by seq", &[])
        .await
        .expect("rows");
    let ids: Vec<Uuid> = rows.iter().map(|row| row.get(0)).collect();
    assert_eq!(seen, ids, "what was seen is the final order");
    let times: Vec<DateTime<Utc>> = rows.iter().map(|row| row.get(1)).collect();
    assert!(times.is_sorted(), "seq and stored have one order");
    assert_eq!(one.number("select count(*) from lrs.activities").await, 13);
    let actors = one.number("select count(*) from lrs.actors").await;
    assert_eq!(actors, 36 + 1, "the pupils, and the authority");
    assert_eq!(
        one.number("select count(*) from published.answers_feed")
            .await,
        36 * 24
    );
}

#[actix_web::test]
async fn copies_that_post_the_same_ids_in_opposite_orders_agree_and_never_deadlock() {
    let one = App::start().await;
    let two = one.another().await;
    for round in 0..10_u32 {
        let batch = |reverse: bool| {
            let mut all: Vec<_> = (1..=50)
                .map(|n| {
                    statement(
                        id(round * 100 + n),
                        &format!("p{n}"),
                        "v",
                        &format!("r{round}"),
                    )
                })
                .collect();
            if reverse {
                all.reverse();
            }
            json!(all)
        };
        let (there, back) = (batch(false), batch(true));
        let answers = join_all([
            one.post(&there),
            two.post(&back),
            one.post(&back),
            two.post(&there),
        ])
        .await;
        for answer in answers {
            answer.is(200);
        }
    }
    assert_eq!(one.count().await, 500);
    let deadlocks = one
        .number("select deadlocks from pg_stat_database where datname = current_database()")
        .await;
    assert_eq!(deadlocks, 0);
}

#[actix_web::test]
async fn of_conflicting_posts_exactly_one_is_stored() {
    let one = App::start().await;
    let two = one.another().await;
    for round in 1..=20_u32 {
        let shared = id(round);
        let posts = (0..36_u32).map(|pupil| {
            let app = if pupil % 2 == 0 { &one } else { &two };
            // Each with a statement of its own beside the one that all claim.
            let batch = json!([
                statement(shared, &format!("p{pupil}"), "v", "o"),
                statement(
                    id(1000 + round * 100 + pupil),
                    &format!("p{pupil}"),
                    "v",
                    "o"
                )
            ]);
            async move { app.post(&batch).await }
        });
        let answers = join_all(posts).await;
        let stored = answers.iter().filter(|answer| answer.status == 200).count();
        let refused = answers.iter().filter(|answer| answer.status == 409).count();
        assert_eq!((stored, refused), (1, 35));
        assert_eq!(
            one.count().await,
            i64::from(round) * 2,
            "a refused request left nothing"
        );
    }
}

#[actix_web::test]
async fn a_conflict_in_a_group_does_not_fail_its_neighbours() {
    // One committer, so that what comes together is one group.
    let app = App::with(|config| config.ingest.committers = 1).await;
    app.post(&statement(id(1), "a", "v", "o")).await.is(200);
    let posts = (2..=40_u32).map(|n| {
        let mut batch = vec![statement(id(n), "a", "v", "o")];
        if n % 3 == 0 {
            batch.push(statement(id(1), "a", "other", "o"));
        }
        let app = &app;
        async move { (n, app.post(&json!(batch)).await) }
    });
    for (n, answer) in join_all(posts).await {
        answer.is(if n % 3 == 0 { 409 } else { 200 });
    }
    assert_eq!(
        app.count().await,
        1 + (2..=40).filter(|n| n % 3 != 0).count() as i64
    );
}

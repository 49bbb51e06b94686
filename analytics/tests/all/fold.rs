//! The incremental way.

use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::world::{World, given};

#[actix_web::test]
async fn answers_are_folded_once_and_totals_follow() {
    let world = World::new().await;
    for n in 0..10 {
        let account = if n % 2 == 0 { "a" } else { "b" };
        world
            .answer(&given(
                n,
                account,
                n as usize % 8,
                n % 3 == 0,
                60 * n as i64,
            ))
            .await;
    }
    world.answer(&given(10, "a", 99, true, 700)).await;
    world.left_out(11, "no_outcome").await;
    world.left_out(12, "group_actor").await;
    world.fold().await;
    let served = world.served().await;
    world.fold().await;
    assert_eq!(world.served().await, served);
    let (status, totals) = world.get("/api/v1/totals").await;
    assert_eq!(status, 200);
    assert_eq!(
        totals,
        json!({ "answers": 11, "pupils": 2, "correct": 5, "items": 9,
                "left_out": { "group_actor": 1, "item_not_in_catalogue": 1, "no_outcome": 1 }, "odd": {} })
    );
}

#[actix_web::test]
async fn a_voiding_takes_everything_back() {
    let world = World::new().await;
    world.answer(&given(1, "a", 0, true, 0)).await;
    world.answer(&given(2, "a", 1, false, 60)).await;
    world.left_out(8, "no_outcome").await;
    world.fold().await;
    let before = world.served().await;

    // Of an answer in the middle and of one to come; of a candidate that counts for nothing.
    world.answer(&given(3, "a", 1, true, 30)).await;
    world.answer(&given(4, "b", 99, true, 30)).await;
    world.void(5).await;
    world.fold().await;
    assert_ne!(world.served().await, before);
    world.answer(&given(5, "c", 0, true, 90)).await;
    world.void(3).await;
    world.void(4).await;
    world.void(3).await;
    world.void(8).await;
    world.void(8).await;
    world.fold().await;
    assert_eq!(world.served().await, before);
    let (_, totals) = world.get("/api/v1/totals").await;
    assert_eq!(
        totals,
        json!({ "answers": 2, "pupils": 1, "correct": 1, "items": 2, "left_out": {}, "odd": {} })
    );
}

#[actix_web::test]
async fn a_late_answer_gives_what_a_punctual_one_would() {
    let (punctual, late) = (World::new().await, World::new().await);
    let answers: Vec<_> = (0..6)
        .map(|n| given(n, "a", n as usize % 3, n % 2 == 0, 3600 * n as i64))
        .collect();
    for answer in &answers {
        punctual.answer(answer).await;
    }
    punctual.fold().await;
    for n in [0, 3, 4, 1, 5, 2] {
        late.answer(&answers[n]).await;
        late.fold().await;
    }
    // Accounts have other keys in other installations: states are compared without them.
    let states = "select string_agg(md5(state), ',' order by subject) from analytics.pupil_states";
    assert_eq!(late.text(states).await, punctual.text(states).await);
}

#[actix_web::test]
async fn nothing_above_the_horizon_is_folded() {
    let world = World::new().await;
    world.answer(&given(1, "a", 0, true, 0)).await;
    world.answer(&given(2, "a", 1, true, 60)).await;
    world
        .sql("insert into neighbours.held select stored from neighbours.rows where seq = 1")
        .await;
    world.fold().await;
    assert_eq!(
        world.text("select answers from analytics.versions").await,
        "1"
    );
    world.sql("delete from neighbours.held").await;
    world.fold().await;
    assert_eq!(
        world.text("select answers from analytics.versions").await,
        "2"
    );
}

#[actix_web::test]
async fn statements_that_are_no_candidates_move_the_position_too() {
    let world = World::new().await;
    world.answer(&given(1, "a", 0, true, 0)).await;
    world.statement().await;
    world.statement().await;
    world.fold().await;
    let (status, body) = world.get("/api/v1/status").await;
    assert_eq!(status, 200);
    assert_eq!(body["stored_seq"], 3);
    assert_eq!(body["folded_seq"], 3);
    assert_eq!(body["rebuilding"], false);
}

#[actix_web::test]
async fn copies_at_once_fold_nothing_twice() {
    let world = World::new().await;
    let copies = [world.copy().await, world.copy().await, world.copy().await];
    let mut tasks = Vec::new();
    let stop = CancellationToken::new();
    for copy in copies {
        let stop = stop.clone();
        tasks.push(tokio::spawn(async move {
            while !stop.is_cancelled() {
                analytics::fold::worker::fold_pending(&copy, &stop)
                    .await
                    .expect("folded");
                tokio::task::yield_now().await;
            }
        }));
    }
    for n in 0..120 {
        let account = ["a", "b", "c"][n as usize % 3];
        world
            .answer(&given(
                n,
                account,
                n as usize % 8,
                n % 2 == 0,
                10 * (n as i64 * 7 % 120),
            ))
            .await;
    }
    while world.text("select position from analytics.versions").await != "120" {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    stop.cancel();
    for task in tasks {
        task.await.expect("no panic");
    }
    let sums = world.served().await["sums"].clone();
    assert_eq!(sums, json!([120, 60, 3]));
    assert_eq!(
        world
            .text("select sum(answers) from analytics.item_usage")
            .await,
        "120"
    );
}

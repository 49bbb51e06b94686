//! Odd answers: found, told, left out where the settings say so, and back again; both ways alike.

use std::sync::Arc;

use analytics::Analytics;
use analytics::lake;
use analytics::store::odd_answers::Sign;
use analytics::store::runs::Cause;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::world::{Given, World, given};

/// The same world with other signs left out.
async fn leaving_out(mut world: World, signs: &[Sign]) -> World {
    let mut config = world.analytics.config().clone();
    config.analytics.odd_left_out = signs.to_vec();
    config.analytics.odd_device_pupils = 2;
    world.analytics = Arc::new(Analytics::new(world.db.context().await, config));
    world
}

/// Ships, recomputes, and folds what is left.
async fn recomputed(world: &World) {
    let shipped = lake::relay(&world.analytics).ship().await;
    shipped.expect("shipped");
    let done = world.analytics.recompute(Cause::Request).await;
    done.expect("recomputed");
    world.fold().await;
}

async fn odd(world: &World, account: &str) -> Vec<(u128, Value, bool)> {
    let key = world.account(account);
    let (status, body) = world
        .get(&format!("/api/v1/pupils/{key}/odd-answers"))
        .await;
    assert_eq!(status, 200, "{body}");
    let answers = body["answers"].as_array().expect("a list").iter();
    let mut answers: Vec<_> = answers
        .map(|answer| {
            let id: Uuid = answer["statement"]
                .as_str()
                .expect("an id")
                .parse()
                .expect("a UUID");
            let left_out = answer["left_out"].as_bool().expect("a boolean");
            (id.as_u128(), answer["signs"].clone(), left_out)
        })
        .collect();
    answers.sort_by_key(|(id, ..)| *id);
    answers
}

/// "a" reads and thinks, but for one answer in half a second; "b" clicks through nine, three times rightly;
/// "c", "d" and "e" share a device on one day.
async fn classroom(world: &World) {
    let at = |given: Given, ms: i64| Given {
        skew_ms: Some(ms),
        ..given
    };
    for n in 0..6 {
        world
            .answer(&given(
                100 + n,
                "a",
                n as usize % 8,
                n % 2 == 0,
                60 * n as i64,
            ))
            .await;
    }
    // The device's clock lacks half a second: the same second, five hundred milliseconds later.
    world.answer(&at(given(106, "a", 6, true, 300), 500)).await;
    for n in 0..9 {
        world
            .answer(&given(
                200 + n,
                "b",
                n as usize,
                n % 4 == 0,
                1_000 + 2 * n as i64,
            ))
            .await;
    }
    world.answer(&given(209, "b", 3, true, 2_000)).await;
    for (n, account) in ["c", "d", "e"].into_iter().enumerate() {
        let one = given(300 + n as u64, account, n, true, 5_000 + 60 * n as i64);
        let device = Some(("tablet".to_owned(), Some(n as i64)));
        world.answer(&Given { device, ..one }).await;
    }
    // On a day of its own the device is nobody's.
    let other_day = given(310, "c", 4, true, 90_000);
    let device = Some(("tablet".to_owned(), Some(9)));
    world
        .answer(&Given {
            device,
            ..other_day
        })
        .await;
    world.fold().await;
}

#[actix_web::test]
async fn odd_answers_are_found_and_told_and_count_unless_the_settings_leave_them_out() {
    let world = leaving_out(World::new().await, &[]).await;
    classroom(&world).await;
    let before = world.served().await;
    recomputed(&world).await;
    assert_eq!(world.served().await, before, "told, and nothing else");
    assert_eq!(odd(&world, "a").await, [(106, json!(["too_fast"]), false)]);
    // The first of them came after nothing, so nobody knows how long it took.
    let clicks = |left_out| (201..=208).map(move |id| (id, json!(["clicking"]), left_out));
    assert!(clicks(false).eq(odd(&world, "b").await));
    assert_eq!(
        odd(&world, "c").await,
        [(300, json!(["shared_device"]), false)]
    );
    let (_, totals) = world.get("/api/v1/totals").await;
    assert_eq!(
        totals["odd"],
        json!({ "too_fast": 1, "clicking": 8, "shared_device": 3 })
    );
    assert_eq!(totals["left_out"].get("odd"), None);

    let world = leaving_out(world, &[Sign::TooFast, Sign::Clicking]).await;
    recomputed(&world).await;
    let left_out = world.served().await;
    assert_ne!(left_out, before);
    assert!(clicks(true).eq(odd(&world, "b").await));
    assert_eq!(
        odd(&world, "c").await,
        [(300, json!(["shared_device"]), false)]
    );
    let (_, totals) = world.get("/api/v1/totals").await;
    assert_eq!(totals["left_out"]["odd"], 9);
    assert_eq!(totals["answers"], 7 + 10 + 4 - 9);

    let world = leaving_out(world, &[]).await;
    recomputed(&world).await;
    assert_eq!(world.served().await, before, "nothing of it stays");

    // What is left out is what a voiding would have taken away.
    for id in std::iter::once(106).chain(201..=208) {
        world.void(id).await;
    }
    world.fold().await;
    assert_eq!(world.served().await, left_out);
    recomputed(&world).await;
    assert_eq!(world.served().await, left_out);
    assert_eq!(odd(&world, "b").await, [], "a voided answer is no answer");
}

#[actix_web::test]
async fn a_pupil_who_is_folded_again_is_folded_without_the_odd_ones() {
    let world = leaving_out(World::new().await, &Sign::ALL).await;
    classroom(&world).await;
    recomputed(&world).await;
    // Late: everything of this pupil is folded again, from the feed.
    world.answer(&given(400, "b", 5, true, 500)).await;
    world.fold().await;
    let folded = world.served().await;
    recomputed(&world).await;
    assert_eq!(world.served().await, folded);
    assert_eq!(odd(&world, "b").await.len(), 8);
}

#[actix_web::test]
async fn a_time_that_nobody_told_is_no_sign_of_speed() {
    let world = World::new().await;
    let untold = |given: Given| Given {
        at_s: None,
        ..given
    };
    let invented = |given: Given| Given {
        invented_time: true,
        ..given
    };
    for n in 0..20 {
        world
            .answer(&untold(given(n, "a", n as usize % 8, false, 0)))
            .await;
        world
            .answer(&invented(given(100 + n, "b", n as usize % 8, false, 0)))
            .await;
        // A clock that is ahead: the answer was given when it came in.
        world
            .answer(&given(200 + n, "c", n as usize % 8, false, 9_999_999))
            .await;
    }
    world.fold().await;
    recomputed(&world).await;
    let (_, totals) = world.get("/api/v1/totals").await;
    assert_eq!(totals["odd"], json!({}));
}

#[actix_web::test]
async fn more_odd_answers_than_are_listed_are_counted() {
    let world = leaving_out(World::new().await, &[]).await;
    for n in 0..130 {
        let seconds = n as i64;
        world
            .answer(&given(n, "a", n as usize % 8, false, seconds))
            .await;
    }
    world.fold().await;
    recomputed(&world).await;
    let key = world.account("a");
    let path = format!("/api/v1/pupils/{key}/odd-answers");
    let (status, body) = world.get(&path).await;
    assert_eq!((status, &body["count"]), (200, &json!(129)), "{body}");
    assert_eq!(body["answers"].as_array().map(Vec::len), Some(100));
    assert_eq!(body["answers"][0]["statement"], json!(Uuid::from_u128(129)));
}

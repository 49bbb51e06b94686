//! The daily check over a real database and a real lake: quiet where nothing is wrong, loud where something is.

use std::sync::Arc;

use analytics::calibration;
use analytics::checks::{Alert, Drift, plot};
use analytics::jobs::check::{CheckReport, run};
use analytics::jobs::fit::{self, Options};
use analytics::store;
use analytics::store::checks::{self, NewCheck};
use analytics::store::runs::Cause;
use chrono::{NaiveDate, TimeDelta};
use mastery::maths::sigmoid;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::inputs::import_with_voies;
use crate::school::{School, rasch};
use crate::world::{Given, World, activity, given, noon};

const ITEMS: usize = 12;
const EACH: usize = 4;
const PUPILS: usize = 120;

/// What becomes harder.
const DRIFTS: usize = 5;

fn difficulty(item: usize) -> f64 {
    -1.5 + 3.0 * item as f64 / 11.0
}

fn date(day: i64) -> NaiveDate {
    (noon() + TimeDelta::days(day)).date_naive()
}

/// A day's lesson, shipped and checked.
async fn day(
    world: &World,
    school: &mut School,
    day: i64,
    success: impl Fn(f64, usize) -> f64,
) -> CheckReport {
    world.flood(&school.lesson(day, ITEMS, EACH, success)).await;
    world.ship().await;
    let report = run(&world.analytics, date(day)).await.expect("checked");
    assert_eq!(report.answers, (PUPILS * EACH) as i64, "day {day}");
    report
}

#[actix_web::test]
async fn sixty_quiet_days_then_an_item_drifts_then_pupils_click_at_random() {
    let world = World::bare().await;
    world.set_catalogue(ITEMS).await;
    world.analytics.start().await.expect("started");
    let mut school = School::new(PUPILS, 3);
    let usual = |ability: f64, item: usize| rasch(ability, difficulty(item));

    // By the catalogue's levels and the defaults predictions do not come true.
    for at in 0..16 {
        world.flood(&school.lesson(at, ITEMS, EACH, usual)).await;
    }
    world.ship().await;
    let report = run(&world.analytics, date(15)).await.expect("checked");
    assert_eq!(report.answers, (16 * PUPILS * EACH) as i64);
    let of_defaults = |alert: &Alert| matches!(alert, Alert::Calibration { calibration: 0, dimension, .. } if dimension == "subject");
    assert!(report.alerts.iter().any(of_defaults), "{:?}", report.slices);
    let (_, status) = world.get("/api/v1/status").await;
    assert!(status["alerts"].as_i64().expect("a count") > 0, "{status}");

    // So they are fitted; what was said of the defaults concerns nobody any more.
    let never = CancellationToken::new();
    let mut options = Options::default();
    (options.settings.evaluations, options.settings.rounds) = (200, 2);
    fit::run(&world.analytics, &options, &never, Arc::new(|_| {}))
        .await
        .expect("fitted");
    calibration::accept(world.db.pool(), 1)
        .await
        .expect("accepted");
    world
        .analytics
        .recompute(Cause::Model)
        .await
        .expect("recomputed");
    let (_, status) = world.get("/api/v1/status").await;
    assert_eq!(
        (&status["alerts"], &status["calibrations"]),
        (&json!(0), &json!({ "maths": 1 }))
    );

    for at in 16..76 {
        let report = day(&world, &mut school, at, usual).await;
        assert!(report.alerts.is_empty(), "day {at}: {:?}", report.alerts);
    }

    // From June on an item is harder: it is named, and no other.
    let harder = |ability: f64, item: usize| {
        let more = if item == DRIFTS { 1.8 } else { 0.0 };
        rasch(ability, difficulty(item) + more)
    };
    let drifted = |report: &CheckReport| -> Vec<String> {
        let alerts = report.alerts.iter().filter_map(|alert| match alert {
            Alert::Drift {
                activity, drift, ..
            } => {
                assert!(drift.change > 0.5, "{drift:?}");
                Some(activity.clone())
            }
            Alert::Calibration { .. } => None,
        });
        alerts.collect()
    };
    let mut at = 91;
    assert_eq!(date(at).to_string(), "2026-06-01");
    let report = loop {
        let report = day(&world, &mut school, at, harder).await;
        if !drifted(&report).is_empty() || at == 110 {
            break report;
        }
        at += 1;
    };
    assert_eq!(drifted(&report), [activity(DRIFTS)], "day {at}");
    assert!(report.new_alerts > 0);

    // Half of the answers are clicks at random.
    let clicking = |ability: f64, item: usize| 0.5 * usual(ability, item) + 0.25;
    let mut loud = false;
    for next in at + 1..at + 15 {
        let report = day(&world, &mut school, next, clicking).await;
        loud = report.alerts.iter().any(|alert| {
            matches!(alert, Alert::Calibration { calibration: 1, dimension, .. } if dimension == "subject")
        });
        if loud {
            break;
        }
    }
    assert!(loud, "clicks at random are not noticed in two weeks");
    let kept =
        "select count(*) from analytics.alerts where calibration = 1 and kind = 'calibration'";
    assert_ne!(world.text(kept).await, "0");

    // Quiet again, though the rows stay; an older day that is looked at once more is not the last one.
    let (_, status) = world.get("/api/v1/status").await;
    assert_ne!(status["alerts"], json!(0), "{status}");
    let report = run(&world.analytics, date(200)).await.expect("checked");
    assert!(report.alerts.is_empty(), "{:?}", report.alerts);
    run(&world.analytics, date(at)).await.expect("checked");
    let (_, status) = world.get("/api/v1/status").await;
    assert_eq!(status["alerts"], json!(0));
    let (_, last) = world.get("/api/v1/checks/last").await;
    assert_eq!(last["report"]["day"], json!(date(200)));
}

#[actix_web::test]
async fn an_answer_is_counted_once_however_often_it_is_folded() {
    let world = World::new().await;
    let mut school = School::new(20, 1);
    let usual = |ability: f64, item: usize| sigmoid(ability - difficulty(item));
    world.flood(&school.lesson(0, 8, 6, usual)).await;
    world.ship().await;
    let sums = "select json_agg(json_build_array(dimension, n) order by dimension) from (
        select dimension, sum(answers) as n from analytics.predictions group by dimension) s";
    let first = run(&world.analytics, date(0)).await.expect("checked");
    assert_eq!(first.answers, 120);
    let counted = |n: usize| json!([["domain", n], ["kind", n], ["subject", n], ["turn", n]]);
    let read = async || -> serde_json::Value {
        serde_json::from_str(&world.text(sums).await).expect("JSON")
    };
    assert_eq!(read().await, counted(120));
    let second = run(&world.analytics, date(0)).await.expect("checked");
    assert_eq!((second.answers, second.position), (0, first.position));

    // Answers that arrive late fold a pupil again; a voided one was predicted all the same; a recomputation
    // folds everybody.
    let late = Given {
        account: "p3",
        ..given(5_000, "p3", 1, true, -3_600)
    };
    world.answer(&late).await;
    world.void(7).await;
    world.fold().await;
    world.ship().await;
    world
        .analytics
        .recompute(Cause::Request)
        .await
        .expect("recomputed");
    let third = run(&world.analytics, date(10)).await.expect("checked");
    assert_eq!(third.answers, 1);
    assert_eq!(read().await, counted(121));
    // It is counted on the day on which it came, not on the one that it tells.
    let days =
        "select string_agg(distinct day::text, ' ' order by day::text) from analytics.predictions";
    assert_eq!(world.text(days).await, format!("{} {}", date(0), date(10)));
    let items = "select sum(answers) from analytics.item_months";
    assert_eq!(world.text(items).await, "121");
    assert_eq!(
        world.text("select count(*) from analytics.checks").await,
        "3"
    );
}

#[actix_web::test]
async fn the_voies_are_told_apart_and_the_last_check_is_shown_with_its_plot() {
    let world = World::new().await;
    let reliability = "/api/v1/checks/last/reliability";
    let (status, told) = world.get("/api/v1/checks/last").await;
    assert_eq!((status, &told["rule"]), (404, &json!("check-none")));
    let mut school = School::new(12, 2);
    let usual = |ability: f64, item: usize| rasch(ability, difficulty(item));
    world.flood(&school.lesson(0, 8, 5, usual)).await;
    let voies = [
        ("u1", ["p1"].as_slice(), "gt"),
        ("u2", &["p2"], "pro"),
        ("u3", &["p3"], "pro"),
        ("u4", &["p4"], ""),
    ];
    import_with_voies(&world, &voies).await;
    world.ship().await;
    let report = run(&world.analytics, date(0)).await.expect("checked");
    assert_eq!(report.answers, 60);
    // Who has none is in no slice of it.
    let sums = "select string_agg(slice || ' ' || n, ', ' order by slice) from (
        select slice, sum(answers) as n from analytics.predictions where dimension = 'voie' group by slice) s";
    assert_eq!(world.text(sums).await, "gt 5, pro 10");
    let of_voie = report.slices.iter().filter(|one| one.dimension == "voie");
    assert_eq!(of_voie.count(), 2 * 3, "each window");

    let (status, shown) = world.get("/api/v1/checks/last").await;
    assert_eq!(status, 200, "{shown}");
    assert_eq!(
        shown["report"]["slices"].as_array().map(Vec::len),
        Some(report.slices.len())
    );
    for (query, status, rule) in [
        ("", 400, "subject-required"),
        ("?subject=maths&days=2", 400, "days-window"),
        ("?subject=latin", 404, "check-no-answers"),
    ] {
        let told = world.get(&format!("{reliability}{query}")).await;
        assert_eq!((told.0, &told.1["rule"]), (status, &json!(rule)), "{query}");
    }
    // The plot is no JSON: that it is there, and what it is made of.
    let (status, _) = world
        .get(&format!("{reliability}?subject=maths&days=7"))
        .await;
    assert_eq!(status, 200);
    let svg = plot::of(&shown["report"], "maths", 7).expect("a plot");
    let whole = report
        .slices
        .iter()
        .find(|one| one.dimension == "subject" && one.days == 7);
    let whole = whole.expect("the subject");
    let filled = whole.reliability.iter().flatten().filter(|bin| bin.0 > 0);
    assert_eq!(svg.matches("<circle").count(), filled.count());
    assert!(svg.contains(&format!(
        "maths, 7 days to {}: ECE {:.4} of 60 answers",
        date(0),
        whole.judged.ece
    )));
}

/// What a check of a day does with an alert that it finds, or finds no more: whether it is new.
async fn checked(world: &World, day: i64, found: Option<&Alert>) -> bool {
    let mut client = store::client(world.db.pool()).await.expect("a client");
    let transaction = store::begin(&mut client).await.expect("begun");
    let is_new = match found {
        Some(alert) => checks::raise(&transaction, alert, date(day))
            .await
            .expect("raised"),
        None => false,
    };
    let check = NewCheck {
        day: date(day),
        position: 0,
        answers: 0,
        started: noon(),
        report: &json!({ "alerts": found.into_iter().collect::<Vec<_>>() }),
    };
    checks::insert(&transaction, &check).await.expect("kept");
    store::commit(transaction).await.expect("committed");
    is_new
}

#[actix_web::test]
async fn an_alert_is_new_again_after_a_check_without_it() {
    let world = World::new().await;
    let alert = Alert::Drift {
        subject: "maths".to_owned(),
        calibration: 0,
        activity: activity(DRIFTS),
        drift: Drift {
            month: date(0),
            answers: 100,
            answers_before: 100,
            change: 1.0,
            allowed: 0.5,
        },
    };
    let open = async || {
        let client = store::client(world.db.pool()).await.expect("a client");
        checks::open_alerts(&client).await.expect("counted")
    };
    assert!(checked(&world, 1, Some(&alert)).await);
    assert!(
        !checked(&world, 1, Some(&alert)).await,
        "the same day again"
    );
    assert!(!checked(&world, 2, Some(&alert)).await);
    assert_eq!(open().await, 1);
    checked(&world, 3, None).await;
    assert_eq!(open().await, 0);
    let seen = "select raised || ' ' || last_seen from analytics.alerts";
    let days = |raised, last: i64| format!("{} {}", date(raised), date(last));
    assert_eq!(world.text(seen).await, days(1, 2));
    assert!(checked(&world, 4, Some(&alert)).await);
    assert_eq!(world.text(seen).await, days(4, 4));
    checked(&world, 0, Some(&alert)).await;
    assert_eq!(
        world.text(seen).await,
        days(4, 4),
        "an older day changes nothing"
    );
    assert_eq!(open().await, 1);
}

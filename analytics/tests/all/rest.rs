//! What a caller of the REST resources sees.

use actix_web::test::TestRequest;
use schemas::framework::SECONDE_JSON;
use serde_json::{Value, json};

use crate::world::{HOME, World, given, noon};

/// Answers of one pupil, one an hour: enough for a level to show.
const ANSWERS: u64 = 60;

/// When all of them were given, in seconds after noon.
const AFTER_ALL_S: i64 = 300_000;

async fn a_pupil(world: &World, account: &'static str) -> String {
    for n in 0..ANSWERS {
        world
            .answer(&given(
                n,
                account,
                n as usize % 8,
                n % 4 != 0,
                3600 * n as i64,
            ))
            .await;
    }
    world.fold().await;
    resolve(world, account).await
}

async fn resolve(world: &World, account: &str) -> String {
    let body = json!({ "homePage": HOME, "name": account });
    let (status, body) = world.post("/api/v1/pupils/resolve", &body).await;
    assert_eq!(status, 200, "{body}");
    body["key"].as_str().expect("a key").to_owned()
}

async fn mastery(world: &World, key: &str, after_s: i64) -> Value {
    let as_of = noon() + chrono::TimeDelta::seconds(after_s);
    let as_of = as_of.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    let (status, body) = world
        .get(&format!("/api/v1/pupils/{key}/mastery?as_of={as_of}"))
        .await;
    assert_eq!(status, 200, "{body}");
    body
}

fn maths(body: &Value) -> &Value {
    let subjects = body["subjects"].as_array().expect("subjects");
    subjects
        .iter()
        .find(|subject| subject["subject"] == "maths")
        .expect("maths")
}

#[actix_web::test]
async fn a_pupils_mastery_has_levels_in_french() {
    let world = World::new().await;
    let key = a_pupil(&world, "a").await;
    let body = mastery(&world, &key, AFTER_ALL_S).await;
    let maths = maths(&body);
    assert_eq!(
        (&maths["answers"], &maths["correct"]),
        (&json!(60), &json!(45))
    );
    let first = &maths["domains"][0];
    assert!(
        first["mastery"]
            .as_f64()
            .is_some_and(|m| m > 0.0 && m < 1.0)
    );
    let shown = maths["domains"]
        .as_array()
        .expect("domains")
        .iter()
        .filter(|d| !d["degree"].is_null());
    let levels: Vec<_> = shown
        .map(|d| d["level"].as_str().unwrap_or_default())
        .collect();
    assert!(
        !levels.is_empty() && levels.iter().all(|level| level.starts_with("maîtrise")),
        "{levels:?}"
    );
    let untouched = maths["domains"]
        .as_array()
        .expect("domains")
        .iter()
        .find(|d| d["answers"] == 0)
        .expect("one");
    assert_eq!(untouched["level"], "pas encore assez de réponses");
    assert_eq!(untouched["degree"], Value::Null);
}

#[actix_web::test]
async fn as_of_leaves_later_answers_out() {
    let (whole, part) = (World::new().await, World::new().await);
    let key = a_pupil(&whole, "a").await;
    for n in 0..10 {
        part.answer(&given(n, "a", n as usize % 8, n % 4 != 0, 3600 * n as i64))
            .await;
    }
    part.fold().await;
    let at = 9 * 3600;
    let then = mastery(&whole, &key, at).await;
    assert_eq!(maths(&then)["answers"], 10);
    let part_key = resolve(&part, "a").await;
    assert_eq!(
        then["subjects"],
        mastery(&part, &part_key, at).await["subjects"]
    );
    assert_eq!(maths(&mastery(&whole, &key, -1).await)["answers"], 0);
    // Nothing practised, time passes: less is remembered.
    let mean = |body: &Value| {
        maths(body)["domains"][0]["mean"]
            .as_f64()
            .expect("a number")
    };
    assert!(
        mean(&mastery(&whole, &key, 40 * 86_400).await)
            < mean(&mastery(&whole, &key, AFTER_ALL_S).await)
    );
}

#[actix_web::test]
async fn voided_statements_change_what_is_shown() {
    let world = World::new().await;
    let key = a_pupil(&world, "a").await;
    let before = mastery(&world, &key, AFTER_ALL_S).await;
    for n in (0..ANSWERS).filter(|n| n % 4 == 0) {
        world.void(n).await;
    }
    world.fold().await;
    let after = mastery(&world, &key, AFTER_ALL_S).await;
    assert_eq!(maths(&after)["answers"], 45);
    let m = |body: &Value| {
        maths(body)["domains"][0]["mastery"]
            .as_f64()
            .expect("a number")
    };
    assert!(m(&after) > m(&before), "only right answers are left");
}

#[actix_web::test]
async fn a_framework_is_put_in_force_or_refused() {
    let world = World::new().await;
    let (status, body) = world
        .put("/api/v1/framework", "application/json", SECONDE_JSON.into())
        .await;
    assert_eq!(
        (status, &body["number"], &body["competencies"]),
        (200, &json!(2), &json!(25))
    );
    let (_, status) = world.get("/api/v1/status").await;
    assert_eq!(
        status["rebuilding"], false,
        "the same competencies make the same model"
    );

    let mut other: Value = serde_json::from_str(SECONDE_JSON).expect("JSON");
    other["domains"]
        .as_array_mut()
        .expect("domains")
        .truncate(5);
    let (status, body) = world
        .put(
            "/api/v1/framework",
            "application/json",
            other.to_string().into(),
        )
        .await;
    assert_eq!((status, &body["domains"]), (200, &json!(5)));
    let (_, status) = world.get("/api/v1/status").await;
    assert_eq!(status["rebuilding"], true);

    other["dated"] = json!("yesterday");
    let (status, body) = world
        .put(
            "/api/v1/framework",
            "application/json",
            other.to_string().into(),
        )
        .await;
    assert_eq!(
        (status, &body["pointer"], &body["rule"]),
        (400, &json!("/dated"), &json!("framework-date"))
    );
    let (_, in_force) = world.get("/api/v1/framework").await;
    assert_eq!(in_force["number"], 3);
}

#[actix_web::test]
async fn bad_requests_are_told_what_is_wrong() {
    let world = World::new().await;
    let nobody = "00000000-0000-4000-8000-000000000000";
    for (path, status, rule) in [
        (
            format!("/api/v1/pupils/{nobody}/mastery"),
            404,
            "pupil-unknown",
        ),
        (
            format!("/api/v1/classes/{nobody}/mastery"),
            404,
            "class-unknown",
        ),
        ("/api/v1/pupils/me/mastery".to_owned(), 400, "key-uuid"),
        ("/api/v1/classes/2A/mastery".to_owned(), 400, "key-uuid"),
        (
            format!("/api/v1/pupils/{nobody}/mastery?as_of=hier"),
            400,
            "as_of-rfc3339",
        ),
        (
            format!("/api/v1/pupils/{nobody}/mastery?as_of=2026-03-02T12:00:00"),
            400,
            "as_of-rfc3339",
        ),
        (
            format!("/api/v1/pupils/{nobody}/mastery?asof=x"),
            400,
            "query-parameters",
        ),
        ("/api/v1/roster".to_owned(), 405, "method"),
    ] {
        let (found, body) = world.get(&path).await;
        assert_eq!(
            (found, &body["rule"]),
            (status, &json!(rule)),
            "{path}: {body}"
        );
    }
    for (body, rule) in [
        (json!([]), "account-object"),
        (json!({ "homePage": HOME }), "account-name"),
        (
            json!({ "homePage": "ent", "name": "a" }),
            "account-home-page",
        ),
        (
            json!({ "homePage": HOME, "name": "a", "mbox": "b" }),
            "account-members",
        ),
        (json!({ "homePage": HOME, "name": 7 }), "account-name"),
    ] {
        let (status, body) = world.post("/api/v1/pupils/resolve", &body).await;
        assert_eq!((status, &body["rule"]), (400, &json!(rule)), "{body}");
    }
    let (status, _) = world
        .post(
            "/api/v1/pupils/resolve",
            &json!({ "homePage": HOME, "name": "a" }),
        )
        .await;
    assert_eq!(status, 404);
    let (status, _) = world.put("/api/v1/roster", "text/csv", b"x".to_vec()).await;
    assert_eq!(status, 415);
    let (status, _) = world
        .put(
            "/api/v1/framework",
            "application/json",
            b"{\"a\":1,\"a\":2}".to_vec(),
        )
        .await;
    assert_eq!(status, 400);
    let too_large = vec![b' '; world.analytics.config().body_max_bytes + 1];
    let (status, _) = world
        .put("/api/v1/framework", "application/json", too_large)
        .await;
    assert_eq!(status, 413);
}

#[actix_web::test]
async fn who_may_not_is_refused() {
    let world = World::new().await;
    for path in [
        "/api/v1/classes",
        "/api/v1/totals",
        "/api/v1/status",
        "/api/v1/framework",
        "/api/v1/fits",
    ] {
        let (status, _) = world.call(TestRequest::get().uri(path), "").await;
        assert_eq!(status, 401, "{path}");
        assert_eq!(world.get(path).await.0, 200, "{path}");
    }
    let (status, _) = world
        .put_as_reader("/api/v1/framework", "application/json", SECONDE_JSON.into())
        .await;
    assert_eq!(status, 403);
    let (status, _) = world
        .put_as_reader("/api/v1/roster", "application/zip", Vec::new())
        .await;
    assert_eq!(status, 403);
}

#[actix_web::test]
async fn before_the_first_start_it_says_to_try_again() {
    let world = World::bare().await;
    let (status, body) = world.get("/api/v1/totals").await;
    assert_eq!((status, &body["code"]), (503, &json!("unavailable")));
}

#[test]
fn openapi_has_every_route() {
    let document = serde_json::to_value(analytics::openapi()).expect("JSON");
    let mut paths: Vec<_> = document["paths"]
        .as_object()
        .expect("paths")
        .keys()
        .map(String::as_str)
        .collect();
    paths.sort_unstable();
    assert_eq!(
        paths,
        [
            "/api/v1/checks/last",
            "/api/v1/checks/last/reliability",
            "/api/v1/classes",
            "/api/v1/classes/{key}/mastery",
            "/api/v1/fits",
            "/api/v1/fits/{fit}",
            "/api/v1/framework",
            "/api/v1/jobs/mastery",
            "/api/v1/jobs/mastery-as-of",
            "/api/v1/pupils/resolve",
            "/api/v1/pupils/{key}/declared-profile",
            "/api/v1/pupils/{key}/evaluations",
            "/api/v1/pupils/{key}/evaluations/{evaluation}",
            "/api/v1/pupils/{key}/mastery",
            "/api/v1/pupils/{key}/mastery/{competency}/why",
            "/api/v1/pupils/{key}/odd-answers",
            "/api/v1/roster",
            "/api/v1/status",
            "/api/v1/totals",
        ]
    );
}

//! Each limit of the LRS has an answer of its own (docs/operations/limits.md). Those of attachments
//! stand in `attachments.rs`, those that the whole server has in `ops/tests/story/limits.rs`.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{Answer, App, agent, encode, id, statement};
use crate::mixed::Part;

async fn validate(app: &App, body: &str) -> Answer {
    let url = app.url.replace("/xapi", "/api/v1/statements/validate");
    let request = reqwest::Client::new()
        .post(url)
        .header("Authorization", app.authorization())
        .header("Content-Type", "application/json");
    Answer::of(request.body(body.to_owned())).await
}

async fn post(app: &App, body: &str) -> Answer {
    let request = app
        .request(Method::POST, "/statements")
        .header("Content-Type", "application/json");
    Answer::of(request.body(body.to_owned())).await
}

#[track_caller]
fn assert_told(answer: Answer, status: u16, code: &str, rule: &str) {
    let answer = answer.is(status);
    assert_eq!(answer.body["code"], code, "{}", answer.text);
    assert_eq!(answer.body["rule"], rule, "{}", answer.text);
}

#[actix_web::test]
async fn a_request_has_so_many_statements() {
    let app = App::with(|config| config.xapi.request_max_statements = 3).await;
    let many = |count: u32| -> Value {
        let statements: Vec<Value> = (1..=count)
            .map(|n| statement(id(n), "a", "v", "o"))
            .collect();
        json!(statements)
    };
    assert_told(
        app.post(&many(4)).await,
        413,
        "too_large",
        "statements-limit",
    );
    assert_told(
        app.post_parts(&[Part::json(&many(4))]).await,
        413,
        "too_large",
        "statements-limit",
    );
    // Told before anything is made of them, whatever they are.
    let numbers = format!("[{}]", vec!["1"; 5_000].join(","));
    assert_told(
        post(&app, &numbers).await,
        413,
        "too_large",
        "statements-limit",
    );
    let report = validate(&app, &many(4).to_string()).await.is(200);
    assert_eq!(
        report.body["faults"][0]["rule"],
        "validate-statements-limit"
    );
    assert_eq!(app.count().await, 0);
    let report = validate(&app, &many(3).to_string()).await.is(200);
    assert_eq!(report.body["accepted"], true);
    app.post(&many(3)).await.is(200);
}

/// A statement with so many arrays in each other, three levels down, and with brackets in a text.
fn nested(n: u32, arrays: usize) -> String {
    let mut statement = statement(id(n), "a", "v", "o");
    statement["object"]["definition"] = json!({ "name": { "fr": "[[[[[[[[[[[[{{{{" } });
    statement["context"] = json!({ "extensions": { "https://example.org/deep": 0 } });
    let deep = format!("{}{}", "[".repeat(arrays), "]".repeat(arrays));
    statement
        .to_string()
        .replace("deep\":0", &format!("deep\":{deep}"))
}

#[actix_web::test]
async fn statements_are_nested_so_deep() {
    let app = App::with(|config| config.xapi.nesting_max = 12).await;
    let (good, bad) = (nested(1, 9), nested(1, 10));
    for refused in [bad.clone(), format!("[{good}]")] {
        assert_told(post(&app, &refused).await, 400, "invalid", "json-depth");
        let report = validate(&app, &refused).await.is(200);
        assert_eq!(report.body["faults"][0]["rule"], "json-depth");
        assert_eq!(report.body["accepted"], false);
    }
    let parts = [Part::json(
        &serde_json::from_str::<Value>(&bad).expect("JSON"),
    )];
    assert_told(app.post_parts(&parts).await, 400, "invalid", "json-depth");
    assert_eq!(app.count().await, 0);
    post(&app, &good).await.is(200);
}

#[actix_web::test]
async fn bodies_share_their_room_and_give_it_back() {
    let app = App::sharing(|http| http.bodies_max_bytes = 50_000).await;
    let of = |n: u32, bytes: usize| {
        let mut statement = statement(id(n), "a", "v", "o");
        statement["object"]["definition"] = json!({ "name": { "fr": "x".repeat(bytes) } });
        statement
    };
    let large = of(1, 60_000);
    let state = format!(
        "/activities/state?activityId={}&agent={}&stateId=s",
        encode("https://example.org/activities/o"),
        encode(&agent("a"))
    );
    for _ in 0..3 {
        let form = app
            .bare(Method::POST, "/statements?method=POST")
            .header("Content-Type", "application/x-www-form-urlencoded")
            .body(format!("content={}", "x".repeat(60_000)));
        let packed = zstd::bulk::compress(large.to_string().as_bytes(), 3).expect("compressed");
        let packed = app
            .request(Method::POST, "/statements")
            .header("Content-Type", "application/json")
            .header("Content-Encoding", "zstd")
            .body(packed);
        let document = app
            .request(Method::PUT, &state)
            .header("Content-Type", "text/plain")
            .body("x".repeat(60_000));
        for busy in [
            app.post(&large).await,
            app.post_parts(&[Part::json(&large)]).await,
            validate(&app, &large.to_string()).await,
            Answer::of(form).await,
            Answer::of(packed).await,
            Answer::of(document).await,
        ] {
            assert_eq!(busy.header("retry-after"), "2");
            assert_told(busy, 503, "unavailable", "bodies-limit");
        }
    }
    assert_eq!(app.count().await, 0);
    for n in 1..=3 {
        app.post(&of(n, 40_000)).await.is(200);
    }
}

#[actix_web::test]
async fn a_caller_makes_so_many_requests() {
    let app = App::sharing(|http| {
        http.credential_requests_per_s = 1;
        http.credential_burst = 2;
    })
    .await;
    let other = app.db.basic(&[service::identity::Scope::All]).await;
    let answers = futures::future::join_all((0..20).map(|_| app.get(&[]))).await;
    let (passed, refused): (Vec<_>, Vec<_>) =
        answers.into_iter().partition(|answer| answer.status == 200);
    assert!(passed.len() >= 2, "a burst passes");
    assert!(!refused.is_empty(), "and no more");
    for answer in refused {
        assert_eq!(answer.header("retry-after"), "1");
        assert_eq!(answer.header("x-experience-api-version"), "1.0.3");
        assert_told(answer, 429, "too_many_requests", "requests-limit");
    }
    // Each credential by itself; who is none of ours is told so, and costs nobody a request.
    let asked = |authorization: &str| {
        app.bare(Method::GET, "/statements")
            .header("Authorization", authorization)
            .header("X-Experience-API-Version", "1.0.3")
    };
    Answer::of(asked(&other)).await.is(200);
    Answer::of(asked("Basic eDp5")).await.is(401);
}

#[actix_web::test]
async fn a_commit_that_takes_too_long_is_told() {
    let app = App::with(|config| config.ingest.wait_max_ms = 1_000).await;
    let holder = app.db.pool().get().await.expect("a connection");
    holder
        .batch_execute("begin; lock table lrs.statements in access exclusive mode")
        .await
        .expect("locked");
    let one = statement(id(1), "a", "v", "o");
    let release = async {
        tokio::time::sleep(Duration::from_millis(2_500)).await;
        holder.batch_execute("rollback").await.expect("released");
    };
    let (answer, ()) = futures::join!(app.post(&one), release);
    assert_eq!(answer.header("retry-after"), "2");
    assert_told(answer, 503, "unavailable", "commit-timeout");
    // It may be stored meanwhile: the same again is safe.
    app.post(&one).await.is(200);
    assert_eq!(app.count().await, 1);
}

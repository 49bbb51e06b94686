//! Statements checked without being stored, and the profile at the door.

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use service::identity::{ProfileMode, Scope};
use service::store::credentials;

use crate::app::{Answer, App, id, statement};

const VALIDATE: &str = "/api/v1/statements/validate";
const WARNINGS: &str = "/api/v1/statements/profile-warnings";

/// An answer of a pupil, as the profile has it.
fn by_the_profile() -> Value {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../schemas/fixtures/valid/answer.json");
    serde_json::from_slice(&std::fs::read(path).expect("a fixture")).expect("JSON")
}

fn request(app: &App, method: Method, path: &str, authorization: &str) -> RequestBuilder {
    let url = app.url.replace("/xapi", path);
    reqwest::Client::new()
        .request(method, url)
        .header("Authorization", authorization)
}

async fn validate(app: &App, query: &str, body: &Value) -> Answer {
    let authorization = app.db.basic(&[Scope::StatementsWrite]).await;
    let path = format!("{VALIDATE}{query}");
    let request = request(app, Method::POST, &path, &authorization)
        .header("Content-Type", "application/json");
    Answer::of(request.body(body.to_string())).await
}

/// A credential that may do everything, in a mode of its own.
async fn in_mode(app: &App, mode: Option<ProfileMode>) -> (String, String) {
    use base64::Engine as _;
    let new = app.db.credential(&[Scope::All]).await;
    let change = credentials::Change {
        profile_mode: Some(mode),
        ..credentials::Change::default()
    };
    let known = credentials::change(app.db.pool(), &new.key, change).await;
    assert!(known.expect("the database answers"));
    let pair = format!("{}:{}", new.key, new.reveal_secret());
    let encoded = base64::engine::general_purpose::STANDARD.encode(pair);
    (new.key, format!("Basic {encoded}"))
}

async fn post(app: &App, authorization: &str, body: &Value) -> Answer {
    let request = request(app, Method::POST, "/xapi/statements", authorization)
        .header("X-Experience-API-Version", "1.0.3")
        .header("Content-Type", "application/json");
    Answer::of(request.body(body.to_string())).await
}

#[actix_web::test]
async fn each_statement_is_told_whether_xapi_accepts_it_and_whether_it_follows_the_profile() {
    let app = App::start().await;
    let mut bad = by_the_profile();
    bad["actor"] = json!({ "mbox": "a@example.org" });
    let other = statement(id(1), "a", "v", "o");
    let report = validate(&app, "", &json!([by_the_profile(), other, bad]))
        .await
        .is(200);
    let told = |index: usize, pointer: &str| {
        report.body["statements"][index]
            .pointer(pointer)
            .cloned()
            .unwrap_or_default()
    };
    assert_eq!(report.body["version"], "1.0.3");
    assert_eq!(report.body["accepted"], false);
    assert_eq!(
        (told(0, "/accepted"), told(0, "/profile/follows")),
        (json!(true), json!(true))
    );
    assert_eq!(
        (told(1, "/accepted"), told(1, "/profile/follows")),
        (json!(true), json!(false))
    );
    assert_eq!(told(1, "/profile/faults/0/rule"), "profile-no-template");
    assert_eq!(
        (told(2, "/accepted"), told(2, "/profile/follows")),
        (json!(false), json!(false))
    );
    assert_eq!(told(2, "/profile/faults/0/pointer"), "/2/actor/mbox");

    // The words are those of the door.
    let refused = app
        .post(&json!([by_the_profile(), other, bad]))
        .await
        .is(400);
    for member in ["pointer", "rule", "section", "detail"] {
        assert_eq!(
            told(2, &format!("/faults/0/{member}")),
            refused.body["errors"][0][member],
            "{member}"
        );
    }
    assert_eq!(app.count().await, 0, "nothing is stored");
}

#[actix_web::test]
async fn the_version_is_the_parameter_then_the_header_then_1_0_3() {
    let app = App::start().await;
    let mut of_two = statement(id(1), "a", "v", "o");
    of_two["context"] = json!({ "contextAgents": [] });
    let authorization = app.db.basic(&[Scope::AllRead]).await;
    for (query, header, version) in [
        ("", None, "1.0.3"),
        ("", Some("2.0.0"), "2.0.0"),
        ("?version=2.0", Some("1.0.3"), "2.0.0"),
        ("?version=1.0.1", Some("2.0.0"), "1.0.3"),
    ] {
        let path = format!("{VALIDATE}{query}");
        let mut request = request(&app, Method::POST, &path, &authorization)
            .header("Content-Type", "application/json");
        if let Some(header) = header {
            request = request.header("X-Experience-API-Version", header);
        }
        let report = Answer::of(request.body(of_two.to_string())).await.is(200);
        assert_eq!(report.body["version"], version, "{query} {header:?}");
        assert_eq!(report.body["accepted"], version == "2.0.0");
    }
}

#[actix_web::test]
async fn a_body_that_is_no_json_is_told_in_the_report_and_a_bad_request_is_refused() {
    let app = App::start().await;
    let authorization = app.db.basic(&[Scope::StatementsWrite]).await;
    let send = |query: &str, media_type: &str, body: &str| {
        let path = format!("{VALIDATE}{query}");
        Answer::of(
            request(&app, Method::POST, &path, &authorization)
                .header("Content-Type", media_type)
                .body(body.to_owned()),
        )
    };
    let json = "application/json";
    let report = send("", json, r#"{"id":"x","id":"y"}"#).await.is(200);
    assert_eq!(report.body["faults"][0]["rule"], "json-duplicate-key");
    assert_eq!(report.body["accepted"], false);
    let many = format!("[{}]", vec!["{}"; 10_001].join(","));
    let report = send("", json, &many).await.is(200);
    assert_eq!(
        report.body["faults"][0]["rule"],
        "validate-statements-limit"
    );
    assert_eq!(
        send("?version=3", json, "{}").await.is(400).body["rule"],
        "version-header-supported"
    );
    assert_eq!(
        send("?versions=2", json, "{}").await.is(400).body["rule"],
        "query-parameter-unknown"
    );
    send("", "text/plain", "{}").await.is(400);
    Answer::of(request(&app, Method::GET, VALIDATE, &authorization))
        .await
        .is(405);
    Answer::of(request(&app, Method::POST, WARNINGS, &authorization))
        .await
        .is(405);
    Answer::of(request(&app, Method::GET, WARNINGS, &authorization))
        .await
        .is(403);
    let reader = app.db.basic(&[Scope::StatementsRead]).await;
    Answer::of(request(&app, Method::POST, VALIDATE, &reader))
        .await
        .is(403);
    Answer::of(request(&app, Method::POST, VALIDATE, "Basic eDp5"))
        .await
        .is(401);
}

#[actix_web::test]
async fn refuse_takes_nothing_that_does_not_follow_the_profile() {
    let app = App::start().await;
    let (_, refusing) = in_mode(&app, Some(ProfileMode::Refuse)).await;
    let other = statement(id(1), "a", "v", "o");
    let refused = post(&app, &refusing, &json!([by_the_profile(), other]))
        .await
        .is(400);
    assert_eq!(refused.body["code"], "profile");
    assert_eq!(refused.body["pointer"], "/1");
    assert_eq!(refused.body["rule"], "profile-no-template");
    assert_eq!(app.count().await, 0, "all or nothing");
    // A PUT and a single POST point into the statement itself.
    let mut named = by_the_profile();
    named["actor"]["name"] = json!("Alice Secret");
    let refused = post(&app, &refusing, &named).await.is(400);
    assert_eq!(refused.body["pointer"], "/actor/name");
    assert!(!refused.text.contains("Secret"));
    let key = named["id"].as_str().expect("an id");
    let put = request(
        &app,
        Method::PUT,
        &format!("/xapi/statements?statementId={key}"),
        &refusing,
    )
    .header("X-Experience-API-Version", "1.0.3")
    .header("Content-Type", "application/json");
    let refused = Answer::of(put.body(named.to_string())).await.is(400);
    assert_eq!(refused.body["rule"], "profile-excluded");
    post(&app, &refusing, &by_the_profile()).await.is(200);
    // What xAPI refuses is told first.
    let refused = post(&app, &refusing, &json!({})).await.is(400);
    assert_eq!(refused.body["code"], "invalid");
    assert_eq!(app.count().await, 1);
}

#[actix_web::test]
async fn warn_stores_and_counts_by_rule_and_credential() {
    let app = App::start().await;
    let two = app.another().await;
    let (key, warned) = in_mode(&app, Some(ProfileMode::Warn)).await;
    let (_, off) = in_mode(&app, Some(ProfileMode::Off)).await;
    for (n, authorization) in [(1, &warned), (3, &warned), (5, &off)] {
        let both = json!([
            statement(id(n), "a", "v", "o"),
            statement(id(n + 1), "a", "v", "o")
        ]);
        post(&app, authorization, &both).await.is(200);
    }
    let mut named = by_the_profile();
    named["actor"]["name"] = json!("x");
    post(&two, &warned, &named).await.is(200);
    assert_eq!(app.count().await, 7);
    let reader = app.db.basic(&[Scope::AllRead]).await;
    let shown = async |app: &App| {
        let answer = Answer::of(request(app, Method::GET, WARNINGS, &reader))
            .await
            .is(200);
        let warnings = answer.body["warnings"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        warnings
            .iter()
            .map(|one| {
                assert_eq!(one["credential"], key);
                assert!(one["first"].as_str() <= one["last"].as_str());
                (
                    one["rule"].as_str().unwrap_or_default().to_owned(),
                    one["statements"].clone(),
                )
            })
            .collect::<Vec<_>>()
    };
    let no_template = ("profile-no-template".to_owned(), json!(4));
    let excluded = ("profile-excluded".to_owned(), json!(1));
    // What a copy counted is there once it is asked, or a few seconds later.
    assert!(shown(&two).await.contains(&excluded));
    assert_eq!(shown(&app).await, [excluded.clone(), no_template]);
    post(&app, &warned, &statement(id(9), "a", "v", "o"))
        .await
        .is(200);
    assert_eq!(
        shown(&app).await,
        [("profile-no-template".to_owned(), json!(5)), excluded]
    );
}

#[actix_web::test]
async fn a_credential_without_a_mode_follows_the_setting() {
    let app = App::with(|config| config.profile.mode = ProfileMode::Refuse).await;
    let (_, by_setting) = in_mode(&app, None).await;
    let (_, off) = in_mode(&app, Some(ProfileMode::Off)).await;
    let other = statement(id(1), "a", "v", "o");
    post(&app, &by_setting, &other).await.is(400);
    post(&app, &off, &other).await.is(200);
}

//! `/xapi/activities`: canonical definitions (xAPI 1.0.3 Communication 2.5, Data 2.4.4.1).

use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use service::identity::Scope;

use crate::app::{Answer, App, id, statement};
use crate::documents::{VERSIONS, with_query};

async fn activity(app: &App, iri: &str) -> Answer {
    let path = with_query("/activities", &[("activityId", iri)]);
    Answer::of(app.request(Method::GET, &path)).await
}

fn iri(what: &str) -> String {
    format!("https://example.org/activities/{what}")
}

/// A statement that defines its object.
fn defining(n: u32, what: &str, definition: &Value) -> Value {
    let mut said = statement(id(n), "a", "v", what);
    said["object"]["definition"] = definition.clone();
    said
}

#[actix_web::test]
async fn an_activity_never_seen_is_given_with_its_id() {
    let app = App::start().await;
    app.post(&statement(id(1), "a", "v", "seen")).await.is(200);
    for version in VERSIONS {
        let app = app.another().await.speaking(version);
        for what in ["never", "seen", "\u{e9}"] {
            let found = activity(&app, &iri(what)).await.is(200);
            assert_eq!(
                found.body,
                json!({ "objectType": "Activity", "id": iri(what) })
            );
        }
        let never = with_query("/activities", &[("activityId", iri("never"))]);
        Answer::of(app.request(Method::HEAD, &never)).await.is(200);
        for (query, rule) in [
            (vec![], "query-parameter-required"),
            (vec![("activityId", "no-iri")], "query-not-iri"),
            (
                vec![("activityId", "https://example.org/a"), ("agent", "x")],
                "query-parameter-unknown",
            ),
        ] {
            let path = with_query("/activities", &query);
            let refused = Answer::of(app.request(Method::GET, &path)).await.is(400);
            assert_eq!(refused.body["rule"], rule);
            assert_eq!(refused.body["section"], "xAPI 1.0.3 Communication 2.5");
        }
    }
}

#[actix_web::test]
async fn what_statements_say_of_an_activity_is_merged() {
    let app = App::start().await;
    let first = json!({
        "name": { "en": "meeting", "fr": "reunion" },
        "type": "https://example.org/types/1",
        "interactionType": "choice",
        "correctResponsesPattern": ["a"],
        "choices": [{ "id": "a" }],
        "extensions": { "https://example.org/e/1": { "x": null } },
    });
    let second = json!({
        "name": { "fr": "réunion" },
        "type": "https://example.org/types/2",
        "interactionType": "numeric",
        "extensions": { "https://example.org/e/2": 2 },
    });
    // Both in one request: the second is the newer one.
    app.post(&json!([
        defining(1, "o", &first),
        defining(2, "o", &second)
    ]))
    .await
    .is(200);
    let found = activity(&app, &iri("o")).await.is(200);
    assert_eq!(
        found.body["definition"],
        json!({
            "name": { "en": "meeting", "fr": "réunion" },
            "type": "https://example.org/types/2",
            "interactionType": "numeric",
            "extensions": { "https://example.org/e/1": { "x": null }, "https://example.org/e/2": 2 },
        })
    );
    // Statements themselves come back as they were sent.
    let sent = app.get(&[("statementId", &id(1).to_string())]).await;
    assert_eq!(sent.body["object"]["definition"], first);
}

#[actix_web::test]
async fn numbers_keep_their_digits() {
    let app = App::start().await;
    let body = defining(1, "o", &json!({ "extensions": { "x:e": 0 } }))
        .to_string()
        .replace(r#""x:e":0"#, r#""x:e":12345678901234567890.50"#);
    let request = app
        .request(Method::POST, "/statements")
        .header("Content-Type", "application/json");
    Answer::of(request.body(body)).await.is(200);
    let found = activity(&app, &iri("o")).await.is(200);
    assert!(
        found.text.contains("12345678901234567890.50"),
        "{}",
        found.text
    );
}

#[actix_web::test]
async fn definitions_are_taken_from_wherever_they_stand() {
    let app = App::start().await;
    let named = |what: &str| json!({ "id": iri(what), "definition": { "name": { "fr": what } } });
    let mut said = statement(id(1), "a", "v", "o");
    said["context"] = json!({ "contextActivities": {
        "parent": named("parent"),
        "other": [named("other 1"), { "id": iri("bare") }, named("other2")],
    } });
    said["context"]["contextActivities"]["other"][0]["id"] = json!(iri("other1"));
    let mut sub = statement(id(0), "a", "v", "x");
    sub.as_object_mut().expect("an object").remove("id");
    sub["objectType"] = json!("SubStatement");
    sub["object"] = named("sub");
    sub["context"] = json!({ "contextActivities": { "grouping": [named("grouping")] } });
    let mut about = statement(id(2), "a", "v", "x");
    about["object"] = sub;
    app.post(&json!([said, about])).await.is(200);
    for what in ["parent", "other1", "other2", "sub", "grouping"] {
        let found = activity(&app, &iri(what)).await.is(200);
        assert!(
            found.body["definition"]["name"]["fr"].is_string(),
            "{}",
            found.text
        );
    }
    for what in ["o", "bare"] {
        let found = activity(&app, &iri(what)).await.is(200);
        assert_eq!(found.body["definition"], Value::Null, "{}", found.text);
    }
}

#[actix_web::test]
async fn who_may_not_define_leaves_the_definition_as_it_is() {
    let app = App::start().await;
    app.post(&defining(1, "o", &json!({ "name": { "fr": "a" } })))
        .await
        .is(200);
    for (n, scopes, name) in [
        (2, &[Scope::StatementsWrite][..], "a"),
        (3, &[Scope::StatementsWrite, Scope::Define], "b"),
    ] {
        let authorization = app.db.basic(scopes).await;
        let request = app
            .bare(Method::POST, "/statements")
            .header("Authorization", &authorization)
            .header("X-Experience-API-Version", "1.0.3")
            .header("Content-Type", "application/json")
            .body(defining(n, "o", &json!({ "name": { "fr": "b" } })).to_string());
        Answer::of(request).await.is(200);
        let found = activity(&app, &iri("o")).await.is(200);
        assert_eq!(found.body["definition"]["name"]["fr"], name);
    }
}

#[actix_web::test]
async fn a_request_that_lost_a_race_defines_nothing() {
    let one = App::start().await;
    let two = one.another().await;
    for round in 0..10_u32 {
        // All claim one id for different statements, each beside one that defines an activity.
        let posts = (0..12_u32).map(|poster| {
            let app = if poster % 2 == 0 { &one } else { &two };
            let what = format!("race{round}-{poster}");
            let definition = json!({ "name": { "fr": what } });
            let batch = json!([
                defining(1_000 * (round + 1) + 100 + poster, &what, &definition),
                statement(id(round + 1), &format!("p{poster}"), "v", "o"),
            ]);
            async move { (what, app.post(&batch).await) }
        });
        let mut stored = 0;
        for (what, answer) in join_all(posts).await {
            let found = activity(&one, &iri(&what)).await.is(200);
            if answer.status == 200 {
                stored += 1;
                assert_eq!(found.body["definition"]["name"]["fr"], what);
            } else {
                answer.is(409);
                assert_eq!(found.body["definition"], Value::Null, "{what}");
            }
        }
        assert_eq!(stored, 1);
    }
}

#[actix_web::test]
async fn who_posts_again_defines_what_was_not_defined_yet() {
    let app = App::start().await;
    let said = defining(1, "o", &json!({ "name": { "fr": "a" } }));
    app.post(&said).await.is(200);
    // As if the process had ended between the commit and the definition.
    let client = app.db.pool().get().await.expect("a connection");
    client
        .batch_execute("delete from lrs.definitions")
        .await
        .expect("deleted");
    let copy = app.another().await;
    copy.post(&said).await.is(200);
    let found = activity(&copy, &iri("o")).await.is(200);
    assert_eq!(found.body["definition"]["name"]["fr"], "a");
}

#[actix_web::test]
async fn a_class_that_sends_one_definition_writes_it_once() {
    let app = App::start().await;
    let definition = json!({ "name": { "fr": "exercice" }, "type": "https://example.org/t" });
    let posts = (1..=36_u32).map(|n| {
        let (app, said) = (&app, defining(n, "o", &definition));
        async move { app.post(&said).await }
    });
    for answer in join_all(posts).await {
        answer.is(200);
    }
    let updated = "select (extract(epoch from updated) * 1000000)::bigint from lrs.definitions";
    let first = app.number(updated).await;
    app.post(&defining(40, "o", &definition)).await.is(200);
    assert_eq!(app.number(updated).await, first);
}

#[actix_web::test]
async fn copies_that_define_the_same_activities_lose_nothing_and_never_deadlock() {
    let one = App::start().await;
    let two = one.another().await;
    for round in 0..5_u32 {
        let posts = (0..12_u32).map(|poster| {
            let app = if poster % 2 == 0 { &one } else { &two };
            let mut batch: Vec<Value> = (0..10)
                .map(|n| {
                    let definition = json!({ "extensions": { format!("x:{poster}"): n } });
                    let n = round * 10 + n;
                    defining(1_000 * (poster + 1) + n, &format!("a{n}"), &definition)
                })
                .collect();
            if poster % 3 == 0 {
                batch.reverse();
            }
            async move { app.post(&json!(batch)).await }
        });
        for answer in join_all(posts).await {
            answer.is(200);
        }
        for n in 0..10 {
            let found = activity(&one, &iri(&format!("a{}", round * 10 + n))).await;
            let extensions = found.body["definition"]["extensions"]
                .as_object()
                .unwrap_or_else(|| panic!("extensions: {}", found.text));
            assert_eq!(extensions.len(), 12, "{}", found.text);
        }
    }
    let deadlocks = "select deadlocks from pg_stat_database where datname = current_database()";
    assert_eq!(one.number(deadlocks).await, 0);
}

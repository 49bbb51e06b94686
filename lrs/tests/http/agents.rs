//! `/xapi/agents`: the Person (xAPI 1.0.3 Communication 2.4).

use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{Answer, App, id, statement, voiding};
use crate::documents::{VERSIONS, to};

async fn person(app: &App, agent: &Value) -> Answer {
    Answer::of(to(
        app,
        Method::GET,
        "/agents",
        &[("agent", agent.to_string())],
    ))
    .await
}

#[actix_web::test]
async fn each_identifier_is_an_array_of_a_person_never_seen_too() {
    let app = App::start().await;
    for version in VERSIONS {
        let app = app.another().await.speaking(version);
        for (kind, value) in [
            ("mbox", json!("mailto:a@example.org")),
            (
                "mbox_sha1sum",
                json!("a9993e364706816aba3e25717850c26c9cd0d89d"),
            ),
            ("openid", json!("https://example.org/a")),
            (
                "account",
                json!({ "homePage": "https://example.org", "name": "a" }),
            ),
        ] {
            let found = person(&app, &json!({ kind: value })).await.is(200);
            assert_eq!(found.body, json!({ "objectType": "Person", kind: [value] }));
            assert_eq!(found.header("content-type"), "application/json");
            let named = json!({ "objectType": "Agent", "name": "A", kind: value });
            assert_eq!(
                person(&app, &named).await.is(200).body,
                json!({ "objectType": "Person", "name": ["A"], kind: [value] })
            );
        }
    }
}

#[actix_web::test]
async fn names_are_those_of_its_newest_statements() {
    let app = App::start().await;
    let named = |n: u32, name: &str| {
        let mut said = statement(id(n), "a", "v", "o");
        said["actor"]["name"] = json!(name);
        said
    };
    let mut of_group = statement(id(9), "g", "v", "o");
    of_group["actor"]["objectType"] = json!("Group");
    of_group["actor"]["member"] = json!([named(0, "In a group")["actor"]]);
    for one in [
        named(1, "Old"),
        named(2, "Voided"),
        named(3, "New"),
        named(4, "Old"),
        of_group,
    ] {
        app.post(&one).await.is(200);
    }
    app.post(&voiding(id(5), id(2))).await.is(200);
    let asked = statement(id(0), "a", "v", "o")["actor"].clone();
    let found = person(&app, &asked).await.is(200);
    assert_eq!(
        found.body,
        json!({ "objectType": "Person", "name": ["Old", "New"], "account": [asked["account"]] })
    );
    let parameters = [("agent", asked.to_string())];
    let head = to(&app, Method::HEAD, "/agents", &parameters);
    let head = Answer::of(head).await.is(200);
    assert_eq!(head.header("etag"), found.header("etag"));
    let again =
        to(&app, Method::GET, "/agents", &parameters).header("If-None-Match", found.header("etag"));
    Answer::of(again).await.is(304);
}

#[actix_web::test]
async fn only_an_agent_is_a_person() {
    let app = App::start().await;
    for version in VERSIONS {
        let app = app.another().await.speaking(version);
        for (agent, rule) in [
            (json!({ "objectType": "Agent", "name": "A" }), ""),
            (
                json!({ "objectType": "Group", "mbox": "mailto:g@example.org" }),
                "query-agent-group",
            ),
            (json!("x"), ""),
            (
                json!({ "objectType": "Person", "mbox": ["mailto:a@example.org"] }),
                "",
            ),
            (
                json!({ "mbox": "mailto:a@example.org", "openid": "https://example.org/a" }),
                "",
            ),
        ] {
            let refused = person(&app, &agent).await.is(400);
            let told = refused.body["errors"][0].clone();
            let pointer = told["pointer"].as_str().expect("a pointer");
            assert!(pointer.starts_with("agent"), "{}", refused.text);
            assert!(rule.is_empty() || told["rule"] == rule, "{}", refused.text);
        }
        let none = Answer::of(app.request(Method::GET, "/agents"))
            .await
            .is(400);
        assert_eq!(none.body["rule"], "query-parameter-required");
        let agent = r#"{"mbox":"mailto:a@example.org"}"#.to_owned();
        let parameters = [("agent", agent), ("Agent", "x".to_owned())];
        let more = to(&app, Method::GET, "/agents", &parameters);
        let more = Answer::of(more).await.is(400);
        assert_eq!(more.body["pointer"], "Agent");
    }
}

//! `format`, Accept-Language, Last-Modified, HEAD (xAPI 1.0.3 Communication 2.1.3).

use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{Answer, App, id, statement, voiding};

fn rich(n: u32) -> Value {
    json!({
        "id": id(n),
        "actor": { "objectType": "Group", "name": "G", "member": [{ "name": "A", "mbox": "mailto:a@example.org" }] },
        "verb": { "id": "https://example.org/verbs/v", "display": { "en": "did", "fr": "a fait" } },
        "object": { "objectType": "Activity", "id": "https://example.org/activities/rich", "definition": {
            "name": { "fr-FR": "Exercice", "en-GB": "Exercise" },
            "type": "http://adlnet.gov/expapi/activities/cmi.interaction",
            "interactionType": "choice",
            "choices": [{ "id": "1", "description": { "en": "one", "fr": "un" } }],
        } },
        "context": {
            "instructor": { "objectType": "Agent", "name": "I", "account": { "homePage": "https://example.org", "name": "i" } },
            "contextActivities": { "parent": { "id": "https://example.org/activities/parent", "definition": { "name": { "de": "Kurs" } } } },
        },
    })
}

async fn got(app: &App, query: &str, languages: Option<&str>) -> Answer {
    let mut request = app.request(Method::GET, &format!("/statements?{query}"));
    if let Some(languages) = languages {
        request = request.header("Accept-Language", languages);
    }
    Answer::of(request).await.is(200)
}

#[actix_web::test]
async fn ids_are_what_identifies() {
    let app = App::start().await;
    app.post(&rich(1)).await.is(200);
    let one = got(&app, &format!("format=ids&statementId={}", id(1)), None).await;
    let mut body = one.body.clone();
    for set in ["stored", "timestamp", "version"] {
        body.as_object_mut().expect("an object").remove(set);
    }
    let authority = body["authority"].take();
    assert_eq!(
        body,
        json!({
            "id": id(1),
            "actor": { "objectType": "Group", "member": [{ "mbox": "mailto:a@example.org" }] },
            "verb": { "id": "https://example.org/verbs/v" },
            "object": { "id": "https://example.org/activities/rich" },
            "context": {
                "instructor": { "objectType": "Agent", "account": { "homePage": "https://example.org", "name": "i" } },
                "contextActivities": { "parent": [{ "id": "https://example.org/activities/parent" }] },
            },
            "authority": null,
        })
    );
    assert!(authority.get("name").is_none(), "{authority}");
    let page = got(&app, "format=ids", None).await;
    assert_eq!(page.body["statements"], json!([one.body]));
}

#[actix_web::test]
async fn canonical_has_one_language() {
    let app = App::start().await;
    app.post(&rich(1)).await.is(200);
    for (languages, verb, name, choice) in [
        (
            None,
            json!({ "en": "did" }),
            json!({ "fr-FR": "Exercice" }),
            json!({ "en": "one" }),
        ),
        (
            Some("fr"),
            json!({ "fr": "a fait" }),
            json!({ "fr-FR": "Exercice" }),
            json!({ "fr": "un" }),
        ),
        (
            Some("fr;q=0.2, en-GB"),
            json!({ "en": "did" }),
            json!({ "en-GB": "Exercise" }),
            json!({ "en": "one" }),
        ),
    ] {
        let one = got(
            &app,
            &format!("format=canonical&statementId={}", id(1)),
            languages,
        )
        .await;
        assert_eq!(
            one.body["verb"]["display"]
                .as_object()
                .map(serde_json::Map::len),
            Some(1)
        );
        if languages.is_some() {
            assert_eq!(one.body["verb"]["display"], verb, "{languages:?}");
            assert_eq!(one.body["object"]["definition"]["name"], name);
            assert_eq!(
                one.body["object"]["definition"]["choices"][0]["description"],
                choice
            );
        }
        let parent = &one.body["context"]["contextActivities"]["parent"][0];
        assert_eq!(parent["definition"]["name"], json!({ "de": "Kurs" }));
        assert_eq!(
            one.body["actor"],
            rich(1)["actor"],
            "agents stay as they were sent"
        );
        assert_eq!(one.header("vary"), "accept-language");
    }
    let exact = got(&app, &format!("statementId={}", id(1)), Some("fr")).await;
    assert_eq!(exact.body["verb"], rich(1)["verb"]);
    assert_eq!(exact.header("vary"), "");
}

#[actix_web::test]
async fn canonical_has_the_definition_that_is_kept() {
    let app = App::start().await;
    app.post(&rich(1)).await.is(200);
    // Another statement of the same activity without a definition, and one that says more of it.
    let mut more = statement(id(3), "b", "v", "rich");
    more["object"]["definition"] = json!({ "name": { "it": "Esercizio" } });
    app.post(&json!([statement(id(2), "b", "v", "rich"), more]))
        .await
        .is(200);
    for n in [1, 2, 3] {
        for (languages, name) in [
            ("it", json!({ "it": "Esercizio" })),
            ("en", json!({ "en-GB": "Exercise" })),
        ] {
            let one = got(
                &app,
                &format!("format=canonical&statementId={}", id(n)),
                Some(languages),
            )
            .await;
            assert_eq!(one.body["object"]["definition"]["name"], name, "{n}");
            assert_eq!(
                one.body["object"]["definition"]["interactionType"],
                "choice"
            );
        }
    }
    let exact = got(&app, &format!("statementId={}", id(2)), None).await;
    assert!(exact.body["object"].get("definition").is_none());
    let page = got(&app, "format=canonical", Some("it")).await;
    let names: Vec<&Value> = page.body["statements"]
        .as_array()
        .expect("a page")
        .iter()
        .map(|one| &one["object"]["definition"]["name"])
        .collect();
    assert_eq!(names, [&json!({ "it": "Esercizio" }); 3]);
}

#[actix_web::test]
async fn the_format_goes_with_the_pages() {
    let app = App::start().await;
    app.post(&json!([rich(1), rich(2), rich(3)])).await.is(200);
    let mut page = app.get(&[("format", "ids"), ("limit", "1")]).await.is(200);
    for n in [3, 2, 1] {
        assert_eq!(
            page.body["statements"][0]["verb"],
            json!({ "id": "https://example.org/verbs/v" }),
            "{n}"
        );
        assert_eq!(page.ids(), [id(n).to_string()]);
        if n > 1 {
            page = app
                .more(page.body["more"].as_str().expect("text"))
                .await
                .is(200);
        }
    }
    assert_eq!(page.body["more"], "");
}

#[actix_web::test]
async fn a_voided_statement_comes_in_any_format() {
    let app = App::start().await;
    app.post(&rich(1)).await.is(200);
    app.post(&voiding(id(2), id(1))).await.is(200);
    let text = id(1).to_string();
    for format in ["ids", "exact", "canonical"] {
        let parameters = [
            ("voidedStatementId", text.as_str()),
            ("format", format),
            ("attachments", "false"),
        ];
        assert_eq!(app.get(&parameters).await.is(200).body["id"], text);
    }
    for other in [
        "agent",
        "verb",
        "activity",
        "registration",
        "related_activities",
        "related_agents",
        "since",
        "until",
        "limit",
        "ascending",
    ] {
        let value = match other {
            "agent" => r#"{"mbox":"mailto:a@example.org"}"#,
            "verb" | "activity" => "https://example.org/x",
            "registration" => &text,
            "since" | "until" => "2026-01-01T00:00:00Z",
            "limit" => "1",
            _ => "true",
        };
        for single in ["statementId", "voidedStatementId"] {
            let told = app.get(&[(single, &text), (other, value)]).await.is(400);
            assert_eq!(
                told.body["errors"][0]["rule"], "query-parameter-combination",
                "{other}: {}",
                told.text
            );
            assert_eq!(told.body["errors"][0]["pointer"], other);
        }
    }
}

#[actix_web::test]
async fn last_modified_is_when_the_newest_was_stored() {
    let app = App::start().await;
    app.post(&statement(id(1), "a", "v", "o")).await.is(200);
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    app.post(&statement(id(2), "b", "v", "o")).await.is(200);
    let second = |answer: &Answer| {
        let at =
            chrono::DateTime::parse_from_rfc2822(answer.header("last-modified")).expect("a date");
        at.timestamp()
    };
    let stored = |statement: &Value| {
        let stored = statement["stored"].as_str().expect("a time");
        chrono::DateTime::parse_from_rfc3339(stored)
            .expect("a time")
            .timestamp()
    };
    let one = app
        .get(&[("statementId", &id(1).to_string())])
        .await
        .is(200);
    assert_eq!(second(&one), stored(&one.body));
    assert_eq!(
        app.get(&[]).await.is(200).header("last-modified"),
        "",
        "1.0.3 tells it of one statement"
    );
    let app = app.another().await.speaking("2.0.0");
    for ascending in ["true", "false"] {
        let page = app.get(&[("ascending", ascending)]).await.is(200);
        let newest = page.body["statements"]
            .as_array()
            .expect("a page")
            .iter()
            .map(stored)
            .max();
        assert_eq!(Some(second(&page)), newest);
    }
    let nothing = app
        .get(&[("verb", "https://example.org/none")])
        .await
        .is(200);
    assert_eq!(
        (nothing.header("last-modified"), nothing.text.as_str()),
        ("", r#"{"statements":[],"more":""}"#)
    );
}

#[actix_web::test]
async fn head_tells_what_get_would() {
    let app = App::start().await;
    app.post(&rich(1)).await.is(200);
    for (query, status) in [
        ("format=ids".to_owned(), 200),
        (format!("statementId={}&format=canonical", id(1)), 200),
        (format!("statementId={}", id(9)), 404),
        ("verb=none".to_owned(), 400),
    ] {
        let path = format!("/statements?{query}");
        let get = Answer::of(app.request(Method::GET, &path)).await.is(status);
        let head = Answer::of(app.request(Method::HEAD, &path))
            .await
            .is(status);
        assert_eq!(head.text, "");
        for name in [
            "content-type",
            "content-length",
            "last-modified",
            "x-experience-api-version",
        ] {
            assert_eq!(head.header(name), get.header(name), "{name} of {query}");
        }
        assert!(
            !head
                .header("x-experience-api-consistent-through")
                .is_empty()
        );
    }
}

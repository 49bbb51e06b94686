//! PUT, POST and GET of statements.

use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{Answer, App, agent, answer, id, statement};

#[actix_web::test]
async fn a_statement_put_is_given_back_as_it_was_sent() {
    let app = App::start().await;
    let sent = r#"{"actor":{"mbox":"mailto:a@example.org"},"verb":{"id":"https://example.org/v"},
        "object":{"id":"https://example.org/o"},"result":{"score":{"raw":1.50,"max":1e1,"min":0.0}},
        "context":{"contextActivities":{"parent":{"id":"https://example.org/p"}},
        "extensions":{"https://example.org/e":12345678901234567890123}},"timestamp":"2026-10-05T18:42:11.25+02:00"}"#;
    let path = format!("/statements?statementId={}", id(1));
    let put = app
        .request(Method::PUT, &path)
        .header("Content-Type", "application/json")
        .body(sent);
    let put = Answer::of(put).await.is(204);
    assert_eq!(put.text, "");

    let got = app
        .get(&[("statementId", &id(1).to_string())])
        .await
        .is(200);
    for digits in [
        r#""raw":1.50"#,
        r#""max":1e1"#,
        r#""min":0.0"#,
        "12345678901234567890123",
        "11.25+02:00",
    ] {
        assert!(got.text.contains(digits), "{digits} in {}", got.text);
    }
    assert_eq!(got.body["id"], id(1).to_string());
    assert_eq!(got.body["version"], "1.0.0");
    assert_eq!(
        got.body["context"]["contextActivities"]["parent"],
        json!([{ "id": "https://example.org/p" }])
    );
    assert_eq!(
        got.body["authority"]["account"]["homePage"],
        "https://w3id.org/sillage/lrs"
    );
    assert!(
        got.body["stored"]
            .as_str()
            .is_some_and(|stored| stored.len() == 27 && stored.ends_with('Z'))
    );
    assert!(!got.header("last-modified").is_empty());
    let head = app
        .request(Method::HEAD, &path)
        .send()
        .await
        .expect("an answer");
    assert_eq!(
        (
            head.status().as_u16(),
            head.headers().get("last-modified").is_some()
        ),
        (200, true)
    );
}

#[actix_web::test]
async fn posted_statements_answer_their_ids_in_order() {
    let app = App::start().await;
    let mut without = statement(id(0), "a", "v", "o");
    without.as_object_mut().expect("an object").remove("id");
    let posted = app
        .post(&json!([
            statement(id(2), "a", "v", "o"),
            without,
            statement(id(1), "a", "v", "o")
        ]))
        .await
        .is(200);
    let ids = posted.body.as_array().expect("ids");
    assert_eq!((&ids[0], &ids[2]), (&json!(id(2)), &json!(id(1))));
    let minted = ids[1].as_str().expect("an id");
    let got = app.get(&[("statementId", minted)]).await.is(200);
    assert_eq!(got.body["id"], minted);
    assert_eq!(
        got.body["timestamp"], got.body["stored"],
        "a missing timestamp is set to stored"
    );
    // One statement alone, and none at all.
    assert_eq!(
        app.post(&statement(id(3), "a", "v", "o"))
            .await
            .is(200)
            .body,
        json!([id(3)])
    );
    assert_eq!(app.post(&json!([])).await.is(200).body, json!([]));
    assert_eq!(app.count().await, 4);
}

#[actix_web::test]
async fn the_same_statement_twice_is_stored_once() {
    let app = App::start().await;
    let mut sent = answer(id(1), "a", "o", true);
    app.post(&sent).await.is(200);
    app.post(&sent).await.is(200);
    app.put(id(1), &sent).await.is(204);
    // What the LRS set may come back, an instant be told elsewhere.
    let got = app
        .get(&[("statementId", &id(1).to_string())])
        .await
        .is(200);
    app.post(&got.body).await.is(200);
    sent["timestamp"] = json!("2026-10-05T16:42:11.25Z");
    sent["verb"]["display"] = json!({ "en": "answered" });
    app.post(&sent).await.is(200);
    assert_eq!(app.count().await, 1);
    assert_eq!(
        app.number("select count(*) from published.answers_feed")
            .await,
        1
    );
}

#[actix_web::test]
async fn a_conflict_stores_nothing_of_its_request() {
    let app = App::start().await;
    app.post(&statement(id(1), "a", "v", "o")).await.is(200);
    let batch = json!([
        statement(id(2), "a", "v", "o"),
        statement(id(1), "a", "other", "o")
    ]);
    let refused = app.post(&batch).await.is(409);
    assert_eq!(refused.body["pointer"], "/1/id");
    assert_eq!(refused.body["rule"], "statement-id-conflict");
    assert_eq!(refused.header("content-type"), "application/problem+json");
    let refused = app
        .put(id(1), &statement(id(1), "b", "v", "o"))
        .await
        .is(409);
    assert_eq!(refused.body["pointer"], "/id");
    assert_eq!(app.count().await, 1);
}

#[actix_web::test]
async fn each_filter_finds_its_statements() {
    let app = App::start().await;
    let mut registered = statement(id(3), "b", "w", "p");
    registered["context"] = json!({ "registration": id(77) });
    let mut about_a = statement(id(4), "c", "v", "x");
    about_a["object"] = json!({ "objectType": "Agent", "account": { "homePage": "https://school.example.org", "name": "a" } });
    let mut group = statement(id(5), "c", "v", "o");
    group["actor"] =
        json!({ "objectType": "Group", "member": [statement(id(0), "a", "v", "o")["actor"]] });
    let first = json!([
        statement(id(1), "a", "v", "o"),
        statement(id(2), "a", "w", "o"),
        registered
    ]);
    app.post(&first).await.is(200);
    let stored = app.get(&[("statementId", &id(1).to_string())]).await.body["stored"].clone();
    let stored = stored.as_str().expect("a time");
    app.post(&json!([about_a, group])).await.is(200);

    let (a, b) = (agent("a"), agent("b"));
    let (v, w) = ("https://example.org/verbs/v", "https://example.org/verbs/w");
    let o = "https://example.org/activities/o";
    let registration = id(77).to_string();
    for (parameters, wanted) in [
        (vec![], vec![5, 4, 3, 2, 1]),
        (vec![("ascending", "true")], vec![1, 2, 3, 4, 5]),
        (vec![("limit", "2")], vec![5, 4, 3, 2, 1]),
        (
            vec![("limit", "2"), ("ascending", "true")],
            vec![1, 2, 3, 4, 5],
        ),
        (vec![("agent", &a)], vec![5, 4, 2, 1]),
        (
            vec![("agent", &a), ("ascending", "true"), ("limit", "1")],
            vec![1, 2, 4, 5],
        ),
        (vec![("agent", &a), ("verb", w)], vec![2]),
        (vec![("agent", &b)], vec![3]),
        (vec![("verb", v)], vec![5, 4, 1]),
        (vec![("activity", o)], vec![5, 2, 1]),
        (vec![("activity", o), ("verb", w)], vec![2]),
        (vec![("registration", &registration)], vec![3]),
        (vec![("since", stored)], vec![5, 4]),
        (vec![("until", stored)], vec![3, 2, 1]),
        (
            vec![("until", stored), ("agent", &a), ("limit", "1")],
            vec![2, 1],
        ),
        (vec![("since", stored), ("agent", &a)], vec![5, 4]),
        (vec![("verb", "https://example.org/verbs/never")], vec![]),
        (
            vec![("agent", r#"{"mbox":"mailto:nobody@example.org"}"#)],
            vec![],
        ),
    ] {
        let wanted: Vec<String> = wanted.into_iter().map(|n| id(n).to_string()).collect();
        assert_eq!(app.all(&parameters).await, wanted, "{parameters:?}");
    }
}

#[actix_web::test]
async fn mails_meet_whatever_the_case_of_their_domain() {
    let app = App::start().await;
    let mut sent = statement(id(1), "a", "v", "o");
    sent["actor"] = json!({ "mbox": "mailto:Ada@Example.org", "name": "someone" });
    app.post(&sent).await.is(200);
    let found = app
        .get(&[("agent", r#"{"mbox":"mailto:Ada@example.ORG"}"#)])
        .await
        .is(200);
    assert_eq!(found.ids(), [id(1).to_string()]);
    let none = app
        .get(&[("agent", r#"{"mbox":"mailto:ada@example.org"}"#)])
        .await
        .is(200);
    assert_eq!(none.ids(), Vec::<String>::new());
}

#[actix_web::test]
async fn under_2_0_times_are_told_in_utc() {
    let app = App::start().await.speaking("2.0.0");
    app.post(&answer(id(1), "a", "o", true)).await.is(200);
    let got = app
        .get(&[("statementId", &id(1).to_string())])
        .await
        .is(200);
    assert_eq!(got.body["timestamp"], "2026-10-05T16:42:11.250Z");
    assert_eq!(got.body["version"], "2.0.0");
}

#[actix_web::test]
async fn a_reader_of_1_0_3_is_given_a_statement_of_2_0_as_it_is() {
    let old = App::start().await;
    let new = old.another().await.speaking("2.0.0");
    let mut sent = statement(id(1), "a", "v", "o");
    sent["timestamp"] = json!("2026-10-05T18:42:11.2500000000001+02:00");
    sent["context"] = json!({
        "contextAgents": [{ "objectType": "contextAgent", "relevantTypes": ["https://example.org/types/tutor"],
            "agent": { "objectType": "Agent", "name": "T", "mbox": "mailto:tutor@example.org" } }],
        "contextGroups": [{ "objectType": "contextGroup",
            "group": { "objectType": "Group", "name": "G", "mbox": "mailto:group@example.org" } }],
    });
    new.post(&sent).await.is(200);

    let text = id(1).to_string();
    let exact = old.get(&[("statementId", &text)]).await.is(200);
    assert_eq!(exact.header("x-experience-api-version"), "1.0.3");
    for member in ["actor", "verb", "object", "context", "timestamp"] {
        assert_eq!(exact.body[member], sent[member], "{member}");
    }
    assert_eq!(exact.body["version"], "2.0.0");

    let ids = old
        .get(&[("statementId", &text), ("format", "ids")])
        .await
        .is(200);
    for (list, who) in [("contextAgents", "agent"), ("contextGroups", "group")] {
        let who = sent["context"][list][0][who].as_object_mut();
        who.expect("an actor").remove("name");
    }
    for member in ["context", "timestamp"] {
        assert_eq!(ids.body[member], sent[member], "{member}");
    }
    assert_eq!(ids.body["version"], "2.0.0");

    let told = new.get(&[("statementId", &text)]).await.is(200);
    assert_eq!(told.body["timestamp"], "2026-10-05T16:42:11.2500000000001Z");
}

#[actix_web::test]
async fn what_a_reader_of_another_version_was_given_is_the_same_statement() {
    let old = App::start().await;
    let new = old.another().await.speaking("2.0.0");
    let mut of_old = answer(id(1), "a", "o", true);
    of_old["timestamp"] = json!("2026-10-05T18:42:11.25+0200");
    of_old["context"] =
        json!({ "contextActivities": { "parent": { "id": "https://example.org/p" } } });
    old.post(&of_old).await.is(200);
    let one = new
        .get(&[("statementId", &id(1).to_string())])
        .await
        .is(200)
        .body;
    assert_eq!(one["timestamp"], "2026-10-05T16:42:11.25Z");
    assert_eq!(one["version"], "1.0.0");
    new.post(&one).await.is(200);
    old.post(&one).await.is(200);

    new.post(&answer(id(2), "a", "o", true)).await.is(200);
    let two = old
        .get(&[("statementId", &id(2).to_string())])
        .await
        .is(200)
        .body;
    assert_eq!(two["timestamp"], "2026-10-05T18:42:11.250+02:00");
    new.post(&two).await.is(200);

    for mut other in [one, two] {
        other["verb"]["id"] = json!("https://example.org/verbs/other");
        let refused = new.post(&other).await.is(409);
        assert_eq!(refused.body["rule"], "statement-id-conflict");
    }
    assert_eq!(old.count().await, 2);
}

#[actix_web::test]
async fn candidate_answers_stand_in_the_feed() {
    let app = App::start().await;
    let mut partial = answer(id(1), "a", "o", true);
    partial["result"] = json!({ "score": { "scaled": 0.25 }, "duration": "PT12.4S" });
    partial["context"] = json!({ "registration": id(9), "extensions": {
        "https://w3id.org/sillage/ext/device-id": "d1", "https://w3id.org/sillage/ext/seq": 7,
        "https://w3id.org/sillage/ext/clock-skew-ms": -1500, "https://w3id.org/sillage/ext/origin": "free",
        "https://w3id.org/sillage/ext/attempt": 2, "https://w3id.org/sillage/ext/hints": 0,
        "https://w3id.org/sillage/ext/offline": true } });
    let mut without = answer(id(2), "a", "o", true);
    without["result"] = json!({ "response": "3x" });
    app.post(&json!([partial, without, statement(id(3), "a", "v", "o")]))
        .await
        .is(200);

    let client = app.db.pool().get().await.expect("a connection");
    let rows = client
        .query(
            "select row_to_json(f)::text from published.answers_feed f order by seq",
            &[],
        )
        .await
        .expect("the feed");
    let rows: Vec<Value> = rows
        .iter()
        .map(|row| serde_json::from_str(row.get(0)).expect("JSON"))
        .collect();
    assert_eq!(rows.len(), 2);
    let picked = |row: &Value, names: &[&str]| {
        names
            .iter()
            .map(|name| row[*name].clone())
            .collect::<Vec<_>>()
    };
    let names = [
        "kind",
        "activity",
        "correct",
        "outcome",
        "has_offset",
        "skew_ms",
        "device_id",
        "device_seq",
        "duration_ms",
        "origin",
        "attempt",
        "hints",
        "offline",
        "left_out",
        "voided",
    ];
    assert_eq!(
        json!(picked(&rows[0], &names)),
        json!([
            "answer",
            "https://example.org/activities/o",
            false,
            0.25,
            true,
            -1500,
            "d1",
            7,
            12_400,
            "free",
            2,
            0,
            true,
            null,
            false
        ])
    );
    assert_eq!(
        json!(picked(&rows[1], &["kind", "left_out", "correct", "voided"])),
        json!(["left_out", "no_outcome", null, false])
    );
    assert_eq!(rows[0]["account"], rows[1]["account"]);
    assert!(rows[0]["account"].is_string());
}

//! Malformed requests of every kind: each a 4xx that names its rule, nothing stored, no 5xx.

use reqwest::Method;
use serde_json::{Value, json};
use service::identity::Scope;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::app::{Answer, App, agent, id, statement, voiding};

/// A statement with one change: the member at a pointer is set, or (null) removed.
fn with(pointer: &str, value: Value) -> String {
    let mut changed = statement(id(1), "a", "v", "o");
    let (parent, key) = pointer.rsplit_once('/').expect("a pointer");
    let parent = changed
        .pointer_mut(parent)
        .and_then(Value::as_object_mut)
        .expect("an object");
    if value.is_null() {
        parent.remove(key)
    } else {
        parent.insert(key.to_owned(), value)
    };
    changed.to_string()
}

/// A statement about another that has this context.
fn in_sub_statement(context: Value) -> String {
    let mut inner = statement(id(2), "a", "v", "o");
    let members = inner.as_object_mut().expect("an object");
    members.remove("id");
    members.insert("objectType".to_owned(), json!("SubStatement"));
    members.insert("context".to_owned(), context);
    with("/object", inner)
}

/// What, body of a POST, pointer, rule.
fn bodies() -> Vec<(&'static str, Vec<u8>, &'static str, &'static str)> {
    let text = |body: String| body.into_bytes();
    let good = statement(id(1), "a", "v", "o").to_string();
    vec![
        ("no JSON", text("statement".into()), "", "json-syntax"),
        ("nothing", vec![], "", "json-syntax"),
        (
            "cut off",
            text(good[..good.len() - 1].into()),
            "",
            "json-syntax",
        ),
        (
            "something after it",
            text(format!("{good} x")),
            "",
            "json-trailing",
        ),
        (
            "not UTF-8",
            [good.as_bytes(), b"\xff"].concat(),
            "",
            "json-utf8",
        ),
        (
            "a key twice",
            text(good.replacen('{', r#"{"id":"x","#, 1)),
            "/id",
            "json-duplicate-key",
        ),
        (
            "U+0000",
            text(with("/result", json!({ "response": "a\0b" }))),
            "/result/response",
            "json-nul",
        ),
        (
            "a lone surrogate",
            text(good.replacen('{', r#"{"x":"\ud800","#, 1)),
            "/x",
            "json-lone-surrogate",
        ),
        (
            "too deep",
            text(format!("{}{}", "[".repeat(200), "]".repeat(200))),
            "*",
            "json-depth",
        ),
        (
            "a number beyond all",
            text(with("/result", json!({ "score": { "raw": 0 } })).replace(":0}", ":1e999}")),
            "*",
            "json-number-range",
        ),
        ("a text", text("\"x\"".into()), "", "statement-not-object"),
        (
            "an array in an array",
            text(format!("[[{good}]]")),
            "/0",
            "statement-not-object",
        ),
        ("null", text("null".into()), "", "statement-not-object"),
        ("an empty object", text("{}".into()), "", "actor-missing"),
        (
            "an unknown field",
            text(with("/extra", json!(1))),
            "/extra",
            "unknown-property",
        ),
        (
            "a field in another case",
            text(with("/Actor", json!({}))),
            "/Actor",
            "property-case",
        ),
        (
            "a null",
            text(with("/result", json!({ "success": null }))),
            "/result/success",
            "null-value",
        ),
        (
            "no actor",
            text(with("/actor", Value::Null)),
            "",
            "actor-missing",
        ),
        (
            "no verb",
            text(with("/verb", Value::Null)),
            "",
            "verb-missing",
        ),
        (
            "no object",
            text(with("/object", Value::Null)),
            "",
            "object-missing",
        ),
        (
            "an id that is no UUID",
            text(with("/id", json!("1"))),
            "/id",
            "id-not-uuid",
        ),
        (
            "a number as id",
            text(with("/id", json!(1))),
            "/id",
            "wrong-type",
        ),
        (
            "no identifier",
            text(with(
                "/actor",
                json!({ "objectType": "Agent", "name": "x" }),
            )),
            "/actor",
            "ifi-missing",
        ),
        (
            "two identifiers",
            text(with("/actor/mbox", json!("mailto:a@example.org"))),
            "/actor",
            "ifi-several",
        ),
        (
            "a mail without mailto",
            text(with("/actor", json!({ "mbox": "a@example.org" }))),
            "/actor/mbox",
            "mbox-not-mailto",
        ),
        (
            "a short SHA-1",
            text(with("/actor", json!({ "mbox_sha1sum": "ab" }))),
            "/actor/mbox_sha1sum",
            "mbox-sha1sum-not-hex",
        ),
        (
            "a relative homePage",
            text(with("/actor/account/homePage", json!("/ido"))),
            "/actor/account/homePage",
            "account-home-page-not-iri",
        ),
        (
            "an account without name",
            text(with("/actor/account/name", Value::Null)),
            "/actor/account",
            "account-name-missing",
        ),
        (
            "a group in a group",
            text(with(
                "/actor",
                json!({ "objectType": "Group", "member": [{ "objectType": "Group", "member": [] }] }),
            )),
            "/actor/member/0*",
            "member-not-agent",
        ),
        (
            "a verb without id",
            text(with("/verb/id", Value::Null)),
            "/verb",
            "verb-id-missing",
        ),
        (
            "a verb that is no IRI",
            text(with("/verb/id", json!("answered"))),
            "/verb/id",
            "verb-id-not-iri",
        ),
        (
            "a display in no language",
            text(with("/verb/display", json!({ "français": "x" }))),
            "/verb/display*",
            "language-map-key",
        ),
        (
            "an activity that is no IRI",
            text(with("/object/id", json!("a b"))),
            "/object/id",
            "activity-id-not-iri",
        ),
        (
            "an unknown type of object",
            text(with("/object/objectType", json!("Thing"))),
            "/object/objectType",
            "object-type-unknown",
        ),
        (
            "a score out of range",
            text(with("/result", json!({ "score": { "scaled": 1.01 } }))),
            "/result/score/scaled",
            "scaled-out-of-range",
        ),
        (
            "a score above its maximum",
            text(with("/result", json!({ "score": { "raw": 3, "max": 2 } }))),
            "/result/score*",
            "raw-out-of-range",
        ),
        (
            "success as text",
            text(with("/result", json!({ "success": "true" }))),
            "/result/success",
            "wrong-type",
        ),
        (
            "a duration of no form",
            text(with("/result", json!({ "duration": "12 s" }))),
            "/result/duration",
            "duration-not-iso8601",
        ),
        (
            "a timestamp of no form",
            text(with("/timestamp", json!("05/10/2026"))),
            "/timestamp",
            "timestamp-not-iso8601",
        ),
        (
            "a day that is none",
            text(with("/timestamp", json!("2026-02-30T00:00:00Z"))),
            "/timestamp",
            "timestamp-not-iso8601",
        ),
        (
            "an offset of minus zero",
            text(with("/timestamp", json!("2026-10-05T18:42:11-00:00"))),
            "/timestamp",
            "timestamp-minus-zero-offset",
        ),
        (
            "a registration that is no UUID",
            text(with("/context", json!({ "registration": "x" }))),
            "/context/registration",
            "registration-not-uuid",
        ),
        (
            "a language that is none",
            text(with("/context", json!({ "language": "fr_FR" }))),
            "/context/language",
            "language-not-tag",
        ),
        (
            "an extension without IRI",
            text(with("/context", json!({ "extensions": { "origin": 1 } }))),
            "/context/extensions/origin",
            "extension-key-not-iri",
        ),
        (
            "another kind of context activity",
            text(with(
                "/context",
                json!({ "contextActivities": { "sibling": [] } }),
            )),
            "/context/contextActivities/sibling",
            "context-activities-key",
        ),
        (
            "a version of the future",
            text(with("/version", json!("3.0.0"))),
            "/version",
            "version-unsupported",
        ),
        (
            "a version that is no number",
            text(with("/version", json!("1.0.foo"))),
            "/version",
            "version-unsupported",
        ),
        (
            "contextAgents, which are of 2.0",
            text(with("/context", json!({ "contextAgents": [] }))),
            "/context/contextAgents",
            "unknown-property",
        ),
        (
            "contextGroups, which are of 2.0",
            text(with("/context", json!({ "contextGroups": [] }))),
            "/context/contextGroups",
            "unknown-property",
        ),
        (
            "contextAgents in a SubStatement",
            text(in_sub_statement(
                json!({ "contextAgents": [{ "objectType": "contextAgent",
                "agent": { "mbox": "mailto:a@example.org" } }] }),
            )),
            "/object/context/contextAgents",
            "unknown-property",
        ),
        (
            "contextGroups in a SubStatement",
            text(in_sub_statement(
                json!({ "contextGroups": [{ "objectType": "contextGroup",
                "group": { "objectType": "Group", "member": [] } }] }),
            )),
            "/object/context/contextGroups",
            "unknown-property",
        ),
        (
            "a voiding of an activity",
            text(with(
                "/verb/id",
                json!("http://adlnet.gov/expapi/verbs/voided"),
            )),
            "/object*",
            "voiding-object",
        ),
        (
            "a voiding of no UUID",
            text({
                let mut void = voiding(id(1), id(2));
                void["object"]["id"] = json!("x");
                void.to_string()
            }),
            "/object/id",
            "statement-ref-id-not-uuid",
        ),
        (
            "an attachment beside it",
            text(with(
                "/attachments",
                json!([{ "usageType": "https://example.org/u", "display": { "fr": "x" }, "contentType": "text/plain", "length": 1, "sha2": "a".repeat(64) }]),
            )),
            "/attachments/0",
            "attachment-file-url",
        ),
        (
            "one bad statement of three",
            text(format!(
                "[{good},{},{}]",
                statement(id(2), "a", "v", "o"),
                with("/verb/id", json!("x"))
            )),
            "/2/verb/id",
            "verb-id-not-iri",
        ),
        (
            "an id twice in a batch",
            text(format!("[{good},{good}]")),
            "/1/id",
            "statement-id-once-in-batch",
        ),
    ]
}

/// What is wrong with an answer, if anything: all rows of a table are told at once.
fn wrong(answer: &Answer, status: u16, pointer: &str, rule: &str) -> Option<String> {
    let text = |name: &str| answer.body[name].as_str().unwrap_or_default();
    let is_place = match pointer.strip_suffix('*') {
        Some(start) => text("pointer").starts_with(start),
        None => answer.body["pointer"] == pointer,
    };
    let is_told = answer.status.as_u16() == status
        && answer.header("content-type") == "application/problem+json"
        && !answer.header("x-experience-api-version").is_empty()
        && text("rule") == rule
        && !text("section").is_empty()
        && !text("detail").is_empty()
        && is_place;
    (!is_told).then(|| format!("{} {}", answer.status, answer.text))
}

#[actix_web::test]
async fn every_malformed_statement_is_told_its_rule() {
    let app = App::start().await;
    let bodies = bodies();
    assert!(bodies.len() >= 40);
    let mut faults = Vec::new();
    for (what, body, pointer, rule) in bodies {
        let posted = app
            .request(Method::POST, "/statements")
            .header("Content-Type", "application/json")
            .body(body);
        if let Some(answer) = wrong(&Answer::of(posted).await, 400, pointer, rule) {
            faults.push(format!("{what}: {answer}"));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert_eq!(app.count().await, 0);
    assert_eq!(
        app.number("select count(*) from lrs.actors").await,
        0,
        "not even a key"
    );
}

#[actix_web::test]
async fn every_malformed_request_is_told_its_rule() {
    let app = App::with(|config| config.body_max_bytes = 10_000).await;
    let json = "application/json";
    let good = statement(id(1), "a", "v", "o").to_string();
    let statements = "/statements";
    let put = format!("/statements?statementId={}", id(1));
    let post = |media: &str, body: &str| {
        app.request(Method::POST, statements)
            .header("Content-Type", media)
            .body(body.to_owned())
    };
    let put_to = |path: &str, body: &str| {
        app.request(Method::PUT, path)
            .header("Content-Type", json)
            .body(body.to_owned())
    };
    let get = |query: &str| app.request(Method::GET, &format!("/statements?{query}"));
    let bare = |version: Option<&str>, authorization: Option<&str>| {
        let mut request = app.bare(Method::GET, statements);
        if let Some(version) = version {
            request = request.header("X-Experience-API-Version", version);
        }
        if let Some(authorization) = authorization {
            request = request.header("Authorization", authorization);
        }
        request
    };
    let large = format!("[{}]", vec![good.as_str(); 40].join(","));
    let (v, auth) = (Some("1.0.3"), "Authorization");
    let mut faults = Vec::new();
    for (what, request, status, pointer, rule) in [
        (
            "no version",
            bare(None, None),
            400,
            "X-Experience-API-Version",
            "version-header",
        ),
        (
            "another version",
            bare(Some("1.1"), None),
            400,
            "X-Experience-API-Version",
            "version-header-supported",
        ),
        (
            "a version that is no number",
            bare(Some("1.0.foo"), None),
            400,
            "X-Experience-API-Version",
            "version-header-supported",
        ),
        ("no credential", bare(v, None), 401, auth, "credential"),
        (
            "a wrong secret",
            bare(v, Some("Basic eDp5")),
            401,
            auth,
            "credential",
        ),
        (
            "a scheme that is not spoken",
            bare(v, Some("Bearer x")),
            401,
            auth,
            "credential",
        ),
        (
            "a credential that is no base64",
            bare(v, Some("Basic ?")),
            401,
            auth,
            "credential",
        ),
        (
            "no media type",
            app.request(Method::POST, statements).body(good.clone()),
            400,
            "Content-Type",
            "content-type-statements",
        ),
        (
            "a form",
            post("application/x-www-form-urlencoded", &good),
            400,
            "Content-Type",
            "content-type-statements",
        ),
        (
            "multipart",
            post("multipart/mixed; boundary=x", &good),
            400,
            "",
            "multipart-delimiter",
        ),
        (
            "another charset",
            post("application/json; charset=latin1", &good),
            400,
            "Content-Type",
            "content-type-statements",
        ),
        ("too large", post(json, &large), 413, "", "body-limit"),
        (
            "not compressed as it says",
            post(json, &good).header("Content-Encoding", "gzip"),
            400,
            "",
            "body-readable",
        ),
        (
            "a parameter of POST",
            app.request(Method::POST, "/statements?x=1")
                .header("Content-Type", json)
                .body(good.clone()),
            400,
            "x",
            "query-parameter-unknown",
        ),
        (
            "the alternate syntax",
            app.request(Method::POST, "/statements?method=PATCH"),
            400,
            "method",
            "alternate-method",
        ),
        (
            "PUT without id",
            put_to(statements, &good),
            400,
            "statementId",
            "query-id-required",
        ),
        (
            "PUT with no UUID",
            put_to("/statements?statementId=x", &good),
            400,
            "statementId",
            "query-id-not-uuid",
        ),
        (
            "PUT with more",
            put_to(&format!("{put}&x=1"), &good),
            400,
            "x",
            "query-parameter-unknown",
        ),
        (
            "PUT with two ids",
            put_to(&format!("{put}&statementId={}", id(2)), &good),
            400,
            "statementId",
            "query-id-required",
        ),
        (
            "PUT of an array",
            put_to(&put, &format!("[{good}]")),
            400,
            "",
            "put-one-statement",
        ),
        (
            "PUT under another id",
            put_to(&format!("/statements?statementId={}", id(2)), &good),
            400,
            "/id",
            "statement-id-of-query",
        ),
        (
            "DELETE",
            app.request(Method::DELETE, statements),
            405,
            "method",
            "method-of-resource",
        ),
        (
            "PATCH",
            app.request(Method::PATCH, statements),
            405,
            "method",
            "method-of-resource",
        ),
        (
            "POST to about",
            app.request(Method::POST, "/about"),
            405,
            "method",
            "method-of-resource",
        ),
        (
            "an unknown parameter",
            get("verbs=x"),
            400,
            "verbs",
            "query-parameter-unknown",
        ),
        (
            "a parameter twice",
            get("limit=1&limit=2"),
            400,
            "limit",
            "query-parameter-once",
        ),
        (
            "a query that is not UTF-8",
            get("verb=%FF"),
            400,
            "query",
            "query-encoding",
        ),
        (
            "U+0000 in a query",
            get("verb=%00"),
            400,
            "query",
            "query-encoding",
        ),
        (
            "an agent that is no JSON",
            get("agent=a"),
            400,
            "agent",
            "json-syntax",
        ),
        (
            "an agent without identifier",
            get("agent=%7B%7D"),
            400,
            "agent",
            "ifi-missing",
        ),
        (
            "an anonymous group",
            get("agent=%7B%22objectType%22:%22Group%22,%22member%22:%5B%5D%7D"),
            400,
            "agent",
            "query-agent-anonymous",
        ),
        (
            "a verb that is no IRI",
            get("verb=answered"),
            400,
            "verb",
            "query-not-iri",
        ),
        (
            "an activity that is no IRI",
            get("activity="),
            400,
            "activity",
            "query-not-iri",
        ),
        (
            "a registration that is no UUID",
            get("registration=x"),
            400,
            "registration",
            "query-registration-not-uuid",
        ),
        (
            "since no time",
            get("since=now"),
            400,
            "since",
            "query-timestamp-not-iso8601",
        ),
        (
            "a negative limit",
            get("limit=-1"),
            400,
            "limit",
            "query-limit-not-integer",
        ),
        (
            "ascending maybe",
            get("ascending=1"),
            400,
            "ascending",
            "query-not-boolean",
        ),
        (
            "a format unknown",
            get("format=xml"),
            400,
            "format",
            "query-format-unknown",
        ),
        (
            "related perhaps",
            get("related_agents=1"),
            400,
            "related_agents",
            "query-not-boolean",
        ),
        (
            "attachments perhaps",
            get("attachments="),
            400,
            "attachments",
            "query-not-boolean",
        ),
        (
            "both ids",
            get(&format!(
                "statementId={}&voidedStatementId={}",
                id(1),
                id(2)
            )),
            400,
            "voidedStatementId",
            "query-parameter-combination",
        ),
        (
            "an id and a filter",
            get(&format!("statementId={}&limit=1", id(1))),
            400,
            "limit",
            "query-parameter-combination",
        ),
        (
            "an id that is none",
            get("statementId=1"),
            400,
            "statementId",
            "query-id-not-uuid",
        ),
        (
            "a more of another",
            get("more=AAAA"),
            400,
            "more",
            "query-more-unknown",
        ),
        (
            "a statement that is not there",
            get(&format!("statementId={}", id(1))),
            404,
            "statementId",
            "statement-exists",
        ),
        (
            "a voided one that is not there",
            get(&format!("voidedStatementId={}", id(1))),
            404,
            "voidedStatementId",
            "statement-exists",
        ),
    ] {
        if let Some(answer) = wrong(&Answer::of(request).await, status, pointer, rule) {
            faults.push(format!("{what}: {answer}"));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert_eq!(app.count().await, 0);
}

#[actix_web::test]
async fn a_body_of_unknown_length_is_refused_once_it_is_too_large() {
    let app = App::with(|config| config.body_max_bytes = 10_000).await;
    let address = app
        .url
        .strip_prefix("http://")
        .and_then(|rest| rest.strip_suffix("/xapi"))
        .expect("an address");
    let mut stream = tokio::net::TcpStream::connect(address)
        .await
        .expect("connected");
    let authorization = app.db.basic(&[Scope::All]).await;
    let head = format!(
        "POST /xapi/statements HTTP/1.1\r\nHost: {address}\r\nAuthorization: {authorization}\r\n\
         X-Experience-API-Version: 1.0.3\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.expect("sent");
    // Never the last chunk: the answer comes while the client would go on.
    for _ in 0..3 {
        let chunk = format!("1000\r\n{}\r\n", " ".repeat(0x1000));
        stream.write_all(chunk.as_bytes()).await.expect("sent");
    }
    let mut answer = vec![0; 64];
    let read = stream.read(&mut answer).await.expect("an answer");
    assert!(
        answer[..read].starts_with(b"HTTP/1.1 413 "),
        "{}",
        String::from_utf8_lossy(&answer)
    );
}

#[actix_web::test]
async fn what_looks_odd_and_is_allowed_is_stored() {
    let app = App::start().await;
    let long = "x".repeat(3_000);
    let mut odd = statement(id(1), "a", "v", &long);
    odd["verb"]["id"] = json!(format!("https://example.org/{long}"));
    odd["actor"]["account"]["name"] = json!("\u{10FFFF}'\"\\; drop table lrs.statements; --");
    odd["context"] = json!({ "extensions": { "https://example.org/deep": [[[[null]]]], "https://example.org/é": {} } });
    odd["timestamp"] = json!("0001-01-01T00:00:00Z");
    app.post(&odd).await.is(200);
    let got = app
        .get(&[("statementId", &id(1).to_string())])
        .await
        .is(200);
    assert_eq!(got.body["verb"], odd["verb"]);
    assert_eq!(got.body["actor"], odd["actor"]);
    assert_eq!(got.body["context"], odd["context"]);
    let found = app
        .get(&[
            ("verb", &format!("https://example.org/{long}")),
            ("limit", "1"),
        ])
        .await
        .is(200);
    assert_eq!(found.ids(), [id(1).to_string()]);
    assert_eq!(
        app.all(&[("agent", &agent("b"))]).await,
        Vec::<String>::new()
    );
}

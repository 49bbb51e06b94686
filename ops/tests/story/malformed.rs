//! Forty and more malformed requests to the real binary: each is answered 4xx with the rule that it
//! breaks, nothing is stored, nothing is a server error, nothing panics.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::Installation;

/// What a client of xAPI 2.0 says in each request.
const VERSION: (&str, &str) = ("X-Experience-API-Version", "2.0.0");

/// A request, and the status that is right for it.
struct Malformed {
    what: &'static str,
    method: Method,
    path: String,
    headers: Vec<(&'static str, &'static str)>,
    body: Vec<u8>,
    status: StatusCode,
}

impl Malformed {
    fn new(what: &'static str, method: Method, path: &str, body: impl Into<Vec<u8>>) -> Self {
        let headers = vec![("Content-Type", "application/json"), VERSION];
        Self {
            what,
            method,
            path: path.to_owned(),
            headers,
            body: body.into(),
            status: StatusCode::BAD_REQUEST,
        }
    }

    fn posted(what: &'static str, body: impl Into<Vec<u8>>) -> Self {
        Self::new(what, Method::POST, "/xapi/statements", body)
    }

    fn read(what: &'static str, query: &str) -> Self {
        Self::new(what, Method::GET, &format!("/xapi/statements{query}"), "")
    }

    fn header(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.retain(|(known, _)| *known != name);
        self.headers.push((name, value));
        self
    }

    fn status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }
}

/// A statement with nothing wrong, of which the list below breaks one thing at a time.
fn sound() -> Value {
    json!({
        "id": "3c0ffee0-1111-4222-8333-444455556666",
        "actor": { "objectType": "Agent", "account": { "homePage": "https://example.org/accounts", "name": "one" } },
        "verb": { "id": "http://adlnet.gov/expapi/verbs/answered", "display": { "fr-FR": "a répondu à" } },
        "object": { "objectType": "Activity", "id": "https://example.org/activities/1" },
        "result": { "success": true, "score": { "scaled": 1 }, "duration": "PT12.4S" },
        "context": { "registration": "6f0e5b8e-2f4c-4b0e-8a0f-1a1d0a4c9f10", "language": "fr-FR" },
        "timestamp": "2026-03-05T18:42:11.250+01:00",
    })
}

/// The sound statement with one place changed.
fn with(pointer: &str, value: Value) -> String {
    let mut statement = sound();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    statement.pointer_mut(parent).unwrap()[name] = value;
    statement.to_string()
}

fn without(name: &str) -> String {
    let mut statement = sound();
    statement.as_object_mut().unwrap().remove(name);
    statement.to_string()
}

fn broken_json() -> Vec<Malformed> {
    let twice = r#"{"actor":{"mbox":"mailto:a@example.org"},"actor":{"mbox":"mailto:b@example.org"},"verb":{"id":"http://example.org/v"},"object":{"id":"http://example.org/a"}}"#;
    vec![
        Malformed::posted("no body", ""),
        Malformed::posted("not JSON", "this is no JSON"),
        Malformed::posted("cut off", &sound().to_string()[..80]),
        Malformed::posted("something after the end", format!("{} {{}}", sound())),
        Malformed::posted("a key twice", twice),
        Malformed::posted(
            "not UTF-8",
            [b"{\"actor\":\"\xff\xfe\"}".as_slice(), b""].concat(),
        ),
        Malformed::posted("a lone surrogate", r#"{"actor":{"name":"\ud800"}}"#),
        Malformed::posted("U+0000", with("/actor/account/name", json!("a\u{0}b"))),
        Malformed::posted(
            "deeper than any statement",
            format!("{}{}", "[".repeat(50_000), "]".repeat(50_000)),
        ),
        Malformed::posted("a number", "42"),
        Malformed::posted("null", "null"),
        Malformed::posted("NaN", r#"{"result":{"score":{"raw":NaN}}}"#),
        Malformed::posted(
            "a number beyond any double",
            r#"[{"result":{"score":{"raw":1e999}}}]"#,
        ),
    ]
}

fn wrong_parts() -> Vec<Malformed> {
    vec![
        Malformed::posted("no actor", without("actor")),
        Malformed::posted("no verb", without("verb")),
        Malformed::posted("no object", without("object")),
        Malformed::posted("an actor that is text", with("/actor", json!("one"))),
        Malformed::posted("an unknown field", with("/colour", json!("blue"))),
        Malformed::posted(
            "an unknown field deep inside",
            with("/result/score/colour", json!("blue")),
        ),
        Malformed::posted("null outside extensions", with("/result", Value::Null)),
        Malformed::posted(
            "an actor without identifier",
            with("/actor", json!({ "objectType": "Agent" })),
        ),
        Malformed::posted(
            "an actor with two identifiers",
            with("/actor/mbox", json!("mailto:one@example.org")),
        ),
        Malformed::posted(
            "a bad mail address",
            with("/actor", json!({ "mbox": "one@example.org" })),
        ),
        Malformed::posted(
            "a bad hash",
            with("/actor", json!({ "mbox_sha1sum": "12" })),
        ),
        Malformed::posted(
            "an unknown object type",
            with("/object/objectType", json!("Thing")),
        ),
        Malformed::posted(
            "success that is text",
            with("/result/success", json!("true")),
        ),
        Malformed::posted(
            "a score beyond 1",
            with("/result/score/scaled", json!(1.01)),
        ),
        Malformed::posted(
            "a raw score above its maximum",
            with("/result/score", json!({ "raw": 11, "min": 0, "max": 10 })),
        ),
        Malformed::posted(
            "an unknown interaction type",
            with("/object/definition", json!({ "interactionType": "guess" })),
        ),
        Malformed::posted(
            "a voiding of an activity",
            with("/verb/id", json!("http://adlnet.gov/expapi/verbs/voided")),
        ),
        Malformed::posted(
            "an extension whose key is no IRI",
            with("/context/extensions", json!({ "origin": "free" })),
        ),
        Malformed::posted(
            "a bad language tag",
            with(
                "/verb/display",
                json!({ "francais de France": "a répondu à" }),
            ),
        ),
        Malformed::posted(
            "one bad statement in a batch",
            format!("[{},{}]", sound(), without("verb")),
        ),
        Malformed::posted(
            "one id twice in a batch",
            format!(
                "[{},{}]",
                sound(),
                with("/object/id", json!("https://example.org/2"))
            ),
        ),
    ]
}

fn bad_values() -> Vec<Malformed> {
    let mut list = Vec::new();
    for (what, iri) in [
        ("an IRI with a space", "https://example.org/a b"),
        ("an IRI without scheme", "activities/1"),
        ("an empty IRI", ""),
    ] {
        list.push(Malformed::posted(what, with("/object/id", json!(iri))));
    }
    for (what, duration) in [
        ("a duration without P", "12S"),
        ("an empty duration", "P"),
        ("a duration with weeks and days", "P1W2D"),
        ("a duration that is a number", "12"),
    ] {
        list.push(Malformed::posted(
            what,
            with("/result/duration", json!(duration)),
        ));
    }
    for (what, timestamp) in [
        ("a timestamp without time", "2026-03-05"),
        ("a thirtieth of February", "2026-02-30T10:00:00Z"),
        ("a timestamp of another making", "05/03/2026 18:42"),
        (
            "an offset that says it is unknown",
            "2026-03-05T18:42:11-00:00",
        ),
    ] {
        list.push(Malformed::posted(
            what,
            with("/timestamp", json!(timestamp)),
        ));
    }
    for (what, id) in [
        ("an id that is no UUID", "one"),
        ("an id in braces", "{3c0ffee0-1111-4222-8333-444455556666}"),
        ("an id too short", "3c0ffee0"),
    ] {
        list.push(Malformed::posted(what, with("/id", json!(id))));
    }
    list.push(Malformed::posted(
        "a registration that is no UUID",
        with("/context/registration", json!("attempt 1")),
    ));
    list
}

fn wrong_requests() -> Vec<Malformed> {
    let agent = "%7B%22mbox%22%3A%22nobody%22%7D";
    vec![
        Malformed::new(
            "a put without id",
            Method::PUT,
            "/xapi/statements",
            sound().to_string(),
        ),
        Malformed::new(
            "a put under another id",
            Method::PUT,
            "/xapi/statements?statementId=3c0ffee0-1111-4222-8333-000000000000",
            sound().to_string(),
        ),
        Malformed::new(
            "a put under no UUID",
            Method::PUT,
            "/xapi/statements?statementId=one",
            sound().to_string(),
        ),
        Malformed::read("a parameter nobody knows", "?colour=blue"),
        Malformed::read("an agent that is not one", &format!("?agent={agent}")),
        Malformed::read("an agent that is no JSON", "?agent=one"),
        Malformed::read("a limit below nothing", "?limit=-1"),
        Malformed::read("a limit that is text", "?limit=many"),
        Malformed::read("since that is no time", "?since=yesterday"),
        Malformed::read(
            "statementId beside voidedStatementId",
            "?statementId=3c0ffee0-1111-4222-8333-444455556666&voidedStatementId=3c0ffee0-1111-4222-8333-444455556666",
        ),
        Malformed::read(
            "statementId beside a filter",
            "?statementId=3c0ffee0-1111-4222-8333-444455556666&limit=1",
        ),
        Malformed::posted("an unknown version", sound().to_string())
            .header("X-Experience-API-Version", "0.95"),
        Malformed::posted(
            "a body that is no JSON by its own word",
            sound().to_string(),
        )
        .header("Content-Type", "text/plain"),
        Malformed::new(
            "a next-activity list of nobody",
            Method::GET,
            "/api/v1/pupils/nobody/next-activities",
            "",
        ),
        Malformed::new(
            "a list as of no time",
            Method::GET,
            "/api/v1/pupils/3c0ffee0-1111-4222-8333-444455556666/next-activities?as_of=soon",
            "",
        ),
        Malformed::new(
            "a catalogue of nothing",
            Method::PUT,
            "/api/v1/catalogue",
            "{}",
        ),
        Malformed::new(
            "a framework with a cycle",
            Method::PUT,
            "/api/v1/framework",
            cyclic_framework(),
        ),
        Malformed::new(
            "a roster that is no archive",
            Method::PUT,
            "/api/v1/roster",
            "no archive",
        )
        .header("Content-Type", "application/zip"),
        Malformed::new(
            "an account without name",
            Method::POST,
            "/api/v1/pupils/resolve",
            r#"{"homePage":"https://example.org"}"#,
        ),
        Malformed::posted("a body beyond every limit", vec![b' '; 17 * 1024 * 1024])
            .status(StatusCode::PAYLOAD_TOO_LARGE),
    ]
}

/// The default framework, in which the first competency now rests on the second, which rests on it.
fn cyclic_framework() -> String {
    let mut framework: Value = serde_json::from_str(schemas::framework::SECONDE_JSON).unwrap();
    let competencies = &mut framework["domains"][0]["competencies"];
    competencies[0]["prerequisites"] = json!([competencies[1]["uri"]]);
    framework.to_string()
}

#[tokio::test]
async fn malformed_requests_are_refused_with_their_rule_and_nothing_is_stored() {
    let installation = Installation::new().await;
    let requests: Vec<Malformed> = [broken_json(), wrong_parts(), bad_values(), wrong_requests()]
        .into_iter()
        .flatten()
        .collect();
    assert!(requests.len() >= 40);
    let mut wrong = Vec::new();
    for request in requests {
        if let Err(why) = refused(&installation, &request).await {
            wrong.push(format!("{}: {why}", request.what));
        }
    }
    wrong.extend(wrong_credentials(&installation).await);
    assert!(
        wrong.is_empty(),
        "{} of the answers are wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );

    let stored = installation.get("/xapi/statements").await;
    assert_eq!(stored["statements"], json!([]), "something was stored");
    let accepted = installation.post("/xapi/statements", &sound()).await;
    assert_eq!(
        accepted,
        json!([sound()["id"]]),
        "the sound statement is accepted after all that"
    );
    let log = installation.log();
    assert!(!log.contains("panicked"), "something panicked:\n{log}");
}

/// Sends the request; what is wrong with the answer, if anything is.
async fn refused(installation: &Installation, request: &Malformed) -> Result<(), String> {
    let mut sent = installation
        .request(request.method.clone(), &request.path)
        .body(request.body.clone());
    for (name, value) in &request.headers {
        sent = sent.header(*name, *value);
    }
    let answer = sent
        .send()
        .await
        .map_err(|error| format!("no answer: {error:?}"))?;
    let status = answer.status();
    let media = answer
        .headers()
        .get("content-type")
        .map(|value| value.to_str().unwrap_or_default().to_owned());
    let body = answer.text().await.map_err(|error| error.to_string())?;
    if status != request.status
        && !(request.status == StatusCode::BAD_REQUEST && is_acceptable(status))
    {
        return Err(format!("{status}, expected {}: {body}", request.status));
    }
    problem(media.as_deref(), status, &body)
}

/// Statuses other than 400 that say as precisely what is wrong with the request.
fn is_acceptable(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::UNSUPPORTED_MEDIA_TYPE
            | StatusCode::UNPROCESSABLE_ENTITY
            | StatusCode::NOT_FOUND
    )
}

/// What is wrong with a problem's body, if anything is.
fn problem(media: Option<&str>, status: StatusCode, body: &str) -> Result<(), String> {
    if !media.is_some_and(|media| media.starts_with("application/problem+json")) {
        return Err(format!("{status} as {media:?}: {body}"));
    }
    let problem: Value = serde_json::from_str(body).map_err(|error| format!("{error}: {body}"))?;
    let told = |name: &str| problem[name].as_str().is_some_and(|text| !text.is_empty());
    if problem["status"] != status.as_u16() || !told("type") || !told("detail") {
        return Err(format!("no proper problem: {body}"));
    }
    if told("rule") {
        Ok(())
    } else {
        Err(format!("no rule: {body}"))
    }
}

/// Requests without credential, with a wrong one, with something that is none.
async fn wrong_credentials(installation: &Installation) -> Vec<String> {
    let mut wrong = Vec::new();
    let post = || {
        installation
            .anonymous(Method::POST, "/xapi/statements")
            .header(VERSION.0, VERSION.1)
            .json(&sound())
    };
    let list = || installation.anonymous(Method::GET, "/api/v1/classes");
    let requests = [
        ("no credential", post()),
        ("no credential for the aggregates", list()),
        ("a wrong secret", post().basic_auth("nobody", Some("wrong"))),
        ("a scheme that is not Basic", post().bearer_auth("abc")),
        (
            "something that is not base64",
            post().header("Authorization", "Basic %%%"),
        ),
    ];
    for (what, request) in requests {
        let answer = request.send().await.unwrap();
        let challenge = answer.headers().contains_key("www-authenticate");
        let (status, body) = (answer.status(), answer.text().await.unwrap());
        if status != StatusCode::UNAUTHORIZED || !challenge {
            wrong.push(format!("{what}: {status}, challenge {challenge}: {body}"));
        }
    }
    wrong
}

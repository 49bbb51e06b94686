//! Whatever is sent: an answer, never a 5xx but 503 with `Retry-After`, never a connection that
//! breaks off, and no memory that stays taken.
//!
//! Requests of every resource, in both versions, each with some of its parts changed, some at the same
//! time. `LRS_FUZZ_S` in the environment makes the long run as long. What fails tells its seed, which
//! can be given in `LRS_FUZZ_SEED`. Bytes that are no HTTP, and the rest of the API, are for
//! `ops/tests/story/raw.rs`, over the real binary.

use std::time::{Duration, Instant};

use futures::future::join_all;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};
use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use crate::app::{App, agent, id, statement, voiding};

/// A request as it is about to be sent.
#[derive(Clone, Debug)]
struct Sent {
    method: Method,
    version: &'static str,
    path: String,
    query: Vec<(String, String)>,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

/// Versions as clients say them.
const VERSIONS: [&str; 5] = ["1.0.3", "2.0.0", "1.0", "2.0", "1.0.1"];

/// How many requests are sent at the same time, at most.
const AT_ONCE: usize = 8;

/// What breaks readers of text, JSON, numbers, times, paths and headers.
const TOKENS: [&str; 40] = [
    "\0",
    "\\u0000",
    "\\ud800",
    "\u{feff}",
    "null",
    "true",
    "[]",
    "{}",
    "\"\"",
    "-0",
    "1e999",
    "123456789012345678901234567890",
    "-1",
    "0.1e-400",
    "{\"a\":",
    "[[[[[[[[[[",
    "\"",
    "\\",
    "}",
    "é",
    "🦉",
    "2026-02-29T25:61:61Z",
    "9999-12-31T23:59:60+99:99",
    "PT1H1H",
    "P-1D",
    "mailto:",
    "http://",
    "%00",
    "%ff",
    "%",
    "&",
    "=",
    ";",
    "*",
    "W/\"",
    "\"x\", *",
    "application/json; charset=utf-16",
    "multipart/mixed; boundary=",
    "gzip",
    "--x\r\n\r\n--x--",
];

fn resources() -> Vec<Sent> {
    let who = agent("a");
    let text = |n: u32| id(n).to_string();
    let mut full = statement(id(1), "a", "v", "o");
    full["result"] = serde_json::json!({ "score": { "scaled": 0.5, "raw": 1, "min": 0, "max": 2 }, "duration": "PT1.5S", "success": true });
    full["context"] = serde_json::json!({
        "registration": id(9), "language": "fr", "statement": { "objectType": "StatementRef", "id": id(8) },
        "contextActivities": { "parent": { "id": "https://example.org/p" } },
        "extensions": { "https://example.org/x": [null, 1.50, "é"] } });
    full["timestamp"] = "2026-10-05T18:42:11.250+02:00".into();
    let one = full.to_string();
    let many = serde_json::json!([full, voiding(id(3), id(1))]).to_string();
    let activity = ("activityId", "https://example.org/a");
    let (agent, state, profile) = (
        ("agent", who.as_str()),
        ("stateId", "s"),
        ("profileId", "p"),
    );
    let document = r#"{"a":1}"#;
    let multipart = "--x\r\nContent-Type: application/json\r\n\r\n".to_owned()
        + &one
        + "\r\n--x\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: binary\r\nX-Experience-API-Hash: 2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae\r\n\r\nfoo\r\n--x--\r\n";
    let form = format!(
        "content={}&statementId={}",
        crate::app::encode(&one),
        text(1)
    );
    let request =
        |method: &str, path: &str, query: &[(&str, &str)], content_type: &str, body: &str| Sent {
            method: method.parse().expect("a method"),
            version: VERSIONS[0],
            path: path.to_owned(),
            query: query
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            headers: [("Content-Type", content_type)]
                .into_iter()
                .filter(|(_, value)| !value.is_empty())
                .map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()))
                .collect(),
            body: body.as_bytes().to_vec(),
        };
    let json = "application/json";
    vec![
        request("POST", "/xapi/statements", &[], json, &one),
        request("POST", "/xapi/statements", &[], json, &many),
        request(
            "POST",
            "/xapi/statements",
            &[],
            "multipart/mixed; boundary=x",
            &multipart,
        ),
        request(
            "POST",
            "/xapi/statements",
            &[("method", "PUT")],
            "application/x-www-form-urlencoded",
            &form,
        ),
        request(
            "PUT",
            "/xapi/statements",
            &[("statementId", &text(1))],
            json,
            &one,
        ),
        request(
            "GET",
            "/xapi/statements",
            &[
                ("statementId", &text(1)),
                ("format", "canonical"),
                ("attachments", "true"),
            ],
            "",
            "",
        ),
        request(
            "GET",
            "/xapi/statements",
            &[
                agent,
                ("related_agents", "true"),
                ("verb", "https://example.org/verbs/v"),
                ("limit", "2"),
            ],
            "",
            "",
        ),
        request(
            "GET",
            "/xapi/statements",
            &[
                ("activity", "https://example.org/activities/o"),
                ("related_activities", "true"),
                ("since", "2026-01-01T00:00:00Z"),
                ("ascending", "true"),
                ("format", "ids"),
            ],
            "",
            "",
        ),
        request("GET", "/xapi/statements", &[("more", "eyJmIjoxfQ")], "", ""),
        request(
            "HEAD",
            "/xapi/statements",
            &[
                ("registration", &text(9)),
                ("until", "2026-01-01T00:00:00Z"),
            ],
            "",
            "",
        ),
        request(
            "PUT",
            "/xapi/activities/state",
            &[activity, agent, state],
            json,
            document,
        ),
        request(
            "POST",
            "/xapi/activities/state",
            &[activity, agent, state, ("registration", &text(9))],
            json,
            document,
        ),
        request(
            "GET",
            "/xapi/activities/state",
            &[activity, agent, ("since", "2026-01-01T00:00:00Z")],
            "",
            "",
        ),
        request(
            "DELETE",
            "/xapi/activities/state",
            &[activity, agent],
            "",
            "",
        ),
        request(
            "PUT",
            "/xapi/activities/profile",
            &[activity, profile],
            "text/plain",
            "x",
        ),
        request(
            "GET",
            "/xapi/activities/profile",
            &[activity, profile],
            "",
            "",
        ),
        request(
            "POST",
            "/xapi/agents/profile",
            &[agent, profile],
            json,
            document,
        ),
        request("DELETE", "/xapi/agents/profile", &[agent, profile], "", ""),
        request("GET", "/xapi/agents", &[agent], "", ""),
        request("GET", "/xapi/activities", &[activity], "", ""),
        request("GET", "/xapi/about", &[], "", ""),
        request(
            "POST",
            "/api/v1/statements/validate",
            &[("version", "2.0.0")],
            json,
            &many,
        ),
        request("GET", "/api/v1/statements/profile-warnings", &[], "", ""),
    ]
}

/// Changes some part.
fn change(sent: &mut Sent, random: &mut StdRng) {
    let token = TOKENS.choose(random).expect("there are some").to_owned();
    match random.random_range(0..10) {
        0..=4 if !sent.body.is_empty() => change_bytes(&mut sent.body, token.as_bytes(), random),
        0..=6 if !sent.query.is_empty() => {
            let place = random.random_range(0..sent.query.len());
            match random.random_range(0..5) {
                0 => drop(sent.query.remove(place)),
                1 => sent.query.push(sent.query[place].clone()),
                2 => sent.query[place].0.push_str(token),
                3 => token.clone_into(&mut sent.query[place].1),
                _ => {
                    let mut value = sent.query[place].1.clone().into_bytes();
                    change_bytes(&mut value, token.as_bytes(), random);
                    sent.query[place].1 = String::from_utf8_lossy(&value).into_owned();
                }
            }
        }
        7 => {
            let name = [
                "If-Match",
                "If-None-Match",
                "Accept-Language",
                "Content-Encoding",
                "Content-Type",
                "X-Experience-API-Version",
                "Authorization",
                "Accept-Encoding",
            ]
            .choose(random)
            .expect("there are some");
            sent.headers
                .push(((*name).to_owned(), token.as_bytes().to_vec()));
        }
        8 => {
            sent.method = [
                Method::GET,
                Method::PUT,
                Method::POST,
                Method::DELETE,
                Method::HEAD,
                Method::PATCH,
                Method::OPTIONS,
            ]
            .choose(random)
            .expect("there are some")
            .clone()
        }
        _ => sent.query.push(("method".to_owned(), token.to_owned())),
    }
}

fn change_bytes(bytes: &mut Vec<u8>, token: &[u8], random: &mut StdRng) {
    if bytes.is_empty() {
        bytes.extend(token);
        return;
    }
    let place = random.random_range(0..bytes.len());
    match random.random_range(0..5) {
        0 => bytes.truncate(place),
        1 => bytes[place] = random.random(),
        2 => drop(bytes.splice(place..place, token.iter().copied())),
        3 => {
            let end = random.random_range(place..bytes.len());
            drop(bytes.splice(place..end, token.iter().copied()));
        }
        _ => {
            let end = random.random_range(place..bytes.len());
            let again = bytes[place..end].to_vec();
            bytes.splice(place..place, again);
        }
    }
}

/// An LRS, and how it is spoken to.
struct Target<'a> {
    app: &'a App,
    base: &'a str,
    client: reqwest::Client,
}

impl Target<'_> {
    /// Credential and version, and over them what the request has of its own.
    fn headers(&self, sent: &Sent) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let own = [
            ("authorization", self.app.authorization().as_bytes()),
            ("x-experience-api-version", sent.version.as_bytes()),
        ];
        let changed = sent
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_slice()));
        for (name, value) in own.into_iter().chain(changed) {
            if let Ok(value) = HeaderValue::from_bytes(value) {
                let name = HeaderName::from_bytes(name.as_bytes()).expect("ours");
                headers.insert(name, value);
            }
        }
        headers
    }

    /// Sends it; `when` says which one of which run it is.
    async fn send(&self, sent: &Sent, when: &str) {
        let pairs: Vec<String> = sent
            .query
            .iter()
            .map(|(name, value)| {
                format!("{}={}", crate::app::encode(name), crate::app::encode(value))
            })
            .collect();
        let url = format!("{}{}?{}", self.base, sent.path, pairs.join("&"));
        let request = self
            .client
            .request(sent.method.clone(), url)
            .headers(self.headers(sent))
            .body(sent.body.clone());
        let answer = request
            .send()
            .await
            .unwrap_or_else(|error| panic!("{when}: {error:?} after {sent:?}"));
        let status = answer.status().as_u16();
        let waits = answer.headers().contains_key("retry-after");
        assert!(
            status < 500 || (status == 503 && waits),
            "{when}: {status} after {sent:?}"
        );
        let text = answer
            .bytes()
            .await
            .unwrap_or_else(|error| panic!("{when}: {error:?} after {sent:?}"));
        if (400..500).contains(&status) && !text.is_empty() {
            let told: serde_json::Value = serde_json::from_slice(&text).unwrap_or_else(|_| {
                panic!("{when}: {status} without a problem after {sent:?}: {text:?}")
            });
            assert_eq!(told["status"], status, "{when}: {told}");
        }
    }
}

/// Sends changed requests until the time is over.
async fn fuzz(seed: u64, time: Duration) {
    let app = App::start().await;
    let target = Target {
        app: &app,
        base: app.url.trim_end_matches("/xapi"),
        client: reqwest::Client::new(),
    };
    let resources = resources();
    let mut random = StdRng::seed_from_u64(seed);
    let (begun, mut count, mut warm) = (Instant::now(), 0, None);
    while begun.elapsed() < time {
        let some: Vec<Sent> = (0..random.random_range(1..=AT_ONCE))
            .map(|_| drawn(&resources, &mut random))
            .collect();
        let when = format!("seed {seed}, after {count} requests");
        join_all(some.iter().map(|sent| target.send(sent, &when))).await;
        count += some.len();
        if warm.is_none() && begun.elapsed() > time / 4 {
            warm = Some(resident_kib());
        }
    }
    let (warm, end) = (warm.unwrap_or_default(), resident_kib());
    assert!(count > 50, "{count} requests in {time:?}");
    // A quarter of the time fills every cache; what is taken after it stays within a margin.
    assert!(
        end < warm + warm / 2 + 65_536,
        "seed {seed}: {warm} KiB became {end} KiB in {count} requests"
    );
}

/// A request with up to three changes.
fn drawn(resources: &[Sent], random: &mut StdRng) -> Sent {
    let mut sent = resources.choose(random).expect("there are some").clone();
    sent.version = VERSIONS[random.random_range(0..VERSIONS.len())];
    for _ in 0..random.random_range(0..4) {
        change(&mut sent, random);
    }
    sent
}

fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .and_then(|line| line.trim().trim_end_matches(" kB").parse().ok())
        .unwrap_or_default()
}

fn from_environment(name: &str) -> Option<u64> {
    #[expect(
        clippy::disallowed_methods,
        reason = "a test is told here how long to go on"
    )]
    std::env::var(name).ok()?.parse().ok()
}

#[actix_web::test]
async fn whatever_is_sent_there_is_an_answer() {
    fuzz(1, Duration::from_secs(4)).await;
}

#[actix_web::test]
#[ignore = "as long as LRS_FUZZ_S says, an hour by default"]
async fn whatever_is_sent_for_long_there_is_an_answer() {
    let seed = from_environment("LRS_FUZZ_SEED").unwrap_or_else(rand::random);
    let time = from_environment("LRS_FUZZ_S").unwrap_or(3_600);
    fuzz(seed, Duration::from_secs(time)).await;
}

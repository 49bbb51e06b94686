//! What stands around the answers of the LRS: one `Date`, entity tags of compressed documents, the
//! version of an answer to a request that names none.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use reqwest::{Method, Response};

use crate::harness::Installation;

const STATE: &str = "/xapi/activities/state?activityId=https%3A%2F%2Fexample.org%2Fa&stateId=s\
    &agent=%7B%22mbox%22%3A%22mailto%3Aa%40example.org%22%7D";

/// A document that is worth compressing.
fn document(mark: char) -> String {
    format!("{{\"text\":\"{}\"}}", mark.to_string().repeat(2_000))
}

async fn state(
    sillage: &Installation,
    method: Method,
    headers: &[(&str, &str)],
    body: String,
) -> Response {
    let mut request = sillage
        .request(method, STATE)
        .header("X-Experience-API-Version", "1.0.3")
        .header("Content-Type", "application/json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(body).send().await.unwrap()
}

fn etag(answer: &Response) -> String {
    answer.headers()["etag"].to_str().unwrap().to_owned()
}

#[actix_web::test]
async fn a_compressed_document_has_a_weak_tag_and_either_one_is_taken() {
    let sillage = Installation::new().await;
    let put = state(&sillage, Method::PUT, &[], document('a')).await;
    assert_eq!(put.status(), 204);
    let plain = state(&sillage, Method::GET, &[], String::new()).await;
    let strong = etag(&plain);
    assert!(strong.starts_with('"') && strong.len() == 42, "{strong}");
    assert_eq!(plain.text().await.unwrap(), document('a'));
    for encoding in ["gzip", "zstd"] {
        let accepts = [("Accept-Encoding", encoding)];
        let compressed = state(&sillage, Method::GET, &accepts, String::new()).await;
        assert_eq!(compressed.headers()["content-encoding"], encoding);
        let weak = etag(&compressed);
        assert_eq!(weak, format!("W/{strong}"));
        let has_it = [("Accept-Encoding", encoding), ("If-None-Match", &weak)];
        let unchanged = state(&sillage, Method::GET, &has_it, String::new()).await;
        assert_eq!(unchanged.status(), 304, "{encoding}");
    }
    // What a client was given with a compressed answer names the document as well as the other.
    let weak = format!("W/{strong}");
    let changed = state(&sillage, Method::PUT, &[("If-Match", &weak)], document('b')).await;
    assert_eq!(changed.status(), 204);
    let again = state(&sillage, Method::PUT, &[("If-Match", &weak)], document('c')).await;
    assert_eq!(again.status(), 412);
}

/// The head of the answer to a request as it stands on the wire.
fn head(sillage: &Installation, request: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", sillage.port())).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(30)))
        .unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let answer = String::from_utf8_lossy(&answer);
    let (head, _) = answer.split_once("\r\n\r\n").unwrap();
    head.to_ascii_lowercase()
}

#[actix_web::test]
async fn every_answer_has_one_date() {
    let sillage = Installation::with(|_| {
        vec![
            (
                "SILLAGE_HTTP_CORS_ORIGINS",
                "https://app.example.org".to_owned(),
            ),
            ("SILLAGE_HTTP_BODY_MAX_BYTES", "1000".to_owned()),
        ]
    })
    .await;
    let common = "Host: localhost\r\nConnection: close\r\nX-Experience-API-Version: 1.0.3\r\n\
        Accept-Encoding: gzip\r\nOrigin: https://app.example.org\r\n";
    let (key, secret) = sillage.credential();
    let basic = {
        use base64::Engine as _;
        base64::engine::general_purpose::STANDARD.encode(format!("{key}:{secret}"))
    };
    for (request, status) in [
        (format!("GET /xapi/about HTTP/1.1\r\n{common}\r\n"), "200"),
        (format!("HEAD /xapi/about HTTP/1.1\r\n{common}\r\n"), "200"),
        (
            format!("GET /xapi/statements HTTP/1.1\r\n{common}\r\n"),
            "401",
        ),
        (
            format!(
                "GET /xapi/statements?verb=x HTTP/1.1\r\n{common}Authorization: Basic {basic}\r\n\r\n"
            ),
            "400",
        ),
        (
            format!(
                "POST /xapi/statements HTTP/1.1\r\n{common}Authorization: Basic {basic}\r\n\
                Content-Type: application/json\r\nContent-Length: 2000\r\n\r\n"
            ),
            "413",
        ),
        (format!("GET /nowhere HTTP/1.1\r\n{common}\r\n"), "404"),
    ] {
        let head = head(&sillage, &request);
        let line = head.lines().next().unwrap();
        assert!(line.contains(status), "{status}: {head}");
        assert_eq!(head.matches("\r\ndate: ").count(), 1, "{head}");
    }
}

/// Status, headers and body, without what every answer has of its own.
async fn told(sillage: &Installation, method: Method, path: &str) -> String {
    // Of a version's own words: what is said of it differs between the versions.
    let statement = r#"{"context":{"contextAgents":[]}}"#;
    let request = sillage
        .request(method, path)
        .header("Content-Type", "application/json")
        .body(statement);
    let answer = request.send().await.unwrap();
    let status = answer.status();
    let headers: BTreeMap<String, String> = answer
        .headers()
        .iter()
        .filter(|(name, _)| {
            ![
                "date",
                "x-request-id",
                "x-experience-api-consistent-through",
                // In any order.
                "access-control-expose-headers",
            ]
            .contains(&name.as_str())
        })
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .collect();
    let request_id = answer
        .headers()
        .get("x-request-id")
        .map_or_else(String::new, |id| id.to_str().unwrap().to_owned());
    let body = answer.text().await.unwrap();
    assert_eq!(
        headers.contains_key("x-experience-api-version"),
        path.starts_with("/xapi"),
        "{path}"
    );
    let body = if request_id.is_empty() {
        body
    } else {
        body.replace(&request_id, "ID")
    };
    format!("{status} {headers:?} {body}")
}

#[actix_web::test]
async fn the_default_version_is_told_and_changes_nothing_else() {
    let one = Installation::new().await;
    let two =
        Installation::with(|_| vec![("SILLAGE_XAPI_DEFAULT_VERSION", "2.0.0".to_owned())]).await;
    for (method, path) in [
        (Method::GET, "/xapi/about"),
        (Method::HEAD, "/xapi/about"),
        (Method::GET, "/xapi/statements"),
        (Method::POST, "/xapi/statements"),
        (Method::GET, STATE),
        (Method::PUT, STATE),
        (Method::GET, "/xapi/agents"),
        (Method::GET, "/xapi/activities"),
        (Method::DELETE, "/xapi/about"),
        (Method::GET, "/xapi/nowhere"),
        (Method::POST, "/api/v1/statements/validate"),
    ] {
        let first = told(&one, method.clone(), path).await;
        let second = told(&two, method.clone(), path).await;
        if path.starts_with("/xapi") {
            let version = |version: &str| format!("\"x-experience-api-version\": \"{version}\"");
            assert!(first.contains(&version("1.0.3")), "{path}: {first}");
            assert_eq!(
                first.replace(&version("1.0.3"), &version("2.0.0")),
                second,
                "{method} {path}"
            );
        } else {
            assert_eq!(first, second, "{method} {path}");
        }
    }
}

//! The limits that the whole server has: heads, half-sent bodies, requests of a credential.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::harness::Installation;

/// How long an answer may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A form of the alternate request syntax: its body is read before anybody is known.
const FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\n";
const ALTERNATE: &str = "/xapi/statements?method=PUT";

async fn limited() -> Installation {
    Installation::with(|_| {
        [
            ("SILLAGE_HTTP_BODY_TIMEOUT_S", "3"),
            ("SILLAGE_HTTP_BODY_MAX_BYTES", "1000000"),
            ("SILLAGE_HTTP_BODIES_MAX_BYTES", "2000000"),
            ("SILLAGE_HTTP_CREDENTIAL_REQUESTS_PER_S", "5"),
            ("SILLAGE_HTTP_CREDENTIAL_BURST", "20"),
        ]
        .map(|(name, value)| (name, value.to_owned()))
        .to_vec()
    })
    .await
}

/// Sends a head and the first bytes of the body that it announces, then nothing; tells the answer,
/// in lower case, or as much of it as came.
async fn half_sent(port: u16, line: &str, headers: &str, announced: usize, sent: usize) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let head = format!(
        "{line} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {announced}\r\n{headers}\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let (mut reader, mut writer) = stream.split();
    let (body, mut told) = (vec![b'x'; sent], Vec::new());
    // The server may answer, and close, before it was sent everything.
    let both = async {
        let (_, _) = futures::join!(writer.write_all(&body), reader.read_to_end(&mut told));
    };
    timeout(PATIENCE, both).await.expect("an answer, or an end");
    String::from_utf8_lossy(&told).to_lowercase()
}

#[actix_web::test]
async fn a_large_head_is_told_as_a_problem() {
    let sillage = Installation::new().await;
    let about = |filler: usize| {
        sillage
            .anonymous(Method::GET, "/xapi/about")
            .header("X-Filler", "x".repeat(filler))
    };
    assert_eq!(about(20_000).send().await.unwrap().status(), 200);
    let query = format!("/xapi/statements?verb={}", "x".repeat(40_000));
    for request in [about(40_000), sillage.request(Method::GET, &query)] {
        let refused = request.send().await.unwrap();
        assert_eq!(refused.status(), 431);
        assert_eq!(
            refused.headers()["content-type"],
            "application/problem+json"
        );
        let told: Value = refused.json().await.unwrap();
        assert_eq!(
            (&told["code"], &told["rule"]),
            (&json!("too_large"), &json!("headers-limit"))
        );
    }
}

#[actix_web::test]
async fn half_sent_bodies_are_given_up_and_hold_no_more_than_their_room() {
    let sillage = limited().await;
    let port = sillage.port();

    // Under every reader a body that stops is 408.
    let (key, secret) = sillage.credential();
    let authorization = format!(
        "Authorization: Basic {}\r\nX-Experience-API-Version: 2.0.0\r\nContent-Type: ",
        STANDARD.encode(format!("{key}:{secret}"))
    );
    let json = format!("{authorization}application/json\r\n");
    let zip = format!("{authorization}application/zip\r\n");
    let lines = [
        (format!("POST {ALTERNATE}"), FORM),
        ("POST /xapi/statements".to_owned(), json.as_str()),
        ("POST /api/v1/statements/validate".to_owned(), json.as_str()),
        ("POST /api/v1/credentials".to_owned(), json.as_str()),
        ("PUT /api/v1/framework".to_owned(), json.as_str()),
        ("PUT /api/v1/catalogue".to_owned(), json.as_str()),
        ("PUT /api/v1/roster".to_owned(), zip.as_str()),
    ];
    let slow = lines
        .iter()
        .map(|(line, headers)| half_sent(port, line, headers, 1_000, 10));
    for ((line, _), told) in lines.iter().zip(join_all(slow).await) {
        assert!(told.starts_with("http/1.1 408"), "{line}: {told}");
        assert!(told.contains("\"body-timeout\""), "{line}: {told}");
    }

    // Ninety megabytes at once, from nobody that is known: two megabytes are kept.
    let before = sillage.peak_bytes() / 1024;
    let line = format!("POST {ALTERNATE}");
    let many = (0..100).map(|_| half_sent(port, &line, FORM, 950_000, 900_000));
    let told = join_all(many).await;
    let grown = (sillage.peak_bytes() / 1024).saturating_sub(before);
    let busy: Vec<_> = told
        .iter()
        .filter(|told| told.contains("\"bodies-limit\""))
        .collect();
    for told in &busy {
        assert!(told.starts_with("http/1.1 503"), "{told}");
        assert!(told.contains("\r\nretry-after: 2\r\n"), "{told}");
    }
    assert!(busy.len() >= 50, "{} of 100 were told so", busy.len());
    assert!(grown < 60_000, "the process has grown by {grown} kB");

    // All of the room is there again.
    let whole = format!("content={}", "x".repeat(900_000));
    for _ in 0..3 {
        let form = sillage
            .anonymous(Method::POST, ALTERNATE)
            .header("Content-Type", "application/x-www-form-urlencoded")
            .body(whole.clone());
        assert_eq!(form.send().await.unwrap().status(), 400, "read, and wrong");
    }
}

#[actix_web::test]
async fn a_credential_makes_so_many_requests() {
    let sillage = limited().await;
    let asked = (0..80).map(|_| sillage.request(Method::GET, "/api/v1/totals").send());
    let mut refused = 0;
    for answer in join_all(asked).await {
        let answer = answer.unwrap();
        if answer.status() == 200 {
            continue;
        }
        assert_eq!(answer.status(), 429);
        assert_eq!(answer.headers()["retry-after"], "1");
        let told: Value = answer.json().await.unwrap();
        assert_eq!(told["rule"], "requests-limit");
        refused += 1;
    }
    assert!(refused > 0, "80 at once are more than 20 and 5 a second");
    // Who needs no credential is none of them.
    let about = sillage.anonymous(Method::GET, "/xapi/about");
    assert_eq!(about.send().await.unwrap().status(), 200);
}

//! Statements with attachments, as they stand on the wire.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::harness::Installation;

const BOUNDARY: &str = "between-the-parts-of-a-story";

const TYPE: &str = "application/octet-stream";

/// An id that tests can tell from others.
pub(crate) fn id(n: u32) -> String {
    format!("00000000-0000-4000-8000-{n:012}")
}

/// So many bytes in which nothing repeats.
pub(crate) fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend(state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// The SHA-256 of a content, in hexadecimal.
pub(crate) fn sha256(content: &[u8]) -> String {
    hex::encode(Sha256::digest(content))
}

/// A statement with attachments of these contents, as the body of a POST.
pub(crate) fn body(id: &str, contents: &[&[u8]]) -> Vec<u8> {
    let attachments: Vec<Value> = contents
        .iter()
        .map(|content| {
            json!({ "usageType": "https://example.org/usage", "display": { "fr": "pièce jointe" },
                "contentType": TYPE, "length": content.len(), "sha2": sha256(content) })
        })
        .collect();
    let statement = json!({
        "id": id,
        "actor": { "objectType": "Agent", "account": { "homePage": "https://example.org/accounts", "name": "one" } },
        "verb": { "id": "https://example.org/verbs/handed-in" },
        "object": { "id": "https://example.org/activities/essay" },
        "attachments": attachments,
    });
    let mut body =
        format!("--{BOUNDARY}\r\nContent-Type: application/json\r\n\r\n{statement}").into_bytes();
    for content in contents {
        body.extend(header(BOUNDARY, content).bytes());
        body.extend(*content);
    }
    body.extend(end(BOUNDARY).bytes());
    body
}

/// What stands before a content.
fn header(boundary: &str, content: &[u8]) -> String {
    let sha2 = sha256(content);
    format!(
        "\r\n--{boundary}\r\nContent-Type: {TYPE}\r\nContent-Transfer-Encoding: binary\r\nX-Experience-API-Hash: {sha2}\r\n\r\n"
    )
}

fn end(boundary: &str) -> String {
    format!("\r\n--{boundary}--\r\n")
}

/// Posts a body.
pub(crate) async fn post(sillage: &Installation, body: Vec<u8>) -> StatusCode {
    let request = sillage
        .request(Method::POST, "/xapi/statements")
        .header("X-Experience-API-Version", "2.0.0")
        .header(
            "Content-Type",
            format!("multipart/mixed; boundary={BOUNDARY}"),
        );
    request.body(body).send().await.unwrap().status()
}

/// Reads a statement with its attachments; they must be these, byte for byte, in this order.
pub(crate) async fn read_back(sillage: &Installation, id: &str, contents: &[&[u8]]) {
    let path = format!("/xapi/statements?statementId={id}&attachments=true");
    let answer = sillage
        .request(Method::GET, &path)
        .header("X-Experience-API-Version", "2.0.0")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    let kind = answer.headers()["content-type"].to_str().unwrap();
    let boundary = kind
        .strip_prefix("multipart/mixed; boundary=")
        .unwrap_or_else(|| panic!("{kind}"))
        .to_owned();
    let answer = answer.bytes().await.unwrap();
    let mut rest = answer
        .strip_suffix(end(&boundary).as_bytes())
        .expect("the last delimiter");
    for content in contents.iter().rev() {
        rest = rest.strip_suffix(*content).expect("the content");
        let header = header(&boundary, content);
        rest = rest.strip_suffix(header.as_bytes()).expect("its header");
    }
    let first = format!("--{boundary}\r\nContent-Type: application/json\r\n\r\n");
    let json = rest.strip_prefix(first.as_bytes()).expect("the JSON first");
    let statement: Value = serde_json::from_slice(json).expect("the JSON alone");
    assert_eq!(statement["id"], id);
}

//! `multipart/mixed` as a client writes and reads it.

use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};

use crate::app::{Answer, App};

/// The boundary of every request of these tests.
pub(crate) const BOUNDARY: &str = "xx-boundary-xx";

/// A part: its header lines and its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) header: Vec<(String, String)>,
    pub(crate) content: Vec<u8>,
}

impl Part {
    pub(crate) fn new(header: &[(&str, &str)], content: &[u8]) -> Self {
        let header = header
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        Self {
            header,
            content: content.to_vec(),
        }
    }

    /// The statements.
    pub(crate) fn json(statements: &Value) -> Self {
        let content = statements.to_string();
        Self::new(&[("Content-Type", "application/json")], content.as_bytes())
    }

    /// The content of an attachment.
    pub(crate) fn content(attachment: &Value, content: &[u8]) -> Self {
        Self::new(
            &[
                (
                    "Content-Type",
                    attachment["contentType"].as_str().expect("a type"),
                ),
                ("Content-Transfer-Encoding", "binary"),
                (
                    "X-Experience-API-Hash",
                    attachment["sha2"].as_str().expect("a hash"),
                ),
            ],
            content,
        )
    }

    /// The same without a header line.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.header.retain(|(known, _)| known != name);
        self
    }

    /// The same with a header line in place of the one of that name, if there is one.
    pub(crate) fn with(self, name: &str, value: &str) -> Self {
        let mut part = self.without(name);
        part.header.push((name.to_owned(), value.to_owned()));
        part
    }

    pub(crate) fn get(&self, name: &str) -> &str {
        let found = self.header.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str()).unwrap_or_default()
    }
}

/// An attachment that declares the SHA-2 of so many bits of a content.
pub(crate) fn attachment(content: &[u8], bits: u32) -> Value {
    let sha2 = match bits {
        224 => hex::encode(Sha224::digest(content)),
        256 => hex::encode(Sha256::digest(content)),
        384 => hex::encode(Sha384::digest(content)),
        _ => hex::encode(Sha512::digest(content)),
    };
    json!({ "usageType": "https://example.org/usage", "display": { "fr": "pièce jointe" },
        "contentType": "application/octet-stream", "length": content.len(), "sha2": sha2 })
}

/// Parts as a body.
pub(crate) fn written(parts: &[Part]) -> Vec<u8> {
    let mut body = Vec::new();
    for part in parts {
        body.extend(format!("--{BOUNDARY}\r\n").bytes());
        for (name, value) in &part.header {
            body.extend(format!("{name}: {value}\r\n").bytes());
        }
        body.extend(b"\r\n");
        body.extend(&part.content);
        body.extend(b"\r\n");
    }
    body.extend(format!("--{BOUNDARY}--\r\n").bytes());
    body
}

impl App {
    /// POST of parts.
    pub(crate) async fn post_parts(&self, parts: &[Part]) -> Answer {
        self.post_mixed(written(parts)).await
    }

    /// POST of a body in `multipart/mixed`.
    pub(crate) async fn post_mixed(&self, body: Vec<u8>) -> Answer {
        let kind = format!("multipart/mixed; boundary={BOUNDARY}");
        let request = self
            .request(Method::POST, "/statements")
            .header("Content-Type", kind);
        Answer::of(request.body(body)).await
    }

    /// The JSON and the further parts of a GET with `attachments=true`.
    pub(crate) async fn parts(&self, query: &str) -> (Value, Vec<Part>) {
        let path = format!("/statements?attachments=true{query}");
        let request = self.request(Method::GET, &path);
        let response = request.send().await.expect("an answer");
        let kind = response.headers()["content-type"].to_str().expect("text");
        let boundary = kind
            .strip_prefix("multipart/mixed; boundary=")
            .unwrap_or_else(|| panic!("{kind}"))
            .to_owned();
        let body = response.bytes().await.expect("a body");
        let mut parts = read(&boundary, &body);
        let json = parts.remove(0);
        assert_eq!(json.get("Content-Type"), "application/json");
        (serde_json::from_slice(&json.content).expect("JSON"), parts)
    }
}

/// Reads a body literally, as the specification of the format has it.
fn read(boundary: &str, body: &[u8]) -> Vec<Part> {
    let delimiter = format!("\r\n--{boundary}");
    let body = [b"\r\n", body].concat();
    let pieces = split(&body, delimiter.as_bytes());
    let (last, parts) = pieces.split_last().expect("a piece");
    assert_eq!(last, b"--\r\n", "the closing delimiter ends the body");
    assert_eq!(parts[0], b"", "nothing before the first part");
    parts[1..].iter().map(|part| read_part(part)).collect()
}

fn read_part(part: &[u8]) -> Part {
    let part = part
        .strip_prefix(b"\r\n")
        .expect("a line break after the delimiter");
    let end = split(part, b"\r\n\r\n")[0].len();
    let header = std::str::from_utf8(&part[..end]).expect("text");
    let header = header
        .split("\r\n")
        .map(|line| line.split_once(": ").expect("a header line"))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    Part {
        header,
        content: part[end + 4..].to_vec(),
    }
}

fn split<'a>(bytes: &'a [u8], by: &[u8]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    let mut rest = bytes;
    while let Some(at) = rest.windows(by.len()).position(|window| window == by) {
        pieces.push(&rest[..at]);
        rest = &rest[at + by.len()..];
    }
    pieces.push(rest);
    pieces
}

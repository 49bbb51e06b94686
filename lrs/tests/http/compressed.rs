//! Bodies that are sent compressed.

use reqwest::Method;
use serde_json::json;

use crate::app::{Answer, App, id, statement};
use crate::mixed::{BOUNDARY, Part, attachment, written};

pub(crate) fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(bytes, 3).expect("compressed")
}

/// In gzip (RFC 1952), though no smaller: the blocks of what it holds are stored.
pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut file = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    let mut blocks = bytes.chunks(65_535).peekable();
    while let Some(block) = blocks.next() {
        file.push(u8::from(blocks.peek().is_none()));
        let length = u16::try_from(block.len()).expect("a block is short");
        file.extend(length.to_le_bytes());
        file.extend((!length).to_le_bytes());
        file.extend(block);
    }
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xedb8_8320 * (crc & 1));
        }
    }
    file.extend((!crc).to_le_bytes());
    let length = u32::try_from(bytes.len()).expect("a file is short");
    file.extend(length.to_le_bytes());
    file
}

#[actix_web::test]
async fn a_body_in_zstd_is_what_it_was() {
    let app = App::start().await;
    let sent = json!(
        (1..200)
            .map(|n| statement(id(n), "a", "v", "o"))
            .collect::<Vec<_>>()
    );
    let post = |kind: &str, body: Vec<u8>| {
        app.request(Method::POST, "/statements")
            .header("Content-Type", kind)
            .header("Content-Encoding", "zstd")
            .body(body)
    };
    Answer::of(post("application/json", zstd(sent.to_string().as_bytes())))
        .await
        .is(200);
    assert_eq!(app.count().await, 199);

    let content = b"a content".repeat(10_000);
    let one = attachment(&content, 256);
    let mut with = statement(id(500), "a", "v", "o");
    with["attachments"] = json!([one]);
    let parts = [Part::json(&with), Part::content(&one, &content)];
    let kind = format!("multipart/mixed; boundary={BOUNDARY}");
    Answer::of(post(&kind, zstd(&written(&parts))))
        .await
        .is(200);
    assert_eq!(
        app.parts(&format!("&statementId={}", id(500))).await.1,
        parts[1..]
    );
}

#[actix_web::test]
async fn what_it_becomes_is_held_to_the_limit() {
    let app = App::with(|config| config.body_max_bytes = 100_000).await;
    let large = format!("[{}]", " ".repeat(50_000_000));
    let post = |encoding: &str, body: Vec<u8>| {
        app.request(Method::POST, "/statements")
            .header("Content-Type", "application/json")
            .header("Content-Encoding", encoding)
            .body(body)
    };
    let bomb = zstd(large.as_bytes());
    assert!(bomb.len() < 20_000);
    let refused = Answer::of(post("zstd", bomb)).await.is(413);
    assert_eq!(refused.body["rule"], "body-limit");
    let broken = Answer::of(post("zstd", b"{}".to_vec())).await.is(400);
    assert_eq!(broken.body["rule"], "body-readable");
    let unknown = Answer::of(post("br", b"{}".to_vec())).await.is(415);
    assert_eq!(unknown.body["rule"], "content-encoding");
    assert_eq!(unknown.header("accept-encoding"), "gzip, deflate, zstd");
}

//! The body of a PUT or POST: its type, its size.

use actix_web::HttpRequest;
use actix_web::dev::{Decompress, Payload};
use actix_web::http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap};
use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use service::error::Problem;

use super::problems;

/// Reads a JSON body of at most `max_bytes`, compressed or not: a larger one is refused before it is
/// read where its length is announced, else as soon as it has grown too large.
pub(super) async fn json(
    request: &HttpRequest,
    payload: Payload,
    max_bytes: usize,
) -> Result<Bytes, Problem> {
    is_json(request)?;
    read(request.headers(), payload, max_bytes).await
}

/// Reads a body of at most `max_bytes`, compressed or not, whatever its type.
pub(super) async fn read(
    headers: &HeaderMap,
    payload: Payload,
    max_bytes: usize,
) -> Result<Bytes, Problem> {
    let announced = headers
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok());
    if announced
        .and_then(|text| text.parse::<usize>().ok())
        .is_some_and(|bytes| bytes > max_bytes)
    {
        return Err(problems::too_large(max_bytes));
    }
    let mut chunks = Decompress::from_headers(payload, headers);
    let mut body = BytesMut::new();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| unreadable())?;
        if body.len() + chunk.len() > max_bytes {
            return Err(problems::too_large(max_bytes));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

fn is_json(request: &HttpRequest) -> Result<(), Problem> {
    let given = request
        .headers()
        .get(CONTENT_TYPE)
        .map(|value| value.to_str().unwrap_or_default());
    let essence = given.map(|text| {
        text.split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase()
    });
    match essence.as_deref() {
        Some("application/json") if is_utf8(given.unwrap_or_default()) => Ok(()),
        Some("application/json") => Err(problems::media_type("JSON is in UTF-8 here")),
        Some("multipart/mixed") => Err(problems::media_type(
            "multipart/mixed is not taken yet: send application/json, attachments by their fileUrl",
        )),
        Some(_) => Err(problems::media_type(
            "statements are sent as application/json",
        )),
        None => Err(problems::media_type(
            "the header Content-Type is required: application/json",
        )),
    }
}

fn is_utf8(content_type: &str) -> bool {
    content_type
        .split(';')
        .skip(1)
        .filter_map(|parameter| parameter.split_once('='))
        .filter(|(name, _)| name.trim().eq_ignore_ascii_case("charset"))
        .all(|(_, charset)| {
            charset
                .trim()
                .trim_matches('"')
                .eq_ignore_ascii_case("utf-8")
        })
}

fn unreadable() -> Problem {
    problems::bad_request(
        "",
        "body-readable",
        "RFC 9110 8.4",
        "the body ended early, or is not compressed as it says",
    )
}

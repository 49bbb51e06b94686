//! The document that a request brings.

use actix_web::HttpRequest;
use actix_web::dev::{Decompress, Payload};
use actix_web::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use service::error::Problem;

use crate::documents::decide::Document;
use crate::http::problems;

/// The type of a document that was sent without one (RFC 9110 8.3).
const OCTETS: &str = "application/octet-stream";

/// The body with its type, of at most `max_bytes`, compressed on its way or not: a larger one is
/// refused before it is read where its length is announced, else as soon as it has grown too large.
pub(super) async fn document(
    request: &HttpRequest,
    payload: Payload,
    max_bytes: usize,
) -> Result<Document, Problem> {
    Ok(Document {
        content_type: content_type(request)?,
        content: content(request, payload, max_bytes).await?,
    })
}

fn content_type(request: &HttpRequest) -> Result<String, Problem> {
    match request
        .headers()
        .get(CONTENT_TYPE)
        .map(|value| value.to_str())
    {
        None | Some(Ok("")) => Ok(OCTETS.to_owned()),
        Some(Ok(text)) => Ok(text.to_owned()),
        Some(Err(_)) => Err(problems::bad_request(
            "Content-Type",
            "content-type-ascii",
            "RFC 9110 8.3",
            "a media type is written in ASCII",
        )),
    }
}

async fn content(
    request: &HttpRequest,
    payload: Payload,
    max_bytes: usize,
) -> Result<Bytes, Problem> {
    let announced = request
        .headers()
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok());
    if announced
        .and_then(|text| text.parse::<usize>().ok())
        .is_some_and(|bytes| bytes > max_bytes)
    {
        return Err(problems::document_too_large(max_bytes));
    }
    let mut chunks = Decompress::from_headers(payload, request.headers());
    let mut body = BytesMut::new();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| {
            problems::bad_request(
                "",
                "body-readable",
                "RFC 9110 8.4",
                "the body ended early, or is not compressed as it says",
            )
        })?;
        if body.len() + chunk.len() > max_bytes {
            return Err(problems::document_too_large(max_bytes));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

//! The document that a request brings.

use actix_web::HttpRequest;
use actix_web::dev::Payload;
use actix_web::http::header::CONTENT_TYPE;
use service::error::Problem;

use crate::documents::decide::Document;
use crate::http::{body, problems};

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
        content: body::read(request, payload, max_bytes).await?,
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

//! Bodies: of the right type, as they are, not too large.

use actix_web::HttpRequest;
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use actix_web::web::{Bytes, Payload};
use service::error::Problem;

use super::problems;

/// A body of one of these media types and of at most `max_bytes`.
pub(super) async fn read(
    request: &HttpRequest,
    payload: Payload,
    media_types: &[&str],
    max_bytes: usize,
) -> Result<Bytes, Problem> {
    let headers = request.headers();
    let given = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default().trim();
    if !media_types
        .iter()
        .any(|known| essence.eq_ignore_ascii_case(known))
    {
        let detail = format!("the body is sent as {}", media_types.join(" or "));
        return Err(problems::media_type("Content-Type", &detail));
    }
    if headers.contains_key(CONTENT_ENCODING) {
        let detail = "the body is sent as it is, without a content encoding";
        return Err(problems::media_type("Content-Encoding", detail));
    }
    match payload.to_bytes_limited(max_bytes).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(_)) => Err(problems::unreadable()),
        Err(_) => Err(problems::too_large(max_bytes)),
    }
}

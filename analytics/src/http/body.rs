//! Bodies of the right type.

use actix_web::HttpRequest;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::{Bytes, Payload};
use serde_json::Value;
use service::error::Problem;
use service::http::body;

use super::problems;

/// A body of JSON, of at most `max_bytes`; `what` it is said to be when it is none.
pub(super) async fn json(
    request: &HttpRequest,
    payload: Payload,
    what: &str,
    max_bytes: usize,
) -> Result<Value, Problem> {
    let bytes = read(request, payload, &["application/json"], max_bytes).await?;
    schemas::strict_json::parse(&bytes).map_err(|fault| problems::refused(what, vec![fault]))
}

/// A body of one of these media types and of at most `max_bytes`.
pub(super) async fn read(
    request: &HttpRequest,
    payload: Payload,
    media_types: &[&str],
    max_bytes: usize,
) -> Result<Bytes, Problem> {
    let given = request
        .headers()
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
    body::read(request, payload, max_bytes).await
}

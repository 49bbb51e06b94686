//! The body of a PUT or POST: its type, its size.

use actix_web::HttpRequest;
use actix_web::dev::Payload;
use actix_web::http::header::{CONTENT_TYPE, HeaderMap};
use bytes::Bytes;
use schemas::strict_json::MAX_DEPTH;
use service::error::Problem;
use service::http::body::gather;

use super::media::Media;
use super::{decode, problems};
use crate::config::XapiSettings;
use crate::shape::{self, Shape};

/// Characters that a boundary may have (RFC 2046 5.1.1) besides letters and digits.
const BOUNDARY: &[u8] = b"'()+_,-./:=? ";

/// How statements are sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `application/json`.
    Json,
    /// `multipart/mixed` with this boundary.
    Mixed(String),
}

/// How the statements of a request are sent, by its `Content-Type`.
pub(super) fn kind(headers: &HeaderMap) -> Result<Kind, Problem> {
    let Some(given) = headers.get(CONTENT_TYPE) else {
        return Err(problems::media_type(
            "the header Content-Type is required: application/json or multipart/mixed",
        ));
    };
    let media = given.to_str().ok().and_then(Media::read);
    match media {
        Some(media) if media.essence == "application/json" => {
            if media.is_utf8() {
                Ok(Kind::Json)
            } else {
                Err(problems::media_type("JSON is in UTF-8 here"))
            }
        }
        Some(media) if media.essence == "multipart/mixed" => match media.parameter("boundary") {
            Some(boundary) if is_boundary(boundary) => Ok(Kind::Mixed(boundary.to_owned())),
            _ => Err(problems::multipart(
                "Content-Type",
                "multipart-boundary",
                "multipart/mixed has a parameter boundary: 1 to 70 of the characters that RFC 2046 allows",
            )),
        },
        _ => Err(problems::media_type(
            "statements are sent as application/json or multipart/mixed",
        )),
    }
}

fn is_boundary(text: &str) -> bool {
    (1..=70).contains(&text.len())
        && !text.ends_with(' ')
        && text
            .bytes()
            .all(|c| c.is_ascii_alphanumeric() || BOUNDARY.contains(&c))
}

/// Reads a body of at most `max_bytes`, compressed or not, whatever its type: a larger one is refused
/// before it is read where its length is announced, else as soon as it has grown too large.
pub(super) async fn read(
    request: &HttpRequest,
    payload: Payload,
    max_bytes: usize,
) -> Result<Bytes, Problem> {
    let content = decode::content(request.headers(), payload)?;
    gather(request, content, max_bytes).await
}

/// Refuses statements that are more, or nested deeper, than may be, before anything is made of them.
pub(super) fn bounded(statements: &[u8], limits: &XapiSettings) -> Result<(), Problem> {
    // Most requests are too short for too many: each takes a byte, and a comma.
    let may_be_many = statements.len() / 2 > limits.request_max_statements;
    // At its own depth the parser stops by itself, and knows the place.
    let may_be_deep = limits.nesting_max < MAX_DEPTH;
    if !may_be_many && !may_be_deep {
        return Ok(());
    }
    let shape = Shape::of(statements);
    if shape.elements > limits.request_max_statements {
        return Err(problems::too_many_statements(limits.request_max_statements));
    }
    if may_be_deep && shape.depth > limits.nesting_max {
        return Err(problems::invalid(vec![shape::too_deep(limits.nesting_max)]));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_type_says_how_statements_are_sent() {
        let kind = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, text.parse().expect("a value"));
            kind(&headers).map_err(|problem| problem.errors()[0].rule.clone())
        };
        let mixed = |boundary: &str| Ok(Kind::Mixed(boundary.to_owned()));
        assert_eq!(kind("application/json; charset=UTF-8"), Ok(Kind::Json));
        assert_eq!(kind("multipart/mixed; boundary=--x"), mixed("--x"));
        assert_eq!(kind("Multipart/Mixed;Boundary=\"a b\""), mixed("a b"));
        for (bad, rule) in [
            (
                "application/json; charset=latin1",
                "content-type-statements",
            ),
            ("multipart/form-data; boundary=x", "content-type-statements"),
            ("text/plain", "content-type-statements"),
            ("nothing", "content-type-statements"),
            ("multipart/mixed;", "multipart-boundary"),
            ("multipart/mixed; boundary=\"\"", "multipart-boundary"),
            ("multipart/mixed; boundary=\"a \"", "multipart-boundary"),
            ("multipart/mixed; boundary=\"\\\"\"", "multipart-boundary"),
        ] {
            assert_eq!(kind(bad), Err(rule.to_owned()), "{bad}");
        }
        let long = format!("multipart/mixed; boundary={}", "x".repeat(71));
        assert_eq!(kind(&long), Err("multipart-boundary".to_owned()));
    }
}

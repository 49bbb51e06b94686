//! What a GET of a document, of Agents or of Activities answers: a content with its entity tag,
//! unless the client has it already (RFC 9110 13; xAPI 1.0.3 Communication 3.1).

use std::time::SystemTime;

use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, ETAG, HeaderName, HttpDate, IF_MATCH, IF_NONE_MATCH,
    LAST_MODIFIED, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use service::error::Problem;

use super::problems;
use crate::documents::precondition::Header;
use crate::documents::{Digest, Preconditions};

/// A content as it goes out.
pub(super) struct Content<'a> {
    /// `Content-Type`.
    pub(super) content_type: &'a str,
    /// The bytes.
    pub(super) content: Bytes,
    /// Of the bytes.
    pub(super) digest: Digest,
    /// `Last-Modified`, to the second below.
    pub(super) updated: Option<DateTime<Utc>>,
}

/// 200 with the content, 304 where the client has it (`If-None-Match`), 412 where it wants another
/// (`If-Match`).
pub(super) fn content(request: &HttpRequest, given: Content<'_>) -> Result<HttpResponse, Problem> {
    match preconditions(request)?.check(Some(given.digest)) {
        Ok(()) => Ok(headers(&mut HttpResponse::Ok(), &given)
            .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
            // What a client keeps here may be a page with scripts: it is data, and never runs with
            // the rights of this origin.
            .insert_header((CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"))
            .content_type(given.content_type)
            .body(given.content)),
        Err(Header::IfNoneMatch) => Ok(headers(&mut HttpResponse::NotModified(), &given).finish()),
        Err(header @ Header::IfMatch) => Err(problems::precondition(header)),
    }
}

/// The same for JSON that was made just now.
pub(super) fn json(
    request: &HttpRequest,
    text: String,
    updated: Option<DateTime<Utc>>,
) -> Result<HttpResponse, Problem> {
    let content = Bytes::from(text);
    self::content(
        request,
        Content {
            content_type: "application/json",
            digest: Digest::of(&content),
            content,
            updated,
        },
    )
}

/// The preconditions of a request.
pub(super) fn preconditions(request: &HttpRequest) -> Result<Preconditions, Problem> {
    let given = |name: HeaderName| {
        let values: Vec<&[u8]> = request
            .headers()
            .get_all(name)
            .map(|value| value.as_bytes())
            .collect();
        // Several lines of one header are one list (RFC 9110 5.3).
        (!values.is_empty()).then(|| values.join(&b", "[..]))
    };
    let (if_match, if_none_match) = (given(IF_MATCH), given(IF_NONE_MATCH));
    Preconditions::read(if_match.as_deref(), if_none_match.as_deref())
        .map_err(problems::malformed_precondition)
}

fn headers<'a>(
    response: &'a mut HttpResponseBuilder,
    given: &Content<'_>,
) -> &'a mut HttpResponseBuilder {
    response
        .insert_header((ETAG, given.digest.etag()))
        // Without it a browser may take a copy for fresh as long as it guesses from Last-Modified.
        .insert_header((CACHE_CONTROL, "private, no-cache"));
    if let Some(at) = given.updated {
        response.insert_header((LAST_MODIFIED, HttpDate::from(SystemTime::from(at))));
    }
    response
}

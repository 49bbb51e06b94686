//! Bodies, read whole: of at most so many bytes, out of a budget that all requests share.
//!
//! A service that reads bodies in a way of its own gathers what it keeps in [`Gathered`] and tells
//! what goes wrong by [`broken`], so that each fault has one answer.

use std::io::ErrorKind;
use std::time::Duration;

use actix_web::error::PayloadError;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, HeaderMap, HeaderValue,
};
use actix_web::web::{self, Bytes, BytesMut};
use actix_web::{HttpMessage, HttpRequest};
use futures::{Stream, StreamExt};

use crate::budget::{Budget, Share};
use crate::error::{Broken, Problem};
use crate::telemetry::Often;

static REFUSED: Often = Often::new();

/// Reads a body of at most `max_bytes`, sent as it is.
pub async fn read(
    request: &HttpRequest,
    payload: web::Payload,
    max_bytes: usize,
) -> Result<Bytes, Problem> {
    if request.headers().contains_key(CONTENT_ENCODING) {
        return Err(encoded());
    }
    let chunks = payload.map(|chunk| chunk.map_err(|error| broken(&error)));
    gather(request, chunks, max_bytes).await
}

/// Puts the chunks of a body together, at most `max_bytes`: a larger one is refused before it is read
/// where its length is announced, else as soon as it has grown too large.
pub async fn gather(
    request: &HttpRequest,
    chunks: impl Stream<Item = Result<Bytes, Problem>>,
    max_bytes: usize,
) -> Result<Bytes, Problem> {
    if announced(request.headers()).is_some_and(|bytes| bytes > max_bytes) {
        return Err(too_large(max_bytes));
    }
    let mut chunks = std::pin::pin!(chunks);
    let mut gathered = Gathered::new(request, max_bytes);
    while let Some(chunk) = chunks.next().await {
        gathered.take(&chunk?)?;
    }
    Ok(gathered.whole())
}

/// How long what is left of a body is waited for, where nobody wants it.
const DISCARD: Duration = Duration::from_secs(5);

/// Reads what is left of a body and keeps nothing of it: who is still sending would else find the
/// connection reset instead of the answer.
pub async fn discard<E>(chunks: impl Stream<Item = Result<Bytes, E>>) {
    let end = chunks.take_while(|chunk| std::future::ready(chunk.is_ok()));
    let _ = tokio::time::timeout(DISCARD, end.for_each(async |_| ())).await;
}

/// The length that the sender announces.
#[must_use]
pub fn announced(headers: &HeaderMap) -> Option<usize> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// A body on its way, and what it takes of the budget: given back when it is dropped, or once it is
/// whole when the request is answered.
///
/// The application gives `web::Data<Budget>` ([`super::Limits`]); one that gives none bounds each body,
/// and not their sum.
pub struct Gathered<'a> {
    request: &'a HttpRequest,
    max_bytes: usize,
    bytes: BytesMut,
    share: Option<Share>,
}

impl<'a> Gathered<'a> {
    /// Nothing yet of a body of this request, of at most `max_bytes`.
    #[must_use]
    pub fn new(request: &'a HttpRequest, max_bytes: usize) -> Self {
        let budget = request.app_data::<web::Data<Budget>>();
        Self {
            request,
            max_bytes,
            bytes: BytesMut::new(),
            share: budget.map(|budget| budget.share()),
        }
    }

    /// Takes more of it in.
    pub fn take(&mut self, chunk: &[u8]) -> Result<(), Problem> {
        if self.bytes.len() + chunk.len() > self.max_bytes {
            return Err(too_large(self.max_bytes));
        }
        let more = chunk.len() as u64;
        if self.share.as_mut().is_some_and(|share| !share.grow(more)) {
            return Err(busy());
        }
        self.bytes.extend_from_slice(chunk);
        Ok(())
    }

    /// It is whole.
    #[must_use]
    pub fn whole(self) -> Bytes {
        if let Some(share) = self.share {
            let mut extensions = self.request.extensions_mut();
            let held = extensions.get_or_insert_with(Held::default);
            held.0.push(share);
        }
        self.bytes.freeze()
    }
}

// A request has names in its headers.
impl std::fmt::Debug for Gathered<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gathered")
            .field("bytes", &self.bytes.len())
            .finish_non_exhaustive()
    }
}

/// What the bodies of a request take of the budget: an extension of the request, which goes with it.
#[derive(Default)]
struct Held(Vec<Share>);

/// Why a body could not be read: 408 where it took too long, else 400.
#[must_use]
pub fn broken(error: &PayloadError) -> Problem {
    tracing::debug!(%error, "a body could not be read");
    match error {
        PayloadError::Io(error) if error.kind() == ErrorKind::TimedOut => too_slow(),
        _ => unreadable(),
    }
}

/// 413: told before the body is read where its length is announced.
#[must_use]
pub fn too_large(max_bytes: usize) -> Problem {
    told(
        StatusCode::PAYLOAD_TOO_LARGE,
        "too_large",
        "body-limit",
        "RFC 9110 15.5.14",
        format!("a body has at most {max_bytes} bytes: many statements go in several requests"),
    )
}

/// 400: the body ended early, or is not compressed as it says.
#[must_use]
pub fn unreadable() -> Problem {
    told(
        StatusCode::BAD_REQUEST,
        "bad_request",
        "body-readable",
        "RFC 9110 8.4",
        "the body ended early, or is not compressed as it says".to_owned(),
    )
}

/// 408: the body took longer than it may.
fn too_slow() -> Problem {
    told(
        StatusCode::REQUEST_TIMEOUT,
        "too_slow",
        "body-timeout",
        "RFC 9110 15.5.9",
        "the body took too long to arrive; nothing was stored: send it again, or in smaller requests"
            .to_owned(),
    )
}

/// 503: as much is in memory as may be at the same time.
fn busy() -> Problem {
    if let Some(bodies) = REFUSED.happened() {
        tracing::warn!(bodies, "refused: too many bytes arrive at the same time");
    }
    told(
        StatusCode::SERVICE_UNAVAILABLE,
        "unavailable",
        "bodies-limit",
        "RFC 9110 15.6.4",
        "too many bodies arrive now; nothing was stored: try again".to_owned(),
    )
    .retry_after_s(2)
}

/// 415: a body that is compressed where none may be.
fn encoded() -> Problem {
    let detail = "the body is sent as it is, without a content encoding";
    Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "media_type", detail)
        .broken(Broken {
            pointer: Some("Content-Encoding".to_owned()),
            rule: "content-encoding".to_owned(),
            section: Some("RFC 9110 8.4".to_owned()),
            detail: detail.to_owned(),
        })
        .header(ACCEPT_ENCODING, HeaderValue::from_static("identity"))
}

/// One broken rule of the body as a whole.
fn told(
    status: StatusCode,
    code: &'static str,
    rule: &str,
    section: &str,
    detail: String,
) -> Problem {
    Problem::new(status, code, detail.clone()).broken(Broken {
        pointer: Some(String::new()),
        rule: rule.to_owned(),
        section: Some(section.to_owned()),
        detail,
    })
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use futures::stream;

    use super::*;

    fn chunks(sizes: &[usize]) -> impl Stream<Item = Result<Bytes, Problem>> + use<> {
        let chunks: Vec<_> = sizes
            .iter()
            .map(|size| Ok(Bytes::from(vec![b'x'; *size])))
            .collect();
        stream::iter(chunks)
    }

    fn rule(problem: &Problem) -> (u16, &str) {
        (problem.status().as_u16(), problem.errors()[0].rule.as_str())
    }

    #[actix_web::test]
    async fn what_bodies_take_is_held_until_their_requests_are_answered() {
        let budget = web::Data::new(Budget::new(10));
        let request = || TestRequest::default().app_data(budget.clone());
        let one = request().to_http_request();
        let other = request().to_http_request();
        gather(&one, chunks(&[3, 3]), 8).await.expect("room");
        let busy = gather(&other, chunks(&[3, 3]), 8).await.expect_err("none");
        assert_eq!(rule(&busy), (503, "bodies-limit"));
        // What was refused takes nothing; a second body of a request stands beside the first.
        gather(&one, chunks(&[4]), 8).await.expect("just fits");
        gather(&other, chunks(&[1]), 8).await.expect_err("none");
        drop(one);
        gather(&other, chunks(&[8]), 8).await.expect("room again");
    }

    #[actix_web::test]
    async fn a_body_that_is_too_large_is_refused_as_soon_as_it_is_known() {
        let grows = TestRequest::default().to_http_request();
        let large = gather(&grows, chunks(&[5, 4]), 8).await.expect_err("9");
        assert_eq!(rule(&large), (413, "body-limit"));
        let announced = TestRequest::default().insert_header((CONTENT_LENGTH, "9"));
        let announced = announced.to_http_request();
        let large = gather(&announced, chunks(&[]), 8).await.expect_err("9");
        assert_eq!(rule(&large), (413, "body-limit"));
    }

    #[test]
    fn a_body_that_was_given_up_is_not_taken_for_a_broken_one() {
        let of = |kind: ErrorKind| broken(&PayloadError::Io(kind.into()));
        assert_eq!(rule(&of(ErrorKind::TimedOut)), (408, "body-timeout"));
        assert_eq!(
            rule(&of(ErrorKind::ConnectionReset)),
            (400, "body-readable")
        );
    }
}

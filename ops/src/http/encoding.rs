//! Compressed answers: zstd for clients that take it (gzip is actix-web's own middleware), and the
//! entity tag that a compressed answer has.

use actix_web::Error;
use actix_web::body::{BodySize, BoxBody, EitherBody, MessageBody, to_bytes};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{
    AcceptEncoding, CONTENT_ENCODING, ETAG, Encoding, Header, HeaderValue, VARY,
};
use actix_web::middleware::Next;

/// A fast level: answers are made while their reader waits.
const LEVEL: i32 = 1;

/// Below this a frame saves nothing worth its header.
const WORTH_BYTES: u64 = 256;

/// Middleware: zstd, where the client prefers it and the answer is whole in memory. Inside of
/// actix-web's `Compress`, which leaves alone what is compressed already.
pub(super) async fn zstd<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B, BoxBody>>, Error> {
    let wanted = request.method() != Method::HEAD && wants_zstd(&request);
    let response = next.call(request).await?;
    let worth =
        matches!(response.response().body().size(), BodySize::Sized(size) if size >= WORTH_BYTES);
    if !wanted || !worth || response.headers().contains_key(CONTENT_ENCODING) {
        return Ok(response.map_into_left_body());
    }
    let (request, response) = response.into_parts();
    let (head, body) = response.into_parts();
    let plain = to_bytes(body)
        .await
        .map_err(|error| actix_web::error::ErrorInternalServerError(error.into()))?;
    let mut response = head;
    let body = match zstd::bulk::compress(&plain, LEVEL) {
        Ok(frame) if frame.len() < plain.len() => {
            let headers = response.headers_mut();
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("zstd"));
            headers.append(VARY, HeaderValue::from_static("accept-encoding"));
            bytes::Bytes::from(frame)
        }
        _ => plain,
    };
    let response = response.set_body(BoxBody::new(body));
    Ok(ServiceResponse::new(request, response).map_into_right_body())
}

fn wants_zstd(request: &ServiceRequest) -> bool {
    let known = [Encoding::identity(), Encoding::gzip(), Encoding::zstd()];
    AcceptEncoding::parse(request)
        .is_ok_and(|accepted| accepted.negotiate(known.iter()) == Some(Encoding::zstd()))
}

/// Middleware, outside of all that compresses: a strong entity tag names the bytes of the identity
/// encoding, so what is compressed carries the same one as a weak tag (RFC 9110 8.8.3).
pub(super) async fn entity_tag<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let mut response = next.call(request).await?;
    let headers = response.headers_mut();
    if headers.contains_key(CONTENT_ENCODING)
        && let Some(tag) = headers.get(ETAG)
        && tag.as_bytes().starts_with(b"\"")
    {
        let weak = [b"W/", tag.as_bytes()].concat();
        if let Ok(weak) = HeaderValue::from_bytes(&weak) {
            headers.insert(ETAG, weak);
        }
    }
    Ok(response)
}

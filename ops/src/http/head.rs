//! How large the head of a request may be: its first line and its headers. The parsers below have
//! bounds of their own, which no setting moves (`docs/operations/limits.md`); this one is told as a
//! problem.

use actix_web::body::{BoxBody, EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::middleware::Next;
use actix_web::{Error, ResponseError, web};
use service::error::{Broken, Problem};

/// What a line has besides what counts in it: in the first one two blanks and the version, in a
/// header a colon and a blank; CR LF at the end of both.
const OF_FIRST_LINE: usize = 12;
const OF_HEADER: usize = 4;

/// Bytes of a head at most.
#[derive(Clone, Copy, Debug)]
pub(super) struct Heads(pub(super) usize);

/// Middleware: 431 where the head is larger.
pub(super) async fn bounded<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B, BoxBody>>, Error> {
    let Heads(max_bytes) = ***request
        .app_data::<web::Data<Heads>>()
        .expect("the application is given it");
    if bytes(&request) <= max_bytes {
        return Ok(next.call(request).await?.map_into_left_body());
    }
    Ok(request
        .into_response(refused(max_bytes).error_response())
        .map_into_right_body())
}

/// As they are written in HTTP/1.1.
fn bytes(request: &ServiceRequest) -> usize {
    let target = request.uri().path_and_query();
    let target = target.map_or(0, |target| target.as_str().len());
    let headers: usize = request
        .headers()
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + OF_HEADER)
        .sum();
    request.method().as_str().len() + target + OF_FIRST_LINE + headers
}

fn refused(max_bytes: usize) -> Problem {
    let detail = format!("the first line and the headers have at most {max_bytes} bytes together");
    let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
    Problem::new(status, "too_large", detail.clone()).broken(Broken {
        pointer: Some("headers".to_owned()),
        rule: "headers-limit".to_owned(),
        section: Some("RFC 6585 5".to_owned()),
        detail,
    })
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn a_head_counts_as_it_is_written() {
        let written = "PUT /xapi/about?a=b HTTP/1.1\r\nHost: localhost\r\nX-A: 1\r\nX-A: 22\r\n";
        let request = TestRequest::put()
            .uri("/xapi/about?a=b")
            .insert_header(("Host", "localhost"))
            .append_header(("X-A", "1"))
            .append_header(("X-A", "22"))
            .to_srv_request();
        assert_eq!(bytes(&request), written.len());
    }
}

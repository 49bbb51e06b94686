//! What every service's HTTP side shares: request ids, the access log, answers to what is no route.

pub mod body;
mod caller;
pub mod credentials;
mod late;
mod limits;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::{JsonPayloadError, PathError, QueryPayloadError};
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpRequest, HttpResponse, ResponseError, web};
use std::time::Instant;

use crate::error::{Broken, Problem, REQUEST_ID};

pub use late::turn_away;
pub use limits::Limits;

/// Middleware (`from_fn(trace)`): gives the request an id, logs one line when it is answered.
///
/// The line holds method, route pattern, status and duration: no path with a key in it, no query
/// string, since xAPI's `agent=` stands there.
pub async fn trace<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let id = uuid::Uuid::now_v7().to_string();
    let header = HeaderValue::from_str(&id).expect("a UUID is a header's value");
    let method = request.method().clone();
    let started = Instant::now();
    let mut result = REQUEST_ID.scope(id.clone(), next.call(request)).await;
    let (route, status) = match &mut result {
        Ok(response) => {
            response
                .headers_mut()
                .insert(HeaderName::from_static("x-request-id"), header);
            let route = response.request().match_pattern();
            (
                route.unwrap_or_else(|| "none".to_owned()),
                response.status(),
            )
        }
        Err(error) => ("none".to_owned(), error.as_response_error().status_code()),
    };
    let duration_ms = started.elapsed().as_secs_f64() * 1e3;
    tracing::info!(target: "access", method = %method, route = %route, request.id = %id, status = status.as_u16(), duration_ms = duration_ms, "answered");
    result
}

/// The answers to a bad path, query or JSON body, and to what is no route: all of them problems.
pub fn defaults(cfg: &mut web::ServiceConfig) {
    cfg.app_data(web::JsonConfig::default().error_handler(json_error))
        .app_data(web::QueryConfig::default().error_handler(query_error))
        .app_data(web::PathConfig::default().error_handler(path_error))
        .default_service(web::to(no_route));
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the signature is actix-web's"
)]
fn json_error(error: JsonPayloadError, _: &HttpRequest) -> Error {
    let (status, code, rule) = match &error {
        JsonPayloadError::OverflowKnownLength { .. } | JsonPayloadError::Overflow { .. } => {
            (StatusCode::PAYLOAD_TOO_LARGE, "too_large", "body-limit")
        }
        JsonPayloadError::ContentType => (
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "media_type",
            "content-type-json",
        ),
        _ => (StatusCode::BAD_REQUEST, "bad_request", "json-body"),
    };
    problem(status, code, rule, "", &error)
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the signature is actix-web's"
)]
fn query_error(error: QueryPayloadError, _: &HttpRequest) -> Error {
    problem(
        StatusCode::BAD_REQUEST,
        "bad_request",
        "query-parameters",
        "query",
        &error,
    )
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the signature is actix-web's"
)]
fn path_error(error: PathError, _: &HttpRequest) -> Error {
    problem(
        StatusCode::BAD_REQUEST,
        "bad_request",
        "path-parameters",
        "path",
        &error,
    )
}

fn problem(
    status: StatusCode,
    code: &'static str,
    rule: &str,
    place: &str,
    error: &dyn std::error::Error,
) -> Error {
    let detail = error.to_string();
    Problem::new(status, code, detail.clone())
        .broken(Broken {
            pointer: Some(place.to_owned()),
            rule: rule.to_owned(),
            section: None,
            detail,
        })
        .into()
}

async fn no_route() -> HttpResponse {
    Problem::not_found("there is nothing at this address, or not for this method; /api/openapi.json lists what there is")
        .error_response()
}

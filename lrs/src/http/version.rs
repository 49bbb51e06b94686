//! `X-Experience-API-Version` and `X-Experience-API-Consistent-Through` (xAPI 1.0.3 Communication
//! 3.3 and 2.1).

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, FromRequest, HttpRequest, ResponseError, web};
use schemas::time::format_timestamp;
use schemas::xapi::XapiVersion;
use service::error::Problem;
use std::future::{Ready, ready};

use super::problems;
use crate::Lrs;

pub(super) const VERSION: HeaderName = HeaderName::from_static("x-experience-api-version");
const CONSISTENT_THROUGH: HeaderName =
    HeaderName::from_static("x-experience-api-consistent-through");
const SECTION: &str = "xAPI 1.0.3 Communication 3.3";

/// The version of this request, checked by [`required`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Spoken(pub(super) XapiVersion);

impl FromRequest for Spoken {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(of(request.headers()).map(Self))
    }
}

/// Middleware: the two headers on every answer, also on those that tell a fault.
pub(super) async fn headers(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let lrs = lrs(&request);
    // A fault is an answer already: handlers, extractors and `required` make none an error.
    let mut response = next.call(request).await?;
    // Of the request as it was understood: the alternate syntax may have named it in its form.
    let version =
        of(response.request().headers()).unwrap_or_else(|_| lrs.config().xapi.default_version);
    let headers = response.headers_mut();
    headers.insert(VERSION, HeaderValue::from_static(version.as_str()));
    if let Some(at) = lrs.consistent_through().await
        && let Ok(value) = HeaderValue::from_str(&format_timestamp(at))
    {
        headers.insert(CONSISTENT_THROUGH, value);
    }
    Ok(response)
}

/// Middleware of a resource with these methods (`Allow`): 400 without a version that is spoken here,
/// whatever else the request is. Another method is left to the answer that says so.
pub(super) async fn required(
    allowed: &'static str,
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse, Error> {
    let is_known = |method: &str| allowed.split(", ").any(|known| known == method);
    match of(request.headers()) {
        // Not as an error: the middleware outside would have nothing to put its headers on.
        Err(problem) if is_known(request.method().as_str()) => {
            Ok(request.into_response(problem.error_response()))
        }
        Ok(_) | Err(_) => next.call(request).await,
    }
}

fn of(headers: &HeaderMap) -> Result<XapiVersion, Problem> {
    let problem =
        |rule, detail| problems::bad_request("X-Experience-API-Version", rule, SECTION, detail);
    let value = headers.get(&VERSION).ok_or_else(|| {
        problem(
            "version-header",
            "the header X-Experience-API-Version is required: 1.0.3 or 2.0.0",
        )
    })?;
    value
        .to_str()
        .ok()
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| {
            problem(
                "version-header-supported",
                "1.0, 1.0.x, 2.0 and 2.0.x are spoken here",
            )
        })
}

fn lrs(request: &ServiceRequest) -> web::Data<Lrs> {
    request
        .app_data::<web::Data<Lrs>>()
        .cloned()
        .expect("every application with these routes is given its Lrs")
}

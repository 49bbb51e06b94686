//! The envelope of every 4xx and 5xx: `application/problem+json` (RFC 9457).

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    CACHE_CONTROL, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE,
};
use serde::Serialize;

tokio::task_local! {
    /// The id of the request that this task answers; set by [`crate::http::trace`].
    pub(crate) static REQUEST_ID: String;
}

/// One broken rule: where, which, and what the specification says of it.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Broken {
    /// JSON pointer (RFC 6901) into the request's body, or the name of a header or parameter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// A stable name of the rule.
    pub rule: String,
    /// The section of the specification that has the rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub section: Option<String>,
    /// The rule in words, as it applies here.
    pub detail: String,
}

/// An answer that is not a success.
///
/// `detail` is for the caller; what we know inside goes to the log, under the request's id.
#[derive(Clone, Debug)]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: String,
    errors: Vec<Broken>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// The body of a [`Problem`], as it is sent.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ProblemBody<'a> {
    /// `https://w3id.org/sillage/errors/` and the code.
    #[serde(rename = "type")]
    kind: String,
    /// The words of the HTTP status.
    title: &'a str,
    /// The HTTP status.
    status: u16,
    /// A stable code.
    code: &'a str,
    /// What is wrong, in words.
    detail: &'a str,
    /// Where the first error is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pointer: Option<&'a str>,
    /// Which rule the first error breaks.
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<&'a str>,
    /// Where the specification has that rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    section: Option<&'a str>,
    /// Every error found.
    #[serde(skip_serializing_if = "<[Broken]>::is_empty")]
    errors: &'a [Broken],
    /// The id under which our log tells more.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
}

impl Problem {
    /// A problem with a status, a stable code and words for the caller.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            status,
            code,
            detail: detail.into(),
            errors: Vec::new(),
            headers: Vec::new(),
        }
    }

    /// 400 with one broken rule. `pointer` is a JSON pointer, a header's or a parameter's name.
    pub fn bad_request(
        pointer: impl Into<Option<String>>,
        rule: impl Into<String>,
        section: impl Into<Option<String>>,
        detail: impl Into<String>,
    ) -> Self {
        let detail = detail.into();
        Self::new(StatusCode::BAD_REQUEST, "bad_request", detail.clone()).broken(Broken {
            pointer: pointer.into(),
            rule: rule.into(),
            section: section.into(),
            detail,
        })
    }

    /// 404: there is no such thing.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", detail)
    }

    /// 401: no credential, or not one of ours. Which of the two is not told.
    #[must_use]
    pub fn unauthorized() -> Self {
        let detail = "send `Authorization: Basic` with the key and secret of a credential";
        Self::new(
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            "a valid credential is required, by HTTP Basic",
        )
        .broken(authentication("Authorization", "credential", detail))
        .header(
            WWW_AUTHENTICATE,
            HeaderValue::from_static("Basic realm=\"sillage\", charset=\"UTF-8\""),
        )
    }

    /// 401: a bearer token that is not taken, and which rule it breaks.
    pub fn bad_token(rule: &'static str, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", detail.clone())
            .broken(authentication("Authorization", rule, detail))
            .header(
                WWW_AUTHENTICATE,
                HeaderValue::from_static("Bearer realm=\"sillage\", error=\"invalid_token\""),
            )
    }

    /// 403: known who calls, who may not do this. `pointer` is what they may not do it to.
    pub fn forbidden(pointer: &str, rule: &'static str, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self::new(StatusCode::FORBIDDEN, "forbidden", detail.clone())
            .broken(authentication(pointer, rule, detail))
    }

    /// 503 with `Retry-After`: the database or the queue has no room now. The cause is logged here.
    pub fn unavailable(cause: &(dyn std::error::Error + 'static)) -> Self {
        tracing::error!(error = %chain(cause), "service unavailable");
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "unavailable",
            "the service cannot answer now: try again",
        )
        .retry_after_s(1)
    }

    /// 500: our fault. The cause is logged here and never told.
    pub fn internal(cause: &(dyn std::error::Error + 'static)) -> Self {
        tracing::error!(error = %chain(cause), "internal error");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "the service failed to answer: this is our fault, and logged",
        )
    }

    /// With one more broken rule.
    #[must_use]
    pub fn broken(mut self, broken: Broken) -> Self {
        self.errors.push(broken);
        self
    }

    /// With more broken rules, each with its place.
    #[must_use]
    pub fn with_errors(mut self, errors: impl IntoIterator<Item = Broken>) -> Self {
        self.errors.extend(errors);
        self
    }

    /// With the number of seconds after which to try again.
    #[must_use]
    pub fn retry_after_s(self, seconds: u32) -> Self {
        self.header(RETRY_AFTER, HeaderValue::from(seconds))
    }

    /// With a header of the answer.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// What is told of what is wrong.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// The broken rules.
    #[must_use]
    pub fn errors(&self) -> &[Broken] {
        &self.errors
    }
}

/// A broken rule about who may call.
fn authentication(pointer: &str, rule: &str, detail: impl Into<String>) -> Broken {
    Broken {
        pointer: Some(pointer.to_owned()),
        rule: rule.to_owned(),
        section: Some("xAPI 1.0.3 Communication 4.0 Authentication".to_owned()),
        detail: detail.into(),
    }
}

/// A fault of the contracts is one broken rule.
impl From<schemas::xapi::Fault> for Broken {
    fn from(fault: schemas::xapi::Fault) -> Self {
        Self {
            pointer: Some(fault.pointer),
            rule: fault.rule.to_owned(),
            section: Some(fault.section.to_owned()),
            detail: fault.detail,
        }
    }
}

/// An error and everything behind it, on one line.
#[must_use]
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    std::iter::successors(Some(error), |error| error.source())
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}: {}", self.status.as_u16(), self.code, self.detail)
    }
}

impl std::error::Error for Problem {}

impl actix_web::ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        let first = self.errors.first();
        let body = ProblemBody {
            kind: format!("https://w3id.org/sillage/errors/{}", self.code),
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            code: self.code,
            detail: &self.detail,
            pointer: first.and_then(|broken| broken.pointer.as_deref()),
            rule: first.map(|broken| broken.rule.as_str()),
            section: first.and_then(|broken| broken.section.as_deref()),
            errors: &self.errors,
            request_id: REQUEST_ID.try_with(Clone::clone).ok(),
        };
        let text = serde_json::to_string(&body).expect("strings and numbers are always JSON");
        let mut response = HttpResponse::build(self.status);
        response.content_type("application/problem+json");
        response.insert_header((CACHE_CONTROL, "no-store"));
        for header in &self.headers {
            // Appended: a challenge stands beside another.
            response.append_header(header.clone());
        }
        response.body(text)
    }
}

#[cfg(test)]
mod tests {
    use actix_web::ResponseError;
    use actix_web::body::to_bytes;

    use super::*;

    #[actix_web::test]
    async fn a_problem_tells_place_rule_and_section() {
        let problem = Problem::bad_request(
            "/3/actor/mbox".to_owned(),
            "mbox-not-mailto",
            "xAPI 1.0.3 Data 2.4.2.3".to_owned(),
            "an mbox starts with mailto:",
        );
        let response = problem.error_response();
        assert_eq!(response.status(), StatusCode::BAD_REQUEST);
        let body = to_bytes(response.into_body())
            .await
            .expect("a body in memory");
        let body: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
        assert_eq!(body["pointer"], "/3/actor/mbox");
        assert_eq!(body["rule"], "mbox-not-mailto");
        assert_eq!(body["errors"][0]["section"], "xAPI 1.0.3 Data 2.4.2.3");
    }

    #[test]
    fn no_credential_is_told_how_to_send_one() {
        let response = Problem::unauthorized().error_response();
        assert!(response.headers().contains_key(WWW_AUTHENTICATE));
    }
}

//! The alternate request syntax (xAPI 1.0.3 Communication 1.3): a POST with `?method=PUT` whose form
//! holds the query, some headers and the content. It becomes the request that it stands for before
//! anything else looks at it, so that no handler knows of it. 2.0 removed it: there it is refused.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header::{
    AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue,
    IF_MATCH, IF_NONE_MATCH,
};
use actix_web::http::{Method, Uri};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, ResponseError, web};
use bytes::Bytes;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use schemas::xapi::XapiVersion;
use service::error::Problem;

use super::version::VERSION;
use super::{body, params, problems};
use crate::Lrs;

const SECTION: &str = "xAPI 1.0.3 Communication 1.3";

/// The headers that a form may hold.
const HEADERS: [HeaderName; 6] = [
    AUTHORIZATION,
    VERSION,
    CONTENT_TYPE,
    CONTENT_LENGTH,
    IF_MATCH,
    IF_NONE_MATCH,
];

/// Middleware: a request in the alternate syntax goes on as the one that it stands for.
pub(super) async fn syntax(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    if !is_alternate(&request) {
        return Ok(next.call(request).await?.map_into_boxed_body());
    }
    match unfold(&mut request).await {
        Ok(()) if request.method() == Method::HEAD => Ok(next
            .call(request)
            .await?
            // The connection knows of a POST, whose answer has a body: this one has none.
            .map_body(|_, _| BoxBody::new(()))),
        Ok(()) => Ok(next.call(request).await?.map_into_boxed_body()),
        Err(problem) => Ok(request
            .into_response(problem.error_response())
            .map_into_boxed_body()),
    }
}

/// Whether the query names a method. With another method than POST it is left to the resource, which
/// has no such parameter.
fn is_alternate(request: &ServiceRequest) -> bool {
    request.method() == Method::POST
        && request
            .query_string()
            .split('&')
            .any(|pair| pair == "method" || pair.starts_with("method="))
}

/// Turns the request into the one that it stands for.
async fn unfold(request: &mut ServiceRequest) -> Result<(), Problem> {
    // Of the envelope before it is opened; what the form says is looked at below.
    not_in_2_0(request.headers().get(VERSION))?;
    let method = method(&params::decode(request.query_string())?)?;
    let max_bytes = request
        .app_data::<web::Data<Lrs>>()
        .expect("every application with these routes is given its Lrs")
        .config()
        .body_max_bytes;
    is_form(request)?;
    let payload = request.take_payload();
    let sent = body::read(request.request(), payload, max_bytes).await?;
    let form = Form::read(&sent)?;
    let headers = request.headers_mut();
    // Those of the envelope say nothing of what is inside.
    for name in [CONTENT_TYPE, CONTENT_LENGTH, CONTENT_ENCODING] {
        headers.remove(name);
    }
    for (name, value) in form.headers {
        headers.insert(name, value);
    }
    if form.content.is_some() && !headers.contains_key(CONTENT_TYPE) {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    not_in_2_0(headers.get(VERSION))?;
    let uri = uri(request.path(), &form.query)?;
    let head = request.head_mut();
    head.method = method;
    head.uri = uri;
    request.set_payload(Payload::from(form.content.unwrap_or_default()));
    Ok(())
}

fn method(query: &[(String, String)]) -> Result<Method, Problem> {
    let [(_, name)] = query else {
        return Err(problem(
            "query",
            "alternate-query-alone",
            "beside method the query is empty: parameters stand in the form",
        ));
    };
    match name.as_str() {
        "GET" => Ok(Method::GET),
        "HEAD" => Ok(Method::HEAD),
        "PUT" => Ok(Method::PUT),
        "POST" => Ok(Method::POST),
        "DELETE" => Ok(Method::DELETE),
        _ => Err(problem(
            "method",
            "alternate-method",
            "method is GET, HEAD, PUT, POST or DELETE",
        )),
    }
}

fn is_form(request: &ServiceRequest) -> Result<(), Problem> {
    let given = request
        .headers()
        .get(CONTENT_TYPE)
        .map(|value| value.to_str().unwrap_or_default());
    let is_form = given.is_none_or(|given| {
        let essence = given.split(';').next().unwrap_or_default().trim();
        essence.eq_ignore_ascii_case("application/x-www-form-urlencoded")
    });
    if is_form {
        return Ok(());
    }
    Err(problem(
        "Content-Type",
        "alternate-form",
        "a request with the parameter method is sent as application/x-www-form-urlencoded",
    ))
}

fn not_in_2_0(version: Option<&HeaderValue>) -> Result<(), Problem> {
    let version = version
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.parse().ok());
    if version == Some(XapiVersion::V2_0_0) {
        return Err(problems::bad_request(
            "method",
            "alternate-syntax-removed",
            "IEEE 9274.1.1 4.1",
            "2.0 has no alternate request syntax: use the method itself",
        ));
    }
    Ok(())
}

fn uri(path: &str, query: &[(String, String)]) -> Result<Uri, Problem> {
    let encode = |text| utf8_percent_encode(text, NON_ALPHANUMERIC);
    let pairs: Vec<String> = query
        .iter()
        .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
        .collect();
    format!("{path}?{}", pairs.join("&")).parse().map_err(|_| {
        problem(
            "",
            "alternate-parameters-limit",
            "the parameters of a request are shorter than 65,000 bytes",
        )
    })
}

fn problem(pointer: &str, rule: &str, detail: &str) -> Problem {
    problems::bad_request(pointer, rule, SECTION, detail)
}

/// What a form holds.
#[derive(Debug)]
struct Form {
    headers: Vec<(HeaderName, HeaderValue)>,
    query: Vec<(String, String)>,
    content: Option<Bytes>,
}

impl Form {
    fn read(sent: &[u8]) -> Result<Self, Problem> {
        let text = std::str::from_utf8(sent).map_err(|_| {
            problem(
                "",
                "alternate-form-encoding",
                "a form is percent-encoded UTF-8",
            )
        })?;
        let mut form = Self {
            headers: Vec::new(),
            query: Vec::new(),
            content: None,
        };
        for (name, value) in params::decode(text)? {
            form.take(name, value)?;
        }
        Ok(form)
    }

    fn take(&mut self, name: String, value: String) -> Result<(), Problem> {
        let once = |taken: bool| {
            if taken {
                return Err(problem(
                    &name,
                    "query-parameter-once",
                    "a parameter stands once in a form",
                ));
            }
            Ok(())
        };
        if name == "content" {
            once(self.content.is_some())?;
            self.content = Some(Bytes::from(value));
        } else if let Some(header) = HEADERS
            .into_iter()
            .find(|header| name.eq_ignore_ascii_case(header.as_str()))
        {
            once(self.headers.iter().any(|(known, _)| *known == header))?;
            let value = HeaderValue::from_str(&value).map_err(|_| {
                problem(
                    &name,
                    "alternate-header",
                    "this is no value of a header (RFC 9110 5.5)",
                )
            })?;
            // What is inside has the length that it has.
            if header != CONTENT_LENGTH {
                self.headers.push((header, value));
            }
        } else {
            self.query.push((name, value));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_holds_headers_query_and_content() {
        let form = Form::read(
            b"statementId=1&content=%7B%22a%22%3A%22%C3%A9+b%22%7D&x-experience-api-version=1.0.3&Content-Length=5&If-Match=%22x%22",
        )
        .expect("a good form");
        assert_eq!(form.query, [("statementId".to_owned(), "1".to_owned())]);
        assert_eq!(form.content.as_deref(), Some(r#"{"a":"é b"}"#.as_bytes()));
        let headers: Vec<_> = form
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.to_str().expect("ASCII")))
            .collect();
        assert_eq!(
            headers,
            [("x-experience-api-version", "1.0.3"), ("if-match", "\"x\"")]
        );
    }

    #[test]
    fn what_stands_twice_or_is_no_header_is_refused() {
        for bad in [
            &b"content=a&content=b"[..],
            b"If-Match=a&if-match=b",
            b"Authorization=a%0Ab",
            b"a=%FF",
            b"\xff",
        ] {
            assert!(Form::read(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn parameters_become_a_query_that_is_read_the_same() {
        let query = [(
            "agent".to_owned(),
            r#"{"mbox":"mailto:a+b@é.org"}"#.to_owned(),
        )];
        let uri = uri("/xapi/statements", &query).expect("short");
        assert_eq!(
            params::decode(uri.query().unwrap_or_default()).expect("ours"),
            query
        );
        let long = [("agent".to_owned(), "é".repeat(20_000))];
        assert!(super::uri("/xapi/statements", &long).is_err());
    }
}

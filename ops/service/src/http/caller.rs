//! `Caller` out of the header `Authorization`: a credential by HTTP Basic, or a bearer token.

use std::future::Future;
use std::pin::Pin;
use std::time::Instant;

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::{AUTHORIZATION, HeaderValue, WWW_AUTHENTICATE};
use actix_web::{FromRequest, HttpRequest, web};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::clock;
use crate::error::{Broken, Problem};
use crate::identity::oidc::Issuer;
use crate::identity::{Caller, Credentials};
use crate::pace::Pace;

/// What `Authorization` says.
#[derive(Debug, PartialEq, Eq)]
enum Given {
    /// Nothing that is understood.
    Nothing,
    /// `Basic base64(key:secret)` (RFC 7617).
    Basic(String, String),
    /// `Bearer token` (RFC 6750).
    Bearer(String),
}

impl FromRequest for Caller {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let credentials = request.app_data::<web::Data<Credentials>>().cloned();
        let pace = request.app_data::<web::Data<Pace>>().cloned();
        let given = request
            .headers()
            .get(AUTHORIZATION)
            .map_or(Given::Nothing, |value| read(value.as_bytes()));
        Box::pin(async move {
            let credentials = credentials.expect("every application is given its credentials");
            let issuer = credentials.issuer();
            let caller = match (given, issuer) {
                (Given::Basic(key, secret), _) => credentials
                    .check(&key, &secret)
                    .await?
                    .ok_or_else(|| unauthorized(issuer))?,
                (Given::Bearer(token), Some(issuer)) => issuer.caller(&token, clock::now()).await?,
                (Given::Bearer(_) | Given::Nothing, _) => return Err(unauthorized(issuer)),
            };
            match pace {
                Some(pace) => in_pace(caller, &pace, Instant::now()),
                None => Ok(caller),
            }
        })
    }
}

/// The caller, unless it calls more often than it may. Whoever vouches for its statements has the
/// bucket: a credential, an application with a token of its own, a person with an application.
fn in_pace(caller: Caller, pace: &Pace, now: Instant) -> Result<Caller, Problem> {
    let who = caller.authority("").to_string();
    match pace.take(&who, now) {
        Ok(()) => Ok(caller),
        Err(wait) => Err(too_many(wait.as_secs())),
    }
}

/// 429; a moment is waited for besides the whole seconds.
fn too_many(wait_s: u64) -> Problem {
    let detail =
        "too many requests with this credential; nothing was done: wait as Retry-After says";
    Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", detail)
        .broken(Broken {
            pointer: Some("Authorization".to_owned()),
            rule: "requests-limit".to_owned(),
            section: Some("RFC 6585 4".to_owned()),
            detail: detail.to_owned(),
        })
        .retry_after_s(u32::try_from(wait_s).unwrap_or(u32::MAX).saturating_add(1))
}

/// 401, with every way to call that there is.
fn unauthorized(issuer: Option<&Issuer>) -> Problem {
    let problem = Problem::unauthorized();
    match issuer {
        None => problem,
        Some(_) => problem.header(
            WWW_AUTHENTICATE,
            HeaderValue::from_static("Bearer realm=\"sillage\""),
        ),
    }
}

/// Reads the header, the scheme in any case.
fn read(header: &[u8]) -> Given {
    let Ok(text) = std::str::from_utf8(header) else {
        return Given::Nothing;
    };
    match text.trim().split_once(' ') {
        Some((scheme, pair)) if scheme.eq_ignore_ascii_case("basic") => {
            read_basic(pair.trim()).unwrap_or(Given::Nothing)
        }
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => {
            Given::Bearer(token.trim().to_owned())
        }
        _ => Given::Nothing,
    }
}

fn read_basic(encoded: &str) -> Option<Given> {
    let pair = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    let (key, secret) = pair.split_once(':')?;
    // PostgreSQL's text holds no U+0000, and no key of ours does either.
    (!key.contains('\0')).then(|| Given::Basic(key.to_owned(), secret.to_owned()))
}

#[cfg(test)]
mod tests {
    use schemas::ifi::Ifi;

    use super::*;
    use crate::identity::Consumer;

    #[test]
    fn basic_is_read_as_rfc_7617_says() {
        let wanted = || Given::Basic("Aladdin".to_owned(), "open sesame".to_owned());
        assert_eq!(read(b"Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="), wanted());
        assert_eq!(read(b"basic  QWxhZGRpbjpvcGVuIHNlc2FtZQ== "), wanted());
        for bad in [
            "",
            "Basic",
            "Basic ?",
            "Digest QWxh",
            "Basic QWxhZGRpbg==",
            "Basic AAA6AA==",
        ] {
            assert_eq!(read(bad.as_bytes()), Given::Nothing, "{bad}");
        }
    }

    #[test]
    fn a_person_has_requests_of_her_own_with_each_application() {
        let person = |app: &str, name: &str| {
            let consumer = Consumer {
                home_page: "https://issuer.example.org".to_owned(),
                id: app.to_owned(),
            };
            let account = Ifi::Account {
                home_page: "https://school.example.org".to_owned(),
                name: name.to_owned(),
            };
            Caller::person(consumer, account, Vec::new())
        };
        let pace = Pace::new(1, 1).expect("a limit");
        let now = Instant::now();
        for (app, name) in [("app", "a"), ("app", "b"), ("other", "a")] {
            in_pace(person(app, name), &pace, now).expect("the first one");
        }
        let refused = in_pace(person("app", "a"), &pace, now).expect_err("the second one");
        assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(refused.errors()[0].rule, "requests-limit");
    }

    #[test]
    fn a_bearer_token_is_taken_whole() {
        assert_eq!(read(b"bearer a.b.c"), Given::Bearer("a.b.c".to_owned()));
        assert_eq!(read(b"Bearer"), Given::Nothing);
    }
}

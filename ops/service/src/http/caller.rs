//! `Caller` out of the header `Authorization`: a credential by HTTP Basic, or a bearer token.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::header::{AUTHORIZATION, HeaderValue, WWW_AUTHENTICATE};
use actix_web::{FromRequest, HttpRequest, web};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::clock;
use crate::error::Problem;
use crate::identity::oidc::Issuer;
use crate::identity::{Caller, Credentials};

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
        let given = request
            .headers()
            .get(AUTHORIZATION)
            .map_or(Given::Nothing, |value| read(value.as_bytes()));
        Box::pin(async move {
            let credentials = credentials.expect("every application is given its credentials");
            let issuer = credentials.issuer();
            match (given, issuer) {
                (Given::Basic(key, secret), _) => credentials
                    .check(&key, &secret)
                    .await?
                    .ok_or_else(|| unauthorized(issuer)),
                (Given::Bearer(token), Some(issuer)) => {
                    Ok(issuer.caller(&token, clock::now()).await?)
                }
                (Given::Bearer(_) | Given::Nothing, _) => Err(unauthorized(issuer)),
            }
        })
    }
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
    use super::*;

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
    fn a_bearer_token_is_taken_whole() {
        assert_eq!(read(b"bearer a.b.c"), Given::Bearer("a.b.c".to_owned()));
        assert_eq!(read(b"Bearer"), Given::Nothing);
    }
}

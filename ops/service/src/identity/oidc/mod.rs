//! Tokens of an `OpenID` provider: `Authorization: Bearer` with a JWT, verified by the provider's
//! published keys (`OpenID` Connect Discovery, RFC 7517, RFC 7519, RFC 8725).
//!
//! [`Issuer::caller`] is the path: `token` reads the header and checks the signature by a key of
//! `keys`; `claims` checks for whom and until when it is, and makes a [`Caller`] of it.

mod claims;
mod keys;
mod settings;
mod token;

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::Caller;
use crate::error::Problem;
use keys::Keys;
use settings::Rules;

pub use keys::KeysError;
pub use settings::{BadOidc, OidcSettings};

/// The provider whose tokens are taken. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Issuer(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    rules: Rules,
    keys: Keys,
}

/// Why a token makes no caller.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// It breaks a rule.
    #[error("{}: {}", .0.rule, .0.detail)]
    Refused(Refused),
    /// It names nobody who may do anything here.
    #[error("{}: {}", .0.rule, .0.detail)]
    Nobody(Refused),
    /// The provider's keys are not known, so nothing can be said of it.
    #[error("the keys of the issuer are not known")]
    Keys(#[from] KeysError),
}

/// Which rule a token breaks.
#[derive(Debug, PartialEq, Eq)]
pub struct Refused {
    rule: &'static str,
    detail: &'static str,
}

impl Issuer {
    /// The provider that the settings name; none when they name none. Nothing is asked of it yet.
    ///
    /// # Panics
    /// Outside of a tokio runtime: its keys are fetched there, whoever asks.
    pub fn new(settings: OidcSettings) -> Result<Option<Self>, BadOidc> {
        let Some((rules, source)) = settings.check()? else {
            return Ok(None);
        };
        let keys = Keys::new(source)?;
        Ok(Some(Self(Arc::new(Inner { rules, keys }))))
    }

    /// Who calls with this token.
    pub async fn caller(&self, token: &str, now: DateTime<Utc>) -> Result<Caller, TokenError> {
        let Inner { rules, keys } = &*self.0;
        let header = token::header(token).map_err(TokenError::Refused)?;
        let key = keys
            .find(&header)
            .await?
            .ok_or_else(|| refused("token-key", "the issuer has no such key for this algorithm"))
            .map_err(TokenError::Refused)?;
        let claims = token::verify(token, &header, &key).map_err(TokenError::Refused)?;
        claims::check(&claims, rules, now).map_err(TokenError::Refused)?;
        // Data 2.4.9 and Communication 4: an application's account is on the token endpoint.
        let home_page = rules
            .client_home_page
            .clone()
            .or_else(|| keys.token_endpoint())
            .unwrap_or_else(|| rules.issuer.clone());
        claims::caller(&claims, rules, home_page)
    }
}

fn refused(rule: &'static str, detail: &'static str) -> Refused {
    Refused { rule, detail }
}

impl From<TokenError> for Problem {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Refused(Refused { rule, detail }) => Problem::bad_token(rule, detail),
            TokenError::Nobody(Refused { rule, detail }) => {
                Problem::forbidden("Authorization", rule, detail)
            }
            TokenError::Keys(error) => Problem::unavailable(&error),
        }
    }
}

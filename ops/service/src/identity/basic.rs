//! HTTP Basic: random 256-bit secrets, kept as SHA-256.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::AUTHORIZATION;
use actix_web::{FromRequest, HttpRequest, web};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rand::RngCore;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::{Action, ProfileMode, Scope};
use crate::error::{Broken, Problem};
use crate::pg::Pool;
use crate::store::{StoreError, credentials};

/// SHA-256 of a secret: all that is kept of it.
#[derive(Clone)]
pub struct SecretHash([u8; 32]);

impl SecretHash {
    /// The hash of a secret as it was handed out.
    #[must_use]
    pub fn of(secret: &str) -> Self {
        Self(Sha256::digest(secret.as_bytes()).into())
    }

    /// A stored hash; one of another length matches no secret.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        Self(bytes.try_into().unwrap_or([0; 32]))
    }

    /// The 32 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether this is the hash of `secret`, in a time that does not tell how nearly.
    #[must_use]
    pub fn matches(&self, secret: &str) -> bool {
        self.0.ct_eq(&Self::of(secret).0).into()
    }
}

impl std::fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretHash(hidden)")
    }
}

/// A credential at the only moment when its secret is known.
pub struct NewCredential {
    /// The user name of HTTP Basic: 96 random bits.
    pub key: String,
    secret: String,
}

impl NewCredential {
    /// A fresh random credential; it is nobody's until it is stored.
    #[must_use]
    pub fn random() -> Self {
        let mut key = [0_u8; 12];
        let mut secret = [0_u8; 32];
        rand::rng().fill_bytes(&mut key);
        rand::rng().fill_bytes(&mut secret);
        Self {
            key: URL_SAFE_NO_PAD.encode(key),
            secret: URL_SAFE_NO_PAD.encode(secret),
        }
    }

    /// The secret, to be shown once.
    #[must_use]
    pub fn reveal_secret(&self) -> &str {
        &self.secret
    }

    /// What is kept of the secret.
    #[must_use]
    pub fn hash(&self) -> SecretHash {
        SecretHash::of(&self.secret)
    }
}

impl std::fmt::Debug for NewCredential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewCredential")
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

/// The credentials of the database, remembered for a short time. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Credentials {
    pool: Pool,
    remember: Duration,
    known: Arc<Mutex<HashMap<String, (Instant, credentials::Stored)>>>,
}

impl Credentials {
    /// Credentials read through `pool`; a revoked one may pass for `remember` more.
    #[must_use]
    pub fn new(pool: Pool, remember: Duration) -> Self {
        Self {
            pool,
            remember,
            known: Arc::default(),
        }
    }

    /// Who has this key and secret, if anybody.
    pub async fn check(&self, key: &str, secret: &str) -> Result<Option<Caller>, StoreError> {
        let stored = match self.remembered(key) {
            Some(stored) => stored,
            None => match credentials::find(&self.pool, key).await? {
                Some(stored) => {
                    self.remember(key, &stored);
                    stored
                }
                None => return Ok(None),
            },
        };
        Ok(stored.hash.matches(secret).then(|| Caller {
            key: key.to_owned(),
            scopes: stored.scopes,
            profile_mode: stored.profile_mode,
        }))
    }

    fn remembered(&self, key: &str) -> Option<credentials::Stored> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, stored) = known.get(key)?;
        (since.elapsed() < self.remember).then(|| stored.clone())
    }

    fn remember(&self, key: &str, stored: &credentials::Stored) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        // Only keys that exist are remembered, so the map is as small as their number.
        known.insert(key.to_owned(), (Instant::now(), stored.clone()));
    }
}

/// Who calls. As an argument of a handler it asks for a valid credential, else the answer is 401.
#[derive(Clone, Debug)]
pub struct Caller {
    key: String,
    scopes: Vec<Scope>,
    profile_mode: Option<ProfileMode>,
}

impl Caller {
    /// The key of the credential; it names an application, not a person.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// How its statements are checked against the profile; none: as the setting says.
    #[must_use]
    pub fn profile_mode(&self) -> Option<ProfileMode> {
        self.profile_mode
    }

    /// 403 unless one of the credential's scopes allows `action`.
    pub fn require(&self, action: Action) -> Result<(), Problem> {
        if self.may(action) {
            return Ok(());
        }
        let wanted = action.narrowest_scope();
        let detail = format!("this credential has no scope for this: {wanted} is the narrowest");
        Err(
            Problem::new(StatusCode::FORBIDDEN, "forbidden", detail.clone()).broken(Broken {
                pointer: Some("Authorization".to_owned()),
                rule: "scope".to_owned(),
                section: Some("xAPI 1.0.3 Communication 4.0 Authentication".to_owned()),
                detail,
            }),
        )
    }

    /// Whether one of the credential's scopes allows `action`.
    #[must_use]
    pub fn may(&self, action: Action) -> bool {
        self.scopes.iter().any(|scope| scope.allows(action))
    }

    /// The authority of this caller's statements (xAPI 1.0.3 Data 2.4.9): an account of this LRS.
    #[must_use]
    pub fn authority(&self, home_page: &str) -> serde_json::Value {
        serde_json::json!({
            "objectType": "Agent",
            "account": { "homePage": home_page, "name": self.key },
        })
    }
}

impl FromRequest for Caller {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let credentials = request.app_data::<web::Data<Credentials>>().cloned();
        let given = request
            .headers()
            .get(AUTHORIZATION)
            .and_then(|value| parse_basic(value.as_bytes()));
        Box::pin(async move {
            let credentials = credentials.expect("every application is given its credentials");
            let (key, secret) = given.ok_or_else(Problem::unauthorized)?;
            credentials
                .check(&key, &secret)
                .await?
                .ok_or_else(Problem::unauthorized)
        })
    }
}

/// `Basic base64(key:secret)` (RFC 7617), the scheme in any case.
fn parse_basic(header: &[u8]) -> Option<(String, String)> {
    let text = std::str::from_utf8(header).ok()?;
    let (scheme, encoded) = text.trim().split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (key, secret) = pair.split_once(':')?;
    // PostgreSQL's text holds no U+0000, and no key of ours does either.
    (!key.contains('\0')).then(|| (key.to_owned(), secret.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn basic_is_read_as_rfc_7617_says() {
        let read = |text: &str| parse_basic(text.as_bytes());
        let wanted = Some(("Aladdin".to_owned(), "open sesame".to_owned()));
        assert_eq!(read("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="), wanted);
        assert_eq!(read("basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="), wanted);
        for bad in [
            "",
            "Basic",
            "Basic ?",
            "Bearer QWxh",
            "Basic QWxhZGRpbg==",
            "Basic AAA6AA==",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_secret_matches_its_hash_and_shows_nowhere() {
        let new = NewCredential::random();
        assert!(new.hash().matches(new.reveal_secret()));
        assert!(!new.hash().matches("another"));
        assert!(!format!("{new:?}{:?}", new.hash()).contains(new.reveal_secret()));
        assert_eq!(new.reveal_secret().len(), 43);
    }
}

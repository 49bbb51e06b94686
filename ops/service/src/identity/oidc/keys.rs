//! The issuer's keys: fetched, remembered, fetched again when a token names one that is not known.

use std::sync::{Arc, Mutex as StdMutex, PoisonError};
use std::time::{Duration, Instant};

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use reqwest::{Client, Url, redirect};
use schemas::xapi::formats;
use serde::Deserialize;
use tokio::runtime::Handle;
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::BadOidc;
use super::settings::{address, is_loopback};
use super::token::Header;
use crate::error::chain;

/// How long the issuer may take to answer.
const WITHIN: Duration = Duration::from_secs(5);

/// Bytes of an answer at most: a document of keys has a few kB.
const ANSWER_MAX_BYTES: usize = 1 << 20;

/// Where keys come from, and how often.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) issuer: Url,
    /// The issuer to the letter.
    pub(super) issuer_text: String,
    pub(super) jwks: Option<Url>,
    pub(super) max_age: Duration,
    pub(super) ask_every: Duration,
}

/// Why there are no keys. Of what the issuer answered nothing is told.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// It did not answer, or not with a success.
    #[error("the issuer did not answer")]
    Http(#[source] reqwest::Error),
    /// It answered something else.
    #[error("the issuer's answer is no {0}")]
    Document(&'static str),
    /// It could not be asked again so soon.
    #[error("the issuer was asked a moment ago")]
    TooSoon,
    /// The process is stopping.
    #[error("the process is stopping")]
    Stopping,
}

/// The keys, shared by everybody who verifies.
#[derive(Debug)]
pub(super) struct Keys {
    /// Connections to the issuer live here: the threads that answer HTTP end before the process.
    runtime: Handle,
    shared: Arc<Shared>,
    /// When the issuer was last asked, and had answered or not; whoever holds it asks.
    asked: Arc<Mutex<Option<Instant>>>,
}

/// What a request for the keys needs, on whichever task it runs.
#[derive(Debug)]
struct Shared {
    source: Source,
    client: Client,
    known: StdMutex<Option<Arc<Set>>>,
}

/// The keys of one answer.
#[derive(Debug)]
struct Set {
    keys: Vec<Key>,
    /// Where the issuer gives tokens, if its discovery document says so.
    token_endpoint: Option<String>,
    fetched: Instant,
}

/// A key and what it may verify.
struct Key {
    id: Option<String>,
    algorithms: Vec<Algorithm>,
    key: DecodingKey,
}

impl Keys {
    pub(super) fn new(source: Source) -> Result<Self, BadOidc> {
        let builder = Client::builder()
            .timeout(WITHIN)
            // Keys come from where the settings and the issuer say, not from where those send us.
            .redirect(redirect::Policy::none());
        let builder = if is_loopback(&source.issuer) {
            builder.no_proxy()
        } else {
            builder
        };
        Ok(Self {
            runtime: Handle::current(),
            shared: Arc::new(Shared {
                client: builder.build().map_err(BadOidc::Http)?,
                source,
                known: StdMutex::default(),
            }),
            asked: Arc::default(),
        })
    }

    /// The key that a token names; none when the issuer has no such key.
    ///
    /// The issuer is asked when the key is not known, and whoever wants it waits; and when the keys
    /// are half as old as they may become, and nobody waits: an issuer that hangs stops nobody whose
    /// key is known. It is asked never more often than the settings say. Keys that are too old verify
    /// nothing.
    pub(super) async fn find(&self, header: &Header) -> Result<Option<DecodingKey>, KeysError> {
        let known = self.shared.known();
        let max_age = self.shared.source.max_age;
        if let Some(set) = &known
            && set.fetched.elapsed() < max_age
            && let Some(key) = set.pick(header)
        {
            if set.fetched.elapsed() >= max_age / 2 {
                self.renew();
            }
            return Ok(Some(key));
        }
        let set = self.ask(known).await?;
        Ok(set.pick(header))
    }

    /// Where the issuer gives tokens; none before the first answer, or where it does not say.
    pub(super) fn token_endpoint(&self) -> Option<String> {
        self.shared.known()?.token_endpoint.clone()
    }

    /// Asks the issuer beside the requests, unless somebody does or it was asked a moment ago.
    fn renew(&self) {
        let Ok(asked) = Arc::clone(&self.asked).try_lock_owned() else {
            return;
        };
        if !self.is_too_soon(*asked) {
            drop(self.runtime.spawn(fetch(Arc::clone(&self.shared), asked)));
        }
    }

    /// Asks the issuer, unless it was asked a moment ago or by somebody else meanwhile.
    async fn ask(&self, seen: Option<Arc<Set>>) -> Result<Arc<Set>, KeysError> {
        let asked = Arc::clone(&self.asked).lock_owned().await;
        match (self.shared.known(), &seen) {
            (Some(newer), Some(seen)) if !Arc::ptr_eq(&newer, seen) => return Ok(newer),
            (Some(first), None) => return Ok(first),
            _ => {}
        }
        let error = if self.is_too_soon(*asked) {
            KeysError::TooSoon
        } else {
            let fetched = self.runtime.spawn(fetch(Arc::clone(&self.shared), asked));
            match fetched.await.map_err(|_| KeysError::Stopping)? {
                Ok(set) => return Ok(set),
                Err(error) => error,
            }
        };
        seen.filter(|set| set.fetched.elapsed() < self.shared.source.max_age)
            .ok_or(error)
    }

    fn is_too_soon(&self, asked: Option<Instant>) -> bool {
        asked.is_some_and(|at| at.elapsed() < self.shared.source.ask_every)
    }
}

impl Shared {
    fn known(&self) -> Option<Arc<Set>> {
        self.lock().clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Arc<Set>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Fetches the keys and remembers them. Whoever waits for `asked` meanwhile finds that the issuer
/// was asked a moment ago, however long it took: of those who wait for one that hangs, one asks.
async fn fetch(
    shared: Arc<Shared>,
    mut asked: OwnedMutexGuard<Option<Instant>>,
) -> Result<Arc<Set>, KeysError> {
    let fetched = answered(&shared.client, &shared.source).await;
    *asked = Some(Instant::now());
    match fetched {
        Ok(set) => {
            let set = Arc::new(set);
            *shared.lock() = Some(Arc::clone(&set));
            Ok(set)
        }
        Err(error) => {
            tracing::warn!(error = %chain(&error), "could not fetch the keys of the issuer of tokens");
            Err(error)
        }
    }
}

#[derive(Deserialize)]
struct Discovered {
    issuer: String,
    jwks_uri: String,
    #[serde(default)]
    token_endpoint: Option<String>,
}

#[derive(Deserialize)]
struct Document {
    keys: Vec<serde_json::Value>,
}

async fn answered(client: &Client, source: &Source) -> Result<Set, KeysError> {
    let (url, token_endpoint) = match &source.jwks {
        Some(url) => (url.clone(), None),
        None => discover(client, source).await?,
    };
    let body = get(client, url).await?;
    let document: Document =
        serde_json::from_slice(&body).map_err(|_| KeysError::Document("set of keys"))?;
    Ok(Set {
        keys: document.keys.into_iter().filter_map(key).collect(),
        token_endpoint,
        fetched: Instant::now(),
    })
}

/// Where the issuer says its keys are, and where it gives tokens (`OpenID` Connect Discovery 1.0, 4).
async fn discover(client: &Client, source: &Source) -> Result<(Url, Option<String>), KeysError> {
    let mut url = source.issuer.clone();
    let path = format!(
        "{}/.well-known/openid-configuration",
        url.path().trim_end_matches('/')
    );
    url.set_path(&path);
    let body = get(client, url).await?;
    let found: Discovered =
        serde_json::from_slice(&body).map_err(|_| KeysError::Document("discovery document"))?;
    if found.issuer != source.issuer_text {
        return Err(KeysError::Document("discovery document of this issuer"));
    }
    let keys = address(&found.jwks_uri).ok_or(KeysError::Document("https address of keys"))?;
    let token_endpoint = found.token_endpoint.filter(|text| formats::is_iri(text));
    Ok((keys, token_endpoint))
}

async fn get(client: &Client, url: Url) -> Result<Vec<u8>, KeysError> {
    let answer = client.get(url).send().await.map_err(KeysError::Http)?;
    if answer.status().is_redirection() {
        return Err(KeysError::Document("document but a redirection"));
    }
    let mut answer = answer.error_for_status().map_err(KeysError::Http)?;
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(KeysError::Http)? {
        if body.len() + chunk.len() > ANSWER_MAX_BYTES {
            return Err(KeysError::Document("document of a reasonable size"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// A key as it is published; none when it is not for signatures that are taken here. One that is
/// not understood is passed over: the others still verify.
fn key(published: serde_json::Value) -> Option<Key> {
    // What the library knows no name of (P-521, say) must not hide the other members.
    let jwk: Jwk = serde_json::from_value(published).ok()?;
    let common = &jwk.common;
    if !matches!(common.public_key_use, None | Some(PublicKeyUse::Signature)) {
        return None;
    }
    let fits: &[Algorithm] = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => &[
            Algorithm::RS256,
            Algorithm::RS384,
            Algorithm::RS512,
            Algorithm::PS256,
            Algorithm::PS384,
            Algorithm::PS512,
        ],
        AlgorithmParameters::EllipticCurve(parameters) => match parameters.curve {
            EllipticCurve::P256 => &[Algorithm::ES256],
            EllipticCurve::P384 => &[Algorithm::ES384],
            _ => return None,
        },
        AlgorithmParameters::OctetKeyPair(parameters) => match parameters.curve {
            EllipticCurve::Ed25519 => &[Algorithm::EdDSA],
            _ => return None,
        },
        // A published secret verifies nothing.
        AlgorithmParameters::OctetKey(_) => return None,
    };
    let declared = common
        .key_algorithm
        .map(|declared| declared.to_string().parse::<Algorithm>());
    let algorithms = match declared {
        None => fits.to_vec(),
        // RFC 8725 3.1: a key is used with its own algorithm alone.
        Some(declared) => {
            let declared = declared.ok()?;
            fits.iter()
                .copied()
                .filter(|fit| *fit == declared)
                .collect()
        }
    };
    Some(Key {
        id: common.key_id.clone(),
        algorithms,
        key: DecodingKey::from_jwk(&jwk).ok()?,
    })
}

impl Set {
    /// The key of a header. One that names no key is taken when only one fits.
    fn pick(&self, header: &Header) -> Option<DecodingKey> {
        let mut fitting = self.keys.iter().filter(|key| {
            key.algorithms.contains(&header.algorithm)
                && (header.key.is_none() || key.id == header.key)
        });
        let first = fitting.next()?;
        (header.key.is_some() || fitting.next().is_none()).then(|| first.key.clone())
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Key")
            .field("id", &self.id)
            .field("algorithms", &self.algorithms)
            .finish_non_exhaustive()
    }
}

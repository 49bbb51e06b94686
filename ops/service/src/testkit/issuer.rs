//! An issuer of tokens for tests: discovery and keys over HTTP on this machine, keys that are made
//! here and change when the test says so.
//!
//! Tokens are signed by another library than the one that verifies them.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256,
    RSA_PSS_SHA256, RsaEncoding, RsaKeyPair,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::clock;
use crate::config::Settings;
use crate::identity::oidc::{Issuer, OidcSettings};

/// How a test's token is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// RSA, PKCS #1 v1.5.
    Rs256,
    /// RSA, PSS.
    Ps256,
    /// ECDSA over P-256.
    Es256,
    /// Ed25519.
    EdDsa,
}

impl Algorithm {
    /// Every one of them.
    pub const EVERY: [Self; 4] = [Self::Rs256, Self::Ps256, Self::Es256, Self::EdDsa];

    fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Ps256 => "PS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        }
    }
}

/// The issuer. It answers until the process ends.
#[derive(Debug)]
pub struct TestIssuer {
    address: String,
    shared: Arc<Shared>,
    keys: Mutex<Keys>,
}

#[derive(Debug, Default)]
struct Shared {
    published: Mutex<Value>,
    asked: AtomicUsize,
    silent: AtomicBool,
    hangs: AtomicBool,
    /// Connections that wait for an answer.
    held: Mutex<Vec<TcpStream>>,
}

struct Keys {
    generation: usize,
    rsa: RsaKeyPair,
    ec: EcdsaKeyPair,
    ed: Ed25519KeyPair,
}

impl TestIssuer {
    /// An issuer with fresh keys.
    ///
    /// # Panics
    /// When this machine has no port left.
    #[must_use]
    pub fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let shared = Arc::new(Shared::default());
        let (answering, at) = (Arc::clone(&shared), address.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // One that went away needs no answer.
                let _ = answering.answer(stream, &at);
            }
        });
        let issuer = Self {
            address,
            shared,
            keys: Mutex::new(Keys::fresh(1)),
        };
        issuer.publish();
        issuer
    }

    /// Its name in tokens, and its address.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.address
    }

    /// Settings that take its tokens: for the audience `sillage`, accounts by `sub` on
    /// `https://school.example.org` and by the claim `accounts`, scopes by the claim `scope`.
    ///
    /// # Panics
    /// When the defaults are not whole.
    #[must_use]
    pub fn settings(&self) -> OidcSettings {
        OidcSettings {
            issuer: self.address.clone(),
            audience: "sillage".to_owned(),
            scope_claim: "scope".to_owned(),
            subject_home_page: "https://school.example.org".to_owned(),
            accounts_claim: "accounts".to_owned(),
            keys_ask_every_ms: 0,
            ..Settings::defaults()
                .section("oidc")
                .expect("the defaults are whole")
        }
    }

    /// What takes its tokens.
    ///
    /// # Panics
    /// When the settings are refused.
    #[must_use]
    pub fn accepted(&self) -> Option<Issuer> {
        Issuer::new(self.settings()).expect("sound settings")
    }

    /// Makes new keys and publishes them in place of the former ones.
    pub fn rotate(&self) {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        *keys = Keys::fresh(keys.generation + 1);
        drop(keys);
        self.publish();
    }

    /// From now on it takes connections and ends them without an answer; or answers again.
    pub fn silence(&self, silent: bool) {
        self.shared.silent.store(silent, Ordering::SeqCst);
    }

    /// From now on it takes connections and never answers; or answers those that come then.
    pub fn hang(&self, hangs: bool) {
        self.shared.hangs.store(hangs, Ordering::SeqCst);
    }

    /// How many wait for an answer that never comes.
    #[must_use]
    pub fn held(&self) -> usize {
        let held = self.shared.held.lock();
        held.unwrap_or_else(PoisonError::into_inner).len()
    }

    /// How often its keys were asked for.
    #[must_use]
    pub fn asked(&self) -> usize {
        self.shared.asked.load(Ordering::SeqCst)
    }

    /// The claims of a good token of this person, as an application got it for her.
    #[must_use]
    pub fn claims(&self, subject: &str) -> Value {
        let now = clock::now().timestamp();
        json!({
            "iss": self.address, "aud": "sillage", "client_id": "app", "sub": subject,
            "iat": now, "exp": now + 600,
        })
    }

    /// A token of these claims.
    #[must_use]
    pub fn token(&self, algorithm: Algorithm, claims: &Value) -> String {
        let keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        let header = json!({ "alg": algorithm.name(), "kid": keys.id(algorithm), "typ": "JWT" });
        keys.sign(algorithm, &header, claims)
    }

    /// A token with this header, signed as `algorithm` says whatever the header does.
    #[must_use]
    pub fn token_with(&self, algorithm: Algorithm, header: &Value, claims: &Value) -> String {
        let keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        keys.sign(algorithm, header, claims)
    }

    /// The value of the header `Authorization` for a person.
    #[must_use]
    pub fn bearer(&self, subject: &str) -> String {
        format!(
            "Bearer {}",
            self.token(Algorithm::Es256, &self.claims(subject))
        )
    }

    fn publish(&self) {
        let keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        let mut published = self
            .shared
            .published
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *published = keys.published();
    }
}

impl Shared {
    fn answer(&self, stream: TcpStream, address: &str) -> std::io::Result<()> {
        let mut reader = BufReader::new(stream);
        let mut request = String::new();
        reader.read_line(&mut request)?;
        let mut line = String::new();
        while reader.read_line(&mut line)? > 2 {
            line.clear();
        }
        if self.silent.load(Ordering::SeqCst) {
            return Ok(());
        }
        if self.hangs.load(Ordering::SeqCst) {
            let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
            held.push(reader.into_inner());
            return Ok(());
        }
        let (status, body) = match request.split(' ').nth(1) {
            Some("/.well-known/openid-configuration") => (
                "200 OK",
                json!({ "issuer": address, "jwks_uri": format!("{address}/keys"),
                    "token_endpoint": format!("{address}/token") }),
            ),
            Some("/keys") => {
                self.asked.fetch_add(1, Ordering::SeqCst);
                let published = self.published.lock();
                let published = published.unwrap_or_else(PoisonError::into_inner);
                ("200 OK", published.clone())
            }
            _ => ("404 Not Found", Value::Null),
        };
        let body = body.to_string();
        write!(
            reader.into_inner(),
            "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        )
    }
}

impl Keys {
    fn fresh(generation: usize) -> Self {
        Self {
            generation,
            rsa: RsaKeyPair::generate(KeySize::Rsa2048).expect("a key"),
            ec: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key"),
            ed: Ed25519KeyPair::generate().expect("a key"),
        }
    }

    fn id(&self, algorithm: Algorithm) -> String {
        let kind = match algorithm {
            Algorithm::Rs256 | Algorithm::Ps256 => "rsa",
            Algorithm::Es256 => "ec",
            Algorithm::EdDsa => "ed",
        };
        format!("{kind}-{}", self.generation)
    }

    /// The public keys as a JWK set, with a secret and a key for encryption among them: neither may
    /// ever verify anything.
    fn published(&self) -> Value {
        // PKCS #1: a SEQUENCE of the modulus, whose 256 bytes follow nine of headers, and 65537.
        let modulus = encoded(&self.rsa.public_key().as_ref()[9..265]);
        let point = self.ec.public_key().as_ref();
        json!({ "keys": [
            { "kty": "oct", "kid": "shared", "k": URL_SAFE_NO_PAD.encode("secret") },
            { "kty": "RSA", "kid": "encryption", "use": "enc",
              "n": modulus, "e": "AQAB" },
            { "kty": "EC", "kid": "unknown", "crv": "P-999", "x": "AA", "y": "AA" },
            { "kty": "RSA", "kid": self.id(Algorithm::Rs256), "use": "sig",
              "n": modulus, "e": "AQAB" },
            { "kty": "EC", "kid": self.id(Algorithm::Es256), "crv": "P-256", "alg": "ES256",
              "x": encoded(&point[1..33]), "y": encoded(&point[33..]) },
            { "kty": "OKP", "kid": self.id(Algorithm::EdDsa), "crv": "Ed25519",
              "x": encoded(self.ed.public_key().as_ref()) },
        ] })
    }

    fn sign(&self, algorithm: Algorithm, header: &Value, claims: &Value) -> String {
        let message = format!(
            "{}.{}",
            encoded(header.to_string().as_bytes()),
            encoded(claims.to_string().as_bytes())
        );
        let signature = match algorithm {
            Algorithm::Rs256 => self.rsa_signature(&RSA_PKCS1_SHA256, &message),
            Algorithm::Ps256 => self.rsa_signature(&RSA_PSS_SHA256, &message),
            Algorithm::Es256 => {
                let signed = self.ec.sign(&SystemRandom::new(), message.as_bytes());
                encoded(signed.expect("a signature").as_ref())
            }
            Algorithm::EdDsa => encoded(self.ed.sign(message.as_bytes()).as_ref()),
        };
        format!("{message}.{signature}")
    }

    fn rsa_signature(&self, padding: &'static dyn RsaEncoding, message: &str) -> String {
        let mut signature = vec![0; self.rsa.public_modulus_len()];
        self.rsa
            .sign(
                padding,
                &SystemRandom::new(),
                message.as_bytes(),
                &mut signature,
            )
            .expect("a signature");
        encoded(&signature)
    }
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys")
            .field("generation", &self.generation)
            .finish_non_exhaustive()
    }
}

fn encoded(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

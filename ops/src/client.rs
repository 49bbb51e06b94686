//! The HTTP client of the commands that speak to a running Sillage: the demo, the imports, the load
//! test, which alone looks at single tries ([`Client::once`]).
//!
//! It behaves as a front-end must: what was not acknowledged is sent again, with the same ids and
//! the same bytes, until an answer comes. Everything it sends may be repeated without harm: a
//! statement carries its own id, and the resources of `/api/v1` are replaced as a whole.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde_json::Value;

/// The version of xAPI that the commands speak.
const XAPI_VERSION: &str = "2.0.0";

/// First pause before a repetition; doubled at each one, with jitter, up to the longest.
const FIRST_PAUSE_MS: u64 = 50;

/// Longest pause: a service that comes back is noticed within this time.
const LONGEST_PAUSE_MS: u64 = 1_000;

/// An answer that takes longer is treated as lost. Long jobs (a rebuild after a new catalogue) are
/// not waited for in one request, so no honest answer takes this long.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);

/// Key and secret of a credential. `Debug` shows nothing of the secret.
#[derive(Clone, Deserialize)]
pub(crate) struct Credential {
    key: String,
    secret: String,
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credential")
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

impl Credential {
    /// Reads `SILLAGE_KEY` and `SILLAGE_SECRET`: never an argument, which anybody on the machine
    /// could read in the list of processes.
    #[expect(
        clippy::disallowed_methods,
        reason = "a credential is no setting: it must not appear in `sillage config`"
    )]
    pub(crate) fn from_env() -> Result<Self, ClientError> {
        let read = |name: &'static str| {
            std::env::var(name)
                .ok()
                .filter(|value| !value.is_empty())
                .ok_or(ClientError::NoCredential(name))
        };
        Ok(Self {
            key: read("SILLAGE_KEY")?,
            secret: read("SILLAGE_SECRET")?,
        })
    }

    /// Reads a file of JSON with `key` and `secret`, as `sillage credential create --json` prints it
    /// and `sillage up` keeps the administrator's.
    pub(crate) fn from_file(path: &Path) -> Result<Self, ClientError> {
        let bytes = std::fs::read(path).map_err(|error| ClientError::CredentialFile {
            path: path.to_owned(),
            why: error.to_string(),
        })?;
        // What stands there may be a secret: of what is wrong only the place is told.
        serde_json::from_slice(&bytes).map_err(|error| ClientError::CredentialFile {
            path: path.to_owned(),
            why: format!(
                "expected JSON with the texts \"key\" and \"secret\" (line {})",
                error.line()
            ),
        })
    }
}

/// What can go wrong between the client and the service.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClientError {
    /// A variable of the environment is missing.
    #[error(
        "{0} is not set: the credential comes from SILLAGE_KEY and SILLAGE_SECRET (see `sillage credential create`)"
    )]
    NoCredential(&'static str),
    /// The file of a credential holds none.
    #[error("{} holds no credential: {why}", path.display())]
    CredentialFile { path: PathBuf, why: String },
    /// The address cannot be one of a service.
    #[error("{0:?} is no address of a service: expected http://HOST:PORT, without /xapi")]
    Endpoint(String),
    /// The HTTP client could not be made.
    #[error("could not set up the HTTP client")]
    Setup(#[source] reqwest::Error),
    /// No answer for longer than the client was told to try.
    #[error("no acknowledgement of {method} {path} within {seconds} s: {last}")]
    Unreachable {
        method: Method,
        path: String,
        seconds: u64,
        last: String,
    },
    /// The service answered, and said no.
    #[error("{method} {path} was answered {status}: {problem}")]
    Refused {
        method: Method,
        path: String,
        status: StatusCode,
        problem: Box<Problem>,
    },
    /// The answer is not what the resource promises.
    #[error("{method} {path} gave an answer that could not be understood: {why}")]
    Answer {
        method: Method,
        path: String,
        why: String,
    },
}

impl ClientError {
    /// Whether the service said that there is no such thing.
    pub(crate) fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused { status, .. } if *status == StatusCode::NOT_FOUND)
    }
}

/// What a `problem+json` says, as far as a reader of a terminal needs it.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Problem {
    #[serde(default)]
    title: String,
    #[serde(default)]
    detail: String,
    rule: Option<String>,
    section: Option<String>,
    pointer: Option<String>,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.detail.is_empty() {
            &self.title
        } else {
            &self.detail
        })?;
        for (name, value) in [
            ("rule", &self.rule),
            ("section", &self.section),
            ("at", &self.pointer),
        ] {
            if let Some(value) = value {
                write!(f, "; {name} {value}")?;
            }
        }
        Ok(())
    }
}

/// A body and its media type.
#[derive(Clone, Debug)]
pub(crate) struct Body {
    content_type: &'static str,
    bytes: Bytes,
}

impl Body {
    /// JSON.
    pub(crate) fn json(value: &Value) -> Self {
        Self {
            content_type: "application/json",
            bytes: Bytes::from(value.to_string()),
        }
    }

    /// JSON that stands as bytes already.
    pub(crate) fn json_bytes(bytes: impl Into<Bytes>) -> Self {
        Self {
            content_type: "application/json",
            bytes: bytes.into(),
        }
    }

    /// A zip archive.
    pub(crate) fn zip(bytes: impl Into<Bytes>) -> Self {
        Self {
            content_type: "application/zip",
            bytes: bytes.into(),
        }
    }
}

/// A client of one service, with one credential. Cheap to clone; clones share the connections.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    http: reqwest::Client,
    endpoint: String,
    credential: Credential,
    give_up_after: Duration,
    repeated: Arc<AtomicU64>,
}

impl Client {
    /// A client of the service at `endpoint` (the base, without `/xapi`), which sends a request
    /// again for as long as `give_up_after`.
    pub(crate) fn new(
        endpoint: &str,
        credential: Credential,
        give_up_after: Duration,
    ) -> Result<Self, ClientError> {
        let endpoint = endpoint.trim_end_matches('/');
        let named = reqwest::Url::parse(endpoint)
            .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        if !named || endpoint.ends_with("/xapi") {
            return Err(ClientError::Endpoint(endpoint.to_owned()));
        }
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(
            "X-Experience-API-Version",
            HeaderValue::from_static(XAPI_VERSION),
        );
        let http = reqwest::Client::builder()
            .default_headers(headers)
            .timeout(ANSWER_TIMEOUT)
            .connect_timeout(Duration::from_secs(5))
            .tcp_nodelay(true)
            // Where it leads, nobody has asked for anything to be sent.
            .redirect(Policy::none())
            .build()
            .map_err(ClientError::Setup)?;
        let endpoint = endpoint.to_owned();
        Ok(Self {
            http,
            endpoint,
            credential,
            give_up_after,
            repeated: Arc::default(),
        })
    }

    /// The base address, without a slash at its end.
    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// How many requests were sent again because no acknowledgement came.
    pub(crate) fn repeated(&self) -> u64 {
        self.repeated.load(Ordering::Relaxed)
    }

    /// Reads a resource.
    pub(crate) async fn get(&self, path: &str) -> Result<Value, ClientError> {
        self.json(Method::GET, path, None).await
    }

    /// Replaces a resource; the answer may be empty (`null`).
    pub(crate) async fn put(&self, path: &str, body: Body) -> Result<Value, ClientError> {
        self.json(Method::PUT, path, Some(body)).await
    }

    /// Posts JSON; the answer may be empty (`null`).
    pub(crate) async fn post(&self, path: &str, body: Body) -> Result<Value, ClientError> {
        self.json(Method::POST, path, Some(body)).await
    }

    /// Posts statements that carry their ids, until they are acknowledged: all of them or none.
    ///
    /// The acknowledgement is the list of their ids; anything else is an error.
    pub(crate) async fn post_statements(
        &self,
        ids: &[String],
        body: Body,
    ) -> Result<(), ClientError> {
        let path = "/xapi/statements";
        let answer = self.json(Method::POST, path, Some(body)).await?;
        if acknowledges(&answer, ids) {
            return Ok(());
        }
        let why = format!("expected the {} ids that were posted", ids.len());
        Err(ClientError::Answer {
            method: Method::POST,
            path: path.to_owned(),
            why,
        })
    }

    /// Puts one statement under its id, until it is acknowledged.
    pub(crate) async fn put_statement(&self, id: &str, body: Body) -> Result<(), ClientError> {
        let path = format!("/xapi/statements?statementId={id}");
        self.json(Method::PUT, &path, Some(body)).await.map(drop)
    }

    async fn json(
        &self,
        method: Method,
        path: &str,
        body: Option<Body>,
    ) -> Result<Value, ClientError> {
        let bytes = self.acknowledged(&method, path, body).await?;
        if bytes.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&bytes).map_err(|error| ClientError::Answer {
            method,
            path: path.to_owned(),
            why: error.to_string(),
        })
    }

    /// Sends the request until it is answered by something other than "not now".
    async fn acknowledged(
        &self,
        method: &Method,
        path: &str,
        body: Option<Body>,
    ) -> Result<Bytes, ClientError> {
        let begun = Instant::now();
        let mut pause_ms = FIRST_PAUSE_MS;
        loop {
            let last = match self.once(method, path, body.clone()).await {
                Ok(answer) if answer.status.is_success() => return Ok(answer.bytes),
                Ok(answer) if !is_passing(answer.status) => {
                    let problem =
                        Box::new(serde_json::from_slice(&answer.bytes).unwrap_or_default());
                    return Err(ClientError::Refused {
                        method: method.clone(),
                        path: path.to_owned(),
                        status: answer.status,
                        problem,
                    });
                }
                Ok(answer) => format!("the service answered {}", answer.status),
                Err(error) => chain(&error),
            };
            if begun.elapsed() > self.give_up_after {
                let seconds = self.give_up_after.as_secs();
                return Err(ClientError::Unreachable {
                    method: method.clone(),
                    path: path.to_owned(),
                    seconds,
                    last,
                });
            }
            self.repeated.fetch_add(1, Ordering::Relaxed);
            // The jitter keeps the connections of one client from coming back at the same instant.
            tokio::time::sleep(Duration::from_millis(rand::random_range(
                pause_ms / 2..=pause_ms,
            )))
            .await;
            pause_ms = (pause_ms * 2).min(LONGEST_PAUSE_MS);
        }
    }

    /// One try. An answer cut off in its body counts as none.
    pub(crate) async fn once(
        &self,
        method: &Method,
        path: &str,
        body: Option<Body>,
    ) -> Result<Answer, reqwest::Error> {
        let url = format!("{}{path}", self.endpoint);
        let mut request = self
            .http
            .request(method.clone(), url)
            .basic_auth(&self.credential.key, Some(&self.credential.secret));
        if let Some(body) = body {
            request = request
                .header(CONTENT_TYPE, body.content_type)
                .body(body.bytes);
        }
        let answer = request.send().await?;
        Ok(Answer {
            status: answer.status(),
            says_when_to_retry: answer.headers().contains_key(RETRY_AFTER),
            bytes: answer.bytes().await?,
        })
    }
}

/// What the service answered to one try.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    /// Whether it carries `Retry-After`.
    pub(crate) says_when_to_retry: bool,
    pub(crate) bytes: Bytes,
}

/// Whether the answer to a POST of statements acknowledges those ids, in their order.
pub(crate) fn acknowledges(answer: &Value, ids: &[String]) -> bool {
    answer.as_array().is_some_and(|given| {
        given.len() == ids.len()
            && given
                .iter()
                .zip(ids)
                .all(|(given, id)| given.as_str() == Some(id))
    })
}

/// Answers that say "not now" rather than "no": the request is sent again.
fn is_passing(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT
    )
}

/// The error and its causes on one line. The address is left out: a query string may name a person.
fn chain(error: &reqwest::Error) -> String {
    let mut words = if error.is_connect() {
        "could not connect".to_owned()
    } else {
        "the connection was lost".to_owned()
    };
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        words = format!("{words}: {error}");
        cause = error.source();
    }
    words
}

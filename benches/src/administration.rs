//! The REST resources beside the statements, as whoever runs a service calls them: a roster, a
//! catalogue, a recomputation, how far everything is.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use reqwest::{Client, RequestBuilder};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::time::Instant;

use crate::apart::Apart;

/// Time between two looks at how far it is.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Whoever has not caught up by then never will.
const CATCHES_UP_WITHIN: Duration = Duration::from_secs(300);

/// The administrator of a server on this machine.
pub struct Administration {
    client: Client,
    base: String,
    authorization: String,
}

// The credential stands in no log.
impl std::fmt::Debug for Administration {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Administration")
            .field("base", &self.base)
            .finish_non_exhaustive()
    }
}

/// How far a server is: positions in the order of all statements.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Status {
    /// Of the last statement stored.
    pub stored_seq: i64,
    /// Up to which answers are folded.
    pub folded_seq: i64,
    /// Whether a new catalogue is not served yet.
    pub rebuilding: bool,
    /// Up to which the lake's tables are.
    pub lake: Shipped,
}

/// How far the lake's tables are.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Shipped {
    /// Of `statements`.
    pub statements: i64,
    /// Of `answers`.
    pub answers: i64,
}

/// What a recomputation did.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Recomputed {
    /// Answers folded from the lake.
    pub answers: u64,
    /// Rows folded from the feed, which the lake did not have yet.
    pub caught_up: u64,
    /// How long it took, in seconds.
    pub duration_s: f64,
}

impl Administration {
    /// Of a server in a process of its own.
    pub fn apart(server: &Apart) -> anyhow::Result<Self> {
        Self::of(server.address(), server.authorization())
    }

    /// Of a server. `authorization` is the header's value, of a credential that may do everything.
    pub fn of(address: SocketAddr, authorization: &str) -> anyhow::Result<Self> {
        ensure!(
            address.ip().is_loopback(),
            "{address} is not on this machine"
        );
        Ok(Self {
            client: Client::builder().no_proxy().build()?,
            base: format!("http://{address}"),
            authorization: authorization.to_owned(),
        })
    }

    /// Reads a resource.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        let request = self.client.get(format!("{}{path}", self.base));
        self.answer(path, request).await
    }

    /// Puts a document in force.
    async fn put(&self, path: &str, kind: &str, body: Vec<u8>) -> anyhow::Result<()> {
        let request = self.client.put(format!("{}{path}", self.base));
        let request = request.header(CONTENT_TYPE, kind).body(body);
        self.answer::<Value>(path, request).await.map(drop)
    }

    /// Puts a catalogue in force: what there is to answer.
    pub async fn put_catalogue(&self, catalogue: &Value) -> anyhow::Result<()> {
        let catalogue = serde_json::to_vec(catalogue)?;
        self.put("/api/v1/catalogue", "application/json", catalogue)
            .await
    }

    /// Imports a roster: who is in which class.
    pub async fn put_roster(&self, roster: Vec<u8>) -> anyhow::Result<()> {
        self.put("/api/v1/roster", "application/zip", roster).await
    }

    /// Recomputes mastery from the lake, and waits for its end.
    pub async fn recompute(&self) -> anyhow::Result<Recomputed> {
        let path = "/api/v1/jobs/mastery";
        let request = self.client.post(format!("{}{path}", self.base));
        self.answer(path, request).await
    }

    /// How far it is.
    pub async fn status(&self) -> anyhow::Result<Status> {
        self.get("/api/v1/status").await
    }

    /// Waits until all that is stored by now is folded, by a model that knows the catalogue, and shipped.
    pub async fn caught_up(&self) -> anyhow::Result<()> {
        let stored = self.status().await?.stored_seq;
        let start = Instant::now();
        loop {
            let now = self.status().await?;
            let least = now
                .folded_seq
                .min(now.lake.statements)
                .min(now.lake.answers);
            if least >= stored && !now.rebuilding {
                return Ok(());
            }
            if start.elapsed() > CATCHES_UP_WITHIN {
                bail!("{stored} were stored and it does not get there: {now:?}");
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    async fn answer<T: DeserializeOwned>(
        &self,
        path: &str,
        request: RequestBuilder,
    ) -> anyhow::Result<T> {
        let request = request.header(AUTHORIZATION, &self.authorization);
        let answer = request.send().await?;
        let status = answer.status();
        let body = answer.bytes().await?;
        ensure!(
            status.is_success(),
            "{path} was answered {status}: {}",
            String::from_utf8_lossy(&body)
        );
        serde_json::from_slice(&body).with_context(|| format!("the answer of {path}"))
    }
}

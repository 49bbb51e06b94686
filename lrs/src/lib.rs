#![doc = include_str!("../README.md")]

pub mod config;
pub mod http;
pub mod ingest;
pub mod lake;
pub mod query;
pub mod statement;
pub mod store;
pub mod warnings;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use schemas::ids::StatementId;
use service::Context;
use service::identity::Caller;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use ingest::commit::{self, Committer};
use ingest::queue::{Limits, Queue, Refused};
use ingest::{Rejection, Request};
use query::cursor::{Cursor, NotACursor};
use query::filter::Filter;
use query::read::{self, Page};
use statement::{Authority, Stamped};
use store::StoreError;
use store::dictionaries::Dictionaries;
use store::horizon::Horizon;
use store::profile_warnings::{self, Warning};
use store::statements::{self, StoredStatement};
use warnings::Warnings;

pub use config::LrsConfig;
pub use http::openapi;
pub use http::routes::routes;
pub use store::MIGRATIONS;

/// The LRS of one process: what its routes and its committers share.
#[derive(Debug)]
pub struct Lrs {
    context: Context,
    config: LrsConfig,
    queue: Queue,
    dictionaries: Arc<Dictionaries>,
    horizon: Horizon,
    warnings: Warnings,
}

/// Why statements were not stored, or may not have been.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// They were not taken in.
    #[error("the request was not taken in")]
    Queue(#[source] Refused),
    /// No verdict within the time set: sending them again will tell.
    #[error("no commit in time")]
    Waited,
    /// The commit said no.
    #[error("the request was rejected")]
    Rejected(#[source] Rejection),
}

impl Lrs {
    /// An LRS that stores nothing until [`run_background`] runs.
    #[must_use]
    pub fn new(context: Context, config: LrsConfig) -> Self {
        let limits = Limits {
            statements: config.ingest.queue_max_statements,
            bytes: config.ingest.queue_max_bytes,
        };
        Self {
            queue: Queue::new(limits),
            dictionaries: Arc::default(),
            horizon: Horizon::new(context.pool.clone()),
            warnings: Warnings::default(),
            context,
            config,
        }
    }

    /// What it was told.
    #[must_use]
    pub fn config(&self) -> &LrsConfig {
        &self.config
    }

    /// Who vouches for what a caller sends.
    #[must_use]
    pub fn authority(&self, caller: &Caller) -> Authority {
        Authority::new(&caller.authority(&self.config.xapi.authority_home_page))
    }

    /// Stores the statements of one request, all or none. `Ok` means committed.
    pub async fn store(&self, statements: Vec<Stamped>, bytes: usize) -> Result<(), Refusal> {
        if statements.is_empty() {
            return Ok(());
        }
        let verdict = self
            .queue
            .submit(Request { statements, bytes })
            .map_err(Refusal::Queue)?;
        match tokio::time::timeout(self.config.wait_max(), verdict).await {
            Ok(Ok(verdict)) => verdict.map_err(Refusal::Rejected),
            // The committer is gone, or the time is: whether it was stored is not known.
            Ok(Err(_)) | Err(_) => Err(Refusal::Waited),
        }
    }

    /// One statement, and whether it is voided.
    pub async fn by_id(
        &self,
        id: StatementId,
    ) -> Result<Option<(StoredStatement, bool)>, StoreError> {
        statements::by_id(&self.context.pool, id).await
    }

    /// The first page of a filter.
    pub async fn first_page(&self, filter: &Filter) -> Result<Page, StoreError> {
        read::first_page(
            &self.context.pool,
            &self.dictionaries,
            self.secret(),
            filter,
            self.config.xapi.page_max,
        )
        .await
    }

    /// The page that a cursor names.
    pub async fn next_page(&self, cursor: Cursor) -> Result<Page, StoreError> {
        read::next_page(&self.context.pool, cursor).await
    }

    /// Reads a `more` that this installation gave out.
    pub fn cursor(&self, text: &str) -> Result<Cursor, NotACursor> {
        Cursor::read(text, self.secret())
    }

    /// Up to where every statement is committed and visible; it never goes back.
    pub async fn consistent_through(&self) -> Option<DateTime<Utc>> {
        self.horizon.consistent_through().await
    }

    /// What credentials in the mode `warn` sent against the profile: by every copy until a few seconds
    /// ago, by this one until now.
    pub async fn profile_warnings(&self) -> Result<Vec<Warning>, StoreError> {
        warnings::flush(self).await?;
        profile_warnings::list(&self.context.pool).await
    }

    pub(crate) fn warnings(&self) -> &Warnings {
        &self.warnings
    }

    pub(crate) fn secret(&self) -> &[u8] {
        self.context.secret.as_bytes()
    }
}

/// Runs the committers until `shutdown`; then takes nothing in any more, stores what waits, and
/// returns. Adds what was counted against the profile to the database besides.
pub async fn run_background(lrs: Arc<Lrs>, shutdown: CancellationToken) -> anyhow::Result<()> {
    let warnings = warnings::run(&lrs, shutdown.clone());
    let (ended, ()) = tokio::join!(run_committers(Arc::clone(&lrs), shutdown), warnings);
    ended
}

async fn run_committers(lrs: Arc<Lrs>, shutdown: CancellationToken) -> anyhow::Result<()> {
    let mut committers = JoinSet::new();
    for _ in 0..lrs.config.ingest.committers.max(1) {
        committers.spawn(run_committer(Arc::clone(&lrs)));
    }
    let close = shutdown.cancelled();
    tokio::pin!(close);
    let mut closing = false;
    loop {
        tokio::select! {
            () = &mut close, if !closing => {
                closing = true;
                lrs.queue.close();
            }
            ended = committers.join_next() => match ended {
                None => return Ok(()),
                Some(Ok(())) => {}
                Some(Err(error)) => {
                    // Whoever waited for it was told that it is not known. The others go on.
                    tracing::error!(%error, "a committer stopped; another takes its place");
                    committers.spawn(run_committer(Arc::clone(&lrs)));
                }
            },
        }
    }
}

/// Carries committed statements to the lake until `shutdown`, and once more then. Several copies
/// may run: of two that ship the same statements one is refused by the table.
pub async fn run_relay(lrs: Arc<Lrs>, shutdown: CancellationToken) {
    let place = ::lake::Lake::at(&lrs.config.lake_root);
    lake::statement_relay(lrs.context.clone(), place, &lrs.config.lake)
        .run(shutdown)
        .await;
}

async fn run_committer(lrs: Arc<Lrs>) {
    let committer = Committer::new(lrs.context.pool.clone(), Arc::clone(&lrs.dictionaries));
    commit::run(
        &lrs.queue,
        &committer,
        lrs.config.ingest.group_max_statements,
    )
    .await;
}

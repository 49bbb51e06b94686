#![doc = include_str!("../README.md")]

pub mod attachments;
pub mod config;
pub mod documents;
pub mod http;
pub mod ingest;
pub mod lake;
mod ordered;
pub mod person;
pub mod query;
pub mod references;
mod shape;
pub mod statement;
pub mod store;
pub mod warnings;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use schemas::ids::StatementId;
use service::Context;
use service::identity::Caller;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use attachments::intake::Intake;
use attachments::objects::ObjectsError;
use attachments::{Attachments, KeepError};
use documents::decide::{Refused as WriteRefused, Write};
use documents::query::NamedAgent;
use documents::{Address, Place};
use ingest::commit::{self, Committer};
use ingest::postbox::Postbox;
use ingest::queue::{Committing, Limits, Queue, Refused};
use ingest::{Rejection, Request};
use query::cursor::{Cursor, NotACursor};
use query::filter::{Filter, Restriction};
use query::read::{self, Access, Page};
use query::show::{self, NotShown, Reader};
use references::{Follower, Vouching};
use statement::format::Format;
use statement::keys::Iri;
use statement::{Authority, Stamped, payload};
use store::StoreError;
use store::attachments::Named;
use store::definitions::{self, Definitions};
use store::dictionaries::Dictionaries;
use store::documents::{Names, StoredDocument};
use store::horizon::Horizon;
use store::profile_warnings::{self, Warning};
use store::statements::{self, StoredStatement};
use warnings::Warnings;

pub use config::LrsConfig;
pub use http::openapi;
pub use http::routes::routes;
pub use store::MIGRATIONS;

/// The largest groups that may wait however slow the database is.
const GROUPS_THAT_WAIT: usize = 4;

/// The LRS of one process: what its routes and its committers share.
#[derive(Debug)]
pub struct Lrs {
    context: Context,
    config: LrsConfig,
    queue: Queue,
    dictionaries: Arc<Dictionaries>,
    vouching: Arc<Vouching>,
    references: Arc<Notify>,
    definitions: Arc<Definitions>,
    horizon: Horizon,
    attachments: Attachments,
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
    /// An LRS that stores nothing until [`run_background`] runs. Fails when the place of the contents
    /// of attachments cannot be used.
    pub fn new(context: Context, config: LrsConfig) -> Result<Self, ObjectsError> {
        let limits = Limits {
            time: config.queue_max(),
            always: GROUPS_THAT_WAIT * config.ingest.group_max_statements,
            bytes: config.ingest.queue_max_bytes,
        };
        Ok(Self {
            queue: Queue::new(limits),
            dictionaries: Arc::default(),
            vouching: Arc::new(Vouching::new(context.secret.clone())),
            references: Arc::default(),
            definitions: Arc::default(),
            horizon: Horizon::new(context.pool.clone()),
            attachments: Attachments::open(&config)?,
            warnings: Warnings::default(),
            context,
            config,
        })
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

    /// Whether statements would be taken in now: to be asked before anything is made of a request.
    pub fn room(&self) -> Result<(), Refusal> {
        self.queue.room().map_err(Refusal::Queue)
    }

    /// Stores the statements of one request, all or none. `Ok` means committed. The verdict comes by way
    /// of the `postbox` of the thread that waits.
    pub async fn store(
        &self,
        statements: Vec<Stamped>,
        bytes: usize,
        postbox: &Postbox,
    ) -> Result<(), Refusal> {
        if statements.is_empty() {
            return Ok(());
        }
        let verdict = self
            .queue
            .submit(Request { statements, bytes }, postbox)
            .map_err(Refusal::Queue)?;
        match tokio::time::timeout(self.config.wait_max(), verdict).await {
            Ok(Ok(verdict)) => verdict.map_err(Refusal::Rejected),
            // The committer is gone, or the time is: whether it was stored is not known.
            Ok(Err(_)) | Err(_) => Err(Refusal::Waited),
        }
    }

    /// The contents of attachments.
    #[must_use]
    pub fn attachments(&self) -> &Attachments {
        &self.attachments
    }

    /// Puts the contents of a request in their places, before its statements are stored.
    pub async fn keep(&self, contents: Intake<'_>) -> Result<(), KeepError> {
        self.attachments.keep(&self.context.pool, contents).await
    }

    /// The contents that the statements at these positions name, each declared hash once.
    pub async fn contents_of(&self, positions: &[i64]) -> Result<Vec<Named>, StoreError> {
        let mut seen = HashSet::new();
        let mut named = store::attachments::of_statements(&self.context.pool, positions).await?;
        named.retain(|one| seen.insert(one.sha2.to_ascii_lowercase()));
        Ok(named)
    }

    /// One statement, and whether it is voided; none where the caller may not read it.
    pub async fn by_id(
        &self,
        id: StatementId,
        restriction: &Restriction,
    ) -> Result<Option<(StoredStatement, bool)>, StoreError> {
        let found = statements::by_id(&self.context.pool, id).await?;
        Ok(found
            .filter(|found| restriction.allows(found.authority, found.actor))
            .map(|found| (found.statement, found.is_voided)))
    }

    /// The first page of a filter, as far as the caller may read it.
    pub async fn first_page(
        &self,
        filter: &Filter,
        restriction: &Restriction,
    ) -> Result<Page, StoreError> {
        let page_max = self.config.xapi.page_max;
        read::first_page(self.access(restriction), self.secret(), filter, page_max).await
    }

    /// The page that a cursor names, as far as the caller may read it, whoever was given the cursor.
    pub async fn next_page(
        &self,
        cursor: Cursor,
        restriction: &Restriction,
    ) -> Result<Page, StoreError> {
        read::next_page(self.access(restriction), cursor).await
    }

    fn access<'a>(&'a self, restriction: &'a Restriction) -> Access<'a> {
        Access {
            pool: &self.context.pool,
            dictionaries: &self.dictionaries,
            restriction,
            look: Duration::from_millis(self.config.xapi.page_look_ms),
        }
    }

    /// Statements as JSON for a reader, in their order.
    pub async fn show(
        &self,
        statements: &[StoredStatement],
        format: Format,
        reader: &Reader,
    ) -> Result<Vec<String>, NotShown> {
        let exact = show::exact(statements, reader.version)?;
        let definitions = match format {
            Format::Canonical => {
                show::kept_definitions(&self.context.pool, &self.dictionaries, &exact).await?
            }
            Format::Exact | Format::Ids => HashMap::new(),
        };
        show::formatted(exact, format, &definitions, &reader.languages)
    }

    /// Reads a `more` that this installation gave out.
    pub fn cursor(&self, text: &str) -> Result<Cursor, NotACursor> {
        Cursor::read(text, self.secret())
    }

    /// One document.
    pub async fn document(&self, address: &Address) -> Result<Option<StoredDocument>, StoreError> {
        store::documents::find(&self.context.pool, &self.dictionaries, address).await
    }

    /// The names of the documents of a place, all or those that changed after an instant.
    pub async fn document_names(
        &self,
        place: &Place,
        since: Option<DateTime<Utc>>,
    ) -> Result<Names, StoreError> {
        store::documents::names(&self.context.pool, &self.dictionaries, place, since).await
    }

    /// Changes one document, unless what is there forbids it.
    pub async fn write_document(
        &self,
        address: &Address,
        write: &Write,
    ) -> Result<Result<(), WriteRefused>, StoreError> {
        store::documents::write(&self.context.pool, &self.dictionaries, address, write).await
    }

    /// Deletes all documents of a place.
    pub async fn delete_documents(&self, place: &Place) -> Result<(), StoreError> {
        store::documents::delete_many(&self.context.pool, &self.dictionaries, place).await
    }

    /// What is known of an agent, as a Person.
    pub async fn person(&self, asked: &NamedAgent) -> Result<serde_json::Value, StoreError> {
        let account = asked.identified(self.secret()).account.as_uuid();
        let newest = store::agents::newest(
            &self.context.pool,
            &self.dictionaries,
            account,
            person::STATEMENTS,
        )
        .await?;
        let statements: Vec<Vec<u8>> = newest
            .iter()
            .filter_map(|kept| payload::decompress(kept).ok())
            .collect();
        Ok(person::person(asked, &statements))
    }

    /// An activity with its canonical definition, if it has one, as JSON.
    pub async fn activity(&self, activity: &Iri) -> Result<String, StoreError> {
        let pool = &self.context.pool;
        let definition = match self
            .dictionaries
            .activities
            .find(pool, activity.hash)
            .await?
        {
            Some(id) => definitions::find(pool, &[id]).await?.remove(&id),
            None => None,
        };
        let definition =
            definition.map_or_else(String::new, |json| format!(",\"definition\":{json}"));
        let id = ordered::quoted(&activity.text);
        Ok(format!(
            "{{\"objectType\":\"Activity\",\"id\":{id}{definition}}}"
        ))
    }

    /// Up to where every statement is committed, visible and found through its references; it never
    /// goes back.
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

/// Runs the committers, and the worker that follows references, until `shutdown`.
///
/// Then it takes nothing in any more, stores what waits, and returns. References that are not followed by then wait for another
/// copy or the next start. What was counted against the profile is added to the database
/// besides.
pub async fn run_background(lrs: Arc<Lrs>, shutdown: CancellationToken) -> anyhow::Result<()> {
    let warnings = warnings::run(&lrs, shutdown.clone());
    let (ended, ()) = tokio::join!(run_committers(Arc::clone(&lrs), shutdown), warnings);
    ended
}

async fn run_committers(lrs: Arc<Lrs>, shutdown: CancellationToken) -> anyhow::Result<()> {
    let mut committers = JoinSet::new();
    committers.spawn(run_committer(Arc::clone(&lrs), Committing::First));
    for _ in 1..lrs.config.ingest.committers {
        committers.spawn(run_committer(Arc::clone(&lrs), Committing::Further));
    }
    let mut followers = JoinSet::new();
    followers.spawn(run_follower(Arc::clone(&lrs)));
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
                    // Whichever it was: a first one too many costs little, none would leave requests waiting.
                    committers.spawn(run_committer(Arc::clone(&lrs), Committing::First));
                }
            },
            Some(Err(error)) = followers.join_next() => {
                tracing::error!(%error, "the worker of references stopped; another takes its place");
                followers.spawn(run_follower(Arc::clone(&lrs)));
            }
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

/// Sweeps the contents of attachments until `shutdown`. Several copies may run.
pub async fn run_sweep(lrs: Arc<Lrs>, shutdown: CancellationToken) {
    let every = Duration::from_secs(lrs.config.attachments.sweep_every_s);
    attachments::sweep::run(&lrs.context.pool, &lrs.attachments, every, &shutdown).await;
}

async fn run_committer(lrs: Arc<Lrs>, who: Committing) {
    let committer = Committer::new(
        lrs.context.pool.clone(),
        Arc::clone(&lrs.dictionaries),
        Arc::clone(&lrs.vouching),
        Arc::clone(&lrs.references),
        Arc::clone(&lrs.definitions),
    );
    commit::run(
        &lrs.queue,
        &committer,
        lrs.config.ingest.group_max_statements,
        who,
    )
    .await;
}

async fn run_follower(lrs: Arc<Lrs>) {
    let follower = Follower::new(
        lrs.context.clone(),
        Arc::clone(&lrs.dictionaries),
        Arc::clone(&lrs.vouching),
        Arc::clone(&lrs.references),
    );
    follower.run().await;
}

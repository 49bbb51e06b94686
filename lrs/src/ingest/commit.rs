//! A group becomes rows in one transaction, and each request gets its verdict afterwards.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use service::pg::Pool;
use tokio::sync::Notify;
use uuid::Uuid;

use super::batch::{self, Decision, Existing};
use super::queue::{Committing, Job, Queue};
use super::{Rejection, Request, Verdict};
use crate::references::Vouching;
use crate::statement::definition::Definition;
use crate::statement::{Stamped, keys};
use crate::store::StoreError;
use crate::store::definitions::Definitions;
use crate::store::dictionaries::Dictionaries;
use crate::store::statements::{self, NewStatement};

/// How often a group goes again after a race or a lost connection. A race means that another copy
/// made progress, so one suffices nearly always; a restarting PostgreSQL is waited for this long.
const TRIES: u32 = 6;

/// The pause before a group goes again after a lost connection, doubled each time: 1.5 s in all.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// How many groups look their ids up before they are written, after one was found to be stored already:
/// a client that sends again what got no answer sends more of it. Otherwise ids are new, and the unique
/// index would look for them a second time.
const WARY_GROUPS: u32 = 100;

/// Writes groups until the queue is closed and empty.
pub async fn run(
    queue: &Queue,
    committer: &Committer,
    group_max_statements: usize,
    who: Committing,
) {
    while let Some(mut group) = queue.take(group_max_statements, who).await {
        committer.commit(std::mem::take(&mut group.jobs)).await;
    }
}

/// What a committer works with; several may share it.
#[derive(Debug)]
pub struct Committer {
    pool: Pool,
    dictionaries: Arc<Dictionaries>,
    vouching: Arc<Vouching>,
    references: Arc<Notify>,
    definitions: Arc<Definitions>,
    /// How many groups from here on look their ids up first.
    wary: AtomicU32,
}

impl Committer {
    /// A committer that writes through `pool`. `references` is told when a statement that refers to
    /// another was committed.
    #[must_use]
    pub fn new(
        pool: Pool,
        dictionaries: Arc<Dictionaries>,
        vouching: Arc<Vouching>,
        references: Arc<Notify>,
        definitions: Arc<Definitions>,
    ) -> Self {
        Self {
            pool,
            dictionaries,
            vouching,
            references,
            definitions,
            wary: AtomicU32::new(0),
        }
    }

    /// Stores a group and answers each of its requests.
    pub async fn commit(&self, group: Vec<Job>) {
        let requests: Vec<&Request> = group.iter().map(|job| &job.request).collect();
        let verdicts = match self.store(&requests).await {
            Ok(verdicts) => verdicts,
            // One request's fault must not be its neighbours'.
            Err(error) if is_of_one_request(&error) && requests.len() > 1 => {
                self.one_by_one(&requests).await
            }
            Err(error) => requests
                .iter()
                .map(|_| Err(rejection(error.clone())))
                .collect(),
        };
        for (job, verdict) in group.into_iter().zip(verdicts) {
            job.answer.send(verdict);
        }
    }

    async fn one_by_one(&self, requests: &[&Request]) -> Vec<Verdict> {
        let mut verdicts = Vec::with_capacity(requests.len());
        for request in requests {
            verdicts.push(match self.store(&[request]).await {
                Ok(mut alone) => alone.pop().unwrap_or(Ok(())),
                Err(error) => Err(rejection(error)),
            });
        }
        verdicts
    }

    /// Stores requests in one transaction.
    ///
    /// It goes again when an id is stored already, by whichever transaction, and when the connection was
    /// lost, a commit under way or not: the ids are looked up on a fresh connection, what was
    /// committed is found there as the same statements, and what was not is written. Should the lost
    /// backend still be at its commit, the unique index makes the second attempt wait for it.
    async fn store(&self, requests: &[&Request]) -> Result<Vec<Verdict>, StoreError> {
        let mut pause = FIRST_PAUSE;
        let mut tries = 1;
        loop {
            let look_up = tries > 1 || self.wary.load(Ordering::Relaxed) > 0;
            let error = match self.try_store(requests, look_up).await {
                Ok(verdicts) => return Ok(verdicts),
                Err(error) => error,
            };
            match &error {
                StoreError::Raced(_) if tries < TRIES => {}
                StoreError::Lost(_) if tries < TRIES => {
                    tracing::warn!(error = %service::error::chain(&error), tries, "group goes again");
                    tokio::time::sleep(pause).await;
                    pause *= 2;
                }
                _ => return Err(error),
            }
            tries += 1;
        }
    }

    /// Stores requests; without `look_up` as if no id of theirs were stored, which the unique index
    /// refuses if it is not so.
    async fn try_store(
        &self,
        requests: &[&Request],
        look_up: bool,
    ) -> Result<Vec<Verdict>, StoreError> {
        let existing = self.existing(requests, look_up).await?;
        let Decision { new, refused } = batch::decide(requests, &existing);
        if !new.is_empty() {
            let rows = self.rows(&new).await?;
            statements::insert(&self.pool, &rows).await?;
            if new.iter().any(|statement| statement.refers_to.is_some()) {
                self.references.notify_one();
            }
        }
        // After the commit: a request that lost a race leaves no definition. Of statements that were
        // there already, too: whoever got no answer, because this process ended before it was done,
        // posts again.
        let sent = definitions(requests, &refused).into_iter();
        self.definitions
            .enter(&self.pool, &self.dictionaries.activities, sent)
            .await?;
        Ok(refused
            .into_iter()
            .map(|refused| refused.map_or(Ok(()), Err))
            .collect())
    }

    /// Puts statements back that were stored before, in one transaction: at this time, from this position
    /// on. What they say of activities is not kept again.
    pub async fn put_back(
        &self,
        statements: &[Stamped],
        stored: DateTime<Utc>,
        first_seq: i64,
    ) -> Result<(), StoreError> {
        let all: Vec<&Stamped> = statements.iter().collect();
        let rows = self.rows(&all).await?;
        statements::put_back(&self.pool, &rows, stored, first_seq).await
    }

    /// What is stored already: of what is to be voided, always; of the statements themselves, with
    /// `look_up`.
    async fn existing(
        &self,
        requests: &[&Request],
        look_up: bool,
    ) -> Result<HashMap<Uuid, Existing>, StoreError> {
        let ids = sorted_ids(requests, look_up);
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let existing = statements::existing(&self.pool, &ids).await?;
        if look_up {
            let wary = if existing.is_empty() {
                self.wary.load(Ordering::Relaxed).saturating_sub(1)
            } else {
                WARY_GROUPS
            };
            self.wary.store(wary, Ordering::Relaxed);
        }
        Ok(existing)
    }

    /// The rows of new statements: long keys become integers.
    async fn rows<'a>(&self, new: &[&'a Stamped]) -> Result<Vec<NewStatement<'a>>, StoreError> {
        let (mut actors, mut verbs) = (BTreeMap::new(), BTreeMap::new());
        let (mut activities, mut authorities) = (BTreeMap::new(), BTreeMap::new());
        for statement in new {
            let agents = &statement.agents;
            for agent in agents
                .actor
                .iter()
                .chain(&agents.others)
                .chain(&agents.related)
            {
                actors.insert(agent.account.as_uuid(), agent.ifi.as_str());
            }
            verbs.insert(statement.verb.hash, statement.verb.text.as_str());
            for activity in statement
                .activity
                .iter()
                .chain(&statement.related_activities)
            {
                activities.insert(activity.hash, activity.text.as_str());
            }
            authorities.insert(statement.authority.hash(), statement.authority.document());
        }
        let ids = Ids {
            actors: self.dictionaries.actors.enter(&self.pool, &actors).await?,
            verbs: self.dictionaries.verbs.enter(&self.pool, &verbs).await?,
            activities: self
                .dictionaries
                .activities
                .enter(&self.pool, &activities)
                .await?,
            authorities: self
                .dictionaries
                .authorities
                .enter(&self.pool, &authorities)
                .await?,
        };
        self.vouching
            .enter(
                &self.pool,
                &self.dictionaries,
                &authorities,
                &ids.authorities,
            )
            .await?;
        Ok(new.iter().map(|statement| ids.row(statement)).collect())
    }
}

/// What the requests that are taken say of activities, in their order.
fn definitions<'a>(requests: &[&'a Request], refused: &[Option<Rejection>]) -> Vec<&'a Definition> {
    requests
        .iter()
        .zip(refused)
        .filter(|(_, refused)| refused.is_none())
        .flat_map(|(request, _)| &request.statements)
        .flat_map(|statement| &statement.definitions)
        .collect()
}

/// The integers of a group's keys: every key of every statement is there.
struct Ids {
    actors: HashMap<Uuid, i32>,
    verbs: HashMap<Uuid, i32>,
    activities: HashMap<Uuid, i32>,
    authorities: HashMap<Uuid, i32>,
}

impl Ids {
    fn row<'a>(&self, statement: &'a Stamped) -> NewStatement<'a> {
        let actor = |agent: &keys::Identified| self.actors[&agent.account.as_uuid()];
        let activity = |activity: &keys::Iri| self.activities[&activity.hash];
        NewStatement {
            statement,
            actor: statement.agents.actor.as_ref().map(actor),
            others: statement.agents.others.iter().map(actor).collect(),
            related_agents: statement.agents.related.iter().map(actor).collect(),
            verb: self.verbs[&statement.verb.hash],
            activity: statement.activity.as_ref().map(activity),
            related_activities: statement.related_activities.iter().map(activity).collect(),
            authority: self.authorities[&statement.authority.hash()],
        }
    }
}

/// The ids of the statements, if they are `wanted`, and of those whose voiding depends on who wrote them.
fn sorted_ids(requests: &[&Request], wanted: bool) -> Vec<Uuid> {
    let mut ids: Vec<Uuid> = requests
        .iter()
        .flat_map(|request| &request.statements)
        .flat_map(|statement| {
            let target = statement.voids.filter(|_| !statement.voids_others);
            wanted.then_some(statement.id).into_iter().chain(target)
        })
        .map(|id| id.as_uuid())
        .collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// Whether going request by request can help: not when there is no connection to be had.
fn is_of_one_request(error: &StoreError) -> bool {
    !matches!(
        error,
        StoreError::NoConnection(_) | StoreError::Lost(_) | StoreError::Busy(_)
    )
}

fn rejection(error: StoreError) -> Rejection {
    match error {
        StoreError::Value(_) => Rejection::Value(error),
        StoreError::Refused(_) | StoreError::Vanished => Rejection::Failed(error),
        _ => Rejection::Unavailable(error),
    }
}

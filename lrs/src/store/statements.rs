//! `lrs.statements`, with what is written beside each: further agents and activities, voidings,
//! candidate answers, references.

use std::collections::HashMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use schemas::ids::{AccountKey, StatementId};
use schemas::profile::{AnswerParts, Candidate};
use schemas::xapi::XapiVersion;
use service::pg::Pool;
use tokio_postgres::Row;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{ToSql, Type};
use uuid::Uuid;

use super::{StoreError, settle};
use crate::ingest::batch::Existing;
use crate::statement::{Attached, Stamped};

/// A statement whose long keys have become integers.
#[derive(Debug)]
pub struct NewStatement<'a> {
    /// The statement.
    pub statement: &'a Stamped,
    /// Its actor in `lrs.actors`.
    pub actor: Option<i32>,
    /// The further agents it is found by.
    pub others: Vec<i32>,
    /// Those that `related_agents` alone finds it by.
    pub related_agents: Vec<i32>,
    /// Its verb in `lrs.verbs`.
    pub verb: i32,
    /// Its object in `lrs.activities`.
    pub activity: Option<i32>,
    /// The activities that `related_activities` alone finds it by.
    pub related_activities: Vec<i32>,
    /// Who vouches, in `lrs.authorities`.
    pub authority: i32,
}

/// A stored statement, as it is read.
#[derive(Debug)]
pub struct StoredStatement {
    /// Its position.
    pub seq: i64,
    /// Its id.
    pub id: StatementId,
    /// When it was stored.
    pub stored: DateTime<Utc>,
    /// The version of the request that sent it.
    pub version: XapiVersion,
    /// The bytes that were sent, compressed.
    pub payload: Vec<u8>,
    /// Who vouches: an Agent as JSON.
    pub authority: String,
}

/// How a version stands in the column `version`.
fn version_code(version: XapiVersion) -> i16 {
    match version {
        XapiVersion::V1_0_3 => 103,
        XapiVersion::V2_0_0 => 200,
    }
}

impl StoredStatement {
    /// From the columns seq, id, stored, version, payload, document.
    pub(super) fn from_row(row: &Row) -> Self {
        let version: i16 = row.get("version");
        Self {
            seq: row.get("seq"),
            id: StatementId::from_uuid(row.get("id")),
            stored: row.get("stored"),
            version: if version == 200 {
                XapiVersion::V2_0_0
            } else {
                XapiVersion::V1_0_3
            },
            payload: row.get("payload"),
            authority: row.get("document"),
        }
    }
}

/// Which of the ids are stored, and as what.
pub async fn existing(pool: &Pool, ids: &[Uuid]) -> Result<HashMap<Uuid, Existing>, StoreError> {
    let connection = pool.get().await?;
    let result = async {
        let statement = connection
            .prepare_cached(include_str!("sql/statements_existing.sql"))
            .await?;
        connection.query(&statement, &[&ids]).await
    }
    .await;
    let rows = settle(connection, result)?;
    Ok(rows
        .iter()
        .map(|row| {
            (
                row.get(0),
                Existing {
                    payload: row.get(1),
                    authority: row.get(2),
                },
            )
        })
        .collect())
}

/// Stores statements in one transaction, in this order; returns when they were stored and the first
/// position. On `Ok` they are committed.
pub async fn insert(
    pool: &Pool,
    rows: &[NewStatement<'_>],
) -> Result<(DateTime<Utc>, i64), StoreError> {
    let connection = pool.get().await?;
    let columns = Columns::of(rows);
    let result = async {
        let statement = connection.prepare_cached(INSERT).await?;
        connection
            .query_one(&statement, &columns.parameters())
            .await
    }
    .await;
    settle(connection, result).map(|row| (row.get(0), row.get(1)))
}

/// What writes a group.
const INSERT: &str = include_str!("sql/statements_insert.sql");

/// Puts statements back that were stored before, in one transaction: at this time, from this position
/// on, in this order. On `Ok` they are committed.
pub async fn put_back(
    pool: &Pool,
    rows: &[NewStatement<'_>],
    stored: DateTime<Utc>,
    first_seq: i64,
) -> Result<(), StoreError> {
    let connection = pool.get().await?;
    let columns = Columns::of(rows);
    let mut parameters = columns.parameters();
    parameters.push(&stored);
    parameters.push(&first_seq);
    let given = format!(
        "lrs.put_back($1::integer, ${}::timestamptz, ${}::bigint)",
        parameters.len() - 1,
        parameters.len()
    );
    let sql = INSERT.replace("lrs.stamp($1::integer)", &given);
    let result = connection.query_one(&sql, &parameters).await;
    settle(connection, result).map(|_| ())
}

/// Where statements stand that have one of these ids, or stand at one of these positions.
pub async fn positions(
    pool: &Pool,
    ids: &[Uuid],
    seqs: &[i64],
) -> Result<Vec<(Uuid, i64)>, StoreError> {
    let connection = pool.get().await?;
    let sql = include_str!("sql/statements_positions.sql");
    let result = connection.query(sql, &[&ids, &seqs]).await;
    let rows = settle(connection, result)?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// One statement, with what decides who may read it.
#[derive(Debug)]
pub struct Found {
    /// The statement.
    pub statement: StoredStatement,
    /// Whether it is voided.
    pub is_voided: bool,
    /// The key of its authority.
    pub authority: Uuid,
    /// Its actor; none for an anonymous Group.
    pub actor: Option<AccountKey>,
}

/// One statement, if there is one with this id.
pub async fn by_id(pool: &Pool, id: StatementId) -> Result<Option<Found>, StoreError> {
    let connection = pool.get().await?;
    let result = async {
        let statement = connection
            .prepare_cached(include_str!("sql/statements_by_id.sql"))
            .await?;
        connection.query_opt(&statement, &[&id.as_uuid()]).await
    }
    .await;
    let row = settle(connection, result)?;
    Ok(row.map(|row| Found {
        statement: StoredStatement::from_row(&row),
        is_voided: row.get("voided"),
        authority: row.get("hash"),
        actor: row
            .get::<_, Option<Uuid>>("account")
            .map(AccountKey::from_uuid),
    }))
}

/// A value of a query that was put together.
#[derive(Clone, Debug, PartialEq)]
pub enum Parameter {
    /// `integer`.
    Int4(i32),
    /// `integer[]`.
    Int4s(Vec<i32>),
    /// `bigint`.
    Int8(i64),
    /// `uuid`.
    Uuid(Uuid),
    /// `timestamptz`.
    Time(DateTime<Utc>),
}

impl Parameter {
    /// The value with its type, as a query takes it.
    #[must_use]
    pub fn typed(&self) -> (&(dyn ToSql + Sync), Type) {
        match self {
            Self::Int4(value) => (value, Type::INT4),
            Self::Int4s(value) => (value, Type::INT4_ARRAY),
            Self::Int8(value) => (value, Type::INT8),
            Self::Uuid(value) => (value, Type::UUID),
            Self::Time(value) => (value, Type::TIMESTAMPTZ),
        }
    }
}

/// How the read of a page begins; the file says why.
pub const PAGE_BEGIN: &str = include_str!("sql/statements_page_begin.sql");

/// The last entry that a page looks at.
#[derive(Clone, Copy, Debug)]
pub struct Edge {
    /// Its position.
    pub seq: i64,
    /// When its statement was stored.
    pub stored: DateTime<Utc>,
}

/// What a query of [`crate::query::plan::edge`] finds.
pub async fn edge(
    pool: &Pool,
    sql: &str,
    parameters: &[Parameter],
) -> Result<Option<Edge>, StoreError> {
    let rows = read(pool, sql, parameters).await?;
    Ok(rows.first().map(|row| Edge {
        seq: row.get("seq"),
        stored: row.get("stored"),
    }))
}

/// The statements that a query of [`crate::query::plan`] finds.
pub async fn page(
    pool: &Pool,
    sql: &str,
    parameters: &[Parameter],
) -> Result<Vec<StoredStatement>, StoreError> {
    let rows = read(pool, sql, parameters).await?;
    Ok(rows.iter().map(StoredStatement::from_row).collect())
}

/// The same, given up after some time: then none.
pub async fn page_within(
    pool: &Pool,
    sql: &str,
    parameters: &[Parameter],
    time: Duration,
) -> Result<Option<Vec<StoredStatement>>, StoreError> {
    let begin = format!(
        "{PAGE_BEGIN}set local statement_timeout = {};",
        time.as_millis().max(1)
    );
    let connection = pool.get().await?;
    let result = match ask(&connection, &begin, sql, parameters).await {
        // The transaction ended with what was sent after the query.
        Err(error) if error.code() == Some(&SqlState::QUERY_CANCELED) => Ok(None),
        result => result.map(Some),
    };
    let rows = settle(connection, result)?;
    Ok(rows.map(|rows| rows.iter().map(StoredStatement::from_row).collect()))
}

/// The rows of a query of [`crate::query::plan`].
async fn read(pool: &Pool, sql: &str, parameters: &[Parameter]) -> Result<Vec<Row>, StoreError> {
    let connection = pool.get().await?;
    let result = ask(&connection, PAGE_BEGIN, sql, parameters).await;
    settle(connection, result)
}

/// Asks a query of [`crate::query::plan`] in a transaction that begins so.
///
/// It is not kept prepared: PostgreSQL plans it for these very values, where a plan for all values
/// walks into traps.
async fn ask(
    connection: &deadpool_postgres::Client,
    begin: &str,
    sql: &str,
    parameters: &[Parameter],
) -> Result<Vec<Row>, tokio_postgres::Error> {
    let typed: Vec<_> = parameters.iter().map(Parameter::typed).collect();
    // Sent together, answered in order: one round trip.
    let (begun, rows, ended) = futures::join!(
        connection.batch_execute(begin),
        connection.query_typed(sql, &typed),
        connection.batch_execute("commit"),
    );
    begun?;
    let rows = rows?;
    ended?;
    Ok(rows)
}

/// The parameters of `statements_insert.sql`: a vector a column.
#[derive(Default)]
struct Columns<'a> {
    count: i32,
    place: Vec<i32>,
    id: Vec<Uuid>,
    registration: Vec<Option<Uuid>>,
    voids: Vec<Option<Uuid>>,
    actor: Vec<Option<i32>>,
    verb: Vec<i32>,
    activity: Vec<Option<i32>>,
    authority: Vec<i32>,
    version: Vec<i16>,
    payload: Vec<&'a [u8]>,
    agents: (Vec<i32>, Vec<i32>),
    voidings: (Vec<i32>, Vec<Uuid>),
    answers: AnswerColumns<'a>,
    related_agents: Related,
    related_activities: Related,
    references: (Vec<i32>, Vec<Uuid>),
    attachments: AttachmentColumns<'a>,
}

/// Keys that only `related_*` finds a statement by: place, key, verb.
#[derive(Default)]
struct Related {
    place: Vec<i32>,
    key: Vec<i32>,
    verb: Vec<i32>,
}

impl Related {
    fn push(&mut self, place: i32, keys: &[i32], verb: i32) {
        for key in keys {
            self.place.push(place);
            self.key.push(*key);
            self.verb.push(verb);
        }
    }

    fn parameters(&self) -> [&(dyn ToSql + Sync); 3] {
        [&self.place, &self.key, &self.verb]
    }
}

impl<'a> Columns<'a> {
    fn of(rows: &[NewStatement<'a>]) -> Self {
        let mut columns = Self::default();
        for row in rows {
            columns.push(row);
        }
        columns
    }

    fn push(&mut self, row: &NewStatement<'a>) {
        let statement = row.statement;
        let place = self.count;
        self.count += 1;
        self.place.push(place);
        self.id.push(statement.id.as_uuid());
        self.registration.push(
            statement
                .registration
                .map(|registration| registration.as_uuid()),
        );
        self.voids
            .push(statement.voids.map(|target| target.as_uuid()));
        self.actor.push(row.actor);
        self.verb.push(row.verb);
        self.activity.push(row.activity);
        self.authority.push(row.authority);
        self.version.push(version_code(statement.version));
        self.payload.push(&statement.payload);
        for agent in &row.others {
            self.agents.0.push(place);
            self.agents.1.push(*agent);
        }
        if let Some(target) = statement.voids {
            self.voidings.0.push(place);
            self.voidings.1.push(target.as_uuid());
        }
        self.answers.push(place, row);
        self.related_agents
            .push(place, &row.related_agents, row.verb);
        self.related_activities
            .push(place, &row.related_activities, row.verb);
        if let Some(target) = statement.refers_to {
            self.references.0.push(place);
            self.references.1.push(target.as_uuid());
        }
        for attached in &statement.attachments {
            self.attachments.push(place, attached);
        }
    }

    fn parameters(&self) -> Vec<&(dyn ToSql + Sync)> {
        let mut parameters: Vec<&(dyn ToSql + Sync)> = vec![
            &self.count,
            &self.place,
            &self.id,
            &self.registration,
            &self.voids,
            &self.actor,
            &self.verb,
            &self.activity,
            &self.authority,
            &self.version,
            &self.payload,
            &self.agents.0,
            &self.agents.1,
            &self.voidings.0,
            &self.voidings.1,
        ];
        parameters.extend(self.answers.parameters());
        parameters.extend(self.related_agents.parameters());
        parameters.extend(self.related_activities.parameters());
        parameters.push(&self.references.0);
        parameters.push(&self.references.1);
        parameters.extend(self.attachments.parameters());
        parameters
    }
}

/// The columns of `lrs.statement_attachments`.
#[derive(Default)]
struct AttachmentColumns<'a> {
    statement: Vec<i32>,
    place: Vec<i32>,
    sha2: Vec<&'a str>,
    sha256: Vec<&'a [u8]>,
    length: Vec<i64>,
    content_type: Vec<&'a str>,
    signature: Vec<Option<&'static str>>,
}

impl<'a> AttachmentColumns<'a> {
    fn push(&mut self, statement: i32, attached: &'a Attached) {
        self.statement.push(statement);
        self.place.push(attached.place);
        self.sha2.push(&attached.sha2);
        self.sha256.push(&attached.sha256);
        self.length.push(attached.length);
        self.content_type.push(&attached.content_type);
        self.signature
            .push(attached.signature.map(|standing| standing.as_str()));
    }

    fn parameters(&self) -> [&(dyn ToSql + Sync); 7] {
        [
            &self.statement,
            &self.place,
            &self.sha2,
            &self.sha256,
            &self.length,
            &self.content_type,
            &self.signature,
        ]
    }
}

/// The columns of `lrs.answers`.
#[derive(Default)]
struct AnswerColumns<'a> {
    place: Vec<i32>,
    id: Vec<Uuid>,
    kind: Vec<&'static str>,
    account: Vec<Option<Uuid>>,
    activity: Vec<Option<i32>>,
    correct: Vec<Option<bool>>,
    outcome: Vec<Option<f64>>,
    timestamp: Vec<Option<DateTime<Utc>>>,
    has_offset: Vec<Option<bool>>,
    skew_ms: Vec<Option<i64>>,
    device_id: Vec<Option<&'a str>>,
    device_seq: Vec<Option<i64>>,
    invented_time: Vec<Option<bool>>,
    registration: Vec<Option<Uuid>>,
    duration_ms: Vec<Option<i64>>,
    origin: Vec<Option<&'static str>>,
    attempt: Vec<Option<i32>>,
    hints: Vec<Option<i32>>,
    left_out: Vec<Option<&'static str>>,
    voids: Vec<Option<Uuid>>,
    offline: Vec<Option<bool>>,
}

impl<'a> AnswerColumns<'a> {
    fn push(&mut self, place: i32, row: &NewStatement<'a>) {
        let statement = row.statement;
        let (kind, left_out, parts) = match &statement.candidate {
            Candidate::Answer(parts) => ("answer", None, Some(parts)),
            Candidate::LeftOut(reason) => ("left_out", Some(reason.as_str()), None),
            Candidate::Other if statement.voids.is_some() => ("voiding", None, None),
            Candidate::Other => return,
        };
        let account = statement
            .agents
            .actor
            .as_ref()
            .map(|actor| actor.account.as_uuid());
        self.place.push(place);
        self.id.push(statement.id.as_uuid());
        self.kind.push(kind);
        // Who voids is not whose answer is void.
        self.account.push(account.filter(|_| kind != "voiding"));
        self.activity.push(row.activity);
        self.left_out.push(left_out);
        self.voids
            .push(statement.voids.map(|target| target.as_uuid()));
        self.registration.push(
            statement
                .registration
                .map(|registration| registration.as_uuid()),
        );
        self.push_parts(parts);
    }

    fn push_parts(&mut self, parts: Option<&'a AnswerParts>) {
        self.correct.push(parts.map(|parts| parts.correct));
        self.outcome.push(parts.map(|parts| parts.outcome));
        self.timestamp.push(parts.and_then(|parts| parts.timestamp));
        self.has_offset.push(parts.map(|parts| parts.has_offset));
        self.skew_ms.push(parts.and_then(|parts| parts.skew_ms));
        self.device_id
            .push(parts.and_then(|parts| parts.device_id.as_deref()));
        self.device_seq
            .push(parts.and_then(|parts| parts.device_seq));
        self.invented_time
            .push(parts.map(|parts| parts.invented_time));
        self.duration_ms
            .push(parts.and_then(|parts| parts.duration_ms));
        self.origin.push(
            parts
                .and_then(|parts| parts.origin)
                .map(|origin| origin.as_str()),
        );
        self.attempt.push(parts.and_then(|parts| parts.attempt));
        self.hints.push(parts.and_then(|parts| parts.hints));
        self.offline.push(parts.and_then(|parts| parts.offline));
    }

    fn parameters(&self) -> [&(dyn ToSql + Sync); 21] {
        [
            &self.place,
            &self.id,
            &self.kind,
            &self.account,
            &self.activity,
            &self.correct,
            &self.outcome,
            &self.timestamp,
            &self.has_offset,
            &self.skew_ms,
            &self.device_id,
            &self.device_seq,
            &self.invented_time,
            &self.registration,
            &self.duration_ms,
            &self.origin,
            &self.attempt,
            &self.hints,
            &self.left_out,
            &self.voids,
            &self.offline,
        ]
    }
}

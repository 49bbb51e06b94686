//! What this PostgreSQL takes of the same rows, under the same indexes, without an LRS in front.
//!
//! The rows are those that the LRS makes of the same bodies, made before the clock runs. Singles: one
//! INSERT a transaction, prepared, from as many clients. Batches: COPY in binary, as many statements a
//! transaction, from as many clients.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use lrs::statement::Stamped;
use schemas::profile::Candidate;
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Statement};
use uuid::Uuid;

use crate::data;
use crate::load::{Reply, Sender};

/// A parameter of a query.
type Parameter<'a> = &'a (dyn ToSql + Sync);

/// The rows of one statement.
#[derive(Debug)]
pub struct Rows {
    stamped: Stamped,
    actor: Option<i32>,
    verb: i32,
    activity: Option<i32>,
    related_activities: Vec<i32>,
    account: Option<Uuid>,
}

/// The columns of `lrs.answers` that a statement may fill, nulls where it is no answer.
#[derive(Debug, Default)]
struct Answer<'a> {
    kind: Option<&'static str>,
    account: Option<Uuid>,
    correct: Option<bool>,
    outcome: Option<f64>,
    timestamp: Option<DateTime<Utc>>,
    has_offset: Option<bool>,
    skew_ms: Option<i64>,
    device_id: Option<&'a str>,
    device_seq: Option<i64>,
    invented_time: Option<bool>,
    duration_ms: Option<i64>,
    origin: Option<&'static str>,
    attempt: Option<i32>,
    hints: Option<i32>,
    offline: Option<bool>,
}

impl<'a> Answer<'a> {
    fn of(rows: &'a Rows) -> Self {
        let Candidate::Answer(parts) = &rows.stamped.candidate else {
            return Self::default();
        };
        Self {
            kind: Some("answer"),
            account: rows.account,
            correct: Some(parts.correct),
            outcome: Some(parts.outcome),
            timestamp: parts.timestamp,
            has_offset: Some(parts.has_offset),
            skew_ms: parts.skew_ms,
            device_id: parts.device_id.as_deref(),
            device_seq: parts.device_seq,
            invented_time: Some(parts.invented_time),
            duration_ms: parts.duration_ms,
            origin: parts.origin.map(|origin| origin.as_str()),
            attempt: parts.attempt,
            hints: parts.hints,
            offline: parts.offline,
        }
    }

    fn parameters(&self) -> [Parameter<'_>; 15] {
        [
            &self.kind,
            &self.account,
            &self.correct,
            &self.outcome,
            &self.timestamp,
            &self.has_offset,
            &self.skew_ms,
            &self.device_id,
            &self.device_seq,
            &self.invented_time,
            &self.duration_ms,
            &self.origin,
            &self.attempt,
            &self.hints,
            &self.offline,
        ]
    }
}

/// Types of [`Answer::parameters`].
const ANSWER_TYPES: [Type; 15] = [
    Type::TEXT,
    Type::UUID,
    Type::BOOL,
    Type::FLOAT8,
    Type::TIMESTAMPTZ,
    Type::BOOL,
    Type::INT8,
    Type::TEXT,
    Type::INT8,
    Type::BOOL,
    Type::INT8,
    Type::TEXT,
    Type::INT4,
    Type::INT4,
    Type::BOOL,
];

/// The columns of `lrs.statements` besides seq and stored.
#[derive(Debug)]
struct Row<'a> {
    id: Uuid,
    registration: Option<Uuid>,
    actor: Option<i32>,
    verb: i32,
    activity: Option<i32>,
    authority: i32,
    version: i16,
    payload: &'a [u8],
}

impl<'a> Row<'a> {
    fn of(rows: &'a Rows) -> Self {
        let statement = &rows.stamped;
        Self {
            id: statement.id.as_uuid(),
            registration: statement
                .registration
                .map(|registration| registration.as_uuid()),
            actor: rows.actor,
            verb: rows.verb,
            activity: rows.activity,
            authority: 1,
            version: 103,
            payload: &statement.payload,
        }
    }

    fn parameters(&self) -> [Parameter<'_>; 8] {
        [
            &self.id,
            &self.registration,
            &self.actor,
            &self.verb,
            &self.activity,
            &self.authority,
            &self.version,
            &self.payload,
        ]
    }
}

/// Types of [`Row::parameters`].
const ROW_TYPES: [Type; 8] = [
    Type::UUID,
    Type::UUID,
    Type::INT4,
    Type::INT4,
    Type::INT4,
    Type::INT4,
    Type::INT2,
    Type::BYTEA,
];

/// The rows that the LRS makes of bodies: parsed, validated and compressed by its own code.
pub fn rows(bodies: &[Bytes]) -> anyhow::Result<Vec<Vec<Rows>>> {
    let stamper = data::stamper();
    let mut numbers = Numbers::default();
    let mut made = Vec::with_capacity(bodies.len());
    for body in bodies {
        let of_body: anyhow::Result<_> = data::parsed(body)?
            .iter()
            .map(|parsed| numbers.rows(stamper.stamp(parsed)))
            .collect();
        made.push(of_body?);
    }
    Ok(made)
}

/// Integers in place of long keys, as the dictionaries of the LRS have them.
#[derive(Default)]
struct Numbers(HashMap<Uuid, i32>);

impl Numbers {
    fn of(&mut self, key: Uuid) -> i32 {
        let next = i32::try_from(self.0.len() + 1).unwrap_or(i32::MAX);
        *self.0.entry(key).or_insert(next)
    }

    fn rows(&mut self, stamped: Stamped) -> anyhow::Result<Rows> {
        let agents = &stamped.agents;
        ensure!(
            agents.others.is_empty() && agents.related.is_empty() && stamped.refers_to.is_none(),
            "a statement that was made up has rows that the ceiling does not write"
        );
        let account = stamped
            .agents
            .actor
            .as_ref()
            .map(|actor| actor.account.as_uuid());
        let activity = stamped.activity.as_ref().map(|activity| activity.hash);
        let related = &stamped.related_activities;
        let related_activities = related.iter().map(|iri| self.of(iri.hash)).collect();
        Ok(Rows {
            actor: account.map(|key| self.of(key)),
            verb: self.of(stamped.verb.hash),
            activity: activity.map(|key| self.of(key)),
            related_activities,
            account,
            stamped,
        })
    }
}

/// One INSERT a transaction.
pub struct Inserter {
    client: Client,
    insert: Statement,
    rows: Arc<Vec<Vec<Rows>>>,
}

impl Inserter {
    /// An inserter on a connection of its own.
    pub async fn new(client: Client, rows: &Arc<Vec<Vec<Rows>>>) -> anyhow::Result<Self> {
        let insert = client
            .prepare(include_str!("sql/statement_insert.sql"))
            .await?;
        Ok(Self {
            client,
            insert,
            rows: Arc::clone(rows),
        })
    }
}

impl std::fmt::Debug for Inserter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inserter").finish_non_exhaustive()
    }
}

impl Sender for Inserter {
    async fn send(&mut self, number: usize) -> anyhow::Result<Reply> {
        let rows = self.rows.get(number).and_then(|rows| rows.first());
        let rows = rows.context("there are no rows of this number")?;
        let (row, answer) = (Row::of(rows), Answer::of(rows));
        let related: [Parameter<'_>; 1] = [&rows.related_activities];
        let parameters = [&row.parameters()[..], &answer.parameters()[..], &related].concat();
        self.client.execute(&self.insert, &parameters).await?;
        Ok(Reply::Stored)
    }
}

/// COPY of a batch, in a transaction.
pub struct Copier {
    client: Client,
    rows: Arc<Vec<Vec<Rows>>>,
    /// The last position given, over all copiers.
    seq: Arc<AtomicI64>,
}

impl Copier {
    /// A copier on a connection of its own.
    #[must_use]
    pub fn new(client: Client, rows: &Arc<Vec<Vec<Rows>>>, seq: &Arc<AtomicI64>) -> Self {
        Self {
            client,
            rows: Arc::clone(rows),
            seq: Arc::clone(seq),
        }
    }
}

impl std::fmt::Debug for Copier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Copier").finish_non_exhaustive()
    }
}

impl Sender for Copier {
    async fn send(&mut self, number: usize) -> anyhow::Result<Reply> {
        let rows = self
            .rows
            .get(number)
            .context("there are no rows of this number")?;
        let count = i64::try_from(rows.len())?;
        let first = self.seq.fetch_add(count, Ordering::Relaxed) + 1;
        let stored = service::clock::now();
        let transaction = self.client.transaction().await?;
        let places = || (first..).zip(rows);

        let sink = transaction
            .copy_in(include_str!("sql/statements_copy.sql"))
            .await?;
        let own = [Type::INT8, Type::TIMESTAMPTZ];
        let types = [&own[..], &ROW_TYPES[..]].concat();
        let mut writer = Box::pin(BinaryCopyInWriter::new(sink, &types));
        for (seq, rows) in places() {
            let row = Row::of(rows);
            let place: [Parameter<'_>; 2] = [&seq, &stored];
            writer
                .as_mut()
                .write(&[&place[..], &row.parameters()[..]].concat())
                .await?;
        }
        writer.as_mut().finish().await?;

        let sink = transaction
            .copy_in(include_str!("sql/answers_copy.sql"))
            .await?;
        let own = [
            Type::INT8,
            Type::TIMESTAMPTZ,
            Type::UUID,
            Type::UUID,
            Type::INT4,
        ];
        let types = [&own[..], &ANSWER_TYPES[..]].concat();
        let mut writer = Box::pin(BinaryCopyInWriter::new(sink, &types));
        for (seq, rows) in places() {
            let (row, answer) = (Row::of(rows), Answer::of(rows));
            if answer.kind.is_some() {
                let own: [Parameter<'_>; 5] =
                    [&seq, &stored, &row.id, &row.registration, &row.activity];
                writer
                    .as_mut()
                    .write(&[&own[..], &answer.parameters()[..]].concat())
                    .await?;
            }
        }
        writer.as_mut().finish().await?;

        let sink = transaction
            .copy_in(include_str!("sql/related_activities_copy.sql"))
            .await?;
        let types = [Type::INT4, Type::INT8, Type::INT4];
        let mut writer = Box::pin(BinaryCopyInWriter::new(sink, &types));
        for (seq, rows) in places() {
            for activity in &rows.related_activities {
                let row: [Parameter<'_>; 3] = [activity, &seq, &rows.verb];
                writer.as_mut().write(&row).await?;
            }
        }
        writer.as_mut().finish().await?;
        transaction.commit().await?;
        Ok(Reply::Stored)
    }
}

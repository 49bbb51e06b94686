//! Statements that only the lake has become statements of the database again: who is in them is read from
//! `identities`, and they get the time, the authority and the place that they had.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use anyhow::{Context as _, bail, ensure};
use arrow::array::{AsArray as _, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type, TimestampMicrosecondType};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use schemas::ids::AccountKey;
use schemas::ifi::Ifi;
use schemas::xapi::XapiVersion;
use serde_json::{Map, Value};
use service::Context;
use uuid::Uuid;

use super::identities::Identities;
use super::pseudonym::{self, HOME_PAGE};
use crate::ingest::commit::Committer;
use crate::references::Vouching;
use crate::statement::format::was_set;
use crate::statement::{Authority, Stamped, Stamper, parse};
use crate::store::statements;

/// A row of the lake's table `statements`.
struct Row {
    seq: i64,
    id: Uuid,
    stored: DateTime<Utc>,
    version: XapiVersion,
    statement: Value,
}

/// Puts rows back, in their order, and gives the ids of those that the database has elsewhere.
///
/// # Errors
/// When a position has been given to another statement meanwhile, or nobody knows whose an account is:
/// nothing of the rows from there on is put back.
pub(super) async fn put_back(
    context: &Context,
    identities: &Identities,
    rows: &RecordBatch,
) -> anyhow::Result<Vec<String>> {
    let mut rows = read(rows)?;
    let mut strangers = Vec::new();
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let seqs: Vec<i64> = rows.iter().map(|row| row.seq).collect();
    let there = statements::positions(&context.pool, &ids, &seqs).await?;
    let by_id: HashMap<Uuid, i64> = there.iter().copied().collect();
    let by_seq: HashMap<i64, Uuid> = there.iter().map(|(id, seq)| (*seq, *id)).collect();
    // Another process may have put some back already; a client may have sent some again.
    rows.retain(|row| {
        let at = by_id.get(&row.id);
        if at.is_some_and(|at| *at != row.seq) {
            strangers.push(row.id.to_string());
        }
        at.is_none()
    });
    let taken: Vec<_> = rows
        .iter()
        .filter(|row| by_seq.contains_key(&row.seq))
        .collect();
    if let Some(first) = taken.first() {
        bail!(
            "{} statements that only the lake has stood where others stand now, the first of them {} at position {}",
            taken.len(),
            first.id,
            first.seq
        );
    }
    let keys = rows
        .iter()
        .flat_map(|row| accounts(&row.statement))
        .collect();
    let known = identities.find(&keys).await?;
    let unknown = keys.iter().filter(|key| !known.contains_key(*key)).count();
    ensure!(
        unknown == 0,
        "of {} statements that only the lake has, the first of them {}, nobody knows whose {unknown} accounts are",
        rows.len(),
        rows.first().map(|row| row.id).unwrap_or_default()
    );
    for (key, agent) in &known {
        let ifi = Ifi::from_actor(&Value::Object(agent.clone()));
        let derived = ifi.map(|ifi| AccountKey::derive(context.secret.as_bytes(), &ifi));
        // Another secret made the key.
        ensure!(
            derived.is_some_and(|derived| derived.to_string() == *key),
            "the lake is another installation's: nothing of it is put back"
        );
    }
    let committer = Committer::new(
        context.pool.clone(),
        Arc::default(),
        Arc::new(Vouching::new(context.secret.clone())),
        Arc::default(),
        Arc::default(),
    );
    for group in rows.chunk_by(|one, next| next.seq == one.seq + 1 && next.stored == one.stored) {
        let (seq, stored) = (group[0].seq, group[0].stored);
        let group = group.iter().map(|row| stamped(context, row, &known));
        let group = group.collect::<anyhow::Result<Vec<_>>>()?;
        let done = committer.put_back(&group, stored, seq).await;
        done.with_context(|| format!("could not put the statements from position {seq} on back"))?;
    }
    Ok(strangers)
}

fn read(rows: &RecordBatch) -> anyhow::Result<Vec<Row>> {
    let column = |name: &str| {
        rows.column_by_name(name)
            .with_context(|| format!("no {name}"))
    };
    // A file that was rewritten says that its texts are views.
    let text = |name: &str| Ok::<_, anyhow::Error>(cast(column(name)?, &DataType::Utf8)?);
    let (ids, versions, documents) = (text("id")?, text("xapi_version")?, text("statement")?);
    let seqs = column("seq")?.as_primitive::<Int64Type>();
    let times = column("stored")?.as_primitive::<TimestampMicrosecondType>();
    (0..rows.num_rows())
        .map(|at| {
            Ok(Row {
                seq: seqs.value(at),
                id: ids.as_string::<i32>().value(at).parse()?,
                stored: DateTime::from_timestamp_micros(times.value(at)).context("no time")?,
                version: versions.as_string::<i32>().value(at).parse()?,
                statement: serde_json::from_str(documents.as_string::<i32>().value(at))?,
            })
        })
        .collect()
}

/// The key of an actor of the lake; none for an anonymous Group.
fn key(actor: &Value) -> Option<&str> {
    let account = actor.get("account")?;
    let is_key = account.get("homePage")? == HOME_PAGE;
    account.get("name")?.as_str().filter(|_| is_key)
}

/// The keys of everybody in a statement of the lake.
fn accounts(statement: &Value) -> HashSet<String> {
    let mut keys = HashSet::new();
    let mut read = statement.clone();
    pseudonym::each_actor(&mut read, &mut |actor| {
        keys.extend(key(actor).map(str::to_owned));
    });
    keys
}

/// The statement as it was sent, but for the order of its members and how its numbers were written.
fn stamped(
    context: &Context,
    row: &Row,
    known: &HashMap<String, Map<String, Value>>,
) -> anyhow::Result<Stamped> {
    let mut statement = row.statement.clone();
    pseudonym::each_actor(&mut statement, &mut |actor| {
        let told = key(actor).and_then(|key| known.get(key)).cloned();
        if let (Some(told), Some(actor)) = (told, actor.as_object_mut()) {
            actor.remove("account");
            actor.extend(told);
        }
    });
    let id = row.id;
    let members = statement.as_object_mut().context("no statement")?;
    let authority = members.remove("authority").context("no authority")?;
    members.retain(|name, value| !was_set(name, value, row.stored, row.version));
    let sent = Bytes::from(statement.to_string());
    let Ok(parsed) = parse(&sent, row.version) else {
        bail!("the statement {id} of the lake breaks the rules of xAPI");
    };
    let stamper = Stamper {
        secret: context.secret.as_bytes(),
        authority: Authority::new(&authority),
        // Whoever sent it was asked then.
        voids_others: true,
        now: row.stored,
        define: false,
    };
    let [parsed] = parsed.statements() else {
        bail!("the statement {id} of the lake is several");
    };
    Ok(stamper.stamp(parsed))
}

//! What must hold once everybody was answered: the copies, the database and the lake hold what the
//! ledger says, and what was consistent has stayed.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::Method;
use schemas::tables;
use serde_json::Value;
use uuid::Uuid;

use super::Stage;
use super::readers::{self, Window, Windows};
use super::writers::ANSWERED;
use crate::harness::within;
use crate::seen;

/// How long followers of references and the relays may take for what is left.
const SETTLED_WITHIN: Duration = Duration::from_secs(120);

/// Statements of a kind that are asked for one by one at most.
const ASKED: usize = 300;

/// Checks everything.
pub(super) async fn as_the_ledger_says(stage: &Stage, windows: &Windows) {
    let log = stage.copies.log();
    assert!(!log.contains("panicked"), "something panicked:\n{log}");
    let rows = rows(stage).await;
    in_the_database(stage, &rows);
    no_deadlock(stage).await;
    consistent_through_all(stage).await;
    every_copy_gives_all_in_order(stage, &rows).await;
    by_id(stage).await;
    references_are_found(stage).await;
    windows_have_stayed(stage, windows, &rows).await;
    in_the_lake(stage, &rows).await;
}

/// All statements in the order of their positions.
async fn rows(stage: &Stage) -> Vec<(Uuid, DateTime<Utc>)> {
    let client = stage.copies.database.pool().get().await.unwrap();
    client
        .query("select id, stored from lrs.statements order by seq", &[])
        .await
        .unwrap()
        .into_iter()
        .map(|row| (row.get(0), row.get(1)))
        .collect()
}

/// Every statement that was acknowledged is there, and nothing else; `stored` has the order of the
/// positions. No id is there twice, since the index would not have it.
fn in_the_database(stage: &Stage, rows: &[(Uuid, DateTime<Utc>)]) {
    let ledger = stage.ledger.borrow();
    let there: HashSet<Uuid> = rows.iter().map(|(id, _)| *id).collect();
    assert_eq!(there.len(), rows.len(), "an id is there twice");
    let lost: Vec<&Uuid> = ledger
        .acknowledged()
        .keys()
        .filter(|id| !there.contains(id))
        .collect();
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
    let refused: Vec<Uuid> = ledger.refused().filter(|id| there.contains(id)).collect();
    assert!(refused.is_empty(), "refused and there: {refused:?}");
    assert_eq!(there.len(), ledger.acknowledged().len(), "and nothing else");
    let out_of_order = rows.windows(2).find(|two| two[0].1 > two[1].1);
    assert!(out_of_order.is_none(), "{out_of_order:?}");
}

async fn no_deadlock(stage: &Stage) {
    let client = stage.copies.database.pool().get().await.unwrap();
    let sql = "select deadlocks from pg_stat_database where datname = current_database()";
    let deadlocks: i64 = client.query_one(sql, &[]).await.unwrap().get(0);
    assert_eq!(deadlocks, 0);
}

/// Every copy comes to be consistent through what was stored last.
async fn consistent_through_all(stage: &Stage) {
    for copy in 0..stage.copies.count() {
        let now = service::clock::now();
        within("consistent through the end", SETTLED_WITHIN, async || {
            let request = stage.copies.request(copy, Method::GET, "/xapi/about");
            let answer = request.send().await.unwrap();
            let header = answer.headers().get("X-Experience-API-Consistent-Through");
            let at: DateTime<Utc> = header?.to_str().unwrap().parse().unwrap();
            (at > now).then_some(())
        })
        .await;
    }
}

/// A walk through each copy gives each statement that is not voided once, as it was acknowledged, in
/// the order of the database.
async fn every_copy_gives_all_in_order(stage: &Stage, rows: &[(Uuid, DateTime<Utc>)]) {
    let voided = stage.ledger.borrow().voided().clone();
    let wanted: Vec<Uuid> = rows
        .iter()
        .map(|(id, _)| *id)
        .filter(|id| !voided.contains(id))
        .collect();
    for copy in 0..stage.copies.count() {
        let mut given = Vec::new();
        let mut next = Some("/xapi/statements?ascending=true&limit=500".to_owned());
        while let Some(path) = next {
            let page = readers::page(stage, copy, &path).await;
            for statement in &page.statements {
                as_acknowledged(stage, statement);
                given.push(readers::id(statement));
            }
            next = page.more;
        }
        assert!(
            given == wanted,
            "copy {copy}: {}",
            difference(&given, &wanted)
        );
    }
}

/// Of several statements that were sent under one id, the one that was acknowledged is given.
fn as_acknowledged(stage: &Stage, statement: &Value) {
    let id = readers::id(statement);
    let ledger = stage.ledger.borrow();
    let mark = ledger.acknowledged()[&id].as_str();
    assert_eq!(statement["result"]["response"], mark, "{id}");
}

/// Voided ones by `voidedStatementId`, refused ones by no name.
async fn by_id(stage: &Stage) {
    let (voided, refused): (Vec<Uuid>, Vec<Uuid>) = {
        let ledger = stage.ledger.borrow();
        let voided = ledger.voided().iter().copied().take(ASKED).collect();
        (voided, ledger.refused().take(ASKED).collect())
    };
    for id in voided {
        let path = format!("/xapi/statements?voidedStatementId={id}");
        as_acknowledged(stage, &stage.copies.get(0, &path).await);
    }
    for id in refused {
        for name in ["statementId", "voidedStatementId"] {
            let path = format!("/xapi/statements?{name}={id}");
            let answer = stage.copies.request(1, Method::GET, &path).send().await;
            assert_eq!(answer.unwrap().status(), 404, "{id}");
        }
    }
}

/// What refers to an answer is found by the verb of the answer, voided or not, early or not.
async fn references_are_found(stage: &Stage) {
    let found = readers::collected(stage, 2, &format!("/xapi/statements?verb={ANSWERED}")).await;
    let found: HashSet<Uuid> = found.into_iter().collect();
    let ledger = stage.ledger.borrow();
    let missing: Vec<_> = ledger
        .references
        .iter()
        .filter(|(from, _)| !found.contains(from))
        .collect();
    assert!(
        missing.is_empty(),
        "not found by their targets: {missing:?}"
    );
}

/// What was read of a window when it was consistent is what is in it now: but for what was voided, and,
/// by a verb, for what refers to statements that came later.
async fn windows_have_stayed(stage: &Stage, windows: &Windows, rows: &[(Uuid, DateTime<Utc>)]) {
    let times: HashMap<Uuid, DateTime<Utc>> = rows.iter().copied().collect();
    let mut seen = HashSet::new();
    for window in &windows.0 {
        for id in &window.all {
            assert!(seen.insert(*id), "{id} is in two windows");
        }
        all_of(stage, window, rows);
        let now = readers::collected(stage, 0, &window.path(Some(ANSWERED))).await;
        let now: BTreeSet<Uuid> = stays(stage, now.into_iter());
        let then: BTreeSet<Uuid> = stays(stage, window.answered.iter().copied());
        let ledger = stage.ledger.borrow();
        let changed: Vec<_> = then
            .symmetric_difference(&now)
            .map(|id| {
                (
                    id,
                    times[id],
                    ledger.target_of(*id).map(|to| (to, times[&to])),
                )
            })
            .collect();
        assert!(
            changed.is_empty(),
            "found by a verb in ({}, {}], of {} then and {} now, only then or only now (with when they were stored, and what they refer to): {changed:?}",
            window.since,
            window.until,
            then.len(),
            now.len(),
        );
    }
}

/// What is found by a verb whenever one asks.
fn stays(stage: &Stage, ids: impl Iterator<Item = Uuid>) -> BTreeSet<Uuid> {
    let ledger = stage.ledger.borrow();
    ids.filter(|id| !ledger.may_be_voided(*id) && !ledger.is_early(*id))
        .collect()
}

/// All statements of a window, in the order of the database, were there when it was read.
fn all_of(stage: &Stage, window: &Window, rows: &[(Uuid, DateTime<Utc>)]) {
    let ledger = stage.ledger.borrow();
    let first = rows.partition_point(|(_, at)| *at <= window.since);
    let last = rows.partition_point(|(_, at)| *at <= window.until);
    let lasting = |id: &Uuid| !ledger.may_be_voided(*id);
    let wanted: Vec<Uuid> = rows[first..last]
        .iter()
        .map(|(id, _)| *id)
        .filter(lasting)
        .collect();
    let given: Vec<Uuid> = window.all.iter().copied().filter(lasting).collect();
    assert!(
        given == wanted,
        "consistent through {}: {}",
        window.until,
        difference(&given, &wanted)
    );
}

/// Each statement once, whichever copy shipped it and was killed at it.
async fn in_the_lake(stage: &Stage, rows: &[(Uuid, DateTime<Utc>)]) {
    let wanted: BTreeSet<String> = rows.iter().map(|(id, _)| id.to_string()).collect();
    let lake: PathBuf = stage.copies.lake();
    let shipped = within("everything shipped", SETTLED_WITHIN, async || {
        let shipped = seen::lake_ids_at(&lake, &tables::statements::TABLE).await;
        (shipped.len() >= wanted.len()).then_some(shipped)
    })
    .await;
    assert_eq!(shipped.len(), wanted.len(), "once each");
    assert!(wanted == shipped.into_iter().collect());
}

fn difference(given: &[Uuid], wanted: &[Uuid]) -> String {
    let at = given.iter().zip(wanted).position(|(a, b)| a != b);
    format!(
        "{} given, {} wanted, the first difference at {at:?}: {:?} for {:?}",
        given.len(),
        wanted.len(),
        at.map(|at| given[at]),
        at.map(|at| wanted[at])
    )
}

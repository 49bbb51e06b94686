//! What the horizon waits for: transactions that write statements, and no others. Shipping, folding and
//! Consistent-Through go on beside all of these.

use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::Method;
use serde_json::json;
use service::pg::cluster::Cluster;

use crate::harness::{Installation, within};
use crate::seen;

const PATIENCE: Duration = Duration::from_secs(60);

async fn post(sillage: &Installation) {
    let statement = json!({
        "actor": { "account": { "homePage": "https://example.org/", "name": "horizon" } },
        "verb": { "id": "http://adlnet.gov/expapi/verbs/experienced" },
        "object": { "id": "https://example.org/page" },
    });
    sillage.post("/xapi/statements", &statement).await;
}

async fn consistent_through(sillage: &Installation) -> DateTime<Utc> {
    let answer = sillage.request(Method::GET, "/xapi/about").send().await;
    let answer = answer.unwrap();
    let header = &answer.headers()["X-Experience-API-Consistent-Through"];
    header.to_str().unwrap().parse().unwrap()
}

/// What is posted now is shipped and folded, and Consistent-Through passes it.
async fn goes_on(sillage: &Installation) {
    post(sillage).await;
    let now = service::clock::now();
    seen::settled(sillage).await;
    within("Consistent-Through goes on", PATIENCE, async || {
        (consistent_through(sillage).await > now).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_long_transaction_that_writes_something_else_holds_nothing_back() {
    let sillage = Installation::new().await;
    let pool = sillage.database().await;
    let job = pool.get().await.unwrap();
    job.batch_execute("create table public.job (n int); begin; insert into public.job values (1)")
        .await
        .unwrap();
    let xid: Option<String> = job
        .query_one("select pg_current_xact_id_if_assigned()::text", &[])
        .await
        .unwrap()
        .get(0);
    assert!(xid.is_some(), "it is one that a snapshot waits for");
    goes_on(&sillage).await;
    job.batch_execute("commit").await.unwrap();
}

#[tokio::test]
async fn an_index_build_holds_nothing_back() {
    let sillage = Installation::new().await;
    post(&sillage).await;
    let pool = sillage.database().await;
    // The build waits for an older snapshot, and so is under way for as long as we like.
    let older = pool.get().await.unwrap();
    older
        .batch_execute("begin isolation level repeatable read; select count(*) from lrs.statements")
        .await
        .unwrap();
    let building = pool.get().await.unwrap();
    let build = tokio::spawn(async move {
        building
            .batch_execute("create index concurrently while_posting on lrs.statements (stored)")
            .await
    });
    // A transaction sees what others are at as it was at its first look: one of its own each time.
    let watching = sillage.database().await.get().await.unwrap();
    within("the build is under way", PATIENCE, async || {
        let under_way = "select count(*) from pg_stat_progress_create_index
                          where phase like 'waiting for old snapshots'";
        let count: i64 = watching.query_one(under_way, &[]).await.unwrap().get(0);
        (count > 0).then_some(())
    })
    .await;
    goes_on(&sillage).await;
    assert!(!build.is_finished());
    older.batch_execute("commit").await.unwrap();
    build.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_transaction_in_another_database_holds_nothing_back() {
    let sillage = Installation::new().await;
    let data = sillage.data();
    let access = tokio::task::spawn_blocking(move || Cluster::attach(&data))
        .await
        .unwrap()
        .unwrap();
    let connected = async |database| {
        let pool = service::pg::pool(&access.superuser_url(database), 1).unwrap();
        pool.get().await.unwrap()
    };
    let client = connected("postgres").await;
    client.batch_execute("create database other").await.unwrap();
    let other = connected("other").await;
    // It even holds a lock of the kind by which writers of statements show themselves.
    other
        .batch_execute(
            "begin; select pg_current_xact_id();
             select pg_advisory_xact_lock_shared((1441::bigint << 52) | 1)",
        )
        .await
        .unwrap();
    goes_on(&sillage).await;
    other.batch_execute("commit").await.unwrap();
}

#[tokio::test]
async fn a_writer_that_has_its_time_and_has_not_committed_holds_back_until_it_ends() {
    let sillage = Installation::new().await;
    let pool = sillage.database().await;
    let writer = pool.get().await.unwrap();
    writer.batch_execute("begin").await.unwrap();
    let stamped: DateTime<Utc> = writer
        .query_one("select stored from lrs.stamp(1)", &[])
        .await
        .unwrap()
        .get(0);
    post(&sillage).await;
    for _ in 0..5 {
        assert!(consistent_through(&sillage).await < stamped);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    writer.batch_execute("rollback").await.unwrap();
    goes_on(&sillage).await;
}

//! A copy is stopped by SIGSTOP while its statement has its `stored` and is not committed. A client goes on
//! through another copy, from one Consistent-Through to the next: it is told of nothing too early and
//! misses nothing.

use std::collections::HashSet;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use reqwest::Method;
use rustix::process::Signal;
use schemas::tables;
use serde_json::{Value, json};
use uuid::Uuid;

use super::processes::Copies;
use crate::harness::within;
use crate::seen;

const PATIENCE: Duration = Duration::from_secs(60);

/// The copy that is stopped, and the one that is not.
const STOPPED: usize = 0;
const OTHER: usize = 1;

/// Statements that the other copy stores meanwhile.
const MEANWHILE: usize = 40;

/// Looks of the client while the copy is stopped.
const LOOKS: usize = 20;

/// The `stored` of the oldest transaction that has one and has not ended, as `published.horizon` finds it.
const STAMPED: &str = "
    select timestamptz 'epoch' + min(((l.classid::bigint & 1048575) << 32) | l.objid::bigint)
                                 * interval '1 microsecond'
      from pg_locks l
     where l.locktype = 'advisory' and l.objsubid = 1 and l.granted
       and l.classid::bigint >> 20 = 1441
       and l.database = (select d.oid from pg_database d where d.datname = current_database())";

/// One who follows Consistent-Through.
struct Client {
    since: DateTime<Utc>,
    read: HashSet<Uuid>,
}

impl Client {
    /// Reads what became consistent since the last look; tells through when.
    async fn look(&mut self, copies: &Copies) -> DateTime<Utc> {
        let (until, _) = ask(copies, "/xapi/statements?limit=1").await;
        let text = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::AutoSi, true);
        let mut next = Some(format!(
            "/xapi/statements?ascending=true&since={}&until={}",
            text(self.since),
            text(until)
        ));
        while let Some(path) = next {
            let (_, page) = ask(copies, &path).await;
            for statement in page["statements"].as_array().unwrap() {
                let id = statement["id"].as_str().unwrap().parse().unwrap();
                assert!(self.read.insert(id), "{id} is in two windows");
            }
            next = page["more"]
                .as_str()
                .filter(|more| !more.is_empty())
                .map(str::to_owned);
        }
        self.since = until;
        until
    }
}

/// An answer of the other copy: Consistent-Through and body.
async fn ask(copies: &Copies, path: &str) -> (DateTime<Utc>, Value) {
    let answer = copies.request(OTHER, Method::GET, path).send().await;
    let answer = answer.unwrap();
    assert_eq!(answer.status(), 200);
    let through = &answer.headers()["X-Experience-API-Consistent-Through"];
    let through = through.to_str().unwrap().parse().unwrap();
    (through, answer.json().await.unwrap())
}

fn statement(id: Uuid) -> Value {
    json!({
        "id": id,
        "actor": { "account": { "homePage": "https://copies.example.org", "name": "stopped" } },
        "verb": { "id": "http://adlnet.gov/expapi/verbs/experienced" },
        "object": { "id": "https://copies.example.org/page" },
    })
}

async fn post(copies: &Copies, copy: usize, id: Uuid) {
    let request = copies.request(copy, Method::POST, "/xapi/statements");
    let answer = request.json(&statement(id)).send().await.unwrap();
    assert_eq!(answer.status(), 200);
}

#[tokio::test]
async fn a_copy_stopped_between_stamp_and_commit_hides_nothing_from_who_polls_another() {
    let copies = Copies::start(2).await;
    let late = Uuid::new_v4();
    // Who writes this id waits at the index, with its `stored`, for what becomes of this transaction.
    let holder = copies.database.pool().get().await.unwrap();
    let hold = format!(
        "begin;
         insert into lrs.statements (seq, stored, id, verb, authority, version, payload)
         values (-1, 'epoch', '{late}', 0, 0, 200, '')"
    );
    holder.batch_execute(&hold).await.unwrap();
    let database = copies.database.pool().get().await.unwrap();
    let stopping = async {
        let stamped = within("the copy has its `stored`", PATIENCE, async || {
            let row = database.query_one(STAMPED, &[]).await.unwrap();
            row.get::<_, Option<DateTime<Utc>>>(0)
        })
        .await;
        copies.signal(STOPPED, Signal::STOP);
        let mut client = Client {
            since: DateTime::UNIX_EPOCH,
            read: HashSet::new(),
        };
        let mut meanwhile: Vec<Uuid> = Vec::new();
        for look in 0..LOOKS {
            for _ in 0..MEANWHILE / LOOKS {
                let id = Uuid::new_v4();
                post(&copies, OTHER, id).await;
                meanwhile.push(id);
            }
            let through = client.look(&copies).await;
            assert!(
                through < stamped,
                "look {look}: consistent through {through}, and {stamped} is to come"
            );
            // As long as what a copy heard is fresh: each look is told anew.
            tokio::time::sleep(Duration::from_millis(110)).await;
        }
        assert!(client.read.is_empty(), "all that was stored came after it");
        // The transaction ends while its process still stands.
        holder.batch_execute("rollback").await.unwrap();
        let last = service::clock::now();
        within("it is consistent again", PATIENCE, async || {
            (client.look(&copies).await > last).then_some(())
        })
        .await;
        copies.signal(STOPPED, Signal::CONT);
        (client, meanwhile)
    };
    let ((client, meanwhile), ()) = tokio::join!(stopping, post(&copies, STOPPED, late));
    let mut wanted: HashSet<Uuid> = meanwhile.into_iter().collect();
    assert_eq!(wanted.len(), MEANWHILE);
    wanted.insert(late);
    assert_eq!(client.read, wanted);

    // And each once in the lake, whichever of the two shipped it.
    let shipped = within("everything shipped", PATIENCE, async || {
        let shipped = seen::lake_ids_at(&copies.lake(), &tables::statements::TABLE).await;
        (shipped.len() >= wanted.len()).then_some(shipped)
    })
    .await;
    assert_eq!(shipped.len(), wanted.len(), "once each");
    let shipped: HashSet<Uuid> = shipped.iter().map(|id| id.parse().unwrap()).collect();
    assert_eq!(shipped, wanted);
}

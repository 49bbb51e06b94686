//! Text and plan of the listed queries: an ordered scan of the right index, whatever the size.

use std::fmt::Write;

use chrono::DateTime;
use lrs::query::plan::{Query, Selection, query};
use lrs::store::statements::Parameter;
use service::testkit::TestDb;
use tokio_postgres::types::{ToSql, Type};

/// 60,000 statements of 2,000 pupils: three verbs (one nearly everywhere, one rare), 500 activities.
const FILL: &str = "
insert into lrs.authorities (hash, document) values (gen_random_uuid(), '{}');
insert into lrs.statements (seq, stored, id, registration, voids, actor, verb, activity, authority, version, payload)
select n, timestamptz '2026-01-01' + n * interval '1 second', gen_random_uuid(),
       case when n % 10 = 0 then gen_random_uuid() end, null, 1 + n * 7919 % 2000,
       case when n % 1000 = 0 then 3 when n % 10 = 0 then 2 else 1 end, 1 + n * 104729 % 500, 1, 103,
       decode(repeat('ab', 300), 'hex')
  from generate_series(1, 60000) n;
insert into lrs.statement_agents (agent, seq) select 1 + n % 2000, n from generate_series(1, 60000, 20) n;
insert into lrs.voidings (target, seq) select id, 60000 from lrs.statements where seq % 500 = 0;
analyze lrs.statements; analyze lrs.statement_agents; analyze lrs.voidings; analyze lrs.authorities;";

/// The listed filters.
fn listed() -> Vec<(&'static str, Selection, Option<i64>)> {
    let none = Selection::default;
    let time = DateTime::from_timestamp(1_767_250_000, 0);
    vec![
        ("none", none(), None),
        (
            "none, ascending, next page",
            Selection {
                ascending: true,
                ..none()
            },
            Some(30_000),
        ),
        (
            "agent",
            Selection {
                agent: Some(7),
                ..none()
            },
            None,
        ),
        (
            "verb, frequent",
            Selection {
                verb: Some(1),
                ..none()
            },
            None,
        ),
        (
            "verb, rare",
            Selection {
                verb: Some(3),
                ..none()
            },
            None,
        ),
        (
            "activity",
            Selection {
                activity: Some(9),
                ..none()
            },
            None,
        ),
        (
            "registration",
            Selection {
                registration: Some(uuid::Uuid::from_u128(1)),
                ..none()
            },
            None,
        ),
        (
            "since",
            Selection {
                since: time,
                ascending: true,
                ..none()
            },
            None,
        ),
        (
            "since, until",
            Selection {
                since: time,
                until: time,
                ..none()
            },
            None,
        ),
        (
            "agent, verb",
            Selection {
                agent: Some(7),
                verb: Some(1),
                ..none()
            },
            None,
        ),
        (
            "agent, activity",
            Selection {
                agent: Some(7),
                activity: Some(9),
                ..none()
            },
            None,
        ),
        (
            "verb, activity",
            Selection {
                verb: Some(1),
                activity: Some(9),
                ..none()
            },
            None,
        ),
        (
            "agent, since, next page",
            Selection {
                agent: Some(7),
                since: time,
                ..none()
            },
            Some(50_000),
        ),
    ]
}

#[actix_web::test]
async fn the_listed_queries_are_index_scans() {
    let db = TestDb::new(&[lrs::MIGRATIONS]).await;
    let client = db.pool().get().await.expect("a connection");
    client.batch_execute(FILL).await.expect("filled");
    let mut golden = String::new();
    for (what, selection, after) in listed() {
        let query = query(&selection, after, 101);
        let plan = explain(&client, &query).await;
        for forbidden in [
            "Seq Scan on statements",
            "Bitmap",
            "SubPlan 1\n  ->  Seq Scan on voidings",
        ] {
            assert!(!plan.contains(forbidden), "{what}: {forbidden}\n{plan}");
        }
        let _ = write!(
            golden,
            "== {what}\n{}\n-- plan\n{}\n",
            query.sql,
            scans(&plan)
        );
    }
    insta::assert_snapshot!("listed_queries", golden);
}

async fn explain(client: &tokio_postgres::Client, query: &Query) -> String {
    let values: Vec<(&(dyn ToSql + Sync), Type)> = query
        .parameters
        .iter()
        .map(|parameter| -> (&(dyn ToSql + Sync), Type) {
            match parameter {
                Parameter::Int4(value) => (value, Type::INT4),
                Parameter::Int8(value) => (value, Type::INT8),
                Parameter::Uuid(value) => (value, Type::UUID),
                Parameter::Time(value) => (value, Type::TIMESTAMPTZ),
            }
        })
        .collect();
    let sql = format!("explain (costs off) {}", query.sql);
    let rows = client.query_typed(&sql, &values).await.expect("a plan");
    rows.iter()
        .map(|row| row.get::<_, String>(0))
        .collect::<Vec<_>>()
        .join("\n")
}

/// The lines of a plan that say how rows are come by and in which order; conditions are worded
/// differently from one version of PostgreSQL to the next.
fn scans(plan: &str) -> String {
    let telling = ["Scan", "Append", "Sort", "Limit"];
    let lines = plan.lines().filter(|line| {
        telling.iter().any(|word| line.contains(word)) && !line.contains("Sort Key")
    });
    lines
        .map(|line| line.trim_start().trim_start_matches("->").trim_start())
        .collect::<Vec<_>>()
        .join("\n")
}

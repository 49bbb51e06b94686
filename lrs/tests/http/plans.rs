//! The plans of the listed queries: ordered scans of the right indexes, whatever the size.

use chrono::DateTime;
use lrs::query::plan::{Bounds, Query, Selection, query};
use lrs::store::statements::{PAGE_BEGIN, Parameter};
use service::testkit::TestDb;
use tokio_postgres::types::{ToSql, Type};

/// 60,000 statements of 2,000 pupils: three verbs (one nearly everywhere, one rare), 500 activities.
const FILL: &str = "
insert into lrs.authorities (hash, document) values (gen_random_uuid(), '{}'), (gen_random_uuid(), '{}');
insert into lrs.statements (seq, stored, id, registration, voids, actor, verb, activity, authority, version, payload)
select n, timestamptz '2026-01-01' + n * interval '1 second', gen_random_uuid(),
       case when n % 10 = 0 then gen_random_uuid() end, null, 1 + n::bigint * 7919 % 2000,
       case when n % 1000 = 0 then 3 when n % 10 = 0 then 2 else 1 end, 1 + n::bigint * 104729 % 500,
       case when n % 50 = 0 then 2 else 1 end, 103,
       decode(repeat('ab', 300), 'hex')
  from generate_series(1, 60000) n;
insert into lrs.statement_agents (agent, seq) select 1 + n % 2000, n from generate_series(1, 60000, 20) n;
insert into lrs.related_agents (agent, seq, verb) select 1 + n % 500, n, 1 + n % 3 from generate_series(1, 60000, 3) n;
insert into lrs.related_activities (activity, seq, verb)
select a, n, 1 + n % 3 from generate_series(1, 60000) n, lateral (values (1 + n % 40), (600 + n % 2)) v (a);
insert into lrs.inherited (seq, via, actor, verb, activity, registration, authority)
select n, n - k, 1 + n % 2000, 1 + n % 3, 1 + n % 500, null, 1 + n % 2 from generate_series(101, 60000, 30) n, generate_series(1, 2) k;
insert into lrs.inherited_agents (agent, seq, via, related)
select 1 + n % 500, n, n - 1, n % 2 = 0 from generate_series(101, 60000, 30) n;
insert into lrs.inherited_activities (activity, seq, via) select 1 + n % 40, n, n - 1 from generate_series(101, 60000, 30) n;
insert into lrs.voidings (target, seq) select id, 60000 from lrs.statements where seq % 500 = 0;
analyze lrs.statements; analyze lrs.statement_agents; analyze lrs.voidings; analyze lrs.authorities;
analyze lrs.related_agents; analyze lrs.related_activities; analyze lrs.inherited; analyze lrs.inherited_agents;
analyze lrs.inherited_activities;";

/// A listed query: what it is, its selection, the position it goes on after, and the indexes that its
/// rows must come by.
type Listed = (
    &'static str,
    Selection,
    Option<i64>,
    &'static [&'static str],
);

fn listed() -> Vec<Listed> {
    let all = Selection::default();
    let oldest_first = Selection {
        ascending: true,
        ..all.clone()
    };
    let since = Selection {
        since: DateTime::from_timestamp(1_767_250_000, 0),
        ..all.clone()
    };
    let until = Selection {
        until: since.since,
        ..since.clone()
    };
    let agent = Selection {
        agent: Some(7),
        ..all.clone()
    };
    let frequent = Selection {
        verb: Some(1),
        ..all.clone()
    };
    let rare = Selection {
        verb: Some(3),
        ..all.clone()
    };
    let activity = Selection {
        activity: Some(9),
        ..all.clone()
    };
    let registration = Selection {
        registration: Some(uuid::Uuid::from_u128(1)),
        ..all.clone()
    };
    let related_agent = Selection {
        related_agents: true,
        ..agent.clone()
    };
    let related_activity = Selection {
        related_activities: true,
        ..activity.clone()
    };
    // An activity of the profile: on every second statement, in its context.
    let related_everywhere = Selection {
        activity: Some(600),
        verb: Some(3),
        ..related_activity.clone()
    };
    let related_both = Selection {
        activity: Some(9),
        related_activities: true,
        verb: Some(1),
        since: DateTime::from_timestamp(1_767_250_000, 0),
        ..related_agent.clone()
    };
    let agent_verb = Selection {
        verb: Some(1),
        ..agent.clone()
    };
    let agent_activity = Selection {
        activity: Some(9),
        ..agent.clone()
    };
    let verb_activity = Selection {
        verb: Some(1),
        ..activity.clone()
    };
    let agent_since = Selection {
        since: since.since,
        ..agent.clone()
    };
    vec![
        (
            "related agent",
            related_agent,
            None,
            &[
                "statements_actor",
                "statement_agents_pkey",
                "related_agents_pkey",
                "statements_authority",
                "inherited_actor",
                "inherited_agents_pkey",
                "inherited_authority",
            ],
        ),
        (
            "related activity, next page",
            related_activity,
            Some(50_000),
            &[
                "statements_activity",
                "related_activities_pkey",
                "inherited_activity",
                "inherited_activities_pkey",
            ],
        ),
        (
            "related activity on half the statements, rare verb",
            related_everywhere,
            None,
            &["related_activities_pkey"],
        ),
        (
            "related agent, related activity, verb, since",
            related_both,
            None,
            &[
                "related_agents_pkey",
                "related_activities_pkey",
                "inherited_agents_pkey",
                "inherited_activities_pkey",
            ],
        ),
        ("all", all, None, &["statements_pkey"]),
        (
            "oldest first, next page",
            oldest_first,
            Some(30_000),
            &["statements_pkey"],
        ),
        (
            "agent",
            agent,
            None,
            &["statements_actor", "statement_agents_pkey"],
        ),
        ("frequent verb", frequent, None, &["statements_verb"]),
        ("rare verb", rare, None, &["statements_verb"]),
        ("activity", activity, None, &["statements_activity"]),
        (
            "registration",
            registration,
            None,
            &["statements_registration"],
        ),
        (
            "since",
            since,
            None,
            &["statements_stored", "statements_pkey"],
        ),
        (
            "since, until",
            until,
            None,
            &["statements_stored", "statements_pkey"],
        ),
        (
            "agent, verb",
            agent_verb,
            None,
            &["statements_actor", "statement_agents_pkey"],
        ),
        (
            "agent, activity",
            agent_activity,
            None,
            &["statements_actor", "statement_agents_pkey"],
        ),
        (
            "verb, activity",
            verb_activity,
            None,
            &["statements_activity"],
        ),
        (
            "agent, since, next page",
            agent_since,
            Some(50_000),
            &[
                "statements_actor",
                "statement_agents_pkey",
                "statements_stored",
            ],
        ),
    ]
}

#[actix_web::test]
async fn the_listed_queries_are_ordered_index_scans() {
    let db = TestDb::new(&[lrs::MIGRATIONS]).await;
    let client = db.pool().get().await.expect("a connection");
    client.batch_execute(FILL).await.expect("filled");
    client
        .batch_execute(PAGE_BEGIN)
        .await
        .expect("begun as a page is");
    for (what, selection, after, indexes) in listed() {
        let authorities = if selection.related_agents {
            vec![1]
        } else {
            vec![]
        };
        let bounds = Bounds {
            authorities,
            ..Bounds::default()
        };
        let plan = explain(&client, &query(&selection, &bounds, after, 101)).await;
        for index in indexes {
            assert!(
                plan.contains(&format!(" using {index} on ")),
                "{what}: not by {index}\n{plan}"
            );
        }
        for node in ["Seq Scan", "Bitmap", "->  Sort"] {
            assert!(!plan.contains(node), "{what}: {node}\n{plan}");
        }
    }
}

async fn explain(client: &tokio_postgres::Client, query: &Query) -> String {
    let values: Vec<(&(dyn ToSql + Sync), Type)> =
        query.parameters.iter().map(Parameter::typed).collect();
    let sql = format!("explain (costs off) {}", query.sql);
    let rows = client.query_typed(&sql, &values).await.expect("a plan");
    let lines: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    lines.join("\n")
}

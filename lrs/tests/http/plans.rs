//! The plans of the listed queries (`benches/queries.md`): ordered scans of the right indexes, whatever
//! the size of the store and whatever PostgreSQL believes of it.
//!
//! 200,000 statements, as skewed as a store is, under statistics that are right and that are wrong. Under
//! each, no plan reads a table whole, gathers rows or sorts them, and each is the one in `plans/`: node
//! types and index names. After a change that is meant, write the files again and read the difference:
//! `cargo test --release --workspace --test http -- plans rewrite-plans`
//! They are of PostgreSQL 15; another major version may plan otherwise and be right.

use std::fmt::Write as _;
use std::path::PathBuf;

use chrono::{DateTime, Utc};
use lrs::query::plan::{Bounds, Query, Selection, query};
use lrs::store::statements::{PAGE_BEGIN, Parameter};
use service::testkit::TestDb;
use tokio_postgres::Client;
use tokio_postgres::types::{ToSql, Type};

/// The argument that has the files written: as a filter it names no test.
const REWRITE: &str = "rewrite-plans";

/// Statements of the store.
const STATEMENTS: i32 = 200_000;

/// Statistics are of our own making: none come by themselves.
const QUIET: &str = "
alter table lrs.statements set (autovacuum_enabled = off);
alter table lrs.statement_agents set (autovacuum_enabled = off);
alter table lrs.related_agents set (autovacuum_enabled = off);
alter table lrs.related_activities set (autovacuum_enabled = off);
alter table lrs.inherited set (autovacuum_enabled = off);
alter table lrs.inherited_agents set (autovacuum_enabled = off);
alter table lrs.inherited_activities set (autovacuum_enabled = off);
alter table lrs.voidings set (autovacuum_enabled = off);
insert into lrs.authorities (hash, document) values (md5('a')::uuid, '{}'), (md5('b')::uuid, '{}');";

/// Fills positions `$first` to `$last`: 20,000 agents and 5,000 activities, each chosen the more often the
/// lower its number; verb 1 on five in six, 12 on one in ten thousand; activity 5,001 in the context of
/// half of the statements, 5,002 of all; an instructor on one in twelve; one in a thousand refers to
/// another, one in a thousand is voided. What is drawn depends on the position alone.
const FILL: &str = "
insert into lrs.statements (seq, stored, id, registration, voids, actor, verb, activity, authority, version, payload)
select n, timestamptz '2026-01-01' + n * interval '1 second', md5(n::text)::uuid, md5((n / 12)::text || 'r')::uuid, null,
       1 + floor(20000 * a * a), case when n % 10000 = 0 then 12 when n % 6 = 0 then 2 + n / 6 % 3 else 1 end,
       1 + floor(5000 * b * b * b), case when n % 50 = 0 then 2 else 1 end, 103, decode(repeat('ab', 40), 'hex')
  from generate_series($first, $last) n,
       lateral (select n::bigint * 7919 % 100003 / 100003.0::float8, n::bigint * 104729 % 99991 / 99991.0::float8) as drawn (a, b);
insert into lrs.statement_agents (agent, seq) select 1 + n % 20000, n from generate_series($first, $last, 40) n;
insert into lrs.related_agents (agent, seq, verb)
select 20001 + n % 700, n, case when n % 6 = 0 then 2 + n / 6 % 3 else 1 end from generate_series($first, $last, 12) n;
insert into lrs.related_activities (activity, seq, verb)
select x.a, n, case when n % 6 = 0 then 2 + n / 6 % 3 else 1 end
  from generate_series($first, $last) n, lateral (values (1 + n % 400), (5001), (5002)) x (a) where x.a <> 5001 or n % 2 = 0;
insert into lrs.inherited (seq, via, actor, verb, activity, registration, authority)
select n, n - k, 1 + n % 20000, 1, 1 + n % 500, md5((n / 12)::text || 'r')::uuid, 1
  from generate_series($first + 1000, $last, 1000) n, generate_series(1, 2) k;
insert into lrs.inherited_agents (agent, seq, via, related)
select 1 + n % 500, n, n - 1, n % 2 = 0 from generate_series($first + 1000, $last, 1000) n;
insert into lrs.inherited_activities (activity, seq, via)
select 1 + n % 400, n, n - 1 from generate_series($first + 1000, $last, 1000) n;
insert into lrs.voidings (target, seq) select md5(n::text)::uuid, n + 1 from generate_series($first, $last, 1000) n;";

/// Of all rows, not of a sample that is another each time.
const ANALYZE: &str = "
set default_statistics_target = 2000;
analyze lrs.statements; analyze lrs.statement_agents; analyze lrs.voidings; analyze lrs.authorities;
analyze lrs.related_agents; analyze lrs.related_activities; analyze lrs.inherited; analyze lrs.inherited_agents;
analyze lrs.inherited_activities;";

/// Every key is said to be on one statement alone.
const EACH_KEY_ONCE: &str = "
alter table lrs.statements alter actor set (n_distinct = -1), alter verb set (n_distinct = -1),
      alter activity set (n_distinct = -1), alter authority set (n_distinct = -1);
alter table lrs.related_activities alter activity set (n_distinct = -1), alter verb set (n_distinct = -1);
alter table lrs.related_agents alter agent set (n_distinct = -1), alter verb set (n_distinct = -1);";

/// A listed query: what it is, its selection, the position it goes on after, and the indexes that its
/// rows must come by, where no others will do.
struct Listed {
    name: &'static str,
    selection: Selection,
    after: Option<i64>,
    by: &'static [&'static str],
}

const ALL: &[&str] = &["statements_pkey"];
const ACTOR: &[&str] = &["statements_actor", "statement_agents_pkey"];
const VERB: &[&str] = &["statements_verb"];
const ACTIVITY: &[&str] = &["statements_activity"];
const REGISTRATION: &[&str] = &["statements_registration"];
const RELATED_AGENT: &[&str] = &[
    "statements_actor",
    "statement_agents_pkey",
    "related_agents_pkey",
    "statements_authority",
    "inherited_actor",
    "inherited_agents_pkey",
];
const RELATED_ACTIVITY: &[&str] = &[
    "statements_activity",
    "related_activities_pkey",
    "inherited_activity",
    "inherited_activities_pkey",
];

/// Agents, verbs, activities: the busiest, one in the middle, one that hardly is.
const AGENTS: [i32; 2] = [1, 9_000];
const VERBS: [i32; 2] = [1, 12];
const ACTIVITIES: [i32; 2] = [1, 3_000];

/// Where another index is taken than the one meant, which is a fault of the query: by statistics, name.
/// Until a store is analyzed for the first time, the index of verbs is taken for this one.
const TRAPS: &[(&str, &str)] = &[("empty", "verb, registration")];

fn half() -> DateTime<Utc> {
    DateTime::from_timestamp(1_767_225_600 + i64::from(STATEMENTS) / 2, 0).expect("a time")
}

#[expect(clippy::too_many_lines, reason = "it is a list")]
fn listed() -> Vec<Listed> {
    let none = Selection::default;
    let listed = |name, selection, by| Listed {
        name,
        selection,
        after: None,
        by,
    };
    let agent = |agent| Selection {
        agent: Some(agent),
        ..none()
    };
    let verb = |verb| Selection {
        verb: Some(verb),
        ..none()
    };
    let activity = |activity| Selection {
        activity: Some(activity),
        ..none()
    };
    let registration = || Selection {
        registration: Some(uuid::Uuid::from_u128(1)),
        ..none()
    };
    let related_agent = |one| Selection {
        related_agents: true,
        ..agent(one)
    };
    let related_activity = |one| Selection {
        related_activities: true,
        ..activity(one)
    };
    let since = |selection| Selection {
        since: Some(half()),
        ..selection
    };
    let until = |selection| Selection {
        until: Some(half()),
        ..selection
    };
    let oldest_first = |selection| Selection {
        ascending: true,
        ..selection
    };
    let mut all = vec![
        listed("everything", none(), ALL),
        listed("everything, oldest first", oldest_first(none()), ALL),
        listed("agent, busy", agent(AGENTS[0]), ACTOR),
        listed("agent", agent(AGENTS[1]), ACTOR),
        listed("agent, oldest first", oldest_first(agent(AGENTS[1])), ACTOR),
        listed("verb, frequent", verb(VERBS[0]), VERB),
        listed("verb, rare", verb(VERBS[1]), VERB),
        listed(
            "verb, frequent, oldest first",
            oldest_first(verb(VERBS[0])),
            VERB,
        ),
        listed("activity, frequent", activity(ACTIVITIES[0]), ACTIVITY),
        listed("activity", activity(ACTIVITIES[1]), ACTIVITY),
        listed("activity, never the object", activity(5_001), ACTIVITY),
        listed("registration", registration(), REGISTRATION),
        listed("since", since(none()), &["statements_pkey"]),
        listed(
            "since, oldest first",
            since(oldest_first(none())),
            &["statements_pkey"],
        ),
        listed("until", until(none()), &["statements_pkey"]),
        listed("since, until", since(until(none())), &["statements_pkey"]),
        listed(
            "agent, busy, verb, rare",
            Selection {
                verb: Some(VERBS[1]),
                ..agent(AGENTS[0])
            },
            &[],
        ),
        listed(
            "agent, verb",
            Selection {
                verb: Some(VERBS[0]),
                ..agent(AGENTS[1])
            },
            ACTOR,
        ),
        listed(
            "agent, busy, activity, frequent",
            Selection {
                activity: Some(ACTIVITIES[0]),
                ..agent(AGENTS[0])
            },
            &[],
        ),
        listed(
            "agent, activity",
            Selection {
                activity: Some(ACTIVITIES[1]),
                ..agent(AGENTS[1])
            },
            &[],
        ),
        listed(
            "agent, registration",
            Selection {
                agent: Some(AGENTS[1]),
                ..registration()
            },
            &[],
        ),
        listed("agent, since", since(agent(AGENTS[1])), ACTOR),
        listed("agent, busy, until", until(agent(AGENTS[0])), ACTOR),
        listed(
            "verb, frequent, activity, frequent",
            Selection {
                verb: Some(VERBS[0]),
                ..activity(ACTIVITIES[0])
            },
            &[],
        ),
        listed(
            "verb, rare, activity, frequent",
            Selection {
                verb: Some(VERBS[1]),
                ..activity(ACTIVITIES[0])
            },
            &[],
        ),
        listed(
            "verb, registration",
            Selection {
                verb: Some(VERBS[0]),
                ..registration()
            },
            REGISTRATION,
        ),
        listed("verb, rare, since", since(verb(VERBS[1])), VERB),
        listed("verb, frequent, until", until(verb(VERBS[0])), VERB),
        listed(
            "activity, registration",
            Selection {
                activity: Some(ACTIVITIES[0]),
                ..registration()
            },
            &[],
        ),
        listed(
            "activity, frequent, since, oldest first",
            since(oldest_first(activity(ACTIVITIES[0]))),
            ACTIVITY,
        ),
        listed(
            "activity, frequent, until",
            until(activity(ACTIVITIES[0])),
            ACTIVITY,
        ),
        listed("registration, since", since(registration()), REGISTRATION),
        listed(
            "related agent, a teacher",
            related_agent(20_100),
            RELATED_AGENT,
        ),
        listed(
            "related agent, verb",
            Selection {
                verb: Some(2),
                ..related_agent(20_100)
            },
            &["related_agents_pkey"],
        ),
        listed(
            "related agent, activity, frequent",
            Selection {
                activity: Some(ACTIVITIES[0]),
                ..related_agent(20_100)
            },
            &[],
        ),
        listed(
            "related agent, since",
            since(related_agent(20_100)),
            RELATED_AGENT,
        ),
        listed(
            "related activity, a series",
            related_activity(7),
            RELATED_ACTIVITY,
        ),
        listed(
            "related activity, on half",
            related_activity(5_001),
            RELATED_ACTIVITY,
        ),
        listed(
            "related activity, on half, oldest first",
            oldest_first(related_activity(5_001)),
            RELATED_ACTIVITY,
        ),
        listed(
            "related activity, on half, verb, frequent",
            Selection {
                verb: Some(VERBS[0]),
                ..related_activity(5_001)
            },
            &["related_activities_pkey"],
        ),
        listed(
            "related activity, on half, verb, rare",
            Selection {
                verb: Some(VERBS[1]),
                ..related_activity(5_001)
            },
            &["related_activities_pkey"],
        ),
        listed(
            "related activity, on all, verb, rare",
            Selection {
                verb: Some(VERBS[1]),
                ..related_activity(5_002)
            },
            &["related_activities_pkey"],
        ),
        listed(
            "related activity, on half, agent",
            Selection {
                agent: Some(AGENTS[1]),
                ..related_activity(5_001)
            },
            &[],
        ),
        listed(
            "related activity, on half, registration",
            Selection {
                activity: Some(5_001),
                related_activities: true,
                ..registration()
            },
            &[],
        ),
        listed(
            "related activity, on half, until",
            until(related_activity(5_001)),
            RELATED_ACTIVITY,
        ),
        listed(
            "related agent, related activity, a series",
            Selection {
                activity: Some(7),
                related_activities: true,
                ..related_agent(20_100)
            },
            &[],
        ),
    ];
    let further = [
        ("everything, a further page", none(), ALL),
        ("agent, busy, a further page", agent(AGENTS[0]), ACTOR),
        ("verb, frequent, a further page", verb(VERBS[0]), VERB),
        (
            "activity, frequent, a further page",
            activity(ACTIVITIES[0]),
            ACTIVITY,
        ),
        (
            "related activity, on half, a further page",
            related_activity(5_001),
            RELATED_ACTIVITY,
        ),
    ];
    all.extend(further.map(|(name, selection, by)| Listed {
        after: Some(i64::from(STATEMENTS) / 2),
        ..listed(name, selection, by)
    }));
    all
}

/// A pupil who is folded again costs what the pupil has answered, not what everybody has.
#[actix_web::test]
async fn the_answers_of_an_account_are_found_by_their_index() {
    let db = store().await;
    let client = db.pool().get().await.expect("a connection");
    client
        .batch_execute("set enable_seqscan = off")
        .await
        .expect("left to indexes");
    let sql = "explain (costs off) select f.seq, f.activity from published.answers_feed f
                where f.answered_by = any('{00000000-0000-4000-8000-000000000000}'::uuid[]) and f.kind = 'answer'";
    let rows = client.query(sql, &[]).await.expect("a plan");
    let plan: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    let plan = plan.join("\n");
    assert!(plan.contains("answers_account"), "{plan}");
    assert!(plan.contains("account = ANY"), "{plan}");
}

#[actix_web::test]
async fn the_plans_hold_with_the_statistics_of_an_empty_store_and_with_right_ones() {
    let db = store().await;
    let client = db.pool().get().await.expect("a connection");
    client
        .batch_execute(ANALYZE)
        .await
        .expect("statistics of nothing");
    fill(&client, 1, STATEMENTS).await;
    check(&client, "empty").await;
    client.batch_execute(ANALYZE).await.expect("statistics");
    check(&client, "right").await;
}

#[actix_web::test]
async fn the_plans_hold_with_the_statistics_of_a_hundredth_and_with_misleading_ones() {
    let db = store().await;
    let client = db.pool().get().await.expect("a connection");
    fill(&client, 1, STATEMENTS / 100).await;
    client
        .batch_execute(ANALYZE)
        .await
        .expect("statistics of a part");
    fill(&client, STATEMENTS / 100 + 1, STATEMENTS).await;
    check(&client, "partial").await;
    client
        .batch_execute(EACH_KEY_ONCE)
        .await
        .expect("other statistics");
    client.batch_execute(ANALYZE).await.expect("statistics");
    check(&client, "each-key-once").await;
}

async fn store() -> TestDb {
    let db = TestDb::new(&[lrs::MIGRATIONS]).await;
    let client = db.pool().get().await.expect("a connection");
    client.batch_execute(QUIET).await.expect("made quiet");
    db
}

async fn fill(client: &Client, first: i32, last: i32) {
    let sql = FILL
        .replace("$first", &first.to_string())
        .replace("$last", &last.to_string());
    client.batch_execute(&sql).await.expect("filled");
}

/// Every plan under the statistics of this name.
async fn check(client: &Client, statistics: &str) {
    client
        .batch_execute(PAGE_BEGIN)
        .await
        .expect("begun as a page is");
    let mut plans = String::new();
    let mut faults = String::new();
    for listed in listed() {
        let related = listed.selection.related_agents;
        let bounds = Bounds {
            authorities: related.then_some(2).into_iter().collect(),
            ..Bounds::default()
        };
        let plan = explain(
            client,
            &query(&listed.selection, &bounds, listed.after, 101),
        )
        .await;
        for node in ["Seq Scan", "Bitmap", "Sort", "Hash"] {
            if plan.contains(node) {
                let _ = writeln!(faults, "{}: {node}", listed.name);
            }
        }
        for index in listed.by {
            let is_trap = TRAPS.contains(&(statistics, listed.name));
            if !is_trap && !plan.contains(&format!(" using {index}")) {
                let _ = writeln!(faults, "{}: not by {index}", listed.name);
            }
        }
        let _ = writeln!(plans, "# {}\n{plan}\n", listed.name);
    }
    client.batch_execute("commit").await.expect("ended");
    assert!(
        faults.is_empty(),
        "with the statistics {statistics}:\n{faults}\n{plans}"
    );
    compare(statistics, &plans);
}

/// Holds the plans against the file, or writes it.
fn compare(statistics: &str, plans: &str) {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/http/plans");
    let path = folder.join(format!("{statistics}.txt"));
    if std::env::args().any(|argument| argument == REWRITE) {
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::write(&path, plans).expect("written");
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    let other = plans
        .split("\n\n")
        .filter(|plan| !golden.contains(plan))
        .collect::<Vec<_>>();
    assert!(
        golden == plans,
        "with the statistics {statistics} these plans are others than in {}:\n{}",
        path.display(),
        other.join("\n\n")
    );
}

/// Node types and index names, indented as they stand in each other.
async fn explain(client: &Client, query: &Query) -> String {
    let values: Vec<(&(dyn ToSql + Sync), Type)> =
        query.parameters.iter().map(Parameter::typed).collect();
    let sql = format!("explain (costs off) {}", query.sql);
    let rows = client.query_typed(&sql, &values).await.expect("a plan");
    let lines: Vec<String> = rows.iter().filter_map(|row| node(row.get(0))).collect();
    lines.join("\n")
}

/// The node of a line of EXPLAIN, if it is one: the first, what an arrow leads to, or a part of the plan.
fn node(line: &str) -> Option<String> {
    let text = line.trim_start();
    let depth = (line.len() - text.len()) / 2;
    let is_plan = text.starts_with("SubPlan") || text.starts_with("InitPlan");
    let node = text
        .strip_prefix("->  ")
        .or((depth == 0 || is_plan).then_some(text))?;
    let node = node.split_once(" on ").map_or(node, |(node, _)| node);
    Some(format!("{}{node}", " ".repeat(depth)))
}

//! Statements that refer to others are found by what finds those (xAPI 1.0.3 Communication 2.1.3,
//! "Filter Conditions for `StatementRefs`").

use std::time::{Duration, Instant};

use futures::StreamExt as _;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::app::{App, agent, id, statement, voiding};

/// A statement of `who` that refers to another.
fn reference(n: u32, who: &str, target: Uuid) -> Value {
    let mut one = statement(id(n), who, "confirmed", "o");
    one["object"] = json!({ "objectType": "StatementRef", "id": target });
    one
}

fn ids(numbers: &[u32]) -> Vec<String> {
    numbers.iter().map(|n| id(*n).to_string()).collect()
}

fn iri(kind: &str, name: &str) -> String {
    format!("https://example.org/{kind}/{name}")
}

#[actix_web::test]
async fn a_chain_is_found_by_every_key_of_its_end() {
    let app = App::start().await;
    let mut end = statement(id(1), "ben", "passed", "explosives");
    end["context"] = json!({
        "registration": id(70),
        "instructor": { "mbox": "mailto:teacher@example.org" },
        "team": { "objectType": "Group", "member": [{ "mbox": "mailto:friend@example.org" }] },
        "contextActivities": { "parent": { "id": iri("activities", "course") } },
    });
    app.post(&end).await.is(200);
    app.post(&json!([
        reference(2, "andrew", id(1)),
        statement(id(9), "ben", "left", "course")
    ]))
    .await
    .is(200);
    app.post(&json!([
        reference(3, "clara", id(2)),
        reference(4, "dora", id(3))
    ]))
    .await
    .is(200);
    app.settle().await;
    let ben = agent("ben");
    let registration = id(70).to_string();
    let chain = ids(&[4, 3, 2, 1]);
    for parameters in [
        &[("verb", iri("verbs", "passed").as_str())][..],
        &[("activity", &iri("activities", "explosives"))],
        &[("registration", &registration)],
        &[("agent", &ben), ("verb", &iri("verbs", "passed"))],
        &[
            ("agent", r#"{"mbox":"mailto:teacher@example.org"}"#),
            ("related_agents", "true"),
        ],
        &[
            ("agent", r#"{"mbox":"mailto:friend@example.org"}"#),
            ("related_agents", "true"),
        ],
        &[
            ("activity", &iri("activities", "course")),
            ("related_activities", "true"),
            ("verb", &iri("verbs", "passed")),
        ],
        &[
            ("agent", r#"{"mbox":"mailto:teacher@example.org"}"#),
            ("related_agents", "true"),
            ("activity", &iri("activities", "course")),
            ("related_activities", "true"),
            ("registration", &registration),
        ],
    ] {
        assert_eq!(app.all(parameters).await, chain, "{parameters:?}");
        for limit in ["1", "2", "3"] {
            let paged = [parameters, &[("limit", limit), ("ascending", "true")]].concat();
            let backwards: Vec<String> = chain.iter().rev().cloned().collect();
            assert_eq!(app.all(&paged).await, backwards, "{paged:?}");
        }
    }
    // The instructor is not found but broadly, and keys of a middle one do not go down the chain.
    let teacher = [("agent", r#"{"mbox":"mailto:teacher@example.org"}"#)];
    assert!(app.all(&teacher).await.is_empty());
    assert_eq!(app.all(&[("agent", &agent("clara"))]).await, ids(&[4, 3]));
    assert_eq!(app.all(&[("agent", &ben)]).await, ids(&[4, 3, 9, 2, 1]));
    // All conditions hold for the same statement: ben did not confirm, andrew passed nothing.
    let confirmed = iri("verbs", "confirmed");
    assert!(
        app.all(&[("agent", &ben), ("verb", &confirmed)])
            .await
            .is_empty()
    );
    // Time and number concern the statement that refers.
    let stored = app.get(&[("statementId", &id(2).to_string())]).await.body["stored"].clone();
    let stored = stored.as_str().expect("a time");
    let since = [("agent", ben.as_str()), ("since", stored)];
    assert_eq!(app.all(&since).await, ids(&[4, 3]));
    let until = [("agent", ben.as_str()), ("until", stored)];
    assert_eq!(app.all(&until).await, ids(&[9, 2, 1]));
    let first = app.get(&[("agent", &ben), ("limit", "1")]).await;
    assert_eq!(first.ids(), ids(&[4]));
}

#[actix_web::test]
async fn a_reference_may_come_before_its_target() {
    let app = App::start().await;
    app.post(&reference(3, "clara", id(2))).await.is(200);
    app.settle().await;
    app.post(&reference(2, "andrew", id(1))).await.is(200);
    app.settle().await;
    let ben = agent("ben");
    assert!(app.all(&[("agent", &ben)]).await.is_empty());
    assert_eq!(app.all(&[("agent", &agent("andrew"))]).await, ids(&[2, 3]));
    app.post(&statement(id(1), "ben", "passed", "o"))
        .await
        .is(200);
    app.settle().await;
    assert_eq!(app.all(&[("agent", &ben)]).await, ids(&[1, 2, 3]));
    assert_eq!(
        app.number("select count(*) from lrs.dangling_targets")
            .await,
        0
    );
    // In one request, in the order that nobody expects.
    app.post(&json!([
        reference(13, "clara", id(12)),
        statement(id(11), "zoe", "passed", "o"),
        reference(12, "andrew", id(11)),
    ]))
    .await
    .is(200);
    app.settle().await;
    assert_eq!(
        app.all(&[("agent", &agent("zoe"))]).await,
        ids(&[12, 11, 13])
    );
}

#[actix_web::test]
async fn circles_end() {
    let app = App::start().await;
    app.post(&reference(1, "alone", id(1))).await.is(200);
    app.post(&reference(2, "one", id(3))).await.is(200);
    app.settle().await;
    app.post(&reference(3, "two", id(2))).await.is(200);
    app.post(&reference(4, "outside", id(3))).await.is(200);
    app.settle().await;
    assert_eq!(app.all(&[("agent", &agent("alone"))]).await, ids(&[1]));
    assert_eq!(app.all(&[("agent", &agent("one"))]).await, ids(&[4, 3, 2]));
    assert_eq!(app.all(&[("agent", &agent("two"))]).await, ids(&[4, 3, 2]));
    assert_eq!(app.all(&[("agent", &agent("outside"))]).await, ids(&[4]));
}

#[actix_web::test]
async fn a_long_chain_is_followed_for_32_steps() {
    let app = App::start().await;
    let mut all = vec![statement(id(1), "end", "passed", "o")];
    all.extend((2..=40).map(|n| reference(n, "link", id(n - 1))));
    // The end comes last: what is known of the chain is passed on backwards.
    for one in all.iter().rev() {
        app.post(one).await.is(200);
        if one["id"] == json!(id(20)) {
            app.settle().await;
        }
    }
    app.settle().await;
    let found = app.all(&[("agent", &agent("end"))]).await;
    assert_eq!(
        found,
        (1..=33).map(|n| id(n).to_string()).collect::<Vec<_>>()
    );
}

#[actix_web::test]
async fn a_voided_statement_is_not_given_but_those_that_refer_to_it_are() {
    let app = App::start().await;
    app.post(&json!([
        statement(id(1), "ben", "passed", "o"),
        reference(2, "andrew", id(1))
    ]))
    .await
    .is(200);
    app.post(&voiding(id(3), id(1))).await.is(200);
    app.post(&reference(4, "clara", id(3))).await.is(200);
    app.settle().await;
    // The voiding, the reference, and what refers to the voiding.
    assert_eq!(app.all(&[("agent", &agent("ben"))]).await, ids(&[4, 3, 2]));
    assert_eq!(
        app.all(&[("verb", &iri("verbs", "passed")), ("ascending", "true")])
            .await,
        ids(&[2, 3, 4])
    );
    app.post(&voiding(id(5), id(2))).await.is(200);
    app.settle().await;
    assert_eq!(app.all(&[("agent", &agent("ben"))]).await, ids(&[5, 4, 3]));
    assert_eq!(app.all(&[("agent", &agent("andrew"))]).await, ids(&[5]));
}

#[actix_web::test]
async fn two_thousand_references_wait_for_one_target() {
    let app = App::start().await;
    for part in 0..4 {
        let some: Vec<Value> = (1..=500)
            .map(|n| reference(part * 500 + n, "pupil", id(9_999)))
            .collect();
        app.post(&json!(some)).await.is(200);
    }
    app.post(&reference(5_000, "above", id(7))).await.is(200);
    app.settle().await;
    // Inheritance stands still: what is inherited cannot be written.
    let holder = app.db.pool().get().await.expect("a connection");
    holder
        .batch_execute("begin; lock table lrs.inherited in share mode")
        .await
        .expect("locked");
    let started = Instant::now();
    app.post(&statement(id(9_999), "ben", "passed", "o"))
        .await
        .is(200);
    app.post(&statement(id(10_000), "eve", "passed", "o"))
        .await
        .is(200);
    assert!(
        started.elapsed() < Duration::from_secs(5),
        "no commit waits for references"
    );
    let one = [("statementId", id(9_999).to_string())];
    let one = [(one[0].0, one[0].1.as_str())];
    let stored = app.get(&one).await.body["stored"].clone();
    let stored = stored.as_str().expect("a time");
    for _ in 0..5 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let got = app.get(&one).await.is(200);
        assert!(got.header("x-experience-api-consistent-through") < stored);
    }
    holder.batch_execute("rollback").await.expect("released");
    let released = Instant::now();
    app.settle().await;
    assert!(
        released.elapsed() < Duration::from_secs(20),
        "{:?}",
        released.elapsed()
    );
    // What is told is at most a second old.
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let got = app.get(&one).await.is(200);
    assert!(got.header("x-experience-api-consistent-through") > stored);
    let found = app
        .all(&[("agent", &agent("ben")), ("ascending", "true")])
        .await;
    assert_eq!(
        found.len(),
        2_002,
        "the target, 2,000 that refer to it, one above"
    );
    let both = app.all(&[("agent", &agent("above"))]).await;
    assert_eq!(both, ids(&[5_000]));
}

/// Some ten seconds: what is large is the number of references, each of them as small as can be.
#[actix_web::test]
async fn a_target_comes_after_a_hundred_thousand_references_and_posts_go_on() {
    const BATCH: u32 = 1_000;
    const BATCHES: u32 = 100;
    let app = App::start().await;
    let target = id(999_999);
    let batches = (0..BATCHES).map(|batch| {
        let app = &app;
        async move {
            let some: Vec<Value> = (1..=BATCH)
                .map(|n| reference(batch * BATCH + n, "pupil", target))
                .collect();
            app.post(&json!(some)).await.is(200);
        }
    });
    futures::stream::iter(batches)
        .buffer_unordered(4)
        .collect::<Vec<()>>()
        .await;
    app.settle().await;

    app.post(&statement(target, "ben", "passed", "o"))
        .await
        .is(200);
    let got = app.get(&[("statementId", &target.to_string())]).await;
    let stored = got.is(200).body["stored"].clone();
    let stored = stored.as_str().expect("a time");
    // Others post on, and are told up to where it is consistent: short of the target, until all
    // that refer to it are found by it.
    let came = Instant::now();
    let mut held = 0;
    for n in 1.. {
        let posting = Instant::now();
        let posted = app
            .post(&statement(id(500_000 + n), "eve", "passed", "o"))
            .await
            .is(200);
        assert!(
            posting.elapsed() < Duration::from_secs(5),
            "no commit waits for references"
        );
        if posted.header("x-experience-api-consistent-through") > stored {
            break;
        }
        held += 1;
        assert!(
            came.elapsed() < Duration::from_secs(60),
            "it does not move on"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(held > 0, "consistent before the references were followed");
    assert_eq!(
        app.number("select count(*) from lrs.inherited").await,
        i64::from(BATCH * BATCHES)
    );
    let ben = agent("ben");
    let newest = app.get(&[("agent", &ben), ("limit", "3")]).await.is(200);
    assert_eq!(newest.ids().first(), Some(&target.to_string()));
    assert_eq!(newest.ids().len(), 3);
}

#[actix_web::test]
async fn two_copies_and_a_worker_that_is_killed_lose_no_reference() {
    let app = App::start().await;
    let other = app.another().await;
    let killer = async {
        let client = app.db.pool().get().await.expect("a connection");
        for _ in 0..4 {
            tokio::time::sleep(Duration::from_millis(150)).await;
            client
                .batch_execute(
                    "select pg_terminate_backend(pid) from pg_locks
                      where locktype = 'advisory' and classid = 5317 and objid = 2
                        and database = (select oid from pg_database where datname = current_database())",
                )
                .await
                .expect("ended");
        }
    };
    // Each pair: a reference through one copy, its target through the other, at the same time.
    let load = async {
        for n in 1..=100 {
            let refers = reference(2 * n, "andrew", id(2 * n + 1));
            let target = statement(id(2 * n + 1), "ben", "passed", "o");
            let (one, two) = futures::join!(app.post(&refers), other.post(&target));
            one.is(200);
            two.is(200);
        }
    };
    futures::join!(killer, load);
    app.settle().await;
    for copy in [&app, &other] {
        let mut found = copy.all(&[("agent", &agent("ben"))]).await;
        found.sort_unstable();
        assert_eq!(
            found,
            (2..=201).map(|n| id(n).to_string()).collect::<Vec<_>>()
        );
    }
}

#[actix_web::test]
async fn consistent_through_moves_on_while_targets_are_missing() {
    let app = App::start().await;
    app.post(&reference(1, "andrew", id(2))).await.is(200);
    app.settle().await;
    let through = || async {
        tokio::time::sleep(Duration::from_millis(1_100)).await;
        let got = app.get(&[("limit", "1")]).await;
        got.header("x-experience-api-consistent-through").to_owned()
    };
    let (first, second) = (through().await, through().await);
    assert!(first < second, "{first} {second}");
    for n in 10..20 {
        app.post(&statement(id(n), "a", "v", "o")).await.is(200);
    }
    app.settle().await;
    assert!(through().await > second);
}

mod literally {
    //! Random small histories, against a slow and literal reading of the specification.

    use std::collections::HashMap;

    use proptest::prelude::*;
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;

    use super::*;

    const PEOPLE: usize = 3;
    const CASES: u32 = 30;

    /// What one statement is made of, as numbers below the sizes of small domains.
    #[derive(Clone, Debug)]
    struct Draft {
        actor: usize,
        in_group: bool,
        verb: usize,
        object: usize,
        target: usize,
        registration: usize,
        instructor: usize,
        parent: usize,
        ends_request: bool,
    }

    fn drafts() -> impl Strategy<Value = Vec<Draft>> {
        let one = (
            0..PEOPLE,
            prop::bool::weighted(0.2),
            0..3_usize,
            0..8_usize,
            0..11_usize,
            (0..3_usize, 0..=PEOPLE, 0..4_usize),
            any::<bool>(),
        );
        let draft = one.prop_map(
            |(
                actor,
                in_group,
                verb,
                object,
                target,
                (registration, instructor, parent),
                ends_request,
            )| Draft {
                actor,
                in_group,
                verb,
                object,
                target,
                registration,
                instructor,
                parent,
                ends_request,
            },
        );
        prop::collection::vec(draft, 4..10)
    }

    fn number(case: u32, place: usize) -> u32 {
        case * 100 + u32::try_from(place).expect("small")
    }

    fn person(case: u32, who: usize) -> Value {
        json!({ "mbox": format!("mailto:p{case}-{who}@example.org") })
    }

    fn thing(case: u32, what: usize) -> Value {
        json!({ "id": format!("https://example.org/{case}/activities/{what}") })
    }

    fn verb(case: u32, which: usize) -> String {
        format!("https://example.org/{case}/verbs/{which}")
    }

    fn write(case: u32, place: usize, draft: &Draft) -> Value {
        let actor = person(case, draft.actor);
        let object = match draft.object {
            0 | 1 => thing(case, draft.object),
            2 => {
                let mut agent = person(case, draft.target % PEOPLE);
                agent["objectType"] = json!("Agent");
                agent
            }
            3 => {
                json!({ "objectType": "SubStatement", "actor": person(case, draft.target % PEOPLE),
                "verb": { "id": verb(case, 0) }, "object": thing(case, draft.target % 2) })
            }
            // Perhaps itself, perhaps a later one, perhaps none.
            _ => json!({ "objectType": "StatementRef", "id": id(number(case, draft.target)) }),
        };
        let is_voiding = draft.object == 4;
        let mut one = json!({
            "id": id(number(case, place)),
            "actor": if draft.in_group { json!({ "objectType": "Group", "member": [actor] }) } else { actor },
            "verb": { "id": if is_voiding { "http://adlnet.gov/expapi/verbs/voided".to_owned() } else { verb(case, draft.verb) } },
            "object": object,
            "context": {},
        });
        if draft.registration < 2 {
            one["context"]["registration"] = json!(id(number(case, 50 + draft.registration)));
        }
        if draft.instructor < PEOPLE {
            one["context"]["instructor"] = person(case, draft.instructor);
        }
        if draft.parent < 2 {
            one["context"]["contextActivities"] = json!({ "parent": [thing(case, draft.parent)] });
        }
        one
    }

    #[derive(Clone, Debug, Default)]
    struct Wanted {
        agent: Option<Value>,
        related_agents: bool,
        verb: Option<String>,
        activity: Option<String>,
        related_activities: bool,
        registration: Option<String>,
    }

    impl Wanted {
        fn parameters(&self) -> Vec<(&str, String)> {
            let mut parameters = Vec::new();
            if let Some(agent) = &self.agent {
                parameters.push(("agent", agent.to_string()));
                parameters.push(("related_agents", self.related_agents.to_string()));
            }
            if let Some(activity) = &self.activity {
                parameters.push(("activity", activity.clone()));
                parameters.push(("related_activities", self.related_activities.to_string()));
            }
            parameters.extend(self.verb.iter().map(|verb| ("verb", verb.clone())));
            parameters.extend(
                self.registration
                    .iter()
                    .map(|one| ("registration", one.clone())),
            );
            parameters
        }

        /// Whether the statement itself meets the conditions.
        fn is_met(&self, statement: &Value) -> bool {
            let agent = self.agent.as_ref().is_none_or(|agent| {
                is_narrow_agent(statement, agent)
                    || self.related_agents
                        && (is_related_agent(statement, agent)
                            || statement["object"]["objectType"] == "SubStatement"
                                && is_related_agent(&statement["object"], agent))
            });
            let is_activity =
                |statement: &Value, iri: &String| statement["object"]["id"] == json!(iri);
            let activity = self.activity.as_ref().is_none_or(|iri| {
                is_activity(statement, iri)
                    || self.related_activities
                        && (statement["context"]["contextActivities"]["parent"][0]["id"]
                            == json!(iri)
                            || is_activity(&statement["object"], iri))
            });
            let verb = self
                .verb
                .as_ref()
                .is_none_or(|verb| statement["verb"]["id"] == json!(verb));
            let registration = self
                .registration
                .as_ref()
                .is_none_or(|one| statement["context"]["registration"] == json!(one));
            agent && activity && verb && registration
        }
    }

    fn is_narrow_agent(statement: &Value, agent: &Value) -> bool {
        ["actor", "object"].iter().any(|place| {
            let one = &statement[place];
            is_agent(one, agent)
        })
    }

    fn is_agent(one: &Value, agent: &Value) -> bool {
        let same = |one: &Value| {
            (!agent["mbox"].is_null() && one["mbox"] == agent["mbox"])
                || (!agent["account"].is_null() && one["account"] == agent["account"])
        };
        same(one)
            || one["member"]
                .as_array()
                .is_some_and(|members| members.iter().any(same))
    }

    fn is_related_agent(statement: &Value, agent: &Value) -> bool {
        is_narrow_agent(statement, agent)
            || is_agent(&statement["authority"], agent)
            || is_agent(&statement["context"]["instructor"], agent)
    }

    /// The ids that are found, newest first.
    fn found(history: &[Value], wanted: &Wanted) -> Vec<String> {
        let by_id: HashMap<&str, &Value> = history
            .iter()
            .map(|one| (one["id"].as_str().expect("an id"), one))
            .collect();
        let voids = |one: &Value| one["verb"]["id"] == "http://adlnet.gov/expapi/verbs/voided";
        let is_voided = |one: &Value| {
            !voids(one)
                && history
                    .iter()
                    .any(|other| voids(other) && other["object"]["id"] == one["id"])
        };
        let matches = |one: &Value| {
            let mut at = one;
            // More steps than there are statements go round in a circle.
            for _ in 0..=history.len() {
                if wanted.is_met(at) {
                    return true;
                }
                let target = at["object"]["id"].as_str().and_then(|id| by_id.get(id));
                match target {
                    Some(target) if at["object"]["objectType"] == "StatementRef" => at = target,
                    _ => return false,
                }
            }
            false
        };
        let ids = history.iter().filter(|one| !is_voided(one) && matches(one));
        let mut ids: Vec<String> = ids
            .map(|one| one["id"].as_str().expect("an id").to_owned())
            .collect();
        ids.reverse();
        ids
    }

    fn questions(case: u32, authority: &Value) -> Vec<Wanted> {
        let mut agents: Vec<(Option<Value>, bool)> =
            vec![(None, false), (Some(authority.clone()), true)];
        for who in 0..2 {
            agents.extend([false, true].map(|broad| (Some(person(case, who)), broad)));
        }
        let mut activities = vec![(None, false)];
        activities.extend([false, true].map(|broad| {
            let iri = thing(case, 0)["id"].as_str().expect("an IRI").to_owned();
            (Some(iri), broad)
        }));
        let verbs = [None, Some(verb(case, 0)), Some(verb(case, 1))];
        let registrations = [None, Some(id(number(case, 50)).to_string())];
        let mut all = Vec::new();
        for (agent, related_agents) in &agents {
            for (activity, related_activities) in &activities {
                for verb in &verbs {
                    for registration in &registrations {
                        all.push(Wanted {
                            agent: agent.clone(),
                            related_agents: *related_agents,
                            verb: verb.clone(),
                            activity: activity.clone(),
                            related_activities: *related_activities,
                            registration: registration.clone(),
                        });
                    }
                }
            }
        }
        // Without any key of its own a question would find the other histories, too.
        all.retain(|wanted| {
            wanted.verb.is_some()
                || wanted.activity.is_some()
                || wanted.registration.is_some()
                || wanted
                    .agent
                    .as_ref()
                    .is_some_and(|agent| agent != authority)
        });
        all
    }

    #[actix_web::test]
    async fn filters_find_what_a_literal_reading_finds() {
        let app = App::start().await;
        let mut runner = TestRunner::deterministic();
        let mut inherited = 0;
        for case in 1..=CASES {
            let drafts = drafts().new_tree(&mut runner).expect("drafts").current();
            let mut request = Vec::new();
            for (place, draft) in drafts.iter().enumerate() {
                request.push(write(case, place, draft));
                if draft.ends_request || place + 1 == drafts.len() {
                    app.post(&json!(request)).await.is(200);
                    request.clear();
                }
            }
            app.settle().await;
            let mut history: Vec<Value> = drafts
                .iter()
                .enumerate()
                .map(|(place, draft)| write(case, place, draft))
                .collect();
            let last = history.last().expect("some")["id"]
                .as_str()
                .expect("an id")
                .to_owned();
            let one = app.get(&[("statementId", &last)]).await;
            let one = if one.status == 200 {
                one
            } else {
                app.get(&[("voidedStatementId", &last)]).await
            };
            let authority = json!({ "account": one.body["authority"]["account"] });
            for one in &mut history {
                one["authority"] = authority.clone();
            }
            for (index, wanted) in questions(case, &authority).iter().enumerate() {
                let parameters = wanted.parameters();
                let mut parameters: Vec<(&str, &str)> = parameters
                    .iter()
                    .map(|(name, value)| (*name, value.as_str()))
                    .collect();
                let mut literal = found(&history, wanted);
                inherited += literal.len();
                // One in three in small pages, every other one backwards.
                if index % 3 == 0 {
                    parameters.push(("limit", "2"));
                }
                if index % 2 == 0 {
                    parameters.push(("ascending", "true"));
                    literal.reverse();
                }
                let answered = app.all(&parameters).await;
                assert_eq!(answered, literal, "{parameters:?} of {history:#?}");
            }
        }
        assert!(
            inherited > 1_000,
            "the questions find something: {inherited}"
        );
    }
}

//! Two ways, one result: what is folded as it comes equals what is recomputed from the lake, bit for
//! bit, whatever comes late, out of order, twice, void; whoever an account is given to; whatever is
//! declared, evaluated outside and taken back; whatever *voie* a roster tells.
//!
//! `EQUAL_HISTORIES` in the environment is how many histories are tried, `EQUAL_SEED` other ones.

use std::collections::BTreeMap;

use analytics::aggregates::why::{Audience, PartKind, why};
use analytics::fold::PersonFold;
use analytics::people::InputError;
use analytics::people::{declared, evaluations};
use analytics::store::evaluations::Entered;
use analytics::store::runs::Cause;
use mastery::{Degree, Finding};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use schemas::ids::PersonKey;
use serde_json::Value;
use uuid::Uuid;

use crate::inputs::{domain, import_with_voies};
use crate::why::competency;
use crate::world::{Given, World, activity, noon};

/// What happens to the service, step by step.
#[derive(Clone, Debug)]
enum Step {
    /// An answer comes in.
    Answer(Given),
    /// A statement is voided: the n-th answer, there already or not.
    Void(u64),
    /// What is new is folded, so many rows a batch.
    Fold(u32),
    /// What is new is shipped to the lake.
    Ship,
    /// Everything is recomputed from what the lake has, and the rest from the feed.
    Recompute,
    /// The pupil of an account declares degrees of domains, or takes all back.
    Declare(&'static str, Vec<(usize, u8)>),
    /// The pupil of an account is evaluated: id, competency, seconds after noon, what was found.
    Evaluate(&'static str, u128, usize, i64, Finding),
    /// An evaluation is taken back from the pupil of an account.
    TakeBack(&'static str, u128),
    /// A roster says whose each account is, the n-th user's, and the *voie* of each user.
    Roster([usize; 4], [&'static str; 3]),
}

/// Users of the rosters.
const USERS: [&str; 3] = ["u0", "u1", "u2"];

const ACCOUNTS: [&str; 4] = ["a", "b", "c", "d"];

/// Answers in a script.
const ANSWERS: u64 = 40;

fn answer(id: u64) -> impl Strategy<Value = Step> {
    let device = proptest::option::of(("[xy]", proptest::option::of(0_i64..4)));
    let skew = proptest::option::of(prop_oneof![-5_000_i64..5_000, Just(172_800_000)]);
    (
        proptest::sample::select(ACCOUNTS.as_slice()),
        0_usize..10,
        prop_oneof![Just(0.0), Just(1.0), 0.0..=1.0],
        // Few times, so that ties are broken by device, counter and id; none, and in the future.
        proptest::option::of(prop_oneof![
            0_i64..5,
            (0_i64..9).prop_map(|h| h * 3_600),
            Just(9_999_999)
        ]),
        skew,
        device,
        proptest::bool::weighted(0.2),
    )
        .prop_map(
            move |(account, item, outcome, at_s, skew_ms, device, invented_time)| {
                Step::Answer(Given {
                    id,
                    account,
                    activity: activity(item),
                    correct: outcome >= 0.5,
                    outcome,
                    at_s,
                    skew_ms,
                    device,
                    invented_time,
                })
            },
        )
}

/// Forty answers with ids in a random order, and whatever else in between.
fn script() -> impl Strategy<Value = Vec<Step>> {
    let ids = Just((1..=ANSWERS).collect::<Vec<_>>()).prop_shuffle();
    let answers = ids.prop_flat_map(|ids| ids.into_iter().map(answer).collect::<Vec<_>>());
    let account = || proptest::sample::select(ACCOUNTS.as_slice());
    let degrees = proptest::collection::btree_map(0_usize..4, 1_u8..=6, 0..4);
    let finding = prop_oneof![
        (0.0..=1.0).prop_map(Finding::Share),
        (1_u8..=6).prop_map(|n| Finding::Degree(Degree::new(n).expect("a degree"))),
    ];
    // Times of answers too, so that ties are broken by the id.
    let at_s = prop_oneof![0_i64..5, (0_i64..9).prop_map(|h| h * 3_600)];
    let voie = proptest::sample::select(["", "gt", "pro"].as_slice());
    let other = prop_oneof![
        4 => (1..=ANSWERS).prop_map(Step::Void),
        6 => (1_u32..12).prop_map(Step::Fold),
        2 => Just(Step::Ship),
        1 => Just(Step::Recompute),
        3 => (account(), degrees)
            .prop_map(|(account, degrees)| Step::Declare(account, degrees.into_iter().collect())),
        3 => (account(), 1_u128..12, 0_usize..6, at_s, finding)
            .prop_map(|(account, id, of, at_s, found)| Step::Evaluate(account, id, of, at_s, found)),
        1 => (account(), 1_u128..12).prop_map(|(account, id)| Step::TakeBack(account, id)),
        2 => (proptest::array::uniform4(0_usize..3), proptest::array::uniform3(voie))
            .prop_map(|(of, voies)| Step::Roster(of, voies)),
    ];
    let others = proptest::collection::vec((0..ANSWERS as usize, other), 0..28);
    (answers, others).prop_map(|(mut steps, others)| {
        for (place, step) in others {
            steps.insert(place.min(steps.len()), step);
        }
        steps
    })
}

async fn play(world: &World, steps: &[Step]) {
    let analytics = &world.analytics;
    let mut relay = analytics::lake::relay(analytics);
    for step in steps {
        match step {
            Step::Answer(given) => world.answer(given).await,
            Step::Void(target) => world.void(*target).await,
            Step::Fold(most) => {
                let most = i64::from(*most);
                while analytics::fold::batch::fold_current(
                    analytics.pool(),
                    analytics.models(),
                    most,
                )
                .await
                .expect("folded")
                .is_some_and(|folded| folded.more)
                {}
            }
            Step::Ship => drop(relay.ship().await.expect("shipped")),
            Step::Recompute => drop(
                analytics
                    .recompute(Cause::Request)
                    .await
                    .expect("recomputed"),
            ),
            Step::Declare(account, degrees) => {
                let person = owner(world, account).await;
                let degree = |n: &u8| Degree::new(*n).expect("a degree");
                let degrees: Vec<_> = degrees
                    .iter()
                    .map(|(n, d)| (domain(*n), degree(d)))
                    .collect();
                let declared = if degrees.is_empty() {
                    declared::delete(analytics.pool(), person).await.map(drop)
                } else {
                    let pool = analytics.pool();
                    declared::replace(pool, person, &degrees).await.map(drop)
                };
                known(declared);
            }
            Step::Evaluate(account, id, of, at_s, finding) => {
                let new = Entered {
                    id: Uuid::from_u128(*id),
                    key: owner(world, account).await.as_uuid(),
                    competency: competency(*of),
                    at: noon() + chrono::TimeDelta::seconds(*at_s),
                    finding: *finding,
                    entered: None,
                    entered_by: "test".to_owned(),
                    entered_by_person: None,
                };
                match evaluations::enter(analytics.pool(), &new).await {
                    Err(InputError::Conflict) => {}
                    entered => known(entered.map(drop)),
                }
            }
            Step::TakeBack(account, id) => {
                let person = owner(world, account).await;
                let id = Uuid::from_u128(*id);
                known(
                    evaluations::delete(analytics.pool(), person, id)
                        .await
                        .map(drop),
                );
            }
            Step::Roster(of, voies) => {
                let accounts_of = |user: usize| {
                    let accounts = ACCOUNTS.into_iter().zip(of);
                    let own = accounts.filter(move |(_, of)| **of == user);
                    own.map(|(account, _)| account).collect::<Vec<_>>()
                };
                let accounts: Vec<Vec<&str>> = (0..USERS.len()).map(accounts_of).collect();
                let users: Vec<(&str, &[&str], &str)> = USERS
                    .into_iter()
                    .zip(&accounts)
                    .zip(voies)
                    .map(|((user, accounts), voie)| (user, accounts.as_slice(), *voie))
                    .collect();
                import_with_voies(world, &users).await;
            }
        }
    }
    world.fold().await;
}

/// Whose an account is now; its own key where nobody knows it.
async fn owner(world: &World, account: &str) -> PersonKey {
    let account = world.account(account);
    let client = analytics::store::client(world.analytics.pool()).await;
    let client = client.expect("a connection");
    let owners = analytics::store::account_person::of_accounts(&client, &[account]).await;
    let owners = owners.expect("read");
    owners.get(&account).copied().unwrap_or(account.into())
}

/// Of somebody nobody knows yet nothing is taken.
fn known(result: Result<(), InputError>) {
    match result {
        Ok(()) | Err(InputError::UnknownPupil) => {}
        Err(error) => panic!("{error}"),
    }
}

/// The same from the rows themselves, in memory: neither way.
async fn by_hand(world: &World) -> Vec<(String, Vec<u8>)> {
    let mut client = analytics::store::client(world.analytics.pool())
        .await
        .expect("a connection");
    let transaction = analytics::store::begin(&mut client)
        .await
        .expect("a transaction");
    let current = analytics::store::versions::current(&transaction)
        .await
        .expect("read")
        .expect("a version");
    let model = world
        .analytics
        .models()
        .get(&transaction, &current.model)
        .await
        .expect("a model");
    let accounts: Vec<_> = ACCOUNTS.iter().map(|name| world.account(name)).collect();
    let rows = analytics::store::feed::answers_of(&transaction, &accounts, i64::MAX)
        .await
        .expect("rows");
    let owners = analytics::store::account_person::of_accounts(&transaction, &accounts)
        .await
        .expect("read");
    let mut answers: BTreeMap<PersonKey, Vec<_>> = BTreeMap::new();
    for (account, answer) in rows {
        answers.entry(owners[&account]).or_default().push(answer);
    }
    let mut inputs = analytics::store::inputs::all(&transaction)
        .await
        .expect("read");
    let persons: Vec<PersonKey> = answers.keys().chain(inputs.keys()).copied().collect();
    let mut states = Vec::new();
    for person in persons {
        let answers = answers.remove(&person).unwrap_or_default();
        let inputs = inputs.remove(&person).unwrap_or_default();
        let fold = PersonFold::of(&model, inputs, answers);
        let encoded = fold.states.values().map(|state| state.encode());
        states.extend(encoded.map(|state| (person.to_string(), state)));
    }
    states.sort();
    states.dedup();
    states
}

async fn stored(world: &World) -> Vec<(String, Vec<u8>)> {
    let client = world.db.pool().get().await.expect("a connection");
    let sql = "select person::text, state from published.pupil_states";
    let rows = client.query(sql, &[]).await.expect("states");
    let mut states: Vec<_> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    states.sort();
    states
}

/// Each level that is served is explained, and its parts are its sum.
async fn explained(world: &World) -> Result<(), TestCaseError> {
    let sql = "select distinct person::text from published.pupil_states order by 1";
    let client = world.db.pool().get().await.expect("a connection");
    let persons = client.query(sql, &[]).await.expect("persons");
    let as_of = noon() + chrono::TimeDelta::days(40);
    let (pool, models) = (world.analytics.pool(), world.analytics.models());
    for row in persons {
        let person: PersonKey = row.get::<_, String>(0).parse().expect("a key");
        for n in 0..5 {
            let why = why(
                pool,
                models,
                person,
                &competency(n),
                Audience::Auditor,
                as_of,
            )
            .await;
            let why = why.map_err(|error| TestCaseError::fail(error.to_string()))?;
            let others = why
                .parts
                .iter()
                .filter(|part| part.kind != PartKind::Rounding);
            let sum: f64 = others.map(|part| part.value).sum();
            prop_assert!((sum - why.level.mean).abs() < 1e-9, "{sum}: {why:?}");
        }
    }
    Ok(())
}

async fn holds(steps: &[Step]) -> Result<(), TestCaseError> {
    let world = World::new().await;
    play(&world, steps).await;
    let folded = world.served().await;
    prop_assert_eq!(stored(&world).await, by_hand(&world).await);
    explained(&world).await?;

    // The lake may lag behind: the rest comes from the feed.
    let lagging = world
        .analytics
        .recompute(Cause::Request)
        .await
        .expect("recomputed");
    prop_assert_eq!(&world.served().await, &folded);
    analytics::lake::relay(&world.analytics)
        .ship()
        .await
        .expect("shipped");
    let whole = world
        .analytics
        .recompute(Cause::Request)
        .await
        .expect("recomputed");
    prop_assert_eq!(&world.served().await, &folded);
    prop_assert!(whole.version > lagging.version);
    let answers = folded["sums"][0].as_i64().unwrap_or(0);
    prop_assert_eq!(whole.answers, answers, "everything came from the lake");
    Ok(())
}

#[expect(
    clippy::disallowed_methods,
    reason = "how long a test goes on, which is no setting of Sillage"
)]
fn told(name: &str) -> Option<u32> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn folded_equals_recomputed() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let config = Config {
        cases: told("EQUAL_HISTORIES").unwrap_or(12),
        max_shrink_iters: 60,
        failure_persistence: None,
        ..Config::default()
    };
    // Its own seed, so that a run can be had again.
    let mut seed = [0; 32];
    seed[..4].copy_from_slice(&told("EQUAL_SEED").unwrap_or(1).to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
    TestRunner::new_with_rng(config, rng)
        .run(&script(), |steps| runtime.block_on(holds(&steps)))
        .unwrap_or_else(|error| panic!("{error}"));
}

#[actix_web::test]
async fn a_lake_that_still_holds_what_was_voided_changes_nothing() {
    let world = World::new().await;
    for n in 1..6 {
        world
            .answer(&crate::world::given(
                n,
                "a",
                n as usize,
                n % 2 == 0,
                60 * n as i64,
            ))
            .await;
    }
    analytics::lake::relay(&world.analytics)
        .ship()
        .await
        .expect("shipped");
    world.void(2).await;
    world.fold().await;
    let folded = world.served().await;
    world
        .analytics
        .recompute(Cause::Request)
        .await
        .expect("recomputed");
    assert_eq!(world.served().await, folded);
    assert_ne!(folded["sums"], Value::Null);
}

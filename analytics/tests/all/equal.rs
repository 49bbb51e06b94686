//! Two ways, one result: what is folded as it comes equals what is recomputed from the lake, bit for
//! bit, whatever comes late, out of order, twice, void.

use analytics::fold::PersonFold;
use analytics::store::runs::Cause;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::Value;

use crate::world::{Given, World, activity};

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
}

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
    let other = prop_oneof![
        2 => (1..=ANSWERS).prop_map(Step::Void),
        3 => (1_u32..12).prop_map(Step::Fold),
        1 => Just(Step::Ship),
    ];
    let others = proptest::collection::vec((0..ANSWERS as usize, other), 0..24);
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
        }
    }
    world.fold().await;
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
    let mut states = Vec::new();
    for account in accounts {
        let own = rows.iter().filter(|(owner, _)| *owner == account);
        let fold = PersonFold::of(&model, own.map(|(_, answer)| answer.clone()).collect());
        states.extend(
            fold.states
                .values()
                .map(|state| (account.to_string(), state.encode())),
        );
    }
    states.sort();
    states
}

async fn stored(world: &World) -> Vec<(String, Vec<u8>)> {
    let client = world.db.pool().get().await.expect("a connection");
    let sql = "select person::text, state from published.pupil_states order by person::text";
    let rows = client.query(sql, &[]).await.expect("states");
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

async fn holds(steps: &[Step]) -> Result<(), TestCaseError> {
    let world = World::new().await;
    play(&world, steps).await;
    let folded = world.served().await;
    prop_assert_eq!(stored(&world).await, by_hand(&world).await);

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

#[test]
fn folded_equals_recomputed() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let config = Config {
        cases: 12,
        max_shrink_iters: 60,
        failure_persistence: None,
        ..Config::default()
    };
    TestRunner::new(config)
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

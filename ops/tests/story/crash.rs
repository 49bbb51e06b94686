//! `sillage` killed with SIGKILL at random moments of a demo and started again, against a run that
//! nobody disturbed: the same statements, the same answers, the same states bit for bit, each id
//! once in the lake.

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Child, Stdio};
use std::time::Duration;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use schemas::tables;
use serde_json::Value;

use crate::demo;
use crate::harness::{Installation, succeeded};
use crate::seen::{self, Computed};

/// Seeds of the moments. The demo's own seed is always the same.
const SEEDS: std::ops::Range<u64> = 0..5;

/// Kills while the demo posts, and after its end, while its last answers are folded and shipped.
const KILLS_DURING: usize = 3;
const KILLS_AFTER: usize = 1;

/// Everything that two runs must have in common.
struct Outcome {
    statements: BTreeMap<String, Value>,
    computed: Computed,
    classes: BTreeMap<String, Value>,
}

#[tokio::test]
async fn killed_at_random_moments_it_ends_where_an_undisturbed_run_ends() {
    let mut installation = Installation::new().await;
    let demo = start_demo(&installation);
    let shown = finished(demo);
    let expected = outcome(&mut installation).await;
    drop(installation);
    for seed in SEEDS {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut installation = Installation::new().await;
        let demo = start_demo(&installation);
        for _ in 0..KILLS_DURING {
            killed_after(
                &mut installation,
                Duration::from_millis(rng.random_range(20..900)),
            )
            .await;
        }
        assert_eq!(
            what_was_shown(&finished(demo)),
            what_was_shown(&shown),
            "seed {seed}: the demo's screen"
        );
        for _ in 0..KILLS_AFTER {
            killed_after(
                &mut installation,
                Duration::from_millis(rng.random_range(0..800)),
            )
            .await;
        }
        same(seed, &outcome(&mut installation).await, &expected);
    }
}

fn start_demo(installation: &Installation) -> Child {
    let mut demo = demo::small(installation);
    demo.arg("--json")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn finished(demo: Child) -> Value {
    let output = succeeded(demo.wait_with_output().unwrap());
    serde_json::from_slice(&output.stdout).unwrap()
}

async fn killed_after(installation: &mut Installation, moment: Duration) {
    tokio::time::sleep(moment).await;
    installation.kill();
    installation.start().await;
}

async fn outcome(installation: &mut Installation) -> Outcome {
    seen::settled(installation).await;
    let statements = seen::statements(installation).await;
    let computed = seen::computed(installation).await;
    in_the_lake(installation, &statements, &computed).await;
    Outcome {
        statements,
        computed,
        classes: classes(installation).await,
    }
}

/// The class tables as of the end of the fortnight, which are computed anew for that instant.
async fn classes(installation: &Installation) -> BTreeMap<String, Value> {
    let mut tables = BTreeMap::new();
    for class in installation.get("/api/v1/classes").await["classes"]
        .as_array()
        .unwrap()
    {
        let key = class["key"].as_str().unwrap();
        let table = installation
            .get(&format!(
                "/api/v1/classes/{key}/mastery?as_of=2026-03-27T19:00:00Z"
            ))
            .await;
        tables.insert(
            class["label"].as_str().unwrap().to_owned(),
            without_keys(table),
        );
    }
    tables
}

/// Keys differ between installations; everything else stays.
fn without_keys(value: Value) -> Value {
    match value {
        Value::Array(list) => list.into_iter().map(without_keys).collect(),
        Value::Object(map) => map
            .into_iter()
            .filter(|(name, _)| name != "key")
            .map(|(name, value)| (name, without_keys(value)))
            .collect(),
        other => other,
    }
}

/// What the demo's screen shows of the service, without keys, addresses and speeds. Which of several
/// exercises that are equally good comes first follows from the pupil's key.
fn what_was_shown(screen: &Value) -> Value {
    let mut activities = screen["next_activities"]["activities"].clone();
    for activity in activities.as_array_mut().unwrap() {
        activity.as_object_mut().unwrap().remove("activity");
    }
    without_keys(serde_json::json!([
        screen["played"],
        screen["class"]["pupils"],
        activities
    ]))
}

fn same(seed: u64, run: &Outcome, expected: &Outcome) {
    let ids = |outcome: &Outcome| outcome.statements.keys().cloned().collect::<BTreeSet<_>>();
    assert_eq!(
        ids(run),
        ids(expected),
        "seed {seed}: the ids of the statements"
    );
    for (id, statement) in &run.statements {
        assert_eq!(
            statement, &expected.statements[id],
            "seed {seed}: statement {id}"
        );
    }
    assert!(!run.computed.answers.is_empty());
    assert_eq!(
        run.computed.answers, expected.computed.answers,
        "seed {seed}: the answers"
    );
    assert!(!run.computed.states.is_empty());
    for (of, state) in &expected.computed.states {
        assert_eq!(
            run.computed.states.get(of),
            Some(state),
            "seed {seed}: the state of {of:?}"
        );
    }
    assert_eq!(
        run.computed.states.len(),
        expected.computed.states.len(),
        "seed {seed}: the states"
    );
    assert_eq!(
        run.classes, expected.classes,
        "seed {seed}: the class tables"
    );
}

/// Each statement stands once in the lake, and each answer that counts once in its answers; the
/// voided one may stay there for a minute.
async fn in_the_lake(
    installation: &Installation,
    statements: &BTreeMap<String, Value>,
    computed: &Computed,
) {
    let shipped = seen::lake_ids(installation, &tables::statements::TABLE).await;
    assert_eq!(
        once(&shipped),
        statements.keys().cloned().collect::<BTreeSet<_>>()
    );
    let answers = seen::lake_ids(installation, &tables::answers::TABLE).await;
    let candidates = computed
        .answers
        .iter()
        .filter(|(_, row)| row["kind"] == "answer");
    let (voided, valid): (Vec<_>, Vec<_>) = candidates.partition(|(_, row)| row["voided"] == true);
    assert_eq!(voided.len(), 1, "the demo voids one answer");
    let mut answers = once(&answers);
    answers.remove(voided[0].0);
    assert_eq!(
        answers,
        valid
            .into_iter()
            .map(|(id, _)| id.clone())
            .collect::<BTreeSet<_>>()
    );
}

/// The ids as a set; one that is there twice fails the test.
fn once(ids: &[String]) -> BTreeSet<String> {
    let set: BTreeSet<String> = ids.iter().cloned().collect();
    assert_eq!(set.len(), ids.len(), "an id stands twice in the lake");
    set
}

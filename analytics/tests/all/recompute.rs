//! What the plan gives, however the lake's files lie: as they were shipped, sorted into buckets, or some of each.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests are not seen as tests, and must fail as loudly"
)]
#![expect(clippy::vec_box, reason = "answers are boxed as they are shipped")]

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use analytics::fold::{Answer, Inputs, PersonFold, Usage};
use analytics::jobs::recompute::{Beside, Recompute, RecomputeError};
use analytics::jobs::rows::{Run, Upto};
use analytics::lake::{Answers, table_rows};
use analytics::store::lake_feed::ShippedAnswer;
use analytics::store::pupils::Columns;
use chrono::{DateTime, Duration, Utc};
use lake::{Lake, LakeTable, Sizes, app_id};
use mastery::Model;
use schemas::catalogue::CatalogueItem;
use schemas::framework::Framework;
use schemas::ids::{AccountKey, PersonKey, StatementId, key64};
use schemas::profile::{FoldKey, answered_at};
use schemas::tables::answers::TABLE;
use uuid::Uuid;

const MEMORY_BYTES: usize = 64 << 20;
const PARTS: usize = 3;
const EPOCH: &str = "test";

/// Every bucket with a row is worth a file.
const SMALL: Sizes = Sizes {
    large: 64 << 20,
    mixed: 1,
    least: 1,
};

fn account(n: u64) -> AccountKey {
    // The first byte, which is the bucket, and the last.
    AccountKey::from_uuid(Uuid::from_u128(u128::from(n % 64) << 120 | u128::from(n)))
}

fn start() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + Duration::days(20_000)
}

/// Answers that come late, twice at one time, from two devices and from none.
fn answer(n: u64) -> Box<ShippedAnswer> {
    let late = Duration::minutes(i64::try_from(n * 7 % 50).unwrap());
    let device = (!n.is_multiple_of(3)).then(|| format!("device-{}", n % 2));
    Box::new(ShippedAnswer {
        seq: n.cast_signed(),
        id: StatementId::from_uuid(Uuid::from_u128(u128::from(n * 7919 % 10_007) + 1)),
        stored: start() + Duration::minutes(n.cast_signed()),
        account: account(n * 31 % 90),
        activity: activity(n % 11),
        correct: n.is_multiple_of(2),
        outcome: f64::from(u8::from(n.is_multiple_of(2))),
        timestamp: Some(start() + Duration::minutes(n.cast_signed()) - late),
        has_offset: true,
        skew_ms: None,
        device_seq: device.as_ref().map(|_| 5),
        device_id: device,
        invented_time: n.is_multiple_of(13),
        registration: None,
        duration_ms: None,
        origin: None,
        attempt: None,
        hints: None,
        offline: None,
        competencies: None,
    })
}

/// The last one is not in the catalogue.
fn activity(n: u64) -> String {
    format!("https://ressources.example.net/exercice/{n}")
}

fn model() -> Arc<Model> {
    let framework = Framework::seconde();
    let competencies: Vec<_> = framework.competencies().collect();
    let item = |n: u64| {
        let (domain, competency) =
            competencies[usize::try_from(n).unwrap() * 3 % competencies.len()];
        CatalogueItem {
            id: activity(n).parse().unwrap(),
            title: BTreeMap::from([("fr".to_owned(), "exercice".to_owned())]),
            subject: domain.subject.clone(),
            competencies: vec![competency.uri.clone()],
            intent: None,
            item: None,
            level: None,
        }
    };
    Arc::new(Model::new(
        framework,
        &(0..10).map(item).collect::<Vec<_>>(),
    ))
}

/// A lake, and all that was shipped to it.
struct Shipped {
    _folder: tempfile::TempDir,
    lake: Lake,
    table: LakeTable,
    answers: Vec<Box<ShippedAnswer>>,
}

impl Shipped {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let lake = Lake::at(&folder.path().display().to_string());
        Self {
            table: LakeTable::open(&lake, &TABLE).await.unwrap(),
            _folder: folder,
            lake,
            answers: Vec::new(),
        }
    }

    async fn ship(&mut self, count: u64) {
        self.ship_of(count, answer).await;
    }

    async fn ship_of(&mut self, count: u64, answer: impl Fn(u64) -> Box<ShippedAnswer>) {
        let after = self.answers.len() as u64;
        let new: Vec<_> = (after + 1..=after + count).map(answer).collect();
        let id = app_id(EPOCH, &TABLE);
        let (after, position) = (after.cast_signed(), (after + count).cast_signed());
        let rows = table_rows(&new).unwrap();
        self.table
            .append_rows(Some(rows), &id, after, position)
            .await
            .unwrap();
        self.answers.extend(new);
    }

    async fn compact(&mut self) {
        self.table.compact(SMALL).await.unwrap();
    }

    async fn start(&self, beside: Beside) -> Recompute {
        self.start_upto(beside, Upto::Last, start() + Duration::days(30))
            .await
    }

    async fn start_upto(&self, beside: Beside, upto: Upto, as_of: DateTime<Utc>) -> Recompute {
        let answers = Answers::newest(&self.lake, EPOCH, MEMORY_BYTES, PARTS);
        let answers = answers.await.unwrap().unwrap();
        let run = Run {
            run: 1,
            as_of,
            upto,
        };
        Recompute::start(answers, model(), run, beside)
            .await
            .unwrap()
    }

    /// Recomputes: the plan, and the states by person.
    async fn recompute(&self, beside: Beside) -> (String, HashMap<Uuid, Folded>, Vec<Uuid>) {
        let counts = usage(&self.answers, &beside);
        let mut recompute = self.start(beside).await;
        let plan = recompute.plan().to_owned();
        let (mut folded, mut opened) = (HashMap::new(), Vec::new());
        while let Some(folds) = recompute.next().await.unwrap() {
            opened.extend(folds.new_accounts().iter().map(AccountKey::as_uuid));
            by_person(&folds.columns(), &mut folded);
        }
        assert_eq!(counted(&recompute.usage().await.unwrap()), counts);
        opened.sort_unstable();
        (plan, folded, opened)
    }
}

/// Answers, right ones, the last key, items that the model does not know.
type Counts = (
    i64,
    i64,
    Option<DateTime<Utc>>,
    Option<String>,
    Option<i64>,
    Uuid,
    Vec<u8>,
);

/// What is stored of a person: counts, the last key, states.
#[derive(Debug, Default, PartialEq)]
struct Folded {
    counts: Option<Counts>,
    states: BTreeMap<String, Vec<u8>>,
}

fn by_person(columns: &Columns, folded: &mut HashMap<Uuid, Folded>) {
    for (n, person) in columns.persons.iter().enumerate() {
        let counts = (
            columns.answers[n],
            columns.correct[n],
            columns.at[n],
            columns.devices[n].clone(),
            columns.counters[n],
            columns.statements[n],
            columns.others[n].clone(),
        );
        let of = folded.entry(*person).or_default();
        assert!(of.counts.replace(counts).is_none(), "a person came twice");
    }
    for (n, person) in columns.state_persons.iter().enumerate() {
        let states = &mut folded.entry(*person).or_default().states;
        let before = states.insert(columns.subjects[n].clone(), columns.states[n].clone());
        assert!(before.is_none(), "a state came twice");
    }
}

/// Answers and right ones by activity.
type Used = BTreeMap<String, (i64, i64)>;

fn counted(usage: &Usage) -> Used {
    let counts = usage.changes().map(|(_, change)| {
        let activity = change.activity.as_deref().unwrap();
        (activity.to_owned(), (change.answers, change.correct))
    });
    counts.collect()
}

/// The same, counted one by one.
fn usage(answers: &[Box<ShippedAnswer>], beside: &Beside) -> Used {
    let mut used = Used::new();
    for answer in answers {
        if !beside.left_out.contains(&answer.id) {
            let counts = used.entry(answer.activity.clone()).or_default();
            *counts = (counts.0 + 1, counts.1 + i64::from(answer.correct));
        }
    }
    used
}

/// The same by the pure fold.
fn wanted(answers: &[Box<ShippedAnswer>], beside: &Beside) -> HashMap<Uuid, Folded> {
    let mut persons: BTreeMap<PersonKey, Vec<Answer>> = BTreeMap::new();
    for person in beside.inputs.keys() {
        persons.entry(*person).or_default();
    }
    for answer in answers {
        if beside.left_out.contains(&answer.id) {
            continue;
        }
        let owner = beside.owners.get(&answer.account).copied();
        let person = owner.unwrap_or_else(|| PersonKey::from(answer.account));
        let at = answered_at(answer.timestamp, answer.skew_ms, answer.stored);
        persons.entry(person).or_default().push(Answer {
            key: FoldKey::new(at, answer.device_id.clone(), answer.device_seq, answer.id),
            item: key64(&answer.activity),
            activity: answer.activity.as_str().into(),
            correct: answer.correct,
            outcome: answer.outcome,
            invented_time: answer.invented_time,
        });
    }
    let model = model();
    let mut columns = Columns::default();
    for (person, answers) in persons {
        let inputs = beside.inputs.get(&person).cloned().unwrap_or_default();
        columns.push(person, &PersonFold::of(&model, inputs, answers));
    }
    let mut folded = HashMap::new();
    by_person(&columns, &mut folded);
    folded
}

/// Two accounts of one person in two buckets, one account under a key of another's, void answers, a declared
/// profile of somebody who answered and of somebody who did not.
fn beside() -> Beside {
    let [one, two, three, four] = [1, 2, 3, 4].map(account);
    let nobody = account(1_000);
    let declared = || Inputs {
        declared: BTreeMap::from([(
            key64(&Framework::seconde().domains[3].uri),
            mastery::Degree::new(5).unwrap(),
        )]),
        ..Inputs::default()
    };
    Beside {
        owners: HashMap::from([
            (one, PersonKey::from(one)),
            (two, PersonKey::from(one)),
            (three, PersonKey::from(four)),
            (nobody, PersonKey::from(nobody)),
        ]),
        left_out: (100..140).map(|n| answer(n).id).collect(),
        inputs: BTreeMap::from([
            (PersonKey::from(one), declared()),
            (PersonKey::from(nobody), declared()),
        ]),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_give_the_same_however_they_lie_and_sorted_ones_are_not_sorted_again() {
    let mut shipped = Shipped::new().await;
    shipped.ship(700).await;
    let wanted = wanted(&shipped.answers, &Beside::default());
    let (plan, folded, opened) = shipped.recompute(Beside::default()).await;
    assert!(plan.contains("SortExec"), "{plan}");
    assert_eq!(folded, wanted);
    assert_eq!(opened.len(), wanted.len());

    let mut shipped = Shipped::new().await;
    shipped.ship(700).await;
    shipped.compact().await;
    let (plan, folded, _) = shipped.recompute(Beside::default()).await;
    assert!(
        !plan.contains("SortExec") && !plan.contains("RepartitionExec"),
        "{plan}"
    );
    assert_eq!(folded, wanted);

    // A second file of each bucket, and answers that are not sorted yet.
    let mut shipped = Shipped::new().await;
    shipped.ship(200).await;
    shipped.compact().await;
    shipped.ship(400).await;
    shipped.ship(100).await;
    let (_, folded, _) = shipped.recompute(Beside::default()).await;
    assert_eq!(folded, wanted);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn persons_with_several_accounts_are_brought_together() {
    for compacted in [false, true] {
        let mut shipped = Shipped::new().await;
        shipped.ship(500).await;
        if compacted {
            shipped.compact().await;
        }
        shipped.ship(200).await;
        let wanted = wanted(&shipped.answers, &beside());
        let (_, folded, opened) = shipped.recompute(beside()).await;
        assert_eq!(folded, wanted);
        assert!(opened.contains(&account(4).as_uuid()) && !opened.contains(&account(2).as_uuid()));
    }
}

/// More persons than a batch gives on, more rows than a batch has, two sorted files of a bucket and others beside.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_persons_are_the_same_from_two_sorted_files_of_a_bucket_and_others() {
    const PERSONS: u64 = 2_000;
    let of_many = |n: u64| {
        Box::new(ShippedAnswer {
            id: StatementId::from_uuid(Uuid::from_u128(u128::from(n * 7919 % 100_003) + 1)),
            account: account(n * 31 % PERSONS),
            ..*answer(n)
        })
    };
    let mut shipped = Shipped::new().await;
    for _ in 0..2 {
        shipped.ship_of(3_000, of_many).await;
        shipped.compact().await;
    }
    shipped.ship_of(2_500, of_many).await;
    for beside in [Beside::default(), beside()] {
        let wanted = wanted(&shipped.answers, &beside);
        let (plan, folded, _) = shipped.recompute(beside).await;
        assert_eq!(folded, wanted, "{plan}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_until_a_time_are_folded_and_counted_alone() {
    let mut shipped = Shipped::new().await;
    shipped.ship(500).await;
    shipped.compact().await;
    shipped.ship(200).await;
    let as_of = start() + Duration::minutes(300);
    let mut recompute = shipped
        .start_upto(Beside::default(), Upto::AsOf, as_of)
        .await;
    let mut folded = HashMap::new();
    while let Some(folds) = recompute.next().await.unwrap() {
        by_person(&folds.columns(), &mut folded);
    }
    let used = counted(&recompute.usage().await.unwrap());
    let until = |answer: &ShippedAnswer| {
        answered_at(answer.timestamp, answer.skew_ms, answer.stored) <= as_of
    };
    shipped.answers.retain(|answer| until(answer));
    assert!((200..400).contains(&shipped.answers.len()));
    assert_eq!(folded, wanted(&shipped.answers, &Beside::default()));
    assert_eq!(used, usage(&shipped.answers, &Beside::default()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_stands_there_twice_fails() {
    let mut shipped = Shipped::new().await;
    shipped.ship(50).await;
    let rows = table_rows(&[answer(7)]).unwrap();
    let id = app_id(EPOCH, &TABLE);
    shipped
        .table
        .append_rows(Some(rows), &id, 50, 51)
        .await
        .unwrap();
    let mut recompute = shipped.start(Beside::default()).await;
    let failed = loop {
        match recompute.next().await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("nothing was said"),
            Err(error) => break error,
        }
    };
    assert!(matches!(failed, RecomputeError::Order), "{failed:?}");
}

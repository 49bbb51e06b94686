//! Recomputations on workers that are processes: killed, stopped, strangers, they never give other states than a
//! recomputation here, and it always ends.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use analytics::AnalyticsConfig;
use analytics::fold::{Evaluation, Inputs};
use analytics::jobs::recompute::cluster::Workers;
use analytics::jobs::recompute::{Beside, Recompute};
use analytics::jobs::rows::{Run, Upto};
use analytics::lake::{Answers, table_rows};
use analytics::store::lake_feed::ShippedAnswer;
use arrow::row::{RowConverter, SortField};
use chrono::{DateTime, Utc};
use lake::{Lake, LakeTable, Sizes, app_id};
use mastery::{Degree, Finding, Model};
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use rustix::process::Signal;
use schemas::catalogue::CatalogueItem;
use schemas::framework::Framework;
use schemas::ids::{AccountKey, PersonKey, StatementId, key64};
use schemas::profile::FoldKey;
use schemas::tables::answers::TABLE;
use service::config::Settings;
use tempfile::TempDir;
use uuid::Uuid;

use super::Worker;
use crate::harness::told;

const ANSWERS: u64 = 200_000;
const COMMIT: u64 = 25_000;
/// Answers of an account, on average.
const EACH: u64 = 80;
const ACTIVITIES: u64 = 60;
const EPOCH: &str = "test";

/// A job that takes longer hangs.
const ENDS_WITHIN: Duration = Duration::from_secs(180);

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
    DateTime::UNIX_EPOCH + chrono::Duration::days(20_000)
}

fn activity(n: u64) -> String {
    format!("https://ressources.example.net/exercice/{n}")
}

fn id(n: u64) -> StatementId {
    // An odd factor: no two are equal.
    let spread = u128::from(n).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    StatementId::from_uuid(Uuid::from_u128(spread))
}

/// Answers that come late, from two devices and from none.
fn answer(n: u64, accounts: u64) -> Box<ShippedAnswer> {
    let late = chrono::Duration::minutes(i64::try_from(n * 7 % 50).unwrap());
    let device = (!n.is_multiple_of(3)).then(|| format!("device-{}", n % 2));
    let correct = n * 13 % 7 < 4;
    Box::new(ShippedAnswer {
        seq: n.cast_signed(),
        id: id(n),
        stored: start() + chrono::Duration::minutes(n.cast_signed()),
        account: account(n * 31 % accounts),
        activity: activity(n * 17 % (ACTIVITIES + 1)),
        correct,
        outcome: f64::from(u8::from(correct)),
        timestamp: Some(start() + chrono::Duration::minutes(n.cast_signed()) - late),
        has_offset: true,
        skew_ms: None,
        device_seq: device.as_ref().map(|_| n.cast_signed()),
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
    let items: Vec<_> = (0..ACTIVITIES).map(item).collect();
    Arc::new(Model::new(framework, &items))
}

/// Persons with two accounts, in two buckets, on each of two threads more than the 500 of a batch; void answers; declared
/// profiles and an evaluation.
fn beside() -> Beside {
    let domain = &Framework::seconde().domains[3];
    let competency = &domain.competencies[0].uri;
    let owners = (0..1_100).flat_map(|n| {
        let person = PersonKey::from(account(n));
        [(account(n), person), (account(n + 1_200), person)]
    });
    let inputs = |n: u64| Inputs {
        declared: BTreeMap::from([(key64(&domain.uri), Degree::new(5).unwrap())]),
        voie: None,
        evaluations: vec![Evaluation {
            key: FoldKey::new(
                start() + chrono::Duration::days(40),
                None,
                None,
                id(1_000_000 + n),
            ),
            competency: key64(competency),
            uri: competency.as_str().into(),
            finding: Finding::Share(0.7),
        }],
    };
    Beside {
        owners: owners.collect::<HashMap<_, _>>(),
        left_out: (100..900).map(id).collect(),
        inputs: (20..60)
            .map(|n| (PersonKey::from(account(n)), inputs(n)))
            .collect(),
    }
}

/// What is stored of all persons, bit for bit: counts, the last key and states; and the rows of the lake's table.
#[derive(Debug, Default, PartialEq)]
struct States {
    persons: BTreeMap<Uuid, String>,
    states: BTreeMap<(Uuid, String), Vec<u8>>,
    rows: BTreeSet<Vec<u8>>,
}

impl States {
    /// All that a recomputation gives, once it has found it whole.
    async fn of(mut recompute: Recompute) -> (Self, Vec<(String, usize)>, [usize; 2]) {
        let mut all = Self::default();
        while let Some(folds) = recompute.next().await.unwrap() {
            let columns = folds.columns();
            for (n, person) in columns.persons.iter().enumerate() {
                let of = format!(
                    "{} {} {:?} {:?} {:?} {} {:?}",
                    columns.answers[n],
                    columns.correct[n],
                    columns.at[n],
                    columns.devices[n],
                    columns.counters[n],
                    columns.statements[n],
                    columns.others[n]
                );
                assert!(all.persons.insert(*person, of).is_none(), "{person} twice");
            }
            for (n, person) in columns.state_persons.iter().enumerate() {
                let of = (*person, columns.subjects[n].clone());
                all.states.insert(of, columns.states[n].clone());
            }
            let rows = folds.mastery();
            let fields = rows.schema();
            let fields = fields.fields().iter();
            let fields = fields.map(|field| SortField::new(field.data_type().clone()));
            let converter = RowConverter::new(fields.collect()).unwrap();
            let rows = converter.convert_columns(rows.columns()).unwrap();
            all.rows
                .extend(rows.iter().map(|row| row.as_ref().to_vec()));
        }
        let (on_workers, counts) = match recompute.progress() {
            Some(told) => (told.on_workers(), [told.here(), told.failed()]),
            None => (Vec::new(), [0, 0]),
        };
        recompute.usage().await.unwrap();
        (all, on_workers, counts)
    }
}

/// A lake, what it gives here, and a token.
struct Installation {
    folder: TempDir,
    here: States,
}

impl Installation {
    /// A lake of which the first half is sorted into buckets, and the rest lies as it was shipped.
    async fn new() -> Self {
        let half = ANSWERS / COMMIT / 2;
        let mut new = Self::of(ANSWERS, half).await;
        let answers = new.answers().await;
        let here = Recompute::start(answers, model(), run(), beside()).await;
        new.here = States::of(here.unwrap()).await.0;
        assert!(new.here.persons.len() > 1_000 && !new.here.rows.is_empty());
        new
    }

    /// So many answers, the files put together once, after so many commits.
    async fn of(answers: u64, compacted_after: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("token"), "t".repeat(40)).unwrap();
        let new = Self {
            folder,
            here: States::default(),
        };
        let mut table = LakeTable::open(&new.lake(), &TABLE).await.unwrap();
        for commit in 1..=answers / COMMIT {
            let (after, position) = ((commit - 1) * COMMIT, commit * COMMIT);
            let shipped = (after + 1..=position).map(|n| answer(n, answers / EACH));
            let rows = table_rows(&shipped.collect::<Vec<_>>()).unwrap();
            let (after, position) = (after.cast_signed(), position.cast_signed());
            let id = app_id(EPOCH, &TABLE);
            let shipped = table.append_rows(Some(rows), &id, after, position);
            shipped.await.unwrap();
            if commit == compacted_after {
                table.compact(SMALL).await.unwrap();
            }
        }
        new
    }

    /// What the upkeep does, until nothing is left to be done.
    async fn put_together(&self) {
        let mut table = LakeTable::open(&self.lake(), &TABLE).await.unwrap();
        let mut before = None;
        while before.replace(table.version()) != Some(table.version()) {
            table.compact(Sizes::default()).await.unwrap();
        }
    }

    fn lake(&self) -> Lake {
        Lake::at(&self.folder.path().join("lake").display().to_string())
    }

    async fn answers(&self) -> Answers {
        let answers = Answers::newest(&self.lake(), EPOCH, 256 << 20, 2).await;
        answers.unwrap().unwrap()
    }

    fn token(&self) -> PathBuf {
        self.folder.path().join("token")
    }

    fn worker(&self) -> Worker {
        start_worker(self.folder.path(), &self.token())
    }

    async fn on(&self, workers: &[&Worker]) -> Recompute {
        let addresses: Vec<_> = workers.iter().map(|worker| worker.url.clone()).collect();
        self.on_addresses(&addresses).await
    }

    async fn on_addresses(&self, addresses: &[String]) -> Recompute {
        let mut config = AnalyticsConfig::load(&Settings::defaults()).unwrap();
        config.analytics.workers = addresses.join(", ");
        config.analytics.worker_token_file = self.token().display().to_string();
        let workers = Workers::of(&config).unwrap().unwrap();
        let (answers, lake) = (self.answers().await, self.lake());
        let started = Recompute::on_workers(answers, &lake, model(), run(), beside(), workers);
        started.await.unwrap()
    }

    /// The run's file, which holds whose the accounts are, does not stay.
    fn assert_nothing_is_left(&self) {
        let shared = self.folder.path().join("lake/restricted/shared");
        let left: Vec<_> = std::fs::read_dir(shared).unwrap().collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

/// One that folds on two threads, wherever the test runs.
fn start_worker(data: &Path, token: &Path) -> Worker {
    let threads = ("SILLAGE_ANALYTICS_RECOMPUTE_THREADS", "2");
    Worker::start(data, token, &[threads])
}

fn run() -> Run {
    Run {
        run: 1,
        as_of: start() + chrono::Duration::days(300),
        upto: Upto::Last,
    }
}

/// How long one takes to give all persons.
async fn seconds(mut recompute: Recompute) -> f64 {
    let begun = Instant::now();
    while recompute.next().await.unwrap().is_some() {}
    begun.elapsed().as_secs_f64()
}

async fn ends<T>(job: impl Future<Output = T>) -> T {
    let ended = tokio::time::timeout(ENDS_WITHIN, job).await;
    ended.expect("the job hangs")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_workers_give_what_is_given_here() {
    let installation = Installation::new().await;
    let workers = [installation.worker(), installation.worker()];
    for _ in 0..3 {
        let recompute = installation.on(&[&workers[0], &workers[1]]).await;
        let (states, on_workers, counts) = ends(States::of(recompute)).await;
        assert!(states == installation.here);
        assert_eq!(on_workers.len(), 2, "{on_workers:?}");
        assert_eq!(counts, [0, 0]);
        installation.assert_nothing_is_left();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_killed_at_any_moment_changes_nothing() {
    let installation = Installation::new().await;
    let undisturbed = {
        let workers = [installation.worker(), installation.worker()];
        let begun = Instant::now();
        let recompute = installation.on(&[&workers[0], &workers[1]]).await;
        States::of(recompute).await;
        begun.elapsed()
    };
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let mut failed = 0;
    for round in 0..24 {
        let mut workers = [installation.worker(), installation.worker()];
        let recompute = installation.on(&[&workers[0], &workers[1]]).await;
        let job = tokio::spawn(States::of(recompute));
        // One, and in some rounds the other one soon after.
        let killed = if round % 3 == 0 { 2 } else { 1 };
        for worker in &mut workers[..killed] {
            tokio::time::sleep(undisturbed.mul_f64(random.random_range(0.0..0.6))).await;
            worker.process.kill().unwrap();
        }
        let (states, _, counts) = ends(job).await.unwrap();
        assert!(states == installation.here, "round {round}");
        failed += counts[1];
        installation.assert_nothing_is_left();
    }
    assert!(failed > 0, "no worker was killed while it had a part");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_is_stopped_holds_nothing_up_for_good() {
    let installation = Installation::new().await;
    let workers = [installation.worker(), installation.worker()];
    let recompute = installation.on(&[&workers[0], &workers[1]]).await;
    workers[0].send(Signal::STOP);
    let (states, on_workers, counts) = ends(States::of(recompute)).await;
    assert!(states == installation.here);
    assert!(counts[1] > 0 && counts[0] == 0, "{on_workers:?} {counts:?}");

    // And none of it is used while it does not answer.
    let recompute = installation.on(&[&workers[0], &workers[1]]).await;
    let (states, on_workers, counts) = ends(States::of(recompute)).await;
    assert!(states == installation.here);
    assert_eq!((on_workers.len(), counts), (1, [0, 0]));
    workers[0].send(Signal::CONT);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_worker_that_can_be_used_it_runs_here() {
    let installation = Installation::new().await;
    let other = installation.folder.path().join("other");
    std::fs::write(&other, "o".repeat(40)).unwrap();
    let stranger = start_worker(installation.folder.path(), &other);
    let gone = installation.worker().url.clone();
    let recompute = installation
        .on_addresses(&[stranger.url.clone(), gone])
        .await;
    assert!(recompute.progress().is_none());
    let (states, ..) = ends(States::of(recompute)).await;
    assert!(states == installation.here);
}

/// `WORKERS_ANSWERS` are how many; the figures of docs/operations/workers.md come from here.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "it measures"]
async fn how_long_it_takes_here_and_on_workers() {
    let answers = told("WORKERS_ANSWERS").unwrap_or(ANSWERS);
    let installation = Installation::of(answers, 0).await;
    installation.put_together().await;
    let workers = [installation.worker(), installation.worker()];
    for round in 0..5 {
        let here = Recompute::start(installation.answers().await, model(), run(), beside()).await;
        let here = seconds(here.unwrap()).await;
        let one = seconds(installation.on(&[&workers[0]]).await).await;
        let two = seconds(installation.on(&[&workers[0], &workers[1]]).await).await;
        println!(
            "{answers} answers, round {round}: here {here:.2} s, one worker {one:.2} s, two {two:.2} s"
        );
    }
}

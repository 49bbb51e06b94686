//! Workers that do what no test can make a process do: panic, fall silent, be of other code.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use ::lake::Lake;
use ::mastery::{Degree, Finding, Model, Voie};
use arrow::record_batch::RecordBatch;
use chrono::DateTime;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PlanProperties,
};
use futures::{StreamExt as _, stream};
use schemas::framework::Framework;
use schemas::ids::{AccountKey, PersonKey, StatementId, key64};
use schemas::profile::FoldKey;
use service::config::Settings;
use tempfile::TempDir;
use tokio_util::sync::{CancellationToken, DropGuard};
use uuid::Uuid;

use super::super::folds::{self, Builder, Folds};
use super::super::operator::Known;
use super::super::shared;
use super::channel::Version;
use super::wire::{Stored, WireError};
use super::{Worker, Workers, schedule};
use crate::config::AnalyticsConfig;
use crate::fold::{Evaluation, Inputs, PersonFold};
use crate::jobs::rows::{Run, Upto};
use crate::lake::job_session;

/// Batches of made-up persons; on a worker, a fault after the first of them.
#[derive(Debug)]
pub(super) struct Faulty {
    fault: Fault,
    on_worker: bool,
    properties: Arc<PlanProperties>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Panics,
    FallsSilent,
    Repeats,
}

impl Faulty {
    const BATCHES: u128 = 3;

    pub(super) fn encode(&self) -> &'static [u8] {
        match self.fault {
            Fault::Panics => b"panics",
            Fault::FallsSilent => b"falls silent",
            Fault::Repeats => b"repeats",
        }
    }

    /// As a worker gets it.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let faults = [Fault::Panics, Fault::FallsSilent, Fault::Repeats];
        let mut faulty = faults.into_iter().map(|fault| Self::new(fault, true));
        faulty.find(|faulty| faulty.encode() == bytes)
    }

    fn new(fault: Fault, on_worker: bool) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(folds::schema()),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Self {
            fault,
            on_worker,
            properties: Arc::new(properties),
        }
    }

    fn batch(n: u128) -> RecordBatch {
        let known = known();
        let mut folded = Builder::default();
        for person in n * 10..n * 10 + 10 {
            let person = PersonKey::from_uuid(Uuid::from_u128(person));
            let fold = PersonFold::of(&known.model, Inputs::default(), Vec::new());
            let pushed = folded.push(&known.model, &known.run, person, &fold, &[]);
            pushed.expect("a person");
        }
        folded
            .finish(&known.model, &known.run, std::iter::empty())
            .expect("a batch")
    }
}

impl DisplayAs for Faulty {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Faulty")
    }
}

impl ExecutionPlan for Faulty {
    fn name(&self) -> &'static str {
        "Faulty"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        _: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn execute(&self, _: usize, _: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let (fault, on_worker) = (self.fault, self.on_worker);
        let batches = stream::iter(0..Self::BATCHES).then(move |n| async move {
            match fault {
                Fault::Panics => assert!(!on_worker || n == 0, "as it is asked to"),
                Fault::FallsSilent if on_worker && n > 0 => std::future::pending().await,
                Fault::Repeats if on_worker => return Ok(Self::batch(0)),
                Fault::FallsSilent | Fault::Repeats => {}
            }
            Ok::<_, DataFusionError>(Self::batch(n))
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(
            folds::schema(),
            batches,
        )))
    }
}

fn known() -> Known {
    let [one, two, three] = [1, 2, 3].map(|n| AccountKey::from_uuid(Uuid::from_u128(n)));
    let owners = HashMap::from([(one, PersonKey::from(two)), (three, PersonKey::from(three))]);
    let domain = &Framework::seconde().domains[2];
    let competency = domain.competencies[1].uri.as_str();
    let evaluation = |n: u128, finding| Evaluation {
        key: FoldKey {
            answered_at: 7,
            device_id: None,
            device_seq: Some(-3),
            id: StatementId::from_uuid(Uuid::from_u128(n)),
        },
        competency: key64(competency),
        uri: competency.into(),
        finding,
    };
    let four = Degree::new(4).expect("a degree");
    let inputs = Inputs {
        declared: BTreeMap::from([(key64(&domain.uri), four)]),
        voie: Some(Voie::Professionnelle),
        evaluations: vec![
            evaluation(8, Finding::Share(0.1 + 0.2)),
            evaluation(9, Finding::Degree(four)),
        ],
    };
    Known {
        model: Arc::new(Model::new(Framework::seconde(), &[])),
        run: Run {
            run: 12,
            as_of: DateTime::from_timestamp_micros(1_234_567_890).expect("a time"),
            upto: Upto::AsOf,
        },
        shared: shared(&owners),
        owners,
        left_out: [StatementId::from_uuid(Uuid::from_u128(77))].into(),
        inputs: BTreeMap::from([(PersonKey::from(two), inputs)]),
    }
}

/// A lake, a token, and workers in this process.
struct Installation {
    folder: TempDir,
    workers: Vec<String>,
    stops: Vec<DropGuard>,
}

impl Installation {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("token"), "t".repeat(40)).expect("a file");
        Self {
            folder,
            workers: Vec::new(),
            stops: Vec::new(),
        }
    }

    fn lake(&self) -> Lake {
        Lake::at(&self.config().lake_root)
    }

    fn config(&self) -> AnalyticsConfig {
        let mut config = AnalyticsConfig::load(&Settings::defaults()).expect("the defaults");
        let folder = self.folder.path();
        config.lake_root = folder.join("lake").display().to_string();
        config.analytics.workers = self.workers.join(",");
        config.analytics.worker_token_file = folder.join("token").display().to_string();
        config.analytics.worker_silence_max_s = 2;
        config
    }

    async fn worker(&mut self, version: String) {
        let worker = Worker::listen(&self.config(), "127.0.0.1:0").await;
        let worker = worker.expect("a worker");
        self.workers.push(worker.address().to_string());
        let stop = CancellationToken::new();
        tokio::spawn(worker.serve_as(version, stop.clone()));
        self.stops.push(stop.drop_guard());
    }

    fn all(&self) -> Workers {
        let workers = Workers::of(&self.config()).expect("settings");
        workers.expect("workers")
    }

    /// What comes of a part with a fault: the persons, and how many attempts failed, and succeeded here.
    async fn fold(&self, fault: Fault) -> (BTreeSet<PersonKey>, usize, usize) {
        let session = job_session(64 << 20, 1).expect("a session");
        let workers = self.all();
        let found = workers.channels.find().await;
        let parts: Vec<Arc<dyn ExecutionPlan>> = vec![Arc::new(Faulty::new(fault, false))];
        let lake = self.lake();
        let known = Arc::new(known());
        let started = schedule::start(&session, &lake, &known, parts, found, workers);
        let (mut stream, progress) = started.await.expect("a start");
        let mut persons = BTreeSet::new();
        while let Some(batch) = stream.next().await {
            for person in Folds::new(batch.expect("a batch")).persons() {
                assert!(persons.insert(person), "{person} came twice");
            }
        }
        (persons, progress.failed(), progress.here())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_part_that_workers_cannot_fold_is_folded_here_and_nobody_comes_twice() {
    for fault in [Fault::Panics, Fault::FallsSilent, Fault::Repeats] {
        let mut installation = Installation::new();
        for _ in 0..3 {
            installation.worker(Version::of(1)).await;
        }
        let folded = installation.fold(fault);
        let folded = tokio::time::timeout(Duration::from_secs(60), folded).await;
        let (persons, failed, here) = folded.expect("an end");
        assert_eq!((persons.len(), failed, here), (30, 2, 1), "{fault:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_of_other_code_is_not_asked() {
    let mut installation = Installation::new();
    installation.worker("0123456789abcdef 2".to_owned()).await;
    installation.worker(Version::of(2)).await;
    let found = installation.all().channels.find().await;
    let urls: Vec<_> = found.iter().map(|one| one.url.to_string()).collect();
    assert_eq!(urls, [format!("tcp://{}", installation.workers[1])]);
    assert_eq!(found[0].threads, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_folded_with_crosses_bit_for_bit_and_nothing_else_is_taken_for_it() {
    let installation = Installation::new();
    let (known, lake) = (known(), installation.lake());
    let stored = Stored::write(&lake, &known).await.expect("a file");
    let read = stored.reference.read(&lake).await.expect("the same");
    assert_eq!(read.model.fingerprint(), known.model.fingerprint());
    assert_eq!(read.model.subjects(), known.model.subjects());
    assert_eq!(read.run.run, known.run.run);
    assert_eq!(read.run.as_of, known.run.as_of);
    assert_eq!(read.owners, known.owners);
    assert_eq!(read.shared, known.shared);
    assert_eq!(read.left_out, known.left_out);
    assert_eq!(read.inputs, known.inputs);

    let name = stored.reference.as_str().split('/').next().expect("a name");
    lake.write_shared(name, b"other".to_vec())
        .await
        .expect("a file");
    let read = stored.reference.read(&lake).await;
    assert!(matches!(read, Err(WireError::Other)), "{read:?}");
    let other = stored.reference.clone();
    stored.remove().await.expect("no file");
    let read = other.read(&lake).await;
    assert!(matches!(read, Err(WireError::Lake(_))), "{read:?}");
}

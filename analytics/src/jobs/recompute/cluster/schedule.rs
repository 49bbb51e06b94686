//! Which part is folded where, and what becomes of one whose worker failed.
//!
//! Persons are given on as they come. A part that is folded again gives the same persons, bit for bit, because a fold
//! depends on nothing else than its answers: those that were given on already are left out then. So nothing waits
//! for the end of a part, and nothing is given twice.

use std::collections::{HashSet, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ::lake::Lake;
use arrow::array::RecordBatch;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::execution::{SendableRecordBatchStream, SessionStateBuilder, TaskContext};
use datafusion::physical_plan::stream::RecordBatchReceiverStream;
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use datafusion::prelude::{SessionConfig, SessionContext};
use datafusion_distributed::{
    DistributedExec, DistributedExt as _, NetworkBoundary as _, NetworkCoalesceExec,
    RouteTasksEvent, RouteTasksEventResponse, Stage,
};
use futures::StreamExt as _;
use http::{HeaderMap, HeaderValue};
use schemas::ids::PersonKey;
use tokio::sync::mpsc::Sender;
use tokio::task::JoinSet;
use url::Url;
use uuid::Uuid;

use super::super::folds::{self, Folds};
use super::super::operator::{Known, failed};
use super::super::{RecomputeError, plan};
use super::Workers;
use super::channel::{Channels, Found};
use super::codec::Codec;
use super::wire::{Reference, Stored};

/// The header that names a run's file.
pub(super) const RUN_HEADER: &str = "sillage-run";

/// Workers that a part is given to at most. One that fails twice has something that workers cannot do: it is folded
/// here, where its fault is told as it is.
const WORKERS_A_PART: u32 = 2;

/// Batches that wait for whoever writes them.
const WAITING: usize = 4;

/// How many parts were folded where, as far as the run is.
#[derive(Debug, Default)]
pub struct Progress {
    workers: Mutex<Vec<(String, usize)>>,
    here: AtomicUsize,
    failed: AtomicUsize,
}

impl Progress {
    /// Parts that a worker folded, by its address.
    #[must_use]
    pub fn on_workers(&self) -> Vec<(String, usize)> {
        let workers = self.workers.lock().unwrap_or_else(PoisonError::into_inner);
        workers.clone()
    }

    /// Parts that were folded here.
    #[must_use]
    pub fn here(&self) -> usize {
        self.here.load(Ordering::Relaxed)
    }

    /// Parts that a worker began and did not end.
    #[must_use]
    pub fn failed(&self) -> usize {
        self.failed.load(Ordering::Relaxed)
    }

    fn done(&self, place: &Place) {
        let Place::Worker(url) = place else {
            self.here.fetch_add(1, Ordering::Relaxed);
            return;
        };
        let mut workers = self.workers.lock().unwrap_or_else(PoisonError::into_inner);
        let known = workers.iter_mut().find(|(known, _)| known == url.as_str());
        match known {
            Some((_, parts)) => *parts += 1,
            None => workers.push((url.to_string(), 1)),
        }
    }
}

/// Starts all parts; the persons come in no particular order.
pub(super) async fn start(
    session: &SessionContext,
    lake: &Lake,
    known: &Arc<Known>,
    parts: Vec<Arc<dyn ExecutionPlan>>,
    found: Vec<Found>,
    workers: Workers,
) -> std::result::Result<(SendableRecordBatchStream, Arc<Progress>), RecomputeError> {
    let external = |error| DataFusionError::External(Box::new(error));
    let stored = Stored::write(lake, known).await.map_err(external)?;
    let progress = Arc::new(Progress::default());
    let run = Run {
        here: session.task_ctx(),
        there: There {
            config: session.copied_config(),
            runtime: session.runtime_env(),
            channels: workers.channels,
            known: Arc::clone(known),
            reference: stored.reference.clone(),
        },
        silence_max: workers.silence_max,
    };
    let schedule = Schedule::new(parts, &found, session.copied_config().target_partitions());
    let mut stream = RecordBatchReceiverStream::builder(folds::schema(), WAITING);
    let (batches, told) = (stream.tx(), Arc::clone(&progress));
    stream.spawn(async move {
        let outcome = schedule.run(Arc::new(run), batches, &told).await;
        if let Err(error) = stored.remove().await {
            let error = service::error::chain(&error);
            tracing::warn!(error, "could not remove the run's file from the lake");
        }
        tracing::info!(
            on_workers = ?told.on_workers(),
            here = told.here(),
            failed = told.failed(),
            "parts folded"
        );
        outcome
    });
    Ok((stream.build(), progress))
}

/// A part, and who was given on of it.
#[derive(Debug)]
struct Part {
    plan: Arc<dyn ExecutionPlan>,
    given: HashSet<PersonKey>,
    /// Workers that it was given to.
    tried: u32,
}

impl Part {
    /// The rows of persons who were not given on before. `now` are those whom the place has given.
    fn new_rows(
        &mut self,
        batch: RecordBatch,
        now: &mut HashSet<PersonKey>,
    ) -> std::result::Result<RecordBatch, RecomputeError> {
        let persons = Folds::new(batch.clone());
        let mut new = Vec::with_capacity(batch.num_rows());
        for person in persons.persons() {
            if !now.insert(person) {
                return Err(RecomputeError::Order);
            }
            new.push(self.given.insert(person));
        }
        // A batch counts the answers of its own persons, all in one row: it is given on whole, or not at all.
        match new.iter().filter(|new| **new).count() {
            0 => Ok(batch.slice(0, 0)),
            count if count == new.len() => Ok(batch),
            _ => Err(RecomputeError::Order),
        }
    }
}

/// Where a part may be folded.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    Worker(Url),
    Here,
}

/// What came of a part at a place.
struct Attempt {
    part: Part,
    place: Place,
    outcome: Outcome,
}

enum Outcome {
    Done,
    Failed(DataFusionError),
    /// Nobody wants the persons any more.
    Unwanted,
}

/// Parts that wait, and places that are free.
struct Schedule {
    waiting: VecDeque<Part>,
    free: Vec<Place>,
    /// Workers that have not failed.
    alive: HashSet<Url>,
    running: JoinSet<Attempt>,
}

impl Schedule {
    fn new(plans: Vec<Arc<dyn ExecutionPlan>>, found: &[Found], here: usize) -> Self {
        let part = |plan| Part {
            plan: plan::in_one_stream(plan),
            given: HashSet::new(),
            tried: 0,
        };
        let mut free = vec![Place::Here; here.max(1)];
        // In turns, so that the first parts go to as many machines as there are.
        for n in 0..found.iter().map(|worker| worker.threads).max().unwrap_or(0) {
            let with_room = found.iter().filter(|worker| n < worker.threads);
            free.extend(with_room.map(|worker| Place::Worker(worker.url.clone())));
        }
        Self {
            waiting: plans.into_iter().map(part).collect(),
            free,
            alive: found.iter().map(|worker| worker.url.clone()).collect(),
            running: JoinSet::new(),
        }
    }

    /// Until all parts are folded, or one cannot be folded here either.
    async fn run(
        mut self,
        run: Arc<Run>,
        batches: Sender<Result<RecordBatch>>,
        progress: &Progress,
    ) -> Result<()> {
        loop {
            while let Some((part, place)) = self.next() {
                let attempt = run.attempt(part, place, batches.clone());
                self.running.spawn(attempt);
            }
            let Some(attempt) = self.running.join_next().await else {
                return Ok(());
            };
            let Attempt {
                mut part,
                place,
                outcome,
            } = attempt.map_err(|error| DataFusionError::External(Box::new(error)))?;
            match (outcome, &place) {
                (Outcome::Done, _) => progress.done(&place),
                (Outcome::Unwanted, _) => return Ok(()),
                (Outcome::Failed(error), Place::Here) => return Err(error),
                (Outcome::Failed(error), Place::Worker(url)) => {
                    let error = service::error::chain(&error);
                    tracing::warn!(worker = %url, error, "a worker did not fold its part");
                    progress.failed.fetch_add(1, Ordering::Relaxed);
                    self.alive.remove(url);
                    self.free.retain(|free| *free != place);
                    part.tried += 1;
                    self.waiting.push_front(part);
                }
            }
            if self.is_usable(&place) {
                self.free.push(place);
            }
        }
    }

    fn is_usable(&self, place: &Place) -> bool {
        match place {
            Place::Worker(url) => self.alive.contains(url),
            Place::Here => true,
        }
    }

    /// A part and a free place that may have it.
    fn next(&mut self) -> Option<(Part, Place)> {
        for n in 0..self.waiting.len() {
            let here = self.alive.is_empty() || self.waiting[n].tried >= WORKERS_A_PART;
            let fits = |place: &Place| (*place == Place::Here) == here;
            if let Some(place) = self.free.iter().position(fits) {
                let part = self.waiting.remove(n)?;
                return Some((part, self.free.remove(place)));
            }
        }
        None
    }
}

/// What all attempts of a run share.
struct Run {
    here: Arc<TaskContext>,
    there: There,
    silence_max: Duration,
}

impl Run {
    fn attempt(
        self: &Arc<Self>,
        mut part: Part,
        place: Place,
        batches: Sender<Result<RecordBatch>>,
    ) -> Pin<Box<dyn Future<Output = Attempt> + Send>> {
        let run = Arc::clone(self);
        Box::pin(async move {
            let outcome = match run.fold(&mut part, &place, &batches).await {
                Ok(outcome) => outcome,
                Err(error) => Outcome::Failed(error),
            };
            Attempt {
                part,
                place,
                outcome,
            }
        })
    }

    async fn fold(
        &self,
        part: &mut Part,
        place: &Place,
        batches: &Sender<Result<RecordBatch>>,
    ) -> Result<Outcome> {
        let plan = Arc::clone(&part.plan);
        let (mut stream, patience) = match place {
            Place::Here => (execute_stream(plan, Arc::clone(&self.here))?, None),
            Place::Worker(url) => (self.there.execute(plan, url)?, Some(self.silence_max)),
        };
        let mut now = HashSet::new();
        loop {
            let next = match patience {
                None => stream.next().await,
                Some(patience) => {
                    let next = tokio::time::timeout(patience, stream.next()).await;
                    next.map_err(|_| {
                        DataFusionError::Execution("a worker has fallen silent".to_owned())
                    })?
                }
            };
            let Some(batch) = next.transpose()? else {
                return Ok(Outcome::Done);
            };
            let new = part.new_rows(batch, &mut now).map_err(failed)?;
            if new.num_rows() > 0 && batches.send(Ok(new)).await.is_err() {
                return Ok(Outcome::Unwanted);
            }
        }
    }
}

/// What a part needs to be folded by a worker.
struct There {
    config: SessionConfig,
    runtime: Arc<RuntimeEnv>,
    channels: Channels,
    known: Arc<Known>,
    reference: Reference,
}

impl There {
    /// The part as one stage of one task, on this worker.
    fn execute(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        url: &Url,
    ) -> Result<SendableRecordBatchStream> {
        let boundary = NetworkCoalesceExec::try_new(plan, 1, 1)?;
        let mut stage = boundary.input_stage().clone();
        if let Stage::Local(stage) = &mut stage {
            // What a worker knows the task by.
            stage.query_id = Uuid::new_v4();
            stage.num = 1;
        }
        let boundary: Arc<dyn ExecutionPlan> = boundary.with_input_stage(stage)?;
        let plan = Arc::new(DistributedExec::new(boundary));
        execute_stream(plan, self.context(url)?)
    }

    fn context(&self, url: &Url) -> Result<Arc<TaskContext>> {
        let value = HeaderValue::from_str(self.reference.as_str());
        let value = value.map_err(|error| DataFusionError::External(Box::new(error)))?;
        let mut headers = HeaderMap::new();
        headers.insert(RUN_HEADER, value);
        let url = url.clone();
        let route = move |event: RouteTasksEvent<'_>| {
            let urls = vec![url.clone(); event.task_count];
            Some(Ok(RouteTasksEventResponse::new(urls)))
        };
        let state = SessionStateBuilder::new()
            .with_default_features()
            .with_config(self.config.clone())
            .with_runtime_env(Arc::clone(&self.runtime))
            .with_distributed_channel_resolver(self.channels.clone())
            .with_distributed_route_tasks_handler(route)
            .with_distributed_user_codec(Codec(Arc::clone(&self.known)))
            .with_distributed_passthrough_headers(headers)?
            .build();
        Ok(state.task_ctx())
    }
}

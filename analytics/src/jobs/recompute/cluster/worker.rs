//! The other end: a process that folds the parts it is given.
//!
//! It reads the lake's files itself, so it must be told of the same lake as whoever asks it. It keeps nothing, and
//! needs no database. Whoever has the token may have it read whatever it can read.

use std::any::Any;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Weak};
use std::time::Duration;

use ::lake::{Lake, LakeError};
use arrow::ipc::writer::StreamWriter;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::execution::{FunctionRegistry as _, SessionState};
use datafusion_distributed::{
    DistributedExt as _, ExecuteTaskRequest, MaybeEncoded, ProducerHead, SetPlanRequest, TaskKey,
    WorkerQueryContext,
};
use futures::{FutureExt as _, StreamExt as _};
use http::{HeaderMap, HeaderName, HeaderValue};
use service::threads::Threads;
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::task::{AbortHandle, JoinSet};
use tokio_util::sync::CancellationToken;
use url::Url;
use uuid::Uuid;

use super::super::operator::Known;
use super::super::plan;
use super::WorkersError;
use super::channel::{self, Version};
use super::codec::Codec;
use super::frames::{self, Ask, BEAT_EVERY, Task, Token, Told, tell};
use super::schedule::RUN_HEADER;
use super::wire::Reference;
use crate::config::AnalyticsConfig;
use crate::lake::job_session;

/// How long a request may take to come.
const ASKED_WITHIN: Duration = Duration::from_secs(15);

/// Batches that wait to be sent.
const WAITING: usize = 2;

/// Why a worker does not run.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// The token cannot be read.
    #[error(transparent)]
    Token(#[from] WorkersError),
    /// The lake is not where the settings say.
    #[error("could not use the lake")]
    Lake(#[from] LakeError),
    /// No session could be made.
    #[error("could not make a session")]
    Session(#[from] DataFusionError),
    /// The address cannot be listened on.
    #[error("could not listen on {0}")]
    Listen(String, #[source] io::Error),
    /// The system gives no thread.
    #[error("could not start the threads that fold")]
    Threads(#[source] io::Error),
}

/// A worker that listens.
#[derive(Debug)]
pub struct Worker {
    listener: TcpListener,
    address: SocketAddr,
    token: Token,
    folding: Arc<Folding>,
    threads: usize,
    /// What answers requests and gives signs of life has others.
    folds_on: Threads,
}

/// What all parts share.
struct Folding {
    lake: Lake,
    memory_bytes: usize,
    threads: usize,
    runtime: Arc<RuntimeEnv>,
    /// What the run in hand folds with, as long as a part of it is here.
    known: Mutex<Option<(Reference, Weak<Known>)>>,
}

impl std::fmt::Debug for Folding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Folding").finish_non_exhaustive()
    }
}

impl Worker {
    /// Listens. The memory and the threads are those of a recomputation
    /// (`analytics.recompute_memory_bytes`, `analytics.recompute_threads`).
    pub async fn listen(
        config: &AnalyticsConfig,
        address: &str,
    ) -> std::result::Result<Self, WorkerError> {
        let token = channel::token(config)?;
        let lake = Lake::at(&config.lake_root);
        let memory_bytes = config.analytics.recompute_memory_bytes;
        let threads = config.recompute_threads();
        let runtime = job_session(memory_bytes, threads)?.runtime_env();
        lake.know_store(&runtime)?;
        let refused = |error| WorkerError::Listen(address.to_owned(), error);
        let listener = TcpListener::bind(address).await.map_err(refused)?;
        Ok(Self {
            address: listener.local_addr().map_err(refused)?,
            listener,
            token,
            folding: Arc::new(Folding {
                lake,
                memory_bytes,
                threads,
                runtime,
                known: Mutex::new(None),
            }),
            threads,
            folds_on: Threads::start("fold", threads).map_err(WorkerError::Threads)?,
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Folds what it is given, until `shutdown`.
    pub async fn serve(self, shutdown: CancellationToken) {
        let version = Version::of(self.threads);
        self.serve_as(version, shutdown).await;
    }

    /// The same as a worker that says so of itself.
    pub(super) async fn serve_as(self, version: String, shutdown: CancellationToken) {
        let folding = self.folding;
        let runtime = Arc::clone(&folding.runtime);
        let library = datafusion_distributed::Worker::from_session_builder(move |asked| {
            let folding = Arc::clone(&folding);
            async move { folding.session(asked).await }
        });
        let serving = Arc::new(Serving {
            library: library.with_runtime_env(runtime).with_version(version),
            token: self.token,
            folds_on: self.folds_on,
        });
        let mut open = JoinSet::new();
        loop {
            let taken = tokio::select! {
                () = shutdown.cancelled() => return,
                Some(_) = open.join_next() => continue,
                taken = self.listener.accept() => taken,
            };
            match taken {
                Ok((stream, _)) => {
                    let serving = Arc::clone(&serving);
                    open.spawn(async move { serving.serve(stream).await });
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection was not taken");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }
}

/// What each connection is served with.
struct Serving {
    library: datafusion_distributed::Worker,
    token: Token,
    folds_on: Threads,
}

impl Serving {
    async fn serve(&self, mut stream: TcpStream) {
        let asked = tokio::time::timeout(ASKED_WITHIN, frames::asked(&mut stream, &self.token));
        let ask = match asked.await {
            Ok(Ok(Some(ask))) => ask,
            Ok(Ok(None)) => {
                tracing::warn!("a request without the token was refused");
                return;
            }
            // Whoever asked has gone.
            Ok(Err(_)) | Err(_) => return,
        };
        let served = match ask {
            Ask::Version => {
                let version = self.library.version().to_owned();
                tell(&mut stream, Told::Version(version)).await
            }
            Ask::Prepare { .. } => self.prepare(&mut stream, ask).await,
            Ask::Execute { task } => self.execute(&mut stream, task).await,
        };
        if let Err(error) = served {
            tracing::info!(%error, "whoever asked for a part has gone");
        }
    }

    /// Makes a task ready, and holds it until whoever asked ends the connection.
    async fn prepare(&self, stream: &mut TcpStream, ask: Ask) -> io::Result<()> {
        let (over, messages) = oneshot::channel::<()>();
        let messages = messages.into_stream();
        let messages = messages.filter_map(|_| async { None }).boxed();
        let prepared = match request(ask) {
            Ok((headers, request)) => {
                let library = self.library.clone();
                let asked = async move {
                    library
                        .coordinator_channel(headers, request, messages)
                        .await
                };
                self.on_threads(asked).await
            }
            Err(error) => Err(error),
        };
        let mut answers = match prepared {
            Ok(answers) => answers,
            Err(error) => return tell(stream, Told::Failed(service::error::chain(&error))).await,
        };
        tell(stream, Told::Ready).await?;
        // The other side sends nothing more: what comes is the end.
        let _ = stream.read_u8().await;
        drop(over);
        while answers.next().await.is_some() {}
        Ok(())
    }

    /// Gives the rows of a task, and signs of life between them.
    async fn execute(&self, stream: &mut TcpStream, task: Task) -> io::Result<()> {
        let library = self.library.clone();
        let (batches, mut made) = mpsc::channel(WAITING);
        let folds = self.folds_on.handle().spawn(fold(library, task, batches));
        let _folds = Ends(folds.abort_handle());
        let mut beat = tokio::time::interval(BEAT_EVERY);
        let mut rows = 0;
        loop {
            let made = tokio::select! {
                made = made.recv() => made,
                _ = beat.tick() => {
                    tell(stream, Told::Beat).await?;
                    continue;
                }
            };
            match made {
                Some(Made::Rows(sent, bytes)) => {
                    rows += sent;
                    tell(stream, Told::Rows(bytes)).await?;
                }
                Some(Made::All) => return tell(stream, Told::End(rows)).await,
                Some(Made::Failed(text)) => return tell(stream, Told::Failed(text)).await,
                None => return Ok(()),
            }
        }
    }

    async fn on_threads<T: Send + 'static>(
        &self,
        asked: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        let broken = || DataFusionError::Execution("the part broke off".to_owned());
        let asked = self.folds_on.handle().spawn(asked);
        asked.await.map_err(|_| broken())?
    }
}

/// A task that ends when this is dropped.
struct Ends(AbortHandle);

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What a part has made.
enum Made {
    /// So many rows.
    Rows(u64, Vec<u8>),
    /// No more come.
    All,
    /// What went wrong.
    Failed(String),
}

/// Folds a task. A panic is a failure: the library would take it for the end of the rows.
async fn fold(library: datafusion_distributed::Worker, task: Task, batches: mpsc::Sender<Made>) {
    let given = AssertUnwindSafe(give(&library, task, &batches));
    let last = match given.catch_unwind().await {
        Ok(Ok(())) => Made::All,
        Ok(Err(error)) => Made::Failed(service::error::chain(&error)),
        Err(panic) => Made::Failed(panicked(panic.as_ref())),
    };
    // Where nobody listens, nobody wants it.
    let _ = batches.send(last).await;
}

async fn give(
    library: &datafusion_distributed::Worker,
    task: Task,
    batches: &mpsc::Sender<Made>,
) -> Result<()> {
    let request = ExecuteTaskRequest {
        task_key: key(task),
        target_partition_start: 0,
        target_partition_end: 1,
        producer_head: ProducerHead::None,
    };
    let (streams, _) = library.execute_task(request).await?;
    for mut stream in streams {
        while let Some(batch) = stream.next().await.transpose()? {
            let mut bytes = Vec::new();
            let mut writer = StreamWriter::try_new(&mut bytes, &batch.schema())?;
            writer.write(&batch)?;
            writer.finish()?;
            drop(writer);
            let rows = batch.num_rows() as u64;
            if batches.send(Made::Rows(rows, bytes)).await.is_err() {
                return Ok(());
            }
        }
    }
    Ok(())
}

fn key(task: Task) -> TaskKey {
    TaskKey {
        query_id: Uuid::from_u128(task.query),
        stage_id: task.stage,
        task_number: task.number,
    }
}

/// A request as the library has it.
fn request(ask: Ask) -> Result<(HeaderMap, SetPlanRequest)> {
    let Ask::Prepare {
        task,
        tasks,
        headers: named,
        plan,
        worker,
        started_ns,
    } = ask
    else {
        return Err(DataFusionError::Plan("no plan".to_owned()));
    };
    let mut headers = HeaderMap::new();
    for (name, value) in named {
        let name = HeaderName::try_from(name).map_err(external)?;
        headers.insert(name, HeaderValue::try_from(value).map_err(external)?);
    }
    let request = SetPlanRequest {
        task_key: key(task),
        task_count: tasks,
        plan: MaybeEncoded::Encoded(plan),
        work_unit_feed_declarations: Vec::new(),
        target_worker_url: Url::parse(&worker).map_err(external)?,
        query_start_time_ns: started_ns,
    };
    Ok((headers, request))
}

fn external(error: impl std::error::Error + Send + Sync + 'static) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

fn panicked(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("a panic: {}", text.unwrap_or("of no known kind"))
}

impl Folding {
    /// The session of a part: what its run folds with is in it.
    async fn session(&self, asked: WorkerQueryContext) -> Result<SessionState> {
        let run = asked
            .headers
            .get(RUN_HEADER)
            .and_then(|run| run.to_str().ok());
        let run = run.and_then(Reference::parse);
        let run = run.ok_or_else(|| DataFusionError::Plan("no run is named".to_owned()))?;
        let known = self.known(run).await?;
        let ours = job_session(self.memory_bytes, self.threads)?.copied_config();
        let mut builder = asked.builder;
        if let Some(config) = builder.config().as_mut() {
            let options = config.options_mut();
            options.execution = ours.options().execution.clone();
            options.optimizer = ours.options().optimizer.clone();
        }
        let functions = [plan::is_shared(&known), plan::person_of(&known)];
        let mut state = builder.with_distributed_user_codec(Codec(known)).build();
        for function in functions {
            state.register_udf(Arc::new(function))?;
        }
        Ok(state)
    }

    /// What a run folds with: read once, as long as any part of it is here.
    async fn known(&self, run: Reference) -> Result<Arc<Known>> {
        let mut last = self.known.lock().await;
        if let Some((of, known)) = &*last
            && *of == run
            && let Some(known) = known.upgrade()
        {
            return Ok(known);
        }
        let known = run.read(&self.lake).await;
        let known = known.map_err(|error| DataFusionError::External(Box::new(error)))?;
        let known = Arc::new(known);
        *last = Some((run, Arc::downgrade(&known)));
        Ok(known)
    }
}

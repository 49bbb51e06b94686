//! How workers are spoken to: the library's channel over connections of our own, one a request.

use std::collections::BTreeSet;
use std::fs;
use std::io::Cursor;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::ipc::reader::StreamReader;
use async_trait::async_trait;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::TaskContext;
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use datafusion_distributed::{
    ChannelResolver, CoordinatorToWorkerMsg, ExecuteTaskRequest, GetWorkerInfoRequest,
    GetWorkerInfoResponse, SetPlanRequest, TaskKey, WorkerChannel, WorkerToCoordinatorMsg,
};
use futures::future::join_all;
use futures::stream::BoxStream;
use futures::{StreamExt as _, stream};
use http::HeaderMap;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use url::Url;

use super::frames::{self, Ask, BEAT_WITHIN, Task, Token, Told};
use super::{TOKEN_BYTES, WorkersError};
use crate::config::AnalyticsConfig;

/// How long a worker may take to take a connection, and to answer who it is.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// Reads the token from the file of the settings.
pub(super) fn token(config: &AnalyticsConfig) -> std::result::Result<Token, WorkersError> {
    let path = Path::new(&config.analytics.worker_token_file);
    let text = fs::read_to_string(path);
    let text = text.map_err(|error| WorkersError::Token(path.to_owned(), error))?;
    let text = text.trim();
    let token = Token::new(text.as_bytes()).filter(|_| text.len() >= TOKEN_BYTES);
    token.ok_or_else(|| WorkersError::BadToken(path.to_owned()))
}

/// The addresses of a setting.
pub(super) fn addresses(setting: &str) -> std::result::Result<BTreeSet<Url>, WorkersError> {
    let named = setting.split(',').map(str::trim);
    let parse = |text: &str| {
        let refused = || WorkersError::Address(text.to_owned());
        // The library knows workers by URLs.
        let url = Url::parse(&format!("tcp://{text}")).map_err(|_| refused())?;
        let plain = url.path().is_empty() && url.username().is_empty();
        match url.host().is_some() && url.port().is_some() && plain {
            true => Ok(url),
            false => Err(refused()),
        }
    };
    named.filter(|one| !one.is_empty()).map(parse).collect()
}

/// A worker that may be given parts.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) url: Url,
    /// Parts that it folds at the same time.
    pub(super) threads: usize,
}

/// The workers, and the token for them.
#[derive(Clone, Debug)]
pub(super) struct Channels {
    urls: BTreeSet<Url>,
    token: Token,
}

impl Channels {
    pub(super) fn new(urls: BTreeSet<Url>, token: Token) -> Self {
        Self { urls, token }
    }

    /// Those that answer and are of our code, by address.
    pub(super) async fn find(&self) -> Vec<Found> {
        let answered = join_all(self.urls.iter().map(|url| self.probe(url))).await;
        answered.into_iter().flatten().collect()
    }

    async fn probe(&self, url: &Url) -> Option<Found> {
        let mut channel = self.to(url);
        let asked = channel.get_worker_info(GetWorkerInfoRequest {});
        let version = match tokio::time::timeout(ANSWER_WITHIN, asked).await {
            Ok(Ok(info)) => info.version,
            Ok(Err(error)) => {
                let error = service::error::chain(&error);
                tracing::warn!(worker = %url, error, "a worker cannot be used");
                return None;
            }
            Err(_) => {
                tracing::warn!(worker = %url, "a worker does not answer");
                return None;
            }
        };
        let Some(threads) = Version::threads_of_our_code(&version) else {
            tracing::warn!(worker = %url, version, ours = Version::CODE, "a worker is of other code");
            return None;
        };
        Some(Found {
            url: url.clone(),
            threads,
        })
    }

    fn to(&self, url: &Url) -> Channel {
        Channel {
            url: url.clone(),
            token: self.token.clone(),
        }
    }
}

#[async_trait]
impl ChannelResolver for Channels {
    async fn get_worker_client_for_url(&self, url: &Url) -> Result<Box<dyn WorkerChannel>> {
        Ok(Box::new(self.to(url)))
    }
}

/// One worker.
struct Channel {
    url: Url,
    token: Token,
}

impl Channel {
    /// A connection on which something was asked.
    async fn ask(&self, ask: &Ask) -> Result<TcpStream> {
        let connect = async {
            let host = self.url.host_str().unwrap_or_default();
            let host = host.trim_start_matches('[').trim_end_matches(']');
            let mut stream = TcpStream::connect((host, self.url.port().unwrap_or(0))).await?;
            stream.set_nodelay(true)?;
            frames::ask(&mut stream, &self.token, ask).await?;
            Ok(stream)
        };
        let connected = tokio::time::timeout(BEAT_WITHIN, connect).await;
        connected
            .map_err(|_| failed("the connection was not taken"))?
            .map_err(DataFusionError::IoError)
    }
}

fn failed(what: &str) -> DataFusionError {
    DataFusionError::Execution(what.to_owned())
}

/// The next answer that is not a mere sign of life.
async fn next(stream: &mut TcpStream) -> Result<Told> {
    loop {
        match frames::told(stream)
            .await
            .map_err(DataFusionError::IoError)?
        {
            Told::Beat => {}
            Told::Failed(text) => return Err(DataFusionError::Execution(text)),
            other => return Ok(other),
        }
    }
}

fn task(key: TaskKey) -> Task {
    Task {
        query: key.query_id.as_u128(),
        stage: key.stage_id,
        number: key.task_number,
    }
}

#[async_trait]
impl WorkerChannel for Channel {
    async fn coordinator_channel(
        &mut self,
        headers: HeaderMap,
        request: SetPlanRequest,
        messages: BoxStream<'static, CoordinatorToWorkerMsg>,
        _: ExecutionPlanMetricsSet,
        context: &Arc<TaskContext>,
    ) -> Result<BoxStream<'static, Result<WorkerToCoordinatorMsg>>> {
        let headers = headers.iter();
        let ask = Ask::Prepare {
            task: task(request.task_key),
            tasks: request.task_count,
            headers: headers
                .map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()))
                .collect(),
            plan: request.plan.encode(context)?,
            worker: self.url.to_string(),
            started_ns: request.query_start_time_ns,
        };
        let mut stream = self.ask(&ask).await?;
        let Told::Ready = next(&mut stream).await? else {
            return Err(failed("a worker did not say that it is ready"));
        };
        // The task is over when the messages are: our plans have none but their end.
        let over = async move {
            messages.for_each(|_| async {}).await;
            let ended = stream.shutdown().await;
            ended
                .err()
                .map(|error| Err(DataFusionError::IoError(error)))
        };
        Ok(stream::once(over)
            .filter_map(|error| async { error })
            .boxed())
    }

    async fn execute_task(
        &mut self,
        _: HeaderMap,
        request: ExecuteTaskRequest,
        _: ExecutionPlanMetricsSet,
        _: &Arc<TaskContext>,
    ) -> Result<Vec<BoxStream<'static, Result<RecordBatch>>>> {
        if (request.target_partition_start, request.target_partition_end) != (0, 1) {
            return Err(failed("a part has one stream"));
        }
        let ask = Ask::Execute {
            task: task(request.task_key),
        };
        let stream = self.ask(&ask).await?;
        let rows = stream::unfold(Some((stream, 0)), |state| async {
            let (mut stream, mut rows) = state?;
            match batch(&mut stream, &mut rows).await {
                Ok(Some(batch)) => Some((Ok(batch), Some((stream, rows)))),
                Ok(None) => None,
                Err(error) => Some((Err(error), None)),
            }
        });
        Ok(vec![rows.boxed()])
    }

    async fn get_worker_info(&mut self, _: GetWorkerInfoRequest) -> Result<GetWorkerInfoResponse> {
        let mut stream = self.ask(&Ask::Version).await?;
        match next(&mut stream).await? {
            Told::Version(version) => Ok(GetWorkerInfoResponse { version }),
            _ => Err(failed("a worker did not say who it is")),
        }
    }
}

/// The next rows; none at the end, if as many came as were sent.
async fn batch(stream: &mut TcpStream, rows: &mut u64) -> Result<Option<RecordBatch>> {
    match next(stream).await? {
        Told::Rows(bytes) => {
            let mut reader = StreamReader::try_new(Cursor::new(bytes), None)?;
            let batch = reader
                .next()
                .ok_or_else(|| failed("an answer without rows"))??;
            *rows += batch.num_rows() as u64;
            Ok(Some(batch))
        }
        Told::End(sent) if sent == *rows => Ok(None),
        Told::End(sent) => Err(failed(&format!("{rows} rows came of {sent}"))),
        _ => Err(failed("an answer to nothing that was asked")),
    }
}

/// What a worker says of itself: its code, and on how many threads it folds.
#[derive(Debug)]
pub(super) struct Version;

impl Version {
    /// What changes with any line that is compiled into a worker (`analytics/build.rs`).
    pub(super) const CODE: &str = env!("ANALYTICS_CODE");

    pub(super) fn of(threads: usize) -> String {
        format!("{} {threads}", Self::CODE)
    }

    fn threads_of_our_code(version: &str) -> Option<usize> {
        let (code, threads) = version.split_once(' ')?;
        let threads = threads.parse().ok()?;
        (code == Self::CODE && threads > 0).then_some(threads)
    }
}

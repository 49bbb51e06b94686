//! Questions in SQL over the lake's tables: reading alone, within limits.

mod buckets;

use std::error::Error;
use std::sync::Arc;

use arrow::error::ArrowError;
use datafusion::error::DataFusionError;
use datafusion::execution::context::SQLOptions;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::execution::{SendableRecordBatchStream, SessionStateBuilder};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::prelude::{SessionConfig, SessionContext};
use datafusion::sql::sqlparser::parser::ParserError;
use futures::stream::{self, StreamExt as _};
use schemas::tables::ALL;

use crate::pool::SpillPool;
use crate::{Lake, LakeError, LakeTable, snapshot};
use buckets::BucketOfAccount;

/// Rows that go through a plan at a time. A statement unpacks to some two kilobytes, and a merge of
/// sorted runs holds a batch of each.
const BATCH_ROWS: usize = 2048;

/// Memory for which a question is answered in one part more, up to one a processor.
const PART_BYTES: usize = 128 << 20;

/// What an error names that comes of too much being spilled: it is one of writing else.
const SPILL_SETTING: &str = "max_temp_directory_size";

/// What a question may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Memory of sorts, groups and joins, in bytes; beyond, they spill to disk as far as they can.
    pub memory_bytes: usize,
    /// What may be spilled, in bytes.
    pub spill_bytes: u64,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum SqlError {
    /// The place holds none of the tables.
    #[error("there is no lake at {0}")]
    NoLake(String),
    /// A table cannot be read.
    #[error(transparent)]
    Lake(#[from] LakeError),
    /// It is no question, not one question, or asks for what is not there.
    #[error("{0}")]
    Question(String),
    /// It takes more memory, or spills more, than its limits allow.
    #[error("the query takes more than its limits allow: {0}")]
    Limits(String),
    /// Another failure, such as a file that cannot be read.
    #[error("the query failed")]
    Failed(#[source] DataFusionError),
}

impl From<DataFusionError> for SqlError {
    fn from(error: DataFusionError) -> Self {
        let said = || one_line(error.message().as_ref());
        match error.find_root() {
            DataFusionError::ResourcesExhausted(why) => Self::Limits(one_line(why)),
            DataFusionError::SQL(why, _) => match why.as_ref() {
                ParserError::TokenizerError(why) | ParserError::ParserError(why) => {
                    Self::Question(one_line(why))
                }
                ParserError::RecursionLimitExceeded => Self::Question(said()),
            },
            DataFusionError::SchemaError(why, _) => Self::Question(one_line(&why.to_string())),
            DataFusionError::Plan(why) | DataFusionError::NotImplemented(why) => {
                Self::Question(one_line(why))
            }
            DataFusionError::ArrowError(why, _) => match why.as_ref() {
                ArrowError::IoError(why, _) if why.contains(SPILL_SETTING) => {
                    Self::Limits(one_line(why))
                }
                ArrowError::IoError(..) | ArrowError::ExternalError(_) => Self::Failed(error),
                // Division by zero, a text that is no number: of the values, so found while it runs.
                why => Self::Question(one_line(&why.to_string())),
            },
            DataFusionError::Execution(why) if error.source().is_none() => {
                Self::Question(one_line(why))
            }
            _ => Self::Failed(error),
        }
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The tables of a lake, each at the version that was the newest when it was opened.
///
/// They are the tables of `schemas::tables` and the view `statements_valid`; a table that nobody has
/// written yet is empty. Nothing else can be reached: no file, no address, and no way to write.
#[derive(Clone)]
pub struct Questions {
    session: SessionContext,
}

impl std::fmt::Debug for Questions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Questions").finish_non_exhaustive()
    }
}

impl Questions {
    /// Opens the tables.
    ///
    /// # Errors
    /// [`SqlError::NoLake`] where none of them has been made.
    pub async fn open(lake: &Lake, limits: Limits) -> Result<Self, SqlError> {
        let session = session(limits)?;
        let mut found = false;
        for declared in ALL {
            let table = LakeTable::existing(lake, declared).await?;
            found |= table.is_some();
            snapshot::register_if_any(&session, declared, table.as_ref()).await?;
        }
        if !found {
            return Err(SqlError::NoLake(lake.root().to_owned()));
        }
        session
            .sql(include_str!("sql/statements_valid.sql"))
            .await?;
        Ok(Self { session })
    }

    /// The rows that answer one question (`SELECT`, `EXPLAIN`, `DESCRIBE`, `SHOW TABLES`), as they come.
    ///
    /// # Errors
    /// [`SqlError::Question`] for what is not to be answered, [`SqlError::Limits`] beyond the limits;
    /// the stream's own errors become these by `SqlError::from`.
    pub async fn ask(&self, question: &str) -> Result<SendableRecordBatchStream, SqlError> {
        match begin(&self.session, question).await {
            // A plan in several parts needs memory of its own to put them together.
            Err(SqlError::Limits(_)) => begin(&in_one_part(&self.session), question).await,
            other => other,
        }
    }
}

/// The rows, once the first are there: a sort has read all its input then.
async fn begin(
    session: &SessionContext,
    question: &str,
) -> Result<SendableRecordBatchStream, SqlError> {
    let reading = SQLOptions::new()
        .with_allow_ddl(false)
        .with_allow_dml(false)
        .with_allow_statements(false);
    let rows = session.sql_with_options(question, reading).await?;
    let mut rows = rows.execute_stream().await?;
    let schema = rows.schema();
    let first = rows.next().await.transpose()?;
    let all = stream::iter(first.map(Ok)).chain(rows);
    Ok(Box::pin(RecordBatchStreamAdapter::new(schema, all)))
}

fn in_one_part(session: &SessionContext) -> SessionContext {
    let config = session.copied_config().with_target_partitions(1);
    let state = SessionStateBuilder::new_from_existing(session.state()).with_config(config);
    SessionContext::new_with_state(state.build())
}

fn session(limits: Limits) -> Result<SessionContext, DataFusionError> {
    let runtime = RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(SpillPool::new(limits.memory_bytes)))
        .with_max_temp_directory_size(limits.spill_bytes)
        .build_arc()?;
    // What each sort keeps for its last merge: with the default of 10 MB, little memory is none.
    let reserve = (limits.memory_bytes / 32).min(10 << 20);
    let config = SessionConfig::new();
    // Putting parts together takes memory that none of them gives back, in the middle of an answer.
    let parts = (limits.memory_bytes / PART_BYTES).clamp(1, config.target_partitions());
    let config = config
        .with_target_partitions(parts)
        .with_information_schema(true)
        .with_batch_size(BATCH_ROWS)
        .with_sort_spill_reservation_bytes(reserve);
    let state = SessionStateBuilder::new()
        .with_config(config)
        .with_runtime_env(runtime)
        .with_default_features()
        .with_optimizer_rules(BucketOfAccount::among_the_usual())
        .build();
    Ok(SessionContext::new_with_state(state))
}

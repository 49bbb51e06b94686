//! Engines that answer questions in SQL over the lake's files, each in a process of its own: Sillage's, as
//! `sillage sql` has it, and `DuckDB`.
//!
//! Both are told the same files, threads and memory by a line of their input, and asked by lines after it. A
//! time counts inside the process, from the question until all its rows are there. They end with their input.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Instant;

use analytics::lake::MasteryRows;
use anyhow::{Context as _, bail, ensure};
use arrow::array::{Array, AsArray as _, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Int64Type, TimeUnit};
use futures::TryStreamExt as _;
use lake::{Lake, Limits, Questions};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdout, Command};

use crate::apart::Memory;
use crate::report::say;
use crate::{made, server};

/// What a recomputation is asked that has to tell the sum over all states as well.
pub const STATES: &str = "states";

/// How much two numbers of a result may differ, for sums in another order.
const ALIKE: f64 = 1e-9;

/// What is asked, and with what.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Order {
    /// The lake.
    pub lake: String,
    /// The files of each table of the lake.
    pub tables: BTreeMap<String, Vec<String>>,
    /// Threads.
    pub threads: usize,
    /// Memory of sorts, groups and joins, in bytes.
    pub memory_bytes: usize,
    /// Where to spill.
    pub spill: PathBuf,
}

/// An engine that is told its order.
#[derive(Debug, Deserialize, Serialize)]
struct Ready {
    version: String,
}

/// What one question gave.
#[derive(Debug, Deserialize, Serialize)]
pub struct Answered {
    /// Until all rows were there.
    pub seconds: f64,
    /// The rows: numbers, texts; times in microseconds since 1970.
    pub rows: Vec<Vec<Value>>,
}

/// An engine at work. Dropped, it is killed.
#[derive(Debug)]
pub struct Engine {
    process: Child,
    output: BufReader<ChildStdout>,
    version: String,
}

impl Engine {
    /// Sillage's SQL: this program again.
    pub async fn sillage(order: &Order) -> anyhow::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("--questions");
        Self::start(command, order).await
    }

    /// Sillage's recomputation: this program again. Whatever it is asked, it recomputes.
    pub async fn recompute(order: &Order) -> anyhow::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("--recompute");
        Self::start(command, order).await
    }

    /// `DuckDB`, by a Python that has it.
    pub async fn duckdb(python: &Path, order: &Order) -> anyhow::Result<Self> {
        let mut command = Command::new(python);
        command.args(["-c", include_str!("limits/ask_duckdb.py")]);
        Self::start(command, order).await
    }

    async fn start(mut command: Command, order: &Order) -> anyhow::Result<Self> {
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("could not start an engine's process")?;
        let output = process.stdout.take().context("a pipe from an engine")?;
        let mut engine = Self {
            process,
            output: BufReader::new(output),
            version: String::new(),
        };
        let ready: Ready = engine.talk(&serde_json::to_string(order)?).await?;
        engine.version = ready.version;
        Ok(engine)
    }

    /// Asks a question.
    pub async fn ask(&mut self, question: &str) -> anyhow::Result<Answered> {
        self.talk(&serde_json::to_string(question)?)
            .await
            .with_context(|| format!("asked: {question}"))
    }

    /// Which it is.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Its memory.
    pub fn memory(&self) -> anyhow::Result<Memory> {
        Memory::of(self.process.id().context("the engine ended")?)
    }

    async fn talk<T: for<'de> Deserialize<'de>>(&mut self, line: &str) -> anyhow::Result<T> {
        let input = self.process.stdin.as_mut().context("a pipe to an engine")?;
        input.write_all(format!("{line}\n").as_bytes()).await?;
        let mut answer = String::new();
        self.output.read_line(&mut answer).await?;
        ensure!(
            !answer.is_empty(),
            "the engine ended; what it said stands above"
        );
        Ok(serde_json::from_str(&answer)?)
    }

    /// Ends it.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        drop(self.process.stdin.take());
        let ended = self.process.wait().await?;
        ensure!(ended.success(), "an engine ended with {ended}");
        Ok(())
    }
}

/// Is Sillage's engine of another process, until its input ends.
pub fn serve() -> anyhow::Result<()> {
    server::runtime("questions")?.block_on(async {
        let mut lines = BufReader::new(tokio::io::stdin()).lines();
        let order = order(&mut lines).await?;
        let limits = Limits {
            memory_bytes: order.memory_bytes,
            spill_bytes: 16 << 30,
        };
        let questions = Questions::open(&Lake::at(&order.lake), limits).await?;
        ready()?;
        while let Some(line) = lines.next_line().await? {
            let question: String = serde_json::from_str(&line)?;
            let start = Instant::now();
            let batches: Vec<RecordBatch> = questions.ask(&question).await?.try_collect().await?;
            let seconds = start.elapsed().as_secs_f64();
            let rows = rows(&batches)?;
            say(&(serde_json::to_string(&Answered { seconds, rows })? + "\n"));
        }
        Ok(())
    })
}

/// Is Sillage's recomputation of another process, until its input ends.
pub fn serve_recompute() -> anyhow::Result<()> {
    server::runtime("recompute")?.block_on(async {
        let mut lines = BufReader::new(tokio::io::stdin()).lines();
        let order = order(&mut lines).await?;
        ready()?;
        while let Some(line) = lines.next_line().await? {
            let order = order.clone();
            let question: String = serde_json::from_str(&line)?;
            // Not on the thread that reads: a task of the runtime, as the service has it.
            let run = tokio::spawn(async move { recomputed(&order, question == STATES).await });
            say(&(serde_json::to_string(&run.await??)? + "\n"));
        }
        Ok(())
    })
}

type Lines = tokio::io::Lines<BufReader<tokio::io::Stdin>>;

async fn order(lines: &mut Lines) -> anyhow::Result<Order> {
    let order = lines.next_line().await?.context("an order comes first")?;
    Ok(serde_json::from_str(&order)?)
}

fn ready() -> anyhow::Result<()> {
    let version = env!("CARGO_PKG_VERSION").to_owned();
    say(&(serde_json::to_string(&Ready { version })? + "\n"));
    Ok(())
}

/// From the lake's answers to its table `mastery`: answers, persons, rows written; and a sum over all states,
/// if they are asked for.
async fn recomputed(order: &Order, wants_states: bool) -> anyhow::Result<Answered> {
    let start = Instant::now();
    let lake = Lake::at(&order.lake);
    let mut rows = MasteryRows::of(&Lake::at(&order.spill.display().to_string())).await?;
    let mut recompute = made::recompute(&lake, order.memory_bytes, order.threads).await?;
    let (mut persons, mut states) = (0_usize, 0_u64);
    while let Some(folds) = recompute.next().await? {
        rows.push(folds.mastery()).await?;
        persons += folds.len();
        if wants_states {
            let columns = folds.columns();
            for (person, state) in columns.state_persons.iter().zip(&columns.states) {
                // Persons come in another order each time: the sum does not mind.
                states = states.wrapping_add(hash(&(person, state)));
            }
        }
    }
    let answers = recompute.folded();
    // As many as another plan counts, or there is an error.
    recompute.usage().await?;
    let written = rows.rows();
    rows.publish().await?;
    let seconds = start.elapsed().as_secs_f64();
    let rows = vec![vec![
        answers.into(),
        persons.into(),
        written.into(),
        states.to_string().into(),
    ]];
    Ok(Answered { seconds, rows })
}

fn hash(what: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    hasher.finish()
}

/// The rows of some batches.
fn rows(batches: &[RecordBatch]) -> anyhow::Result<Vec<Vec<Value>>> {
    let mut rows = Vec::new();
    for batch in batches {
        let columns = batch.columns().iter().map(|column| values(column));
        let columns = columns.collect::<anyhow::Result<Vec<_>>>()?;
        for n in 0..batch.num_rows() {
            rows.push(columns.iter().map(|column| column[n].clone()).collect());
        }
    }
    Ok(rows)
}

/// The values of a column, times as microseconds.
fn values(column: &dyn Array) -> anyhow::Result<Vec<Value>> {
    let column = match column.data_type() {
        DataType::Timestamp(_, zone) => {
            let micros = DataType::Timestamp(TimeUnit::Microsecond, zone.clone());
            cast(&cast(column, &micros)?, &DataType::Int64)?
        }
        kind if kind.is_integer() => cast(column, &DataType::Int64)?,
        DataType::Utf8View => cast(column, &DataType::Utf8)?,
        _ => cast(column, column.data_type())?,
    };
    let value = |n: usize| -> anyhow::Result<Value> {
        if column.is_null(n) {
            return Ok(Value::Null);
        }
        Ok(match column.data_type() {
            DataType::Int64 => column.as_primitive::<Int64Type>().value(n).into(),
            DataType::Float64 => column.as_primitive::<Float64Type>().value(n).into(),
            DataType::Boolean => column.as_boolean().value(n).into(),
            DataType::Utf8 => column.as_string::<i32>().value(n).into(),
            other => bail!("a result has a column of {other}"),
        })
    };
    (0..column.len()).map(value).collect()
}

/// Whether two engines gave the same.
pub fn same(ours: &[Vec<Value>], theirs: &[Vec<Value>]) -> anyhow::Result<()> {
    ensure!(
        ours.len() == theirs.len(),
        "{} rows are not {}",
        ours.len(),
        theirs.len()
    );
    let alike = |one: &Value, other: &Value| match (one.as_f64(), other.as_f64()) {
        (Some(one), Some(other)) => (one - other).abs() <= ALIKE * one.abs().max(1.0),
        _ => one == other,
    };
    for (one, other) in ours.iter().zip(theirs) {
        let same = one.len() == other.len() && one.iter().zip(other).all(|(a, b)| alike(a, b));
        ensure!(same, "{one:?} is not {other:?}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn table(value: Value) -> Vec<Vec<Value>> {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn results_are_the_same_but_for_the_last_bits_of_sums() {
        let one = table(json!([["a", 1, 0.3], ["b", null, true]]));
        same(
            &one,
            &table(json!([["a", 1, 0.300_000_000_000_1], ["b", null, true]])),
        )
        .unwrap();
        for other in [
            json!([["a", 1, 0.3]]),
            json!([["a", 1, 0.3], ["b", null, false]]),
            json!([["a", 1, 0.31], ["b", null, true]]),
            json!([["a", 1], ["b", null, true]]),
        ] {
            assert!(same(&one, &table(other)).is_err());
        }
    }
}

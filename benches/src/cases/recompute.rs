//! `recompute`: all states anew, from the lake's answers to its table `mastery`, against `DuckDB` sorting and
//! aggregating the same rows.
//!
//! What every engine must do at least to fold answers in their order is to sort them: `DuckDB` looks back from each answer
//! to the one before in the fold's order, sums that up by account and writes a Parquet file. Both are in processes
//! of their own that stay, with as many threads and as much memory, once warm, then in turns. What the recomputation
//! gives must be the same from compacted files, from files as they were shipped, which it has to sort, and within
//! a quarter of the memory, where it spills.

use std::path::Path;
use std::time::Instant;

use analytics::store::{self, pupils};
use anyhow::ensure;
use serde_json::Value;
use service::pg;

use super::Arguments;
use super::lake::{ANSWERS, MEMORY_BYTES, THREADS, duckdb, is_python_told, order};
use super::mixed::migrate;
use super::overload::megabytes;
use crate::cluster::Private;
use crate::engines::{Engine, Order, STATES};
use crate::made::{self, Made};
use crate::report::{Bar, Report, complain, median};
use crate::server::{cores, on_two_runtimes};

/// The memory within which it has to spill.
const LITTLE_BYTES: usize = MEMORY_BYTES / 4;

/// Answers a second, and its time over `DuckDB`'s.
const RATE: Bar = Bar::AtLeast(2_000_000.0);
const TIME: Bar = Bar::AtMost(2.0);

/// What is resident at most, in megabytes: the memory that both are given.
const MEMORY: Bar = Bar::AtMost(537.0);

/// Measures it.
pub fn run(arguments: &Arguments) -> anyhow::Result<Report> {
    on_two_runtimes(|_| async move { measure(arguments).await })
}

async fn measure(arguments: &Arguments) -> anyhow::Result<Report> {
    is_python_told(arguments)?;
    let count = u64::from(arguments.statements.unwrap_or(ANSWERS));
    let made = Made::of(count, arguments.keep).await?;
    let compacted = order(&made.compacted(), &made).await?;
    let shipped = order(&made.shipped(), &made).await?;
    let little = Order {
        memory_bytes: LITTLE_BYTES,
        ..shipped.clone()
    };
    let mut ratio = Vec::new();
    let (mut ours, mut theirs) = (Side::ours(&compacted).await?, None);
    if let Some(python) = &arguments.lake_python {
        theirs = Some(Side::theirs(python, &compacted, &made.spill()).await?);
    }
    for round in 0..arguments.rounds {
        complain(&format!("recompute: round {}", round + 1));
        ours.turn().await?;
        if let Some(theirs) = &mut theirs {
            theirs.turn().await?;
            ratio.extend(
                ours.seconds
                    .last()
                    .zip(theirs.seconds.last())
                    .map(|(a, b)| a / b),
            );
        }
    }
    let mut others = Vec::new();
    for (name, order) in [("shipped", &shipped), ("shipped_little_memory", &little)] {
        complain(&format!("recompute: {name}"));
        let mut other = Side::ours(order).await?;
        other.turn().await?;
        ensure!(
            other.rows == ours.rows,
            "{name}: {:?} is not {:?}",
            other.rows,
            ours.rows
        );
        others.push((name, other));
    }
    let heading = format!(
        "recompute: {count} answers of {} pupils, {THREADS} threads on {} processors, {} MiB; DuckDB {}; {} turns",
        ours.told(1),
        cores(),
        MEMORY_BYTES >> 20,
        theirs
            .as_ref()
            .map_or("not there", |theirs| theirs.engine.version()),
        arguments.rounds,
    );
    let mut report = Report::new("recompute", heading);
    let case = "recompute_compacted";
    ours.report(count, case, &mut report)?;
    report.add_held_to(case, "rate", ours.rate(count), "answer/s", RATE);
    if let Some(theirs) = &theirs {
        report.add(case, "duckdb", median(&theirs.seconds), "s");
        report.add_held_to(case, "time_ratio", median(&ratio), "1", TIME);
        let peak = theirs.engine.memory()?.peak;
        report.add(case, "duckdb_memory", megabytes(peak), "MB");
    }
    for (name, other) in &others {
        let case = format!("recompute_{name}");
        other.report(count, &case, &mut report)?;
        report.add(&case, "rate", other.rate(count), "answer/s");
    }
    to_postgres(&compacted, &mut report).await?;
    Ok(report)
}

/// One side: its process, and the seconds of each turn.
struct Side {
    engine: Engine,
    question: String,
    seconds: Vec<f64>,
    rows: Vec<Vec<Value>>,
}

impl Side {
    async fn ours(order: &Order) -> anyhow::Result<Self> {
        let order = Order {
            spill: order.spill.with_file_name("states"),
            ..order.clone()
        };
        Self::warm(Engine::recompute(&order).await?, STATES, "run").await
    }

    async fn theirs(python: &Path, order: &Order, folder: &Path) -> anyhow::Result<Self> {
        let file = folder.with_file_name("aggregated.parquet");
        let question = format!(
            "copy (select account, count(*) as answers, sum(outcome) as outcome, \
             count(*) filter (where correct) as correct, count(*) filter (where invented_time) as invented, \
             max(activity) as activity, sum(date_diff('second', before, answered_at) * outcome) as gaps \
             from (select *, lag(answered_at) over (partition by account order by \
             answered_at, device_id nulls first, device_seq nulls first, id) as before from answers) \
             group by account) to '{}' (format parquet, compression zstd)",
            file.display()
        );
        let engine = duckdb(python, order).await?;
        Self::warm(engine, &question.clone(), &question).await
    }

    async fn warm(mut engine: Engine, first: &str, question: &str) -> anyhow::Result<Self> {
        let rows = engine.ask(first).await?.rows;
        Ok(Self {
            engine,
            question: question.to_owned(),
            seconds: Vec::new(),
            rows,
        })
    }

    async fn turn(&mut self) -> anyhow::Result<()> {
        let answered = self.engine.ask(&self.question).await?;
        self.seconds.push(answered.seconds);
        Ok(())
    }

    /// A figure that it told.
    fn told(&self, place: usize) -> u64 {
        let row = self.rows.first();
        row.and_then(|row| row.get(place)?.as_u64()).unwrap_or(0)
    }

    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    fn rate(&self, answers: u64) -> f64 {
        answers as f64 / median(&self.seconds)
    }

    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    fn report(&self, answers: u64, case: &str, report: &mut Report) -> anyhow::Result<()> {
        ensure!(
            self.told(0) == answers,
            "{} of {answers} answers were folded",
            self.told(0)
        );
        report.add(case, "sillage", median(&self.seconds), "s");
        report.add(case, "mastery_rows", self.told(2) as f64, "rows");
        let peak = megabytes(self.engine.memory()?.peak);
        report.add_held_to(case, "sillage_memory", peak, "MB", MEMORY);
        Ok(())
    }
}

/// How long PostgreSQL takes to store what was folded: a row a pupil, and one for each of its subjects.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
async fn to_postgres(order: &Order, report: &mut Report) -> anyhow::Result<()> {
    const DATABASE: &str = "bench_recompute";
    complain("recompute: into PostgreSQL");
    let cluster = Private::for_lrs().await?;
    cluster.database(DATABASE).await?;
    migrate(&cluster, DATABASE).await?;
    let pool = pg::pool(&cluster.url_of(DATABASE), 1)?;
    let mut client = store::client(&pool).await?;
    let version: i64 = client
        .query_one(
            "with framework as (
                insert into analytics.frameworks (uri, version, document) values ('urn:bench', '1', '{}')
                returning framework),
             model as (
                insert into analytics.models (fingerprint, framework, catalogue)
                select 'bench', framework, '[]' from framework returning fingerprint)
             insert into analytics.versions (model, status)
             select fingerprint, 'building' from model returning version",
            &[],
        )
        .await?
        .get(0);
    let lake = lake::Lake::at(&order.lake);
    let mut recompute = made::recompute(&lake, order.memory_bytes, order.threads).await?;
    let (mut seconds, mut persons, mut bytes) = (0.0, 0_usize, 0_usize);
    while let Some(folds) = recompute.next().await? {
        let start = Instant::now();
        let columns = folds.columns();
        let transaction = store::begin(&mut client).await?;
        pupils::write(&transaction, version, &columns).await?;
        store::commit(transaction).await?;
        seconds += start.elapsed().as_secs_f64();
        persons += folds.len();
        bytes += columns.states.iter().map(Vec::len).sum::<usize>();
    }
    let stored: i64 = client
        .query_one(
            "select count(*) from analytics.pupils where version = $1",
            &[&version],
        )
        .await?
        .get(0);
    ensure!(
        usize::try_from(stored)? == persons,
        "{stored} of {persons} persons are stored"
    );
    let case = "recompute_to_postgres";
    report.add(case, "seconds", seconds, "s");
    report.add(case, "pupils", persons as f64 / seconds, "pupil/s");
    report.add(case, "states", bytes as f64 / persons as f64, "B/pupil");
    Ok(())
}

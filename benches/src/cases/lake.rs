//! `lake`: questions in SQL over the lake's files by Sillage and by `DuckDB`, in turns; what a statement takes.
//!
//! Each engine answers in a process of its own that stays, on as many threads, with as much memory. A question
//! is asked once to warm both, then in turns; both must give the same rows. Another process for each question:
//! the most that was resident is that question's. Once over the files as they were shipped, in the order of
//! storing, and once over what the upkeep made of them.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context as _;
use lake::{Lake, Sizes};
use schemas::tables::{Table, answers, statements};
use tokio::runtime::Handle;

use super::Arguments;
use crate::apart::Memory;
use crate::cases::overload::megabytes;
use crate::cluster::Private;
use crate::engines::{Engine, Order, same};
use crate::made::{self, Made, Size};
use crate::report::{Bar, Report, complain, median};
use crate::server::{Server, cores, on_two_runtimes};
use crate::store;
use crate::year::Year;

/// Answers, unless it is told.
pub(super) const ANSWERS: u32 = 10_000_000;

/// Threads of an engine, and its memory for sorts, groups and joins, in bytes.
pub(super) const THREADS: usize = 2;
pub(super) const MEMORY_BYTES: usize = 512 << 20;

/// Statements that are posted and shipped for what one takes.
const STATEMENTS: u64 = 100_000;

/// Where compaction begins for those: they are too few for its usual sizes.
const SIZES: Sizes = Sizes {
    large: 64 << 20,
    mixed: 1 << 20,
    least: 16 << 10,
};

/// Columns are told that take so many bytes of a row.
const TOLD_FROM: f64 = 1.0;

/// Sillage's time and memory over `DuckDB`'s.
const TIME: Bar = Bar::AtMost(1.5);
const MEMORY: Bar = Bar::AtMost(2.0);

/// Measures it.
pub fn run(arguments: &Arguments) -> anyhow::Result<Report> {
    on_two_runtimes(|load| async move { measure(arguments, &load).await })
}

async fn measure(arguments: &Arguments, load: &Handle) -> anyhow::Result<Report> {
    is_python_told(arguments)?;
    let count = u64::from(arguments.statements.unwrap_or(ANSWERS));
    let made = Made::of(count, arguments.keep).await?;
    let account = Year::new(0, count).some_account().to_string();
    let mut rows = Vec::new();
    let mut version = "not there".to_owned();
    for (layout, lake) in [("compacted", made.compacted()), ("shipped", made.shipped())] {
        let order = order(&lake, &made).await?;
        for (name, question) in questions(&account) {
            complain(&format!("lake: {name}, {layout}"));
            let asked = Asked::by_both(arguments, &order, &question, &mut version).await?;
            rows.push((format!("{name}_{layout}"), asked));
        }
    }
    let heading = format!(
        "lake: {count} answers, {THREADS} threads on {} processors, {} MiB; DuckDB {version}; {} turns",
        cores(),
        MEMORY_BYTES >> 20,
        arguments.rounds,
    );
    let mut report = Report::new("lake", heading);
    for (case, asked) in &rows {
        asked.report(case, case.ends_with("_compacted"), &mut report);
    }
    for (layout, lake) in [("shipped", made.shipped()), ("compacted", made.compacted())] {
        let files = made::files(&lake, &answers::TABLE).await?;
        sizes(&answers::TABLE, layout, &made::size(&files)?, &mut report);
    }
    statements(arguments, load, &mut report).await?;
    Ok(report)
}

/// Without `DuckDB` there is nothing to compare with: only whether our own side runs.
pub(super) fn is_python_told(arguments: &Arguments) -> anyhow::Result<()> {
    anyhow::ensure!(
        arguments.lake_python.is_some() || arguments.smoke,
        "set SILLAGE_LAKE_PYTHON to a Python with DuckDB (benches/README.md says how)"
    );
    Ok(())
}

/// What is asked, each with its name.
fn questions(account: &str) -> [(&'static str, String); 4] {
    [
        (
            "competency_week",
            "select competency, date_trunc('week', answered_at) as week, count(*) as answers, \
             avg(case when correct then 1.0 else 0.0 end) as success \
             from (select unnest(competencies) as competency, answered_at, correct from answers) \
             group by 1, 2 order by 1, 2"
                .to_owned(),
        ),
        (
            "pupil_history",
            format!(
                "select answered_at, activity, correct, outcome, duration_ms, hints, id \
                 from answers where account = '{account}' order by answered_at, id"
            ),
        ),
        (
            "active_pupils",
            "select date_trunc('day', answered_at) as day, count(distinct account) as pupils \
             from answers group by 1 order by 1"
                .to_owned(),
        ),
        (
            "top_activities",
            "select activity, count(*) as answers, \
             avg(case when correct then 1.0 else 0.0 end) as success \
             from answers group by 1 order by 2 desc, 1 limit 20"
                .to_owned(),
        ),
    ]
}

pub(super) async fn order(lake: &Lake, made: &Made) -> anyhow::Result<Order> {
    let files = made::files(lake, &answers::TABLE).await?;
    Ok(Order {
        lake: lake.root().to_owned(),
        tables: BTreeMap::from([(answers::TABLE.name.to_owned(), files)]),
        threads: THREADS,
        memory_bytes: MEMORY_BYTES,
        spill: made.spill(),
    })
}

/// What one question took: seconds of each turn, and memory.
#[derive(Debug, Default)]
struct Asked {
    ours: Vec<f64>,
    theirs: Vec<f64>,
    our_memory: Memory,
    their_memory: Option<Memory>,
    rows: usize,
}

impl Asked {
    async fn by_both(
        arguments: &Arguments,
        order: &Order,
        question: &str,
        version: &mut String,
    ) -> anyhow::Result<Self> {
        let mut ours = Engine::sillage(order).await?;
        let mut theirs = match &arguments.lake_python {
            Some(python) => Some(duckdb(python, order).await?),
            None => None,
        };
        let mut asked = Self::default();
        let first = ours.ask(question).await?;
        asked.rows = first.rows.len();
        if let Some(theirs) = &mut theirs {
            version.replace_range(.., theirs.version());
            let answered = theirs.ask(question).await?;
            same(&first.rows, &answered.rows)
                .with_context(|| format!("the engines differ in: {question}"))?;
        }
        for _ in 0..arguments.rounds {
            asked.ours.push(ours.ask(question).await?.seconds);
            if let Some(theirs) = &mut theirs {
                asked.theirs.push(theirs.ask(question).await?.seconds);
            }
        }
        asked.our_memory = ours.memory()?;
        ours.stop().await?;
        if let Some(theirs) = theirs {
            asked.their_memory = Some(theirs.memory()?);
            theirs.stop().await?;
        }
        Ok(asked)
    }

    fn report(&self, case: &str, is_held: bool, report: &mut Report) {
        let (ours, theirs) = (median(&self.ours), median(&self.theirs));
        report.add(case, "sillage", ours * 1e3, "ms");
        let held = |report: &mut Report, metric, value, bar| {
            if is_held {
                report.add_held_to(case, metric, value, "1", bar);
            } else {
                report.add(case, metric, value, "1");
            }
        };
        let memory = megabytes(self.our_memory.peak);
        if let Some(their_memory) = self.their_memory {
            let their_memory = megabytes(their_memory.peak);
            report.add(case, "duckdb", theirs * 1e3, "ms");
            held(report, "time_ratio", ours / theirs, TIME);
            report.add(case, "sillage_memory", memory, "MB");
            report.add(case, "duckdb_memory", their_memory, "MB");
            held(report, "memory_ratio", memory / their_memory, MEMORY);
        } else {
            report.add(case, "sillage_memory", memory, "MB");
        }
        #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
        report.add(case, "rows", self.rows as f64, "rows");
    }
}

pub(super) async fn duckdb(python: &Path, order: &Order) -> anyhow::Result<Engine> {
    Engine::duckdb(python, order).await.with_context(|| {
        format!(
            "could not ask DuckDB by {}: SILLAGE_LAKE_PYTHON names a Python that has it",
            python.display()
        )
    })
}

/// What a row takes, and what of it which column.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
fn sizes(table: &Table, layout: &str, size: &Size, report: &mut Report) {
    let of_a_row = |bytes: u64| bytes as f64 / size.rows as f64;
    let case = format!("bytes_{}_{layout}", table.name);
    report.add(&case, "all", of_a_row(size.bytes), "B/row");
    report.add(&case, "files", size.files as f64, "files");
    for part in &size.parts {
        if of_a_row(part.bytes) >= TOLD_FROM {
            report.add(&case, &part.name, of_a_row(part.bytes), "B/row");
        }
    }
}

/// What a statement takes: posted to the real server and shipped by it.
async fn statements(
    arguments: &Arguments,
    load: &Handle,
    report: &mut Report,
) -> anyhow::Result<()> {
    const DATABASE: &str = "bench_lake";
    let cluster = Private::for_lrs().await?;
    cluster.database(DATABASE).await?;
    let folder = cluster.folder().with_file_name("lake");
    let count = if arguments.smoke { 5_000 } else { STATEMENTS };
    complain(&format!("lake: {count} statements posted and shipped"));
    let server = Server::start(&cluster.url_of(DATABASE), Some(&folder)).await?;
    store::pour(&server, load, 1, count).await?;
    // What waits is shipped before it ends.
    server.stop().await?;
    let lake = Lake::at(&folder.display().to_string());
    let files = made::files(&lake, &statements::TABLE).await?;
    sizes(&statements::TABLE, "shipped", &made::size(&files)?, report);
    let mut table = lake::LakeTable::open(&lake, &statements::TABLE).await?;
    made::compact(&mut table, SIZES).await?;
    let files = made::files(&lake, &statements::TABLE).await?;
    let size = made::size(&files)?;
    anyhow::ensure!(
        size.rows == count,
        "{} of {count} statements were shipped",
        size.rows
    );
    sizes(&statements::TABLE, "compacted", &size, report);
    Ok(())
}

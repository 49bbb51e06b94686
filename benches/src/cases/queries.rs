//! `queries`: every filter of the Statement Resource on a large store, against the same on a small one,
//! while a writer adds 2,000 statements a second beside them.
//!
//! Over HTTP against the real server, pages of 100, warm: the file of the store that `scale --keep` left, or
//! one that is filled now. Each shape (`crate::shapes`) is asked with parameters taken at random from the
//! store, on the small store and on the large one right after each other. Beside it the same selection is
//! run as SQL alone, as the LRS runs it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use lrs::query::plan::{self, Bounds};
use lrs::store::{references, statements};
use service::pg::{self, Pool};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;

use super::Arguments;
use crate::cluster::Private;
use crate::histogram::Histogram;
use crate::national::{Country, Statements};
use crate::report::{Bar, Report, complain};
use crate::samples;
use crate::server::{Server, on_two_runtimes};
use crate::shapes::{self, Ask, Results, Samples, Shape};
use crate::store::{self, LARGE, SMALL, SMALL_STATEMENTS};
use crate::talk::Talk;

/// Statements of a large store that is not there yet, unless it is told.
const STATEMENTS: u32 = 1_000_000;

/// Statements a page.
const PAGE: u32 = 100;

/// Parameters of a shape, and how many of them come first, to warm up.
const PARAMETERS: usize = 200;
const WARM_UP: usize = 10;

/// A shape that takes longer is asked fewer times.
const SHAPE_MAX: Duration = Duration::from_secs(6);

/// Walks to the hundredth page, and how often each is asked for again.
const WALKS: usize = 4;
const PAGES: usize = 100;
const AGAIN: usize = 25;

/// Statements of one post of the writer, and how often it posts: 2,000 a second.
const WRITTEN: usize = 100;
const WRITES_EVERY: Duration = Duration::from_millis(50);

/// A copy of the small store: the writer makes it grow.
const SMALL_COPY: &str = "bench_small";

/// Measures it.
pub fn run(arguments: &Arguments) -> anyhow::Result<Report> {
    on_two_runtimes(|load| async move { measure(arguments, &load).await })
}

async fn measure(arguments: &Arguments, load: &Handle) -> anyhow::Result<Report> {
    let (cluster, small, parameters) = if arguments.smoke {
        (Private::for_lrs().await?, 20_000, 3)
    } else {
        (Private::kept_for_lrs().await?, SMALL_STATEMENTS, PARAMETERS)
    };
    if !cluster.has_database(LARGE).await? || arguments.statements.is_some() {
        let wanted = u64::from(arguments.statements.unwrap_or(STATEMENTS));
        store::fill(&cluster, load, LARGE, wanted).await?;
        store::vacuum(&cluster.connect(LARGE).await?).await?;
    }
    store::fill(&cluster, load, SMALL, small).await?;
    store::vacuum(&cluster.connect(SMALL).await?).await?;
    cluster.copy_database(SMALL_COPY, SMALL).await?;
    let sides = [
        Side::open(&cluster, SMALL_COPY, parameters).await?,
        Side::open(&cluster, LARGE, parameters).await?,
    ];
    let held = [sides[0].held, sides[1].held];
    let heading = format!(
        "queries: {} statements against {}, {parameters} parameters a shape, pages of {PAGE}, a writer of 2,000 statements/s beside; {}",
        held[1],
        held[0],
        cluster.setting_of_figures().await?
    );
    let mut report = Report::new("queries", heading);
    let written_to = Arc::new(AtomicUsize::new(0));
    let writer = Writer::start(&sides, load, &written_to, held[1]).await?;
    for shape in shapes::all() {
        let mut seen = Vec::new();
        for (n, side) in sides.iter().enumerate() {
            written_to.store(n, Ordering::Relaxed);
            let asked = side.ask(&shape, parameters, load).await;
            seen.push(asked.with_context(|| format!("{}, side {n}", shape.name))?);
            ensure!(!writer.is_finished(), "the writer ended");
        }
        tell(&shape, &seen[0], &seen[1], &mut report);
    }
    writer.abort();
    for side in sides {
        side.server.stop().await?;
        side.pool.close();
    }
    cluster.drop_database(SMALL_COPY).await?;
    Ok(report)
}

/// One store with its server.
struct Side {
    server: Server,
    pool: Pool,
    samples: Arc<Samples>,
    held: u64,
}

/// What was seen of a shape on one side.
#[derive(Default)]
struct Seen {
    first: Histogram,
    deep: Histogram,
    deepest: usize,
    sql: Histogram,
    rows: usize,
}

impl Side {
    async fn open(cluster: &Private, database: &str, parameters: usize) -> anyhow::Result<Self> {
        let client = cluster.connect(database).await?;
        let url = cluster.url_of(database);
        let held = store::count(&client).await?;
        complain(&format!("{database}: {held} statements"));
        Ok(Self {
            samples: Arc::new(samples::take(&client, parameters).await?),
            server: Server::start(&url, None).await?,
            pool: pg::pool(&url, 2)?,
            held,
        })
    }

    /// Asks a shape over HTTP, on the load's threads, then as SQL.
    async fn ask(&self, shape: &Shape, parameters: usize, load: &Handle) -> anyhow::Result<Seen> {
        let talk = Talk::with(&self.server).await?;
        let (samples, of) = (Arc::clone(&self.samples), *shape);
        let mut seen = load
            .spawn(over_http(talk, samples, of, parameters))
            .await??;
        let start = Instant::now();
        let mut asked = 0;
        for n in 0..parameters.div_ceil(4) {
            let ask = (shape.ask)(&self.samples, n);
            let (time, rows) = self.sql(&ask).await?;
            seen.sql.record(time);
            seen.rows += rows;
            asked += 1;
            if start.elapsed() > SHAPE_MAX / 4 {
                break;
            }
        }
        match shape.found {
            Results::Some => ensure!(seen.rows > 0, "nothing was found"),
            Results::None => ensure!(seen.rows == 0, "{} were found", seen.rows),
            Results::Any => {}
        }
        seen.rows /= asked;
        Ok(seen)
    }

    /// The page as the LRS reads it, without HTTP and JSON.
    async fn sql(&self, ask: &Ask) -> anyhow::Result<(Duration, usize)> {
        let selection = ask.selection();
        let start = Instant::now();
        let mut bounds = Bounds::default();
        if let Some(agent) = selection.agent.filter(|_| selection.related_agents) {
            bounds.authorities = references::authorities_of(&self.pool, agent).await?;
        }
        let query = plan::query(&selection, &bounds, None, PAGE + 1);
        let rows = statements::page(&self.pool, &query.sql, &query.parameters).await?;
        Ok((start.elapsed(), rows.len()))
    }
}

async fn over_http(
    mut talk: Talk,
    samples: Arc<Samples>,
    shape: Shape,
    parameters: usize,
) -> anyhow::Result<Seen> {
    let mut seen = Seen::default();
    for n in 0..WARM_UP.min(parameters) {
        talk.get(&(shape.ask)(&samples, parameters - 1 - n).path(PAGE))
            .await?;
    }
    let start = Instant::now();
    for n in 0..parameters {
        let path = (shape.ask)(&samples, n).path(PAGE);
        let sent = Instant::now();
        talk.get(&path).await?;
        seen.first.record(sent.elapsed());
        if start.elapsed() > SHAPE_MAX {
            break;
        }
    }
    if shape.deep {
        // A walk of three pages shows that it goes on.
        let (walks, pages) = if parameters < WALKS {
            (1, 3)
        } else {
            (WALKS, PAGES)
        };
        for n in 0..walks {
            let path = (shape.ask)(&samples, n).path(PAGE);
            let (deepest, path) = walk(&mut talk, path, pages).await?;
            seen.deepest = seen.deepest.max(deepest);
            for _ in 0..AGAIN.min(parameters) {
                let sent = Instant::now();
                talk.get(&path).await?;
                seen.deep.record(sent.elapsed());
            }
        }
    }
    Ok(seen)
}

/// The path of the page of this number, or of the last one there is.
async fn walk(talk: &mut Talk, first: String, pages: usize) -> anyhow::Result<(usize, String)> {
    let mut path = first;
    for page in 1..pages {
        let body = std::str::from_utf8(talk.get(&path).await?)?;
        let (_, more) = body
            .rsplit_once("\"more\":\"")
            .context("a page without more")?;
        let more = more.split('"').next().unwrap_or_default();
        if more.is_empty() {
            return Ok((page, path));
        }
        path = more.to_owned();
    }
    Ok((pages, path))
}

/// Adds statements to the side that is measured.
struct Writer;

impl Writer {
    async fn start(
        sides: &[Side; 2],
        load: &Handle,
        to: &Arc<AtomicUsize>,
        seed: u64,
    ) -> anyhow::Result<JoinHandle<anyhow::Result<()>>> {
        let mut talks = [
            Talk::with(&sides[0].server).await?,
            Talk::with(&sides[1].server).await?,
        ];
        let to = Arc::clone(to);
        // Others than those of a fill, whatever its seeds are.
        let mut supply = Statements::new(!seed, &Arc::new(Country::default()));
        Ok(load.spawn(async move {
            let mut due = tokio::time::interval(WRITES_EVERY);
            due.set_missed_tick_behavior(MissedTickBehavior::Burst);
            loop {
                due.tick().await;
                let body = supply.batch(WRITTEN);
                talks[to.load(Ordering::Relaxed)].post(&body).await?;
            }
        }))
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
fn tell(shape: &Shape, small: &Seen, large: &Seen, report: &mut Report) {
    let most = if shape.rarely_meets { 250.0 } else { 20.0 };
    let mut add = |what: &str, small: &Histogram, large: &Histogram| {
        let (p99_small, p99) = (small.quantile_ms(990), large.quantile_ms(990));
        let case = shape.name;
        report.add(case, &format!("{what}_p50"), large.quantile_ms(500), "ms");
        report.add_held_to(case, &format!("{what}_p99"), p99, "ms", Bar::AtMost(most));
        report.add(
            case,
            &format!("{what}_p50_small"),
            small.quantile_ms(500),
            "ms",
        );
        report.add(case, &format!("{what}_p99_small"), p99_small, "ms");
        report.add_held_to(
            case,
            &format!("{what}_p99_ratio"),
            p99 / p99_small,
            "1",
            Bar::AtMost(2.0),
        );
    };
    add("first", &small.first, &large.first);
    if shape.deep {
        add("deep", &small.deep, &large.deep);
        report.add(shape.name, "deep_page", large.deepest as f64, "page");
    }
    report.add(shape.name, "sql_p50", large.sql.quantile_ms(500), "ms");
    report.add(shape.name, "sql_p99", large.sql.quantile_ms(990), "ms");
    report.add(shape.name, "rows", large.rows as f64, "statement/page");
    complain(&format!(
        "{}: p50 {:.1}, p99 {:.1} ms; small {:.1}, {:.1}; sql {:.1}, {:.1}; {} rows",
        shape.name,
        large.first.quantile_ms(500),
        large.first.quantile_ms(990),
        small.first.quantile_ms(500),
        small.first.quantile_ms(990),
        large.sql.quantile_ms(500),
        large.sql.quantile_ms(990),
        large.rows,
    ));
}

//! `scale`: a store filled through the real server; how fast it takes statements when it is large,
//! against when it is small, and what a statement takes on the disk.
//!
//! Batches of 500, durable, over HTTP. Once the store is filled, windows of the large and of small stores
//! follow each other, so that what the machine does at that hour is done to both. A small store is filled
//! up to 60,000 statements and then measured around 100,000; all that is measured is what passes between
//! two counts, while the load goes on. No window begins with a checkpoint of our own: the pages that a
//! large store writes first after one are many more.

use anyhow::ensure;
use tokio::runtime::Handle;

use super::Arguments;
use crate::cluster::Private;
use crate::report::{Bar, Report, complain, median};
use crate::server::{Server, on_two_runtimes};
use crate::store::{self, LARGE, Part, SMALL_STATEMENTS};

/// Statements of the large store, unless it is told.
const STATEMENTS: u32 = 1_000_000;

/// Statements that pass in a window, and before it to warm up.
const WINDOW: u64 = 80_000;
const WARM_UP: u64 = 60_000;

/// Tables and indexes are told that take so many bytes of a statement.
const TOLD_FROM: f64 = 0.5;

/// Measures it.
pub fn run(arguments: &Arguments) -> anyhow::Result<Report> {
    on_two_runtimes(|load| async move { measure(arguments, &load).await })
}

async fn measure(arguments: &Arguments, load: &Handle) -> anyhow::Result<Report> {
    let cluster = if arguments.keep {
        Private::kept_for_lrs().await?
    } else {
        Private::for_lrs().await?
    };
    let statements = u64::from(arguments.statements.unwrap_or(STATEMENTS));
    let (warm_up, window) = if arguments.smoke {
        (2_000, 4_000)
    } else {
        (WARM_UP, WINDOW)
    };
    let windows = Windows {
        cluster: &cluster,
        load,
        warm_up,
        window,
    };
    let heading = format!(
        "scale: {statements} statements, {} windows of {window}; {}",
        arguments.rounds,
        cluster.setting_of_figures().await?
    );
    let mut report = Report::new("scale", heading);
    // Made before: making a database is a checkpoint.
    for round in 0..arguments.rounds {
        let name = small(round);
        cluster.drop_database(&name).await?;
        cluster.database(&name).await?;
    }
    fill(&cluster, load, statements, &mut report).await?;
    let (mut at_small, mut at_large) = (Vec::new(), Vec::new());
    for round in 0..arguments.rounds {
        // Who comes second finds the disk as the first has left it: they take turns in that too.
        if round % 2 == 0 {
            at_small.push(windows.measure(&small(round)).await?);
            at_large.push(windows.measure(LARGE).await?);
        } else {
            at_large.push(windows.measure(LARGE).await?);
            at_small.push(windows.measure(&small(round)).await?);
        }
    }
    rates(&at_small, &at_large, &mut report);
    let client = cluster.connect(LARGE).await?;
    let held = store::count(&client).await?;
    ensure!(
        held >= statements,
        "{held} of {statements} statements are stored"
    );
    disk(held, &store::parts(&client).await?, &mut report);
    for round in 0..arguments.rounds {
        cluster.drop_database(&small(round)).await?;
    }
    if arguments.keep {
        complain("kept for `queries`: vacuum and statistics");
        store::vacuum(&client).await?;
        store::fill(&cluster, load, store::SMALL, SMALL_STATEMENTS).await?;
    }
    Ok(report)
}

fn small(round: u32) -> String {
    format!("bench_small_{round}")
}

/// Fills the large store, and tells how fast each tenth of it went in.
async fn fill(
    cluster: &Private,
    load: &Handle,
    statements: u64,
    report: &mut Report,
) -> anyhow::Result<()> {
    let poured = store::fill(cluster, load, LARGE, statements).await?;
    for tenth in 0..10 {
        let rate = poured.rate(statements * tenth / 10, statements * (tenth + 1) / 10);
        if rate > 0.0 {
            report.add("fill", &format!("tenth_{}", tenth + 1), rate, "statement/s");
        }
    }
    Ok(())
}

/// Windows of stores of two sizes.
struct Windows<'a> {
    cluster: &'a Private,
    load: &'a Handle,
    warm_up: u64,
    window: u64,
}

impl Windows<'_> {
    /// Statements a second of a window, after a warm-up that goes over into it.
    async fn measure(&self, database: &str) -> anyhow::Result<f64> {
        let client = self.cluster.connect(database).await?;
        let held = store::count(&client).await?;
        let server = Server::start(&self.cluster.url_of(database), None).await?;
        let all = self.warm_up + self.window;
        let poured = store::pour(&server, self.load, held + 1, all).await?;
        server.stop().await?;
        let stored = store::count(&client).await?;
        ensure!(
            stored == held + all,
            "{all} were acknowledged, {} are stored",
            stored - held
        );
        let rate = poured.rate(self.warm_up, all);
        complain(&format!(
            "{database}, {held} statements before: {rate:.0} statements/s"
        ));
        Ok(rate)
    }
}

fn rates(small: &[f64], large: &[f64], report: &mut Report) {
    let ratios: Vec<f64> = small
        .iter()
        .zip(large)
        .map(|(small, large)| large / small)
        .collect();
    report.add("ingest", "at_100_000", median(small), "statement/s");
    report.add("ingest", "at_all", median(large), "statement/s");
    report.add_held_to("ingest", "ratio", median(&ratios), "1", Bar::AtLeast(0.85));
    for (name, least) in [
        ("ratio_lowest", f64::min as fn(f64, f64) -> f64),
        ("ratio_highest", f64::max),
    ] {
        let ratio = ratios.iter().copied().reduce(least).unwrap_or_default();
        report.add("ingest", name, ratio, "1");
    }
}

/// Bytes of a statement, in all and by what they are in.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
fn disk(statements: u64, parts: &[Part], report: &mut Report) {
    let each = |bytes: u64| bytes as f64 / statements as f64;
    let all = parts.iter().map(|part| part.bytes).sum();
    report.add_held_to(
        "disk",
        "all",
        each(all),
        "B/statement",
        Bar::AtMost(1_200.0),
    );
    for part in parts.iter().filter(|part| each(part.bytes) >= TOLD_FROM) {
        report.add("disk", &part.name, each(part.bytes), "B/statement");
    }
}

//! `memory`: what the LRS alone takes, 500 connections, single posts and batches mixed.
//!
//! It is in a process of its own, with the relay to the lake beside, as `sillage lrs` has it, and with the
//! same allocator. All connections post again as soon as they are answered: as much waits as can.

use std::sync::Arc;
use std::time::Duration;

use futures::future::try_join_all;
use tokio::runtime::Handle;

use super::Arguments;
use super::overload::megabytes;
use crate::apart::Apart;
use crate::bodies::Bodies;
use crate::cluster::Private;
use crate::cpu::Used;
use crate::http::{Poster, Target};
use crate::load::{self, Outcome, Pace, Plan};
use crate::report::{Bar, Report, complain};
use crate::server::on_two_runtimes;
use crate::stored;

/// The database.
const DATABASE: &str = "bench_memory";

/// How long they post, in seconds.
const SECONDS: u64 = 60;

/// Different statements that are made of each kind; then they come again with other ids.
const STATEMENTS: usize = 20_000;

/// How long the server rests before its memory is read again: the allocator gives back after ten seconds.
const REST: Duration = Duration::from_secs(20);

/// What may be resident at most, in megabytes.
const PEAK: Bar = Bar::AtMost(200.0);

/// Connections of one kind.
#[derive(Clone, Copy, Debug)]
struct Kind {
    name: &'static str,
    seed: u64,
    connections: usize,
    batch: usize,
}

/// Four pupils in five at their screens, one who comes back with what was done offline.
const KINDS: [Kind; 2] = [
    Kind {
        name: "single",
        seed: 20_261_130,
        connections: 400,
        batch: 1,
    },
    Kind {
        name: "batch_50",
        seed: 20_261_131,
        connections: 100,
        batch: 50,
    },
];

/// Measures it.
pub fn run(arguments: &Arguments) -> anyhow::Result<Report> {
    on_two_runtimes(|load| measure(arguments, load))
}

async fn measure(arguments: &Arguments, load: Handle) -> anyhow::Result<Report> {
    let cluster = Private::for_lrs().await?;
    let heading = format!(
        "memory: {}; 500 connections for {} s",
        cluster.setting_of_figures().await?,
        arguments.measure(SECONDS).as_secs(),
    );
    let mut report = Report::new("memory", heading);
    cluster.database(DATABASE).await?;
    let beside = |name| cluster.folder().with_file_name(name);
    let server = Apart::start(
        &cluster.url_of(DATABASE),
        Some(&beside("lake")),
        &beside("server.log"),
    )
    .await?;
    let target = Target::new(server.address(), "/xapi/statements", server.authorization())?;
    let idle = server.memory()?;
    let before = Used::now(cluster.pid(), server.pid());
    let plan = Plan {
        pace: Pace::Closed,
        warm_up: arguments.warm_up(),
        measure: arguments.measure(SECONDS),
        first: 0,
        things: usize::MAX,
    };
    complain("memory: 500 connections post");
    let posting = KINDS.map(|kind| load.spawn(post(target.clone(), kind, plan)));
    let outcomes: Vec<anyhow::Result<Outcome>> = try_join_all(posting).await?;
    let used = Used::now(cluster.pid(), server.pid()).since(&before);
    let peak = server.memory()?.peak;
    tokio::time::sleep(arguments.rest(REST)).await;
    let after = server.memory()?.resident;
    server.stop().await?;

    let mut acknowledged = 0;
    for (kind, outcome) in KINDS.iter().zip(outcomes) {
        let outcome = outcome?;
        let batch = kind.batch as u64;
        acknowledged += outcome.answered * batch;
        #[expect(clippy::cast_precision_loss, reason = "a batch is small")]
        let rate = outcome.per_second() * batch as f64;
        let case = format!("memory_{}", kind.name);
        report.add(&case, "rate", rate, "statement/s");
        report.add(&case, "p50", outcome.latency.quantile_ms(500), "ms");
        report.add(&case, "p99", outcome.latency.quantile_ms(990), "ms");
        #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
        let refused = outcome.refused as f64;
        report.add(&case, "refused", refused, "requests");
    }
    stored::is(&cluster.connect(DATABASE).await?, acknowledged).await?;
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    let of_one = |time: Duration| time.as_secs_f64() * 1e6 / acknowledged as f64;
    report.add("memory", "cpu_load", of_one(used.load), "µs/statement");
    report.add("memory", "cpu_server", of_one(used.server), "µs/statement");
    report.add(
        "memory",
        "cpu_postgres",
        of_one(used.postgres),
        "µs/statement",
    );
    report.add("memory", "before", megabytes(idle.resident), "MB");
    report.add_held_to("memory", "peak", megabytes(peak), "MB", PEAK);
    report.add("memory", "after", megabytes(after), "MB");
    Ok(report)
}

async fn post(target: Target, kind: Kind, plan: Plan) -> anyhow::Result<Outcome> {
    let bodies = Arc::new(Bodies::make(kind.seed, kind.batch, STATEMENTS / kind.batch));
    let connections = (0..kind.connections).map(|_| Poster::connect(&target, &bodies));
    load::run(try_join_all(connections).await?, plan).await
}

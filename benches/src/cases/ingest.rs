//! `ingest`: durable posts through the real server, against PostgreSQL alone.
//!
//! Both sides in turns, on one cluster with fsync and `synchronous_commit` on, each turn in a fresh
//! database right after a checkpoint, over the same statements. Single posts: 64 connections, against
//! one INSERT a transaction from as many clients. Batches of 50: 8 connections, against COPY.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Duration;

use anyhow::ensure;
use bytes::Bytes;
use futures::future::try_join_all;
use serde_json::Value;
use tokio::runtime::{Builder, Handle, Runtime};

use super::Arguments;
use crate::cluster::{self, Private};
use crate::cpu::{LOAD_THREADS, Used};
use crate::data::{Size, Statements};
use crate::histogram::Histogram;
use crate::http::{Poster, Target};
use crate::limits::postgres::{Copier, Inserter, Rows};
use crate::limits::{disk, postgres};
use crate::load::{self, Outcome, Pace, Plan, Sender};
use crate::report::{Report, complain, median};
use crate::server::{Server, cores};

/// The seed of the statements.
const SEED: u64 = 20_261_005;

/// Connections that post batches.
const BATCH_CONNECTIONS: usize = 8;

/// Not counted at the start of a turn.
const WARM_UP: Duration = Duration::from_secs(1);

/// How long the disk is measured before each round.
const FLUSHES: Duration = Duration::from_secs(1);

/// The share of the most at which latencies are looked at.
const COMFORTABLE: f64 = 0.8;

/// How statements are sent.
#[derive(Clone, Copy, Debug)]
struct Shape {
    case: &'static str,
    connections: usize,
    /// Statements in one request.
    batch: usize,
    statements: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Sillage,
    Postgres,
}

/// What one turn of one side came to.
#[derive(Debug)]
struct Turn {
    outcome: Outcome,
    used: Used,
}

/// What the turns of one shape share.
struct Bench<'a> {
    cluster: &'a Private,
    load: &'a Handle,
    shape: Shape,
    measure: Duration,
    bodies: Arc<[Bytes]>,
    rows: Arc<Vec<Vec<Rows>>>,
}

/// Measures it.
pub fn run(arguments: &Arguments) -> anyhow::Result<Report> {
    // Each side of the wire has threads of its own, so that the kernel shares out the processors as
    // it would between processes, and tells who used them.
    let load = runtime(LOAD_THREADS)?;
    let server = runtime("server")?;
    server.block_on(async {
        tokio::select! {
            measured = measure(arguments, load.handle()) => measured,
            _ = tokio::signal::ctrl_c() => anyhow::bail!("interrupted"),
        }
    })
}

fn runtime(name: &str) -> anyhow::Result<Runtime> {
    Ok(Builder::new_multi_thread()
        .worker_threads(cores())
        .thread_name(name)
        .enable_all()
        .build()?)
}

async fn measure(arguments: &Arguments, load: &Handle) -> anyhow::Result<Report> {
    complain("starting PostgreSQL");
    let cluster = Private::start(&[service::store::MIGRATIONS, lrs::MIGRATIONS]).await?;
    for setting in ["fsync", "synchronous_commit", "full_page_writes"] {
        let value = cluster.setting(setting).await?;
        ensure!(
            value == "on",
            "{setting} is {value}: commits would not be durable"
        );
    }
    let mut report = Report::new("ingest", heading(&cluster, arguments).await?);
    let mut flushes = Histogram::default();
    let statements = usize::try_from(arguments.statements)?;
    let shapes = [
        Shape {
            case: "ingest_single",
            connections: usize::from(arguments.connections),
            batch: 1,
            statements,
        },
        Shape {
            case: "ingest_batch_50",
            connections: BATCH_CONNECTIONS,
            batch: 50,
            // Batches go through faster.
            statements: statements * 2,
        },
    ];
    for shape in shapes {
        let bench = Bench::new(
            &cluster,
            load,
            shape,
            Duration::from_secs(arguments.seconds),
        )
        .await?;
        bench
            .rounds(arguments.rounds, &mut flushes, &mut report)
            .await?;
    }
    report.add("disk", "flush_p50", flushes.quantile_ms(500), "ms");
    report.add("disk", "flush_p99", flushes.quantile_ms(990), "ms");
    Ok(report)
}

async fn heading(cluster: &Private, arguments: &Arguments) -> anyhow::Result<String> {
    let version = cluster.setting("server_version").await?;
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    Ok(format!(
        "ingest: {} processors, load average at the start {}; PostgreSQL {version}, fsync on; {} rounds of {} s a side",
        cores(),
        load.split(' ').next().unwrap_or("unknown"),
        arguments.rounds,
        arguments.seconds,
    ))
}

impl<'a> Bench<'a> {
    async fn new(
        cluster: &'a Private,
        load: &'a Handle,
        shape: Shape,
        measure: Duration,
    ) -> anyhow::Result<Self> {
        complain(&format!(
            "{}: making {} statements",
            shape.case, shape.statements
        ));
        let (bodies, rows) = tokio::task::spawn_blocking(move || {
            let bodies = bodies(shape);
            let rows = postgres::rows(&bodies)?;
            anyhow::Ok((bodies, rows))
        })
        .await??;
        Ok(Self {
            cluster,
            load,
            shape,
            measure,
            bodies: bodies.into(),
            rows: Arc::new(rows),
        })
    }

    /// Rounds of both sides in turns, then one of ours at a comfortable rate.
    async fn rounds(
        &self,
        rounds: u32,
        flushes: &mut Histogram,
        report: &mut Report,
    ) -> anyhow::Result<()> {
        let (mut sillage, mut alone) = (Vec::new(), Vec::new());
        for round in 0..rounds {
            let folder = self.cluster.folder().to_owned();
            flushes
                .add(&tokio::task::spawn_blocking(move || disk::flushes(&folder, FLUSHES)).await??);
            // Who comes second finds the disk as the first has left it: they take turns in that too.
            let order = match round % 2 {
                0 => [Side::Sillage, Side::Postgres],
                _ => [Side::Postgres, Side::Sillage],
            };
            for side in order {
                let turn = self.turn(side, Pace::Closed).await?;
                self.tell(&format!("round {}", round + 1), side, &turn);
                match side {
                    Side::Sillage => sillage.push(turn),
                    Side::Postgres => alone.push(turn),
                }
            }
        }
        self.report(&sillage, &alone, report);
        if self.shape.batch == 1 {
            let rate = COMFORTABLE * median(&each(&sillage, |turn| turn.outcome.per_second()));
            let turn = self.turn(Side::Sillage, Pace::PerSecond(rate)).await?;
            self.tell("at 80 %", Side::Sillage, &turn);
            let case = format!("{}_at_80_percent", self.shape.case);
            report.add(&case, "rate", turn.outcome.per_second(), "statement/s");
            latencies(&case, "sillage", &[turn], report);
        }
        Ok(())
    }

    /// One turn in a database of its own.
    async fn turn(&self, side: Side, pace: Pace) -> anyhow::Result<Turn> {
        const DATABASE: &str = "bench_turn";
        self.cluster.database(DATABASE).await?;
        let turn = match (side, self.shape.batch) {
            (Side::Sillage, _) => self.through_the_server(DATABASE, pace).await,
            (Side::Postgres, 1) => self.by_insert(DATABASE, pace).await,
            (Side::Postgres, _) => self.by_copy(DATABASE, pace).await,
        }?;
        self.check(DATABASE, &turn).await?;
        self.cluster.drop_database(DATABASE).await?;
        Ok(turn)
    }

    async fn through_the_server(&self, database: &str, pace: Pace) -> anyhow::Result<Turn> {
        let server = Server::start(&self.cluster.url_of(database)).await?;
        let target = Target::new(
            server.address(),
            "/xapi/statements",
            &server.authorization(),
        )?;
        let (bodies, connections) = (Arc::clone(&self.bodies), self.shape.connections);
        let senders = self.load.spawn(async move {
            try_join_all((0..connections).map(|_| Poster::connect(&target, &bodies))).await
        });
        let turn = self.drive(senders.await??, pace).await?;
        server.stop().await?;
        Ok(turn)
    }

    async fn by_insert(&self, database: &str, pace: Pace) -> anyhow::Result<Turn> {
        let mut senders = Vec::new();
        for client in self.clients(database).await? {
            senders.push(Inserter::new(client, &self.rows).await?);
        }
        self.drive(senders, pace).await
    }

    async fn by_copy(&self, database: &str, pace: Pace) -> anyhow::Result<Turn> {
        let seq = Arc::new(AtomicI64::new(0));
        let clients = self.clients(database).await?.into_iter();
        let senders = clients.map(|client| Copier::new(client, &self.rows, &seq));
        self.drive(senders.collect(), pace).await
    }

    /// Connections that are driven by the load's threads.
    async fn clients(&self, database: &str) -> anyhow::Result<Vec<tokio_postgres::Client>> {
        let (url, connections) = (self.cluster.url_of(database), self.shape.connections);
        let clients = self.load.spawn(async move {
            try_join_all((0..connections).map(|_| cluster::connect(&url))).await
        });
        clients.await?
    }

    async fn drive<S: Sender>(&self, senders: Vec<S>, pace: Pace) -> anyhow::Result<Turn> {
        let plan = Plan {
            pace,
            warm_up: WARM_UP,
            measure: self.measure,
            things: self.bodies.len(),
        };
        let before = Used::now(self.cluster.pid());
        let outcome = self.load.spawn(load::run(senders, plan)).await??;
        let used = Used::now(self.cluster.pid()).since(&before);
        Ok(Turn {
            outcome: in_statements(outcome, self.shape.batch),
            used,
        })
    }

    /// What was acknowledged must be there, no more and no less.
    async fn check(&self, database: &str, turn: &Turn) -> anyhow::Result<()> {
        let client = self.cluster.connect(database).await?;
        let row = client
            .query_one("select count(*) from lrs.statements", &[])
            .await?;
        let stored: i64 = row.get(0);
        ensure!(
            u64::try_from(stored)? == turn.outcome.answered,
            "{} statements were acknowledged, {stored} are stored",
            turn.outcome.answered
        );
        Ok(())
    }

    fn tell(&self, when: &str, side: Side, turn: &Turn) {
        complain(&format!(
            "{} {when}, {side:?}: {:.0} statements/s, p99 {:.1} ms",
            self.shape.case,
            turn.outcome.per_second(),
            turn.outcome.latency.quantile_ms(990),
        ));
    }

    fn report(&self, sillage: &[Turn], alone: &[Turn], report: &mut Report) {
        let case = self.shape.case;
        let ours = each(sillage, |turn| turn.outcome.per_second());
        let theirs = each(alone, |turn| turn.outcome.per_second());
        // Neighbours are compared: what else the machine does in a round, it does to both.
        let ratios: Vec<f64> = ours
            .iter()
            .zip(&theirs)
            .map(|(our, their)| our / their)
            .collect();
        report.add(case, "sillage", median(&ours), "statement/s");
        report.add(case, "postgres", median(&theirs), "statement/s");
        report.add(case, "ratio", median(&ratios), "1");
        report.add(
            case,
            "ratio_lowest",
            ratios.iter().copied().fold(f64::INFINITY, f64::min),
            "1",
        );
        report.add(
            case,
            "ratio_highest",
            ratios.iter().copied().fold(0.0, f64::max),
            "1",
        );
        for (name, turns) in [("sillage", sillage), ("postgres", alone)] {
            latencies(case, name, turns, report);
            processors(case, name, turns, report);
        }
    }
}

/// A request's answer acknowledges all its statements.
fn in_statements(outcome: Outcome, batch: usize) -> Outcome {
    let batch = batch as u64;
    Outcome {
        counted: outcome.counted * batch,
        answered: outcome.answered * batch,
        ..outcome
    }
}

fn each(turns: &[Turn], figure: impl Fn(&Turn) -> f64) -> Vec<f64> {
    turns.iter().map(figure).collect()
}

fn latencies(case: &str, name: &str, turns: &[Turn], report: &mut Report) {
    let mut all = Histogram::default();
    for turn in turns {
        all.add(&turn.outcome.latency);
    }
    report.add(case, &format!("{name}_p50"), all.quantile_ms(500), "ms");
    report.add(case, &format!("{name}_p99"), all.quantile_ms(990), "ms");
}

/// Processor time of a statement, by who used it.
fn processors(case: &str, name: &str, turns: &[Turn], report: &mut Report) {
    type Part = fn(&Used) -> Duration;
    let load: Part = |used| used.load;
    let server: Part = |used| used.server;
    let postgres: Part = |used| used.postgres;
    for (part, of) in [("load", load), ("server", server), ("postgres", postgres)] {
        #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
        let figures = each(turns, |turn| {
            of(&turn.used).as_secs_f64() * 1e6 / turn.outcome.answered as f64
        });
        // Without a server between there is none to tell of.
        if name == "sillage" || part != "server" {
            let metric = format!("{name}_cpu_{part}");
            report.add(case, &metric, median(&figures), "µs/statement");
        }
    }
}

/// The bodies of the requests, made before the clock runs.
fn bodies(shape: Shape) -> Vec<Bytes> {
    let mut statements = Statements::new(SEED, Size::default());
    (0..shape.statements / shape.batch)
        .map(|_| {
            let mut some = statements.by_ref().take(shape.batch);
            match (shape.batch, some.next()) {
                (1, Some(one)) => one.to_string().into(),
                (_, first) => Value::from_iter(first.into_iter().chain(some))
                    .to_string()
                    .into(),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_a_statement_or_a_batch() {
        let shape = |batch| Shape {
            case: "x",
            connections: 1,
            batch,
            statements: 100,
        };
        let single = bodies(shape(1));
        assert_eq!(single.len(), 100);
        assert!(single[0].starts_with(b"{"));
        let batches = bodies(shape(50));
        assert_eq!(batches.len(), 2);
        let rows = postgres::rows(&batches).unwrap();
        assert_eq!(rows.iter().map(Vec::len).collect::<Vec<_>>(), [50, 50]);
    }
}

//! `ingest`: durable posts through the real server, against PostgreSQL alone.
//!
//! Both sides in turns, on one cluster with fsync and `synchronous_commit` on, each turn in a fresh
//! database right after a checkpoint, over the same statements. Single posts: 64 connections, against
//! one INSERT a transaction from as many clients. Batches of 50 and of 500: 8 connections, against COPY.

use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Duration;

use futures::future::try_join_all;
use tokio::runtime::Handle;

use super::Arguments;
use crate::bodies::Bodies;
use crate::cluster::{self, Private};
use crate::cpu::Used;
use crate::histogram::Histogram;
use crate::http::{Poster, Target};
use crate::limits::postgres::{Copier, Inserter, Rows};
use crate::limits::{disk, postgres};
use crate::load::{self, Outcome, Pace, Plan, Sender};
use crate::report::{Bar, Report, complain, median};
use crate::server::{Server, on_two_runtimes};
use crate::stored;

/// The seed of the statements.
const SEED: u64 = 20_261_005;

/// Connections that post batches.
const BATCH_CONNECTIONS: usize = 8;

/// Seconds of a turn.
const SECONDS: u64 = 4;

/// How long the disk is measured before each round.
const FLUSHES: Duration = Duration::from_secs(1);

/// The share of the most at which latencies are looked at.
const COMFORTABLE: f64 = 0.8;

/// What p99 has to be then, in milliseconds.
const COMFORTABLE_P99: Bar = Bar::AtMost(50.0);

/// What the LRS itself may take of a statement in a batch, in microseconds of a processor.
const BATCH_CPU: Bar = Bar::AtMost(20.0);

/// How statements are sent.
#[derive(Clone, Copy, Debug)]
struct Shape {
    case: &'static str,
    connections: usize,
    /// Statements in one request.
    batch: usize,
    statements: usize,
    /// What the ratio has to be.
    bar: Bar,
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
    warm_up: Duration,
    measure: Duration,
    bodies: Arc<Bodies>,
    rows: Arc<Vec<Vec<Rows>>>,
}

/// Measures it.
pub fn run(arguments: &Arguments) -> anyhow::Result<Report> {
    on_two_runtimes(|load| measure(arguments, load))
}

async fn measure(arguments: &Arguments, load: Handle) -> anyhow::Result<Report> {
    let cluster = Private::for_lrs().await?;
    let heading = format!(
        "ingest: {}; {} rounds of {} s a side",
        cluster.setting_of_figures().await?,
        arguments.rounds,
        arguments.measure(SECONDS).as_secs(),
    );
    let mut report = Report::new("ingest", heading);
    let mut flushes = Histogram::default();
    for shape in shapes(arguments) {
        let bench = Bench::new(&cluster, &load, shape, arguments).await?;
        bench
            .rounds(arguments.rounds, &mut flushes, &mut report)
            .await?;
        if shape.batch == 1 {
            bench.comfortable(arguments.rounds, &mut report).await?;
        }
    }
    report.add("disk", "flush_p50", flushes.quantile_ms(500), "ms");
    report.add("disk", "flush_p99", flushes.quantile_ms(990), "ms");
    Ok(report)
}

fn shapes(arguments: &Arguments) -> [Shape; 3] {
    let statements = arguments.statements_of_a_turn() as usize;
    let batches = Shape {
        case: "ingest_batch_50",
        connections: BATCH_CONNECTIONS,
        batch: 50,
        // Batches go through faster.
        statements: statements * 2,
        bar: Bar::AtLeast(0.5),
    };
    [
        Shape {
            case: "ingest_single",
            connections: usize::from(arguments.connections),
            batch: 1,
            statements,
            bar: Bar::AtLeast(1.5),
        },
        batches,
        Shape {
            case: "ingest_batch_500",
            batch: 500,
            bar: Bar::AtLeast(0.55),
            ..batches
        },
    ]
}

impl<'a> Bench<'a> {
    async fn new(
        cluster: &'a Private,
        load: &'a Handle,
        shape: Shape,
        arguments: &Arguments,
    ) -> anyhow::Result<Self> {
        complain(&format!(
            "{}: making {} statements",
            shape.case, shape.statements
        ));
        let (bodies, rows) = tokio::task::spawn_blocking(move || {
            let bodies = Bodies::make(SEED, shape.batch, shape.statements / shape.batch);
            let rows = postgres::rows(&bodies.made())?;
            anyhow::Ok((bodies, rows))
        })
        .await??;
        Ok(Self {
            cluster,
            load,
            shape,
            warm_up: arguments.warm_up(),
            measure: arguments.measure(SECONDS),
            bodies: Arc::new(bodies),
            rows: Arc::new(rows),
        })
    }

    /// Rounds of both sides in turns.
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
        Ok(())
    }

    /// Rounds of ours alone: first the most that it sustains now, then as many at a comfortable share of
    /// that. The machine changes from minute to minute, so that of the rounds before says less.
    async fn comfortable(&self, rounds: u32, report: &mut Report) -> anyhow::Result<()> {
        let most = self.of_ours("alone", rounds, Pace::Closed).await?;
        let most = median(&each(&most, |turn| turn.outcome.per_second()));
        let offered = COMFORTABLE * most;
        let pace = Pace::PerSecond(offered);
        let turns = self.of_ours("at 80 %", rounds, pace).await?;
        let case = format!("{}_at_80_percent", self.shape.case);
        report.add(&case, "maximum", most, "statement/s");
        report.add(&case, "offered", offered, "statement/s");
        let reached = each(&turns, |turn| turn.outcome.per_second());
        report.add(&case, "reached", median(&reached), "statement/s");
        let all = latencies(&turns);
        report.add(&case, "sillage_p50", all.quantile_ms(500), "ms");
        report.add_held_to(
            &case,
            "sillage_p99",
            all.quantile_ms(990),
            "ms",
            COMFORTABLE_P99,
        );
        // One bad turn of some is not the same as all of them a little.
        let p99 = each(&turns, |turn| turn.outcome.latency.quantile_ms(990));
        report.add(&case, "sillage_p99_lowest", least(&p99), "ms");
        report.add(&case, "sillage_p99_highest", most_of(&p99), "ms");
        Ok(())
    }

    async fn of_ours(&self, when: &str, rounds: u32, pace: Pace) -> anyhow::Result<Vec<Turn>> {
        let mut turns = Vec::new();
        for _ in 0..rounds {
            let turn = self.turn(Side::Sillage, pace).await?;
            self.tell(when, Side::Sillage, &turn);
            turns.push(turn);
        }
        Ok(turns)
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
        let server = Server::start(&self.cluster.url_of(database), None).await?;
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
            warm_up: self.warm_up,
            measure: self.measure,
            first: 0,
            things: self.rows.len(),
        };
        let before = Used::now(self.cluster.pid(), None);
        let outcome = self.load.spawn(load::run(senders, plan)).await??;
        let used = Used::now(self.cluster.pid(), None).since(&before);
        Ok(Turn {
            outcome: in_statements(outcome, self.shape.batch),
            used,
        })
    }

    /// What was acknowledged must be there, no more and no less.
    async fn check(&self, database: &str, turn: &Turn) -> anyhow::Result<()> {
        let client = self.cluster.connect(database).await?;
        stored::is(&client, turn.outcome.answered).await
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
        report.add_held_to(case, "ratio", median(&ratios), "1", self.shape.bar);
        report.add(case, "ratio_lowest", least(&ratios), "1");
        report.add(case, "ratio_highest", most_of(&ratios), "1");
        for (name, turns) in [("sillage", sillage), ("postgres", alone)] {
            let all = latencies(turns);
            report.add(case, &format!("{name}_p50"), all.quantile_ms(500), "ms");
            report.add(case, &format!("{name}_p99"), all.quantile_ms(990), "ms");
            self.processors(name, turns, report);
        }
        #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
        let refused = each(sillage, |turn| turn.outcome.refused as f64)
            .iter()
            .sum();
        report.add(case, "sillage_refused", refused, "requests");
    }

    /// Processor time of a statement, by who used it.
    fn processors(&self, name: &str, turns: &[Turn], report: &mut Report) {
        type Part = fn(&Used) -> Duration;
        let load: Part = |used| used.load;
        let server: Part = |used| used.server;
        let postgres: Part = |used| used.postgres;
        let case = self.shape.case;
        for (part, of) in [("load", load), ("server", server), ("postgres", postgres)] {
            #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
            let figures = each(turns, |turn| {
                of(&turn.used).as_secs_f64() * 1e6 / turn.outcome.answered as f64
            });
            let (metric, value) = (format!("{name}_cpu_{part}"), median(&figures));
            match (name, part) {
                // Without a server between there is none to tell of.
                ("postgres", "server") => {}
                ("sillage", "server") if self.shape.batch > 1 => {
                    report.add_held_to(case, &metric, value, "µs/statement", BATCH_CPU);
                }
                _ => report.add(case, &metric, value, "µs/statement"),
            }
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

fn latencies(turns: &[Turn]) -> Histogram {
    let mut all = Histogram::default();
    for turn in turns {
        all.add(&turn.outcome.latency);
    }
    all
}

fn least(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::INFINITY, f64::min)
}

fn most_of(values: &[f64]) -> f64 {
    values.iter().copied().fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rows_of_a_body_are_those_of_its_statements() {
        let batches = Bodies::make(SEED, 50, 2);
        let rows = postgres::rows(&batches.made()).unwrap();
        assert_eq!(rows.iter().map(Vec::len).collect::<Vec<_>>(), [50, 50]);
    }
}

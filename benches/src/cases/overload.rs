//! `overload`: twice the most that the LRS takes, offered for a minute, whether or not it answers.
//!
//! The server is alone in a process of its own. The most is measured right before, in a closed loop, and
//! once more after. Then sends fall due at twice the rate of the best turn, over as many connections, open
//! before, as fall due in half a second: with few, a slow server would slow down its load. Single posts
//! first, then batches of 50. Afterwards every acknowledged statement must be there, by its id.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use futures::future::try_join_all;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::runtime::Handle;
use tokio::time::Instant;
use uuid::Uuid;

use super::Arguments;
use crate::apart::Apart;
use crate::bodies::Bodies;
use crate::cluster::Private;
use crate::cpu::Used;
use crate::flood;
use crate::http::{Poster, Target};
use crate::load::{self, Outcome, Pace, Reply, Sender as _};
use crate::report::{Bar, Report, complain, count, median};
use crate::server::on_two_runtimes;
use crate::stored;

/// The seeds of the statements that are offered, and of those that look at the recovery.
const SEED: u64 = 20_261_128;
const PROBE_SEED: u64 = 20_261_129;

/// The database of a form.
const DATABASE: &str = "bench_overload";

/// How long it is offered, in seconds.
const SECONDS: u64 = 60;

/// How long the most is measured in a turn.
const TURN: Duration = Duration::from_secs(4);

/// How often the most is offered.
const TIMES: f64 = 2.0;

/// How long whoever sends waits for a connection: as long as an answer may take.
const PATIENCE: Duration = Duration::from_secs(1);

/// There are connections for what falls due in this time: enough for a server that lets nobody wait for
/// longer, stores a half and refuses the other at once.
const OPEN_FOR: Duration = Duration::from_millis(500);

/// Connections that are opened together.
const OPENED_TOGETHER: usize = 100;

/// How long an answer may take, in milliseconds.
const ANSWER: Bar = Bar::AtMost(1_000.0);

/// Open files that are none of the load's connections.
const OTHER_FILES: u64 = 500;

/// Different statements that are made; then they come again with other ids.
const STATEMENTS: usize = 50_000;

/// A statement is posted this often to see whether the server has recovered...
const PROBE_EVERY: Duration = Duration::from_millis(20);

/// ...which it has when so many in a row,
const PROBES: u32 = 25;

/// ...half a second, were stored as fast as this: p99 of a comfortable rate.
const NORMAL: Duration = Duration::from_millis(50);

/// It is looked for so long.
const RECOVERS_WITHIN: Duration = Duration::from_secs(60);

/// How long the server rests before its memory is read.
const REST: Duration = Duration::from_secs(10);

/// How statements are offered.
#[derive(Clone, Copy, Debug)]
struct Form {
    case: &'static str,
    batch: usize,
    /// Connections that find the most.
    connections: usize,
    /// The share of the most that has to be stored.
    share: Bar,
}

/// What the phases of a form share.
struct Bench<'a> {
    cluster: &'a Private,
    load: &'a Handle,
    arguments: &'a Arguments,
    form: Form,
    server: Apart,
    target: Target,
    bodies: Arc<Bodies>,
    /// The number of the next body.
    next: usize,
    /// The ids of what was acknowledged.
    acknowledged: HashSet<Uuid>,
    /// Statements that may be stored or not.
    undecided: u64,
}

/// What was seen while it was offered.
struct Flooded {
    outcome: flood::Outcome,
    /// Connections.
    open: usize,
    used: Used,
    /// The most that was resident in each half of the time, in bytes.
    halves: [u64; 2],
    recovered_after: Duration,
}

/// Measures it.
pub fn run(arguments: &Arguments) -> anyhow::Result<Report> {
    on_two_runtimes(|load| measure(arguments, load))
}

async fn measure(arguments: &Arguments, load: Handle) -> anyhow::Result<Report> {
    let cluster = Private::for_lrs().await?;
    let heading = format!(
        "overload: {}; twice the most for {} s",
        cluster.setting_of_figures().await?,
        arguments.measure(SECONDS).as_secs(),
    );
    let mut report = Report::new("overload", heading);
    let single = Form {
        case: "overload_single",
        batch: 1,
        connections: usize::from(arguments.connections),
        share: Bar::AtLeast(0.75),
    };
    let batches = Form {
        case: "overload_batch_50",
        batch: 50,
        connections: 8,
        share: Bar::AtLeast(0.9),
    };
    for form in [single, batches] {
        let bench = Bench::new(&cluster, &load, arguments, form).await?;
        bench.run(&mut report).await?;
        cluster.drop_database(DATABASE).await?;
    }
    Ok(report)
}

impl<'a> Bench<'a> {
    async fn new(
        cluster: &'a Private,
        load: &'a Handle,
        arguments: &'a Arguments,
        form: Form,
    ) -> anyhow::Result<Self> {
        complain(&format!("{}: making statements", form.case));
        let made = move || Bodies::make(SEED, form.batch, STATEMENTS / form.batch);
        let bodies = Arc::new(tokio::task::spawn_blocking(made).await?);
        cluster.database(DATABASE).await?;
        let log = cluster.folder().with_file_name("server.log");
        let server = Apart::start(&cluster.url_of(DATABASE), None, &log).await?;
        let target = Target::new(server.address(), "/xapi/statements", server.authorization())?;
        Ok(Self {
            cluster,
            load,
            arguments,
            form,
            server,
            target,
            bodies,
            next: 0,
            acknowledged: HashSet::new(),
            undecided: 0,
        })
    }

    async fn run(mut self, report: &mut Report) -> anyhow::Result<()> {
        let mut rates = Vec::new();
        for _ in 0..self.arguments.rounds {
            rates.push(self.most().await?);
        }
        // Of the best turn: what is offered has to be too much.
        let offered = TIMES * rates.iter().copied().fold(0.0, f64::max);
        let flooded = self.flood(offered).await?;
        rates.push(self.most().await?);
        tokio::time::sleep(self.arguments.rest(REST)).await;
        let after = self.server.memory()?.resident;
        self.server.stop().await?;
        let client = self.cluster.connect(DATABASE).await?;
        let acknowledged = self.acknowledged.len();
        stored::holds(&client, self.acknowledged, self.undecided).await?;
        flooded.report(self.form, median(&rates), self.arguments, report);
        report.add(self.form.case, "memory_after", megabytes(after), "MB");
        report.add(
            self.form.case,
            "acknowledged",
            count(acknowledged as u64),
            "statements",
        );
        // Else there would be no report.
        report.add_held_to(self.form.case, "lost", 0.0, "statements", Bar::AtMost(0.0));
        Ok(())
    }

    /// The most that it takes, in requests a second.
    async fn most(&mut self) -> anyhow::Result<f64> {
        let plan = load::Plan {
            pace: Pace::Closed,
            warm_up: self.arguments.warm_up(),
            measure: if self.arguments.smoke {
                self.arguments.measure(1)
            } else {
                TURN
            },
            first: self.next,
            things: usize::MAX,
        };
        let (target, bodies) = (self.target.clone(), Arc::clone(&self.bodies));
        let connections = self.form.connections;
        let turn = self.load.spawn(async move {
            let senders = (0..connections).map(|_| Poster::connect(&target, &bodies));
            load::run(try_join_all(senders).await?, plan).await
        });
        let outcome: Outcome = turn.await??;
        let answered = usize::try_from(outcome.answered)?;
        let numbers = self.next..self.next + answered;
        self.acknowledged
            .extend(numbers.flat_map(|number| self.bodies.ids(number)));
        self.next += answered;
        self.tell("most", outcome.per_second());
        Ok(outcome.per_second())
    }

    /// Offers so many requests a second.
    async fn flood(&mut self, rate: f64) -> anyhow::Result<Flooded> {
        let plan = flood::Plan {
            rate,
            during: self.arguments.measure(SECONDS),
            first: self.next,
            patience: PATIENCE,
        };
        let (target, bodies) = (self.target.clone(), Arc::clone(&self.bodies));
        let open = connections(rate)?;
        let posters = self.load.spawn(async move {
            let mut posters = Vec::with_capacity(open);
            while posters.len() < open {
                let some = OPENED_TOGETHER.min(open - posters.len());
                let some = (0..some).map(|_| Poster::connect(&target, &bodies));
                posters.extend(try_join_all(some).await?);
            }
            anyhow::Ok(posters)
        });
        let posters = posters.await??;
        let pids = (self.cluster.pid(), self.server.pid());
        let before = Used::now(pids.0, pids.1);
        let offered = self.load.spawn(flood::run(posters, plan));
        let recovery = self.load.spawn(recovery(self.target.clone(), plan.during));
        let halves = self.halves(plan.during).await?;
        let used = Used::now(pids.0, pids.1).since(&before);
        let outcome = offered.await??;
        let (recovered_after, probes) = recovery.await??;
        self.acknowledged.extend(probes.acknowledged);
        self.acknowledged.extend(
            outcome
                .acknowledged
                .iter()
                .flat_map(|number| self.bodies.ids(*number)),
        );
        self.undecided += probes.undecided + outcome.undecided * self.form.batch as u64;
        self.next += outcome.due;
        self.tell(
            "stored of twice that",
            outcome.stored_per_second(plan.during),
        );
        Ok(Flooded {
            outcome,
            used,
            open,
            halves,
            recovered_after,
        })
    }

    /// The most that is resident in each half of a time.
    async fn halves(&self, during: Duration) -> anyhow::Result<[u64; 2]> {
        let start = Instant::now();
        let mut halves = [0, 0];
        while start.elapsed() < during {
            let half = &mut halves[usize::from(start.elapsed() > during / 2)];
            *half = self.server.memory()?.resident.max(*half);
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        Ok(halves)
    }

    fn tell(&self, what: &str, requests: f64) {
        complain(&format!(
            "{}, {what}: {:.0} statements/s",
            self.form.case,
            requests * count(self.form.batch as u64)
        ));
    }
}

/// As many connections as requests fall due in the time for which they are, or as many as may be open.
fn connections(rate: f64) -> anyhow::Result<usize> {
    let most = getrlimit(Resource::Nofile).maximum;
    let raised = Rlimit {
        current: most,
        maximum: most,
    };
    setrlimit(Resource::Nofile, raised).context("could not raise the limit of open files")?;
    let open = most.unwrap_or(u64::MAX).saturating_sub(OTHER_FILES);
    let wanted = (rate * OPEN_FOR.as_secs_f64()).ceil();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "some thousands"
    )]
    let wanted = wanted as usize;
    Ok(wanted.clamp(1, usize::try_from(open)?))
}

/// What was posted to see whether the server has recovered.
#[derive(Default)]
struct Probes {
    acknowledged: Vec<Uuid>,
    undecided: u64,
}

/// How long after `during` it takes until statements are stored as fast as ever.
async fn recovery(target: Target, during: Duration) -> anyhow::Result<(Duration, Probes)> {
    let bodies = Arc::new(Bodies::make(PROBE_SEED, 1, 100));
    let end = Instant::now() + during;
    tokio::time::sleep_until(end).await;
    let mut poster = Poster::connect(&target, &bodies).await?;
    let mut probes = Probes::default();
    let (mut number, mut in_a_row) = (0, 0);
    let mut since = end;
    while in_a_row < PROBES {
        let due = end + PROBE_EVERY * u32::try_from(number)?;
        anyhow::ensure!(
            due < end + RECOVERS_WITHIN,
            "the server did not recover within {} s",
            RECOVERS_WITHIN.as_secs()
        );
        tokio::time::sleep_until(due).await;
        let reply = poster.send(number).await?;
        match reply {
            Reply::Stored => probes.acknowledged.extend(bodies.ids(number)),
            Reply::Undecided => probes.undecided += 1,
            Reply::Refused => {}
        }
        if reply == Reply::Stored && due.elapsed() <= NORMAL {
            if in_a_row == 0 {
                since = due;
            }
            in_a_row += 1;
        } else {
            in_a_row = 0;
        }
        number += 1;
    }
    Ok((since - end, probes))
}

impl Flooded {
    fn report(&self, form: Form, most: f64, arguments: &Arguments, report: &mut Report) {
        let during = arguments.measure(SECONDS);
        let batch = count(form.batch as u64);
        let seen = &self.outcome;
        let share = |some: u64| count(some) / count(seen.due as u64);
        let stored = seen.stored_per_second(during);
        let case = form.case;
        let mut add = |metric: &str, value: f64, unit: &str| report.add(case, metric, value, unit);
        add("maximum", most * batch, "statement/s");
        add(
            "offered",
            count(seen.due as u64) / during.as_secs_f64() * batch,
            "statement/s",
        );
        add("stored", stored * batch, "statement/s");
        add("connections", count(self.open as u64), "connections");
        add(
            "connections_waiting",
            count(seen.waiting as u64),
            "connections",
        );
        add("sent_late_p50", seen.late.quantile_ms(500), "ms");
        add("sent_late_p99", seen.late.quantile_ms(990), "ms");
        add("stored_p50", seen.stored.quantile_ms(500), "ms");
        add("refused_share", share(seen.refused.count()), "1");
        add("refused_p50", seen.refused.quantile_ms(500), "ms");
        add("refused_p99", seen.refused.quantile_ms(990), "ms");
        add("undecided_share", share(seen.undecided), "1");
        add("recovered_after", self.recovered_after.as_secs_f64(), "s");
        self.used.report(case, during, report);
        report.add(case, "memory_first_half", megabytes(self.halves[0]), "MB");
        report.add(case, "memory_second_half", megabytes(self.halves[1]), "MB");
        for (metric, value, unit, bar) in [
            ("stored_share", stored / most, "1", form.share),
            ("stored_p99", seen.stored.quantile_ms(990), "ms", ANSWER),
            (
                "refused_slowest",
                seen.refused.quantile_ms(1_000),
                "ms",
                ANSWER,
            ),
            // Neither stored nor refused in time: no connection came free.
            ("unsent_share", share(seen.unsent), "1", Bar::AtMost(0.0)),
        ] {
            report.add_held_to(case, metric, value, unit, bar);
        }
    }
}

/// Millions of bytes.
#[expect(clippy::cast_precision_loss, reason = "sizes are far below 2^53")]
pub(super) fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_connections_as_fall_due_in_half_a_second() {
        assert_eq!(connections(99.5).unwrap(), 50);
        assert!(connections(1e9).unwrap() < 1_000_000_000);
    }
}

//! `incremental`: how soon an answer shows in mastery while 2,000 a second are posted, and what folding one costs.
//!
//! Shown is what the views read: an answer is there once the transaction that folded it is committed. Both times are the
//! database's: when the statement was stored, and when a look found a position that is not before it. Looks are
//! twenty milliseconds apart, so the figures are too large by up to that.
//!
//! What one costs, by how much its pupil has answered before, is measured without HTTP: pupils of three lengths of history, a batch of new answers each, folded at
//! once. New ones are added to the state; late ones, given before all others, make their pupil be folded again.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use analytics::fold::worker::fold_pending;
use analytics::{Analytics, AnalyticsConfig};
use anyhow::{Context as _, ensure};
use chrono::{DateTime, SecondsFormat, Utc};
use schemas::profile::verbs;
use service::config::Settings;
use service::context::Context;
use tokio::runtime::Handle;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_postgres::Client;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::Arguments;
use super::mixed::migrate;
use crate::administration::Administration;
use crate::apart::Apart;
use crate::cluster::Private;
use crate::cpu::Used;
use crate::histogram::Histogram;
use crate::load::{self, Outcome, Pace, Plan};
use crate::national::{Country, Statements};
use crate::report::{Bar, Report, complain, count, median};
use crate::senders;
use crate::server::{Server, on_two_runtimes};
use crate::talk::Talk;
use crate::{school, store};

/// The seed of the statements.
const SEED: u64 = 20_261_134;

/// The databases.
const SHOWN: &str = "bench_shown";
const HISTORIES: &str = "bench_histories";

/// Statements a second: five in six are answers.
const RATE: f64 = 2_400.0;

/// How long they are posted, in seconds.
const SECONDS: u64 = 30;

/// Schools whose pupils answer.
const SCHOOLS: u64 = 50;
const SCHOOLS_OF_SMOKE: u64 = 2;

/// Time between two looks at how far the fold is.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Answers of a pupil before those that are measured.
const LENGTHS: [usize; 3] = [20, 200, 2_000];
const LENGTHS_OF_SMOKE: [usize; 3] = [5, 10, 20];

/// Pupils of each length, and new answers of each pupil in a turn.
const PUPILS: usize = 40;
const NEW: usize = 5;

/// Statements of a request.
const BATCH: usize = 500;

/// Between two answers of a pupil, in seconds.
const BETWEEN_S: i64 = 60;

/// Answers a second at least, the time until they show, and what one costs after many over what it costs after few.
const ANSWERS: Bar = Bar::AtLeast(1_950.0);
const SHOWS_WITHIN: Bar = Bar::AtMost(2_000.0);
const GROWTH: Bar = Bar::AtMost(1.5);

/// Measures it.
pub fn run(arguments: &Arguments) -> anyhow::Result<Report> {
    on_two_runtimes(|load| async move { measure(arguments, &load).await })
}

async fn measure(arguments: &Arguments, load: &Handle) -> anyhow::Result<Report> {
    let cluster = Private::for_lrs().await?;
    let heading = format!("incremental: {}", cluster.setting_of_figures().await?);
    let mut report = Report::new("incremental", heading);
    shown(&cluster, load, arguments, &mut report).await?;
    histories(&cluster, arguments, &mut report).await?;
    Ok(report)
}

/// A look at how far what is served is folded: the position, and the database's time in microseconds.
type Look = (i64, i64);

/// How soon answers show.
async fn shown(
    cluster: &Private,
    load: &Handle,
    arguments: &Arguments,
    report: &mut Report,
) -> anyhow::Result<()> {
    cluster.database(SHOWN).await?;
    migrate(cluster, SHOWN).await?;
    let country = Arc::new(Country::schools(if arguments.smoke {
        SCHOOLS_OF_SMOKE
    } else {
        SCHOOLS
    }));
    let beside = |name| cluster.folder().with_file_name(name);
    let (lake, log) = (beside("lake"), beside("server.log"));
    let server = Apart::start_whole(&cluster.url_of(SHOWN), &lake, &log).await?;
    let administration = Administration::apart(&server)?;
    administration
        .put_catalogue(&school::catalogue(&country))
        .await?;
    administration.put_roster(school::roster(&country)?).await?;
    administration.caught_up().await?;
    let supply = Arc::new(Mutex::new(Statements::new(SEED, &country)));
    let connections = usize::from(arguments.connections);
    let pupils = senders::pupils(&server, load, connections, &supply).await?;
    let client = cluster.connect(SHOWN).await?;
    let plan = Plan {
        pace: Pace::PerSecond(RATE),
        warm_up: arguments.warm_up() * 5,
        measure: arguments.measure(SECONDS),
        first: 0,
        things: usize::MAX,
    };
    complain(&format!("incremental: {RATE:.0} statements/s"));
    let before = Used::now(cluster.pid(), server.pid());
    let start = Instant::now();
    let posting = load.spawn(load::run(pupils, plan));
    let stop = CancellationToken::new();
    let watching = tokio::spawn(looks(cluster.connect(SHOWN).await?, stop.clone()));
    let outcome = posting.await??;
    administration.caught_up().await?;
    stop.cancel();
    let looks = watching.await??;
    let used = Used::now(cluster.pid(), server.pid()).since(&before);
    let elapsed = start.elapsed();
    // Those of the warm-up are left out: connections and plans were cold.
    let first = answers_stored(&client).await?;
    let from = first.first().context("no answers")?.1 + i64::try_from(plan.warm_up.as_micros())?;
    let counted: Vec<Look> = first.into_iter().filter(|(_, at)| *at >= from).collect();
    server.stop().await?;
    until_shown(&counted, &looks, &outcome, report)?;
    used.report("incremental_shown", elapsed, report);
    Ok(())
}

/// Looks until it is told to stop.
async fn looks(client: Client, stop: CancellationToken) -> anyhow::Result<Vec<Look>> {
    let sql = "select v.position, (extract(epoch from clock_timestamp()) * 1000000)::bigint
                 from analytics.current c join analytics.versions v on v.version = c.version";
    let look = client.prepare(sql).await?;
    let mut looks = Vec::new();
    let mut due = tokio::time::interval(LOOK_EVERY);
    due.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while !stop.is_cancelled() {
        due.tick().await;
        let row = client.query_one(&look, &[]).await?;
        looks.push((row.get(0), row.get(1)));
    }
    Ok(looks)
}

/// Position and time, in microseconds, of every answer that is stored.
async fn answers_stored(client: &Client) -> anyhow::Result<Vec<Look>> {
    let sql = "select seq, (extract(epoch from stored) * 1000000)::bigint
                 from published.answers_feed where kind = 'answer' order by seq";
    let rows = client.query(sql, &[]).await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

fn until_shown(
    answers: &[Look],
    looks: &[Look],
    outcome: &Outcome,
    report: &mut Report,
) -> anyhow::Result<()> {
    let mut latency = Histogram::default();
    let mut worst = 0;
    let mut next = 0;
    for (seq, stored) in answers {
        while looks.get(next).is_some_and(|(position, _)| position < seq) {
            next += 1;
        }
        let (_, seen) = looks.get(next).context("an answer was never folded")?;
        let micros = u64::try_from(seen - stored).unwrap_or(0);
        worst = worst.max(micros);
        latency.record(Duration::from_micros(micros));
    }
    let case = "incremental_shown";
    let span = outcome.elapsed.as_secs_f64();
    let rate = count(answers.len() as u64) / span;
    report.add(case, "posted", outcome.per_second(), "statement/s");
    report.add_held_to(case, "answers", rate, "answer/s", ANSWERS);
    report.add(case, "p50", latency.quantile_ms(500), "ms");
    report.add_held_to(case, "p99", latency.quantile_ms(990), "ms", SHOWS_WITHIN);
    report.add(case, "slowest", count(worst) / 1e3, "ms");
    report.add(case, "post_p99", outcome.latency.quantile_ms(990), "ms");
    Ok(())
}

/// What an answer costs by the length of its pupil's history.
async fn histories(
    cluster: &Private,
    arguments: &Arguments,
    report: &mut Report,
) -> anyhow::Result<()> {
    cluster.database(HISTORIES).await?;
    migrate(cluster, HISTORIES).await?;
    let url = cluster.url_of(HISTORIES);
    let lake = cluster.folder().with_file_name("lake-of-histories");
    let log = cluster.folder().with_file_name("server.log");
    let country = Country::schools(1);
    let whole = Apart::start_whole(&url, &lake, &log).await?;
    let administration = Administration::apart(&whole)?;
    administration
        .put_catalogue(&school::catalogue(&country))
        .await?;
    administration.caught_up().await?;
    whole.stop().await?;
    let server = Server::start(&url, None).await?;
    let context = Context::open(service::pg::pool(&url, 4)?, Duration::ZERO).await?;
    let mut config = AnalyticsConfig::load(&Settings::defaults())?;
    config.lake_root = lake.display().to_string();
    let mut bench = Histories {
        analytics: Analytics::new(context, config),
        talk: Talk::with(&server).await?,
        exercises: country.exercises().map(|(iri, _)| iri).collect(),
        made: 0,
    };
    let lengths = if arguments.smoke {
        LENGTHS_OF_SMOKE
    } else {
        LENGTHS
    };
    for length in lengths {
        complain(&format!(
            "incremental: pupils who have answered {length} times"
        ));
        let all = (0..length).flat_map(|n| bench.of_everybody(length, ordinal(n)));
        let all: Vec<String> = all.collect();
        bench.post(&all).await?;
        bench.fold().await?;
    }
    store::vacuum(&cluster.connect(HISTORIES).await?).await?;
    let mut costs: Vec<(usize, Vec<f64>, Vec<f64>)> = lengths
        .map(|length| (length, Vec::new(), Vec::new()))
        .into();
    // One turn more, that is not counted: plans and caches are cold.
    for turn in 0..=arguments.rounds {
        for (length, in_order, late) in &mut costs {
            let after = ordinal(*length + NEW * usize::try_from(turn)?);
            let cost = bench.turn(*length, |n| after + ordinal(n)).await?;
            let before = -ordinal(NEW * usize::try_from(turn + 1)?);
            let cost_of_late = bench.turn(*length, |n| before + ordinal(n)).await?;
            if turn > 0 {
                in_order.push(cost);
                late.push(cost_of_late);
            }
        }
    }
    server.stop().await?;
    for (length, in_order, late) in &costs {
        let case = format!("incremental_after_{length}");
        report.add(&case, "in_order", median(in_order), "µs/answer");
        report.add(&case, "late", median(late), "µs/answer");
    }
    let [first, .., last] = &costs[..] else {
        return Ok(());
    };
    let growth = median(&last.1) / median(&first.1);
    report.add_held_to("incremental", "growth", growth, "1", GROWTH);
    Ok(())
}

struct Histories {
    analytics: Analytics,
    talk: Talk,
    exercises: Vec<String>,
    made: usize,
}

impl Histories {
    /// The n-th answer of every pupil of a length; before the first there are others.
    fn of_everybody(&mut self, length: usize, n: i64) -> Vec<String> {
        (0..PUPILS)
            .map(|pupil| self.answer(length, pupil, n))
            .collect()
    }

    fn answer(&mut self, length: usize, pupil: usize, n: i64) -> String {
        self.made += 1;
        let exercise = &self.exercises[(self.made * 7 + pupil) % self.exercises.len()];
        let begun = DateTime::<Utc>::from_timestamp(1_767_600_000, 0).unwrap_or_default();
        let at = begun + chrono::Duration::seconds(n * BETWEEN_S);
        let id = Uuid::from_u128(0x5111_a6e0_0000_4000_8000_0000_0000_0000 + self.made as u128);
        let mut text = String::with_capacity(512);
        let _ = write!(
            text,
            r#"{{"id":"{id}","actor":{{"account":{{"homePage":"https://ent.example.net","name":"{length}-{pupil}"}}}},"verb":{{"id":"{}"}},"object":{{"id":"{exercise}"}},"result":{{"success":{}}},"timestamp":"{}"}}"#,
            verbs::ANSWERED,
            !self.made.is_multiple_of(3),
            at.to_rfc3339_opts(SecondsFormat::Millis, true),
        );
        text
    }

    async fn post(&mut self, statements: &[String]) -> anyhow::Result<()> {
        for batch in statements.chunks(BATCH) {
            let body = format!("[{}]", batch.join(","));
            self.talk.post(body.as_bytes()).await?;
        }
        Ok(())
    }

    /// New answers of every pupil of a length: what one costs to fold, in microseconds.
    async fn turn(&mut self, length: usize, place: impl Fn(usize) -> i64) -> anyhow::Result<f64> {
        let mut new = Vec::new();
        for n in 0..NEW {
            new.extend(self.of_everybody(length, place(n)));
        }
        self.post(&new).await?;
        let seconds = self.fold().await?;
        Ok(seconds * 1e6 / count(new.len() as u64))
    }

    /// Folds what is new; how long it took, in seconds.
    async fn fold(&self) -> anyhow::Result<f64> {
        let start = Instant::now();
        fold_pending(&self.analytics, &CancellationToken::new()).await?;
        let seconds = start.elapsed().as_secs_f64();
        let client = self.analytics.pool().get().await?;
        let sql =
            "select v.answers, (select count(*) from published.answers_feed where kind = 'answer')
                     from analytics.current c join analytics.versions v on v.version = c.version";
        let row = client.query_one(sql, &[]).await?;
        let (folded, stored): (i64, i64) = (row.get(0), row.get(1));
        ensure!(folded == stored, "{folded} of {stored} answers were folded");
        Ok(seconds)
    }
}

/// The place of an answer in its pupil's history.
fn ordinal(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

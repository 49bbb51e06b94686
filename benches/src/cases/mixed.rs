//! `mixed`: half the most that the LRS takes, and beside it all that a service does with statements.
//!
//! They are folded and shipped to the lake, mastery is recomputed from there again and again on one core,
//! teachers look at their classes and applications ask for statements.
//!
//! The server is in a process of its own with analytics and the recommender, the load in another, on the
//! same processors. The most is that of the LRS alone, in a closed loop, right before. Pupils, teachers
//! and applications send when it is due, and a latency counts from then. Afterwards every acknowledged
//! statement must be stored and in the lake, every answer among them folded, once by either way, and the
//! views of all classes must show them.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use schemas::profile::verbs;
use serde::Deserialize;
use service::pg::{self, Pool};
use tokio::runtime::Handle;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_postgres::Client;

use super::Arguments;
use super::overload::megabytes;
use crate::administration::{Administration, Recomputed};
use crate::apart::Apart;
use crate::cluster::Private;
use crate::cpu::Used;
use crate::histogram::Histogram;
use crate::load::{self, Outcome, Pace, Plan};
use crate::national::{Country, DEMONSTRATION_PORTAL, Statements};
use crate::report::{Bar, Report, complain, count, median};
use crate::senders::{self, Pupil, Supply, class_views, lock, readers};
use crate::server::on_two_runtimes;
use crate::talk::Talk;
use crate::{samples, school, shapes, store, stored};

/// The seed of the statements.
const SEED: u64 = 20_261_132;

/// The database.
const DATABASE: &str = "bench_mixed";

/// How long it is measured, in seconds.
const SECONDS: u64 = 60;

/// How long the most is measured in a turn.
const TURN: Duration = Duration::from_secs(4);

/// What is posted, of the most.
const SHARE: f64 = 0.5;

/// Schools whose pupils answer: 12,600 pupils in 350 classes.
const SCHOOLS: u64 = 50;
const SCHOOLS_OF_SMOKE: u64 = 2;

/// Statements in the store before the clock runs, unless it is told.
const STATEMENTS: u32 = 100_000;

/// Statements of one request of those.
const BATCH: usize = 500;

/// Class views a second: of 44,000 teachers, a tenth, each every four minutes; what is posted is a tenth
/// of the country's worst five minutes on a machine that takes 5,000 statements a second.
const VIEWS_PER_SECOND: f64 = 20.0;

/// Statement queries a second, over all shapes.
const QUERIES_PER_SECOND: f64 = 20.0;

/// Connections of each kind of reader: more than answers are ever waited for.
const READERS: usize = 16;

/// Statements a page.
const PAGE: u32 = 100;

/// Parameters of a shape.
const PARAMETERS: usize = 50;

/// Time between two looks at how far it is.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Latencies of posts and of reads, in milliseconds, and how far behind the lake may be, in seconds.
const POST: Bar = Bar::AtMost(50.0);
const READ: Bar = Bar::AtMost(20.0);
const BEHIND: Bar = Bar::AtMost(60.0);

/// Measures it.
pub fn run(arguments: &Arguments) -> anyhow::Result<Report> {
    on_two_runtimes(|load| async move { measure(arguments, &load).await })
}

async fn measure(arguments: &Arguments, load: &Handle) -> anyhow::Result<Report> {
    let cluster = Private::for_lrs().await?;
    let country = Arc::new(Country::schools(if arguments.smoke {
        SCHOOLS_OF_SMOKE
    } else {
        SCHOOLS
    }));
    let during = arguments.measure(SECONDS);
    let heading = format!(
        "mixed: {}; half the most for {} s, {} pupils",
        cluster.setting_of_figures().await?,
        during.as_secs(),
        country
            .classes()
            .map(|(_, pupils)| pupils.count())
            .sum::<usize>(),
    );
    let mut report = Report::new("mixed", heading);
    cluster.database(DATABASE).await?;
    migrate(&cluster, DATABASE).await?;
    let mut bench = Bench {
        cluster: &cluster,
        load,
        arguments,
        supply: Arc::new(Mutex::new(Statements::new(SEED, &country))),
        acknowledged: 0,
    };
    bench.know(&country).await?;
    let most = bench.most().await?;
    let server = bench.whole().await?;
    let administration = Administration::apart(&server)?;
    complain("mixed: folding and shipping what is there");
    administration.caught_up().await?;
    let client = cluster.connect(DATABASE).await?;
    store::vacuum(&client).await?;
    complain(&format!(
        "mixed: {:.0} statements/s and all the rest",
        most * SHARE
    ));
    let seen = bench.together(&server, most * SHARE, during).await?;
    let peak = server.memory()?.peak;
    complain("mixed: looking whether everything is there");
    let answers = check(&administration, &client, bench.acknowledged).await?;
    server.stop().await?;
    seen.report(most, &mut report);
    report.add("mixed", "memory_peak", megabytes(peak), "MB");
    report.add(
        "mixed",
        "acknowledged",
        count(bench.acknowledged),
        "statements",
    );
    report.add("mixed", "answers", count(answers), "answers");
    // Else there would be no report.
    report.add_held_to("mixed", "lost", 0.0, "statements", Bar::AtMost(0.0));
    Ok(report)
}

/// Brings the database to the migrations of all services.
pub(super) async fn migrate(cluster: &Private, database: &str) -> anyhow::Result<()> {
    let pool: Pool = pg::pool(&cluster.url_of(database), 1)?;
    let all = [
        service::store::MIGRATIONS,
        lrs::MIGRATIONS,
        analytics::MIGRATIONS,
        recommender::MIGRATIONS,
    ];
    pg::migrate(&pool, &all).await?;
    pool.close();
    Ok(())
}

/// What the phases share.
struct Bench<'a> {
    cluster: &'a Private,
    load: &'a Handle,
    arguments: &'a Arguments,
    /// All that is ever posted comes from one supply, in the order of its times.
    supply: Supply,
    acknowledged: u64,
}

/// What was seen while all went on.
struct Seen {
    posts: Outcome,
    views: Outcome,
    queries: Outcome,
    runs: Vec<Recomputed>,
    behind: Behind,
    used: Used,
    /// Of what used the processors: until the last recomputation ended.
    elapsed: Duration,
}

impl Bench<'_> {
    async fn whole(&self) -> anyhow::Result<Apart> {
        let beside = |name| self.cluster.folder().with_file_name(name);
        let database = self.cluster.url_of(DATABASE);
        Apart::start_whole(&database, &beside("lake"), &beside("server.log")).await
    }

    /// Tells the services of the classes and the exercises, before the first answer.
    async fn know(&self, country: &Country) -> anyhow::Result<()> {
        let server = self.whole().await?;
        let administration = Administration::apart(&server)?;
        administration
            .put_catalogue(&school::catalogue(country))
            .await?;
        administration.put_roster(school::roster(country)?).await?;
        administration.caught_up().await?;
        server.stop().await
    }

    /// The most that the LRS alone takes, in statements a second, on a store that holds some already.
    async fn most(&mut self) -> anyhow::Result<f64> {
        let log = self.cluster.folder().with_file_name("server.log");
        let server = Apart::start(&self.cluster.url_of(DATABASE), None, &log).await?;
        let held = self.arguments.statements.unwrap_or(STATEMENTS);
        complain(&format!("mixed: {held} statements first"));
        let mut talk = Talk::at(server.address(), server.authorization()).await?;
        for _ in 0..usize::try_from(held)?.div_ceil(BATCH) {
            let body = lock(&self.supply).batch(BATCH);
            talk.post(&body).await?;
            self.acknowledged += BATCH as u64;
        }
        let plan = Plan {
            pace: Pace::Closed,
            warm_up: self.arguments.warm_up(),
            measure: if self.arguments.smoke {
                self.arguments.measure(1)
            } else {
                TURN
            },
            first: 0,
            things: usize::MAX,
        };
        let mut rates = Vec::new();
        for _ in 0..self.arguments.rounds {
            let outcome = self
                .load
                .spawn(load::run(self.pupils(&server).await?, plan));
            let outcome = outcome.await??;
            self.acknowledged += outcome.answered;
            complain(&format!(
                "mixed, most: {:.0} statements/s",
                outcome.per_second()
            ));
            rates.push(outcome.per_second());
        }
        server.stop().await?;
        Ok(median(&rates))
    }

    async fn pupils(&self, server: &Apart) -> anyhow::Result<Vec<Pupil>> {
        let connections = usize::from(self.arguments.connections);
        senders::pupils(server, self.load, connections, &self.supply).await
    }

    /// Everything at once.
    async fn together(
        &mut self,
        server: &Apart,
        rate: f64,
        during: Duration,
    ) -> anyhow::Result<Seen> {
        let client = self.cluster.connect(DATABASE).await?;
        let administration = Administration::apart(server)?;
        let plan = |rate| Plan {
            pace: Pace::PerSecond(rate),
            warm_up: Duration::ZERO,
            measure: during,
            first: 0,
            things: usize::MAX,
        };
        let pupils = self.pupils(server).await?;
        let views = class_views(&administration).await?;
        let teachers = readers(server, self.load, READERS, views).await?;
        let queries = queries(&client).await?;
        let queries = readers(server, self.load, READERS, queries).await?;
        let before = Used::now(self.cluster.pid(), server.pid());
        let start = Instant::now();
        let until = start + during;
        let posting = self.load.spawn(load::run(pupils, plan(rate)));
        let viewing = self.load.spawn(load::run(teachers, plan(VIEWS_PER_SECOND)));
        let asking = self
            .load
            .spawn(load::run(queries, plan(QUERIES_PER_SECOND)));
        let watching = watch(&administration, &client, until);
        let (runs, behind) = tokio::try_join!(recompute(&administration, until), watching)?;
        let used = Used::now(self.cluster.pid(), server.pid()).since(&before);
        let elapsed = start.elapsed();
        let (posts, views, queries) = (posting.await??, viewing.await??, asking.await??);
        self.acknowledged += posts.answered;
        Ok(Seen {
            posts,
            views,
            queries,
            runs,
            behind,
            used,
            elapsed,
        })
    }
}

/// The listed queries, those apart that a budget bounds: every shape once, then every shape with other
/// parameters.
async fn queries(client: &Client) -> anyhow::Result<Vec<String>> {
    let samples = samples::take(client, PARAMETERS).await?;
    let shapes: Vec<_> = shapes::all()
        .into_iter()
        .filter(|shape| !shape.rarely_meets)
        .collect();
    let of = |n| shapes.iter().map(move |shape| (shape, n));
    Ok((0..PARAMETERS)
        .flat_map(of)
        .map(|(shape, n)| (shape.ask)(&samples, n).path(PAGE))
        .collect())
}

/// Recomputes again and again; the last one may end later.
async fn recompute(
    administration: &Administration,
    until: Instant,
) -> anyhow::Result<Vec<Recomputed>> {
    let mut runs = Vec::new();
    while Instant::now() < until {
        runs.push(administration.recompute().await?);
    }
    ensure!(
        runs.iter().all(|run| run.answers > 0),
        "a recomputation found no answers in the lake"
    );
    Ok(runs)
}

/// How old the oldest statement was that had not got somewhere, in seconds; the worst of all looks.
#[derive(Clone, Copy, Debug, Default)]
struct Behind {
    statements_s: f64,
    answers_s: f64,
    folded_s: f64,
}

async fn watch(
    administration: &Administration,
    client: &Client,
    until: Instant,
) -> anyhow::Result<Behind> {
    let mut worst = Behind::default();
    let mut due = tokio::time::interval(LOOK_EVERY);
    due.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while Instant::now() < until {
        due.tick().await;
        let status = administration.status().await?;
        for (position, worst) in [
            (status.lake.statements, &mut worst.statements_s),
            (status.lake.answers, &mut worst.answers_s),
            (status.folded_seq, &mut worst.folded_s),
        ] {
            *worst = worst.max(age(client, position).await?);
        }
    }
    Ok(worst)
}

/// How long ago the first statement after a position was stored, in seconds; 0 where there is none.
async fn age(client: &Client, position: i64) -> anyhow::Result<f64> {
    let sql = "
        select extract(epoch from clock_timestamp() - stored)::float8 from lrs.statements
         where seq > $1 order by seq limit 1";
    let row = client.query_opt(sql, &[&position]).await?;
    Ok(row.map_or(0.0, |row| row.get(0)))
}

/// Fails unless every acknowledged statement is stored and shipped, and every valid answer is folded, by
/// either way, and shown. Gives the number of answers.
async fn check(
    administration: &Administration,
    client: &Client,
    acknowledged: u64,
) -> anyhow::Result<u64> {
    stored::is(client, acknowledged).await?;
    administration.caught_up().await?;
    let valid = valid_answers(client, None).await?;
    folded(administration, valid).await?;
    let run = administration.recompute().await?;
    ensure!(
        run.answers == valid,
        "{valid} answers are stored, the lake has {}",
        run.answers
    );
    folded(administration, valid).await?;
    let of_classes = valid_answers(client, Some(DEMONSTRATION_PORTAL)).await?;
    let shown = shown(administration).await?;
    ensure!(
        shown == of_classes,
        "{of_classes} answers of pupils are stored, the views of their classes show {shown}"
    );
    Ok(valid)
}

/// Answers that nobody has voided, by their verb; those of accounts of one `homePage` left out.
async fn valid_answers(client: &Client, but: Option<&str>) -> anyhow::Result<u64> {
    let sql = "
        select count(*) from lrs.statements s
          join lrs.verbs v on v.id = s.verb
          join lrs.actors g on g.id = s.actor
         where v.iri = $1 and not exists (select from lrs.voidings d where d.target = s.id)
           and ($2::text is null or g.ifi #>> '{account,homePage}' <> $2)";
    let row = client.query_one(sql, &[&verbs::ANSWERED, &but]).await?;
    Ok(u64::try_from(row.get::<_, i64>(0))?)
}

/// Fails unless so many answers are folded, and none is left out.
async fn folded(administration: &Administration, valid: u64) -> anyhow::Result<()> {
    #[derive(Debug, Deserialize)]
    struct Totals {
        answers: u64,
        left_out: serde_json::Map<String, serde_json::Value>,
    }
    let totals: Totals = administration.get("/api/v1/totals").await?;
    ensure!(
        totals.answers == valid && totals.left_out.is_empty(),
        "{valid} answers are stored, folded are {totals:?}"
    );
    Ok(())
}

/// Answers of all pupils in the views of all classes.
async fn shown(administration: &Administration) -> anyhow::Result<u64> {
    #[derive(Deserialize)]
    struct Seen {
        answers: u64,
    }
    #[derive(Deserialize)]
    struct View {
        pupils: Vec<Seen>,
    }
    let mut answers = 0;
    for path in class_views(administration).await? {
        let view: View = administration.get(&path).await.context("a class view")?;
        answers += view.pupils.iter().map(|pupil| pupil.answers).sum::<u64>();
    }
    Ok(answers)
}

impl Seen {
    fn report(&self, most: f64, report: &mut Report) {
        let case = "mixed_ingest";
        report.add(case, "maximum", most, "statement/s");
        report.add(case, "offered", most * SHARE, "statement/s");
        report.add(case, "reached", self.posts.per_second(), "statement/s");
        latency(case, &self.posts.latency, POST, report);
        for (case, outcome, rate) in [
            ("mixed_class_views", &self.views, VIEWS_PER_SECOND),
            ("mixed_queries", &self.queries, QUERIES_PER_SECOND),
        ] {
            report.add(case, "offered", rate, "request/s");
            report.add(case, "reached", outcome.per_second(), "request/s");
            latency(case, &outcome.latency, READ, report);
        }
        let behind = &self.behind;
        let case = "mixed_lake";
        report.add_held_to(case, "statements_behind", behind.statements_s, "s", BEHIND);
        report.add_held_to(case, "answers_behind", behind.answers_s, "s", BEHIND);
        self.report_jobs(report);
        report.add("mixed_fold", "answers_behind", behind.folded_s, "s");
        self.used.report("mixed", self.elapsed, report);
    }

    fn report_jobs(&self, report: &mut Report) {
        let case = "mixed_jobs";
        let durations: Vec<f64> = self.runs.iter().map(|run| run.duration_s).collect();
        let last = self.runs.last();
        report.add(
            case,
            "recomputations",
            count(self.runs.len() as u64),
            "runs",
        );
        report.add(case, "duration", median(&durations), "s");
        let answers = last.map_or(0, |run| run.answers);
        report.add(case, "last_from_the_lake", count(answers), "answers");
        let caught_up = last.map_or(0, |run| run.caught_up);
        report.add(case, "last_from_the_feed", count(caught_up), "rows");
    }
}

fn latency(case: &str, seen: &Histogram, bar: Bar, report: &mut Report) {
    report.add(case, "p50", seen.quantile_ms(500), "ms");
    report.add_held_to(case, "p99", seen.quantile_ms(990), "ms", bar);
}

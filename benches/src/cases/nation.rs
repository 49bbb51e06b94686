//! `nation`: a service at the end of a school year: what the nightly run takes, what is stored, how fast classes show.
//!
//! It is as large as it is told. What its figures make of 750,000 pupils is arithmetic, and said to be.
//!
//! The roster and the catalogue come over HTTP; the year's answers are written into the lake as the relay writes them, by
//! accounts that the roster knows. The run is the nightly one, whole: what does not count is looked for first, then
//! all answers are folded, written to PostgreSQL and to the lake's table `mastery`, and served. The server that shows
//! the classes has a lake of its own, which is empty: nothing of this one is to be shipped.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use analytics::jobs::mastery::Report as Recomputed;
use analytics::store::lake_feed;
use analytics::store::runs::Cause;
use analytics::{Analytics, AnalyticsConfig};
use anyhow::ensure;
use lake::{Lake, LakeTable, Sizes};
use schemas::ids::AccountKey;
use schemas::ifi::Ifi;
use schemas::tables::{Table, answers, mastery};
use serde_json::json;
use service::config::Settings;
use service::context::Context;
use tokio::runtime::Handle;
use tokio::time::Instant;
use tokio_postgres::Client;

use super::Arguments;
use super::mixed::migrate;
use super::overload::megabytes;
use crate::administration::Administration;
use crate::apart::{Apart, Memory};
use crate::cluster::Private;
use crate::load::{self, Outcome, Pace, Plan};
use crate::made::{self, compact};
use crate::national::{CLASS, Country, PUPILS, account_of};
use crate::report::{Bar, Report, complain, count};
use crate::senders::{class_views, readers};
use crate::server::{cores, on_two_runtimes};
use crate::year::{ANSWERS_OF_A_PUPIL, Year, catalogue};
use crate::{school, store};

/// The seed of the answers.
const SEED: u64 = 20_261_135;

/// The database.
const DATABASE: &str = "bench_nation";

/// Answers of the year, unless it is told.
const ANSWERS: u32 = 8_000_000;

/// Pupils of a school.
const SCHOOL: u64 = 7 * CLASS;

/// Class views a second, on so many connections, for so many seconds.
const VIEWS_PER_SECOND: f64 = 50.0;
const READERS: usize = 8;
const SECONDS: u64 = 20;

/// The time of a class view, in milliseconds.
const VIEW: Bar = Bar::AtMost(20.0);

/// Measures it.
pub fn run(arguments: &Arguments) -> anyhow::Result<Report> {
    on_two_runtimes(|load| async move { measure(arguments, &load).await })
}

async fn measure(arguments: &Arguments, load: &Handle) -> anyhow::Result<Report> {
    let count = u64::from(arguments.statements.unwrap_or(ANSWERS));
    let country = Country::schools((count / ANSWERS_OF_A_PUPIL).div_ceil(SCHOOL));
    let pupils: Vec<u64> = country.classes().flat_map(|(_, pupils)| pupils).collect();
    let cluster = Private::for_lrs().await?;
    cluster.database(DATABASE).await?;
    migrate(&cluster, DATABASE).await?;
    let url = cluster.url_of(DATABASE);
    let beside = |name| cluster.folder().with_file_name(name);
    let (log, empty) = (beside("server.log"), beside("lake-empty"));
    let heading = format!(
        "nation: {}; {} pupils in {} classes, {count} answers; {} processors",
        cluster.setting_of_figures().await?,
        pupils.len(),
        country.classes().count(),
        cores(),
    );
    let mut report = Report::new("nation", heading);
    complain("nation: the roster and the catalogue");
    let server = Apart::start_whole(&url, &empty, &log).await?;
    let exercises = json!({
        "uri": "https://ressources.edu.example.net/catalogue", "version": "1", "items": catalogue()?,
    });
    let roster = school::roster(&country)?;
    let administration = Administration::apart(&server)?;
    administration.put_catalogue(&exercises).await?;
    let start = Instant::now();
    administration.put_roster(roster).await?;
    report.add("nation", "roster", start.elapsed().as_secs_f64(), "s");
    administration.caught_up().await?;
    server.stop().await?;

    let pool = service::pg::pool(&url, 4)?;
    let context = Context::open(pool.clone(), Duration::ZERO).await?;
    let accounts = pupils.iter().map(|pupil| key(&context, *pupil)).collect();
    let lake = Lake::at(&beside("lake").display().to_string());
    let epoch = lake_feed::epoch(&pool).await?;
    made::ship(&lake, Year::by(SEED, count, accounts), count, &epoch).await?;
    complain("nation: putting its files together");
    let mut table = LakeTable::open(&lake, &answers::TABLE).await?;
    compact(&mut table, Sizes::default()).await?;
    drop(table);

    complain("nation: the nightly run");
    let mut config = AnalyticsConfig::load(&Settings::defaults())?;
    config.lake_root = beside("lake").display().to_string();
    config.analytics.recompute_threads = cores();
    let analytics = Arc::new(Analytics::new(context, config));
    let before = forget_peak()?;
    let run = analytics.recompute(Cause::Schedule).await?;
    let memory = Memory::of(std::process::id())?.peak.saturating_sub(before);
    ensure!(
        u64::try_from(run.answers)? == count,
        "{} of {count} answers were folded",
        run.answers
    );
    let sizes = Stored::now(&cluster.connect(DATABASE).await?, &beside("lake")).await?;
    drop(analytics);
    drop(pool);

    complain("nation: class views");
    let server = Apart::start_whole(&url, &empty, &log).await?;
    let views = views(&server, load, arguments).await?;
    server.stop().await?;
    report_all(&run, memory, &sizes, &views, &mut report);
    Ok(report)
}

/// The key of a pupil's account at this installation.
fn key(context: &Context, pupil: u64) -> AccountKey {
    let (home_page, name) = account_of(pupil);
    AccountKey::derive(context.secret.as_bytes(), &Ifi::Account { home_page, name })
}

/// What is resident now, in bytes; the peak counts from here.
fn forget_peak() -> anyhow::Result<u64> {
    fs::write("/proc/self/clear_refs", "5")?;
    Ok(Memory::of(std::process::id())?.resident)
}

/// Bytes on the disk.
struct Stored {
    states: u64,
    persons: u64,
    database: u64,
    answers: u64,
    mastery: u64,
    mastery_rows: u64,
}

impl Stored {
    async fn now(client: &Client, lake: &Path) -> anyhow::Result<Self> {
        store::vacuum(client).await?;
        let bytes = async |of: &str| -> anyhow::Result<u64> {
            let row = client.query_one(&format!("select {of}"), &[]).await?;
            Ok(u64::try_from(row.get::<_, i64>(0))?)
        };
        let lake = Lake::at(&lake.display().to_string());
        let of = async |declared: &'static Table| -> anyhow::Result<made::Size> {
            made::size(&made::files(&lake, declared).await?)
        };
        let mastery = of(&mastery::TABLE).await?;
        Ok(Self {
            states: bytes("pg_total_relation_size('analytics.pupil_states')").await?,
            persons: bytes("pg_total_relation_size('analytics.pupils')").await?,
            database: bytes("pg_database_size(current_database())").await?,
            answers: of(&answers::TABLE).await?.bytes,
            mastery: mastery.bytes,
            mastery_rows: mastery.rows,
        })
    }
}

/// Teachers look at their classes, each at another.
async fn views(server: &Apart, load: &Handle, arguments: &Arguments) -> anyhow::Result<Outcome> {
    let paths = class_views(&Administration::apart(server)?).await?;
    let readers = readers(server, load, READERS, paths).await?;
    let plan = Plan {
        pace: Pace::PerSecond(VIEWS_PER_SECOND),
        warm_up: arguments.warm_up(),
        measure: arguments.measure(SECONDS),
        first: 0,
        things: usize::MAX,
    };
    load.spawn(load::run(readers, plan)).await?
}

fn report_all(
    run: &Recomputed,
    memory: u64,
    stored: &Stored,
    views: &Outcome,
    report: &mut Report,
) {
    let answers = u64::try_from(run.answers).unwrap_or(0);
    let pupils = u64::try_from(run.pupils).unwrap_or(0);
    let of_a_pupil = |bytes: u64| count(bytes) / count(pupils);
    let case = "nation_run";
    report.add(case, "pupils", count(pupils), "pupils");
    report.add(case, "duration", run.duration_s, "s");
    report.add(case, "rate", count(answers) / run.duration_s, "answer/s");
    report.add(case, "memory", megabytes(memory), "MB");
    let case = "nation_stored";
    report.add(case, "states", of_a_pupil(stored.states), "B/pupil");
    report.add(case, "persons", of_a_pupil(stored.persons), "B/pupil");
    report.add(case, "database", megabytes(stored.database), "MB");
    let per_answer = count(stored.answers) / count(answers);
    report.add(case, "lake_answers", per_answer, "B/answer");
    let per_row = count(stored.mastery) / count(stored.mastery_rows);
    report.add(case, "lake_mastery", per_row, "B/row");
    report.add(
        case,
        "mastery_rows",
        count(stored.mastery_rows) / count(pupils),
        "row/pupil",
    );
    let case = "nation_class_views";
    report.add(case, "reached", views.per_second(), "request/s");
    report.add(case, "p50", views.latency.quantile_ms(500), "ms");
    report.add_held_to(case, "p99", views.latency.quantile_ms(990), "ms", VIEW);
    // Arithmetic: so many times as much of everything.
    let times = count(PUPILS) / count(pupils);
    let case = "nation_on_paper";
    report.add(case, "answers", count(answers) * times / 1e6, "million");
    report.add(case, "run", run.duration_s * times / 60.0, "min");
    let gigabytes = |bytes: u64| count(bytes) * times / 1e9;
    report.add(
        case,
        "states",
        gigabytes(stored.states + stored.persons),
        "GB",
    );
    report.add(case, "lake_answers", gigabytes(stored.answers), "GB");
    report.add(case, "lake_mastery", gigabytes(stored.mastery), "GB");
}

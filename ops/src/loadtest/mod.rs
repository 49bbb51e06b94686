//! `sillage loadtest`: the load of a Monday morning on a running Sillage, and the proof afterwards
//! that nothing that was acknowledged is lost.
//!
//! In the order of the modules: [`target`] (where, and who is known there), [`profile`] (when
//! sessions begin), [`session`] (what each asks for, and when), [`drive`] (sends it), [`tally`]
//! (what was seen), [`check`] (what is there afterwards), [`report`]. The pupils, the classes and
//! the exercises are the demo's.
//!
//! The loop is open: sessions begin when the profile says, and each latency counts from when the
//! request was due. A service that stalls meets the requests that it held up.

mod check;
mod drive;
mod profile;
mod report;
mod session;
mod tally;
mod target;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use schemas::framework::{Framework, SECONDE_JSON};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use self::check::Check;
use self::drive::Sessions;
use self::profile::{Phase, Profile};
use self::report::{KindRow, Percentiles, PhaseRow, Report};
use self::session::World;
use self::tally::Tally;
use self::target::Target;
use crate::cli::Service;
use crate::client::{Client, Credential};
use crate::demo;
use crate::demo::catalogue::Exercises;
use crate::demo::lycee::Lycee;
use crate::demo::ready;
use crate::demo::seed::Seed;
use crate::exit::{Code, Failure};
use crate::output;
use crate::stop::Stop;

/// The seed of the invented lycée: the demo's own default, so that either finds the other's pupils.
const LYCEE: Seed = Seed(1);

/// Pupils in a class.
const CLASS: u8 = 36;

/// Sessions in one run at most: their statements' ids are kept in memory until the check.
const SESSIONS_MAX: f64 = 200_000.0;

/// How long what is not measured (setting up, the check) is tried again before it is given up.
const PATIENCE: Duration = Duration::from_secs(120);

/// Puts a running Sillage under the load of a Monday morning and checks that nothing is lost.
///
/// It writes statements, which stay. Pupils read their state, send twelve statements, singly or in
/// small batches, and ask for their next activities; with each class comes a teacher who looks at it.
/// Ctrl-C ends the load; what was acknowledged by then is still checked.
#[derive(Args, Debug)]
pub(crate) struct LoadtestArgs {
    #[command(flatten)]
    service: Service,
    /// File with the credential, JSON with `key` and `secret` (admin-credential.json in the data
    /// folder) [default: the variables `SILLAGE_KEY` and `SILLAGE_SECRET`]
    #[arg(long, value_name = "FILE")]
    credential: Option<PathBuf>,
    /// Lets the load go to another machine than this one
    #[arg(long)]
    remote: bool,
    /// How the rate changes
    #[arg(long, value_enum, default_value_t = Profile::Ramp)]
    profile: Profile,
    /// Sessions of pupils that begin a second, at the full rate
    #[arg(long, value_name = "N", default_value_t = 5.0, value_parser = rate)]
    rate: f64,
    /// How long, in seconds, at most two hours
    #[arg(long, value_name = "SECONDS", default_value_t = 120,
        value_parser = clap::value_parser!(u64).range(1..=7_200))]
    seconds: u64,
    /// Mean time between two answers of a pupil, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 4_000,
        value_parser = clap::value_parser!(u64).range(1..=600_000))]
    think_ms: u64,
    /// Requests under way at the same time, at most
    #[arg(long, value_name = "N", default_value_t = 256,
        value_parser = clap::value_parser!(u16).range(1..=10_000))]
    connections: u16,
    /// Number of classes of 36 pupils
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=26))]
    classes: u8,
    /// REPLACES roster, framework and catalogue of the service by the invented lycée's before
    #[arg(long, conflicts_with = "statements_only")]
    set_up: bool,
    /// State and statements alone: neither pupils nor classes need to be known to the service
    #[arg(long)]
    statements_only: bool,
    /// One JSON object on standard output in place of the report
    #[arg(long)]
    pub(crate) json: bool,
}

/// Runs the command.
pub(crate) async fn run(args: LoadtestArgs) -> anyhow::Result<()> {
    if !args.remote && !target::is_loopback(&args.service.endpoint) {
        let message = format!(
            "{} is not this machine: --remote lets the load go there",
            args.service.endpoint
        );
        return Err(Failure::new(Code::Settings, message).into());
    }
    let length = Duration::from_secs(args.seconds);
    let phases = args.profile.phases(length, args.rate);
    let expected: f64 = phases.iter().map(Phase::expected).sum();
    if expected > SESSIONS_MAX {
        let message = format!("{expected:.0} sessions are more than {SESSIONS_MAX}: ask for less");
        return Err(Failure::new(Code::Settings, message).into());
    }
    let credential = match &args.credential {
        Some(file) => Credential::from_file(file)?,
        None => Credential::from_env()?,
    };
    let client = Client::new(&args.service.endpoint, credential, PATIENCE)?;
    let stop = Stop::on_signals().context("could not listen to signals")?;
    let report = tokio::select! {
        report = measured(&args, phases, &client, stop.token()) => report?,
        () = stop.asked_again() => {
            return Err(Failure::new(Code::Failed, "stopped before the check was done").into());
        }
    };
    if args.json {
        output::json(&report)?;
    } else {
        output::lines(&report.text())?;
    }
    verdict(&report)
}

/// Sets up, runs, checks.
async fn measured(
    args: &LoadtestArgs,
    phases: Vec<Phase>,
    client: &Client,
    stop: &CancellationToken,
) -> anyhow::Result<Report> {
    let framework = Framework::parse(SECONDE_JSON.as_bytes())
        .map_err(|faults| anyhow::anyhow!("the default framework is not valid: {faults:?}"))?;
    let lycee = Lycee::new(LYCEE, args.classes, CLASS);
    let target = prepared(args, client, &lycee, &framework).await?;
    let run = Uuid::new_v4();
    // Another run is another stream, and makes other statements.
    let mut rng = LYCEE.stream(&format!("loadtest {run}"));
    let plan = format!("https://w3id.org/sillage/loadtest/{run}");
    let think = Duration::from_millis(args.think_ms);
    let now = service::clock::now();
    let world = World::new(LYCEE, lycee, &framework, target, plan, think, now);
    let connections = usize::from(args.connections);
    let load = drive::run(
        &world,
        phases,
        client.clone(),
        connections,
        &mut rng,
        stop.clone(),
    );
    let (sessions, tally) = load.await;
    let check = Check::run(client, &world.plan, &tally, &mut rng).await?;
    let stopped = stop.is_cancelled();
    Ok(told(
        args,
        client,
        run,
        world,
        (sessions, tally),
        check,
        stopped,
    ))
}

/// Loads the lycée if that is asked for, and finds its pupils.
async fn prepared(
    args: &LoadtestArgs,
    client: &Client,
    lycee: &Lycee,
    framework: &Framework,
) -> anyhow::Result<Target> {
    if args.statements_only {
        return Ok(Target::Statements);
    }
    if args.set_up {
        demo::set_up(client, lycee, &Exercises::of(framework)).await?;
        ready::folded(client)
            .await
            .context("could not wait until the new catalogue is in force")?;
    }
    Target::read(client, lycee).await
}

fn told(
    args: &LoadtestArgs,
    client: &Client,
    run: Uuid,
    world: World,
    (sessions, tally): (Sessions, Tally),
    check: Check,
    stopped: bool,
) -> Report {
    Report {
        run,
        activity: world.plan,
        endpoint: client.endpoint().to_owned(),
        profile: args.profile,
        rate: args.rate,
        seconds: args.seconds as f64,
        stopped,
        sessions,
        phases: PhaseRow::all(&tally),
        requests: KindRow::all(&tally),
        unsent: tally.unsent,
        sent_late_ms: Percentiles::of(&tally.lateness),
        check,
        errors: tally.errors,
    }
}

/// What the exit code says.
fn verdict(report: &Report) -> anyhow::Result<()> {
    let check = &report.check;
    if !check.holds() {
        let message = format!(
            "of {} acknowledged statements {} are missing and {} are there twice; {} of {} are not given under their id",
            check.acknowledged, check.missing, check.twice, check.sampled_missing, check.sampled
        );
        return Err(Failure::new(Code::Lost, message).into());
    }
    let failed = report.errors.values().sum::<u64>() + report.unsent;
    if failed > 0 {
        let message = format!(
            "nothing that was acknowledged is lost, but {failed} requests were refused or not answered"
        );
        return Err(Failure::new(Code::Unanswered, message).into());
    }
    if check.acknowledged == 0 {
        let message = "no statement was sent: the test is too short for its rate and think time";
        return Err(Failure::new(Code::Failed, message).into());
    }
    Ok(())
}

fn rate(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(rate) if (0.01..=10_000.0).contains(&rate) => Ok(rate),
        _ => Err("expected a number from 0.01 to 10000".to_owned()),
    }
}

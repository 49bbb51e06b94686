//! `sillage demo`: two weeks at an invented lycée, or a file of real answers, played to a running
//! Sillage through HTTP only, as a front-end would.
//!
//! The fortnight, in the order of the modules: [`lycee`] (who), [`catalogue`] (what there is to
//! do), [`calendar`] (when), [`learner`] (what a pupil really can do), [`play`] (what happened, as
//! [`statements`]), [`delivery`] (how it is sent), [`ready`] (wait until it has been computed),
//! [`screen`] (what came of it). [`answers`] replays a file instead. All chance comes from [`seed`].
//! `crate::loadtest` lets the same pupils work on the same exercises.

mod answers;
pub(crate) mod api;
mod calendar;
pub(crate) mod catalogue;
pub(crate) mod delivery;
pub(crate) mod learner;
pub(crate) mod lycee;
mod play;
pub(crate) mod ready;
mod screen;
pub(crate) mod seed;
pub(crate) mod statements;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use chrono::{DateTime, FixedOffset, Utc};
use clap::Args;
use schemas::framework::{Framework, SECONDE_JSON};

use self::calendar::Fortnight;
use self::catalogue::Exercises;
use self::delivery::{Sent, Stages, progress};
use self::lycee::Lycee;
use self::play::{Batch, Stage};
use self::seed::Seed;
use self::statements::Ready;
use crate::cli::Service;
use crate::client::{Body, Client, Credential};

/// The Friday that ends a fortnight of term in every zone of France: the default of `--as-of`.
/// It is fixed, so that the figures on the screen are the same wherever the demo runs.
const DEFAULT_AS_OF: &str = "2026-03-27T20:00:00+01:00";

/// Where the times of a file that has none, or that tells no start, count from by default.
const DEFAULT_TIMES_FROM: &str = "2024-09-02T08:00:00Z";

/// Plays two weeks at an invented lycée to a running Sillage, or replays a file of answers.
///
/// The credential comes from the variables `SILLAGE_KEY` and `SILLAGE_SECRET`.
#[derive(Args, Debug)]
pub(crate) struct DemoArgs {
    #[command(flatten)]
    service: Service,
    /// End of the two weeks; what the screen shows is as of then, in that offset's time
    #[arg(long, value_name = "RFC3339", default_value = DEFAULT_AS_OF)]
    as_of: DateTime<FixedOffset>,
    /// What the pupils and their answers are drawn from
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// One JSON object on standard output in place of the screen
    #[arg(long)]
    pub(crate) json: bool,
    /// Replay this Parquet file (columns `student_id`, order, ts, `item_id`, `skill_ids`, correct)
    #[arg(long, value_name = "FILE")]
    answers: Option<PathBuf>,
    /// With --answers: where times count from if the file has none or tells no start
    #[arg(long, value_name = "RFC3339", default_value = DEFAULT_TIMES_FROM, requires = "answers")]
    times_from: DateTime<Utc>,
    /// With --answers: the subject that the answers belong to
    #[arg(
        long,
        value_name = "NAME",
        default_value = "maths",
        requires = "answers"
    )]
    subject: String,
    /// With --answers: data folder of the service, whose lake is then counted too
    #[arg(long, value_name = "DIR", requires = "answers")]
    data: Option<PathBuf>,
    /// Stop when a request has not been acknowledged for so long
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    give_up_after_s: u64,
    /// Number of classes
    #[arg(long, hide = true, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=26))]
    classes: u8,
    /// Number of pupils in a class
    #[arg(long, hide = true, default_value_t = 36, value_parser = clap::value_parser!(u8).range(1..=99))]
    pupils: u8,
}

/// Runs the command.
pub(crate) async fn run(args: DemoArgs) -> anyhow::Result<()> {
    let client = Client::new(
        &args.service.endpoint,
        Credential::from_env()?,
        Duration::from_secs(args.give_up_after_s),
    )?;
    match &args.answers {
        Some(file) => answers::replay(&client, file, &args).await,
        None => fortnight(&client, &args).await,
    }
}

async fn fortnight(client: &Client, args: &DemoArgs) -> anyhow::Result<()> {
    ensure!(
        args.as_of <= service::clock::now(),
        "--as-of {} is yet to come: nobody answers in the future",
        args.as_of
    );
    let framework = Framework::parse(SECONDE_JSON.as_bytes())
        .map_err(|faults| anyhow::anyhow!("the default framework is not valid: {faults:?}"))?;
    let exercises = Exercises::of(&framework);
    let lycee = Lycee::new(Seed(args.seed), args.classes, args.pupils);
    set_up(client, &lycee, &exercises).await?;
    let (stages, counts) = plan(args, &framework, &exercises, &lycee)?;
    let sent = send(client, stages).await?;
    let begun = Instant::now();
    ready::folded(client).await?;
    let ready_after_s = begun.elapsed().as_secs_f64();
    let shown = screen::Shown::read(client, args.as_of.to_utc(), &lycee).await?;
    let told = screen::Told {
        counts,
        sent,
        repeated: client.repeated(),
        ready_after_s,
        exercises: exercises.count(),
    };
    if args.json {
        screen::print_json(&told, &shown)
    } else {
        screen::print(&told, &shown)
    }
}

/// Roster, framework, catalogue: what a school and a publisher bring before anybody works.
pub(crate) async fn set_up(
    client: &Client,
    lycee: &Lycee,
    exercises: &Exercises,
) -> anyhow::Result<()> {
    let roster = lycee.roster().context("could not make the roster")?;
    client
        .put("/api/v1/roster", Body::zip(roster))
        .await
        .context("could not load the roster")?;
    client
        .put("/api/v1/framework", Body::json_bytes(SECONDE_JSON))
        .await
        .context("could not load the framework")?;
    client
        .put("/api/v1/catalogue", Body::json(&exercises.document()))
        .await
        .context("could not load the catalogue")?;
    Ok(())
}

/// What was played, in numbers.
#[derive(Clone, Debug, serde::Serialize)]
pub(crate) struct Counts {
    pub(crate) classes: usize,
    pub(crate) pupils: usize,
    pub(crate) statements: u64,
    pub(crate) answers: u64,
    pub(crate) late_and_twice: u64,
    pub(crate) voided: String,
}

/// Plays the fortnight and lays out its delivery: a pure function of seed, date and sizes.
fn plan(
    args: &DemoArgs,
    framework: &Framework,
    exercises: &Exercises,
    lycee: &Lycee,
) -> anyhow::Result<(Stages, Counts)> {
    let seed = Seed(args.seed);
    let fortnight = Fortnight { as_of: args.as_of };
    let stage = Stage {
        seed,
        fortnight,
        exercises,
        framework_version: &framework.version,
    };
    let batches = stage.play(lycee);
    let voiding = voiding(seed, &fortnight, lycee, &batches)
        .context("nobody answered anything: nothing to void")?;
    let answers = batches
        .iter()
        .flat_map(|batch| &batch.statements)
        .filter(|statement| statement.is_answer)
        .count() as u64;
    let stages = Stages::new(batches, &voiding.1, &mut seed.stream("delivery"));
    let counts = Counts {
        classes: lycee.classes.len(),
        pupils: lycee.classes.iter().map(|class| class.pupils.len()).sum(),
        statements: stages.distinct,
        answers,
        late_and_twice: stages.late_count,
        voided: voiding.0,
    };
    Ok((stages, counts))
}

/// One answer in the middle of the fortnight should not have been posted: its id, and the
/// statement by which a teacher of the first class voids it.
fn voiding(
    seed: Seed,
    fortnight: &Fortnight,
    lycee: &Lycee,
    batches: &[Batch],
) -> Option<(String, Ready)> {
    let teacher = lycee.classes.first()?.teachers.first()?;
    let mut answers: Vec<&Ready> = batches
        .iter()
        .flat_map(|batch| &batch.statements)
        .filter(|statement| statement.is_answer)
        .collect();
    answers.sort_by_key(|answer| (answer.at_ms, answer.id.clone()));
    let target = answers.get(answers.len() / 2)?;
    let at_ms = (target.at_ms + 600_000).min(fortnight.as_of.timestamp_millis());
    let statement = statements::voiding(
        seed,
        *fortnight.as_of.offset(),
        &teacher.person.account,
        &target.id,
        at_ms,
    );
    Some((target.id.clone(), statement))
}

async fn send(client: &Client, stages: Stages) -> anyhow::Result<Sent> {
    let bar = progress(stages.total, "statements");
    let mut sent = Sent::default();
    for (queues, what) in [
        (stages.online, "could not post the fortnight"),
        (stages.late, "could not post what came late"),
        (stages.voiding, "could not void a statement"),
    ] {
        sent.add(&queues.send(client, &bar).await.context(what)?);
    }
    bar.finish_and_clear();
    Ok(sent)
}

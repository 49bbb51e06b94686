//! `sillage analytics fit`, `accept`, `refuse`, `rollback`: items and constants from the lake, and which of what
//! was fitted is in force.

use std::io::{self, Write as _};
use std::sync::Arc;

use analytics::calibration::report::{Figures, HeldOut};
use analytics::calibration::{self, Decided, DecisionError, FitReport};
use analytics::jobs::fit::{self, FitError, Options, Outcome, Tell, Told};
use analytics::store::calibrations::Listed;
use analytics::{Analytics, AnalyticsConfig};
use comfy_table::{Table, presets};
use serde_json::{Value, json};
use service::{Context, telemetry};
use tokio_util::sync::CancellationToken;

use crate::cli::{DecisionArgs, FitArgs, FitCommand, FitShowArgs, ListArgs, RollbackArgs};
use crate::database::Database;
use crate::exit::{Code, Failure};
use crate::output;

/// Odd items named for people at most, of each kind; `--json` has them all.
const NAMED: usize = 20;

/// `sillage analytics fit`.
pub(crate) async fn run(args: FitArgs) -> anyhow::Result<()> {
    match args.command {
        Some(FitCommand::List(args)) => list(args).await,
        Some(FitCommand::Show(args)) => show(args).await,
        None => begin(args).await,
    }
}

async fn begin(args: FitArgs) -> anyhow::Result<()> {
    let as_json = args.installation.common.json;
    let settings = args.installation.settings()?;
    telemetry::init(&settings.section("log")?);
    let config = AnalyticsConfig::load(&settings)?;
    let mut options = Options {
        subjects: args.subjects,
        anew: args.anew,
        answers_max: usize::try_from(args.answers_max).unwrap_or(usize::MAX),
        ..Options::default()
    };
    options.settings.workers = config.recompute_threads();
    let database = Database::for_a_moment(&settings).await?;
    // A signal ends the process at once: what each search came to is kept.
    let never = CancellationToken::new();
    let tell: Tell = Arc::new(move |told| line(told, as_json));
    let fitted = async {
        let context = Context::open(database.pool().clone(), std::time::Duration::ZERO).await?;
        let analytics = Analytics::new(context, config);
        analytics.start().await?;
        anyhow::Ok(fit::run(&analytics, &options, &never, tell).await?)
    };
    let fitted = fitted.await;
    database.stop().await?;
    let outcomes = fitted.map_err(coded)?;
    if as_json {
        output::json(&json!({ "subjects": outcomes }))?;
    } else {
        output::lines(&outcomes.iter().map(told_outcome).collect::<String>())?;
    }
    Ok(())
}

/// `sillage analytics fit list`.
async fn list(args: ListArgs) -> anyhow::Result<()> {
    let (database, as_json) = open(&args.installation).await?;
    let listed = calibration::list(database.pool()).await;
    database.stop().await?;
    let listed = listed?;
    if as_json {
        let fits: Vec<Value> = listed.iter().map(as_value).collect();
        output::json(&json!({ "fits": fits }))?;
        return Ok(());
    }
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    table.set_header([
        "version", "subject", "status", "in force", "begun", "answers", "auc", "log loss", "ece",
        "gain",
    ]);
    for one in &listed {
        let report = report_of(one);
        let held_out = report.as_ref().map(|report| &report.held_out);
        let figure = |of: fn(&HeldOut) -> f64| {
            held_out.map_or_else(String::new, |held_out| format!("{:.4}", of(held_out)))
        };
        table.add_row([
            one.calibration.to_string(),
            one.subject.clone(),
            one.status.as_str().to_owned(),
            if one.in_force { "yes" } else { "" }.to_owned(),
            one.started.format("%Y-%m-%d %H:%M").to_string(),
            report
                .as_ref()
                .map_or_else(String::new, |report| report.answers.to_string()),
            figure(|held_out| held_out.fitted.auc),
            figure(|held_out| held_out.fitted.log_loss),
            figure(|held_out| held_out.fitted.ece),
            figure(|held_out| held_out.gain),
        ]);
    }
    output::lines(&table.to_string())?;
    Ok(())
}

/// `sillage analytics fit show`.
async fn show(args: FitShowArgs) -> anyhow::Result<()> {
    let (database, as_json) = open(&args.installation).await?;
    let found = calibration::show(database.pool(), args.version).await;
    database.stop().await?;
    let Some(found) = found? else {
        let message = DecisionError::Unknown(args.version).to_string();
        return Err(Failure::new(Code::Failed, message).into());
    };
    if as_json {
        output::json(&as_value(&found))?;
        return Ok(());
    }
    let state = if found.in_force { ", in force" } else { "" };
    let head = format!(
        "version {}: {}, {}{state}\nbegun {}, answers up to position {} of the lake, compared with model {}\n",
        found.calibration,
        found.subject,
        found.status.as_str(),
        found.started.format("%Y-%m-%d %H:%M"),
        found.lake_seq,
        found.model,
    );
    let report = report_of(&found).map_or_else(String::new, |report| told_report(&report));
    output::lines(&(head + &report))?;
    Ok(())
}

/// `sillage analytics accept`.
pub(crate) async fn accept(args: DecisionArgs) -> anyhow::Result<()> {
    let (database, as_json) = open(&args.installation).await?;
    let decided = calibration::accept(database.pool(), args.version).await;
    database.stop().await?;
    told_decision(decided, "accepted", as_json)
}

/// `sillage analytics refuse`.
pub(crate) async fn refuse(args: DecisionArgs) -> anyhow::Result<()> {
    let (database, as_json) = open(&args.installation).await?;
    let decided = calibration::refuse(database.pool(), args.version).await;
    database.stop().await?;
    told_decision(decided, "refused", as_json)
}

/// `sillage analytics rollback`.
pub(crate) async fn roll_back(args: RollbackArgs) -> anyhow::Result<()> {
    let (database, as_json) = open(&args.installation).await?;
    let decided = calibration::roll_back(database.pool(), args.subject.as_deref()).await;
    database.stop().await?;
    told_decision(decided, "rolled back", as_json)
}

async fn open(installation: &crate::cli::Installation) -> anyhow::Result<(Database, bool)> {
    let settings = installation.settings()?;
    telemetry::init(&settings.section("log")?);
    let database = Database::for_a_moment(&settings).await?;
    Ok((database, installation.common.json))
}

fn told_decision(
    decided: Result<Decided, DecisionError>,
    verdict: &str,
    as_json: bool,
) -> anyhow::Result<()> {
    let Decided {
        subject,
        calibration,
        in_force,
    } = decided.map_err(|error| match error {
        DecisionError::Store(error) => error.into(),
        error => anyhow::Error::from(Failure::new(Code::Failed, error.to_string())),
    })?;
    if as_json {
        let decision = json!({
            "subject": subject, "version": calibration, "verdict": verdict, "in_force": in_force,
        });
        output::json(&decision)?;
        return Ok(());
    }
    let now = in_force.map_or_else(
        || "the catalogue's items and the model's defaults are in force".to_owned(),
        |version| format!("version {version} is in force"),
    );
    let served = match verdict {
        "refused" => "",
        _ => {
            " What is served changes when the states were made again, which a running service does at once."
        }
    };
    output::lines(&format!(
        "version {calibration} of {subject} is {verdict}; {now}.{served}"
    ))?;
    Ok(())
}

/// One line on standard error: standard output is for what came of it.
fn line(told: &Told, as_json: bool) {
    let line = match told {
        Told::GaveUp { subject } if as_json => {
            json!({ "given_up": { "subject": subject } }).to_string()
        }
        Told::GaveUp { subject } => {
            format!("{subject}: a fit that was stopped is given up: this one is another")
        }
        Told::Begun {
            subject,
            answers,
            pupils,
            held_out,
            resumed,
        } if as_json => json!({ "begun": {
            "subject": subject, "answers": answers, "pupils": pupils, "held_out": held_out, "resumed": resumed,
        } })
        .to_string(),
        Told::Begun {
            subject,
            answers,
            pupils,
            held_out,
            resumed,
        } => format!(
            "{subject}: {answers} answers of {pupils} pupils, {held_out} pupils held out{}",
            if *resumed { "; goes on" } else { "" }
        ),
        Told::Search { subject, progress } if as_json => json!({ "progress": {
            "subject": subject, "searches": progress.searches, "of": progress.of,
            "log_loss": progress.log_loss, "evaluations": progress.evaluations,
        } })
        .to_string(),
        Told::Search { subject, progress } => format!(
            "{subject}: search {} of at most {}, log loss {:.5} after {} evaluations",
            progress.searches, progress.of, progress.log_loss, progress.evaluations
        ),
    };
    // Nobody may be looking, which is no reason to stop.
    let _ = writeln!(io::stderr().lock(), "{line}");
}

fn coded(error: anyhow::Error) -> anyhow::Error {
    match error.downcast_ref::<FitError>() {
        Some(FitError::Subject(_)) => Failure::new(Code::Settings, error.to_string()).into(),
        _ => error,
    }
}

fn report_of(listed: &Listed) -> Option<FitReport> {
    // One of another program version may have another shape: it is shown as JSON only.
    serde_json::from_value(listed.report.clone()?).ok()
}

fn as_value(listed: &Listed) -> Value {
    json!({
        "version": listed.calibration,
        "subject": listed.subject,
        "status": listed.status.as_str(),
        "in_force": listed.in_force,
        "model": listed.model,
        "lake_version": listed.lake_version,
        "lake_seq": listed.lake_seq,
        "begun": listed.started,
        "done": listed.finished,
        "report": listed.report,
    })
}

fn told_outcome(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Proposed {
            subject,
            calibration,
            report,
        } => format!(
            "{subject}: version {calibration} is proposed (sillage analytics accept {calibration}, or refuse)\n{}",
            told_report(report)
        ),
        Outcome::TooFew { subject, pupils } => format!(
            "{subject}: nothing is proposed: {pupils} pupils with answers are too few to hold any out\n"
        ),
    }
}

fn told_report(report: &FitReport) -> String {
    let held_out = &report.held_out;
    let mut text = format!(
        "fitted on {} answers of {} pupils ({:.0} % of them read), {} items\n",
        report.answers,
        report.pupils,
        100.0 * report.sample,
        report.items
    );
    text += &format!(
        "on {} answers of {} pupils held out:\n",
        held_out.answers, held_out.pupils
    );
    let before = held_out.in_force_calibration.map_or_else(
        || "in force (catalogue, defaults)".to_owned(),
        |version| format!("in force (version {version})"),
    );
    text += &figures("this version", &held_out.fitted);
    text += &figures(&before, &held_out.in_force);
    text += &format!(
        "  gain in log loss {:+.5} ± {:.5}\n",
        held_out.gain, held_out.gain_error
    );
    let odd = &report.diagnostics;
    text += &named("nobody fails", &odd.never_failed, Clone::clone);
    text += &named("nobody succeeds at", &odd.never_passed, Clone::clone);
    text += &named("backwards", &odd.backwards, |one| {
        format!(
            "{} (slope {:.2} ± {:.2})",
            one.activity, one.slope, one.error
        )
    });
    text += &named("drifting", &odd.drifting, |one| {
        format!(
            "{} ({:.2} ± {:.2} logits)",
            one.activity, one.change, one.error
        )
    });
    text += &format!("{} items with few answers\n", odd.few_answers.len());
    text
}

fn figures(whose: &str, figures: &Figures) -> String {
    format!(
        "  {whose}: AUC {:.4}, log loss {:.4}, RMSE {:.4}, accuracy {:.4}, ECE {:.4}\n",
        figures.auc, figures.log_loss, figures.rmse, figures.accuracy, figures.ece
    )
}

fn named<T>(what: &str, items: &[T], name: impl Fn(&T) -> String) -> String {
    if items.is_empty() {
        return String::new();
    }
    let names: String = items
        .iter()
        .take(NAMED)
        .map(|item| format!("  {}\n", name(item)))
        .collect();
    let more = items.len().saturating_sub(NAMED);
    let more = if more > 0 {
        format!("  and {more} more (--json)\n")
    } else {
        String::new()
    };
    format!("{} items {what}:\n{names}{more}", items.len())
}

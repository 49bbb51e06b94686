//! `sillage analytics check`: whether predictions come true, now and not at its time of the day.

use std::fs;
use std::path::Path;

use analytics::checks::{Alert, plot};
use analytics::jobs::check::{self, CheckReport, Checked};
use analytics::{Analytics, AnalyticsConfig};
use anyhow::Context as _;
use comfy_table::{Table, presets};
use service::{Context, clock, telemetry};

use crate::cli::CheckArgs;
use crate::database::Database;
use crate::exit::{Code, Failure};
use crate::output;

/// Runs the command.
pub(crate) async fn run(args: CheckArgs) -> anyhow::Result<()> {
    let settings = args.installation.settings()?;
    telemetry::init(&settings.section("log")?);
    let config = AnalyticsConfig::load(&settings)?;
    let now = clock::now();
    let day = args.day.unwrap_or(check::last_whole_day(now));
    if day > now.date_naive() {
        // It would pass for the last one until it comes.
        let message = format!("--day {day} has not come yet");
        return Err(Failure::new(Code::Settings, message).into());
    }
    let database = Database::for_a_moment(&settings).await?;
    let checked = async {
        let context = Context::open(database.pool().clone(), std::time::Duration::ZERO).await?;
        anyhow::Ok(check::run(&Analytics::new(context, config), day).await?)
    };
    let checked = checked.await;
    database.stop().await?;
    let report = checked?;
    if let Some(folder) = &args.plots {
        draw(folder, &report)?;
    }
    if args.installation.common.json {
        output::json(&report)?;
    } else {
        output::lines(&told(&report))?;
    }
    if report.alerts.is_empty() {
        return Ok(());
    }
    let message = format!(
        "{} alerts: a new fit is proposed (sillage analytics fit)",
        report.alerts.len()
    );
    Err(Failure::new(Code::Alerts, message).into())
}

/// A reliability plot a subject and window that has answers.
fn draw(folder: &Path, report: &CheckReport) -> anyhow::Result<()> {
    fs::create_dir_all(folder)
        .with_context(|| format!("could not make the folder {}", folder.display()))?;
    let document = serde_json::to_value(report)?;
    for one in report.slices.iter().filter(|one| one.reliability.is_some()) {
        let Some(svg) = plot::of(&document, &one.subject, one.days) else {
            continue;
        };
        let path = folder.join(format!("reliability-{}-{}.svg", one.subject, one.days));
        fs::write(&path, svg).with_context(|| format!("could not write {}", path.display()))?;
    }
    Ok(())
}

fn told(report: &CheckReport) -> String {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    table.set_header([
        "subject", "version", "slice", "days", "answers", "expected", "came", "ece", "allowed", "",
    ]);
    for one in &report.slices {
        table.add_row(row(one));
    }
    let alerts: String = report.alerts.iter().map(told_alert).collect();
    format!(
        "{} answers counted, up to position {} of the lake; windows end with {}; {} items compared with months before\n{table}\n{alerts}",
        report.answers, report.position, report.day, report.items
    )
}

fn row(one: &Checked) -> [String; 10] {
    let judged = &one.judged;
    let slice = if one.slice.is_empty() {
        "all".to_owned()
    } else {
        format!("{} {}", one.dimension, one.slice)
    };
    [
        one.subject.clone(),
        version(one.calibration),
        slice,
        one.days.to_string(),
        judged.answers.to_string(),
        format!("{:.3}", judged.expected),
        format!("{:.3}", judged.outcome),
        format!("{:.3}", judged.ece),
        format!("{:.3}", judged.allowed),
        if judged.is_alarming() { "alert" } else { "" }.to_owned(),
    ]
}

fn version(calibration: i64) -> String {
    match calibration {
        0 => "defaults".to_owned(),
        number => number.to_string(),
    }
}

fn told_alert(alert: &Alert) -> String {
    match alert {
        Alert::Calibration {
            subject,
            dimension,
            slice,
            days,
            judged,
            ..
        } => format!(
            "alert: {subject}, {dimension} {slice}: ECE {:.3} over {days} days, where chance allows {:.3}\n",
            judged.ece, judged.allowed
        ),
        Alert::Drift {
            subject,
            activity,
            drift,
            ..
        } => format!(
            "alert: {subject}, {activity}: harder by {:+.2} logits than in the months before, where chance allows {:.2}\n",
            drift.change, drift.allowed
        ),
    }
}

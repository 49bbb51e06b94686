//! Mastery as it was at a time, on request: from the lake's answers given until then into its table
//! `mastery_as_of`. Nothing that is served changes.
//!
//! Answers count by when they were given, not by when they came: one that synchronised later is there. Everything
//! else is as known today: whose an account is, the model in force, what does not count.

use std::sync::Arc;
use std::time::Instant;

use ::mastery::Model;
use chrono::{DateTime, Utc};
use serde::Serialize;

use super::mastery::{JobError, recorded};
use super::recompute::{self, Beside, Folds, without_answers};
use super::rows::{Run, Upto};
use crate::Analytics;
use crate::lake::{self, Answers, MasteryRows};
use crate::store::runs::{self, Cause};
use crate::store::{self, feed};

/// What a run did.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = AsOfReport)]
pub struct Report {
    /// Its number: `run` of its rows.
    pub run: i64,
    /// The time: `as_of` of its rows.
    pub as_of: DateTime<Utc>,
    /// Fingerprint of the model.
    pub model: String,
    /// Version of the lake's table of answers; null when nothing was shipped yet.
    pub lake_version: Option<i64>,
    /// Position up to which the lake was.
    pub lake_seq: i64,
    /// Answers folded: those given until then.
    pub answers: i64,
    /// Persons who had answered, or of whom something else was known.
    pub pupils: i64,
    /// Rows written, in place of those of an earlier run as of the same time.
    pub mastery_rows: usize,
    /// How long it took, in seconds.
    pub duration_s: f64,
}

/// Computes everybody's mastery as of a time.
///
/// # Errors
/// [`JobError::Busy`] while a recomputation runs: both want the memory that the settings give one.
pub async fn run(analytics: &Analytics, as_of: DateTime<Utc>) -> Result<Report, JobError> {
    let lock = runs::lock(analytics.pool()).await?;
    let lock = lock.ok_or(JobError::Busy)?;
    lock.during(run_alone(analytics, as_of)).await
}

async fn run_alone(analytics: &Analytics, as_of: DateTime<Utc>) -> Result<Report, JobError> {
    let started = Instant::now();
    let client = store::client(analytics.pool()).await?;
    if !feed::neighbours(&client).await?.feed {
        return Err(JobError::NotReady);
    }
    runs::fail_abandoned(&client).await?;
    let answers = lake::answers(analytics).await?;
    drop(client);
    let fingerprint = analytics.models().wanted(analytics.pool()).await?;
    let place = answers
        .as_ref()
        .map(|answers| (answers.version, answers.seq));
    let mut client = store::client(analytics.pool()).await?;
    let transaction = store::begin(&mut client).await?;
    let model = analytics.models().get(&transaction, &fingerprint).await?;
    let run = runs::insert(&transaction, Cause::AsOf, None, &fingerprint, place).await?;
    store::commit(transaction).await?;
    drop(client);
    let mut report = Report {
        run,
        as_of,
        model: fingerprint,
        lake_version: place.map(|(version, _)| version),
        lake_seq: place.map_or(0, |(_, seq)| seq),
        answers: 0,
        pupils: 0,
        mastery_rows: 0,
        duration_s: 0.0,
    };
    let published = publish(analytics, answers, model, &mut report).await;
    recorded(analytics, run, published).await?;
    let client = store::client(analytics.pool()).await?;
    runs::done(&client, run, report.answers, report.pupils, 0).await?;
    report.duration_s = started.elapsed().as_secs_f64();
    tracing::info!(
        run,
        answers = report.answers,
        pupils = report.pupils,
        rows = report.mastery_rows,
        duration_s = report.duration_s,
        "mastery computed as of a time"
    );
    Ok(report)
}

/// Writes the rows, once all answers were folded and counted.
async fn publish(
    analytics: &Analytics,
    answers: Option<Answers>,
    model: Arc<Model>,
    report: &mut Report,
) -> Result<(), JobError> {
    let run = Run {
        run: report.run,
        as_of: report.as_of,
        upto: Upto::AsOf,
    };
    let client = store::client(analytics.pool()).await?;
    let beside = Beside::read(&client, report.lake_seq).await?;
    drop(client);
    let beside = beside.until(report.as_of);
    let mut rows = MasteryRows::as_of(analytics).await?;
    match answers {
        Some(answers) => {
            let config = analytics.config();
            let mut recompute = recompute::start(config, answers, model, run, beside).await?;
            while let Some(folds) = recompute.next().await? {
                add(&mut rows, report, &folds).await?;
            }
            report.answers = recompute.folded();
            // For its check: all answers until then were folded.
            recompute.usage().await?;
        }
        None => {
            add(
                &mut rows,
                report,
                &without_answers(&model, &run, beside.inputs)?,
            )
            .await?
        }
    }
    report.mastery_rows = rows.rows();
    Ok(rows.publish_as_of(report.as_of).await?)
}

async fn add(rows: &mut MasteryRows, report: &mut Report, folds: &Folds) -> Result<(), JobError> {
    report.pupils += folds.sums().pupils;
    Ok(rows.push(folds.mastery()).await?)
}

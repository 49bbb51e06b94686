//! A new version of all states: from the lake, caught up from the feed, switched to in one short
//! transaction.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use ::mastery::Model;
use chrono::{DateTime, Utc};
use serde::Serialize;
use service::threads::Broken;

use super::odd;
use super::recompute::{self, Beside, Folds, RecomputeError, without_answers};
use super::rows::{Run, Upto};
use crate::Analytics;
use crate::fold::{Usage, batch};
use crate::lake::{self, LakeError};
use crate::store::runs::{self, Cause};
use crate::store::versions::{self, Status};
use crate::store::{self, StoreError, account_person, feed, item_usage, pupils};

/// Why there is no new version. Nothing of it is served.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// One runs already.
    #[error("a recomputation is running already")]
    Busy,
    /// The LRS has not made its views yet, or nothing was served before.
    #[error("the services that mastery is computed from are not up yet")]
    NotReady,
    /// The version was taken away while it was built.
    #[error("the version was taken away while it was built")]
    Gone,
    /// It did not run, or not to its end.
    #[error("the recomputation broke off")]
    Broken(#[from] Broken),
    /// The database did not answer.
    #[error("the database did not answer")]
    Store(#[from] StoreError),
    /// The lake could not be read or written.
    #[error("the lake did not answer")]
    Lake(#[from] LakeError),
    /// The plan failed, or its check.
    #[error("could not recompute from the lake")]
    Recompute(#[from] RecomputeError),
}

/// What a recomputation did.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Report {
    /// Its number.
    pub run: i64,
    /// The version of the states that it made.
    pub version: i64,
    /// Fingerprint of the model.
    pub model: String,
    /// Version of the lake's table of answers; null when nothing was shipped yet.
    pub lake_version: Option<i64>,
    /// Position up to which the lake was.
    pub lake_seq: i64,
    /// Answers folded from the lake.
    pub answers: i64,
    /// Persons folded from the lake.
    pub pupils: i64,
    /// Rows folded from the feed, which the lake did not have yet.
    pub caught_up: i64,
    /// Rows written to the lake's table `mastery`.
    pub mastery_rows: usize,
    /// How long it took, in seconds.
    pub duration_s: f64,
}

/// Makes a new version and serves it.
pub async fn run(analytics: &Analytics, cause: Cause) -> Result<Report, JobError> {
    let lock = runs::lock(analytics.pool()).await?;
    let lock = lock.ok_or(JobError::Busy)?;
    lock.during(run_alone(analytics, cause)).await
}

/// The same, by the only one that does so now.
async fn run_alone(analytics: &Analytics, cause: Cause) -> Result<Report, JobError> {
    let client = store::client(analytics.pool()).await?;
    if !feed::neighbours(&client).await?.feed {
        return Err(JobError::NotReady);
    }
    runs::fail_abandoned(&client).await?;
    for version in versions::abandoned(&client).await? {
        versions::clear(&client, version).await?;
    }
    drop(client);
    let started = Instant::now();
    // First, so that what it leaves out is folded once, with everything else.
    odd::look(analytics).await?;
    let mut job = Job::begin(analytics, cause).await?;
    let published = job.publish().await;
    recorded(analytics, job.report.run, published).await?;
    job.report.duration_s = started.elapsed().as_secs_f64();
    let report = job.report;
    tracing::info!(
        run = report.run,
        version = report.version,
        answers = report.answers,
        pupils = report.pupils,
        caught_up = report.caught_up,
        duration_s = report.duration_s,
        cause = cause.as_str(),
        "mastery recomputed"
    );
    Ok(report)
}

/// What came of a run; where it failed, its row says why.
pub(super) async fn recorded(
    analytics: &Analytics,
    run: i64,
    result: Result<(), JobError>,
) -> Result<(), JobError> {
    if let Err(error) = &result {
        let client = store::client(analytics.pool()).await?;
        runs::failed(&client, run, &service::error::chain(error)).await?;
    }
    result
}

/// A recomputation under way.
struct Job<'a> {
    analytics: &'a Analytics,
    model: Arc<Model>,
    answers: Option<lake::Answers>,
    as_of: DateTime<Utc>,
    report: Report,
}

impl<'a> Job<'a> {
    /// An empty version, from which moment on imports mark persons for it too.
    async fn begin(analytics: &'a Analytics, cause: Cause) -> Result<Self, JobError> {
        let answers = lake::answers(analytics).await?;
        let fingerprint = analytics.models().wanted(analytics.pool()).await?;
        let mut client = store::client(analytics.pool()).await?;
        let transaction = store::begin(&mut client).await?;
        if versions::lock_current(&transaction).await?.is_none() {
            return Err(JobError::NotReady);
        }
        let model = analytics.models().get(&transaction, &fingerprint).await?;
        let version = versions::insert(&transaction, &fingerprint, Status::Building).await?;
        let lake_version = answers.as_ref().map(|answers| answers.version);
        let lake_seq = answers.as_ref().map_or(0, |answers| answers.seq);
        let place = lake_version.map(|version| (version, lake_seq));
        let run = runs::insert(&transaction, cause, Some(version), &fingerprint, place).await?;
        store::commit(transaction).await?;
        Ok(Self {
            analytics,
            model,
            answers,
            as_of: service::clock::now(),
            report: Report {
                run,
                version,
                model: fingerprint,
                lake_version,
                lake_seq,
                answers: 0,
                pupils: 0,
                caught_up: 0,
                mastery_rows: 0,
                duration_s: 0.0,
            },
        })
    }

    /// Fills the version, serves it, forgets the one before.
    async fn publish(&mut self) -> Result<(), JobError> {
        let mut rows = lake::MasteryRows::open(self.analytics).await?;
        self.fold_lake(&mut rows).await?;
        self.catch_up().await?;
        let (pool, models) = (self.analytics.pool(), self.analytics.models());
        let most = self.analytics.config().fold_batch_rows();
        if !batch::switch(pool, models, self.report.version, most).await? {
            return Err(JobError::Gone);
        }
        let client = store::client(pool).await?;
        for version in versions::retired(&client).await? {
            versions::clear(&client, version).await?;
        }
        drop(client);
        self.report.mastery_rows = rows.rows();
        rows.publish().await?;
        let client = store::client(pool).await?;
        let Report {
            run,
            answers,
            pupils,
            caught_up,
            ..
        } = self.report;
        runs::done(&client, run, answers, pupils, caught_up).await?;
        Ok(())
    }

    /// Folds the lake's answers into the version, some persons at a time, and gives the rows of the lake's
    /// table `mastery`. When it returns, every answer was folded.
    async fn fold_lake(&mut self, rows: &mut lake::MasteryRows) -> Result<(), JobError> {
        let client = store::client(self.analytics.pool()).await?;
        let position = self.report.lake_seq;
        let beside = Beside::read(&client, position).await?;
        drop(client);
        let run = Run {
            run: self.report.run,
            as_of: self.as_of,
            upto: Upto::Last,
        };
        let Some(answers) = self.answers.take() else {
            let folds = without_answers(&self.model, &run, beside.inputs)?;
            return self.write(&folds, 0, &Usage::default()).await;
        };
        let model = Arc::clone(&self.model);
        let config = self.analytics.config();
        let mut recompute = recompute::start(config, answers, model, run.clone(), beside).await?;
        let mut last = None;
        while let Some(folds) = recompute.next().await? {
            rows.push(folds.mastery()).await?;
            if let Some(folds) = last.replace(folds) {
                self.write(&folds, 0, &Usage::default()).await?;
            }
        }
        self.report.answers = recompute.folded();
        let usage = recompute.usage().await?;
        let last = match last {
            Some(folds) => folds,
            None => without_answers(&self.model, &run, BTreeMap::new())?,
        };
        // Only now is the version at a position: until here it is nobody's.
        self.write(&last, position, &usage).await
    }

    async fn write(&mut self, folds: &Folds, position: i64, usage: &Usage) -> Result<(), JobError> {
        let version = self.report.version;
        let mut client = store::client(self.analytics.pool()).await?;
        let transaction = store::begin(&mut client).await?;
        // So that an import does not open an account at the same moment as we do.
        versions::lock_current(&transaction).await?;
        account_person::open(&transaction, &folds.new_accounts()).await?;
        let sums = folds.sums();
        pupils::write(&transaction, version, &folds.columns()).await?;
        item_usage::add(&transaction, version, usage).await?;
        versions::advance(&transaction, version, position, sums).await?;
        store::commit(transaction).await?;
        self.report.pupils += sums.pupils;
        Ok(())
    }

    /// Folds what the lake lacks, until a batch finds no more.
    async fn catch_up(&mut self) -> Result<(), JobError> {
        let (pool, models) = (self.analytics.pool(), self.analytics.models());
        let most = self.analytics.config().fold_batch_rows();
        loop {
            let folded = batch::fold_building(pool, models, self.report.version, most)
                .await?
                .ok_or(JobError::Gone)?;
            self.report.caught_up += i64::try_from(folded.rows).unwrap_or(i64::MAX);
            if !folded.more {
                return Ok(());
            }
        }
    }
}

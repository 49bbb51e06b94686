//! What the recomputations did: `analytics.runs`, and the locks that let one job of a kind run at a time.

use std::time::Duration;

use deadpool_postgres::{ClientWrapper, GenericClient, Object};
use service::pg::Pool;

use super::StoreError;

/// Why a recomputation runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The framework, the catalogue or the code makes another model.
    Model,
    /// Somebody asked.
    Request,
    /// It was time.
    Schedule,
    /// Somebody asked for mastery as of a time.
    AsOf,
}

impl Cause {
    /// Its stable name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Request => "request",
            Self::Schedule => "schedule",
            Self::AsOf => "as_of",
        }
    }
}

/// The right to do a job, for all copies of the service: held by a connection of its own, and let
/// go with it, however the holder ends.
pub struct JobLock {
    connection: ClientWrapper,
}

impl std::fmt::Debug for JobLock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JobLock")
    }
}

/// Takes the right to recompute; none while another copy has it.
pub async fn lock(pool: &Pool) -> Result<Option<JobLock>, StoreError> {
    take(pool, include_str!("sql/job_lock.sql")).await
}

/// Takes the right to fit; none while another copy has it.
pub async fn fit_lock(pool: &Pool) -> Result<Option<JobLock>, StoreError> {
    take(pool, include_str!("sql/fit_lock.sql")).await
}

/// Takes the right to check; none while another copy has it.
pub async fn check_lock(pool: &Pool) -> Result<Option<JobLock>, StoreError> {
    take(pool, include_str!("sql/check_lock.sql")).await
}

async fn take(pool: &Pool, sql: &str) -> Result<Option<JobLock>, StoreError> {
    // Out of the pool: a connection that goes back to it would keep the lock.
    let connection = Object::take(pool.get().await?);
    let row = connection.query_one(sql, &[]).await?;
    let ours: bool = row.get(0);
    Ok(ours.then_some(JobLock { connection }))
}

impl JobLock {
    /// Does the job, then lets another have the lock: at once, so that whoever asks again is not told that one runs.
    /// Where that fails, and where the lock is dropped instead, the server does so itself once it sees that the
    /// connection is gone, which is a moment later.
    pub async fn during<T>(self, job: impl Future<Output = T>) -> T {
        // Boxed: it would be in the future of this twice, as what was given and as what is awaited.
        let done = Box::pin(job).await;
        let sql = include_str!("sql/job_unlock.sql");
        if let Err(error) = self.connection.execute(sql, &[]).await {
            tracing::debug!(%error, "the lock of a job goes with its connection");
        }
        done
    }
}

/// A recomputation begins; it makes no version where it is as of a time.
pub async fn insert(
    client: &impl GenericClient,
    cause: Cause,
    version: Option<i64>,
    model: &str,
    lake: Option<(i64, i64)>,
) -> Result<i64, StoreError> {
    let (lake_version, lake_seq) = lake.unzip();
    let sql = include_str!("sql/runs_insert.sql");
    let row = super::query_one(
        client,
        sql,
        &[&cause.as_str(), &version, &model, &lake_version, &lake_seq],
    )
    .await?;
    Ok(row.get(0))
}

/// A recomputation was published.
pub async fn done(
    client: &impl GenericClient,
    run: i64,
    answers: i64,
    pupils: i64,
    caught_up: i64,
) -> Result<(), StoreError> {
    let sql = include_str!("sql/runs_done.sql");
    super::execute(client, sql, &[&run, &answers, &pupils, &caught_up]).await?;
    Ok(())
}

/// A recomputation failed.
pub async fn failed(client: &impl GenericClient, run: i64, why: &str) -> Result<(), StoreError> {
    super::execute(client, include_str!("sql/runs_failed.sql"), &[&run, &why]).await?;
    Ok(())
}

/// Recomputations whose process is gone have failed. The caller holds the [`JobLock`].
pub async fn fail_abandoned(client: &impl GenericClient) -> Result<(), StoreError> {
    super::execute(client, include_str!("sql/runs_abandoned.sql"), &[]).await?;
    Ok(())
}

/// Time since a recomputation was last published or, before that, since the first version was made.
pub async fn age(client: &impl GenericClient) -> Result<Option<Duration>, StoreError> {
    let row = super::query_one(client, include_str!("sql/runs_age.sql"), &[]).await?;
    let seconds: Option<f64> = row.get(0);
    Ok(seconds.map(|seconds| Duration::from_secs_f64(seconds.max(0.0))))
}

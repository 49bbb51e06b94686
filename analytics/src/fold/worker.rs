//! Looks at the feed again and again: folds what is new, and asks for a recomputation when the
//! model is another or when it is time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::batch;
use crate::Analytics;
use crate::jobs::mastery::JobError;
use crate::store::runs::Cause;
use crate::store::{self, StoreError, feed, runs, versions};

/// Time between two looks at framework and catalogue, and at the age of the last recomputation.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Time after a failure before the next try.
const AFTER_FAILURE: Duration = Duration::from_secs(5);

/// Runs until `shutdown`. The batch under way is finished: each is a transaction of its own.
pub async fn run(analytics: Arc<Analytics>, shutdown: CancellationToken) {
    let every = analytics.config().fold_every();
    while !shutdown.is_cancelled() {
        let pause = match fold_pending(&analytics, &shutdown).await {
            Ok(()) => every,
            Err(error) => {
                tracing::error!(error = %service::error::chain(&error), "could not fold new answers");
                AFTER_FAILURE
            }
        };
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Folds until there is nothing new.
pub async fn fold_pending(
    analytics: &Analytics,
    shutdown: &CancellationToken,
) -> Result<(), StoreError> {
    let client = store::client(analytics.pool()).await?;
    if !feed::neighbours(&client).await?.feed || !feed::is_pending(&client).await? {
        return Ok(());
    }
    drop(client);
    let most = analytics.config().fold_batch_rows();
    let started = Instant::now();
    let (mut rows, mut refolded) = (0, 0);
    while let Some(folded) = batch::fold_current(analytics.pool(), analytics.models(), most).await?
    {
        rows += folded.rows;
        refolded += folded.refolded;
        if !folded.more || shutdown.is_cancelled() {
            break;
        }
    }
    if rows > 0 || refolded > 0 {
        let duration_ms = started.elapsed().as_secs_f64() * 1e3;
        tracing::debug!(rows, refolded, duration_ms, "folded");
    }
    Ok(())
}

/// Recomputes when the model is another, or when it is time; runs until `shutdown`.
pub async fn watch(analytics: Arc<Analytics>, shutdown: CancellationToken) {
    while !shutdown.is_cancelled() {
        let pause = match look(&analytics).await {
            Ok(()) => LOOK_EVERY,
            Err(error) => {
                tracing::error!(error = %service::error::chain(&error), "could not recompute mastery");
                AFTER_FAILURE
            }
        };
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

async fn look(analytics: &Arc<Analytics>) -> Result<(), JobError> {
    let Some(cause) = cause(analytics).await? else {
        return Ok(());
    };
    match analytics.recompute(cause).await {
        // Another copy is at it.
        Err(JobError::Busy) => Ok(()),
        result => result.map(drop),
    }
}

async fn cause(analytics: &Analytics) -> Result<Option<Cause>, StoreError> {
    let wanted = analytics.models().wanted(analytics.pool()).await?;
    let client = store::client(analytics.pool()).await?;
    if !feed::neighbours(&client).await?.feed {
        return Ok(None);
    }
    let Some(current) = versions::current(&client).await? else {
        return Ok(None);
    };
    if current.model != wanted {
        return Ok(Some(Cause::Model));
    }
    let Some(every) = analytics.config().recompute_every() else {
        return Ok(None);
    };
    let age = runs::age(&client).await?;
    Ok(age.filter(|age| *age >= every).map(|_| Cause::Schedule))
}

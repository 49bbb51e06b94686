//! Contents that no statement names are collected: those of requests that were refused at the last
//! step, or that were never told whether they were stored.
//!
//! Every content is registered in `lrs.attachment_objects` before it gets its place, with the time. A
//! statement that names it is committed within seconds, or never. So what was registered more than a
//! day ago either is named by then, or will not be unless it is registered anew; and a registration
//! waits while the sweep takes the very same content away, and then finds nothing registered. The file
//! is removed under the lock of the row: whoever registers it next puts it in place afterwards.

use std::time::Duration;

use chrono::{DateTime, Utc};
use service::pg::Pool;
use tokio_util::sync::CancellationToken;

use super::objects::LEFT_ALONE;
use super::{Attachments, KeepError};
use crate::store::attachments;

/// Sweeps now and then until `shutdown`; several copies may. An `every` of zero: never.
pub async fn run(pool: &Pool, kept: &Attachments, every: Duration, shutdown: &CancellationToken) {
    if every.is_zero() {
        return shutdown.cancelled().await;
    }
    loop {
        let before = service::clock::now() - LEFT_ALONE;
        match once(pool, kept, before).await {
            Ok(0) => {}
            Ok(collected) => tracing::info!(collected, "attachments that nothing names are gone"),
            Err(error) => {
                tracing::warn!(error = %service::error::chain(&error), "could not sweep attachments");
            }
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(every) => {}
        }
    }
}

/// Collects what was registered before an instant and is named by no statement; tells how much.
pub async fn once(
    pool: &Pool,
    kept: &Attachments,
    before: DateTime<Utc>,
) -> Result<u64, KeepError> {
    kept.objects().delete_incoming(before).await?;
    attachments::settle_named(pool, before).await?;
    let mut collected = 0;
    while let Some(unnamed) = attachments::lock_unnamed(pool, before).await? {
        kept.objects().delete(&unnamed.sha256()).await?;
        unnamed.delete().await?;
        collected += 1;
    }
    Ok(collected)
}

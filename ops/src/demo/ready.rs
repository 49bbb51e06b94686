//! Waits until what was posted has been computed.

use std::time::{Duration, Instant};

use anyhow::bail;

use super::api::{self, Positions};
use super::delivery::waiting;
use crate::client::Client;

/// Time between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// No position may stand still for so long while there is something to do.
const STUCK_AFTER: Duration = Duration::from_secs(300);

/// Waits until every answer stored by now is folded, by a model that knows the framework and the
/// catalogue of now; gives the position that was reached.
pub(crate) async fn folded(client: &Client) -> anyhow::Result<i64> {
    let stored = api::positions(client).await?.stored_seq;
    let done = |now: &Positions| !now.rebuilding && now.folded_seq >= stored;
    until(client, "folding answers", |now| now.folded_seq, done).await?;
    Ok(stored)
}

/// Waits until the lake holds everything up to that position.
pub(crate) async fn shipped(client: &Client, stored: i64) -> anyhow::Result<()> {
    let behind = |now: &Positions| now.lake.statements.min(now.lake.answers);
    until(client, "shipping to the lake", behind, |now| {
        behind(now) >= stored
    })
    .await
}

async fn until(
    client: &Client,
    what: &'static str,
    position: impl Fn(&Positions) -> i64,
    done: impl Fn(&Positions) -> bool,
) -> anyhow::Result<()> {
    let bar = waiting(what);
    let mut last = (i64::MIN, Instant::now());
    loop {
        let now = api::positions(client).await?;
        if done(&now) {
            bar.finish_and_clear();
            return Ok(());
        }
        bar.set_position(u64::try_from(position(&now)).unwrap_or(0));
        if position(&now) != last.0 {
            last = (position(&now), Instant::now());
        } else if last.1.elapsed() > STUCK_AFTER {
            bail!(
                "{what}: nothing moved for {} s ({now:?})",
                STUCK_AFTER.as_secs()
            );
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

//! What is stored, against what was acknowledged: nothing may be missing, and nothing may be there that
//! nobody asked for.

use std::collections::HashSet;

use anyhow::ensure;
use futures::TryStreamExt as _;
use tokio_postgres::Client;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use crate::store;

/// Fails unless so many statements are stored.
pub async fn is(client: &Client, acknowledged: u64) -> anyhow::Result<()> {
    let stored = store::count(client).await?;
    ensure!(
        stored == acknowledged,
        "{acknowledged} statements were acknowledged, {stored} are stored"
    );
    Ok(())
}

/// Fails unless every acknowledged statement is stored, and of others at most so many: those of which
/// it was left open.
pub async fn holds(
    client: &Client,
    mut acknowledged: HashSet<Uuid>,
    undecided: u64,
) -> anyhow::Result<()> {
    let none = std::iter::empty::<&(dyn ToSql + Sync)>();
    let rows = client
        .query_raw("select id from lrs.statements", none)
        .await?;
    let mut rows = std::pin::pin!(rows);
    let mut others = 0;
    while let Some(row) = rows.try_next().await? {
        others += u64::from(!acknowledged.remove(&row.get(0)));
    }
    ensure!(
        acknowledged.is_empty(),
        "{} acknowledged statements are not stored",
        acknowledged.len()
    );
    ensure!(
        others <= undecided,
        "{others} statements are stored and were not acknowledged; of {undecided} it was left open"
    );
    Ok(())
}

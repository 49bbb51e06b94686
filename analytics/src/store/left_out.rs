//! How many candidates count for nothing, by reason: `analytics.left_out`.

use std::collections::BTreeMap;

use deadpool_postgres::GenericClient;

use super::StoreError;

/// Counts from one position to another. The caller holds the lock of
/// [`super::versions::lock_current`].
pub async fn advance(client: &impl GenericClient, from: i64, to: i64) -> Result<(), StoreError> {
    super::execute(client, include_str!("sql/left_out_add.sql"), &[&from, &to]).await?;
    super::execute(client, include_str!("sql/left_out_position.sql"), &[&to]).await?;
    Ok(())
}

/// The counts, by reason.
pub async fn read(client: &impl GenericClient) -> Result<BTreeMap<String, i64>, StoreError> {
    let rows = super::query(client, include_str!("sql/left_out_read.sql"), &[]).await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

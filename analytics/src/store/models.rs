//! What models are made of: `analytics.models`.

use deadpool_postgres::GenericClient;
use serde_json::Value;

use super::StoreError;

/// Keeps what a model is made of, if it is not kept already.
pub async fn insert(
    client: &impl GenericClient,
    fingerprint: &str,
    framework: i64,
    catalogue: &Value,
    calibrations: &[i64],
) -> Result<(), StoreError> {
    let sql = include_str!("sql/models_insert.sql");
    super::execute(
        client,
        sql,
        &[&fingerprint, &framework, catalogue, &calibrations],
    )
    .await?;
    Ok(())
}

/// The framework's document, the catalogue's items and the calibrations of a model.
pub async fn read(
    client: &impl GenericClient,
    fingerprint: &str,
) -> Result<Option<(Value, Value, Vec<i64>)>, StoreError> {
    let row =
        super::query_opt(client, include_str!("sql/models_read.sql"), &[&fingerprint]).await?;
    Ok(row.map(|row| (row.get(0), row.get(1), row.get(2))))
}

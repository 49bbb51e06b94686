//! The frameworks that were loaded: `analytics.frameworks`, and the catalogue that the recommender
//! publishes.

use std::collections::HashMap;

use deadpool_postgres::GenericClient;
use schemas::catalogue::CatalogueItem;
use schemas::framework::Framework;
use serde_json::Value;

use super::{StoreError, Transaction};

/// Which framework, catalogue and calibrations are in force: their numbers, 0 where there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inputs {
    /// Number of the framework.
    pub framework: i64,
    /// Version of the catalogue.
    pub catalogue: i64,
    /// Number of the last decision on a calibration.
    pub decision: i64,
}

/// Which framework, catalogue and calibrations are in force.
pub async fn inputs(
    client: &impl GenericClient,
    has_catalogue: bool,
) -> Result<Inputs, StoreError> {
    let sql = if has_catalogue {
        include_str!("sql/model_inputs.sql")
    } else {
        include_str!("sql/model_inputs_framework.sql")
    };
    let row = super::query_one(client, sql, &[]).await?;
    Ok(Inputs {
        framework: row.get(0),
        catalogue: row.get(1),
        decision: row.get(2),
    })
}

/// Loads a framework: it is in force from the commit on. `document` is what was sent, of which
/// `framework` was read.
pub async fn insert(
    client: &impl GenericClient,
    framework: &Framework,
    document: &Value,
) -> Result<i64, StoreError> {
    let sql = include_str!("sql/frameworks_insert.sql");
    let row =
        super::query_one(client, sql, &[&framework.uri, &framework.version, document]).await?;
    Ok(row.get(0))
}

/// Loads a framework where none is.
pub async fn insert_first(
    transaction: &Transaction<'_>,
    framework: &Framework,
    document: &Value,
) -> Result<(), StoreError> {
    let lock = include_str!("sql/frameworks_lock.sql");
    super::execute(transaction, lock, &[]).await?;
    let sql = include_str!("sql/frameworks_first.sql");
    super::execute(
        transaction,
        sql,
        &[&framework.uri, &framework.version, document],
    )
    .await?;
    Ok(())
}

/// The framework in force, with its number.
pub async fn current(client: &impl GenericClient) -> Result<(i64, Framework), StoreError> {
    let row = super::query_one(client, include_str!("sql/frameworks_current.sql"), &[]).await?;
    Ok((row.get(0), parse(&row.get(1))?))
}

/// The items of the catalogue in force.
pub async fn catalogue(client: &impl GenericClient) -> Result<Value, StoreError> {
    let rows = super::query(client, include_str!("sql/catalogue_items.sql"), &[]).await?;
    Ok(rows.iter().map(|row| row.get::<_, Value>(0)).collect())
}

/// French titles of some activities of the catalogue in force, by IRI.
pub async fn titles(
    client: &impl GenericClient,
    activities: &[&str],
) -> Result<HashMap<String, String>, StoreError> {
    let sql = include_str!("sql/catalogue_titles.sql");
    let rows = super::query(client, sql, &[&activities]).await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// A stored framework. What the reader passes over was kept, so it is read as it was sent.
pub fn parse(document: &Value) -> Result<Framework, StoreError> {
    Framework::parse(document.to_string().as_bytes()).map_err(|_| StoreError::Document("framework"))
}

/// Stored items of a catalogue.
pub fn parse_items(items: Value) -> Result<Vec<CatalogueItem>, StoreError> {
    serde_json::from_value(items).map_err(|_| StoreError::Document("catalogue"))
}

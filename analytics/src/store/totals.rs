//! Sums over everything, and how far the fold is.

use chrono::{DateTime, Utc};
use deadpool_postgres::GenericClient;

use super::StoreError;

/// Sums over all valid answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Totals {
    /// Valid answers, those to items that the catalogue lacks included.
    pub answers: i64,
    /// Persons with a valid answer.
    pub pupils: i64,
    /// Right answers.
    pub correct: i64,
    /// Items with a valid answer.
    pub items: i64,
    /// Answers to items that the catalogue lacks.
    pub unknown_items: i64,
}

/// Sums of the version that is served; none before the first.
pub async fn read(client: &impl GenericClient) -> Result<Option<Totals>, StoreError> {
    let row = super::query_opt(client, include_str!("sql/totals.sql"), &[]).await?;
    Ok(row.map(|row| Totals {
        answers: row.get(0),
        pupils: row.get(1),
        correct: row.get(2),
        items: row.get(3),
        unknown_items: row.get(4),
    }))
}

/// How far the fold is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Position of the last statement stored.
    pub stored_seq: i64,
    /// Position of the last statement in the final order.
    pub horizon_seq: i64,
    /// Up to where the feed is folded.
    pub folded_seq: i64,
    /// Fingerprint of the model that is served.
    pub model: String,
    /// Whether another version is being made.
    pub building: bool,
}

/// How far the fold is; none before the first version.
pub async fn progress(
    client: &impl GenericClient,
    horizon: DateTime<Utc>,
) -> Result<Option<Progress>, StoreError> {
    let row = super::query_opt(client, include_str!("sql/status.sql"), &[&horizon]).await?;
    Ok(row.map(|row| Progress {
        stored_seq: row.get(0),
        horizon_seq: row.get(1),
        folded_seq: row.get(2),
        model: row.get(3),
        building: row.get(4),
    }))
}

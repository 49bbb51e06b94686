//! The catalogue in force, and its replacement.

use chrono::{DateTime, Utc};
use deadpool_postgres::Transaction;
use schemas::catalogue::{Catalogue, CatalogueItem};
use service::pg::Pool;
use sha2::{Digest, Sha256};
use tokio_postgres::Row;

use super::StoreError;

/// A version of the catalogue, without its items.
#[derive(Debug, Clone, PartialEq)]
pub struct CatalogueVersion {
    /// Our own counting, from 1.
    pub version: i64,
    /// URI of the catalogue.
    pub uri: String,
    /// The version that its maker gave it.
    pub label: String,
    /// SHA-256 of the content, in hexadecimal.
    pub fingerprint: String,
    /// How many items it has.
    pub items: i32,
    /// When it came into force.
    pub loaded: DateTime<Utc>,
}

/// What an import did.
#[derive(Debug, Clone, PartialEq)]
pub struct Replaced {
    /// The version in force now.
    pub current: CatalogueVersion,
    /// Whether the import made it: the same content again makes none.
    pub changed: bool,
}

/// The version in force.
///
/// # Errors
///
/// When the database does not answer.
pub async fn current(pool: &Pool) -> Result<Option<CatalogueVersion>, StoreError> {
    let client = pool.get().await?;
    let row = client
        .query_opt(include_str!("sql/catalogue_current.sql"), &[])
        .await?;
    Ok(row.as_ref().map(version))
}

/// Puts a catalogue in force, in one transaction: readers see the former one or this one, whole.
///
/// # Errors
///
/// When the database does not answer.
pub async fn replace(pool: &Pool, catalogue: &Catalogue) -> Result<Replaced, StoreError> {
    let fingerprint = fingerprint(catalogue);
    let mut client = pool.get().await?;
    let transaction = client.transaction().await?;
    transaction
        .execute(include_str!("sql/catalogue_lock.sql"), &[])
        .await?;
    let before = transaction
        .query_opt(include_str!("sql/catalogue_current.sql"), &[])
        .await?;
    if let Some(current) = before
        .as_ref()
        .map(version)
        .filter(|v| v.fingerprint == fingerprint)
    {
        return Ok(Replaced {
            current,
            changed: false,
        });
    }
    let items = i32::try_from(catalogue.items.len()).unwrap_or(i32::MAX);
    let new = transaction
        .query_one(
            include_str!("sql/catalogue_version_insert.sql"),
            &[&catalogue.uri, &catalogue.version, &fingerprint, &items],
        )
        .await?;
    let new = version(&new);
    let activities: Vec<&str> = catalogue
        .items
        .iter()
        .map(|item| item.id.as_str())
        .collect();
    let documents: Vec<String> = catalogue.items.iter().map(document).collect();
    transaction
        .execute(include_str!("sql/catalogue_items_delete.sql"), &[])
        .await?;
    transaction
        .execute(
            include_str!("sql/catalogue_items_insert.sql"),
            &[&new.version, &activities, &documents],
        )
        .await?;
    keep_history(&transaction, new.version).await?;
    transaction.commit().await?;
    Ok(Replaced {
        current: new,
        changed: true,
    })
}

/// Writes what a version ends and begins. The time is drawn when nobody who reads answers can have missed it.
async fn keep_history(transaction: &Transaction<'_>, version: i64) -> Result<(), StoreError> {
    transaction
        .execute(include_str!("sql/catalogue_history_lock.sql"), &[])
        .await?;
    let now = transaction.query_one(include_str!("sql/clock.sql"), &[]);
    let now: DateTime<Utc> = now.await?.get(0);
    for sql in [
        include_str!("sql/catalogue_history_close.sql"),
        include_str!("sql/catalogue_history_open.sql"),
    ] {
        transaction.execute(sql, &[&version, &now]).await?;
    }
    Ok(())
}

/// SHA-256 of a catalogue's content; the order of its items is not part of it.
fn fingerprint(catalogue: &Catalogue) -> String {
    let mut items: Vec<&CatalogueItem> = catalogue.items.iter().collect();
    items.sort_unstable_by(|a, b| a.id.cmp(&b.id));
    let mut hash = Sha256::new();
    for text in [&catalogue.uri, &catalogue.version] {
        hash.update(u64::try_from(text.len()).unwrap_or(u64::MAX).to_le_bytes());
        hash.update(text);
    }
    for item in items {
        hash.update(document(item));
        hash.update([0]);
    }
    hash.finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn document(item: &CatalogueItem) -> String {
    serde_json::to_string(item).expect("an item that was parsed from JSON is JSON")
}

fn version(row: &Row) -> CatalogueVersion {
    CatalogueVersion {
        version: row.get("version"),
        uri: row.get("uri"),
        label: row.get("label"),
        fingerprint: row.get("fingerprint"),
        items: row.get("items"),
        loaded: row.get("loaded"),
    }
}

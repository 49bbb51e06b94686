//! The table `service.credentials`: keys, hashes of secrets, scopes.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::StoreError;
use crate::identity::{NewCredential, ProfileMode, Scope, SecretHash};
use crate::pg::Pool;

/// What is known of a credential that is not revoked.
#[derive(Clone, Debug)]
pub struct Stored {
    /// SHA-256 of its secret.
    pub hash: SecretHash,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// How its statements are checked against the profile; none: as the setting says.
    pub profile_mode: Option<ProfileMode>,
}

/// A line of `credential list`: everything but the secret.
#[derive(Clone, Debug, Serialize)]
pub struct Listed {
    /// The user name of HTTP Basic.
    pub key: String,
    /// What it may do.
    pub scopes: Vec<String>,
    /// What it is for, in the operator's words.
    pub label: String,
    /// When it was made.
    pub created: DateTime<Utc>,
    /// When it was revoked, if it was.
    pub revoked: Option<DateTime<Utc>>,
}

/// Stores a new credential: of its secret, only the hash.
pub async fn insert(
    pool: &Pool,
    new: &NewCredential,
    scopes: &[Scope],
    label: &str,
) -> Result<(), StoreError> {
    let names: Vec<&str> = scopes.iter().map(|scope| scope.as_str()).collect();
    let client = pool.get().await?;
    client
        .execute(
            include_str!("sql/credentials_insert.sql"),
            &[&new.key, &new.hash().as_bytes(), &names, &label],
        )
        .await?;
    Ok(())
}

/// The credential of a key, unless it is unknown or revoked.
pub async fn find(pool: &Pool, key: &str) -> Result<Option<Stored>, StoreError> {
    let client = pool.get().await?;
    let statement = client
        .prepare_cached(include_str!("sql/credentials_find.sql"))
        .await?;
    let row = client.query_opt(&statement, &[&key]).await?;
    Ok(row.map(|row| Stored {
        hash: SecretHash::from_bytes(row.get(0)),
        scopes: row
            .get::<_, Vec<&str>>(1)
            .into_iter()
            .filter_map(|name| name.parse().ok())
            .collect(),
        profile_mode: row
            .get::<_, Option<&str>>(2)
            .and_then(|name| name.parse().ok()),
    }))
}

/// Every credential, the oldest first.
pub async fn list(pool: &Pool) -> Result<Vec<Listed>, StoreError> {
    let client = pool.get().await?;
    let rows = client
        .query(include_str!("sql/credentials_list.sql"), &[])
        .await?;
    Ok(rows
        .iter()
        .map(|row| Listed {
            key: row.get(0),
            scopes: row.get(1),
            label: row.get(2),
            created: row.get(3),
            revoked: row.get(4),
        })
        .collect())
}

/// Revokes a credential; false when there was none to revoke.
pub async fn revoke(pool: &Pool, key: &str) -> Result<bool, StoreError> {
    let client = pool.get().await?;
    let count = client
        .execute(include_str!("sql/credentials_revoke.sql"), &[&key])
        .await?;
    Ok(count == 1)
}

/// Sets how a credential's statements are checked against the profile (none: as the setting says);
/// false when there is no such credential.
pub async fn set_profile_mode(
    pool: &Pool,
    key: &str,
    mode: Option<ProfileMode>,
) -> Result<bool, StoreError> {
    let client = pool.get().await?;
    let name = mode.map(ProfileMode::as_str);
    let count = client
        .execute(
            include_str!("sql/credentials_profile_mode.sql"),
            &[&key, &name],
        )
        .await?;
    Ok(count == 1)
}

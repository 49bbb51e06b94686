//! The table `service.credentials`: keys, hashes of secrets, scopes, bindings.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Serialize;
use tokio_postgres::Row;

use super::StoreError;
use crate::identity::{Binding, Grant, NewCredential, ProfileMode, Scope, SecretHash};
use crate::pg::Pool;

/// What is known of a credential that is not revoked. Whether it passes now is for
/// [`crate::identity::Credentials`] to say.
#[derive(Clone, Debug)]
pub struct Stored {
    /// SHA-256 of its secret.
    pub hash: SecretHash,
    /// That of the secret before the last rotation, and until when it passes.
    pub former: Option<(SecretHash, DateTime<Utc>)>,
    /// Until when it passes; none: without end.
    pub expires: Option<DateTime<Utc>>,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// What it is bound to.
    pub binding: Binding,
    /// How its statements are checked against the profile; none: as the setting says.
    pub profile_mode: Option<ProfileMode>,
}

/// A line of the list of credentials: everything but the secret.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
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
    /// Until when it passes; null: without end.
    pub expires: Option<DateTime<Utc>>,
    /// When it last got a new secret.
    pub rotated: Option<DateTime<Utc>>,
    /// Until when the secret before that passes.
    pub former_until: Option<DateTime<Utc>>,
    /// UAI of the school that it works for.
    pub school: Option<String>,
    /// What the activities of its statements begin with.
    pub activity_prefix: Option<String>,
    /// What becomes of statements that break Sillage's own profile: off, warn, refuse; null: as the
    /// setting says.
    pub profile_mode: Option<String>,
}

/// Stores a new credential: of its secret, only the hash.
pub async fn insert(pool: &Pool, new: &NewCredential, grant: &Grant) -> Result<(), StoreError> {
    let names: Vec<&str> = grant.scopes.iter().map(|scope| scope.as_str()).collect();
    let school = grant.binding.school.as_ref().map(ToString::to_string);
    let prefix = grant.binding.activity_prefix.as_ref();
    let client = pool.get().await?;
    client
        .execute(
            include_str!("sql/credentials_insert.sql"),
            &[
                &new.key,
                &new.hash().as_bytes(),
                &names,
                &grant.label,
                &grant.expires,
                &school,
                &prefix.map(ToString::to_string),
                &grant.profile_mode.map(ProfileMode::as_str),
            ],
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
    Ok(row.as_ref().and_then(stored))
}

/// A row as it was written by [`insert`]. One that somebody else wrote and that cannot be read
/// passes nowhere: a binding that is not understood must not become none.
fn stored(row: &Row) -> Option<Stored> {
    fn read<T: std::str::FromStr>(text: Option<&str>) -> Option<Option<T>> {
        text.map(str::parse).transpose().ok()
    }
    let former: Option<&[u8]> = row.get("former_sha256");
    let until: Option<DateTime<Utc>> = row.get("former_until");
    let names: Vec<&str> = row.get("scopes");
    Some(Stored {
        hash: SecretHash::from_bytes(row.get("secret_sha256")),
        former: former.map(SecretHash::from_bytes).zip(until),
        expires: row.get("expires"),
        scopes: names
            .into_iter()
            .filter_map(|name| name.parse().ok())
            .collect(),
        binding: Binding {
            school: read(row.get("school"))?,
            activity_prefix: read(row.get("activity_prefix"))?,
        },
        profile_mode: read(row.get("profile_mode"))?,
    })
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
            key: row.get("key"),
            scopes: row.get("scopes"),
            label: row.get("label"),
            created: row.get("created"),
            revoked: row.get("revoked"),
            expires: row.get("expires"),
            rotated: row.get("rotated"),
            former_until: row.get("former_until"),
            school: row.get("school"),
            activity_prefix: row.get("activity_prefix"),
            profile_mode: row.get("profile_mode"),
        })
        .collect())
}

/// What a rotation did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rotated {
    /// Until when the former secret passes; none: it passes no more.
    pub former_until: Option<DateTime<Utc>>,
}

/// Gives a credential the secret of `new`, whose key it is; the former one passes for `former`
/// more. None when there was none to rotate. A second rotation ends the secret before the former.
pub async fn rotate(
    pool: &Pool,
    new: &NewCredential,
    former: Duration,
) -> Result<Option<Rotated>, StoreError> {
    let client = pool.get().await?;
    let row = client
        .query_opt(
            include_str!("sql/credentials_rotate.sql"),
            &[&new.key, &new.hash().as_bytes(), &former.as_secs_f64()],
        )
        .await?;
    Ok(row.map(|row| Rotated {
        former_until: row.get(0),
    }))
}

/// Revokes a credential; false when there was none to revoke.
pub async fn revoke(pool: &Pool, key: &str) -> Result<bool, StoreError> {
    let client = pool.get().await?;
    let count = client
        .execute(include_str!("sql/credentials_revoke.sql"), &[&key])
        .await?;
    Ok(count == 1)
}

/// What is to change of a credential; what is none stays as it is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Change {
    /// Until when it passes; none inside: without end.
    pub expires: Option<Option<DateTime<Utc>>>,
    /// How its statements are checked against the profile; none inside: as the setting says.
    pub profile_mode: Option<Option<ProfileMode>>,
}

/// Changes a credential; false when there is none to change: it is unknown, revoked or expired.
pub async fn change(pool: &Pool, key: &str, change: Change) -> Result<bool, StoreError> {
    let mode = change.profile_mode.flatten().map(ProfileMode::as_str);
    let client = pool.get().await?;
    let count = client
        .execute(
            include_str!("sql/credentials_change.sql"),
            &[
                &key,
                &change.expires.is_some(),
                &change.expires.flatten(),
                &change.profile_mode.is_some(),
                &mode,
            ],
        )
        .await?;
    Ok(count == 1)
}

//! `lrs.statement_attachments` as it is read, and `lrs.attachment_objects`, the register of contents.

use chrono::{DateTime, Utc};
use deadpool_postgres::Object;
use service::pg::Pool;

use super::{StoreError, settle};

/// A content that a statement names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// The hash that was declared.
    pub sha2: String,
    /// Our own hash of it.
    pub sha256: [u8; 32],
    /// The media type that was declared.
    pub content_type: String,
}

/// The contents of the statements at these positions, in the order of the positions; one that several
/// statements name stands there as often.
pub async fn of_statements(pool: &Pool, positions: &[i64]) -> Result<Vec<Named>, StoreError> {
    let connection = pool.get().await?;
    let result = async {
        let statement = connection
            .prepare_cached(include_str!("sql/statement_attachments.sql"))
            .await?;
        connection.query(&statement, &[&positions]).await
    }
    .await;
    let rows = settle(connection, result)?;
    Ok(rows
        .iter()
        .filter_map(|row| {
            Some(Named {
                sha2: row.get(0),
                sha256: row.get::<_, Vec<u8>>(1).try_into().ok()?,
                content_type: row.get(2),
            })
        })
        .collect())
}

/// Registers contents by hash and length, new or seen again now.
pub async fn touch(pool: &Pool, contents: &[([u8; 32], i64)]) -> Result<(), StoreError> {
    let mut contents = contents.to_vec();
    contents.sort_unstable();
    contents.dedup();
    let hashes: Vec<&[u8]> = contents.iter().map(|(hash, _)| hash.as_slice()).collect();
    let lengths: Vec<i64> = contents.iter().map(|(_, length)| *length).collect();
    let connection = pool.get().await?;
    let result = async {
        let statement = connection
            .prepare_cached(include_str!("sql/attachment_objects_touch.sql"))
            .await?;
        connection.execute(&statement, &[&hashes, &lengths]).await
    }
    .await;
    settle(connection, result).map(|_| ())
}

/// Marks contents that were registered before an instant and that a statement names: no sweep looks at
/// them again.
pub async fn settle_named(pool: &Pool, before: DateTime<Utc>) -> Result<(), StoreError> {
    let connection = pool.get().await?;
    let result = async {
        let statement = connection
            .prepare_cached(include_str!("sql/attachment_objects_named.sql"))
            .await?;
        connection.execute(&statement, &[&before]).await
    }
    .await;
    settle(connection, result).map(|_| ())
}

/// A content that no statement names, locked: nobody can register it until this is deleted or dropped.
#[derive(Debug)]
pub struct Unnamed {
    /// Within a transaction; given back to the pool at its end only.
    connection: Option<Object>,
    sha256: [u8; 32],
}

/// The next content that was registered before an instant and that no statement names.
pub async fn lock_unnamed(
    pool: &Pool,
    before: DateTime<Utc>,
) -> Result<Option<Unnamed>, StoreError> {
    let connection = pool.get().await?;
    let found = match find_unnamed(&connection, before).await {
        Ok(found) => found,
        Err(error) => {
            // It may still be in its transaction.
            drop(Object::take(connection));
            return Err(error.into());
        }
    };
    Ok(found
        .and_then(|sha256| sha256.try_into().ok())
        .map(|sha256| Unnamed {
            connection: Some(connection),
            sha256,
        }))
}

/// Finds and locks; in a transaction when there is one.
async fn find_unnamed(
    connection: &Object,
    before: DateTime<Utc>,
) -> Result<Option<Vec<u8>>, tokio_postgres::Error> {
    connection.batch_execute("begin").await?;
    let statement = connection
        .prepare_cached(include_str!("sql/attachment_objects_lock_unnamed.sql"))
        .await?;
    let row = connection.query_opt(&statement, &[&before]).await?;
    if row.is_none() {
        connection.batch_execute("commit").await?;
    }
    Ok(row.map(|row| row.get(0)))
}

impl Unnamed {
    /// Which content.
    #[must_use]
    pub fn sha256(&self) -> [u8; 32] {
        self.sha256
    }

    /// Takes it off the register.
    pub async fn delete(mut self) -> Result<(), StoreError> {
        let Some(connection) = self.connection.take() else {
            return Ok(());
        };
        let result = async {
            let statement = connection
                .prepare_cached(include_str!("sql/attachment_objects_delete.sql"))
                .await?;
            connection
                .execute(&statement, &[&self.sha256.as_slice()])
                .await?;
            connection.batch_execute("commit").await
        }
        .await;
        result.map_err(|error: tokio_postgres::Error| {
            drop(Object::take(connection));
            StoreError::from(error)
        })
    }
}

impl Drop for Unnamed {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            // Closed, not given back: the transaction ends with the connection.
            drop(Object::take(connection));
        }
    }
}

//! What the relay to the lake reads: statements in the final order, with what they refer to.

use chrono::{DateTime, Utc};
use schemas::ids::{AccountKey, Registration, StatementId};
use service::pg::Pool;
use tokio_postgres::Row;
use uuid::Uuid;

use super::statements::StoredStatement;
use super::{StoreError, horizon, settle};

/// A statement with the long keys of its row.
#[derive(Debug)]
pub struct Shippable {
    /// The statement as it is kept.
    pub statement: StoredStatement,
    /// Key of the actor's account; none for an anonymous Group.
    pub account: Option<AccountKey>,
    /// IRI of the verb.
    pub verb: String,
    /// IRI of the object, when it is an Activity.
    pub activity: Option<String>,
    /// `context.registration`.
    pub registration: Option<Registration>,
    /// The statement that it voids.
    pub voids: Option<StatementId>,
}

/// How much one commit to the lake takes.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Statements.
    pub rows: i64,
    /// Bytes of their payloads, compressed; one statement more than that is taken at most.
    pub bytes: i64,
}

/// The history that positions belong to: `<system identifier>-<timeline>`.
pub async fn epoch(pool: &Pool) -> Result<String, StoreError> {
    let connection = pool.get().await?;
    let result = connection
        .query_one(include_str!("sql/relay_epoch.sql"), &[])
        .await;
    let row = settle(connection, result)?;
    Ok(format!(
        "{}-{}",
        row.get::<_, String>(0),
        row.get::<_, i32>(1)
    ))
}

/// The position of the last statement stored.
pub async fn stored(pool: &Pool) -> Result<i64, StoreError> {
    let connection = pool.get().await?;
    let result = connection
        .query_one(include_str!("sql/relay_stored.sql"), &[])
        .await;
    settle(connection, result).map(|row| row.get(0))
}

/// What comes after a position, up to the horizon.
pub async fn read(pool: &Pool, after: i64, limits: Limits) -> Result<Vec<Shippable>, StoreError> {
    // Two queries, so two snapshots: the second sees all that the first promised.
    let through: DateTime<Utc> = horizon::read(pool).await?;
    let connection = pool.get().await?;
    let result = async {
        let statement = connection
            .prepare_cached(include_str!("sql/relay_read.sql"))
            .await?;
        connection
            .query(&statement, &[&after, &through, &limits.rows, &limits.bytes])
            .await
    }
    .await;
    let rows = settle(connection, result)?;
    Ok(rows.iter().map(from_row).collect())
}

fn from_row(row: &Row) -> Shippable {
    Shippable {
        statement: StoredStatement::from_row(row),
        account: row
            .get::<_, Option<Uuid>>("account")
            .map(AccountKey::from_uuid),
        verb: row.get("verb"),
        activity: row.get("activity"),
        registration: row
            .get::<_, Option<Uuid>>("registration")
            .map(Registration::from_uuid),
        voids: row
            .get::<_, Option<Uuid>>("voids")
            .map(StatementId::from_uuid),
    }
}

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
    settle(connection, result).map(|row| row.get(0))
}

/// Notes that the lake is in line with the history that the cluster has now.
pub async fn in_line(pool: &Pool) -> Result<(), StoreError> {
    let connection = pool.get().await?;
    let result = connection
        .execute(include_str!("sql/history_in_line.sql"), &[])
        .await;
    settle(connection, result).map(|_| ())
}

/// The position of the last statement stored.
pub async fn stored(pool: &Pool) -> Result<i64, StoreError> {
    let connection = pool.get().await?;
    let result = connection
        .query_one(include_str!("sql/relay_stored.sql"), &[])
        .await;
    settle(connection, result).map(|row| row.get(0))
}

/// A time after every statement's.
const END: DateTime<Utc> =
    DateTime::from_timestamp(253_402_300_799, 0).expect("the end of the year 9999");

/// What comes after a position, up to the horizon.
pub async fn read(pool: &Pool, after: i64, limits: Limits) -> Result<Vec<Shippable>, StoreError> {
    // Two queries, so two snapshots: the second sees all that the first promised.
    let through = horizon::read(pool).await?;
    read_through(pool, after, through, limits).await
}

/// Positions and ids of what comes after a position and up to another.
pub async fn places(
    pool: &Pool,
    after: i64,
    through: i64,
    most: i64,
) -> Result<Vec<(i64, Uuid)>, StoreError> {
    let connection = pool.get().await?;
    let sql = include_str!("sql/relay_places.sql");
    let result = connection.query(sql, &[&after, &through, &most]).await;
    let rows = settle(connection, result)?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// What comes after a position, whatever its order: for what was final once.
pub async fn read_any(
    pool: &Pool,
    after: i64,
    limits: Limits,
) -> Result<Vec<Shippable>, StoreError> {
    read_through(pool, after, END, limits).await
}

async fn read_through(
    pool: &Pool,
    after: i64,
    through: DateTime<Utc>,
    limits: Limits,
) -> Result<Vec<Shippable>, StoreError> {
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

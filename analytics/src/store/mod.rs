//! The tables of the schema `analytics`, and what is read of `published`: one file a table, one
//! `.sql` a query. The only module that names `tokio-postgres`.

pub mod account_person;
pub mod calibrations;
pub mod checks;
pub mod classes;
pub mod copies;
pub mod declared_profiles;
pub mod evaluations;
pub mod feed;
pub mod frameworks;
pub mod inputs;
pub mod item_usage;
pub mod lake_feed;
pub mod left_out;
pub mod models;
pub mod odd_answers;
pub mod pupils;
pub mod refolds;
pub mod roster;
pub mod runs;
pub mod totals;
pub mod versions;

use deadpool_postgres::GenericClient;
use mastery::Degree;
use service::pg::{Migrations, Pool};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

/// The migrations of the schema `analytics`, and of its views in `published`.
pub const MIGRATIONS: Migrations = Migrations {
    schema: "analytics",
    steps: &[
        (
            "0001_analytics",
            include_str!("../../migrations/0001_analytics.sql"),
        ),
        (
            "0002_inputs",
            include_str!("../../migrations/0002_inputs.sql"),
        ),
        (
            "0003_calibrations",
            include_str!("../../migrations/0003_calibrations.sql"),
        ),
        (
            "0004_odd_answers",
            include_str!("../../migrations/0004_odd_answers.sql"),
        ),
        ("0005_voie", include_str!("../../migrations/0005_voie.sql")),
        (
            "0006_histories",
            include_str!("../../migrations/0006_histories.sql"),
        ),
        (
            "0007_as_of",
            include_str!("../../migrations/0007_as_of.sql"),
        ),
        (
            "0008_calibrated_items",
            include_str!("../../migrations/0008_calibrated_items.sql"),
        ),
        (
            "0009_item_priors",
            include_str!("../../migrations/0009_item_priors.sql"),
        ),
        (
            "0010_framework_served",
            include_str!("../../migrations/0010_framework_served.sql"),
        ),
        (
            "0011_fits_asked",
            include_str!("../../migrations/0011_fits_asked.sql"),
        ),
        (
            "0012_entered_by",
            include_str!("../../migrations/0012_entered_by.sql"),
        ),
    ],
};

/// A connection of the pool.
pub type Client = deadpool_postgres::Object;

/// A transaction on a connection of the pool.
pub type Transaction<'a> = deadpool_postgres::Transaction<'a>;

/// Why the database gave no answer, or one that makes no sense.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No connection could be had in time.
    #[error("no connection to PostgreSQL")]
    Pool(#[from] deadpool_postgres::PoolError),
    /// PostgreSQL refused, or the connection broke.
    #[error("PostgreSQL did not answer the query")]
    Query(#[from] tokio_postgres::Error),
    /// A stored state is not one.
    #[error("a stored state could not be read")]
    State(#[from] mastery::DecodeError),
    /// A stored document is not what it was when it was stored.
    #[error("a stored {0} could not be read")]
    Document(&'static str),
}

impl From<StoreError> for service::Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Pool(_) | StoreError::Query(_) => Self::unavailable(&error),
            StoreError::State(_) | StoreError::Document(_) => Self::internal(&error),
        }
    }
}

/// A connection.
pub async fn client(pool: &Pool) -> Result<Client, StoreError> {
    Ok(pool.get().await?)
}

/// A transaction, READ COMMITTED: each statement sees what is committed when it begins, which the
/// rule of `published.horizon()` needs.
pub async fn begin(client: &mut Client) -> Result<Transaction<'_>, StoreError> {
    Ok(client.transaction().await?)
}

/// A transaction that only reads, all of it as of its first statement.
pub async fn begin_snapshot(client: &mut Client) -> Result<Transaction<'_>, StoreError> {
    let transaction = client.build_transaction().read_only(true);
    let level = tokio_postgres::IsolationLevel::RepeatableRead;
    Ok(transaction.isolation_level(level).start().await?)
}

/// Commits: what was written is there for everybody.
pub async fn commit(transaction: Transaction<'_>) -> Result<(), StoreError> {
    Ok(transaction.commit().await?)
}

/// A degree of a column.
fn degree(number: i16) -> Result<Degree, StoreError> {
    let number = u8::try_from(number).ok().and_then(Degree::new);
    number.ok_or(StoreError::Document("degree"))
}

type Parameters<'a> = &'a [&'a (dyn ToSql + Sync)];

async fn query(
    client: &impl GenericClient,
    sql: &str,
    parameters: Parameters<'_>,
) -> Result<Vec<Row>, StoreError> {
    let statement = client.prepare_cached(sql).await?;
    Ok(client.query(&statement, parameters).await?)
}

async fn query_one(
    client: &impl GenericClient,
    sql: &str,
    parameters: Parameters<'_>,
) -> Result<Row, StoreError> {
    let statement = client.prepare_cached(sql).await?;
    Ok(client.query_one(&statement, parameters).await?)
}

async fn query_opt(
    client: &impl GenericClient,
    sql: &str,
    parameters: Parameters<'_>,
) -> Result<Option<Row>, StoreError> {
    let statement = client.prepare_cached(sql).await?;
    Ok(client.query_opt(&statement, parameters).await?)
}

async fn execute(
    client: &impl GenericClient,
    sql: &str,
    parameters: Parameters<'_>,
) -> Result<u64, StoreError> {
    let statement = client.prepare_cached(sql).await?;
    Ok(client.execute(&statement, parameters).await?)
}

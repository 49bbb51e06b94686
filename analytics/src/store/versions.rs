//! Versions of all states, and which of them is served: `analytics.versions`, `analytics.current`.

use deadpool_postgres::GenericClient;

use super::StoreError;

/// The version that is served, locked.
#[derive(Clone, Copy, Debug)]
pub struct Current {
    /// Its number.
    pub version: i64,
    /// Up to where the candidates that count for nothing are counted.
    pub left_out_position: i64,
}

/// A version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// Its number.
    pub version: i64,
    /// Fingerprint of its model.
    pub model: String,
    /// Up to where the feed is folded into it.
    pub position: i64,
}

/// Differences of a version's sums.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// Valid answers.
    pub answers: i64,
    /// Right ones.
    pub correct: i64,
    /// Persons with a valid answer.
    pub pupils: i64,
}

/// What a version is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// A recomputation fills it.
    Building,
    /// It is served.
    Current,
}

impl Status {
    fn as_str(self) -> &'static str {
        match self {
            Self::Building => "building",
            Self::Current => "current",
        }
    }
}

/// Takes the lock of folding, importing and switching: always before any lock of a version.
pub async fn lock_current(client: &impl GenericClient) -> Result<Option<Current>, StoreError> {
    let row = super::query_opt(client, include_str!("sql/current_lock.sql"), &[]).await?;
    Ok(row.map(|row| Current {
        version: row.get(0),
        left_out_position: row.get(1),
    }))
}

/// The version that is served.
pub async fn current(client: &impl GenericClient) -> Result<Option<Version>, StoreError> {
    let row = super::query_opt(client, include_str!("sql/current_read.sql"), &[]).await?;
    Ok(row.map(|row| Version {
        version: row.get(0),
        model: row.get(1),
        position: row.get(2),
    }))
}

/// Locks a version for folding; none when it is gone.
pub async fn lock(
    client: &impl GenericClient,
    version: i64,
) -> Result<Option<Version>, StoreError> {
    let row = super::query_opt(client, include_str!("sql/versions_lock.sql"), &[&version]).await?;
    Ok(row.map(|row| Version {
        version,
        position: row.get(0),
        model: row.get(1),
    }))
}

/// A new, empty version.
pub async fn insert(
    client: &impl GenericClient,
    model: &str,
    status: Status,
) -> Result<i64, StoreError> {
    let sql = include_str!("sql/versions_insert.sql");
    let row = super::query_one(client, sql, &[&model, &status.as_str()]).await?;
    Ok(row.get(0))
}

/// The first version is the one that is served; false when there was one.
pub async fn serve_first(client: &impl GenericClient, version: i64) -> Result<bool, StoreError> {
    let sql = include_str!("sql/current_insert.sql");
    Ok(super::execute(client, sql, &[&version]).await? == 1)
}

/// Serves another version. The caller holds the lock of [`lock_current`].
pub async fn switch(client: &impl GenericClient, version: i64) -> Result<(), StoreError> {
    super::execute(client, include_str!("sql/current_switch.sql"), &[&version]).await?;
    Ok(())
}

/// Moves a locked version on.
pub async fn advance(
    client: &impl GenericClient,
    version: i64,
    position: i64,
    sums: Sums,
) -> Result<(), StoreError> {
    let sql = include_str!("sql/versions_advance.sql");
    let Sums {
        answers,
        correct,
        pupils,
    } = sums;
    super::execute(
        client,
        sql,
        &[&version, &position, &answers, &correct, &pupils],
    )
    .await?;
    Ok(())
}

/// Versions that nobody builds any more. The caller holds the lock of the job.
pub async fn abandoned(client: &impl GenericClient) -> Result<Vec<i64>, StoreError> {
    numbers(client, include_str!("sql/versions_abandoned.sql")).await
}

/// Versions that were served before.
pub async fn retired(client: &impl GenericClient) -> Result<Vec<i64>, StoreError> {
    numbers(client, include_str!("sql/versions_retired.sql")).await
}

async fn numbers(client: &impl GenericClient, sql: &str) -> Result<Vec<i64>, StoreError> {
    let rows = super::query(client, sql, &[]).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// Rows of a forgotten version that go in one statement: short enough to hold nobody up.
const CLEAR_ROWS: i64 = 5_000;

/// Takes a version away, table by table, a few rows at a time, and models that nobody needs.
pub async fn clear(client: &impl GenericClient, version: i64) -> Result<(), StoreError> {
    for sql in [
        include_str!("sql/refolds_clear.sql"),
        include_str!("sql/pupil_states_clear.sql"),
        include_str!("sql/pupils_clear.sql"),
        include_str!("sql/item_usage_clear.sql"),
    ] {
        while super::execute(client, sql, &[&version, &CLEAR_ROWS]).await? > 0 {}
    }
    super::execute(client, include_str!("sql/versions_delete.sql"), &[&version]).await?;
    super::execute(client, include_str!("sql/models_delete.sql"), &[]).await?;
    Ok(())
}

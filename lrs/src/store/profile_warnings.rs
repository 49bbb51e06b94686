//! The table `lrs.profile_warnings`: what credentials in the mode `warn` sent against the profile.

use chrono::{DateTime, Utc};
use serde::Serialize;
use service::pg::Pool;

use super::{StoreError, settle};
use crate::warnings::{Count, Counts};

/// How many are listed at most.
const MOST: i64 = 10_000;

/// A row: a rule, who does not follow it, how often, when.
#[derive(Debug, Serialize)]
pub struct Warning {
    /// Key of the credential.
    pub credential: String,
    /// Name of the rule.
    pub rule: String,
    /// IRI of the template; empty where none matched.
    pub template: String,
    /// JSONPath of the rule; empty where it has none.
    pub location: String,
    /// Statements that did not follow the rule.
    pub statements: i64,
    /// The first time.
    pub first: DateTime<Utc>,
    /// The last time.
    pub last: DateTime<Utc>,
}

/// Adds counts to those that are there.
pub async fn add(pool: &Pool, counts: &Counts) -> Result<(), StoreError> {
    // The order of the map is that of the primary key: copies that add at the same time do not wait
    // for each other in a circle.
    let credentials: Vec<&str> = counts.keys().map(|one| one.credential.as_str()).collect();
    let rules: Vec<&str> = counts.keys().map(|one| one.rule).collect();
    let templates: Vec<&str> = counts.keys().map(|one| one.template.as_str()).collect();
    let locations: Vec<&str> = counts.keys().map(|one| one.location.as_str()).collect();
    let column = |of: fn(&Count) -> DateTime<Utc>| counts.values().map(of).collect::<Vec<_>>();
    let statements: Vec<i64> = counts.values().map(|one| one.statements).collect();
    let (first, last) = (column(|one| one.first), column(|one| one.last));
    let connection = pool.get().await?;
    let result = connection
        .execute(
            include_str!("sql/profile_warnings_add.sql"),
            &[
                &credentials,
                &rules,
                &templates,
                &locations,
                &statements,
                &first,
                &last,
            ],
        )
        .await;
    settle(connection, result)?;
    Ok(())
}

/// What was counted, the latest first.
pub async fn list(pool: &Pool) -> Result<Vec<Warning>, StoreError> {
    let connection = pool.get().await?;
    let result = connection
        .query(include_str!("sql/profile_warnings_list.sql"), &[&MOST])
        .await;
    let rows = settle(connection, result)?;
    Ok(rows
        .iter()
        .map(|row| Warning {
            credential: row.get(0),
            rule: row.get(1),
            template: row.get(2),
            location: row.get(3),
            statements: row.get(4),
            first: row.get(5),
            last: row.get(6),
        })
        .collect())
}

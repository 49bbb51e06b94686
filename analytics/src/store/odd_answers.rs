//! Answers that look odd: `analytics.odd_answers`.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use deadpool_postgres::GenericClient;
use schemas::ids::{AccountKey, StatementId};
use schemas::profile::answered_at;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::StoreError;

/// Why an answer looks odd.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Sign {
    /// Faster than the exercise can be read.
    TooFast,
    /// One of several fast answers in a row of which few are right.
    Clicking,
    /// Given on a device from which many pupils answered on that day.
    SharedDevice,
}

impl Sign {
    /// Every sign.
    pub const ALL: [Self; 3] = [Self::TooFast, Self::Clicking, Self::SharedDevice];

    /// Its name, in settings and answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TooFast => "too_fast",
            Self::Clicking => "clicking",
            Self::SharedDevice => "shared_device",
        }
    }
}

/// An answer of which a sign was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// The answer.
    pub statement: StatementId,
    /// Whose.
    pub account: AccountKey,
    /// The sign.
    pub sign: Sign,
}

/// Forgets what a look that did not end has found.
pub async fn begin(client: &impl GenericClient) -> Result<(), StoreError> {
    super::execute(client, include_str!("sql/odd_found_clear.sql"), &[]).await?;
    Ok(())
}

/// Remembers some of what a look finds.
pub async fn add(client: &impl GenericClient, found: &[Found]) -> Result<(), StoreError> {
    let statements: Vec<Uuid> = found.iter().map(|one| one.statement.as_uuid()).collect();
    let accounts: Vec<Uuid> = found.iter().map(|one| one.account.as_uuid()).collect();
    let signs: Vec<&str> = found.iter().map(|one| one.sign.as_str()).collect();
    let sql = include_str!("sql/odd_found_add.sql");
    super::execute(client, sql, &[&statements, &signs, &accounts]).await?;
    Ok(())
}

/// Puts what the look has found in place of what was known, and leaves out what has one of these signs.
///
/// Gives the accounts of which another set of answers counts now. The caller holds the lock of
/// [`super::versions::lock_current`].
pub async fn replace(
    client: &impl GenericClient,
    left_out: &[Sign],
) -> Result<BTreeSet<AccountKey>, StoreError> {
    let signs: Vec<&str> = left_out.iter().map(|sign| sign.as_str()).collect();
    let mut changed = BTreeSet::new();
    let set = super::query(client, include_str!("sql/odd_set.sql"), &[&signs]).await?;
    let gone = super::query(client, include_str!("sql/odd_forget.sql"), &[]).await?;
    let new = super::query(client, include_str!("sql/odd_add.sql"), &[&signs]).await?;
    for row in set.iter().chain(&gone).chain(&new) {
        changed.insert(AccountKey::from_uuid(row.get(0)));
    }
    begin(client).await?;
    Ok(changed)
}

/// The answers that are left out.
pub async fn left_out(client: &impl GenericClient) -> Result<Vec<StatementId>, StoreError> {
    let rows = super::query(client, include_str!("sql/odd_left_out.sql"), &[]).await?;
    let id = |row: &tokio_postgres::Row| StatementId::from_uuid(row.get(0));
    Ok(rows.iter().map(id).collect())
}

/// How many answers have each sign, and how many are left out for any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Answers by sign.
    pub signs: BTreeMap<String, i64>,
    /// Answers that are left out.
    pub left_out: i64,
}

/// Counts over everybody.
pub async fn counts(client: &impl GenericClient) -> Result<Counts, StoreError> {
    let signs = super::query(client, include_str!("sql/odd_counts.sql"), &[]).await?;
    let left_out =
        super::query_one(client, include_str!("sql/odd_count_left_out.sql"), &[]).await?;
    Ok(Counts {
        signs: signs.iter().map(|row| (row.get(0), row.get(1))).collect(),
        left_out: left_out.get(0),
    })
}

/// An odd answer of a pupil.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OddAnswer {
    /// Its statement.
    pub statement: StatementId,
    /// What was answered.
    pub activity: String,
    /// When, as far as is known.
    pub answered_at: DateTime<Utc>,
    /// Its signs.
    pub signs: Vec<String>,
    /// Whether it is left out of mastery.
    pub is_left_out: bool,
}

/// The odd answers of some accounts, the newest first, so many at most; and how many there are.
pub async fn of_accounts(
    client: &impl GenericClient,
    accounts: &[AccountKey],
    most: i64,
) -> Result<(Vec<OddAnswer>, i64), StoreError> {
    let accounts: Vec<Uuid> = accounts.iter().map(AccountKey::as_uuid).collect();
    let sql = include_str!("sql/odd_of_accounts.sql");
    let rows = super::query(client, sql, &[&accounts, &most]).await?;
    let answer = |row: &tokio_postgres::Row| OddAnswer {
        statement: StatementId::from_uuid(row.get("id")),
        activity: row.get("activity"),
        answered_at: answered_at(row.get("timestamp"), row.get("skew_ms"), row.get("stored")),
        signs: row.get("signs"),
        is_left_out: row.get("left_out"),
    };
    let there = rows.first().map_or(0, |row| row.get("there"));
    Ok((rows.iter().map(answer).collect(), there))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_are_called_alike_everywhere() {
        for sign in Sign::ALL {
            let named = serde_json::to_value(sign).expect("a name");
            assert_eq!(named, sign.as_str());
        }
    }
}

//! The feed of answers: the view `published.answers_feed`, the same final order for everybody.

use chrono::{DateTime, Utc};
use deadpool_postgres::GenericClient;
use schemas::ids::{AccountKey, StatementId, key64};
use schemas::profile::{FoldKey, answered_at};
use tokio_postgres::Row;
use uuid::Uuid;

use super::{StoreError, odd_answers};
use crate::fold::Answer;

/// A row of the feed.
#[derive(Clone, Debug)]
pub struct FeedRow {
    /// Its position.
    pub seq: i64,
    /// What it is.
    pub kind: Kind,
    /// Position of the first statement that voids it.
    pub voided_seq: Option<i64>,
    /// Whether it is an answer that is left out as odd.
    pub is_odd: bool,
}

/// What a row of the feed is.
#[derive(Clone, Debug)]
pub enum Kind {
    /// An answer, and whose.
    Answer(AccountKey, Answer),
    /// A candidate that counts for nothing.
    LeftOut,
    /// A voiding, and whose candidate it voids, if that is known.
    Voiding(Option<AccountKey>),
}

impl FeedRow {
    /// Whether it counts: no statement up to a position voids it, and it is not left out as odd.
    #[must_use]
    pub fn is_valid_at(&self, position: i64) -> bool {
        !self.is_odd && self.voided_seq.is_none_or(|seq| seq > position)
    }
}

/// What other services have made of their views. At a first start they may come up after us.
#[derive(Clone, Copy, Debug)]
pub struct Neighbours {
    /// The LRS has: answers can be read.
    pub feed: bool,
    /// The recommender has: a catalogue can be read.
    pub catalogue: bool,
}

/// Which views of others are there.
pub async fn neighbours(client: &impl GenericClient) -> Result<Neighbours, StoreError> {
    let row = super::query_one(client, include_str!("sql/feed_ready.sql"), &[]).await?;
    Ok(Neighbours {
        feed: row.get(0),
        catalogue: row.get(1),
    })
}

/// Up to where the order is final: what is read up to it must be read by a later statement.
pub async fn horizon(client: &impl GenericClient) -> Result<DateTime<Utc>, StoreError> {
    let row = super::query_one(client, include_str!("sql/horizon.sql"), &[]).await?;
    Ok(row.get(0))
}

/// The next rows after a position and up to a horizon, and the position that reading them reaches:
/// where there are fewer than asked for, that of the last statement up to the horizon.
pub async fn rows(
    client: &impl GenericClient,
    position: i64,
    horizon: DateTime<Utc>,
    most: i64,
) -> Result<(Vec<FeedRow>, i64), StoreError> {
    let sql = include_str!("sql/feed_rows.sql");
    let rows = super::query(client, sql, &[&position, &horizon, &most]).await?;
    let rows = rows.iter().map(row).collect::<Result<Vec<_>, _>>()?;
    let last = rows.last().map_or(position, |row| row.seq);
    if i64::try_from(rows.len()).unwrap_or(i64::MAX) >= most {
        return Ok((rows, last));
    }
    let through =
        super::query_one(client, include_str!("sql/feed_through.sql"), &[&horizon]).await?;
    Ok((rows, last.max(through.get(0))))
}

/// The answers of some accounts that are valid at a position and not left out as odd.
pub async fn answers_of(
    client: &impl GenericClient,
    accounts: &[AccountKey],
    position: i64,
) -> Result<Vec<(AccountKey, Answer)>, StoreError> {
    let accounts: Vec<Uuid> = accounts.iter().map(AccountKey::as_uuid).collect();
    let sql = include_str!("sql/feed_of_accounts.sql");
    let rows = super::query(client, sql, &[&accounts, &position]).await?;
    rows.iter().map(answer).collect()
}

/// Ids of the answers up to a position that a statement up to it voids.
pub async fn voided_answers(
    client: &impl GenericClient,
    position: i64,
) -> Result<Vec<StatementId>, StoreError> {
    let sql = include_str!("sql/feed_voided_answers.sql");
    let rows = super::query(client, sql, &[&position]).await?;
    Ok(rows
        .iter()
        .map(|row| StatementId::from_uuid(row.get(0)))
        .collect())
}

/// Ids of the answers that do not count at a position: voided up to it, or left out as odd.
pub async fn not_counting(
    client: &impl GenericClient,
    position: i64,
) -> Result<Vec<StatementId>, StoreError> {
    let mut ids = voided_answers(client, position).await?;
    ids.extend(odd_answers::left_out(client).await?);
    Ok(ids)
}

/// Whether there is anything to fold: a look without a lock.
pub async fn is_pending(client: &impl GenericClient) -> Result<bool, StoreError> {
    let row = super::query_opt(client, include_str!("sql/fold_pending.sql"), &[]).await?;
    Ok(row.is_some_and(|row| row.get(0)))
}

fn row(row: &Row) -> Result<FeedRow, StoreError> {
    let account: Option<Uuid> = row.get("account");
    let kind = match row.get("kind") {
        "answer" => {
            let (account, answer) = answer(row)?;
            Kind::Answer(account, answer)
        }
        "voiding" => Kind::Voiding(account.map(AccountKey::from_uuid)),
        _ => Kind::LeftOut,
    };
    Ok(FeedRow {
        seq: row.get("seq"),
        kind,
        voided_seq: row.get("voided_seq"),
        is_odd: row.get("odd"),
    })
}

/// The columns that an answer always has are null for other kinds only.
fn answer(row: &Row) -> Result<(AccountKey, Answer), StoreError> {
    let missing = |_| StoreError::Document("answer of the feed");
    let account: Uuid = row.try_get("account").map_err(missing)?;
    let activity: String = row.try_get("activity").map_err(missing)?;
    let stored = row.get("stored");
    let at = answered_at(row.get("timestamp"), row.get("skew_ms"), stored);
    let id = StatementId::from_uuid(row.get("id"));
    let answer = Answer {
        key: FoldKey::new(at, row.get("device_id"), row.get("device_seq"), id),
        item: key64(&activity),
        activity: activity.into(),
        correct: row.try_get("correct").map_err(missing)?,
        outcome: row.try_get("outcome").map_err(missing)?,
        invented_time: row.try_get("invented_time").map_err(missing)?,
    };
    Ok((AccountKey::from_uuid(account), answer))
}

//! What the relay to the lake reads of `published.answers_feed`.

use chrono::{DateTime, Utc};
use schemas::ids::{AccountKey, Registration, StatementId};
use service::pg::Pool;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::{StoreError, feed};

/// A row of the feed, as the lake keeps it.
#[derive(Debug)]
pub enum Shippable {
    /// An answer that nobody has voided.
    Answer(Box<ShippedAnswer>),
    /// A voiding: the row of its target goes, if the answer was stored before.
    Voiding {
        /// The statement that is void.
        target: StatementId,
        /// Whose it is; none while the target is not stored, and so not in the lake either.
        account: Option<AccountKey>,
    },
    /// A candidate that counts for nothing, or is void already.
    Nothing,
}

/// An answer with everything that the lake's table has a column for.
#[derive(Debug)]
pub struct ShippedAnswer {
    /// Position of the statement.
    pub seq: i64,
    /// The statement's id.
    pub id: StatementId,
    /// When it was stored.
    pub stored: DateTime<Utc>,
    /// Whose.
    pub account: AccountKey,
    /// The item.
    pub activity: String,
    /// Whether it was right.
    pub correct: bool,
    /// What mastery is computed from, 0 to 1.
    pub outcome: f64,
    /// What the device said of the time.
    pub timestamp: Option<DateTime<Utc>>,
    /// Whether it said so with an offset from UTC.
    pub has_offset: bool,
    /// What the device found its clock to lack, in milliseconds.
    pub skew_ms: Option<i64>,
    /// The installation.
    pub device_id: Option<String>,
    /// Its counter.
    pub device_seq: Option<i64>,
    /// Whether the times were made up from the order.
    pub invented_time: bool,
    /// One attempt at one activity.
    pub registration: Option<Registration>,
    /// How long it took, in milliseconds.
    pub duration_ms: Option<i64>,
    /// Why the pupil was at this item.
    pub origin: Option<String>,
    /// Which attempt at the item.
    pub attempt: Option<i32>,
    /// How many hints were opened.
    pub hints: Option<i32>,
    /// Whether the device was offline.
    pub offline: Option<bool>,
    /// What the item was tagged with when the answer was stored; none where no catalogue had it then.
    pub competencies: Option<Vec<String>>,
}

/// The history that positions belong to: `<system identifier>-<timeline>`.
pub async fn epoch(pool: &Pool) -> Result<String, StoreError> {
    let client = pool.get().await?;
    let row = super::query_one(&client, include_str!("sql/lake_feed_epoch.sql"), &[]).await?;
    Ok(format!(
        "{}-{}",
        row.get::<_, String>(0),
        row.get::<_, i32>(1)
    ))
}

/// The position of the last statement stored.
pub async fn stored(pool: &Pool) -> Result<i64, StoreError> {
    let client = pool.get().await?;
    let row = super::query_one(&client, include_str!("sql/lake_feed_stored.sql"), &[]).await?;
    Ok(row.get(0))
}

/// A time after every statement's.
const END: DateTime<Utc> =
    DateTime::from_timestamp(253_402_300_799, 0).expect("the end of the year 9999");

/// Which rows of the feed.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    /// After this position.
    pub after: i64,
    /// Up to this one.
    pub through: i64,
    /// Voided is what was so at this position.
    pub voided_at: i64,
    /// So many at most.
    pub most: i64,
}

/// A part of the feed up to the horizon, and the position reached.
pub async fn read(pool: &Pool, part: Part) -> Result<(Vec<Shippable>, i64), StoreError> {
    let mut client = super::client(pool).await?;
    let transaction = super::begin(&mut client).await?;
    super::query(&transaction, include_str!("sql/catalogue_hold.sql"), &[]).await?;
    // Queries of their own, so snapshots of their own: the last sees all that the others promised. What was shipped
    // is final anyway, also where nothing else is, because the database was put back.
    let horizon = if part.through == i64::MAX {
        feed::horizon(&transaction).await?
    } else {
        END
    };
    let sql = include_str!("sql/lake_feed_rows.sql");
    let Part {
        after,
        through,
        voided_at,
        most,
    } = part;
    let parameters: [&(dyn ToSql + Sync); 5] = [&after, &horizon, &through, &most, &voided_at];
    let rows = super::query(&transaction, sql, &parameters).await?;
    super::commit(transaction).await?;
    let position = rows.last().map_or(after, |row| row.get("seq"));
    let shippable = rows.iter().map(from_row).collect::<Result<_, _>>()?;
    Ok((shippable, position))
}

/// Ids of the answers up to a position that a later statement voids.
pub async fn undecided(pool: &Pool, through: i64) -> Result<Vec<StatementId>, StoreError> {
    let client = pool.get().await?;
    let sql = include_str!("sql/lake_feed_undecided.sql");
    let rows = super::query(&client, sql, &[&through]).await?;
    Ok(rows
        .iter()
        .map(|row| StatementId::from_uuid(row.get("id")))
        .collect())
}

/// The position that the lake's answers are complete up to, given that of the last one shipped:
/// where none waits, that of the last statement of all.
pub async fn complete_through(pool: &Pool, shipped: i64) -> Result<i64, StoreError> {
    let client = pool.get().await?;
    let through = feed::horizon(&client).await?;
    let sql = include_str!("sql/lake_feed_pending.sql");
    if super::query_one(&client, sql, &[&shipped, &through])
        .await?
        .get(0)
    {
        return Ok(shipped);
    }
    let sql = include_str!("sql/feed_through.sql");
    let last: i64 = super::query_one(&client, sql, &[&through]).await?.get(0);
    Ok(last.max(shipped))
}

fn from_row(row: &Row) -> Result<Shippable, StoreError> {
    let account = row
        .get::<_, Option<Uuid>>("account")
        .map(AccountKey::from_uuid);
    match row.get("kind") {
        "voiding" => Ok(row
            .get::<_, Option<Uuid>>("voids")
            .map_or(Shippable::Nothing, |target| Shippable::Voiding {
                target: StatementId::from_uuid(target),
                account,
            })),
        "answer" if !row.get::<_, bool>("voided") => Ok(Shippable::Answer(Box::new(answer(row)?))),
        _ => Ok(Shippable::Nothing),
    }
}

/// The columns that an answer always has are null for other kinds only.
fn answer(row: &Row) -> Result<ShippedAnswer, StoreError> {
    let missing = |_| StoreError::Document("answer of the feed");
    Ok(ShippedAnswer {
        seq: row.get("seq"),
        id: StatementId::from_uuid(row.get("id")),
        stored: row.get("stored"),
        account: AccountKey::from_uuid(row.try_get("account").map_err(missing)?),
        activity: row.try_get("activity").map_err(missing)?,
        correct: row.try_get("correct").map_err(missing)?,
        outcome: row.try_get("outcome").map_err(missing)?,
        timestamp: row.get("timestamp"),
        has_offset: row.try_get("has_offset").map_err(missing)?,
        skew_ms: row.get("skew_ms"),
        device_id: row.get("device_id"),
        device_seq: row.get("device_seq"),
        invented_time: row.try_get("invented_time").map_err(missing)?,
        registration: row
            .get::<_, Option<Uuid>>("registration")
            .map(Registration::from_uuid),
        duration_ms: row.get("duration_ms"),
        origin: row.get("origin"),
        attempt: row.get("attempt"),
        hints: row.get("hints"),
        offline: row.get("offline"),
        competencies: row.get("competencies"),
    })
}

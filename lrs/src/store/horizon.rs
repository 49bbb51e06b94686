//! Up to where the order of statements is final, `published.horizon()`, and up to where they are also
//! found through their references, `published.consistent_through()`: asked at most every 100 ms.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use service::pg::Pool;
use tokio::sync::Mutex;

use super::{StoreError, settle};

/// How old an answer may be. It bounds what the header costs the database, whatever the traffic.
const FRESH_FOR: Duration = Duration::from_millis(100);

/// The question for the horizon.
pub(super) const HORIZON: &str = include_str!("sql/horizon.sql");

/// Asks the database up to where the order is final.
pub async fn read(pool: &Pool) -> Result<DateTime<Utc>, StoreError> {
    ask(pool, HORIZON).await
}

/// Asks the database up to where the order is final and references are followed.
pub async fn consistent_through(pool: &Pool) -> Result<DateTime<Utc>, StoreError> {
    ask(pool, include_str!("sql/consistent_through.sql")).await
}

async fn ask(pool: &Pool, sql: &str) -> Result<DateTime<Utc>, StoreError> {
    let connection = pool.get().await?;
    let result = async {
        let statement = connection.prepare_cached(sql).await?;
        connection.query_one(&statement, &[]).await
    }
    .await;
    settle(connection, result).map(|row| row.get(0))
}

/// What this process last heard; it never goes back (docs/decisions/0004).
#[derive(Debug)]
pub struct Horizon {
    pool: Pool,
    started: Instant,
    /// In microseconds since 1970; 0: never heard.
    value: AtomicI64,
    /// When, in microseconds since `started`; -1: never.
    heard: AtomicI64,
    asking: Mutex<()>,
}

impl Horizon {
    /// Nothing heard yet.
    #[must_use]
    pub fn new(pool: Pool) -> Self {
        Self {
            pool,
            started: Instant::now(),
            value: AtomicI64::new(0),
            heard: AtomicI64::new(-1),
            asking: Mutex::new(()),
        }
    }

    /// The time up to which every statement is committed, visible and found through its references:
    /// at most 100 ms old, older
    /// while the database does not answer, none if it never did.
    pub async fn consistent_through(&self) -> Option<DateTime<Utc>> {
        if !self.is_fresh() {
            let _one_asks = self.asking.lock().await;
            if !self.is_fresh() {
                self.ask().await;
            }
        }
        DateTime::from_timestamp_micros(self.value.load(Ordering::Acquire))
            .filter(|at| at.timestamp_micros() > 0)
    }

    fn is_fresh(&self) -> bool {
        let heard = self.heard.load(Ordering::Acquire);
        heard >= 0
            && self.elapsed_us() - heard < i64::try_from(FRESH_FOR.as_micros()).unwrap_or(i64::MAX)
    }

    fn elapsed_us(&self) -> i64 {
        i64::try_from(self.started.elapsed().as_micros()).unwrap_or(i64::MAX)
    }

    async fn ask(&self) {
        // Taken before the question: the answer is at least as old as that.
        let asked = self.elapsed_us();
        match consistent_through(&self.pool).await {
            Ok(at) => {
                self.value
                    .fetch_max(at.timestamp_micros(), Ordering::AcqRel);
            }
            Err(error) => {
                tracing::warn!(error = %service::error::chain(&error), "could not read how far all is consistent")
            }
        }
        // A database that does not answer is not asked again by every request either.
        self.heard.store(asked, Ordering::Release);
    }
}

//! Up to where the order of statements is final, `published.horizon()`, and up to where they are also
//! found through their references, `published.consistent_through()`: asked at most every 100 ms.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use service::pg::Pool;
use tokio::sync::Notify;

use super::{StoreError, settle};

/// Age from which on it is asked for anew. It bounds what the header costs the database, whatever the
/// traffic.
const FRESH_FOR: Duration = Duration::from_millis(100);

/// Age from which on the answer is waited for: nobody came for a while, so few wait.
const USABLE_FOR: Duration = Duration::from_secs(1);

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
pub struct Horizon(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    pool: Pool,
    started: Instant,
    /// In microseconds since 1970; 0: never heard.
    value: AtomicI64,
    /// When it was asked for, in microseconds since `started`; -1: never.
    asked: AtomicI64,
    /// Whether it is being asked for.
    asking: AtomicBool,
    /// Told when that is over.
    over: Notify,
}

/// One who asks; whatever becomes of it, the next may.
struct Asking(Arc<Shared>);

impl Drop for Asking {
    fn drop(&mut self) {
        self.0.asking.store(false, Ordering::Release);
        self.0.over.notify_waiters();
    }
}

impl Horizon {
    /// Nothing heard yet.
    #[must_use]
    pub fn new(pool: Pool) -> Self {
        Self(Arc::new(Shared {
            pool,
            started: Instant::now(),
            value: AtomicI64::new(0),
            asked: AtomicI64::new(-1),
            asking: AtomicBool::new(false),
            over: Notify::new(),
        }))
    }

    /// The time up to which every statement is committed, visible and found through its references:
    /// at most a second old, older while the database does not answer, none if it never did.
    ///
    /// What is older than 100 ms is asked for anew, and nobody waits for that: every answer has this
    /// header, and with thousands of them the question would hold them all.
    pub async fn consistent_through(&self) -> Option<DateTime<Utc>> {
        let shared = &self.0;
        let age = shared.age();
        if age.is_none_or(|age| age > FRESH_FOR) {
            let mut over = pin!(shared.over.notified());
            // From here on its end is not missed.
            over.as_mut().enable();
            if !shared.asking.swap(true, Ordering::AcqRel) {
                // A task of its own: who asked may go away, and others wait.
                tokio::spawn(Asking(Arc::clone(shared)).ask());
            }
            if age.is_none_or(|age| age > USABLE_FOR) {
                over.await;
            }
        }
        DateTime::from_timestamp_micros(shared.value.load(Ordering::Acquire))
            .filter(|at| at.timestamp_micros() > 0)
    }
}

impl Shared {
    /// How old what was heard is.
    fn age(&self) -> Option<Duration> {
        let asked = u64::try_from(self.asked.load(Ordering::Acquire)).ok()?;
        Some(
            self.started
                .elapsed()
                .saturating_sub(Duration::from_micros(asked)),
        )
    }
}

impl Asking {
    async fn ask(self) {
        let shared = &self.0;
        // Taken before the question: the answer is at least as old as that.
        let asked = i64::try_from(shared.started.elapsed().as_micros()).unwrap_or(i64::MAX);
        match consistent_through(&shared.pool).await {
            Ok(at) => {
                shared
                    .value
                    .fetch_max(at.timestamp_micros(), Ordering::AcqRel);
            }
            Err(error) => {
                tracing::warn!(error = %service::error::chain(&error), "could not read how far all is consistent");
            }
        }
        // A database that does not answer is not asked again by every request either.
        shared.asked.store(asked, Ordering::Release);
    }
}

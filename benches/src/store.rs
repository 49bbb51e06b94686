//! A store of so many statements, filled through the real server, and what it takes on the disk.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::task::JoinSet;
use tokio_postgres::Client;

use crate::cluster::Private;
use crate::national::{Country, Statements};
use crate::report::complain;
use crate::server::Server;
use crate::talk::Talk;

/// The large store.
pub const LARGE: &str = "store";

/// The store that it is compared with, and its size.
pub const SMALL: &str = "store_small";
/// Statements in it.
pub const SMALL_STATEMENTS: u64 = 100_000;

/// Statements in one request.
pub const BATCH: u64 = 500;

/// Connections that post: more only wait for each other.
const CONNECTIONS: u64 = 4;

/// How often it is told how far a fill is, in statements.
const TOLD_EVERY: u64 = 500_000;

/// When how many statements were acknowledged, from the start.
#[derive(Debug, Default)]
pub struct Poured(Vec<(u64, Duration)>);

impl Poured {
    /// Statements a second between two counts of acknowledged ones.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    pub fn rate(&self, from: u64, upto: u64) -> f64 {
        let at = |count| {
            let next = self
                .0
                .partition_point(|(acknowledged, _)| *acknowledged < count);
            self.0
                .get(next.min(self.0.len().saturating_sub(1)))
                .copied()
                .unwrap_or_default()
        };
        let ((first, begin), (last, end)) = (at(from), at(upto));
        (last - first) as f64 / end.saturating_sub(begin).as_secs_f64().max(f64::EPSILON)
    }
}

/// Posts so many statements in batches, durably, as fast as they are taken. Statements of another seed
/// are others.
pub async fn pour(
    server: &Server,
    load: &Handle,
    seed: u64,
    statements: u64,
) -> anyhow::Result<Poured> {
    let country = Arc::new(Country::default());
    let taken = Arc::new(AtomicU64::new(0));
    let acknowledged = Arc::new(AtomicU64::new(0));
    let start = Instant::now();
    let mut senders = JoinSet::new();
    for number in 0..CONNECTIONS {
        let talk = Talk::with(server).await?;
        let supply = Statements::new(seed * CONNECTIONS + number, &country);
        let (taken, acknowledged) = (Arc::clone(&taken), Arc::clone(&acknowledged));
        let sender = Sender {
            talk,
            supply,
            taken,
            acknowledged,
            start,
        };
        senders.spawn_on(sender.run(statements), load);
    }
    let mut marks = Vec::new();
    while let Some(ended) = senders.join_next().await {
        marks.extend(ended??);
    }
    marks.sort_unstable();
    Ok(Poured(marks))
}

struct Sender {
    talk: Talk,
    supply: Statements,
    taken: Arc<AtomicU64>,
    acknowledged: Arc<AtomicU64>,
    start: Instant,
}

impl Sender {
    async fn run(mut self, statements: u64) -> anyhow::Result<Vec<(u64, Duration)>> {
        let mut marks = Vec::new();
        loop {
            let before = self.taken.fetch_add(BATCH, Ordering::Relaxed);
            let count = BATCH.min(statements.saturating_sub(before));
            if count == 0 {
                return Ok(marks);
            }
            let body = self.supply.batch(usize::try_from(count)?);
            self.talk.post(&body).await?;
            let now = self.acknowledged.fetch_add(count, Ordering::Relaxed) + count;
            marks.push((now, self.start.elapsed()));
            if now / TOLD_EVERY > (now - count) / TOLD_EVERY {
                complain(&format!("{now} of {statements} statements"));
            }
        }
    }
}

/// Makes a database hold so many statements at least, through a server of its own. What it holds
/// already stays.
pub async fn fill(
    cluster: &Private,
    load: &Handle,
    database: &str,
    statements: u64,
) -> anyhow::Result<Poured> {
    if !cluster.has_database(database).await? {
        cluster.database(database).await?;
    }
    let held = count(&cluster.connect(database).await?).await?;
    let Some(missing) = statements.checked_sub(held).filter(|missing| *missing > 0) else {
        return Ok(Poured::default());
    };
    complain(&format!(
        "{database}: {held} statements are there, {missing} to come"
    ));
    let server = Server::start(&cluster.url_of(database), None).await?;
    let poured = pour(&server, load, held + 1, missing).await?;
    server.stop().await?;
    Ok(poured)
}

/// Leaves a database as the vacuum that PostgreSQL runs by itself does, sooner or later: with statistics.
pub async fn vacuum(client: &Client) -> anyhow::Result<()> {
    Ok(client.batch_execute("vacuum (analyze)").await?)
}

/// Statements in a database.
pub async fn count(client: &Client) -> anyhow::Result<u64> {
    let row = client
        .query_one("select count(*) from lrs.statements", &[])
        .await?;
    Ok(u64::try_from(row.get::<_, i64>(0))?)
}

/// What stands on the disk under a name: a table with what PostgreSQL keeps beside it (TOAST, maps), or
/// an index.
#[derive(Debug)]
pub struct Part {
    /// The table or index, without its schema.
    pub name: String,
    /// Its size.
    pub bytes: u64,
}

/// Tables of the schema `lrs` and their indexes, largest first.
pub async fn parts(client: &Client) -> anyhow::Result<Vec<Part>> {
    let sql = "
        select t.relname::text, pg_table_size(t.oid) from pg_class t
         where t.relnamespace = 'lrs'::regnamespace and t.relkind = 'r'
        union all
        select x.relname::text, pg_relation_size(x.oid) from pg_class x
         where x.relnamespace = 'lrs'::regnamespace and x.relkind = 'i'
         order by 2 desc";
    let parts = client.query(sql, &[]).await?;
    let part = |row: &tokio_postgres::Row| {
        let bytes = u64::try_from(row.get::<_, i64>(1))?;
        Ok(Part {
            name: row.get(0),
            bytes,
        })
    };
    parts.iter().map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_that_between_two_counts() {
        let at = |count, millis| (count, Duration::from_millis(millis));
        let poured = Poured(vec![
            at(500, 10),
            at(1_000, 30),
            at(1_500, 40),
            at(2_000, 80),
        ]);
        assert!((poured.rate(500, 1_000) - 25_000.0).abs() < 1e-6);
        // Between marks: from the next one on.
        assert!((poured.rate(600, 2_000) - 20_000.0).abs() < 1e-6);
    }
}

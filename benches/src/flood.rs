//! The load that does not wait: sends fall due one after another whether or not answers came, over many
//! connections in turn, and refusals are counted.
//!
//! Pupils do not know of each other: when a service slows down, no fewer of them send. So a latency
//! counts from when the send was due, and there must be far more connections than answers are waited
//! for: whoever waits for a free one longer than the patience is given up, and counted as such.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::histogram::Histogram;
use crate::load::{Reply, Sender, due};

/// Sends that are late are started together, so many before answers are looked at again.
const TOGETHER: usize = 32;

/// What to send, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Sends a second.
    pub rate: f64,
    /// How long sends fall due.
    pub during: Duration,
    /// The number of the first thing.
    pub first: usize,
    /// How long a send waits for a connection.
    pub patience: Duration,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Sends that fell due.
    pub due: usize,
    /// How late it was sent: what the load itself adds to the latencies.
    pub late: Histogram,
    /// Latencies of what was stored.
    pub stored: Histogram,
    /// Latencies of what was refused, or left undecided.
    pub refused: Histogram,
    /// Of the refused: what may be stored nevertheless.
    pub undecided: u64,
    /// Given up for want of a connection.
    pub unsent: u64,
    /// Stored and answered before the last send was due.
    pub stored_in_time: u64,
    /// The most connections that waited for an answer at the same time.
    pub waiting: usize,
    /// The numbers of what was stored.
    pub acknowledged: Vec<usize>,
}

/// What the sends share.
struct Shared<S> {
    plan: Plan,
    start: Instant,
    connections: usize,
    room: Semaphore,
    /// Those that wait for no answer, the one that was used last at the end.
    free: Mutex<VecDeque<S>>,
    seen: Mutex<Outcome>,
}

/// Runs a plan to its end, and waits for all answers. Any answer but a [`Reply`] ends it.
pub async fn run<S: Sender>(senders: Vec<S>, plan: Plan) -> anyhow::Result<Outcome> {
    let shared = Arc::new(Shared {
        plan,
        start: Instant::now(),
        connections: senders.len(),
        room: Semaphore::new(senders.len()),
        free: Mutex::new(senders.into()),
        seen: Mutex::default(),
    });
    let mut sends = JoinSet::new();
    let mut number = 0;
    loop {
        let after = due(number, plan.rate);
        if after >= plan.during {
            break;
        }
        let due = shared.start + after;
        if due > Instant::now() {
            tokio::time::sleep_until(due).await;
        } else if number.is_multiple_of(TOGETHER) {
            tokio::task::yield_now().await;
        }
        sends.spawn(send(Arc::clone(&shared), plan.first + number, due));
        number += 1;
        while let Some(ended) = sends.try_join_next() {
            ended??;
        }
    }
    while let Some(ended) = sends.join_next().await {
        ended??;
    }
    let mut outcome = std::mem::take(&mut *lock(&shared.seen));
    outcome.due = number;
    Ok(outcome)
}

/// One send, over the connection that was free for longest.
async fn send<S: Sender>(
    shared: Arc<Shared<S>>,
    number: usize,
    due: Instant,
) -> anyhow::Result<()> {
    let _room = shared.room.acquire().await?;
    if due.elapsed() > shared.plan.patience {
        lock(&shared.seen).unsent += 1;
        return Ok(());
    }
    let (sender, free) = {
        let mut free = lock(&shared.free);
        (free.pop_front(), free.len())
    };
    let mut sender = sender.context("as many may send as there are connections")?;
    lock(&shared.seen).start(due.elapsed(), shared.connections - free);
    let reply = sender.send(number).await?;
    let now = Instant::now();
    lock(&shared.free).push_back(sender);
    let in_time = now <= shared.start + shared.plan.during;
    lock(&shared.seen).take(number, reply, now - due, in_time);
    Ok(())
}

impl Outcome {
    /// What was stored in time, a second of the time in which sends fell due.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    pub fn stored_per_second(&self, during: Duration) -> f64 {
        self.stored_in_time as f64 / during.as_secs_f64()
    }

    /// One is sent, so late, and so many wait now.
    fn start(&mut self, late: Duration, waiting: usize) {
        self.late.record(late);
        self.waiting = self.waiting.max(waiting);
    }

    /// One was answered.
    fn take(&mut self, number: usize, reply: Reply, latency: Duration, in_time: bool) {
        if reply == Reply::Stored {
            self.stored.record(latency);
            self.stored_in_time += u64::from(in_time);
            self.acknowledged.push(number);
        } else {
            self.refused.record(latency);
            self.undecided += u64::from(reply == Reply::Undecided);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use tokio::sync::Barrier;

    use super::*;

    /// So long that nobody gives up.
    const LONG: Duration = Duration::from_secs(3_600);

    /// Answers when so many wait, and refuses every second thing.
    struct Together(Arc<Barrier>);

    impl Sender for Together {
        async fn send(&mut self, number: usize) -> anyhow::Result<Reply> {
            self.0.wait().await;
            Ok(if number.is_multiple_of(2) {
                Reply::Stored
            } else {
                Reply::Refused
            })
        }
    }

    /// Holds its connection for longer than anybody waits for it.
    struct Slow;

    impl Sender for Slow {
        async fn send(&mut self, _number: usize) -> anyhow::Result<Reply> {
            tokio::time::sleep(Duration::from_millis(200)).await;
            Ok(Reply::Undecided)
        }
    }

    fn plan(patience: Duration) -> Plan {
        Plan {
            rate: 1_000.0,
            during: Duration::from_millis(20),
            first: 100,
            patience,
        }
    }

    #[tokio::test]
    async fn who_does_not_answer_is_sent_no_less() {
        let all = Arc::new(Barrier::new(20));
        let senders = (0..50).map(|_| Together(Arc::clone(&all))).collect();
        let outcome = run(senders, plan(LONG)).await.unwrap();
        assert_eq!((outcome.due, outcome.waiting), (20, 20));
        assert_eq!(outcome.late.count(), 20);
        assert_eq!((outcome.unsent, outcome.undecided), (0, 0));
        assert_eq!((outcome.stored.count(), outcome.refused.count()), (10, 10));
        let mut numbers = outcome.acknowledged;
        numbers.sort_unstable();
        assert_eq!(numbers, (100..120).step_by(2).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn who_finds_no_connection_waits_and_gives_up() {
        let patience = Duration::from_millis(10);
        let outcome = run(vec![Slow], plan(patience)).await.unwrap();
        assert_eq!(outcome.waiting, 1);
        assert_eq!(outcome.refused.count(), outcome.undecided);
        assert_eq!(outcome.undecided + outcome.unsent, 20);
        assert!(outcome.unsent > 0 && outcome.acknowledged.is_empty());
    }

    #[tokio::test]
    async fn a_send_that_fails_ends_it() {
        struct Broken;
        impl Sender for Broken {
            async fn send(&mut self, _number: usize) -> anyhow::Result<Reply> {
                anyhow::bail!("broken")
            }
        }
        let error = run(vec![Broken], plan(LONG)).await.unwrap_err();
        assert_eq!(error.to_string(), "broken");
    }
}

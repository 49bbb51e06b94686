//! The load that does not wait: sends fall due one after another whether or not answers came, over as
//! many connections as are needed, and refusals are counted.
//!
//! Pupils do not know of each other: when a service slows down, no fewer of them send. So a latency
//! counts from when the send was due, and a connection is opened when none is free. There is a most
//! of these; whoever waits for one longer than the patience is given up, and counted as such.

use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::histogram::Histogram;
use crate::load::{Reply, Sender, due};

/// A connection that was idle for longer may be about to be closed by the server.
const FRESH: Duration = Duration::from_secs(20);

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
    /// Connections at most.
    pub connections: usize,
    /// How long a send waits for a connection.
    pub patience: Duration,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Sends that fell due.
    pub due: usize,
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
    /// Connections that were opened.
    pub connections: usize,
    /// The numbers of what was stored.
    pub acknowledged: Vec<usize>,
}

/// What the sends share.
struct Shared<S, C> {
    connect: C,
    plan: Plan,
    start: Instant,
    room: Semaphore,
    /// Free connections, and since when: the last one first, so that few are used.
    idle: Mutex<Vec<(S, Instant)>>,
    opened: AtomicUsize,
    seen: Mutex<Outcome>,
}

/// Runs a plan to its end, and waits for all answers. Any answer but a [`Reply`] ends it.
pub async fn run<S, C, F>(connect: C, plan: Plan) -> anyhow::Result<Outcome>
where
    S: Sender,
    C: Fn() -> F + Send + Sync + 'static,
    F: Future<Output = anyhow::Result<S>> + Send + 'static,
{
    let shared = Arc::new(Shared {
        connect,
        plan,
        start: Instant::now(),
        room: Semaphore::new(plan.connections),
        idle: Mutex::default(),
        opened: AtomicUsize::new(0),
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
    outcome.connections = shared.opened.load(Ordering::Relaxed);
    Ok(outcome)
}

/// One send, over a connection that is free or a new one.
async fn send<S, C, F>(shared: Arc<Shared<S, C>>, number: usize, due: Instant) -> anyhow::Result<()>
where
    S: Sender,
    C: Fn() -> F,
    F: Future<Output = anyhow::Result<S>>,
{
    let _room = shared.room.acquire().await?;
    if due.elapsed() > shared.plan.patience {
        lock(&shared.seen).unsent += 1;
        return Ok(());
    }
    let free = shared.free();
    let mut sender = match free {
        Some(sender) => sender,
        None => {
            shared.opened.fetch_add(1, Ordering::Relaxed);
            (shared.connect)().await?
        }
    };
    let reply = sender.send(number).await?;
    let now = Instant::now();
    lock(&shared.idle).push((sender, now));
    let in_time = now <= shared.start + shared.plan.during;
    lock(&shared.seen).take(number, reply, now - due, in_time);
    Ok(())
}

impl<S, C> Shared<S, C> {
    /// The connection that was used last, unless it was idle for long: then all others were, too.
    fn free(&self) -> Option<S> {
        let mut idle = lock(&self.idle);
        let (sender, since) = idle.pop()?;
        if since.elapsed() > FRESH {
            idle.clear();
            return None;
        }
        Some(sender)
    }
}

impl Outcome {
    /// What was stored in time, a second of the time in which sends fell due.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    pub fn stored_per_second(&self, during: Duration) -> f64 {
        self.stored_in_time as f64 / during.as_secs_f64()
    }

    /// Latencies are counted, whoever gets the answer.
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
    use std::future::ready;

    use tokio::sync::Barrier;

    use super::*;

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

    fn plan(connections: usize, patience: Duration) -> Plan {
        Plan {
            rate: 1_000.0,
            during: Duration::from_millis(20),
            first: 100,
            connections,
            patience,
        }
    }

    #[tokio::test]
    async fn who_does_not_answer_is_sent_no_less() {
        let all = Arc::new(Barrier::new(20));
        let connect = move || ready(Ok(Together(Arc::clone(&all))));
        let plan = plan(1_000, Duration::from_secs(3_600));
        let outcome = run(connect, plan).await.unwrap();
        assert_eq!((outcome.due, outcome.connections), (20, 20));
        assert_eq!((outcome.unsent, outcome.undecided), (0, 0));
        assert_eq!((outcome.stored.count(), outcome.refused.count()), (10, 10));
        let mut numbers = outcome.acknowledged;
        numbers.sort_unstable();
        assert_eq!(numbers, (100..120).step_by(2).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn who_finds_no_connection_waits_and_gives_up() {
        let plan = plan(1, Duration::from_millis(10));
        let outcome = run(|| ready(Ok(Slow)), plan).await.unwrap();
        assert_eq!(outcome.connections, 1);
        assert_eq!(outcome.refused.count(), outcome.undecided);
        assert_eq!(outcome.undecided + outcome.unsent, 20);
        assert!(outcome.unsent > 0 && outcome.acknowledged.is_empty());
    }

    #[tokio::test]
    async fn an_answer_that_is_none_ends_it() {
        let refuse = || ready(Err::<Slow, _>(anyhow::anyhow!("no connection")));
        let plan = plan(10, Duration::from_secs(3_600));
        let error = run(refuse, plan).await.unwrap_err();
        assert_eq!(error.to_string(), "no connection");
    }
}

//! The load: senders side by side, each with its own connection, bounded in number and time.
//!
//! Closed loop: each sender sends again when it was answered, which finds the most that a side takes.
//! At a rate: after a closed loop to warm up, sends fall due one after another whether or not answers
//! came, and a latency counts from when the send was due, so that a side that stalls does not slow down
//! its own measure. Who is refused sends the same again, as a client does, and its latency goes on. What
//! is to be refused is sent by [`crate::flood`].

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::ensure;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::histogram::Histogram;

/// How long one who is refused waits: what the LRS says in Retry-After.
pub(crate) const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// What was said to a thing that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// It is durably stored.
    Stored,
    /// It is not stored and may be sent again later.
    Refused,
    /// It may be stored or not; sent again it will be told.
    Undecided,
}

/// Sends one thing after another over a connection of its own.
pub trait Sender: Send + 'static {
    /// Sends the thing of this number and waits for what is said to it.
    fn send(&mut self, number: usize) -> impl Future<Output = anyhow::Result<Reply>> + Send;
}

/// How fast to send.
#[derive(Clone, Copy, Debug)]
pub enum Pace {
    /// Again as soon as answered.
    Closed,
    /// So many a second over all senders.
    PerSecond(f64),
}

/// What to send, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// How fast.
    pub pace: Pace,
    /// Not counted: connections, caches and plans become warm.
    pub warm_up: Duration,
    /// Counted, unless the things end before.
    pub measure: Duration,
    /// The number of the first thing.
    pub first: usize,
    /// How many things there are.
    pub things: usize,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Answered in the time that counts; at a rate, those that fell due in it.
    pub counted: u64,
    /// How long that was; at a rate, until the last of them was answered.
    pub elapsed: Duration,
    /// Answered, warm-up included: the first so many of the things.
    pub answered: u64,
    /// Refusals, warm-up included.
    pub refused: u64,
    /// Latencies of those that count.
    pub latency: Histogram,
}

impl Outcome {
    /// Things a second.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    pub fn per_second(&self) -> f64 {
        self.counted as f64 / self.elapsed.as_secs_f64()
    }
}

/// What one sender saw.
#[derive(Debug, Default)]
struct Seen {
    latency: Histogram,
    answered: u64,
    refused: u64,
    last: Option<Instant>,
}

/// What the senders share.
#[derive(Debug, Default)]
struct Next {
    thing: AtomicUsize,
    due: AtomicUsize,
}

/// Runs a plan to its end. A send that fails, or is left undecided, ends it.
pub async fn run<S: Sender>(senders: Vec<S>, plan: Plan) -> anyhow::Result<Outcome> {
    let next = Arc::new(Next::default());
    let start = Instant::now();
    let mut tasks = JoinSet::new();
    for sender in senders {
        tasks.spawn(work(sender, Arc::clone(&next), start, plan));
    }
    let mut all = Seen::default();
    while let Some(seen) = tasks.join_next().await {
        let seen = seen??;
        all.latency.add(&seen.latency);
        all.answered += seen.answered;
        all.refused += seen.refused;
        all.last = all.last.max(seen.last);
    }
    let begin = start + plan.warm_up;
    let end = begin + plan.measure;
    // When the things ran out before the time did, the last answer ended it.
    let ended_early = next.thing.load(Ordering::Relaxed) >= plan.things;
    let end = all
        .last
        .map_or(end, |last| if ended_early { last } else { last.max(end) });
    ensure!(
        end > begin && all.latency.count() > 0,
        "all {} were sent before the warm-up was over: make more of them",
        plan.things
    );
    Ok(Outcome {
        counted: all.latency.count(),
        elapsed: end - begin,
        answered: all.answered,
        refused: all.refused,
        latency: all.latency,
    })
}

async fn work<S: Sender>(
    mut sender: S,
    next: Arc<Next>,
    start: Instant,
    plan: Plan,
) -> anyhow::Result<Seen> {
    let begin = start + plan.warm_up;
    let end = begin + plan.measure;
    let mut seen = Seen::default();
    loop {
        let now = Instant::now();
        let (due, paced) = match plan.pace {
            Pace::PerSecond(rate) if now >= begin => {
                let number = next.due.fetch_add(1, Ordering::Relaxed);
                (begin + due(number, rate), true)
            }
            _ => (now, false),
        };
        if due >= end {
            break;
        }
        let number = next.thing.fetch_add(1, Ordering::Relaxed);
        if number >= plan.things {
            break;
        }
        // A timer is a millisecond coarse: whoever is due already does not go to it.
        if due > now {
            tokio::time::sleep_until(due).await;
        }
        while let reply = sender.send(plan.first + number).await?
            && reply != Reply::Stored
        {
            ensure!(reply == Reply::Refused, "a request was left undecided");
            seen.refused += 1;
            tokio::time::sleep(AGAIN_AFTER).await;
        }
        let now = Instant::now();
        seen.answered += 1;
        let counts = match plan.pace {
            Pace::Closed => now > begin && now <= end,
            Pace::PerSecond(_) => paced,
        };
        if counts {
            seen.latency.record(now - due);
            seen.last = Some(now);
        }
    }
    Ok(seen)
}

/// When the send of this number falls due, at so many a second.
#[expect(clippy::cast_precision_loss, reason = "numbers are far below 2^53")]
pub(crate) fn due(number: usize, rate: f64) -> Duration {
    Duration::from_secs_f64(number as f64 / rate)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So long that no test sees its end.
    const LONG: Duration = Duration::from_secs(3_600);

    /// Answers after a moment; what it is to say to one thing, the first time.
    struct Counting {
        sent: Arc<AtomicUsize>,
        once: Option<(usize, Reply)>,
    }

    impl Sender for Counting {
        async fn send(&mut self, number: usize) -> anyhow::Result<Reply> {
            self.sent.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(Duration::from_millis(1)).await;
            let once = self.once.take_if(|(at, _)| *at == number);
            Ok(once.map_or(Reply::Stored, |(_, reply)| reply))
        }
    }

    fn eight(once: Option<(usize, Reply)>) -> (Vec<Counting>, Arc<AtomicUsize>) {
        let sent = Arc::new(AtomicUsize::new(0));
        let senders = (0..8)
            .map(|_| Counting {
                sent: Arc::clone(&sent),
                once,
            })
            .collect();
        (senders, sent)
    }

    fn plan(pace: Pace, measure: Duration, things: usize) -> Plan {
        Plan {
            pace,
            warm_up: Duration::ZERO,
            measure,
            first: 0,
            things,
        }
    }

    #[tokio::test]
    async fn each_thing_is_sent_once_and_then_it_ends() {
        for pace in [Pace::Closed, Pace::PerSecond(10_000.0)] {
            let (senders, sent) = eight(None);
            let outcome = run(senders, plan(pace, LONG, 100)).await.unwrap();
            assert_eq!(sent.load(Ordering::Relaxed), 100);
            assert_eq!((outcome.counted, outcome.answered), (100, 100));
            // Counted until the last answer, not until a time that was never reached.
            assert!(outcome.elapsed < LONG);
        }
    }

    #[tokio::test]
    async fn it_ends_with_the_time_and_loses_no_answer() {
        let (senders, sent) = eight(None);
        let measure = Duration::from_millis(50);
        let outcome = run(senders, plan(Pace::Closed, measure, usize::MAX))
            .await
            .unwrap();
        assert_eq!(outcome.elapsed, measure);
        assert_eq!(outcome.answered, sent.load(Ordering::Relaxed) as u64);
        assert!(outcome.counted <= outcome.answered);
    }

    #[tokio::test]
    async fn who_is_refused_sends_again_and_its_latency_goes_on() {
        let (senders, sent) = eight(Some((50, Reply::Refused)));
        let outcome = run(senders, plan(Pace::Closed, LONG, 100)).await.unwrap();
        assert_eq!(sent.load(Ordering::Relaxed), 101);
        assert_eq!((outcome.answered, outcome.refused), (100, 1));
        assert!(outcome.latency.quantile_ms(1_000) > 900.0);
    }

    #[tokio::test]
    async fn what_is_left_undecided_ends_it() {
        let (senders, _) = eight(Some((50, Reply::Undecided)));
        let error = run(senders, plan(Pace::Closed, LONG, 1_000_000))
            .await
            .unwrap_err();
        assert!(error.to_string().contains("undecided"), "{error}");
    }

    #[tokio::test]
    async fn at_a_rate_all_that_fell_due_is_counted_and_nothing_of_the_warm_up() {
        let (senders, sent) = eight(None);
        let plan = Plan {
            warm_up: Duration::from_millis(50),
            ..plan(
                Pace::PerSecond(1_000.0),
                Duration::from_millis(100),
                usize::MAX,
            )
        };
        let outcome = run(senders, plan).await.unwrap();
        assert_eq!(outcome.counted, 100);
        assert!(outcome.elapsed >= plan.measure);
        assert_eq!(outcome.answered, sent.load(Ordering::Relaxed) as u64);
        assert!(outcome.answered > outcome.counted);
    }

    #[tokio::test]
    async fn too_few_things_for_the_warm_up_give_no_figure() {
        let (senders, _) = eight(None);
        let plan = Plan {
            warm_up: LONG,
            ..plan(Pace::Closed, LONG, 100)
        };
        assert!(run(senders, plan).await.is_err());
    }

    #[test]
    fn sends_fall_due_one_after_another() {
        assert_eq!(due(0, 40.0), Duration::ZERO);
        assert_eq!(due(40, 40.0), Duration::from_secs(1));
    }
}

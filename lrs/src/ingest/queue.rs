//! Requests that wait for a committer: bounded by the time that they would wait and by bytes, first in,
//! first out.

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, oneshot};

use super::postbox::{Answer, Postbox};
use super::throughput::Throughput;
use super::{Request, Verdict};

/// Statements that wait or are being written before a second committer joins the first.
///
/// Few go through fastest in one group after another: two committers that share them make twice as many
/// transactions, each with half of the statements. Many keep both busy, and whoever comes while a large
/// request is written need not wait for it. Measured: docs/performance.md.
const CROWD: usize = 200;

/// Which committer takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Committing {
    /// The one that takes whatever waits.
    First,
    /// One that joins where a crowd waits.
    Further,
}

impl Committing {
    /// How many statements must wait or be written.
    fn least(self) -> usize {
        match self {
            Self::First => 0,
            Self::Further => CROWD,
        }
    }
}

/// What may wait.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// As many statements as are written in this time...
    pub time: Duration,
    /// ...and so many whatever it takes: a few large requests are no crowd.
    pub always: usize,
    /// Bytes of bodies.
    pub bytes: usize,
}

/// Why a request was not taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// As much waits as may wait.
    #[error("too many statements are waiting")]
    Full,
    /// The service is stopping.
    #[error("the service is stopping")]
    Closed,
}

/// A request and the one who waits for its verdict.
#[derive(Debug)]
pub struct Job {
    /// What was asked.
    pub request: Request,
    /// Where the verdict goes.
    pub answer: Answer,
}

/// Requests that were taken together. Until it is dropped they count as being written.
#[derive(Debug)]
pub struct Group<'a> {
    /// The requests, first in first.
    pub jobs: Vec<Job>,
    statements: usize,
    queue: &'a Queue,
}

impl Drop for Group<'_> {
    fn drop(&mut self) {
        let mut inner = self.queue.lock();
        inner.under_way -= self.statements;
        let idle = inner.under_way == 0;
        inner.throughput.end(self.statements, idle, Instant::now());
    }
}

/// The queue.
#[derive(Debug)]
pub struct Queue {
    limits: Limits,
    inner: Mutex<Inner>,
    /// For the first committer: something waits.
    ready: Notify,
    /// For the further ones: a crowd waits.
    crowded: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    waiting: VecDeque<Job>,
    statements: usize,
    /// Statements that were taken and not answered yet.
    under_way: usize,
    bytes: usize,
    throughput: Throughput,
    closed: bool,
}

impl Queue {
    /// An empty queue.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            inner: Mutex::default(),
            ready: Notify::new(),
            crowded: Notify::new(),
        }
    }

    /// Whether a request would be taken in, as far as can be told before it is read.
    pub fn room(&self) -> Result<(), Refused> {
        self.lock().room(0, 0, self.limits)
    }

    /// Takes a request in; its verdict comes through what is returned, by way of the `postbox` of the
    /// thread that waits. A request larger than the limits is taken when nothing else waits, else it could
    /// never be.
    pub fn submit(
        &self,
        request: Request,
        postbox: &Postbox,
    ) -> Result<oneshot::Receiver<Verdict>, Refused> {
        let (statements, bytes) = (request.statements.len(), request.bytes);
        let mut inner = self.lock();
        inner.room(statements, bytes, self.limits)?;
        inner.statements += statements;
        inner.bytes += bytes;
        let (answer, verdict) = postbox.expect();
        inner.waiting.push_back(Job { request, answer });
        self.wake(&inner);
        Ok(verdict)
    }

    /// Waits for work and takes what waits, whole requests up to `max_statements` (always at least
    /// one). None when the queue is closed and empty.
    pub async fn take(&self, max_statements: usize, who: Committing) -> Option<Group<'_>> {
        let notice = match who {
            Committing::First => &self.ready,
            Committing::Further => &self.crowded,
        };
        loop {
            let mut ready = pin!(notice.notified());
            // From here on no notice is lost, before the look at the queue.
            ready.as_mut().enable();
            {
                let mut inner = self.lock();
                if inner.closed || inner.crowd() >= who.least() {
                    let (jobs, statements) = inner.pop(max_statements);
                    if !jobs.is_empty() {
                        inner.under_way += statements;
                        inner.throughput.begin(Instant::now());
                        if !inner.waiting.is_empty() {
                            self.wake(&inner);
                        }
                        return Some(Group {
                            jobs,
                            statements,
                            queue: self,
                        });
                    }
                }
                if inner.closed {
                    return None;
                }
            }
            ready.await;
        }
    }

    /// Takes nothing in any more; what waits is still given out.
    pub fn close(&self) {
        self.lock().closed = true;
        for notice in [&self.ready, &self.crowded] {
            notice.notify_waiters();
            notice.notify_one();
        }
    }

    /// Wakes who may take what waits.
    fn wake(&self, inner: &Inner) {
        self.ready.notify_one();
        if inner.crowd() >= CROWD {
            self.crowded.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Whether so much more may wait.
    fn room(&self, statements: usize, bytes: usize, limits: Limits) -> Result<(), Refused> {
        if self.closed {
            return Err(Refused::Closed);
        }
        let crowd = self.crowd() + statements;
        let too_many = crowd > limits.always && self.throughput.time_of(crowd) > limits.time;
        if !self.waiting.is_empty() && (too_many || self.bytes + bytes > limits.bytes) {
            return Err(Refused::Full);
        }
        Ok(())
    }

    fn crowd(&self) -> usize {
        self.statements + self.under_way
    }

    /// Whole requests, and how many statements they are.
    fn pop(&mut self, max_statements: usize) -> (Vec<Job>, usize) {
        let mut group = Vec::new();
        let mut statements = 0;
        while let Some(next) = self.waiting.front() {
            let more = next.request.statements.len();
            if !group.is_empty() && statements + more > max_statements {
                break;
            }
            let Some(job) = self.waiting.pop_front() else {
                break;
            };
            self.statements -= more;
            self.bytes -= job.request.bytes;
            // Whoever gave up waiting was told that it may not be stored; then it is not.
            if !job.answer.is_given_up() {
                statements += more;
                group.push(job);
            }
        }
        (group, statements)
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;
    use serde_json::json;

    use super::*;
    use crate::ingest::testing::sent_by;

    fn one() -> serde_json::Value {
        json!({ "actor": { "mbox": "mailto:a@example.org" },
            "verb": { "id": "https://example.org/v" }, "object": { "id": "https://example.org/o" } })
    }

    fn request(bytes: usize) -> Request {
        Request {
            statements: Vec::new(),
            bytes,
        }
    }

    fn queue(bytes: usize) -> Queue {
        Queue::new(Limits {
            time: Duration::from_secs(1),
            always: 0,
            bytes,
        })
    }

    fn submit(queue: &Queue, request: Request) -> Result<oneshot::Receiver<Verdict>, Refused> {
        queue.submit(request, &Postbox::default())
    }

    /// What the first committer takes: the bytes of each request.
    async fn taken(queue: &Queue) -> Option<Vec<usize>> {
        let group = queue.take(100, Committing::First).await?;
        Some(group.jobs.iter().map(|job| job.request.bytes).collect())
    }

    #[tokio::test]
    async fn a_full_queue_refuses_and_recovers() {
        let queue = queue(10);
        let _first = submit(&queue, request(6)).expect("room");
        assert_eq!(submit(&queue, request(6)).expect_err("full"), Refused::Full);
        let _second = submit(&queue, request(4)).expect("just fits");
        assert_eq!(taken(&queue).await.expect("open").len(), 2);
        let _large = submit(&queue, request(60)).expect("nothing else waits");
    }

    #[tokio::test]
    async fn a_queue_is_full_when_statements_would_wait_too_long() {
        let few = |count| sent_by(&json!({}), true, vec![one(); count]);
        let queue = Queue::new(Limits {
            time: Duration::ZERO,
            always: 4,
            bytes: 1_000_000,
        });
        let _first = submit(&queue, few(3)).expect("room");
        let _second = submit(&queue, few(1)).expect("just fits");
        assert_eq!(queue.room(), Ok(()));
        assert_eq!(submit(&queue, few(1)).expect_err("full"), Refused::Full);
        let under_way = queue.take(3, Committing::First).await.expect("open");
        // What is being written is still waited for.
        assert_eq!(submit(&queue, few(1)).expect_err("full"), Refused::Full);
        drop(under_way);
        let _third = submit(&queue, few(3)).expect("room again");
    }

    #[tokio::test]
    async fn a_closed_queue_gives_out_what_waits() {
        let queue = queue(10);
        let _first = submit(&queue, request(1)).expect("room");
        queue.close();
        assert_eq!(
            submit(&queue, request(1)).expect_err("closed"),
            Refused::Closed
        );
        assert_eq!(taken(&queue).await.expect("one waits").len(), 1);
        assert!(taken(&queue).await.is_none());
    }

    #[tokio::test]
    async fn nobody_waits_for_the_one_who_left() {
        let queue = queue(10);
        drop(submit(&queue, request(1)).expect("room"));
        let _second = submit(&queue, request(2)).expect("room");
        assert_eq!(taken(&queue).await.expect("one left"), [2]);
    }

    #[tokio::test]
    async fn a_second_committer_joins_a_crowd_alone() {
        let many = |count| sent_by(&json!({}), true, vec![one(); count]);
        let queue = Queue::new(Limits {
            time: Duration::from_secs(1),
            always: 0,
            bytes: 1_000_000,
        });
        let take = |who| queue.take(1_000, who).now_or_never().flatten();
        let _few = submit(&queue, many(CROWD - 1)).expect("room");
        assert!(take(Committing::Further).is_none(), "they go to the first");
        let first = take(Committing::First).expect("they wait");
        let _one = submit(&queue, many(1)).expect("room");
        let second = take(Committing::Further).expect("it need not wait for those being written");
        assert_eq!(second.jobs.len(), 1);
        drop((first, second));
        let _next = submit(&queue, many(1)).expect("room");
        assert!(
            take(Committing::Further).is_none(),
            "nothing is written any more"
        );
    }

    #[tokio::test]
    async fn closing_wakes_every_committer() {
        let queue = std::sync::Arc::new(queue(10));
        let committers: Vec<_> = (0..4)
            .map(|one| {
                let queue = std::sync::Arc::clone(&queue);
                let who = [Committing::First, Committing::Further][one % 2];
                tokio::spawn(async move { queue.take(100, who).await.is_none() })
            })
            .collect();
        tokio::task::yield_now().await;
        queue.close();
        for committer in committers {
            assert!(committer.await.expect("no panic"));
        }
    }
}

//! Requests that wait for a committer: bounded by statements and by bytes, first in, first out.

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, oneshot};

use super::{Request, Verdict};

/// What may wait.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Statements.
    pub statements: usize,
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
    pub answer: oneshot::Sender<Verdict>,
}

/// The queue.
#[derive(Debug)]
pub struct Queue {
    limits: Limits,
    inner: Mutex<Inner>,
    ready: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    waiting: VecDeque<Job>,
    statements: usize,
    bytes: usize,
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
        }
    }

    /// Takes a request in; its verdict comes through what is returned. A request larger than the
    /// limits is taken when nothing else waits, else it could never be.
    pub fn submit(&self, request: Request) -> Result<oneshot::Receiver<Verdict>, Refused> {
        let (answer, verdict) = oneshot::channel();
        let mut inner = self.lock();
        if inner.closed {
            return Err(Refused::Closed);
        }
        let statements = inner.statements + request.statements.len();
        let bytes = inner.bytes + request.bytes;
        if !inner.waiting.is_empty()
            && (statements > self.limits.statements || bytes > self.limits.bytes)
        {
            return Err(Refused::Full);
        }
        inner.statements = statements;
        inner.bytes = bytes;
        inner.waiting.push_back(Job { request, answer });
        drop(inner);
        self.ready.notify_one();
        Ok(verdict)
    }

    /// Waits for work and takes what waits, whole requests up to `max_statements` (always at least
    /// one). None when the queue is closed and empty.
    pub async fn take(&self, max_statements: usize) -> Option<Vec<Job>> {
        loop {
            let mut ready = pin!(self.ready.notified());
            // From here on no notice is lost, before the look at the queue.
            ready.as_mut().enable();
            {
                let mut inner = self.lock();
                let group = inner.pop(max_statements);
                if !group.is_empty() {
                    if !inner.waiting.is_empty() {
                        self.ready.notify_one();
                    }
                    return Some(group);
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
        self.ready.notify_waiters();
        self.ready.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn pop(&mut self, max_statements: usize) -> Vec<Job> {
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
            if !job.answer.is_closed() {
                statements += more;
                group.push(job);
            }
        }
        group
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(bytes: usize) -> Request {
        Request {
            statements: Vec::new(),
            bytes,
        }
    }

    fn queue(bytes: usize) -> Queue {
        Queue::new(Limits {
            statements: 10,
            bytes,
        })
    }

    #[tokio::test]
    async fn a_full_queue_refuses_and_recovers() {
        let queue = queue(10);
        let _first = queue.submit(request(6)).expect("room");
        assert_eq!(queue.submit(request(6)).expect_err("full"), Refused::Full);
        let _second = queue.submit(request(4)).expect("just fits");
        assert_eq!(queue.take(100).await.expect("open").len(), 2);
        let _large = queue.submit(request(60)).expect("nothing else waits");
    }

    #[tokio::test]
    async fn a_closed_queue_gives_out_what_waits() {
        let queue = queue(10);
        let _first = queue.submit(request(1)).expect("room");
        queue.close();
        assert_eq!(
            queue.submit(request(1)).expect_err("closed"),
            Refused::Closed
        );
        assert_eq!(queue.take(100).await.expect("one waits").len(), 1);
        assert!(queue.take(100).await.is_none());
    }

    #[tokio::test]
    async fn nobody_waits_for_the_one_who_left() {
        let queue = queue(10);
        drop(queue.submit(request(1)).expect("room"));
        let _second = queue.submit(request(2)).expect("room");
        let group = queue.take(100).await.expect("one left");
        assert_eq!(
            group
                .iter()
                .map(|job| job.request.bytes)
                .collect::<Vec<_>>(),
            [2]
        );
    }

    #[tokio::test]
    async fn closing_wakes_every_committer() {
        let queue = std::sync::Arc::new(queue(10));
        let committers: Vec<_> = (0..3)
            .map(|_| {
                let queue = std::sync::Arc::clone(&queue);
                tokio::spawn(async move { queue.take(100).await.is_none() })
            })
            .collect();
        tokio::task::yield_now().await;
        queue.close();
        for committer in committers {
            assert!(committer.await.expect("no panic"));
        }
    }
}

//! How verdicts come back to the thread that waits for them: all of a group by one wake.
//!
//! A thread of HTTP looks at tasks that another thread woke only now and then while it has work of its
//! own (tokio's `LocalSet`: every 31st). When thousands of requests come in, those that are stored would
//! wait behind all of them for their answer. So a committer puts verdicts into the postbox of the
//! thread, and one task there hands them out: a wake on the same thread.

use tokio::sync::{mpsc, oneshot};

use super::Verdict;

/// Verdicts handed out before other tasks of the thread get their turn.
const AT_ONCE: usize = 256;

/// The postbox of one thread. The default has none: whoever waits is woken directly.
#[derive(Clone, Debug, Default)]
pub struct Postbox(Option<mpsc::UnboundedSender<Letter>>);

#[derive(Debug)]
struct Letter {
    to: oneshot::Sender<Verdict>,
    verdict: Verdict,
}

/// One who waits for a verdict, as the committer sees it.
#[derive(Debug)]
pub struct Answer {
    postbox: Postbox,
    to: oneshot::Sender<Verdict>,
}

impl Postbox {
    /// The postbox of this thread, with the task that hands out. Must be called within a
    /// [`tokio::task::LocalSet`], as actix-web calls the factory of an application; the task ends with the last
    /// postbox.
    #[must_use]
    pub fn of_this_thread() -> Self {
        let (letters, mut arriving) = mpsc::unbounded_channel();
        tokio::task::spawn_local(async move {
            let mut some: Vec<Letter> = Vec::with_capacity(AT_ONCE);
            while arriving.recv_many(&mut some, AT_ONCE).await > 0 {
                some.drain(..).for_each(Letter::hand_out);
            }
        });
        Self(Some(letters))
    }

    /// Someone who waits on this postbox's thread.
    #[must_use]
    pub fn expect(&self) -> (Answer, oneshot::Receiver<Verdict>) {
        let (to, verdict) = oneshot::channel();
        let postbox = self.clone();
        (Answer { postbox, to }, verdict)
    }
}

impl Answer {
    /// Tells the verdict; who no longer waits needs none.
    pub fn send(self, verdict: Verdict) {
        let letter = Letter {
            to: self.to,
            verdict,
        };
        match self.postbox.0 {
            // A thread that is gone waits for nothing.
            Some(letters) => drop(letters.send(letter)),
            None => letter.hand_out(),
        }
    }

    /// Whether nobody waits any more.
    #[must_use]
    pub fn is_given_up(&self) -> bool {
        self.to.is_closed()
    }
}

impl Letter {
    fn hand_out(self) {
        let _ = self.to.send(self.verdict);
    }
}

#[cfg(test)]
mod tests {
    use tokio::task::LocalSet;

    use super::*;

    #[tokio::test]
    async fn verdicts_of_another_thread_reach_those_who_wait_here() {
        LocalSet::new()
            .run_until(async {
                let postbox = Postbox::of_this_thread();
                let (answers, verdicts): (Vec<_>, Vec<_>) =
                    (0..1_000).map(|_| postbox.expect()).unzip();
                let committer = std::thread::spawn(|| {
                    answers.into_iter().for_each(|answer| answer.send(Ok(())));
                });
                for verdict in verdicts {
                    assert!(matches!(verdict.await, Ok(Ok(()))));
                }
                committer.join().expect("no panic");
            })
            .await;
    }

    #[tokio::test]
    async fn who_gave_up_is_known_to_the_committer() {
        let (answer, verdict) = Postbox::default().expect();
        assert!(!answer.is_given_up());
        drop(verdict);
        assert!(answer.is_given_up());
        answer.send(Ok(()));
    }
}

//! Sends what was planned, when it is due, and notes what came of it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use reqwest::{Method, StatusCode};
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::profile::{self, Phase};
use super::session::{Ask, Call, Kind, World};
use super::tally::{Outcome, Seen, Tally};
use crate::client::{Answer, Body, Client, acknowledges};

/// With each so many pupils comes a teacher.
const PUPILS_OF_A_TEACHER: usize = 36;

/// How long after the end a session that lags behind may still send.
const GRACE: Duration = Duration::from_secs(10);

/// How many sessions there were.
#[derive(Clone, Copy, Debug, Default, serde::Serialize)]
pub(crate) struct Sessions {
    pub(crate) pupils: u64,
    pub(crate) teachers: u64,
}

/// A run: what it sends with, until when, and what it saw.
#[derive(Debug)]
struct Run {
    client: Client,
    connections: Semaphore,
    start: Instant,
    length: Duration,
    stop: CancellationToken,
    tally: Mutex<Tally>,
}

/// Runs the test to its end, or until it is stopped.
///
/// Sessions begin when the profile says, whatever the service does. A session sends its requests in
/// order, each when it is due or, if that is later, once the one before it was answered.
pub(crate) async fn run(
    world: &World,
    phases: Vec<Phase>,
    client: Client,
    connections: usize,
    rng: &mut ChaCha8Rng,
    stop: CancellationToken,
) -> (Sessions, Tally) {
    let length = phases.last().map_or(Duration::ZERO, |phase| phase.until);
    let arrivals = profile::arrivals(&phases, rng);
    let run = Arc::new(Run {
        client,
        connections: Semaphore::new(connections),
        start: Instant::now(),
        length,
        stop,
        tally: Mutex::new(Tally::new(phases)),
    });
    let mut sessions = Sessions::default();
    let mut tasks = JoinSet::new();
    for (number, begins) in arrivals.into_iter().enumerate() {
        if !run.waits_until(begins).await {
            break;
        }
        tasks.spawn(Arc::clone(&run).session(world.pupil(rng, begins)));
        sessions.pupils += 1;
        if number % PUPILS_OF_A_TEACHER == 0 {
            let calls = world.teacher(rng, begins);
            sessions.teachers += u64::from(!calls.is_empty());
            tasks.spawn(Arc::clone(&run).session(calls));
        }
        // Those that are over are put away.
        while tasks.try_join_next().is_some() {}
    }
    tasks.join_all().await;
    let run = Arc::into_inner(run).expect("every session is over");
    let tally = run.tally.into_inner();
    (sessions, tally.unwrap_or_else(PoisonError::into_inner))
}

impl Run {
    /// Waits; false where the test was stopped before.
    async fn waits_until(&self, at: Duration) -> bool {
        let due = self.start + at;
        if self.stop.is_cancelled() {
            return false;
        }
        // A timer is a millisecond coarse: whoever is due already does not go to it.
        if due <= Instant::now() {
            return true;
        }
        tokio::select! {
            () = sleep_until(due) => true,
            () = self.stop.cancelled() => false,
        }
    }

    async fn session(self: Arc<Self>, calls: Vec<Call>) {
        // What is due after the end belongs to no measure: the pupil goes on without us.
        for call in calls.into_iter().filter(|call| call.due < self.length) {
            if !self.waits_until(call.due).await {
                return;
            }
            let seen = self.call(call).await;
            let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
            tally.add(seen);
        }
    }

    async fn call(&self, call: Call) -> Seen {
        // Acquired until the answer: waiting for a connection is part of the latency.
        let permit = self.connections.acquire().await;
        let sent = self.start.elapsed();
        let ids = match &call.ask {
            Ask::Store(request) => request
                .ids
                .iter()
                .filter_map(|id| id.parse().ok())
                .collect(),
            Ask::Read(_) => Vec::new(),
        };
        let outcome = if sent > self.length + GRACE {
            Outcome::Unsent
        } else {
            self.send(call.kind, call.ask).await
        };
        drop(permit);
        Seen {
            kind: call.kind,
            due: call.due,
            sent,
            over: self.start.elapsed(),
            ids,
            outcome,
        }
    }

    async fn send(&self, kind: Kind, ask: Ask) -> Outcome {
        let client = &self.client;
        match ask {
            Ask::Read(path) => {
                let answer = client.once(&Method::GET, &path, None).await;
                outcome(kind, answer, |_| true)
            }
            Ask::Store(request) if request.single => {
                let path = format!("/xapi/statements?statementId={}", request.ids[0]);
                let body = Some(Body::json_bytes(request.body));
                outcome(kind, client.once(&Method::PUT, &path, body).await, |_| true)
            }
            Ask::Store(request) => {
                let body = Some(Body::json_bytes(request.body));
                let answer = client.once(&Method::POST, "/xapi/statements", body).await;
                outcome(kind, answer, |answer| {
                    serde_json::from_slice(&answer.bytes)
                        .is_ok_and(|told: Value| acknowledges(&told, &request.ids))
                })
            }
        }
    }
}

/// What an answer means; `is_whole` looks at one that says it is a success.
fn outcome(
    kind: Kind,
    answer: Result<Answer, reqwest::Error>,
    is_whole: impl FnOnce(&Answer) -> bool,
) -> Outcome {
    let error = match answer {
        Err(error) if error.is_timeout() => "no answer in time".to_owned(),
        Err(error) if error.is_connect() => "could not connect".to_owned(),
        Err(_) => "the connection was lost".to_owned(),
        Ok(answer) if answer.status.is_success() => match is_whole(&answer) {
            true => return Outcome::Answered,
            false => "an answer that does not acknowledge what was sent".to_owned(),
        },
        // A pupil who has not begun has no state.
        Ok(answer) if kind == Kind::State && answer.status == StatusCode::NOT_FOUND => {
            return Outcome::Answered;
        }
        Ok(answer) if answer.says_when_to_retry => {
            format!("{} with Retry-After", answer.status.as_u16())
        }
        Ok(answer) if answer.status == StatusCode::SERVICE_UNAVAILABLE => {
            "503 without Retry-After".to_owned()
        }
        Ok(answer) => answer.status.as_u16().to_string(),
    };
    Outcome::Error(error)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn answer(status: u16, says_when_to_retry: bool) -> Result<Answer, reqwest::Error> {
        Ok(Answer {
            status: StatusCode::from_u16(status).unwrap(),
            says_when_to_retry,
            bytes: Bytes::new(),
        })
    }

    fn error(words: &str) -> Outcome {
        Outcome::Error(words.to_owned())
    }

    #[test]
    fn errors_are_told_apart() {
        let of = |kind, status, retry| outcome(kind, answer(status, retry), |_| true);
        let single = Kind::Statement;
        assert_eq!(of(single, 204, false), Outcome::Answered);
        assert_eq!(of(single, 503, true), error("503 with Retry-After"));
        assert_eq!(of(single, 503, false), error("503 without Retry-After"));
        assert_eq!(of(single, 429, true), error("429 with Retry-After"));
        assert_eq!(of(single, 409, false), error("409"));
        assert_eq!(of(Kind::State, 404, false), Outcome::Answered);
        assert_eq!(of(Kind::ClassView, 404, false), error("404"));
    }

    #[test]
    fn a_success_that_acknowledges_something_else_is_none() {
        let told = outcome(Kind::Statements, answer(200, false), |_| false);
        assert!(matches!(told, Outcome::Error(words) if words.contains("acknowledge")));
    }
}

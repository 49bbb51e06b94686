//! A thread that comes too late to its requests turns new ones away before they cost anything.
//!
//! A request waits for its thread before any code of ours sees it, and no limit of ours is asked. What
//! tells is a clock on that thread that comes late: its task waits in the same line. What is turned away
//! is told so at once, and the line becomes short again; else all would wait until nobody waits for
//! them any more.

use std::cell::Cell;
use std::rc::{Rc, Weak};
use std::time::Duration;

use actix_web::body::{BoxBody, EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, ResponseError};
use tokio::time::Instant;

use super::body;
use crate::error::{Broken, Problem};
use crate::telemetry::Often;

/// The clock's period.
const PERIOD: Duration = Duration::from_millis(5);

static TURNED_AWAY: Often = Often::new();

/// How late a thread is.
#[derive(Debug)]
pub(super) struct Lateness {
    limit: Duration,
    /// When the clock is to strike next.
    due: Cell<Instant>,
    /// How late it was the last time, and the time before.
    last: Cell<Duration>,
    before: Cell<Duration>,
}

impl Lateness {
    /// Starts the clock of this thread, within a [`tokio::task::LocalSet`]; it ends with what is returned.
    pub(super) fn of_this_thread(limit: Duration) -> Rc<Self> {
        let lateness = Rc::new(Self::new(limit, Instant::now()));
        tokio::task::spawn_local(run(Rc::downgrade(&lateness)));
        lateness
    }

    fn new(limit: Duration, now: Instant) -> Self {
        Self {
            limit,
            due: Cell::new(now + PERIOD),
            last: Cell::default(),
            before: Cell::default(),
        }
    }

    /// The clock strikes.
    fn strike(&self, now: Instant) {
        self.before.set(self.last.get());
        self.last.set(now.saturating_duration_since(self.due.get()));
        self.due.set(now + PERIOD);
    }

    /// Whether the thread was late twice, one time after the other: once, the machine may have been
    /// busy with something else.
    fn is_too_late(&self, now: Instant) -> bool {
        let late = |by: Duration| by > self.limit;
        let overdue = now.saturating_duration_since(self.due.get());
        late(self.last.get()) && (late(self.before.get()) || late(overdue))
    }
}

async fn run(lateness: Weak<Lateness>) {
    while let Some(due) = lateness.upgrade().map(|lateness| lateness.due.get()) {
        tokio::time::sleep_until(due).await;
        if let Some(lateness) = lateness.upgrade() {
            lateness.strike(Instant::now());
        }
    }
}

/// Middleware (`from_fn(turn_away)`): 503 where the thread is too late. Probes of the health are let
/// through: they cost little, and who asks wants to know whether the process lives.
pub async fn turn_away<B: MessageBody + 'static>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B, BoxBody>>, Error> {
    let lateness = request.app_data::<Rc<Lateness>>();
    let too_late = lateness.is_some_and(|lateness| lateness.is_too_late(Instant::now()));
    if !too_late || request.path().starts_with("/health/") {
        return Ok(next.call(request).await?.map_into_left_body());
    }
    if let Some(requests) = TURNED_AWAY.happened() {
        tracing::warn!(requests, "turned away: more comes in than can be answered");
    }
    body::discard(request.take_payload()).await;
    Ok(request
        .into_response(turned_away().error_response())
        .map_into_right_body())
}

fn turned_away() -> Problem {
    let detail = "more requests arrive than can be answered; nothing was done: try again";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail)
        .broken(Broken {
            pointer: Some(String::new()),
            rule: "requests-late".to_owned(),
            section: Some("RFC 9110 15.6.4".to_owned()),
            detail: detail.to_owned(),
        })
        .retry_after_s(1)
}

#[cfg(test)]
mod tests {
    use actix_web::middleware::from_fn;
    use actix_web::{App, HttpResponse, test, web};

    use super::*;

    const LIMIT: Duration = Duration::from_millis(100);

    #[actix_web::test]
    async fn being_late_once_is_no_reason_and_twice_is() {
        let mut now = Instant::now();
        let lateness = Lateness::new(LIMIT, now);
        let mut strike = |late: u64| {
            now += PERIOD + Duration::from_millis(late);
            lateness.strike(now);
            now
        };
        let at = strike(300);
        assert!(!lateness.is_too_late(at));
        // Before it strikes again it is overdue by as much: the second time.
        assert!(lateness.is_too_late(at + PERIOD + LIMIT * 2));
        let at = strike(300);
        assert!(lateness.is_too_late(at));
        let at = strike(1);
        assert!(!lateness.is_too_late(at), "it is in time again");
        let at = strike(300);
        assert!(!lateness.is_too_late(at));
    }

    #[actix_web::test]
    async fn the_clock_of_a_thread_that_is_held_up_is_late() {
        let lateness = Lateness::of_this_thread(LIMIT);
        for _ in 0..2 {
            tokio::time::sleep(PERIOD * 2).await;
            assert!(!lateness.is_too_late(Instant::now()));
        }
        for _ in 0..2 {
            // Not the runtime's: the thread does nothing else meanwhile.
            std::thread::sleep(LIMIT * 2);
            tokio::task::yield_now().await;
            tokio::task::yield_now().await;
        }
        assert!(lateness.is_too_late(Instant::now()));
    }

    #[actix_web::test]
    async fn a_request_is_turned_away_and_told_when_to_come_back() {
        let lateness = Rc::new(Lateness::new(LIMIT, Instant::now()));
        let app = test::init_service(
            App::new()
                .app_data(Rc::clone(&lateness))
                .wrap(from_fn(turn_away))
                .default_service(web::to(|| async { HttpResponse::NoContent().finish() })),
        )
        .await;
        let ask = async |path: &str| {
            let request = test::TestRequest::post().uri(path).set_payload("body");
            test::call_service(&app, request.to_request()).await
        };
        assert_eq!(ask("/xapi/statements").await.status(), 204);
        lateness.last.set(LIMIT * 2);
        lateness.before.set(LIMIT * 2);
        let answer = ask("/xapi/statements").await;
        assert_eq!(answer.status(), 503);
        let retry_after = answer.headers().get("retry-after");
        assert_eq!(retry_after.expect("a time").as_bytes(), b"1");
        let body: serde_json::Value = test::read_body_json(answer).await;
        assert_eq!(body["rule"], "requests-late");
        assert_eq!(ask("/health/live").await.status(), 204);
    }
}

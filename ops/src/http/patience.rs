//! How long a body may take to arrive: a sender that stops in the middle holds a connection and what
//! was set aside for the body, so it is given up. What arrives earns more time, so that large bodies
//! come through slow lines.

use std::io;
use std::time::Duration;

use actix_web::body::MessageBody;
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::error::PayloadError;
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, web};
use bytes::Bytes;
use futures::stream::{Stream, StreamExt as _, unfold};
use tokio::time::{Instant, timeout_at};

/// Bytes that earn a body one second more: half a megabit a second, which any line of a school has.
/// At this rate the largest attachments take an hour.
const BYTES_PER_S: u64 = 64 * 1024;

/// How long a small body may take, and the most that is ever left to a large one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience(pub(super) Duration);

/// When a body is given up.
#[derive(Clone, Copy, Debug)]
struct Deadline {
    at: Instant,
    patience: Duration,
}

impl Deadline {
    fn new(patience: Duration, now: Instant) -> Self {
        Self {
            at: now + patience,
            patience,
        }
    }

    /// It moves on with what arrives, yet is never further away than it was at first: whoever sent a
    /// lot has not earned the right to stop.
    fn arrived(&mut self, bytes: usize, now: Instant) {
        let earned = Duration::from_micros(bytes as u64 * 1_000_000 / BYTES_PER_S);
        self.at = (self.at + earned).min(now + self.patience);
    }
}

/// Middleware: the body of the request ends in an error of [`io::ErrorKind::TimedOut`] when it takes
/// too long; whoever reads it answers 408.
pub(super) async fn with_bodies<B: MessageBody + 'static>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let Patience(patience) = ***request
        .app_data::<web::Data<Patience>>()
        .expect("the application is given it");
    if has_body(&request) {
        let payload = request.take_payload();
        let bounded = within(patience, payload);
        request.set_payload(Payload::Stream {
            payload: Box::pin(bounded),
        });
    }
    next.call(request).await
}

fn has_body(request: &ServiceRequest) -> bool {
    !matches!(request.parts().1, Payload::None)
}

fn within(
    patience: Duration,
    payload: impl Stream<Item = Result<Bytes, PayloadError>> + Unpin,
) -> impl Stream<Item = Result<Bytes, PayloadError>> {
    let deadline = Deadline::new(patience, Instant::now());
    unfold(Some((payload, deadline)), |state| async move {
        let (mut payload, mut deadline) = state?;
        match timeout_at(deadline.at, payload.next()).await {
            Ok(chunk) => chunk.map(|chunk| {
                let bytes = chunk.as_ref().map_or(0, Bytes::len);
                deadline.arrived(bytes, Instant::now());
                (chunk, Some((payload, deadline)))
            }),
            // The end: the rest of the body is not waited for.
            Err(_) => Some((Err(PayloadError::Io(io::ErrorKind::TimedOut.into())), None)),
        }
    })
}

#[cfg(test)]
mod tests {
    use futures::stream::{iter, pending};

    use super::*;

    #[tokio::test]
    async fn a_body_that_stops_in_the_middle_ends_in_time() {
        let half = iter([Ok(Bytes::from_static(b"half"))]).chain(pending());
        let bounded = within(Duration::from_millis(50), Box::pin(half));
        let read: Vec<_> = bounded.collect().await;
        assert_eq!(read.len(), 2);
        assert!(matches!(&read[0], Ok(chunk) if chunk == "half"));
        assert!(
            matches!(&read[1], Err(PayloadError::Io(error)) if error.kind() == io::ErrorKind::TimedOut)
        );
    }

    #[tokio::test]
    async fn a_body_that_comes_is_left_alone() {
        let whole = iter([Ok(Bytes::from_static(b"a")), Ok(Bytes::from_static(b"b"))]);
        let bounded = within(Duration::from_secs(5), Box::pin(whole));
        assert_eq!(
            bounded
                .filter_map(|chunk| async { chunk.ok() })
                .count()
                .await,
            2
        );
    }

    #[test]
    fn what_arrives_earns_time_and_nobody_earns_a_longer_stop() {
        let start = Instant::now();
        let s = Duration::from_secs;
        // A trickle earns next to nothing.
        let mut deadline = Deadline::new(s(120), start);
        for second in 0..119 {
            deadline.arrived(100, start + s(second));
        }
        assert!(deadline.at < start + s(121));
        // 256 MB at twice the rate are let through, and are given up 120 s after they stop.
        let mut deadline = Deadline::new(s(120), start);
        for second in 1..=2_048 {
            let now = start + s(second);
            assert!(now < deadline.at, "given up after {second} s");
            deadline.arrived(128 * 1024, now);
        }
        assert_eq!(deadline.at, start + s(2_048 + 120));
    }
}

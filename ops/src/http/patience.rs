//! How long a body may take to arrive: a sender that stops in the middle holds a connection and what
//! was set aside for the body, so it is given up.

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

/// How long a whole body may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience(pub(super) Duration);

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
        let bounded = until(payload, Instant::now() + patience);
        request.set_payload(Payload::Stream {
            payload: Box::pin(bounded),
        });
    }
    next.call(request).await
}

fn has_body(request: &ServiceRequest) -> bool {
    !matches!(request.parts().1, Payload::None)
}

fn until(
    payload: impl Stream<Item = Result<Bytes, PayloadError>> + Unpin,
    end: Instant,
) -> impl Stream<Item = Result<Bytes, PayloadError>> {
    unfold(Some(payload), move |payload| async move {
        let mut payload = payload?;
        match timeout_at(end, payload.next()).await {
            Ok(chunk) => chunk.map(|chunk| (chunk, Some(payload))),
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
        let bounded = until(Box::pin(half), Instant::now() + Duration::from_millis(50));
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
        let bounded = until(Box::pin(whole), Instant::now() + Duration::from_secs(5));
        assert_eq!(
            bounded
                .filter_map(|chunk| async { chunk.ok() })
                .count()
                .await,
            2
        );
    }
}

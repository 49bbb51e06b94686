//! From a stamped request to its commit: group commit (docs/decisions/0005).
//!
//! Requests wait in the [`queue`]; each committer takes whatever waits, decides each request on its
//! own ([`batch`]), writes the group in one transaction ([`commit`]) and answers. There is no timer:
//! while one transaction is flushed, the next group gathers.

pub mod batch;
pub mod commit;
pub mod postbox;
pub mod queue;
pub mod throughput;

use crate::statement::Stamped;
use crate::store::StoreError;
use schemas::ids::StatementId;

/// The statements of one request: stored all, or none.
#[derive(Debug)]
pub struct Request {
    /// In the order in which they were sent.
    pub statements: Vec<Stamped>,
    /// Bytes of the body: what it counts for in the queue.
    pub bytes: usize,
}

/// Why a request was not stored.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Rejection {
    /// A statement's id is that of another statement.
    #[error("the statement {id} exists with other content")]
    Conflict {
        /// Which statement of the request.
        index: usize,
        /// Its id.
        id: StatementId,
    },
    /// A statement voids one that its sender may not void.
    #[error("the sender may not void the target of a statement")]
    Voiding {
        /// Which statement of the request.
        index: usize,
    },
    /// The database holds no such value.
    #[error("the database cannot hold a value of the request")]
    Value(#[source] StoreError),
    /// The database did not answer in time: it may have been stored, sending it again will tell.
    #[error("the database did not answer")]
    Unavailable(#[source] StoreError),
    /// Our fault.
    #[error("the database refused")]
    Failed(#[source] StoreError),
}

/// What a request is told; given only after the commit that decides it.
pub type Verdict = Result<(), Rejection>;

/// What the tests of this module write.
#[cfg(test)]
mod testing {
    use bytes::Bytes;
    use chrono::DateTime;
    use schemas::xapi::XapiVersion;
    use serde_json::Value;

    use super::Request;
    use crate::statement::{Authority, Stamper, parse};

    /// A request with these statements, vouched for by this authority.
    pub(super) fn sent_by(
        authority: &Value,
        voids_others: bool,
        statements: Vec<Value>,
    ) -> Request {
        let body = Bytes::from(Value::from(statements).to_string());
        let stamper = Stamper {
            secret: b"s",
            authority: Authority::new(authority),
            voids_others,
            now: DateTime::default(),
            define: false,
        };
        let parsed = parse(&body, XapiVersion::V1_0_3).expect("good statements");
        let parsed = parsed.into_statements();
        Request {
            statements: parsed.iter().map(|parsed| stamper.stamp(parsed)).collect(),
            bytes: body.len(),
        }
    }
}

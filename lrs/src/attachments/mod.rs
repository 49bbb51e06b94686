//! The contents of attachments: from a request to object storage and back (docs/decisions/0017).
//!
//! What arrives goes to a temporary object while it is hashed ([`intake`]). When the request is whole
//! and right, each content gets its place, named by our own SHA-256, durably and before the commit of
//! the statements that name it ([`objects`]). What no statement came to name is collected a day later
//! ([`sweep`]).

mod digest;
pub mod intake;
pub mod objects;
pub mod sweep;

use service::budget::Budget;
use service::pg::Pool;

use crate::config::LrsConfig;
use crate::statement::Body;
use crate::statement::signature::Anchors;
use crate::store::StoreError;
use intake::Intake;
use objects::{Objects, ObjectsError};

/// The contents of attachments, and what they are held to.
#[derive(Debug)]
pub struct Attachments {
    objects: Objects,
    budget: Budget,
    anchors: Anchors,
    limits: Limits,
}

/// What a request may bring.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of one attachment.
    pub one_bytes: u64,
    /// Bytes of all attachments of a request.
    pub request_bytes: u64,
    /// Attachments of a request.
    pub request_count: usize,
    /// Bytes of all signatures of a request, which are kept in memory until the statements are whole.
    pub signature_bytes: u64,
}

/// Why contents could not be kept.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// Object storage did not do its part.
    #[error("could not keep attachments")]
    Objects(#[from] ObjectsError),
    /// The database did not.
    #[error("could not register attachments")]
    Store(#[from] StoreError),
}

impl Attachments {
    /// Opens the place of the contents.
    pub fn open(config: &LrsConfig) -> Result<Self, ObjectsError> {
        let settings = &config.attachments;
        Ok(Self {
            objects: Objects::open(&config.attachments_root)?,
            budget: Budget::new(settings.arriving_max_bytes),
            anchors: config.anchors.clone(),
            limits: Limits {
                one_bytes: settings.attachment_max_bytes,
                request_bytes: settings.request_max_bytes,
                request_count: settings.request_max_attachments,
                signature_bytes: config.body_max_bytes as u64,
            },
        })
    }

    /// What a request may bring.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// Where contents are.
    #[must_use]
    pub fn objects(&self) -> &Objects {
        &self.objects
    }

    /// Gets ready for the contents that go with the statements of a request.
    #[must_use]
    pub fn intake(&self, body: &Body) -> Intake<'_> {
        Intake::new(self, body)
    }

    /// Puts what arrived in its place: on `Ok` it is durable. It is registered first, so that no sweep
    /// takes it away before its statements are committed.
    pub async fn keep(&self, pool: &Pool, intake: Intake<'_>) -> Result<(), KeepError> {
        let arrived = intake.into_arrived();
        if arrived.is_empty() {
            return Ok(());
        }
        let registered: Vec<([u8; 32], i64)> = arrived
            .iter()
            .map(|one| (one.sha256(), one.length()))
            .collect();
        crate::store::attachments::touch(pool, &registered).await?;
        let placed = arrived
            .into_iter()
            .map(|one| (one.sha256(), one.into_temporary()))
            .collect();
        Ok(self.objects.place(placed).await?)
    }
}

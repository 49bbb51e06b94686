//! What arrives with one request: each content is checked by the hash that was declared, while it is
//! written to a temporary object. Nothing of it stays unless the whole request is right.

use std::collections::HashMap;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use schemas::ids::StatementId;
use schemas::xapi::Fault;
use service::budget::Share;

use super::Attachments;
use super::digest::Digests;
use super::objects::{ObjectsError, Temporary, Upload};
use crate::statement::attachments::{Declared, declared};
use crate::statement::signature::{self, Standing};
use crate::statement::{Attached, Body, Parsed};

const SECTION: &str = "xAPI 1.0.3 Communication 1.5.2";

/// Why a content was not taken.
#[derive(Debug, thiserror::Error)]
pub enum NotTaken {
    /// It is larger than an attachment may be.
    #[error("an attachment has at most {0} bytes")]
    OneTooLarge(u64),
    /// All of the request are.
    #[error("the attachments of a request have at most {0} bytes together")]
    AllTooLarge(u64),
    /// The signatures of the request are, which are kept in memory.
    #[error("the signatures of a request have at most {0} bytes together")]
    SignaturesTooLarge(u64),
    /// As much is on its way as may be.
    #[error("too many attachments arrive at the same time")]
    Busy,
    /// It is not what its hash says.
    #[error("the content has another hash")]
    OtherHash,
    /// It could not be written.
    #[error("could not write an attachment")]
    Objects(#[from] ObjectsError),
}

/// What the statements of a request say of a content.
#[derive(Debug, Default)]
pub struct Wanted {
    /// The media types under which it is declared.
    pub content_types: Vec<String>,
    /// The lengths.
    pub lengths: Vec<u64>,
    /// Whether it is read as a signature.
    is_signature: bool,
}

impl Wanted {
    /// The length, if all agree on it.
    #[must_use]
    pub fn length(&self) -> Option<u64> {
        let (first, rest) = self.lengths.split_first()?;
        rest.iter().all(|other| other == first).then_some(*first)
    }
}

/// A content that arrived whole and is what its hash says.
#[derive(Debug)]
pub struct Arrived {
    sha256: [u8; 32],
    length: i64,
    temporary: Temporary,
    /// The content of a signature.
    content: Option<Vec<u8>>,
}

impl Arrived {
    pub(super) fn sha256(&self) -> [u8; 32] {
        self.sha256
    }

    pub(super) fn length(&self) -> i64 {
        self.length
    }

    pub(super) fn into_temporary(self) -> Temporary {
        self.temporary
    }
}

/// The contents of one request. What is not kept is removed when this is dropped.
#[derive(Debug)]
pub struct Intake<'a> {
    attachments: &'a Attachments,
    wanted: HashMap<String, Wanted>,
    arrived: HashMap<String, Arrived>,
    /// Attachments that the statements declare: no more parts can belong to them.
    declared: usize,
    bytes: u64,
    /// Those of them that are signatures.
    signature_bytes: u64,
    share: Share,
}

impl<'a> Intake<'a> {
    pub(super) fn new(attachments: &'a Attachments, body: &Body) -> Self {
        let mut wanted: HashMap<String, Wanted> = HashMap::new();
        let mut count = 0;
        for attachment in body
            .statements()
            .iter()
            .flat_map(|one| declared(one.value()))
        {
            count += 1;
            let wanted = wanted.entry(attachment.key()).or_default();
            wanted
                .content_types
                .push(attachment.content_type.to_owned());
            wanted.lengths.extend(attachment.length);
            wanted.is_signature |= attachment.signs_the_statement();
        }
        Self {
            attachments,
            wanted,
            arrived: HashMap::new(),
            declared: count,
            bytes: 0,
            signature_bytes: 0,
            share: attachments.budget.share(),
        }
    }

    /// How many attachments the statements declare.
    #[must_use]
    pub fn declared(&self) -> usize {
        self.declared
    }

    /// What the statements say of the content with this hash; nothing: it belongs to none of them.
    #[must_use]
    pub fn wanted(&self, hash: &str) -> Option<&Wanted> {
        self.wanted.get(&hash.to_ascii_lowercase())
    }

    /// Begins to take a content in, of which this hash was declared.
    #[must_use]
    pub fn begin(&mut self, hash: &str) -> Incoming<'_, 'a> {
        let key = hash.to_ascii_lowercase();
        let is_signature = self.wanted.get(&key).is_some_and(|one| one.is_signature);
        Incoming {
            digests: Digests::for_hash(&key),
            upload: self.attachments.objects.upload(),
            content: is_signature.then(Vec::new),
            key,
            intake: self,
        }
    }

    /// Matches what arrived with the statements, in their order: each attachment without `fileUrl` has
    /// its content, each signature is well formed. `id` is that of a single statement, given beside it.
    pub async fn matched(
        &self,
        body: &Body,
        id: Option<StatementId>,
        now: DateTime<Utc>,
    ) -> Result<Vec<Vec<Attached>>, Vec<Fault>> {
        let mut matched = Vec::with_capacity(body.statements().len());
        let mut faults = Vec::new();
        for (index, statement) in body.statements().iter().enumerate() {
            match self.matched_one(statement, id, now) {
                Ok(attached) => {
                    // Signatures take their time: others have theirs in between.
                    if attached.iter().any(|one| one.signature.is_some()) {
                        tokio::task::yield_now().await;
                    }
                    matched.push(attached);
                }
                Err(fault) => faults.push(fault.under(&body.pointer(index))),
            }
        }
        if faults.is_empty() {
            report(&matched);
            Ok(matched)
        } else {
            Err(faults)
        }
    }

    fn matched_one(
        &self,
        statement: &Parsed,
        id: Option<StatementId>,
        now: DateTime<Utc>,
    ) -> Result<Vec<Attached>, Fault> {
        let mut attached = Vec::new();
        for (place, attachment) in (0..).zip(declared(statement.value())) {
            match self.arrived.get(&attachment.key()) {
                Some(arrived) => {
                    let id = id.or(statement.id());
                    let signature = self.standing(&attachment, arrived, statement, id, now)?;
                    attached.push(Attached {
                        place,
                        sha2: attachment.sha2.to_owned(),
                        sha256: arrived.sha256,
                        length: arrived.length,
                        content_type: attachment.content_type.to_owned(),
                        signature,
                    });
                }
                None if attachment.has_url => {}
                None => return Err(no_content(&attachment)),
            }
        }
        Ok(attached)
    }

    fn standing(
        &self,
        attachment: &Declared<'_>,
        arrived: &Arrived,
        statement: &Parsed,
        id: Option<StatementId>,
        now: DateTime<Utc>,
    ) -> Result<Option<Standing>, Fault> {
        let Some(content) = arrived
            .content
            .as_ref()
            .filter(|_| attachment.signs_the_statement())
        else {
            return Ok(None);
        };
        let anchors = &self.attachments.anchors;
        let standing = signature::check(content, statement.sent(), id, anchors, now)
            .map_err(|fault| fault.under(&attachment.pointer))?;
        Ok(Some(standing))
    }

    pub(super) fn into_arrived(self) -> Vec<Arrived> {
        self.arrived.into_values().collect()
    }
}

/// How the signatures of a request stand: a line of the log, where there are any.
fn report(matched: &[Vec<Attached>]) {
    let of = |standing| {
        let signatures = matched.iter().flatten().filter_map(|one| one.signature);
        signatures.filter(|found| *found == standing).count()
    };
    let (unverified, verified) = (of(Standing::Unverified), of(Standing::Verified));
    let (trusted, untrusted) = (of(Standing::Trusted), of(Standing::Untrusted));
    if unverified + verified + trusted + untrusted > 0 {
        tracing::info!(
            unverified,
            verified,
            trusted,
            untrusted,
            "signed statements"
        );
    }
}

fn no_content(attachment: &Declared<'_>) -> Fault {
    Fault {
        pointer: attachment.pointer.clone(),
        rule: "attachment-content",
        section: SECTION,
        detail: "an attachment without fileUrl has a part of the body, found by its sha2"
            .to_owned(),
    }
}

/// A content that is arriving.
#[derive(Debug)]
pub struct Incoming<'i, 'a> {
    intake: &'i mut Intake<'a>,
    key: String,
    digests: Digests,
    upload: Upload,
    content: Option<Vec<u8>>,
}

impl Incoming<'_, '_> {
    /// Takes more of it in.
    pub async fn write(&mut self, chunk: Bytes) -> Result<(), NotTaken> {
        self.weigh(chunk.len() as u64)?;
        self.digests.update(&chunk);
        if let Some(content) = &mut self.content {
            content.extend_from_slice(&chunk);
        }
        Ok(self.upload.write(chunk).await?)
    }

    fn weigh(&mut self, more: u64) -> Result<(), NotTaken> {
        let limits = self.intake.attachments.limits;
        let one = self.digests.length() + more;
        if one > limits.one_bytes {
            return Err(NotTaken::OneTooLarge(limits.one_bytes));
        }
        let of_signatures = if self.content.is_some() { more } else { 0 };
        if self.intake.signature_bytes + of_signatures > limits.signature_bytes {
            return Err(NotTaken::SignaturesTooLarge(limits.signature_bytes));
        }
        if self.intake.bytes + more > limits.request_bytes {
            return Err(NotTaken::AllTooLarge(limits.request_bytes));
        }
        if !self.intake.share.grow(more) {
            return Err(NotTaken::Busy);
        }
        self.intake.bytes += more;
        self.intake.signature_bytes += of_signatures;
        Ok(())
    }

    /// It is whole: is it what its hash says?
    pub async fn finish(self) -> Result<(), NotTaken> {
        let digested = self.digests.finish();
        if digested.declared != self.key {
            return Err(NotTaken::OtherHash);
        }
        let temporary = self.upload.finish().await?;
        // No limit lets a length through that does not fit.
        let length = i64::try_from(digested.length).unwrap_or(i64::MAX);
        let arrived = Arrived {
            sha256: digested.sha256,
            length,
            temporary,
            content: self.content,
        };
        self.intake.arrived.insert(self.key, arrived);
        Ok(())
    }

    /// The bytes so far.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.digests.length()
    }
}

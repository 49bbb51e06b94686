//! What the copies have answered for.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::time::Instant;

use uuid::Uuid;

/// Statements by what was said of them.
#[derive(Default)]
pub(super) struct Ledger {
    /// When each was sent first.
    sent: HashMap<Uuid, Instant>,
    /// Acknowledged, with what tells apart those that were sent under one id.
    acknowledged: HashMap<Uuid, String>,
    /// In a request that was refused for a conflict, and under no other request's name.
    refused: HashSet<Uuid>,
    /// Targets of voidings that were sent.
    voiding: HashSet<Uuid>,
    /// Statements that refer to others, voidings among them, with those.
    pub(super) references: Vec<(Uuid, Uuid)>,
    /// Those whose target came later.
    early: HashSet<Uuid>,
    /// Requests that were sent under an id that was sent before, or at the same time.
    pub(super) duplicates: u64,
    /// Requests that were answered 409.
    pub(super) conflicts: u64,
    /// Tries that were not answered, or with 503.
    pub(super) repeated: u64,
}

impl Ledger {
    /// Before a request is sent for the first time.
    pub(super) fn sends(&mut self, ids: impl IntoIterator<Item = Uuid>) {
        let now = Instant::now();
        for id in ids {
            self.sent.entry(id).or_insert(now);
        }
    }

    /// Before a voiding is sent: from here on its target may be gone from any answer.
    pub(super) fn voids(&mut self, target: Uuid) {
        self.voiding.insert(target);
    }

    /// Before a statement is sent that refers to another.
    pub(super) fn refers(&mut self, from: Uuid, to: Uuid, is_early: bool) {
        self.references.push((from, to));
        if is_early {
            self.early.insert(from);
        }
    }

    /// A statement was acknowledged. Of two that were sent under one id, one alone is.
    pub(super) fn acknowledges(&mut self, id: Uuid, mark: &str) {
        let before = self.acknowledged.insert(id, mark.to_owned());
        assert!(
            before.as_deref().is_none_or(|before| before == mark),
            "{id} was acknowledged as {before:?} and as {mark}"
        );
    }

    /// A statement that only a refused request held.
    pub(super) fn refuses(&mut self, id: Uuid) {
        self.refused.insert(id);
    }

    /// What is acknowledged and was not to be voided, as of now.
    pub(super) fn there(&self) -> HashSet<Uuid> {
        let ids = self.acknowledged.keys().copied();
        ids.filter(|id| !self.voiding.contains(id)).collect()
    }

    /// As [`Self::there`], of those that were sent later than that.
    pub(super) fn there_sent_after(&self, instant: Instant) -> HashSet<Uuid> {
        let mut ids = self.there();
        ids.retain(|id| self.sent[id] > instant);
        ids
    }

    /// Whether a voiding of it was sent.
    pub(super) fn may_be_voided(&self, id: Uuid) -> bool {
        self.voiding.contains(&id)
    }

    /// Whether it refers to what came later: what finds it may change after it was consistent.
    pub(super) fn is_early(&self, id: Uuid) -> bool {
        self.early.contains(&id)
    }

    /// What a statement refers to.
    pub(super) fn target_of(&self, id: Uuid) -> Option<Uuid> {
        let found = self.references.iter().find(|(from, _)| *from == id);
        found.map(|(_, to)| *to)
    }

    /// Everything acknowledged, with its mark.
    pub(super) fn acknowledged(&self) -> &HashMap<Uuid, String> {
        &self.acknowledged
    }

    /// Everything that must not be there.
    pub(super) fn refused(&self) -> impl Iterator<Item = Uuid> {
        self.refused.iter().copied()
    }

    /// Targets of the voidings; each voiding was acknowledged in the end.
    pub(super) fn voided(&self) -> &HashSet<Uuid> {
        &self.voiding
    }

    /// A run that holds nothing of a kind would prove nothing of it.
    pub(super) fn holds_all_that_was_meant(&self) {
        for (what, count) in [
            ("acknowledged", self.acknowledged.len()),
            ("refused", self.refused.len()),
            ("voided", self.voiding.len()),
            ("reference", self.references.len()),
            ("early reference", self.early.len()),
            ("duplicate", self.duplicates as usize),
            ("conflict", self.conflicts as usize),
            ("repetition", self.repeated as usize),
        ] {
            assert!(count > 0, "no {what} in this run");
        }
    }
}

impl fmt::Display for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} acknowledged, {} voided, {} references, {} duplicates, {} conflicts, {} tries repeated",
            self.acknowledged.len(),
            self.voiding.len(),
            self.references.len(),
            self.duplicates,
            self.conflicts,
            self.repeated
        )
    }
}

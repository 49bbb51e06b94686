//! How an answer stands to the one before it, and what that alone changes in the chance of success.
//!
//! The same exercise again at once, another one of the same competency, or something else; after a right
//! answer or a wrong one. It is neither mastery nor memory: it enters the prediction only, and so takes
//! its part of the surprise away from them. What hints, corrections and retries leave behind for a minute
//! is caught here, without any column that tells of them.
//!
//! Where a correction was shown in between, the same exercise at once is right for another reason than what
//! the pupil knows and what the exercise asks: then what lasts counts only in part ([`Before::factor`]), and
//! the answer says as much less of it.
//!
//! An answer after a right one to something else is what the five are measured against: a weight for it
//! as well could not be told from the items' difficulties.

use crate::hyper::Hyper;

/// The answer before, seen from this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Before {
    /// Whether it was to the same item.
    pub same_item: bool,
    /// Whether its item has the same main competency.
    pub same_competency: bool,
    /// Whether it was right.
    pub correct: bool,
}

/// What stands beside ability and memory in an answer's sum: the answer before, and how often the item was
/// answered rightly and wrongly.
///
/// `right` and `wrong` are `ln(1 + n)` of the pupil's answers to the item.
#[must_use]
pub fn beside(hyper: &Hyper, before: Option<Before>, right: f64, wrong: f64) -> f64 {
    let before = before.map_or(0.0, |before| before.weight(hyper));
    hyper.er * right + hyper.ew * wrong + before
}

impl Before {
    /// What it adds to the logit of success.
    #[must_use]
    pub fn weight(self, hyper: &Hyper) -> f64 {
        match (self.same_item, self.same_competency, self.correct) {
            (true, _, true) => hyper.rr,
            (true, _, false) => hyper.rw,
            (false, true, true) => hyper.sr,
            (false, true, false) => hyper.sw,
            (false, false, true) => 0.0,
            (false, false, false) => hyper.ow,
        }
    }

    /// The share in which ability, the form of the session, the memory of the item and its difficulty
    /// count: 1 but for the same item again at once.
    #[must_use]
    pub fn factor(self, hyper: &Hyper) -> f64 {
        match (self.same_item, self.correct) {
            (true, true) => hyper.kr,
            (true, false) => hyper.kw,
            (false, _) => 1.0,
        }
    }
}

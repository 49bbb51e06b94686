//! The thresholds of a framework: how a figure becomes a degree, and when the degree may be shown.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::document::Faults;

/// How a figure becomes a degree, and when the degree may be shown.
///
/// What is left out of a document is as in the default. The default's cuts are a proposal, not the ministry's: its own
/// were not found. To match the published national shares, choose the cuts so that the shares over consenting pupils
/// equal them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Scale {
    /// The five cuts of M between the six degrees, rising, in `]0, 1[`.
    pub cuts: [f64; 5],
    /// A degree is kept while M stays within this distance of its own cuts.
    pub band: f64,
    /// The degree is shown when the posterior mass within one degree of it reaches this.
    pub confidence: f64,
    /// Answers that a competency needs before a degree is shown.
    pub competency_answers: u32,
    /// Answers that a domain needs before a degree is shown.
    pub domain_answers: u32,
    /// Competencies met that a domain needs before a degree is shown.
    pub domain_competencies: u32,
}

/// What a width of decimal cuts may be off by.
const ROUNDING: f64 = 1e-9;

impl Default for Scale {
    fn default() -> Self {
        Self {
            cuts: [0.40, 0.55, 0.65, 0.75, 0.85],
            band: 0.02,
            confidence: 0.8,
            competency_answers: 3,
            domain_answers: 5,
            domain_competencies: 2,
        }
    }
}

impl Scale {
    /// A scale out of a document, where `status` may say where it comes from.
    pub(super) fn read(value: &Value) -> Result<Self, serde_json::Error> {
        let mut value = value.clone();
        if let Some(members) = value.as_object_mut() {
            members.remove("status");
        }
        Self::deserialize(value)
    }

    pub(super) fn check(&self, faults: &mut Faults) {
        let mut tell = |name: &str, rule, detail| {
            faults.tell(format!("/levels/scale/{name}"), rule, detail);
        };
        let is_inside = |cut: &f64| 0.0 < *cut && *cut < 1.0;
        let rises = self.cuts.windows(2).all(|two| two[0] < two[1]);
        if !(rises && self.cuts.iter().all(is_inside)) {
            let detail = "the cuts are five numbers between 0 and 1, both left out, each above the one before";
            tell("cuts", "framework-scale-cuts", detail);
        } else if !(0.0..=self.narrowest() / 2.0 + ROUNDING).contains(&self.band) {
            // So the middle of the next degree never lies within the band of the last one.
            let detail = "the band is a number from 0 to half of the narrowest degree";
            tell("band", "framework-scale-band", detail);
        }
        if !(0.0..1.0).contains(&self.confidence) {
            let detail =
                "the confidence is a number from 0 to 1, 1 left out, which nothing reaches";
            tell("confidence", "framework-scale-confidence", detail);
        }
        for (name, count) in [
            ("competency_answers", self.competency_answers),
            ("domain_answers", self.domain_answers),
            ("domain_competencies", self.domain_competencies),
        ] {
            if count == 0 {
                let detail =
                    "a degree is shown after one answer at the earliest: the count is 1 or more";
                tell(name, "framework-scale-count", detail);
            }
        }
    }

    /// Width of the narrowest degree, in M.
    fn narrowest(&self) -> f64 {
        let ends = self.cuts.into_iter().chain([1.0]);
        let mut lower = 0.0;
        let widths = ends.map(|end| end - std::mem::replace(&mut lower, end));
        widths.fold(1.0, f64::min)
    }
}

//! An evaluation that was made outside: a pseudo-answer to the competency's reference item.
//!
//! It moves general ability, domain and competency as an answer does, by the same step, and counts as
//! one practice of the competency. It belongs to no session and to no item, so the form of the session,
//! the memory of items, the retry and the pupil's count of answers stay as they are.

use serde::{Deserialize, Serialize};

use crate::hyper::Scale;
use crate::model::{Item, Model};
use crate::shown::Degree;
use crate::state::{Gain, Moment, PupilState, Step};
use crate::trace::{Before, Trace};

/// What an evaluation found.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Finding {
    /// The share of success, in `[0, 1]`.
    Share(f64),
    /// The degree that was given.
    Degree(Degree),
}

impl Finding {
    /// The y of the model: a share as it is, a degree as the middle of its M.
    #[must_use]
    pub fn outcome(self, scale: &Scale) -> f64 {
        match self {
            Self::Share(share) => share.clamp(0.0, 1.0),
            Self::Degree(degree) => {
                let (low, high) = degree.range(scale);
                f64::midpoint(low, high)
            }
        }
    }
}

impl PupilState {
    /// Folds an evaluation of a competency, `item` being its [`Model::reference_item`], at a time in
    /// [`crate::seconds`].
    pub fn evaluate(&mut self, model: &Model, item: &Item, finding: Finding, t: f64) {
        self.evaluation_step(model, item, finding, Moment::new(Some(t)));
    }

    /// [`PupilState::evaluate`], with what it did.
    pub fn evaluate_traced(
        &mut self,
        model: &Model,
        item: &Item,
        finding: Finding,
        t: f64,
    ) -> Trace {
        let now = Moment::new(Some(t));
        let before = Before::of(self, model, item, now);
        let step = self.evaluation_step(model, item, finding, now);
        before.trace(self, model, item, step, None)
    }

    fn evaluation_step(
        &mut self,
        model: &Model,
        item: &Item,
        finding: Finding,
        now: Moment,
    ) -> Step {
        let hyper = model.subject_of(item).hyper();
        let y = finding.outcome(model.scale());
        let (theta, v_theta) = self.touch(model, item, now);
        let a = item.params().a;
        let (x, v) = (a * theta - item.params().b, a * a * v_theta);
        let (p, gain) = Gain::of(x, v, item.params().s2, y);
        self.update_competencies(hyper, item, gain, now, false);
        self.update_general(hyper, a, gain);
        self.update_degrees(model, item, now);
        Step {
            y,
            factor: 1.0,
            theta: (theta, v_theta),
            before: (0.0, 0.0),
            x: (x, v),
            p,
            residual: gain.e,
            weight: gain.w,
        }
    }
}

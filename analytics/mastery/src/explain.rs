//! Why a competency stands where it stands: its mean as a sum of named parts, on the logit scale.
//!
//! The mean of a competency is general ability + domain + faded deviation + level of practice. Each
//! answer moved some of these; what it still adds now is its moves, the deviation's faded as the model
//! fades it, and the practice that it added. Beside the answers stand where the fold started from and
//! what the time since the last practice took. What floating-point arithmetic makes of adding them in
//! this order instead of the fold's is told as a part of its own.

use crate::model::{Competency, Model};
use crate::state::{Moment, PupilState};
use crate::trace::Trace;

/// What one answer adds to a competency's mean now, in logits.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Added {
    /// Through general ability.
    pub general: f64,
    /// Through the domain.
    pub domain: f64,
    /// Through the competency's own deviation, faded to now.
    pub competency: f64,
    /// By having practised.
    pub practice: f64,
}

impl Added {
    /// All of it.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.general + self.domain + self.competency + self.practice
    }
}

/// A competency's mean as a sum: prior + every answer's total + time + rounding.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// The mean that is explained.
    pub mean: f64,
    /// Its variance.
    pub variance: f64,
    /// What the fold started from: general ability and domain, 0 unless a profile was declared.
    pub prior: f64,
    /// The variance that the fold started from.
    pub prior_variance: f64,
    /// What each answer adds, in the order in which they were folded.
    pub answers: Vec<Added>,
    /// What the time since the last practice took from the level of practice: 0 or below.
    pub time: f64,
    /// What is left by the rounding of floating-point sums.
    pub rounding: f64,
}

impl Explanation {
    /// The mean of a competency at a time, explained by the answers that led from the state `start`,
    /// before the first one, to `end`.
    #[must_use]
    pub fn of<'a>(
        model: &Model,
        start: &PupilState,
        end: &PupilState,
        competency: &Competency,
        traces: impl DoubleEndedIterator<Item = &'a Trace>,
        t: Option<f64>,
    ) -> Self {
        let now = Moment::new(t);
        let subject = model.subject_of_competency(competency);
        let key = competency.key();
        let (mean, variance) = end.level(model, competency, t);
        let (prior, prior_variance) = start.level(model, competency, None);
        let practice = end.practice(subject, key);
        let time = end.competency_at(subject, key, now).practice - practice;
        let mut kept = end.kept(subject, key, now);
        let mut answers: Vec<Added> = traces
            .rev()
            .map(|trace| added(trace, competency, &mut kept))
            .collect();
        answers.reverse();
        let sum = prior + answers.iter().map(Added::total).sum::<f64>() + time;
        Self {
            mean,
            variance,
            prior,
            prior_variance,
            answers,
            time,
            rounding: mean - sum,
        }
    }

    /// Places of the answers, the one that moved the mean most first; of equal ones the earlier.
    #[must_use]
    pub fn by_size(&self) -> Vec<usize> {
        let size = |place: usize| self.answers[place].total().abs();
        let mut places: Vec<usize> = (0..self.answers.len()).collect();
        places.sort_by(|&a, &b| size(b).total_cmp(&size(a)));
        places
    }
}

/// What an answer adds; `kept` is what later fading leaves of its deviation, taken back in time from
/// answer to answer.
fn added(trace: &Trace, competency: &Competency, kept: &mut f64) -> Added {
    let domain = trace
        .domains
        .iter()
        .find(|domain| domain.domain == competency.domain_key());
    let own = trace
        .competencies
        .iter()
        .find(|own| own.competency == competency.key());
    let mut added = Added {
        general: trace.general.delta(),
        domain: domain.map_or(0.0, |domain| domain.node.delta()),
        ..Added::default()
    };
    if let Some(own) = own {
        added.competency = own.node.delta() * *kept;
        added.practice = own.practice;
        *kept *= own.kept;
    }
    added
}

/// Rounds figures to whole units so that they add up to the rounded total, by largest remainders.
///
/// Gives the units of each figure and those of the total. The figures add up to `total` but for
/// rounding errors far below a unit.
#[must_use]
pub fn rounded(figures: &[f64], total: f64, unit: f64) -> (Vec<i64>, i64) {
    let total = whole((total / unit).round());
    let mut units: Vec<i64> = figures.iter().map(|f| whole((f / unit).floor())).collect();
    let short = total - units.iter().sum::<i64>();
    let remainder = |place: usize| {
        let exact = figures[place] / unit;
        exact - exact.floor()
    };
    let mut places: Vec<usize> = (0..figures.len()).collect();
    // Of equal remainders the larger figure is rounded up: a small one is told as nothing sooner.
    places.sort_by(|&a, &b| {
        remainder(b)
            .total_cmp(&remainder(a))
            .then(figures[b].abs().total_cmp(&figures[a].abs()))
    });
    let step = short.signum();
    if step < 0 {
        places.reverse();
    }
    let count = usize::try_from(short.abs()).unwrap_or(0);
    for &place in places.iter().cycle().take(count) {
        units[place] += step;
    }
    (units, total)
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "logits in hundredths: far below 2^53"
)]
fn whole(value: f64) -> i64 {
    value as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounded_figures_add_up_to_the_rounded_total() {
        let thirds = [1.0 / 3.0; 3];
        assert_eq!(rounded(&thirds, 1.0, 0.01), (vec![34, 33, 33], 100));
        let mixed = [0.214, 0.081, 0.119, -0.143];
        let (units, total) = rounded(&mixed, mixed.iter().sum(), 0.01);
        assert_eq!((units, total), (vec![21, 8, 12, -14], 27));
        assert_eq!(rounded(&[], 0.0, 0.01), (vec![], 0));
        // The rounding of a sum may fall on the other side of a half.
        let (units, total) = rounded(&[0.5 - 1e-12], 0.5, 1.0);
        assert_eq!((units, total), (vec![1], 1));
        let (units, total) = rounded(&[1.0 - 1e-12, 1.0 - 1e-12], 2.0 - 2e-12, 1.0);
        assert_eq!((units, total), (vec![1, 1], 2));
    }
}

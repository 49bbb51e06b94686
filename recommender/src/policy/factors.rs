//! What is measured of a pupil before a policy chooses: one option per competency, each with the
//! exercises that are left for it.

use mastery::maths::{exp, sigmoid};
use mastery::{Mastery, PupilState};
use serde::Serialize;

use super::tie;
use crate::catalogue::Index;
use crate::pupil::PupilView;

/// Mastery of the prerequisites at which half of the way is open. Constants of this module were
/// chosen among 18 settings of the policy in simulated worlds.
const PREREQUISITE_MIDDLE: f64 = 0.55;
const PREREQUISITE_SLOPE: f64 = 8.0;
/// Mastery that is enough.
const GOAL: f64 = 0.95;
/// What a competency weighs that the pupil knows nothing of.
const GAP_FLOOR: f64 = 0.1;
/// Mastery, just after practice, from which forgetting is worth a review.
const REVIEW_FROM: f64 = 0.6;
const REVIEW_WEIGHT: f64 = 4.0;
/// Weight of a recent exercise on the same competency.
const VARIETY_WEIGHT: f64 = 0.6;
/// Expected success at which an exercise teaches most, and how fast it teaches less around it.
const FIT_CENTRE: f64 = 0.75;
const FIT_WIDTH: f64 = 0.18;
/// What an exercise is worth that was done before.
const DONE_BEFORE: f64 = 0.7;

/// What the score of an exercise is made of.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Factors {
    /// How open the competency is: 1 without prerequisites, else by their mean mastery.
    pub pre: f64,
    /// How much is left to master.
    pub gap: f64,
    /// How much forgetting took that a review brings back.
    pub review: f64,
    /// How little the competency was practised in this session and in this list.
    pub variety: f64,
    /// How near the expected success is to 3 in 4.
    pub fit: f64,
    /// 1 for an exercise never done, less for one done before.
    pub new: f64,
    /// What the exercise was chosen by.
    pub score: f64,
}

/// An exercise that may be chosen.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Candidate {
    pub(crate) activity: usize,
    pub(crate) expected_success: f64,
    pub(crate) fit: f64,
    pub(crate) new: f64,
    pub(crate) tie: u64,
}

impl Candidate {
    /// What the exercise adds to its competency's claim.
    pub(crate) fn worth(&self) -> f64 {
        self.fit * self.new
    }
}

/// A competency with exercises left.
#[derive(Debug, Clone)]
pub(crate) struct CompetencyOption {
    pub(crate) subject: usize,
    pub(crate) mastery: Mastery,
    pub(crate) since_practice_s: Option<f64>,
    pub(crate) pre: f64,
    /// Mean M of the prerequisites; `None` without any.
    pub(crate) prerequisites_m: Option<f64>,
    pub(crate) gap: f64,
    pub(crate) review: f64,
    pub(crate) recent: f64,
    /// The exercises left, the best one last.
    pub(crate) candidates: Vec<Candidate>,
}

impl CompetencyOption {
    /// How much less a competency counts that was practised lately.
    pub(crate) fn variety(&self) -> f64 {
        1.0 / (1.0 + VARIETY_WEIGHT * self.recent)
    }

    /// The best exercise left.
    pub(crate) fn best(&self) -> Option<&Candidate> {
        self.candidates.last()
    }

    /// The factors of its best exercise, scored by `score`.
    pub(crate) fn factors(&self, best: &Candidate, score: f64) -> Factors {
        Factors {
            pre: self.pre,
            gap: self.gap,
            review: self.review,
            variety: self.variety(),
            fit: best.fit,
            new: best.new,
            score,
        }
    }
}

/// Every competency that has exercises left for a pupil at a time.
#[derive(Debug, Clone)]
pub(crate) struct Options(pub(crate) Vec<CompetencyOption>);

impl Options {
    /// Measures a pupil against a catalogue.
    pub(crate) fn of(pupil: &PupilView, index: &Index, now: f64, seed: u64) -> Self {
        let subjects = index.model().subjects();
        let mut options = Vec::new();
        for (s, subject) in subjects.iter().enumerate() {
            let state = pupil.state(s);
            let m: Vec<f64> = subject
                .competencies()
                .iter()
                .map(|competency| state.m(index.model(), competency, Some(now)))
                .collect();
            for c in 0..subject.competencies().len() {
                let mut candidates = candidates(state, index, (s, c), now, seed);
                if candidates.is_empty() {
                    continue;
                }
                candidates.sort_unstable_by(|a, b| {
                    a.worth().total_cmp(&b.worth()).then(a.tie.cmp(&b.tie))
                });
                options.push(option(state, index, (s, c), &m, now, candidates));
            }
        }
        Self(options)
    }
}

fn option(
    state: &PupilState,
    index: &Index,
    (s, c): (usize, usize),
    m: &[f64],
    now: f64,
    candidates: Vec<Candidate>,
) -> CompetencyOption {
    let model = index.model();
    let subject = &model.subjects()[s];
    let competency = &subject.competencies()[c];
    let mastery = state.competency(model, competency, Some(now));
    let prerequisites_m = mean(competency.prerequisites().iter().map(|&p| m[p]));
    CompetencyOption {
        subject: s,
        since_practice_s: mastery.last.map(|last| (now - last).max(0.0)),
        pre: prerequisites_m.map_or(1.0, |mean| {
            sigmoid(PREREQUISITE_SLOPE * (mean - PREREQUISITE_MIDDLE))
        }),
        prerequisites_m,
        gap: (GOAL - m[c]).max(0.0) * (GAP_FLOOR + m[c]),
        review: review(m[c], state.m_just_practised(model, competency, Some(now))),
        recent: state.recent(subject, competency.key(), Some(now)),
        mastery,
        candidates,
    }
}

fn review(m: f64, just_practised: f64) -> f64 {
    if just_practised > REVIEW_FROM {
        REVIEW_WEIGHT * (just_practised - m).max(0.0)
    } else {
        0.0
    }
}

/// The exercises of a competency that were not done in this session.
fn candidates(
    state: &PupilState,
    index: &Index,
    (s, c): (usize, usize),
    now: f64,
    seed: u64,
) -> Vec<Candidate> {
    let model = index.model();
    let left = index.of_competency(s, c).iter().filter(|&&activity| {
        let key = index.activity(activity).item.key();
        !state.done_in_session(&model.subjects()[s], key, Some(now))
    });
    left.map(|&activity| {
        let item = &index.activity(activity).item;
        let expected_success = state.predict(model, item, Some(now));
        let distance = (expected_success - FIT_CENTRE) / FIT_WIDTH;
        Candidate {
            activity,
            expected_success,
            fit: exp(-0.5 * distance * distance),
            new: if state.item(item.key()).is_some() {
                DONE_BEFORE
            } else {
                1.0
            },
            tie: tie(seed, item.key()),
        }
    })
    .collect()
}

/// The mean of what there is; `None` of nothing.
pub(crate) fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, n) = values.fold((0.0, 0.0), |(sum, n), value| (sum + value, n + 1.0));
    (n > 0.0).then(|| sum / n)
}

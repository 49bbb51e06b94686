//! The programme in its order, competency after competency: a plain policy to compare others with.

use super::factors::{CompetencyOption, Options};
use super::{Policy, Recommendation, Rule};
use crate::catalogue::Index;
use crate::pupil::PupilView;

/// M from which a competency is left for the next one.
const MASTERED: f64 = 0.8;

/// In each subject, exercises of the first competency, in the framework's order, whose M is below
/// .8, drawn by the seed; then of the next one. Subjects take turns.
#[derive(Debug, Clone, Copy)]
pub struct Seuil;

impl Seuil {
    /// Its name.
    pub const NAME: &'static str = "seuil";
}

impl Policy for Seuil {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn version(&self) -> &'static str {
        "1"
    }

    fn next(
        &self,
        pupil: &PupilView,
        index: &Index,
        now: f64,
        limit: usize,
        seed: u64,
    ) -> Vec<Recommendation> {
        let Options(mut options) = Options::of(pupil, index, now, seed);
        options.retain(|option| option.mastery.m < MASTERED);
        for option in &mut options {
            option
                .candidates
                .sort_unstable_by_key(|candidate| candidate.tie);
        }
        let mut list = Vec::new();
        let subjects = index.model().subjects().len();
        while list.len() < limit {
            let before = list.len();
            for subject in (0..subjects).take(limit - before) {
                list.extend(first_of(&mut options, subject));
            }
            if list.len() == before {
                break;
            }
        }
        list
    }
}

/// The next exercise of a subject.
fn first_of(options: &mut [CompetencyOption], subject: usize) -> Option<Recommendation> {
    let option = options
        .iter_mut()
        .find(|option| option.subject == subject && option.best().is_some())?;
    let next = option.candidates.pop()?;
    Some(Recommendation {
        activity: next.activity,
        mastery: option.mastery,
        expected_success: next.expected_success,
        since_practice_s: option.since_practice_s,
        factors: option.factors(&next, MASTERED - option.mastery.m),
        rule: Rule::Gap,
    })
}

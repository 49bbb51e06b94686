//! Exercises in the zone of proximal development: where something is to be gained, where what it
//! rests on is there, and where success is likely without being certain.

use mastery::state::RECENT_FADING;

use super::factors::{Candidate, CompetencyOption, Options, mean};
use super::{Policy, Recommendation, Rule};
use crate::catalogue::Index;
use crate::pupil::PupilView;

/// What a review weighs against a gap.
const REVIEW_AGAINST_GAP: f64 = 2.0;

/// Mean mastery of the prerequisites from which they are a reason to give: the third degree is
/// passed.
const PREREQUISITES_SOLID: f64 = 0.65;

/// The policy of `docs/concepts/recommendation.md`.
///
/// The score of an exercise is `pre · (gap + 2·review) · variety · fit · new`; the best one is
/// taken, then counts as done in this session for those that follow.
#[derive(Debug, Clone, Copy)]
pub struct ZoneProximale;

impl ZoneProximale {
    /// Its name.
    pub const NAME: &'static str = "zone-proximale";
}

impl Policy for ZoneProximale {
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
        let ordinary = Ordinary::of(&options);
        let mut list = Vec::new();
        while list.len() < limit {
            let Some(chosen) = best(&options) else {
                break;
            };
            list.push(take(&mut options, chosen, &ordinary));
        }
        list
    }
}

/// The option whose best exercise has the highest score.
fn best(options: &[CompetencyOption]) -> Option<usize> {
    let scored = options.iter().enumerate().filter_map(|(place, option)| {
        let best = option.best()?;
        Some((place, score(option, best), best.tie))
    });
    scored
        .max_by(|a, b| a.1.total_cmp(&b.1).then(a.2.cmp(&b.2)))
        .map(|(place, ..)| place)
}

fn score(option: &CompetencyOption, candidate: &Candidate) -> f64 {
    let claim = option.pre * (option.gap + REVIEW_AGAINST_GAP * option.review) * option.variety();
    claim * candidate.worth()
}

/// Takes the best exercise of an option, and lets it count as done in this session.
fn take(options: &mut [CompetencyOption], chosen: usize, ordinary: &Ordinary) -> Recommendation {
    let option = &mut options[chosen];
    let rule = ordinary.rule(option);
    let best = option
        .candidates
        .pop()
        .expect("only options with an exercise left are chosen");
    let factors = option.factors(&best, score(option, &best));
    let recommendation = Recommendation {
        activity: best.activity,
        mastery: option.mastery,
        expected_success: best.expected_success,
        since_practice_s: option.since_practice_s,
        factors,
        rule,
    };
    let subject = option.subject;
    for other in options.iter_mut().filter(|other| other.subject == subject) {
        other.recent *= RECENT_FADING;
    }
    options[chosen].recent += 1.0;
    recommendation
}

/// The mean of each factor over all options, each with its best exercise, before anything is
/// chosen: what a reason is measured against.
#[derive(Debug)]
struct Ordinary {
    gap: f64,
    pre: f64,
    fit: f64,
}

impl Ordinary {
    fn of(options: &[CompetencyOption]) -> Self {
        let over =
            |factor: fn(&CompetencyOption) -> f64| mean(options.iter().map(factor)).unwrap_or(0.0);
        Self {
            gap: over(|o| o.gap),
            pre: over(|o| o.pre),
            fit: over(fit),
        }
    }

    /// What made an option the first: a review where forgetting weighs more than what is left to
    /// learn; else the factor that stands out most over the ordinary.
    fn rule(&self, option: &CompetencyOption) -> Rule {
        if REVIEW_AGAINST_GAP * option.review > option.gap {
            return Rule::Review;
        }
        let lift = |value: f64, ordinary: f64| {
            if ordinary > 0.0 {
                value / ordinary
            } else {
                0.0
            }
        };
        let solid = option
            .prerequisites_m
            .is_some_and(|m| m >= PREREQUISITES_SOLID);
        let prerequisite = if solid {
            lift(option.pre, self.pre)
        } else {
            0.0
        };
        let gap = lift(option.gap, self.gap);
        let difficulty = lift(fit(option), self.fit);
        if gap >= prerequisite && gap >= difficulty {
            Rule::Gap
        } else if prerequisite >= difficulty {
            Rule::Prerequisite
        } else {
            Rule::Difficulty
        }
    }
}

/// How well the difficulty of an option's best exercise fits.
fn fit(option: &CompetencyOption) -> f64 {
    option.best().map_or(0.0, |best| best.fit)
}

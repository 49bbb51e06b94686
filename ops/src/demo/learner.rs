//! A pupil of the demo from within: what the pupil really can do, how it grows with practice and
//! fades without. The service never sees any of it.
//!
//! This is deliberately not the model that Sillage estimates (`mastery`): answers come from a
//! three-parameter curve with guesses and slips, learning depends on how well the difficulty fits,
//! and forgetting is a power law with spacing. What the service finds, it finds from the answers.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::catalogue::{Exercises, Kind};
use super::seed::{Seed, chance, normal};

/// Chance to be right without knowing, by kind of exercise.
const GUESS_CHOICE: f64 = 0.2;
const GUESS_SEQUENCING: f64 = 0.1;

/// Chance to be wrong though one knows.
const SLIP: f64 = 0.04;

/// The most that practice adds to a talent, on the logit scale.
const CEILING: f64 = 1.6;

/// What one well-chosen exercise adds, as a share of what is left to learn.
const GAIN: f64 = 0.16;

/// Days after which a fresh trace has lost its first part.
const HALF_LIFE_DAYS: f64 = 1.5;

/// How steep the forgetting is at first; practice at intervals flattens it.
const DECAY: f64 = 0.35;

/// True difficulty of every exercise, which the catalogue only tells by a level.
#[derive(Debug)]
pub(crate) struct Difficulties(Vec<Vec<f64>>);

impl Difficulties {
    /// Around the level of the series, with what no author can foresee.
    pub(crate) fn draw(seed: Seed, exercises: &Exercises) -> Self {
        let mut rng = seed.stream("difficulties");
        let series = exercises.series.iter().map(|series| {
            let middle = -1.9 + 0.6 * f64::from(series.level);
            series
                .exercises
                .iter()
                .map(|_| normal(&mut rng, middle, 0.3))
                .collect()
        });
        Self(series.collect())
    }

    /// Difficulty of an exercise of a series.
    pub(crate) fn of(&self, series: usize, exercise: usize) -> f64 {
        self.0[series][exercise]
    }
}

/// One competency of one pupil.
#[derive(Clone, Copy, Debug)]
struct Trace {
    talent: f64,
    learnt: f64,
    decay: f64,
    last_s: i64,
}

impl Trace {
    fn at(&self, now_s: i64) -> f64 {
        let days = seconds(now_s - self.last_s) / 86_400.0;
        self.talent + self.learnt * libm::pow(1.0 + days / HALF_LIFE_DAYS, -self.decay)
    }

    /// Practice at the right difficulty teaches most; coming back after a day makes it last.
    fn practise(&mut self, success: f64, now_s: i64) {
        let kept = self.at(now_s) - self.talent;
        let fit = libm::exp(-libm::pow((success - 0.65) / 0.3, 2.0));
        self.learnt = kept + GAIN * (0.25 + 0.75 * fit) * (CEILING - kept).max(0.0);
        if now_s - self.last_s > 86_400 {
            self.decay *= 0.8;
        }
        self.last_s = now_s;
    }
}

/// A pupil.
#[derive(Debug)]
pub(crate) struct Learner {
    traces: Vec<Trace>,
    /// Chance to work on an evening of the week.
    pub(crate) diligence: f64,
    /// Seconds that a middling exercise takes.
    pace_s: f64,
}

/// What came of one try.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outcome {
    /// In thirds where there is partial credit, else 0 or 1.
    pub(crate) scaled: f64,
    pub(crate) duration_ms: i64,
    pub(crate) hints: u8,
}

impl Learner {
    /// Talents: a general one, one per domain, one per competency. `start_s` is the first day.
    pub(crate) fn draw(rng: &mut ChaCha8Rng, exercises: &Exercises, start_s: i64) -> Self {
        let general = normal(rng, 0.0, 0.8);
        let domains = exercises
            .competencies
            .iter()
            .map(|practised| practised.domain + 1)
            .max()
            .unwrap_or(0);
        let domains: Vec<f64> = (0..domains).map(|_| normal(rng, 0.0, 0.5)).collect();
        let traces = exercises.competencies.iter().map(|practised| Trace {
            talent: general + domains[practised.domain] + normal(rng, 0.0, 0.4),
            learnt: 0.0,
            decay: DECAY,
            last_s: start_s,
        });
        let traces = traces.collect();
        Self {
            traces,
            diligence: rng.random_range(0.1..0.6),
            pace_s: libm::exp(normal(rng, 3.3, 0.25)),
        }
    }

    /// The level of the series that suits the pupil, as the pupil sees it: with an error.
    pub(crate) fn suiting_level(&self, rng: &mut ChaCha8Rng, competency: usize, now_s: i64) -> u8 {
        let ability = self.traces[competency].at(now_s) + normal(rng, -0.3, 0.6);
        let level = ((ability + 1.9) / 0.6).round().clamp(1.0, 6.0);
        (1..=6)
            .min_by(|a, b| {
                (f64::from(*a) - level)
                    .abs()
                    .total_cmp(&(f64::from(*b) - level).abs())
            })
            .unwrap_or(1)
    }

    /// One try at an exercise of that difficulty; a second try just after the first knows more.
    pub(crate) fn answer(&mut self, rng: &mut ChaCha8Rng, asked: Asked, now_s: i64) -> Outcome {
        let trace = &mut self.traces[asked.competency];
        let retry = if asked.attempt > 1 { 0.9 } else { 0.0 };
        let known = logistic(1.2 * (trace.at(now_s) + retry - asked.difficulty));
        let guess = if asked.kind == Kind::Choice {
            GUESS_CHOICE
        } else {
            GUESS_SEQUENCING
        };
        let success = guess + (1.0 - guess - SLIP) * known;
        trace.practise(success, now_s);
        let scaled = score(rng, asked.kind, success);
        let hints =
            u8::from(chance(rng, 0.3 * (1.0 - known))) + u8::from(chance(rng, 0.1 * (1.0 - known)));
        let slowness = libm::exp(normal(rng, 0.6 * (0.5 - known), 0.35));
        Outcome {
            scaled,
            duration_ms: milliseconds(self.pace_s * slowness),
            hints,
        }
    }
}

/// What is asked of a pupil.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    pub(crate) competency: usize,
    pub(crate) kind: Kind,
    pub(crate) difficulty: f64,
    pub(crate) attempt: u8,
}

/// All or nothing for a choice; a sequence that is not right may be right in part.
fn score(rng: &mut ChaCha8Rng, kind: Kind, success: f64) -> f64 {
    if chance(rng, success) {
        return 1.0;
    }
    match kind {
        Kind::Choice => 0.0,
        Kind::Sequencing => [0.0, 1.0 / 3.0, 2.0 / 3.0][rng.random_range(0..3)],
    }
}

fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + libm::exp(-x))
}

/// Spans of a fortnight: far below where a double loses seconds.
fn seconds(span_s: i64) -> f64 {
    span_s.max(0) as f64
}

/// Between two seconds and five minutes: what stays longer on a page is a pause, not an answer.
fn milliseconds(duration_s: f64) -> i64 {
    (duration_s.clamp(2.0, 300.0) * 10.0).round() as i64 * 100
}

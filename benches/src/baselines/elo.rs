//! Elo ratings of the pupil, of the pupil in each competency and of the item (Pelánek 2016).
//!
//! `P = σ(θ + mean of θ_k − d)`; after an answer each moves by `K(n)·(y − P)`, `K(n) = a/(1 + b·n)` with
//! its own count `n`. Items are rated while the training pupils answer and stand still afterwards.

use std::collections::HashMap;

use fit::{Answer, Answers, Predicted, loss};
use mastery::maths::{logit, sigmoid};

use super::base_rate;

/// `a` and `b` are chosen of these by log loss over the training answers, each told before it counts.
const SCALES: [f64; 4] = [0.4, 0.8, 1.2, 1.8];
const FADINGS: [f64; 4] = [0.02, 0.05, 0.1, 0.2];

/// A rating and how many answers it rests on.
#[derive(Clone, Copy, Debug, Default)]
struct Rating {
    value: f64,
    answers: f64,
}

#[derive(Clone, Copy, Debug)]
struct Steps {
    scale: f64,
    fading: f64,
}

impl Rating {
    fn step(&mut self, steps: Steps, residual: f64) {
        self.value += steps.scale / (1.0 + steps.fading * self.answers) * residual;
        self.answers += 1.0;
    }
}

/// What is known of a pupil.
#[derive(Debug, Default)]
struct Pupil {
    general: Rating,
    competencies: HashMap<usize, Rating>,
}

impl Pupil {
    fn expected(&self, competencies: &[usize], difficulty: f64) -> f64 {
        let known = competencies.iter().filter_map(|k| self.competencies.get(k));
        let sum: f64 = known.map(|rating| rating.value).sum();
        sigmoid(self.general.value + sum / competencies.len() as f64 - difficulty)
    }

    fn step(&mut self, competencies: &[usize], steps: Steps, residual: f64) {
        self.general.step(steps, residual);
        for competency in competencies {
            let rating = self.competencies.entry(*competency).or_default();
            rating.step(steps, residual);
        }
    }
}

/// Learns and predicts.
pub(super) fn predict(train: &Answers, test: &Answers) -> Vec<Predicted> {
    let tried = SCALES.iter().flat_map(|&scale| {
        FADINGS.iter().map(move |&fading| {
            let steps = Steps { scale, fading };
            let (items, cost) = rate(train, steps);
            (cost, steps, items)
        })
    });
    let best = tried.min_by(|one, other| one.0.total_cmp(&other.0));
    let (_, steps, items) = best.expect("there are settings to try");
    let mut told = Vec::new();
    for of_pupil in test.pupils() {
        let mut pupil = Pupil::default();
        for answer in &of_pupil.answers {
            let competencies = &test.items()[answer.item];
            let expected = pupil.expected(competencies, items[answer.item].value);
            told.push(Predicted {
                expected,
                correct: answer.correct,
            });
            pupil.step(competencies, steps, outcome(answer) - expected);
        }
    }
    told
}

/// The items' ratings, and the log loss on the way.
fn rate(train: &Answers, steps: Steps) -> (Vec<Rating>, f64) {
    let start = Rating {
        value: -logit(base_rate(train)),
        answers: 0.0,
    };
    let mut items = vec![start; train.items().len()];
    let mut cost = 0.0;
    for of_pupil in train.pupils() {
        let mut pupil = Pupil::default();
        for answer in &of_pupil.answers {
            let competencies = &train.items()[answer.item];
            let item = &mut items[answer.item];
            let expected = pupil.expected(competencies, item.value);
            let residual = outcome(answer) - expected;
            cost += loss(expected, outcome(answer));
            pupil.step(competencies, steps, residual);
            item.step(steps, -residual);
        }
    }
    (items, cost)
}

fn outcome(answer: &Answer) -> f64 {
    f64::from(u8::from(answer.correct))
}

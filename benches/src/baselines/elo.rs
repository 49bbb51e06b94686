//! Elo ratings of the pupil, of the pupil in each competency and of the item (Pelánek 2016).
//!
//! `P = σ(θ + mean of θ_k − d)`; after an answer each moves by `K(n)·(y − P)`, `K(n) = a/(1 + b·n)` with
//! its own count `n`, and `a` and `b` of its kind. Items are rated while the training pupils answer and stand
//! still afterwards.

use std::collections::HashMap;

use fit::{Answer, Answers, Predicted, loss};
use mastery::maths::{logit, sigmoid};

use super::base_rate;

/// Where the search of `a` and `b` begins, for each kind.
const START: Steps = Steps {
    scale: 0.8,
    fading: 0.05,
};

/// The first factor that `a` and `b` are multiplied with or divided by, one after the other, while the log loss
/// over the training answers falls, each told before it counts; then its roots, down to the last.
const FACTORS: [f64; 3] = [2.0, 1.414, 1.189];

/// A step that gains less of the loss is none; rounds of a factor at most.
const GAIN: f64 = 1e-5;
const ROUNDS: usize = 12;

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

/// The steps of each kind of rating.
#[derive(Clone, Copy, Debug)]
struct Kinds {
    general: Steps,
    competency: Steps,
    item: Steps,
}

impl Kinds {
    /// With one number multiplied; they are counted from 0 to 5.
    fn with(mut self, number: usize, factor: f64) -> Self {
        let numbers = [&mut self.general, &mut self.competency, &mut self.item];
        let [general, competency, item] = numbers.map(|kind| [&mut kind.scale, &mut kind.fading]);
        let all = general.into_iter().chain(competency).chain(item);
        all.skip(number).take(1).for_each(|value| *value *= factor);
        self
    }
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

    fn step(&mut self, competencies: &[usize], kinds: &Kinds, residual: f64) {
        self.general.step(kinds.general, residual);
        for competency in competencies {
            let rating = self.competencies.entry(*competency).or_default();
            rating.step(kinds.competency, residual);
        }
    }
}

/// Learns and predicts.
pub(super) fn predict(train: &Answers, test: &Answers) -> Vec<Predicted> {
    let kinds = searched(train);
    let (items, _) = rate(train, &kinds);
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
            pupil.step(competencies, &kinds, outcome(answer) - expected);
        }
    }
    told
}

/// The steps of least log loss that the search finds.
fn searched(train: &Answers) -> Kinds {
    let mut kinds = Kinds {
        general: START,
        competency: START,
        item: START,
    };
    let mut cost = rate(train, &kinds).1;
    for factor in FACTORS {
        for _ in 0..ROUNDS {
            let before = cost;
            for (number, factor) in (0..6).flat_map(|n| [(n, factor), (n, 1.0 / factor)]) {
                let tried = kinds.with(number, factor);
                let of_tried = rate(train, &tried).1;
                if of_tried < cost * (1.0 - GAIN) {
                    (kinds, cost) = (tried, of_tried);
                }
            }
            if before == cost {
                break;
            }
        }
    }
    kinds
}

/// The items' ratings, and the log loss on the way.
fn rate(train: &Answers, kinds: &Kinds) -> (Vec<Rating>, f64) {
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
            pupil.step(competencies, kinds, residual);
            item.step(kinds.item, -residual);
        }
    }
    (items, cost)
}

fn outcome(answer: &Answer) -> f64 {
    f64::from(u8::from(answer.correct))
}

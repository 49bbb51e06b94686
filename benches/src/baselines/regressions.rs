//! The two regressions: PFA (Pavlik, Cen and Koedinger 2009) and Best-LR (Gervet and others 2020).

use std::collections::HashMap;

use fit::{Answers, Predicted};

use super::logistic::{self, Rows};

/// Performance Factors Analysis: each competency has a start and weights of the right and the wrong
/// answers before, as `ln(1 + count)`.
pub(super) fn pfa(train: &Answers, test: &Answers) -> Vec<Predicted> {
    regress(train, test, Features { items: false })
}

/// Best-LR: PFA with a weight for each item, and counts over all answers and over the item's.
pub(super) fn best_lr(train: &Answers, test: &Answers) -> Vec<Predicted> {
    regress(train, test, Features { items: true })
}

#[derive(Clone, Copy, Debug)]
struct Features {
    items: bool,
}

/// Right and wrong answers before.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    right: f32,
    wrong: f32,
}

impl Counts {
    fn add(&mut self, correct: bool) {
        *(if correct {
            &mut self.right
        } else {
            &mut self.wrong
        }) += 1.0;
    }

    /// Two features from this place on; those that are 0 are left out.
    fn push(self, place: usize, to: &mut Vec<(u32, f32)>) {
        for (place, count) in [(place, self.right), (place + 1, self.wrong)] {
            if count > 0.0 {
                push(to, place, count.ln_1p());
            }
        }
    }
}

fn push(to: &mut Vec<(u32, f32)>, place: usize, value: f32) {
    let place = u32::try_from(place).expect("there are fewer than 2^32 features");
    to.push((place, value));
}

fn regress(train: &Answers, test: &Answers, features: Features) -> Vec<Predicted> {
    let competencies = train.domains().len();
    let count = 1
        + 3 * competencies
        + if features.items {
            4 + train.items().len()
        } else {
            0
        };
    let mut rows = Rows::default();
    features.each(train, |row, correct| rows.push(row, correct));
    let weights = logistic::learn(&rows, count);
    let mut told = Vec::new();
    features.each(test, |row, correct| {
        told.push(Predicted {
            expected: logistic::expected(&weights, row),
            correct,
        });
    });
    told
}

impl Features {
    /// The features of every answer, from the pupil's answers before it.
    fn each(self, answers: &Answers, mut take: impl FnMut(&[(u32, f32)], bool)) {
        let competencies = answers.domains().len();
        let beyond = 1 + 3 * competencies;
        let mut row = Vec::new();
        for pupil in answers.pupils() {
            let mut total = Counts::default();
            let mut by_competency: HashMap<usize, Counts> = HashMap::new();
            let mut by_item: HashMap<usize, Counts> = HashMap::new();
            for answer in &pupil.answers {
                row.clear();
                for &competency in &answers.items()[answer.item] {
                    push(&mut row, 1 + competency, 1.0);
                    let counts = by_competency.entry(competency).or_default();
                    counts.push(1 + competencies + 2 * competency, &mut row);
                    counts.add(answer.correct);
                }
                if self.items {
                    total.push(beyond, &mut row);
                    total.add(answer.correct);
                    let counts = by_item.entry(answer.item).or_default();
                    counts.push(beyond + 2, &mut row);
                    counts.add(answer.correct);
                    push(&mut row, beyond + 4 + answer.item, 1.0);
                }
                take(&row, answer.correct);
            }
        }
    }
}

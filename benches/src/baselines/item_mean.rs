//! The item's share of right answers: what can be said without looking at the pupil.

use fit::{Answers, Predicted};

use super::base_rate;

/// Answers at the rate of all items that each item is given beforehand.
const PRIOR: f64 = 4.0;

/// Learns and predicts.
pub(super) fn predict(train: &Answers, test: &Answers) -> Vec<Predicted> {
    let rate = base_rate(train);
    let mut items = vec![(PRIOR * rate, PRIOR); train.items().len()];
    for answer in train.pupils().iter().flat_map(|pupil| &pupil.answers) {
        let (right, count) = &mut items[answer.item];
        *right += f64::from(u8::from(answer.correct));
        *count += 1.0;
    }
    let answers = test.pupils().iter().flat_map(|pupil| &pupil.answers);
    let predicted = answers.map(|answer| Predicted {
        expected: items[answer.item].0 / items[answer.item].1,
        correct: answer.correct,
    });
    predicted.collect()
}

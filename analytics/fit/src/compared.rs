//! Two sets of items and constants over the same answers: which predicted them better, and how surely.

use mastery::{Hyper, ItemParams};

use crate::answers::Answers;
use crate::filter;
use crate::scores::{Predicted, Reliability, Scores, loss};
use crate::sequences::Sequences;

/// Items and constants that predict.
#[derive(Debug, Clone, Copy)]
pub struct Parameters<'a> {
    /// Of each item, in the order of [`Answers::items`].
    pub items: &'a [ItemParams],
    /// The constants.
    pub hyper: &'a Hyper,
}

/// How two sets predicted the same answers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Compared {
    /// Pupils.
    pub pupils: usize,
    /// Their answers.
    pub answers: usize,
    /// Figures of the first set.
    pub scores: Scores,
    /// Its predictions against what came.
    pub reliability: Reliability,
    /// Figures of the second set.
    pub other: Scores,
    /// Mean log loss of the second less that of the first: above 0 where the first is the better one.
    pub gain: f64,
    /// Standard error of that, whole pupils taken as what was drawn.
    pub gain_error: f64,
}

impl Compared {
    /// Predicts every answer by both.
    #[must_use]
    pub fn of(
        answers: &Answers,
        one: Parameters<'_>,
        other: Parameters<'_>,
        workers: usize,
    ) -> Self {
        let everybody: Vec<usize> = (0..answers.pupils().len()).collect();
        let sequences = Sequences::new(answers, &everybody, one.hyper);
        let by =
            |set: Parameters<'_>| filter::predictions(&sequences, set.items, set.hyper, workers);
        let (first, second) = (by(one), by(other));
        let (gain, gain_error) = gain(answers, &first, &second);
        Self {
            pupils: answers.pupils().len(),
            answers: first.len(),
            scores: Scores::of(&first),
            reliability: Reliability::of(&first),
            other: Scores::of(&second),
            gain,
            gain_error,
        }
    }
}

/// Mean difference of losses and its standard error: a ratio of sums over pupils, whose answers hang
/// together.
fn gain(answers: &Answers, first: &[Predicted], second: &[Predicted]) -> (f64, f64) {
    let mut rows = first.iter().zip(second);
    let of_pupil: Vec<(f64, f64)> = answers
        .pupils()
        .iter()
        .map(|pupil| {
            let own = pupil.answers.iter().zip(rows.by_ref());
            let less = own.map(|(answer, (first, second))| {
                loss(second.expected, answer.outcome) - loss(first.expected, answer.outcome)
            });
            (less.sum(), pupil.answers.len() as f64)
        })
        .collect();
    let (sum, count) = of_pupil
        .iter()
        .fold((0.0, 0.0), |(sum, count), of| (sum + of.0, count + of.1));
    let mean = sum / f64::max(count, 1.0);
    let off: f64 = of_pupil
        .iter()
        .map(|(sum, count)| (sum - mean * count) * (sum - mean * count))
        .sum();
    let pupils = of_pupil.len() as f64;
    let error = if pupils > 1.0 {
        (off * pupils / (pupils - 1.0)).sqrt() / count
    } else {
        f64::INFINITY
    };
    (mean, error)
}

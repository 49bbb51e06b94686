//! How well answers are predicted before they are seen: files, folds, the model and what it loses without
//! each of its parts.

pub(crate) mod columns;
mod file;
mod folds;
mod page;
mod variants;

pub use file::{Content, files, read};
pub use folds::{FOLDS, Fold, folds};
pub use page::{page, placed, plot_name};
pub use variants::{VARIANTS, Variant, folded};

use fit::{Answer, Answers, Predicted, Pupil, Reliability, Scores, Start};
use mastery::maths::sigmoid;
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

/// How a model did on a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// `sillage`, `sillage-NAME` or the name of a baseline.
    pub model: String,
    /// AUC: mean over the folds that have one.
    pub auc: Option<Auc>,
    /// Log loss, RMSE and accuracy: means over the folds.
    pub log_loss: f64,
    /// See [`Outcome::log_loss`].
    pub rmse: f64,
    /// See [`Outcome::log_loss`].
    pub accuracy: f64,
    /// Calibration error over all folds' answers at once.
    pub ece: f64,
    /// Expected against come, over all folds' answers at once.
    pub reliability: Reliability,
}

/// AUC over the folds. A fold in which all answers are right, or all wrong, has none: there is no order to
/// judge.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Auc {
    /// Its mean.
    pub mean: f64,
    /// Its standard deviation.
    pub spread: f64,
}

impl Outcome {
    /// From the predictions of each fold.
    #[must_use]
    pub fn of(model: String, folds: &[Vec<Predicted>]) -> Self {
        let each: Vec<Scores> = folds.iter().map(|fold| Scores::of(fold)).collect();
        let all = |figure: fn(&Scores) -> f64| mean(&each.iter().map(figure).collect::<Vec<_>>());
        let reliability = Reliability::of(&folds.concat());
        Self {
            model,
            auc: Auc::of(folds, &each),
            log_loss: all(|scores| scores.log_loss).unwrap_or_default(),
            rmse: all(|scores| scores.rmse).unwrap_or_default(),
            accuracy: all(|scores| scores.accuracy).unwrap_or_default(),
            ece: reliability.error(),
            reliability,
        }
    }
}

impl Auc {
    fn of(folds: &[Vec<Predicted>], scores: &[Scores]) -> Option<Self> {
        let has_both = |fold: &[Predicted]| fold.iter().any(|p| p.correct != fold[0].correct);
        let each = folds.iter().zip(scores);
        let each = each.filter(|(fold, _)| has_both(fold));
        let each: Vec<f64> = each.map(|(_, scores)| scores.auc).collect();
        let mean = mean(&each)?;
        let squares = each.iter().map(|auc| (auc - mean).powi(2));
        let spread = (squares.sum::<f64>() / (each.len() as f64 - 1.0).max(1.0)).sqrt();
        Some(Self { mean, spread })
    }
}

/// None of nothing.
fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// Made-up answers of so many pupils to the same twelve items of three competencies, a third of them with
/// two: abilities and difficulties are drawn, pupils learn a little.
#[must_use]
#[expect(clippy::missing_panics_doc, reason = "they are well formed")]
pub fn made_up(pupils: u64, seed: u64) -> Answers {
    const ITEMS: usize = 12;
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let items = (0..ITEMS).map(|item| {
        if item % 3 == 0 {
            vec![item % 2, 2]
        } else {
            vec![item % 2]
        }
    });
    let mut pupil = |key: u64| {
        let ability: f64 = random.random_range(-1.8..1.8);
        let answers = (0..20).map(|n: u8| {
            let item = random.random_range(0..ITEMS);
            let logit = ability + f64::from(n) / 20.0 + (item as f64 - 6.0) / 4.0;
            let correct = random.random_bool(sigmoid(logit));
            Answer {
                item,
                outcome: f64::from(u8::from(correct)),
                correct,
                time: Some(f64::from(n) * 60.0),
            }
        });
        Pupil {
            key,
            answers: answers.collect(),
            start: Start::default(),
        }
    };
    let pupils = (0..pupils).map(&mut pupil).collect();
    Answers::new(items.collect(), vec![0; 3], pupils).expect("they are well formed")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn predicted(expected: f64, correct: bool) -> Predicted {
        Predicted { expected, correct }
    }

    #[test]
    fn a_fold_of_one_kind_of_answers_has_no_part_in_the_auc() {
        let ordered = vec![predicted(0.9, true), predicted(0.2, false)];
        let right = vec![predicted(0.9, true), predicted(0.8, true)];
        let outcome = Outcome::of("x".to_owned(), &[ordered, right.clone()]);
        let auc = Auc {
            mean: 1.0,
            spread: 0.0,
        };
        assert_eq!(outcome.auc, Some(auc));
        assert_eq!(outcome.accuracy, 1.0);
        assert_eq!(Outcome::of("x".to_owned(), &[right]).auc, None);
    }
}

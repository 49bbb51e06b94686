//! How well answers are predicted before they are seen: files, folds, the model and what it loses without
//! each of its parts.

mod file;
mod folds;
mod page;
mod variants;

pub use file::{files, read};
pub use folds::{FOLDS, Fold, folds};
pub use page::page;
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
    /// AUC, log loss, RMSE and accuracy: means over the folds. ECE: over all folds' answers at once.
    pub scores: Scores,
    /// Standard deviation of the AUC over the folds.
    pub spread: f64,
    /// Expected against come, over all folds' answers at once.
    pub reliability: Reliability,
}

impl Outcome {
    /// From the predictions of each fold.
    #[must_use]
    pub fn of(model: String, folds: &[Vec<Predicted>]) -> Self {
        let each: Vec<Scores> = folds.iter().map(|fold| Scores::of(fold)).collect();
        let mean = |figure: fn(&Scores) -> f64| {
            each.iter().map(figure).sum::<f64>() / (each.len() as f64).max(1.0)
        };
        let auc = mean(|scores| scores.auc);
        let square = each.iter().map(|scores| (scores.auc - auc).powi(2));
        let reliability = Reliability::of(&folds.concat());
        Self {
            model,
            scores: Scores {
                auc,
                log_loss: mean(|scores| scores.log_loss),
                rmse: mean(|scores| scores.rmse),
                accuracy: mean(|scores| scores.accuracy),
                ece: reliability.error(),
            },
            spread: (square.sum::<f64>() / (each.len() as f64 - 1.0).max(1.0)).sqrt(),
            reliability,
        }
    }
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

//! What a model of mastery has to be better than: the explainable models of the literature.
//!
//! Each learns from the answers of some pupils and then says, before every answer of pupils it never saw,
//! how likely success is, from that pupil's earlier answers alone. Several competencies of an item count
//! as their mean, or each by itself, as told at the model. They are our own
//! implementations; `docs/model.md` says where they fall short of published ones.

mod bkt;
mod elo;
mod item_mean;
mod logistic;
mod regressions;

use fit::{Answers, Predicted};

/// A baseline: learns from the first answers, predicts the second ones, pupil after pupil in their order.
pub type Baseline = fn(&Answers, &Answers) -> Vec<Predicted>;

/// Every baseline by its name.
pub const ALL: [(&str, Baseline); 5] = [
    ("item-mean", item_mean::predict),
    ("pfa", regressions::pfa),
    ("bkt", bkt::predict),
    ("elo", elo::predict),
    ("best-lr", regressions::best_lr),
];

/// Share of right answers, drawn to one half by one answer of each kind.
fn base_rate(answers: &Answers) -> f64 {
    let all = answers.pupils().iter().flat_map(|pupil| &pupil.answers);
    let (right, count) = all.fold((1.0, 2.0), |(right, count), answer| {
        (right + f64::from(u8::from(answer.correct)), count + 1.0)
    });
    right / count
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accuracy::made_up;

    #[test]
    fn each_tells_a_probability_before_every_answer() {
        let (train, test) = (made_up(60, 1), made_up(20, 2));
        let answers: usize = test.pupils().iter().map(|p| p.answers.len()).sum();
        for (name, baseline) in ALL {
            let told = baseline(&train, &test);
            assert_eq!(told.len(), answers, "{name}");
            assert!(
                told.iter().all(|p| p.expected > 0.0 && p.expected < 1.0),
                "{name}"
            );
        }
    }

    #[test]
    fn what_comes_later_changes_nothing_that_was_told() {
        let (train, test) = (made_up(60, 1), made_up(1, 2));
        let mut changed = test.pupils().to_vec();
        let last = changed[0].answers.len() - 1;
        changed[0].answers[last].correct ^= true;
        changed[0].answers[last].outcome = 1.0 - changed[0].answers[last].outcome;
        let changed = test.with_pupils(changed).unwrap();
        for (name, baseline) in ALL {
            let (one, other) = (baseline(&train, &test), baseline(&train, &changed));
            for (before, after) in one.iter().zip(&other) {
                assert_eq!(before.expected, after.expected, "{name}");
            }
        }
    }

    #[test]
    fn one_that_learns_of_pupils_beats_one_that_does_not() {
        let (train, test) = (made_up(200, 1), made_up(100, 2));
        let auc = |baseline: Baseline| fit::Scores::of(&baseline(&train, &test)).auc;
        let mean = auc(item_mean::predict);
        assert!(mean > 0.55, "{mean}");
        for better in [elo::predict as Baseline, regressions::best_lr] {
            assert!(auc(better) > mean + 0.02);
        }
    }
}

//! How good predictions were: AUC, log loss, RMSE, accuracy, calibration.

use mastery::maths::{ln, ln_1p};

/// Bins of equal width over `[0, 1]` of [`Reliability`].
pub const BINS: usize = 20;

/// A prediction is taken for no surer than this, so that one wrong answer cannot cost infinity.
const SUREST: f64 = 1e-9;

/// An answer with the success that was expected before it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Predicted {
    /// The probability of success told before.
    pub expected: f64,
    /// What came.
    pub correct: bool,
}

/// Figures over some answers.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Scores {
    /// Probability that a right answer was expected to be right more than a wrong one (ties count
    /// half); 0.5 where all answers are of one kind.
    pub auc: f64,
    /// Mean of `-ln` of the probability given to what came.
    pub log_loss: f64,
    /// Root of the mean square of expected minus come.
    pub rmse: f64,
    /// Share of answers on the right side of one half.
    pub accuracy: f64,
    /// Expected calibration error: mean over [`BINS`], weighted by their answers, of the distance
    /// between expected and come.
    pub ece: f64,
}

/// One bin of a reliability plot.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Bin {
    /// Answers in it.
    pub answers: u64,
    /// Sum of what was expected.
    pub expected: f64,
    /// Right ones among them.
    pub correct: u64,
}

/// Expected against come, in bins of equal width.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Reliability {
    /// The bins, from 0 to 1.
    pub bins: [Bin; BINS],
}

impl Scores {
    /// The figures of some answers; all zero, and an AUC of one half, of none.
    #[must_use]
    pub fn of(answers: &[Predicted]) -> Self {
        let count = (answers.len() as f64).max(1.0);
        let (mut log_loss, mut square, mut hits) = (0.0, 0.0, 0.0);
        for answer in answers {
            log_loss += loss(answer.expected, f64::from(u8::from(answer.correct)));
            let off = answer.expected - f64::from(u8::from(answer.correct));
            square += off * off;
            hits += f64::from(u8::from((answer.expected >= 0.5) == answer.correct));
        }
        Self {
            auc: auc(answers),
            log_loss: log_loss / count,
            rmse: (square / count).sqrt(),
            accuracy: hits / count,
            ece: Reliability::of(answers).error(),
        }
    }
}

impl Reliability {
    /// The bins of some answers.
    #[must_use]
    pub fn of(answers: &[Predicted]) -> Self {
        let mut all = Self::default();
        for answer in answers {
            let index = (answer.expected * BINS as f64) as usize;
            let bin = &mut all.bins[index.min(BINS - 1)];
            bin.answers += 1;
            bin.expected += answer.expected;
            bin.correct += u64::from(answer.correct);
        }
        all
    }

    /// The expected calibration error.
    #[must_use]
    pub fn error(&self) -> f64 {
        let answers: u64 = self.bins.iter().map(|bin| bin.answers).sum();
        let off = |bin: &Bin| (bin.expected - bin.correct as f64).abs();
        self.bins.iter().map(off).sum::<f64>() / (answers as f64).max(1.0)
    }
}

/// Loss of one prediction: `-ln` of what was given to the outcome; an outcome between wrong and right
/// weighs both.
#[must_use]
pub fn loss(expected: f64, outcome: f64) -> f64 {
    let p = expected.clamp(SUREST, 1.0 - SUREST);
    if outcome >= 1.0 {
        -ln(p)
    } else if outcome <= 0.0 {
        -ln_1p(-p)
    } else {
        -outcome * ln(p) - (1.0 - outcome) * ln_1p(-p)
    }
}

/// By ranks (Mann and Whitney).
fn auc(answers: &[Predicted]) -> f64 {
    let mut sorted = answers.to_vec();
    sorted.sort_unstable_by(|one, other| one.expected.total_cmp(&other.expected));
    let (mut before, mut ranks, mut right) = (0.0, 0.0, 0.0);
    for ties in sorted.chunk_by(|one, other| one.expected.total_cmp(&other.expected).is_eq()) {
        let of_them = ties.iter().filter(|answer| answer.correct).count() as f64;
        ranks += of_them * (before + (ties.len() as f64 + 1.0) / 2.0);
        right += of_them;
        before += ties.len() as f64;
    }
    let wrong = before - right;
    if right == 0.0 || wrong == 0.0 {
        return 0.5;
    }
    (ranks - right * (right + 1.0) / 2.0) / (right * wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn predicted(expected: f64, correct: bool) -> Predicted {
        Predicted { expected, correct }
    }

    #[test]
    fn the_figures_of_four_answers_by_hand() {
        let answers = [
            predicted(0.9, true),
            predicted(0.6, false),
            predicted(0.6, true),
            predicted(0.2, false),
        ];
        let scores = Scores::of(&answers);
        // Of the four pairs of a right and a wrong one, three are in order and one is a tie.
        assert!((scores.auc - 3.5 / 4.0).abs() < 1e-12);
        let log_loss = -(0.9_f64.ln() + 0.4_f64.ln() + 0.6_f64.ln() + 0.8_f64.ln()) / 4.0;
        assert!((scores.log_loss - log_loss).abs() < 1e-12);
        let square = (0.01 + 0.36 + 0.16 + 0.04_f64) / 4.0;
        assert!((scores.rmse - square.sqrt()).abs() < 1e-12);
        assert!((scores.accuracy - 0.75).abs() < 1e-12);
        // 0.9 is off by 0.1, the two of 0.6 by 0.2 together, 0.2 by 0.2.
        assert!((scores.ece - 0.5 / 4.0).abs() < 1e-12);
    }

    #[test]
    fn answers_of_one_kind_have_no_order() {
        let scores = Scores::of(&[predicted(0.9, true), predicted(1.0, true)]);
        assert_eq!(scores.auc, 0.5);
        assert!(scores.log_loss.is_finite());
        assert_eq!(Scores::of(&[]).auc, 0.5);
    }

    #[test]
    fn a_partial_success_weighs_both_losses() {
        let half = loss(0.7, 0.5);
        assert!((half - f64::midpoint(loss(0.7, 1.0), loss(0.7, 0.0))).abs() < 1e-12);
    }
}

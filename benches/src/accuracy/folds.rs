//! Folds by pupil: which pupil is in which depends on the pupil's key alone.

use fit::{Answers, AnswersError, Pupil, mixed};

/// Folds of a file.
pub const FOLDS: u64 = 5;

/// A fold: what is learnt from, and what is predicted.
#[derive(Clone, Debug)]
pub struct Fold {
    /// The pupils of the other folds.
    pub train: Answers,
    /// The pupils of this fold.
    pub test: Answers,
}

/// The folds that have pupils on both sides. A file with a single pupil has none.
///
/// # Errors
///
/// None that answers made by [`Answers::new`] can have.
pub fn folds(answers: &Answers) -> Result<Vec<Fold>, AnswersError> {
    let mut folds = Vec::new();
    for fold in 0..FOLDS {
        let is_test = |pupil: &&Pupil| mixed(pupil.key) % FOLDS == fold;
        let (test, train): (Vec<&Pupil>, Vec<&Pupil>) = answers.pupils().iter().partition(is_test);
        if test.is_empty() || train.is_empty() {
            continue;
        }
        let only = |pupils: Vec<&Pupil>| answers.with_pupils(pupils.into_iter().cloned().collect());
        folds.push(Fold {
            train: only(train)?,
            test: only(test)?,
        });
    }
    Ok(folds)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::accuracy::made_up;

    #[test]
    fn each_pupil_is_predicted_once_and_never_learnt_from_there() {
        let answers = made_up(97, 1);
        let keys = |answers: &Answers| -> BTreeSet<u64> {
            answers.pupils().iter().map(|pupil| pupil.key).collect()
        };
        let mut seen = BTreeSet::new();
        for fold in folds(&answers).unwrap() {
            let (train, test) = (keys(&fold.train), keys(&fold.test));
            assert!(train.is_disjoint(&test) && seen.is_disjoint(&test));
            assert_eq!(train.len() + test.len(), 97);
            seen.extend(test);
        }
        assert_eq!(seen.len(), 97);
        assert!(folds(&made_up(1, 1)).unwrap().is_empty());
    }
}

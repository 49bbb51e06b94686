//! Folds by pupil: which pupil is in which depends on the pupils' keys alone.

use fit::{Answers, AnswersError, Pupil, mixed};

/// Folds of a file.
pub const FOLDS: usize = 5;

/// A fold: what is learnt from, and what is predicted.
#[derive(Clone, Debug)]
pub struct Fold {
    /// The pupils of the other folds.
    pub train: Answers,
    /// The pupils of this fold.
    pub test: Answers,
}

/// The folds of a file, each with pupils on both sides: five; of fewer pupils one each; of a single one none.
///
/// # Errors
///
/// None that answers made by [`Answers::new`] can have.
pub fn folds(answers: &Answers) -> Result<Vec<Fold>, AnswersError> {
    let pupils = answers.pupils();
    if pupils.len() < 2 {
        return Ok(Vec::new());
    }
    let (count, places) = deal(pupils);
    let fold = |fold| {
        let pick = |tested: bool| {
            let picked = pupils.iter().zip(&places);
            let picked = picked.filter(|(_, place)| (**place == fold) == tested);
            answers.with_pupils(picked.map(|(pupil, _)| pupil.clone()).collect())
        };
        Ok(Fold {
            train: pick(false)?,
            test: pick(true)?,
        })
    };
    (0..count).map(fold).collect()
}

/// How many folds, and the one of each pupil: by a fixed hash of the key. Where that leaves a fold empty, as
/// it does with few pupils, by the place in the order of the hashes.
fn deal(pupils: &[Pupil]) -> (usize, Vec<usize>) {
    let hashed = |pupil: &Pupil| (mixed(pupil.key) % FOLDS as u64) as usize;
    let places: Vec<usize> = pupils.iter().map(hashed).collect();
    if (0..FOLDS).all(|fold| places.contains(&fold)) {
        return (FOLDS, places);
    }
    let count = FOLDS.min(pupils.len());
    let mut order: Vec<usize> = (0..pupils.len()).collect();
    order.sort_by_key(|&pupil| mixed(pupils[pupil].key));
    let mut places = vec![0; pupils.len()];
    for (rank, pupil) in order.into_iter().enumerate() {
        places[pupil] = rank % count;
    }
    (count, places)
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
    }

    #[test]
    fn the_hash_alone_decides_where_every_fold_has_pupils() {
        for (fold, of) in folds(&made_up(97, 1)).unwrap().iter().zip(0..) {
            let mut keys = fold.test.pupils().iter().map(|pupil| pupil.key);
            assert!(keys.all(|key| mixed(key) % 5 == of));
        }
    }

    #[test]
    fn few_pupils_leave_no_fold_empty() {
        for pupils in 2..30 {
            let folds = folds(&made_up(pupils, 1)).unwrap();
            assert_eq!(folds.len() as u64, pupils.min(5));
            let tested: usize = folds.iter().map(|fold| fold.test.pupils().len()).sum();
            assert_eq!(tested as u64, pupils);
        }
        assert!(folds(&made_up(1, 1)).unwrap().is_empty());
    }
}

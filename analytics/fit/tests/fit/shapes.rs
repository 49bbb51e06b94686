//! Answers of any shape are fitted: figures come out, and predictions that are probabilities.

use fit::{Answer, Answers, AnswersError, Fitted, Pupil, Settings, Start, fit};

use crate::common::{Chance, answer, simulated};

fn fitted(answers: &Answers) -> Fitted {
    let settings = Settings {
        evaluations: 120,
        ..Settings::default()
    };
    let fitted = fit(answers, &settings);
    for item in &fitted.items {
        assert!(item.a.is_finite() && item.b.is_finite(), "{item:?}");
        assert!(item.a > 0.0 && item.s2 > 0.0, "{item:?}");
    }
    assert!(
        fitted.held_out.scores.log_loss.is_finite(),
        "{:?}",
        fitted.held_out
    );
    assert!(fitted.hyper.vg.is_finite() && fitted.hyper.vg >= 0.0);
    fitted
}

/// Each pupil's answers, made of a simulated one's by `change`.
fn changed(change: impl Fn(&mut Chance, &Answer) -> Vec<Answer>) -> Answers {
    let answers = simulated(&[-1.5, -0.5, 0.0, 0.5, 1.0, 1.5], 60, 30, 4);
    let mut chance = Chance::new(5);
    let pupils = answers.pupils().iter().map(|pupil| {
        let given = pupil.answers.iter();
        Pupil {
            key: pupil.key,
            answers: given
                .flat_map(|answer| change(&mut chance, answer))
                .collect(),
            start: pupil.start.clone(),
        }
    });
    let pupils = pupils.collect();
    answers.with_pupils(pupils).expect("they are well formed")
}

#[test]
fn two_hundred_answers_stay_near_the_start() {
    let answers = simulated(&[-1.0, -0.5, 0.0, 0.5, 1.0], 20, 10, 1);
    let fitted = fitted(&answers);
    assert!(
        (0.05..20.0).contains(&fitted.hyper.vg),
        "{:?}",
        fitted.hyper
    );
    assert!(fitted.hyper.rw.abs() < 3.0 && fitted.hyper.gi1.abs() < 5.0);
}

#[test]
fn one_pupil_is_enough() {
    let answers = simulated(&[-1.0, 0.0, 1.0], 1, 200, 1);
    assert_eq!(fitted(&answers).held_out.pupils, 1);
    fitted(&simulated(&[0.0], 1, 1, 1));
}

#[test]
fn all_right_and_all_wrong() {
    for correct in [true, false] {
        let answers = changed(|_, given| vec![answer(given.item, correct, given.time)]);
        let fitted = fitted(&answers);
        assert_eq!(fitted.diagnostics.never_failed.is_empty(), !correct);
        assert_eq!(fitted.diagnostics.never_passed.is_empty(), correct);
    }
}

#[test]
fn without_times_nothing_of_forgetting_is_searched() {
    let answers = changed(|_, given| vec![answer(given.item, given.correct, None)]);
    let fitted = fitted(&answers);
    for name in ["rho", "rk", "ri"] {
        assert!(!fitted.searched.contains(&name), "{name}");
    }
}

#[test]
fn times_that_run_backwards_or_stand_still() {
    fitted(&changed(|_, given| {
        vec![answer(given.item, given.correct, given.time.map(|t| -t))]
    }));
    fitted(&changed(|_, given| {
        vec![answer(given.item, given.correct, Some(0.0))]
    }));
}

#[test]
fn wrong_answers_that_are_tried_again_at_once() {
    // What hints do: after a wrong answer the next try at the same item is nearly always right.
    let answers = changed(|chance, given| {
        let mut tries = vec![*given];
        if !given.correct {
            tries.push(answer(given.item, chance.unit() < 0.95, given.time));
        }
        tries
    });
    let fitted = fitted(&answers);
    assert!(fitted.hyper.rw > 0.5, "{:?}", fitted.hyper);
}

#[test]
fn each_item_once_and_many_competencies_an_item() {
    let mut chance = Chance::new(7);
    let (items, competencies) = (900, 12);
    let tags: Vec<Vec<usize>> = (0..items)
        .map(|_| {
            (0..1 + chance.below(5))
                .map(|_| chance.below(competencies))
                .collect()
        })
        .collect();
    let pupils = (0..30).map(|pupil| Pupil {
        key: pupil as u64,
        answers: (0..30)
            .map(|n| answer(30 * pupil + n, chance.unit() < 0.6, None))
            .collect(),
        start: Start::default(),
    });
    let pupils = pupils.collect();
    let answers = Answers::new(tags, vec![0; competencies], pupils).expect("well formed");
    let fitted = fitted(&answers);
    assert!(!fitted.searched.contains(&"gi1"), "no item is met again");
}

#[test]
fn an_item_that_nobody_answered_is_one_of_its_competency() {
    // Three items of each competency, all easy of the first.
    let difficulties = [-2.1, 0.0, 2.1, -2.0, 0.1, 2.0, -1.9, -0.1, 1.9];
    let answers = simulated(&difficulties, 80, 40, 1);
    let mut tags: Vec<Vec<usize>> = answers.items().iter().map(|tags| tags.to_vec()).collect();
    tags.push(vec![0]);
    let answers = Answers::new(tags, vec![0; 3], answers.pupils().to_vec()).expect("well formed");
    let fitted = fitted(&answers);
    assert_eq!(fitted.answers[9], 0);
    let [new, sister, hard] = [9, 0, 2].map(|item| fitted.items[item]);
    assert!((new.b - sister.b).abs() < 0.5, "{new:?} beside {sister:?}");
    assert!(hard.b - new.b > 2.0, "{new:?} beside {hard:?}");
    assert!(new.s2 > sister.s2, "{new:?} beside {sister:?}");
}

#[test]
fn partial_outcomes_count_by_their_share() {
    let answers = changed(|chance, given| {
        vec![Answer {
            outcome: (given.outcome + chance.unit()) / 2.0,
            ..*given
        }]
    });
    fitted(&answers);
}

#[test]
fn what_cannot_be_fitted_on_is_refused() {
    let one = |given: Answer| {
        vec![Pupil {
            key: 1,
            answers: vec![given],
            start: Start::default(),
        }]
    };
    let new = Answers::new;
    assert_eq!(
        new(vec![vec![0]], vec![0], Vec::new()),
        Err(AnswersError::Empty)
    );
    let right = answer(0, true, None);
    assert_eq!(
        new(vec![Vec::new()], vec![0], one(right)),
        Err(AnswersError::NoCompetency(0))
    );
    assert_eq!(
        new(vec![vec![1]], vec![0], one(right)),
        Err(AnswersError::UnknownCompetency(0))
    );
    let beyond = answer(1, true, None);
    assert_eq!(
        new(vec![vec![0]], vec![0], one(beyond)),
        Err(AnswersError::UnknownItem(1))
    );
    let odd = Answer {
        outcome: f64::NAN,
        ..right
    };
    assert_eq!(
        new(vec![vec![0]], vec![0], one(odd)),
        Err(AnswersError::Outcome(0))
    );
}

//! What made simulated answers is found again.

use fit::{Pupil, Settings, fit};

use crate::common::{Chance, answer, simulated};

fn quick() -> Settings {
    Settings {
        evaluations: 150,
        ..Settings::default()
    }
}

fn correlation(one: &[f64], other: &[f64]) -> f64 {
    let mean = |of: &[f64]| of.iter().sum::<f64>() / of.len() as f64;
    let (mean_1, mean_2) = (mean(one), mean(other));
    let product = |x: &[f64], m: f64, y: &[f64], n: f64| -> f64 {
        x.iter().zip(y).map(|(x, y)| (x - m) * (y - n)).sum()
    };
    product(one, mean_1, other, mean_2)
        / (product(one, mean_1, one, mean_1) * product(other, mean_2, other, mean_2)).sqrt()
}

#[test]
fn difficulties_come_back_in_their_order_and_predictions_are_calibrated() {
    let difficulties: Vec<f64> = (0..30).map(|item| f64::from(item) / 7.5 - 2.0).collect();
    let answers = simulated(&difficulties, 300, 40, 1);
    let fitted = fit(&answers, &quick());
    let found: Vec<f64> = fitted.items.iter().map(|item| item.b).collect();
    assert!(correlation(&difficulties, &found) > 0.97);
    assert!(
        fitted.held_out.scores.auc > 0.75,
        "{:?}",
        fitted.held_out.scores
    );
    assert!(
        fitted.held_out.scores.ece < 0.03,
        "{:?}",
        fitted.held_out.scores
    );
    assert_eq!(
        fitted.diagnostics,
        fit::Diagnostics::default(),
        "nothing is odd"
    );
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let answers = simulated(&[-1.0, 0.0, 0.5, 1.0], 50, 20, 2);
    let of = |workers| fit(&answers, &Settings { workers, ..quick() });
    assert_eq!(of(1), of(3));
}

#[test]
fn odd_items_are_told() {
    const BACKWARDS: usize = 3;
    const DRIFTING: usize = 7;
    const EASY: usize = 9;
    const MONTH_S: f64 = 30.0 * 86_400.0;
    let difficulties: Vec<f64> = (0..20).map(|item| f64::from(item) / 10.0 - 1.0).collect();
    let answers = simulated(&difficulties, 400, 60, 3);
    let mut chance = Chance::new(9);
    let pupils = answers.pupils().iter().map(|pupil| {
        let right = pupil.answers.iter().filter(|answer| answer.correct).count();
        let able = 2 * right > pupil.answers.len();
        let month = (pupil.key % 2) as f64;
        let changed = pupil.answers.iter().map(|given| {
            // Of some the time is not known.
            let timed = given.time.filter(|_| !pupil.key.is_multiple_of(10));
            let time = timed.map(|time| time + month * MONTH_S);
            let correct = match given.item {
                BACKWARDS => chance.unit() < if able { 0.1 } else { 0.9 },
                DRIFTING => chance.unit() < if month > 0.0 { 0.2 } else { 0.8 },
                EASY => true,
                _ => given.correct,
            };
            answer(given.item, correct, time)
        });
        Pupil {
            key: pupil.key,
            answers: changed.collect(),
            start: pupil.start.clone(),
        }
    });
    let answers = answers
        .with_pupils(pupils.collect())
        .expect("they are well formed");
    let found = fit(&answers, &quick()).diagnostics;
    assert_eq!(found.never_failed, [EASY]);
    assert!(found.never_passed.is_empty());
    let backwards: Vec<usize> = found.backwards.iter().map(|found| found.item).collect();
    assert_eq!(backwards, [BACKWARDS]);
    let drifting: Vec<usize> = found.drifting.iter().map(|found| found.item).collect();
    assert_eq!(drifting, [DRIFTING]);
    assert_eq!(
        (
            found.drifting[0].easiest_from,
            found.drifting[0].hardest_from
        ),
        (0.0, MONTH_S)
    );
}

#[test]
fn what_is_held_keeps_its_value() {
    let answers = simulated(&[-1.0, 0.0, 0.5, 1.0], 50, 20, 2);
    let settings = Settings {
        held: vec![("vs", 0.0), ("lam", 0.0)],
        discrimination: false,
        ..quick()
    };
    let fitted = fit(&answers, &settings);
    assert_eq!((fitted.hyper.vs, fitted.hyper.lam), (0.0, 0.0));
    assert!(!fitted.searched.contains(&"vs"));
    assert!(fitted.items.iter().all(|item| item.a == 1.0));
}

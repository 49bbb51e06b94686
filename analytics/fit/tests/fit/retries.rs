//! How the fit takes retries at once: pupils who fail try the same item again, and what a retry brings is
//! different from world to world, in forms that the model has and that it has not. Fresh pupils are predicted.

use fit::sequences::Sequences;
use fit::{Answers, Predicted, Pupil, Reliability, Settings, Start, filter, fit};
use mastery::maths::sigmoid;

use crate::common::{Chance, answer};

const ITEMS: usize = 40;

/// What a retry brings.
#[derive(Debug, Clone, Copy)]
enum World {
    /// As much for everybody, on the logit scale: the form of the model.
    Helped,
    /// More for half of the pupils, who think again, than for the others, who click.
    OfPupils,
    /// The correction was shown: nine of ten are right, whatever the pupil and the item.
    Told,
    /// One choice of four less each time.
    Choices,
}

fn chance_of(world: World, thinks: bool, logit: f64, tries: u32) -> f64 {
    if tries == 0 {
        return sigmoid(logit);
    }
    match world {
        World::Helped => sigmoid(logit + 0.8),
        World::OfPupils => sigmoid(logit + if thinks { 1.6 } else { -0.4 }),
        World::Told => 0.9,
        World::Choices => {
            let guess = 1.0 / f64::from(4 - tries.min(3));
            guess + (1.0 - guess) * sigmoid(logit)
        }
    }
}

fn pupils(world: World, number: u64, seed: u64) -> Vec<Pupil> {
    let mut chance = Chance::new(seed);
    let pupil = |key: u64| {
        let (ability, thinks) = (1.2 * chance.normal(), chance.unit() < 0.5);
        let mut answers = Vec::new();
        let mut time = 0.0;
        for _ in 0..ITEMS / 2 {
            let item = chance.below(ITEMS);
            let logit = ability + 1.8 - 3.6 * item as f64 / (ITEMS - 1) as f64 - 0.3;
            for tries in 0..4 {
                let right = chance.unit() < chance_of(world, thinks, logit, tries);
                answers.push(answer(item, right, Some(time)));
                time += 20.0;
                if right || chance.unit() < 0.2 {
                    break;
                }
            }
            time += 40_000.0;
        }
        Pupil {
            key,
            answers,
            start: Start::default(),
        }
    };
    (0..number).map(pupil).collect()
}

/// Calibration error over all answers, over first tries, over retries.
fn errors(world: World) -> [f64; 3] {
    let tags: Vec<Vec<usize>> = (0..ITEMS).map(|item| vec![item % 3]).collect();
    let seen = Answers::new(tags, vec![0; 3], pupils(world, 1_500, 1)).expect("well formed");
    let settings = Settings {
        evaluations: 250,
        rounds: 2,
        ..Settings::default()
    };
    let fitted = fit(&seen, &settings);
    let fresh = seen
        .with_pupils(pupils(world, 1_500, 2))
        .expect("well formed");
    let everybody: Vec<usize> = (0..fresh.pupils().len()).collect();
    let sequences = Sequences::new(&fresh, &everybody, &fitted.hyper);
    let all = filter::predictions(&sequences, &fitted.items, &fitted.hyper, 2);
    let mut rows = all.iter().copied();
    let (mut first, mut again): (Vec<Predicted>, Vec<Predicted>) = (Vec::new(), Vec::new());
    for pupil in fresh.pupils() {
        let mut before = None;
        for (given, predicted) in pupil.answers.iter().zip(rows.by_ref()) {
            if before == Some(given.item) {
                again.push(predicted)
            } else {
                first.push(predicted)
            }
            before = Some(given.item);
        }
    }
    [&all, &first, &again].map(|of| Reliability::of(of).error())
}

#[test]
fn retries_are_calibrated_where_what_they_bring_adds_to_ability_and_where_it_replaces_it() {
    let all = [World::Helped, World::OfPupils, World::Told, World::Choices];
    let [helped, of_pupils, told, choices] = all.map(|world| {
        let errors = errors(world);
        println!("{world:?}: ECE all, first, again: {errors:.4?}");
        errors
    });
    for errors in [helped, of_pupils] {
        assert!(errors.iter().all(|error| *error < 0.015), "{errors:?}");
    }
    assert!(told.iter().all(|error| *error < 0.02), "{told:?}");
    assert!(choices[0] < 0.02, "{choices:?}");
}

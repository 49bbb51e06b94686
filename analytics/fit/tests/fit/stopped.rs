//! A fit that is stopped and goes on.

use std::ops::ControlFlow;

use fit::{Checkpoint, Settings, fit, fit_from};

use crate::common::simulated;

fn settings() -> Settings {
    Settings {
        evaluations: 80,
        passes: 2,
        rounds: 3,
        ..Settings::default()
    }
}

#[test]
fn what_goes_on_gives_the_bits_of_what_never_stopped() {
    let answers = simulated(&[-1.0, -0.5, 0.0, 0.4, 1.2], 80, 12, 5);
    let whole = fit(&answers, &settings());
    let mut checkpoint = Checkpoint::default();
    let mut searches = 0;
    let fitted = loop {
        // Stopped after each search, and gone on from bytes.
        let from = Checkpoint::decode(&checkpoint.encode()).expect("its own bytes");
        let done = fit_from(&answers, &settings(), &from, |now, progress| {
            searches += 1;
            assert_eq!(
                (progress.searches.min(searches), progress.of),
                (searches, 4)
            );
            checkpoint = now.clone();
            ControlFlow::Break(())
        });
        if let Some(fitted) = done {
            break fitted;
        }
    };
    assert!(searches >= 3, "{searches}: two starts and a round");
    assert_eq!(fitted, whole);
}

#[test]
fn a_checkpoint_of_other_items_is_passed_over() {
    let (small, large) = (
        simulated(&[0.0, 0.5], 40, 6, 1),
        simulated(&[0.0, 0.5, 1.0], 40, 6, 1),
    );
    let mut checkpoint = Checkpoint::default();
    let stopped = fit_from(&small, &settings(), &Checkpoint::default(), |now, _| {
        checkpoint = now.clone();
        ControlFlow::Break(())
    });
    assert_eq!(stopped, None);
    let go_on = |_: &Checkpoint, _: &fit::Progress| ControlFlow::Continue(());
    let fitted = fit_from(&large, &settings(), &checkpoint, go_on).expect("nobody stops it");
    assert_eq!(fitted, fit(&large, &settings()));
}

//! What the model does with scores in part, several competencies, and the same item again
//! (docs/concepts/what-counts.md).

use mastery::{Hyper, Model, PupilState};
use proptest::prelude::*;

use crate::common::item_key;
use crate::properties::{Answer, answers, model, model_with};

/// A pupil with some answers behind, and the time.
fn after(model: &Model, answers: &[Answer]) -> (PupilState, f64) {
    let (mut state, mut clock) = (PupilState::new(&model.subjects()[0]), 1e9);
    for answer in answers {
        clock += answer.after.unwrap_or(60.0);
        let item = model.item(item_key(answer.item)).expect("of the model");
        state.answer(model, item, answer.y, answer.correct, Some(clock));
    }
    (state, clock + 60.0)
}

proptest! {
    #[test]
    fn a_score_in_part_moves_between_failure_and_success(
        answers in answers(), item in 0_u32..12, y in 0.01..0.99
    ) {
        let model = model();
        let (state, t) = after(&model, &answers);
        let item = model.item(item_key(item)).expect("of the model");
        let competency = &model.subjects()[0].competencies()[item.main()];
        let with = |y: f64| {
            let mut state = state.clone();
            state.answer(&model, item, y, y >= 0.5, Some(t));
            let memory = state.item_node(item.key()).expect("done").mean;
            let level = state.level(&model, competency, Some(t));
            (level.0, memory, level.1)
        };
        let (low, part, high) = (with(0.0), with(y), with(1.0));
        prop_assert!(low.0 < part.0 && part.0 < high.0);
        prop_assert!(low.1 < part.1 && part.1 < high.1);
        // How sure one is afterwards does not depend on what came out.
        prop_assert!((low.2 - part.2).abs() < 1e-12 && (part.2 - high.2).abs() < 1e-12);
        // In the mean it is linear: y of the way from failure to success.
        let between = low.0 + y * (high.0 - low.0);
        prop_assert!((part.0 - between).abs() < 1e-9, "{} is not {between}", part.0);
    }

    #[test]
    fn the_competencies_of_an_item_share_what_it_says(answers in answers(), right in any::<bool>()) {
        let model = model();
        let (mut state, t) = after(&model, &answers);
        // Four competencies over two domains.
        let item = model.item(item_key(5)).expect("of the model");
        let share = 1.0 / item.loadings().len() as f64;
        let trace = state.answer_traced(&model, item, f64::from(u8::from(right)), right, Some(t));
        prop_assert_eq!(trace.competencies.len(), 4);
        for own in &trace.competencies {
            let moved = own.node.before.1 * item.params().a * share * trace.step.residual;
            prop_assert!((own.node.delta() - moved).abs() < 1e-12);
            prop_assert!(own.practice > 0.0, "each is practised");
        }
        let general = trace.general.before.1 * item.params().a * trace.step.residual;
        prop_assert!((trace.general.delta() - general).abs() < 1e-12, "once, and whole");
    }

    #[test]
    fn a_retry_says_as_much_less_of_ability_as_ability_counts_in_it(
        answers in answers(), right in any::<bool>(), k in prop_oneof![Just(0.0), 0.0..=1.0]
    ) {
        let model = model_with(Hyper { kw: k, vr: 0.3, ..Hyper::default() });
        let (mut state, t) = after(&model, &answers);
        let item = model.item(item_key(5)).expect("of the model");
        state.answer(&model, item, 0.0, false, Some(t));
        let expected = state.predict(&model, item, Some(t));
        let trace = state.answer_traced(&model, item, f64::from(u8::from(right)), right, Some(t));
        let (params, passing) = (item.params(), trace.passing.expect("an answer"));
        let (session, memory) = (passing.session.before, passing.memory.before);
        let step = trace.step;
        prop_assert_eq!(step.factor.to_bits(), k.to_bits());
        let lasting = params.a * step.theta.0 + session.0 + memory.0 - params.b;
        prop_assert!((step.x.0 - k * lasting - step.before.0).abs() < 1e-9);
        let spread = params.a * params.a * step.theta.1 + session.1 + memory.1;
        prop_assert!((step.x.1 - k * k * spread - step.before.1).abs() < 1e-9);
        let moved = trace.general.before.1 * k * params.a * step.residual;
        prop_assert!((trace.general.delta() - moved).abs() < 1e-12);
        for own in &trace.competencies {
            let share = k * params.a / item.loadings().len() as f64;
            let (before, after) = (own.node.before, own.node.after);
            prop_assert!((own.node.delta() - before.1 * share * step.residual).abs() < 1e-12);
            let narrowed = before.1 * before.1 * share * share * step.weight;
            let drift = model.subjects()[0].hyper().qk;
            prop_assert!((after.1 - (before.1 - narrowed + drift)).abs() < 1e-12);
        }
        if k == 0.0 {
            prop_assert!((expected - step.expected()).abs() < 1e-12, "whatever the pupil");
            prop_assert_eq!(trace.general.delta().to_bits(), 0.0_f64.to_bits());
        }
    }

    #[test]
    fn the_same_item_again_at_once_says_less_than_another_one(answers in answers()) {
        let model = model();
        let (state, t) = after(&model, &answers);
        // Two items of one competency.
        let (item, other) = (item_key(0), item_key(6));
        let (item, other) = (model.item(item).expect("one"), model.item(other).expect("another"));
        for (y, correct) in [(0.0, false), (1.0, true)] {
            let mut state = state.clone();
            state.answer(&model, item, y, correct, Some(t));
            let again = state.clone().answer_traced(&model, item, 1.0, true, Some(t + 5.0));
            let hyper = model.subjects()[0].hyper();
            let retry = if correct { hyper.rr } else { hyper.rw };
            prop_assert_eq!(again.step.before.0.to_bits(), retry.to_bits());
            let elsewhere = state.clone().answer_traced(&model, other, 1.0, true, Some(t + 5.0));
            prop_assert_eq!(elsewhere.step.before.0.to_bits(), 0.0_f64.to_bits());
            // Between them somebody who did another item tries no more at once.
            state.answer(&model, other, 1.0, true, Some(t + 5.0));
            let later = state.answer_traced(&model, item, 1.0, true, Some(t + 10.0));
            prop_assert_eq!(later.step.before.0.to_bits(), 0.0_f64.to_bits());
            // Each counts as practice of the competency.
            prop_assert_eq!(again.competencies[0].answers, elsewhere.competencies[0].answers);
        }
    }
}

//! A mean is the sum of what moved it, for any answers, at any time; and looking at what an answer
//! does changes nothing of what it does.

use mastery::explain::rounded;
use mastery::{Degree, Explanation, Finding, Guess, Model, PupilState, Trace, Voie, VoieWeight};
use proptest::prelude::*;

use crate::common::{competency_key, domain_key, item_key};
use crate::properties::{Answer, answers, model};

/// What the parts may differ from the figure by: the bound of the contract.
const TOLERANCE: f64 = 1e-9;

/// The state before the first answer, after the last one, and what each did in between.
fn traced(
    model: &Model,
    declared: &[(u32, f64)],
    voie: Option<(Voie, f64)>,
    clock: &mut f64,
    answers: &[Answer],
    evaluations: &[(usize, Finding)],
) -> (PupilState, PupilState, Vec<Trace>) {
    let guess = voie.and_then(|(voie, weight)| {
        Guess::of(
            "maths",
            voie,
            VoieWeight::try_from(weight).expect("a weight"),
        )
    });
    let mut start = match guess {
        Some(guess) => PupilState::of_voie(&model.subjects()[0], guess),
        None => PupilState::new(&model.subjects()[0]),
    };
    for &(domain, observed) in declared {
        start.declare(&model.subjects()[0], domain_key(domain), observed, 2.0);
    }
    let (mut state, mut plain) = (start.clone(), start.clone());
    let mut traces = Vec::new();
    for (place, answer) in answers.iter().enumerate() {
        for (_, finding) in evaluations.iter().filter(|(before, _)| *before == place) {
            let competency = competency_key(10 + place as u32 % 3);
            let item = model.reference_item(competency).expect("of the model");
            plain.evaluate(model, &item, *finding, *clock);
            traces.push(state.evaluate_traced(model, &item, *finding, *clock));
        }
        let t = answer.after.map(|seconds| {
            *clock += seconds;
            *clock
        });
        let item = model.item(item_key(answer.item)).expect("of the model");
        let expected = plain.answer(model, item, answer.y, answer.correct, t);
        let trace = state.answer_traced(model, item, answer.y, answer.correct, t);
        assert_eq!(trace.step.expected().to_bits(), expected.to_bits());
        traces.push(trace);
    }
    assert_eq!(state.encode(), plain.encode(), "a look changes nothing");
    (start, state, traces)
}

fn declared() -> impl Strategy<Value = Vec<(u32, f64)>> {
    prop::collection::btree_map(1_u32..3, -3.0..3.0, 0..3)
        .prop_map(|map| map.into_iter().collect::<Vec<_>>())
}

fn voie() -> impl Strategy<Value = Option<(Voie, f64)>> {
    prop::option::of((prop::sample::select(Voie::ALL.as_slice()), 0.01..=1.0))
}

fn evaluations() -> impl Strategy<Value = Vec<(usize, Finding)>> {
    let finding = prop_oneof![
        (0.0..=1.0).prop_map(Finding::Share),
        (1_u8..=6).prop_map(|n| Finding::Degree(Degree::new(n).expect("a degree"))),
    ];
    prop::collection::vec((0_usize..60, finding), 0..6)
}

proptest! {
    #[test]
    fn the_parts_sum_to_the_mean(
        answers in answers(), declared in declared(), voie in voie(), evaluations in evaluations(),
        later in prop::option::of(prop_oneof![Just(0.0), 0.0..600.0, 0.0..1e8])
    ) {
        let (model, mut clock) = (model(), 1e9);
        let (start, end, traces) =
            traced(&model, &declared, voie, &mut clock, &answers, &evaluations);
        let t = later.map(|later: f64| clock + later);
        for competency in model.subjects()[0].competencies() {
            let told = Explanation::of(&model, &start, &end, competency, traces.iter(), t);
            let (mean, variance) = end.level(&model, competency, t);
            prop_assert_eq!((told.mean, told.variance), (mean, variance));
            let sum = told.prior + told.answers.iter().map(|a| a.total()).sum::<f64>() + told.time;
            prop_assert!((sum - mean).abs() < TOLERANCE, "{}: {sum} is not {mean}", competency.uri());
            prop_assert!((sum + told.rounding - mean).abs() <= f64::EPSILON * mean.abs().max(1.0));
            prop_assert!(told.time <= 0.0);
            prop_assert_eq!(declared.is_empty() && voie.is_none(), told.prior == 0.0);

            let by_size = told.by_size();
            prop_assert_eq!(by_size.len(), traces.len());
            let sizes: Vec<f64> = by_size.iter().map(|&p| told.answers[p].total().abs()).collect();
            prop_assert!(sizes.is_sorted_by(|a, b| a >= b));
        }
    }

    #[test]
    fn an_answer_adds_to_what_it_practised_and_to_nothing_beside_the_general_ability(
        answers in answers()
    ) {
        let (model, mut clock) = (model(), 1e9);
        let (start, end, traces) = traced(&model, &[], None, &mut clock, &answers, &[]);
        for competency in model.subjects()[0].competencies() {
            let told = Explanation::of(&model, &start, &end, competency, traces.iter(), Some(clock));
            for (answer, added) in answers.iter().zip(&told.answers) {
                let item = model.item(item_key(answer.item)).expect("of the model");
                let practised = item.loadings().iter().any(|l| l.key == competency.key());
                let domain = item.loadings().iter().any(|l| l.domain_key == competency.domain_key());
                prop_assert_eq!(practised, added.practice > 0.0);
                prop_assert!(practised || added.competency == 0.0);
                prop_assert!(domain || added.domain == 0.0);
            }
        }
    }

    #[test]
    fn figures_are_rounded_so_that_they_add_up(
        figures in prop::collection::vec(-5.0..5.0, 0..40), unit in prop::sample::select(vec![0.1, 0.01, 0.001])
    ) {
        let sum: f64 = figures.iter().sum();
        let (units, total) = rounded(&figures, sum, unit);
        prop_assert_eq!(units.iter().sum::<i64>(), total);
        prop_assert!((total as f64 * unit - sum).abs() <= 0.5 * unit + TOLERANCE);
        for (exact, whole) in figures.iter().zip(&units) {
            prop_assert!((*whole as f64 * unit - exact).abs() < unit + TOLERANCE, "{exact}: {whole}");
        }
    }
}

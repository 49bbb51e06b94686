//! A mean is the sum of what moved it, for any answers, at any time; and looking at what an answer
//! does changes nothing of what it does.

use mastery::explain::rounded;
use mastery::{
    Degree, Explanation, Finding, Guess, Hyper, Model, PupilState, Trace, Voie, VoieWeight,
};
use proptest::prelude::*;

use crate::common::{competency_key, domain_key, item_key};
use crate::properties::{Answer, answers, model, model_with};

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

    /// The equations as an auditor is told them, on the nodes that an auditor is shown.
    #[test]
    fn each_step_follows_from_the_nodes_before_it(
        answers in answers(), declared in declared(), voie in voie(), evaluations in evaluations()
    ) {
        let all = Hyper { vr: 0.3, kw: 0.4, kr: 0.7, sr: 0.1, sw: -0.2, ow: 0.05, er: 0.3, ew: -0.1, ..Hyper::default() };
        let (model, mut clock) = (model_with(all), 1e9);
        let (_, _, traces) = traced(&model, &declared, voie, &mut clock, &answers, &evaluations);
        let hyper = model.subjects()[0].hyper();
        let near = |one: (f64, f64), other: (f64, f64)| {
            let near = |x: f64, y: f64| (x - y).abs() < TOLERANCE * x.abs().max(1.0);
            near(one.0, other.0) && near(one.1, other.1)
        };
        for trace in &traces {
            let step = trace.step;
            let moved = |(m, v): (f64, f64), h: f64| {
                (m + v * h * step.residual, v - v * v * h * h * step.weight)
            };
            let (a, k) = (trace.item.a, step.factor);
            let share = k * a / trace.competencies.len() as f64;
            let general = moved(trace.general.before, k * a);
            prop_assert!(near((general.0, general.1 + hyper.qg), trace.general.after));
            for one in &trace.competencies {
                let (m, v) = moved(one.node.before, share);
                prop_assert!(near((m, v + hyper.qk), one.node.after));
            }
            for one in &trace.domains {
                let of_domain = trace.competencies.iter().filter(|c| {
                    let all = model.subjects()[0].competencies().iter();
                    all.filter(|of| of.domain_key() == one.domain).any(|of| of.key() == c.competency)
                });
                let after = of_domain.fold(one.node.before, |node, _| {
                    let (m, v) = moved(node, share);
                    (m, v + hyper.qd)
                });
                prop_assert!(near(after, one.node.after));
            }
            let (theta, v_theta) = step.theta;
            let Some(passing) = trace.passing else {
                prop_assert!(near((a * theta - trace.item.b, a * a * v_theta), step.x));
                continue;
            };
            let (s, e) = (passing.session.before, passing.memory.before);
            let x = k * (a * theta + s.0 + e.0 - trace.item.b) + step.before.0;
            let v = k * k * (a * a * v_theta + s.1 + e.1) + step.before.1;
            prop_assert!(near((x, v), step.x));
            let (m, v) = moved(e, k);
            let kept = hyper.gi0 + step.y * (hyper.gi1 - hyper.gi0);
            prop_assert!(near((m + kept, v + hyper.qi), passing.memory.after));
            let (m, v) = moved(s, k);
            let phi2 = hyper.phi * hyper.phi;
            prop_assert!(near((hyper.phi * m, phi2 * v + (1.0 - phi2) * hyper.vs), passing.session.after));
            // It enters where the same item comes again at once, and moves there alone.
            let again = step.before.1 > 0.0;
            let habit = moved(passing.habit.before, f64::from(u8::from(again)));
            prop_assert!(near(habit, passing.habit.after));
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

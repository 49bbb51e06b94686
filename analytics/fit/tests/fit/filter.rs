//! Two ways to one result: what the filter of the fit expects is what the fold expects.

use fit::filter::{log_loss, seen};
use fit::sequences::Sequences;
use fit::{Answer, Answers, Pupil, Start, loss};
use mastery::declared::observation;
use mastery::{Degree, Guess, Hyper, ItemParams, PupilState, Voie, VoieWeight};
use proptest::prelude::*;
use schemas::ids::key64;

use crate::common::{item_key, model};

const COMPETENCIES: usize = 6;
const ITEMS: usize = 8;

fn answers() -> impl Strategy<Value = Answers> {
    let tags = prop::collection::vec(prop::collection::vec(0..COMPETENCIES, 1..4), ITEMS);
    let domains = prop::collection::vec(0..3_usize, COMPETENCIES);
    let outcome = prop_oneof![Just(0.0), Just(1.0), 0.0..=1.0];
    let after = prop_oneof![
        1 => Just(None),
        4 => (0.0..600.0).prop_map(Some),
        2 => (0.0..3_000_000.0).prop_map(Some),
    ];
    let answer = (0..ITEMS, outcome, any::<bool>(), after);
    let pupil = (prop::collection::vec(answer, 1..40), start());
    let pupils = prop::collection::vec(pupil, 1..5);
    (tags, domains, pupils).prop_map(|(tags, domains, pupils)| {
        let pupils = pupils.into_iter().enumerate().map(|(key, (steps, start))| {
            let mut clock = 0.0;
            let answers = steps
                .into_iter()
                .map(|(item, outcome, correct, after)| Answer {
                    item,
                    outcome,
                    correct,
                    time: after.map(|seconds| {
                        clock += seconds;
                        clock
                    }),
                });
            Pupil {
                key: key as u64,
                answers: answers.collect(),
                start,
            }
        });
        Answers::new(tags, domains, pupils.collect()).expect("they are well formed")
    })
}

/// Nothing, a *voie*, or degrees of domains.
fn start() -> impl Strategy<Value = Start> {
    let voie = (prop::sample::select(Voie::ALL.as_slice()), 0.01..=1.0);
    let voie = voie.prop_map(|(voie, weight)| Start {
        voie: Guess::of(
            "maths",
            voie,
            VoieWeight::try_from(weight).expect("a weight"),
        ),
        declared: Vec::new(),
    });
    let declared = prop::collection::btree_map(0..3_usize, 1_u8..=6, 0..3);
    let declared = declared.prop_map(|degrees| Start {
        voie: None,
        declared: degrees
            .into_iter()
            .map(|(domain, number)| (domain, Degree::new(number).expect("a degree")))
            .collect(),
    });
    prop_oneof![voie, declared]
}

fn hyper() -> impl Strategy<Value = Hyper> {
    prop::collection::vec(-1.0..1.0, 9).prop_map(|x: Vec<f64>| Hyper {
        rw: x[0],
        rr: x[1],
        sw: x[2],
        sr: x[3],
        ow: x[4],
        er: x[5],
        ew: x[6],
        kw: x[7] + 1.0,
        kr: x[8] + 1.0,
        vr: 0.3,
        qg: 0.001,
        ..Hyper::default()
    })
}

fn items() -> impl Strategy<Value = Vec<ItemParams>> {
    let item = (0.3..2.0, -2.0..2.0, 0.01..1.0).prop_map(|(a, b, s2)| ItemParams { a, b, s2 });
    prop::collection::vec(item, ITEMS)
}

proptest! {
    #[test]
    fn the_filter_is_the_fold(answers in answers(), hyper in hyper(), items in items()) {
        let everybody: Vec<usize> = (0..answers.pupils().len()).collect();
        let sequences = Sequences::new(&answers, &everybody, &hyper);
        let mut seen = seen(&sequences, &items, &hyper, 2).into_iter();
        let model = model(&answers, &items, hyper);
        let mut sum = 0.0;
        for pupil in answers.pupils() {
            let subject = &model.subjects()[0];
            let mut state = match pupil.start.voie {
                Some(guess) => PupilState::of_voie(subject, guess),
                None => PupilState::new(subject),
            };
            for &(domain, degree) in &pupil.start.declared {
                let (observed, variance) = observation(&hyper, degree);
                state.declare(subject, key64(&format!("urn:d:{domain}")), observed, variance);
            }
            for answer in &pupil.answers {
                let item = model.item(item_key(answer.item)).expect("an item of the model");
                let expected =
                    state.answer(&model, item, answer.outcome, answer.correct, answer.time);
                let counted = seen.next().expect("as many").expected;
                prop_assert!((expected - counted).abs() < 1e-9, "{expected} and {counted}");
                sum += loss(expected, answer.outcome);
            }
        }
        let mean = log_loss(&sequences, &items, &hyper, 2);
        prop_assert!((mean - sum / sequences.answers() as f64).abs() < 1e-9);
        prop_assert_eq!(mean.to_bits(), log_loss(&sequences, &items, &hyper, 5).to_bits());
    }
}

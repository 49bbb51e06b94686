//! What must hold for any answers: states survive their bytes, folding in two pieces is folding
//! whole, figures stay figures, and bytes of any kind are refused without a panic.

use std::collections::BTreeMap;

use crate::common::{framework, item, item_key};
use mastery::{Degree, Hyper, Model, PupilState};
use proptest::prelude::*;

const ITEMS: u32 = 12;

#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) item: u32,
    pub(crate) y: f64,
    pub(crate) correct: bool,
    /// Seconds since the answer before; `None` has no time.
    pub(crate) after: Option<f64>,
}

pub(crate) fn answers() -> impl Strategy<Value = Vec<Answer>> {
    let outcome = prop_oneof![Just(0.0), Just(1.0), 0.0..=1.0];
    let after = prop_oneof![
        1 => Just(None),
        4 => (0.0..600.0).prop_map(Some),
        2 => (0.0..3_000_000.0).prop_map(Some),
    ];
    let answer =
        (0..ITEMS, outcome, any::<bool>(), after).prop_map(|(item, y, correct, after)| Answer {
            item,
            y,
            correct,
            after,
        });
    prop::collection::vec(answer, 0..60)
}

/// The same in series: one competency is practised for a while, as pupils do.
fn series() -> impl Strategy<Value = Vec<Answer>> {
    let one = (
        0..ITEMS,
        prop::collection::vec(any::<(bool, bool, u16)>(), 1..25),
    );
    let answer = |item: u32, (correct, right_away, seconds): (bool, bool, u16)| Answer {
        // The other item with the same competencies, too.
        item: (item + if right_away { 0 } else { ITEMS / 2 }) % ITEMS,
        y: f64::from(u8::from(correct)),
        correct,
        after: Some(f64::from(seconds) / if right_away { 1_000.0 } else { 10.0 }),
    };
    let series = one.prop_map(move |(item, each)| {
        let each = each.into_iter();
        each.map(|one| answer(item, one)).collect::<Vec<_>>()
    });
    prop::collection::vec(series, 0..12).prop_map(|all| all.concat())
}

/// Two domains; items with one competency, with two of one domain, with two of two domains.
pub(crate) fn model() -> Model {
    model_with(Hyper::default())
}

/// The same with these constants.
pub(crate) fn model_with(hyper: Hyper) -> Model {
    let domains = BTreeMap::from([(1, vec![10, 11, 12]), (2, vec![20, 21])]);
    let sets: [&[u32]; 6] = [&[10], &[11, 10], &[20], &[12, 21], &[21], &[10, 11, 12, 20]];
    let items: Vec<_> = (0..ITEMS)
        .map(|id| {
            let b = f64::from(id) / 3.0 - 2.0;
            item(
                id,
                sets[id as usize % sets.len()],
                (0.6 + f64::from(id) / 10.0, b, 0.2),
            )
        })
        .collect();
    Model::with(&framework(&domains), &items, hyper)
}

fn fold(model: &Model, state: &mut PupilState, clock: &mut f64, answers: &[Answer]) {
    for answer in answers {
        let t = answer.after.map(|seconds| {
            *clock += seconds;
            *clock
        });
        let item = model
            .item(item_key(answer.item))
            .expect("an item of the model");
        let p = state.answer(model, item, answer.y, answer.correct, t);
        assert!(p > 0.0 && p < 1.0, "expected success {p}");
    }
}

proptest! {
    #[test]
    fn a_state_is_its_bytes(answers in answers()) {
        let (model, mut clock) = (model(), 1e9);
        let mut state = PupilState::new(&model.subjects()[0]);
        fold(&model, &mut state, &mut clock, &answers);
        let bytes = state.encode();
        let decoded = PupilState::decode(&bytes).unwrap();
        prop_assert_eq!(&decoded, &state);
        prop_assert_eq!(decoded.encode(), bytes);
    }

    #[test]
    fn folding_in_two_pieces_is_folding_whole(answers in answers(), cut in any::<prop::sample::Index>()) {
        let model = model();
        let cut = cut.index(answers.len() + 1);
        let (mut whole, mut clock) = (PupilState::new(&model.subjects()[0]), 1e9);
        fold(&model, &mut whole, &mut clock, &answers);

        let (mut first, mut clock) = (PupilState::new(&model.subjects()[0]), 1e9);
        fold(&model, &mut first, &mut clock, &answers[..cut]);
        let mut second = PupilState::decode(&first.encode()).unwrap();
        fold(&model, &mut second, &mut clock, &answers[cut..]);
        prop_assert_eq!(second.encode(), whole.encode());
    }

    #[test]
    fn a_degree_is_that_of_the_exact_m_though_a_quick_one_is_looked_at_first(
        answers in prop_oneof![answers(), series()],
    ) {
        let (model, mut clock) = (model(), 1e9);
        let mut state = PupilState::new(&model.subjects()[0]);
        let (scale, subject) = (model.scale(), &model.subjects()[0]);
        let mut of_competencies: BTreeMap<u64, Degree> = BTreeMap::new();
        let mut of_domains: BTreeMap<u64, Degree> = BTreeMap::new();
        for answer in &answers {
            fold(&model, &mut state, &mut clock, std::slice::from_ref(answer));
            let t = answer.after.map(|_| clock);
            let item = model.item(item_key(answer.item)).unwrap();
            for loading in item.loadings() {
                let competency = &subject.competencies()[loading.competency];
                let m = state.m(&model, competency, t);
                let last = of_competencies.get(&loading.key).copied();
                let now = Degree::from_last(scale, last, m);
                of_competencies.insert(loading.key, now);
                prop_assert_eq!(state.last_degree(loading.key), Some(now));
            }
            for domain in subject.domains() {
                if item.loadings().iter().any(|loading| loading.domain_key == domain.key()) {
                    // Of the state after the answer: the degree that is kept there, and M at the same time.
                    let shown = state.domain(&model, subject, domain, t);
                    let last = of_domains.get(&domain.key()).copied();
                    let now = Degree::from_last(scale, last, shown.m);
                    of_domains.insert(domain.key(), now);
                    prop_assert_eq!(shown.degree, now);
                }
            }
        }
    }

    #[test]
    fn a_note_of_the_last_look_changes_no_state(answers in prop_oneof![answers(), series()]) {
        let model = model();
        let (mut state, mut clock) = (PupilState::new(&model.subjects()[0]), 1e9);
        let mut bytes = state.encode();
        for answer in &answers {
            // What was written and read has no notes.
            let (mut read, mut same_clock) = (PupilState::decode(&bytes).unwrap(), clock);
            fold(&model, &mut read, &mut same_clock, std::slice::from_ref(answer));
            fold(&model, &mut state, &mut clock, std::slice::from_ref(answer));
            bytes = read.encode();
            prop_assert_eq!(state.encode(), bytes.clone());
        }
    }

    #[test]
    fn what_is_shown_is_in_its_range(answers in answers(), later in 0.0..1e8) {
        let (model, mut clock) = (model(), 1e9);
        let mut state = PupilState::new(&model.subjects()[0]);
        fold(&model, &mut state, &mut clock, &answers);
        let now = Some(clock + later);
        let subject = &model.subjects()[0];
        let competencies =
            subject.competencies().iter().map(|c| (state.competency(&model, c, now), 3, c.uri()));
        let domains =
            subject.domains().iter().map(|d| (state.domain(&model, subject, d, now), 5, d.uri()));
        for (mastery, least, uri) in competencies.chain(domains) {
            prop_assert!(mastery.m > 0.0 && mastery.m < 1.0, "{uri}: {mastery:?}");
            prop_assert!(mastery.variance > 0.0, "{uri}: {mastery:?}");
            prop_assert!((0.0..=1.0).contains(&mastery.confidence), "{uri}: {mastery:?}");
            prop_assert!(!mastery.shown || mastery.answers >= least, "{uri}: {mastery:?}");
        }
        for competency in subject.competencies() {
            let now_m = state.m(&model, competency, now);
            prop_assert!(state.m_just_practised(&model, competency, now) >= now_m - 1e-9);
        }
        for item in model.items() {
            let p = state.predict(&model, item, now);
            prop_assert!(p > 0.0 && p < 1.0);
        }
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = PupilState::decode(&bytes);
        let _ = PupilState::decode(&[b"SLG\x02".as_slice(), &bytes].concat());
    }

    #[test]
    fn a_damaged_state_is_refused_or_read_whole(
        answers in answers(), at in any::<prop::sample::Index>(), flip in 1_u8.., cut in any::<bool>()
    ) {
        let (model, mut clock) = (model(), 1e9);
        let mut state = PupilState::new(&model.subjects()[0]);
        fold(&model, &mut state, &mut clock, &answers);
        let mut bytes = state.encode();
        let at = at.index(bytes.len());
        if cut {
            bytes.truncate(at);
            prop_assert!(PupilState::decode(&bytes).is_err());
        } else {
            bytes[at] ^= flip;
            if let Ok(other) = PupilState::decode(&bytes) {
                prop_assert_eq!(other.encode(), bytes, "what is accepted is what was written");
            }
        }
    }
}

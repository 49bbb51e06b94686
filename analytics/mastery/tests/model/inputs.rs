//! What is known besides the answers: the declared profile, and evaluations made outside.

use mastery::declared::observation;
use mastery::{Degree, Finding, Hyper, PupilState, Scale};

use crate::common::{competency_key, domain_key, item_key};
use crate::properties::model;

fn degree(number: u8) -> Degree {
    Degree::new(number).expect("a degree")
}

#[test]
fn a_declared_degree_is_one_noisy_observation_of_ability_and_domain() {
    let hyper = Hyper::default();
    // The equations of the model's description, for the defaults: √2.1 · z / .7 and 2.1 · .51 / .49.
    let observed = [-3.622844, -1.966687, -0.931589, 0.0, 1.076502, 2.898275];
    for (number, expected) in (1..).zip(observed) {
        let (value, variance) = observation(&hyper, degree(number));
        assert!((value - expected).abs() < 1e-6, "{number}: {value}");
        assert!((variance - 2.185_714_285_714).abs() < 1e-9);
    }
}

#[test]
fn degrees_are_declared_in_the_frameworks_order() {
    let model = model();
    let subject = &model.subjects()[0];
    let all = |domain: &mastery::Domain| {
        let first = domain.key() == domain_key(1);
        Some(degree(if first { 6 } else { 2 }))
    };
    let declared = PupilState::declared(subject, all);
    let mut by_hand = PupilState::new(&model.subjects()[0]);
    for (domain, number) in [(1, 6), (2, 2)] {
        let (observed, variance) = observation(model.subjects()[0].hyper(), degree(number));
        by_hand.declare(&model.subjects()[0], domain_key(domain), observed, variance);
    }
    assert_eq!(declared.encode(), by_hand.encode());
    let none = PupilState::declared(subject, |_| None);
    assert_eq!(
        none.encode(),
        PupilState::new(&model.subjects()[0]).encode()
    );
    let decoded = PupilState::decode(&declared.encode()).expect("its own bytes");
    assert_eq!(decoded, declared);
}

#[test]
fn a_false_declaration_is_washed_out_by_answers() {
    let model = model();
    let subject = &model.subjects()[0];
    let competency = &subject.competencies()[0];
    let of = |number: u8| PupilState::declared(subject, |_| Some(degree(number)));
    let (mut low, mut high) = (of(1), of(6));
    let apart = |low: &PupilState, high: &PupilState| {
        high.level(&model, competency, None).0 - low.level(&model, competency, None).0
    };
    let mut last = apart(&low, &high);
    assert!(last > 2.0, "{last}");
    for n in 0..200_u32 {
        let item = model.item(item_key(n % 12)).expect("an item");
        for state in [&mut low, &mut high] {
            state.answer(&model, item, f64::from(n % 2), n % 2 == 1, None);
        }
        if n % 50 == 49 {
            let now = apart(&low, &high);
            assert!(now < last, "{n}: {now}, {last}");
            last = now;
        }
    }
    assert!(last < 0.2, "{last}");
}

#[test]
fn a_degree_stands_for_the_middle_of_its_mastery() {
    let scale = Scale::default();
    let middles = [0.2, 0.475, 0.6, 0.7, 0.8, 0.925];
    for (number, middle) in (1..).zip(middles) {
        let outcome = Finding::Degree(degree(number)).outcome(&scale);
        assert!((outcome - middle).abs() < 1e-12, "{number}: {outcome}");
    }
    assert_eq!(
        Finding::Share(0.3).outcome(&scale).to_bits(),
        0.3_f64.to_bits()
    );
    assert_eq!(
        Finding::Share(1.3).outcome(&scale).to_bits(),
        1.0_f64.to_bits()
    );
}

#[test]
fn an_evaluation_moves_mastery_and_nothing_that_is_none() {
    let model = model();
    let subject = &model.subjects()[0];
    let competency = &subject.competencies()[0];
    let reference = model
        .reference_item(competency.key())
        .expect("of the model");
    let item = model.item(item_key(0)).expect("an item");
    let mut state = PupilState::new(&model.subjects()[0]);
    state.answer(&model, item, 1.0, true, Some(1e9));
    let before = state.clone();
    let t = 1e9 + 60.0;
    let level = |state: &PupilState| state.level(&model, competency, Some(t));
    let (mean, variance) = level(&before);
    let found = |share: f64| {
        let mut state = before.clone();
        state.evaluate(&model, &reference, Finding::Share(share), t);
        state
    };
    let (good, bad) = (found(1.0), found(0.0));
    assert!(level(&good).0 > mean && level(&bad).0 < level(&good).0);
    assert!(level(&good).1 < variance);
    for after in [&good, &bad] {
        assert_eq!(after.nodes().session, before.nodes().session);
        assert_eq!((after.answers(), after.correct()), (1, 1));
        assert_eq!(
            (after.last(), after.item(item.key())),
            (before.last(), before.item(item.key()))
        );
        assert_eq!(after.items().count(), 1);
        let t = Some(t);
        let key = competency_key(10);
        let recent = |state: &PupilState| state.recent(&model.subjects()[0], key, t).to_bits();
        assert_eq!(recent(after), recent(&before));
        let node = after.competency_node(key).expect("practised");
        assert_eq!((node.answers, node.last), (2, t));
        assert_eq!(
            PupilState::decode(&after.encode()).expect("its own bytes"),
            *after
        );
    }
    assert!(model.reference_item(1).is_none());
}

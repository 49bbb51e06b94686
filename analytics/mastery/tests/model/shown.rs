//! Degrees, the band around them, the evidence that a degree needs, and what the fingerprint names.

use std::collections::BTreeMap;

use crate::common::{competency_key, framework, item, item_key};
use mastery::{Degree, Hyper, Model, PupilState, Scale};
use schemas::catalogue::CatalogueItem;
use schemas::framework::Framework;

const DAY_S: f64 = 86_400.0;

fn domains() -> BTreeMap<u32, Vec<u32>> {
    BTreeMap::from([(1, vec![10, 11]), (2, vec![20])])
}

fn model() -> Model {
    let items: Vec<_> = (0..40)
        .map(|id| item(id, &[[10, 11, 20][id as usize % 3]], (1.0, 0.0, 0.1)))
        .collect();
    Model::new(&framework(&domains()), &items)
}

/// Answers items of one competency, one a minute, from `first` on.
fn practise(
    model: &Model,
    state: &mut PupilState,
    first: u32,
    count: u32,
    right: bool,
    from: f64,
) -> f64 {
    let mut t = from;
    for step in 0..count {
        t += 60.0;
        let item = model
            .item(item_key((first + 3 * step) % 39))
            .expect("an item of the model");
        state.answer(model, item, f64::from(u8::from(right)), right, Some(t));
    }
    t
}

#[test]
fn a_degree_follows_the_cuts() {
    let scale = Scale::default();
    let degrees: Vec<u8> = [0.0, 0.399, 0.40, 0.549, 0.55, 0.65, 0.75, 0.849, 0.85, 1.0]
        .into_iter()
        .map(|m| Degree::of(&scale, m).number())
        .collect();
    assert_eq!(degrees, [1, 1, 2, 2, 3, 4, 5, 5, 6, 6]);
}

#[test]
fn a_degree_is_kept_within_its_band() {
    let scale = Scale::default();
    let third = Degree::new(3);
    for (m, expected) in [
        (0.529, 2),
        (0.531, 3),
        (0.60, 3),
        (0.669, 3),
        (0.671, 4),
        (0.9, 6),
    ] {
        assert_eq!(
            Degree::from_last(&scale, third, m).number(),
            expected,
            "M = {m}"
        );
    }
    assert_eq!(Degree::from_last(&scale, Degree::new(1), 0.41).number(), 1);
    assert_eq!(Degree::from_last(&scale, Degree::new(6), 0.84).number(), 6);
    assert_eq!(Degree::from_last(&scale, None, 0.41).number(), 2);
    assert_eq!((Degree::new(0), Degree::new(7)), (None, None));
}

#[test]
fn a_competency_is_shown_after_enough_answers_that_agree() {
    let model = model();
    let competency = &model.subjects()[0].competencies()[0];
    let mut state = PupilState::new(&model.subjects()[0]);
    assert!(!state.competency(&model, competency, Some(0.0)).shown);

    let t = practise(&model, &mut state, 0, 2, true, 1e9);
    let two = state.competency(&model, competency, Some(t));
    assert_eq!((two.answers, two.shown), (2, false), "{two:?}");

    let t = practise(&model, &mut state, 6, 11, true, t);
    let many = state.competency(&model, competency, Some(t));
    assert_eq!(many.answers, 13);
    assert!(
        many.shown && many.confidence > 0.8 && many.degree.number() == 6,
        "{many:?}"
    );
    assert_eq!(many.last, Some(t));
    assert_eq!(model.degree_label(many.degree), "très bonne maîtrise");
}

#[test]
fn a_domain_is_shown_after_five_answers_on_two_competencies() {
    let model = model();
    let subject = &model.subjects()[0];
    let domain = &subject.domains()[0];
    let mut state = PupilState::new(&model.subjects()[0]);
    let t = practise(&model, &mut state, 0, 12, true, 1e9);
    let one = state.domain(&model, subject, domain, Some(t));
    assert_eq!(
        (one.answers, one.shown),
        (12, false),
        "one competency only: {one:?}"
    );

    let t = practise(&model, &mut state, 1, 3, true, t);
    let two = state.domain(&model, subject, domain, Some(t));
    assert_eq!(two.answers, 15);
    assert!(two.shown, "{two:?}");

    let single = state.domain(&model, subject, &subject.domains()[1], Some(t));
    assert_eq!((single.answers, single.shown), (0, false));
}

#[test]
fn a_domain_is_the_mean_of_its_competencies() {
    let model = model();
    let subject = &model.subjects()[0];
    let mut state = PupilState::new(&model.subjects()[0]);
    let t = Some(practise(&model, &mut state, 0, 4, true, 1e9) + DAY_S);
    let members: Vec<_> = subject
        .competencies_of(&subject.domains()[0])
        .map(|c| state.competency(&model, c, t))
        .collect();
    let domain = state.domain(&model, subject, &subject.domains()[0], t);
    assert_eq!(members.len(), 2);
    assert!((domain.m - (members[0].m + members[1].m) / 2.0).abs() < 1e-12);
    assert!((domain.mean - (members[0].mean + members[1].mean) / 2.0).abs() < 1e-12);
}

#[test]
fn mastery_fades_with_time_and_practice_brings_it_back() {
    let model = model();
    let competency = &model.subjects()[0].competencies()[0];
    let mut state = PupilState::new(&model.subjects()[0]);
    let t = practise(&model, &mut state, 0, 6, true, 1e9);
    let (today, later) = (Some(t), Some(t + 60.0 * DAY_S));
    assert!(state.m(&model, competency, later) < state.m(&model, competency, today) - 0.02);
    let soon = state.m_just_practised(&model, competency, later);
    assert!(soon > state.m(&model, competency, later) && soon < state.m(&model, competency, today));
    assert_eq!(
        state.m(&model, competency, None).to_bits(),
        state.m(&model, competency, today).to_bits(),
        "without a time nothing fades"
    );
}

#[test]
fn a_session_remembers_what_was_done_in_it() {
    let model = model();
    let mut state = PupilState::new(&model.subjects()[0]);
    let (ten, eleven) = (competency_key(10), competency_key(11));
    let t = practise(&model, &mut state, 0, 2, true, 1e9);
    let t = practise(&model, &mut state, 1, 1, true, t);
    let now = Some(t + 60.0);
    assert!((state.recent(&model.subjects()[0], ten, now) - (1.0 + 0.8) * 0.8).abs() < 1e-12);
    assert!((state.recent(&model.subjects()[0], eleven, now) - 1.0).abs() < 1e-12);
    assert!(state.done_in_session(&model.subjects()[0], item_key(0), now));
    assert!(!state.done_in_session(&model.subjects()[0], item_key(6), now));

    let tomorrow = Some(t + DAY_S);
    assert!(!state.in_session(&model.subjects()[0], tomorrow));
    assert_eq!(state.recent(&model.subjects()[0], ten, tomorrow), 0.0);
    assert!(!state.done_in_session(&model.subjects()[0], item_key(0), tomorrow));
    let t = practise(&model, &mut state, 6, 1, false, t + DAY_S);
    assert_eq!(state.session_start(), Some(t));
    assert!(
        (state.recent(&model.subjects()[0], ten, Some(t)) - 1.0).abs() < 1e-12,
        "yesterday does not count"
    );
    assert!(!state.done_in_session(&model.subjects()[0], item_key(0), Some(t)));
    assert_eq!((state.answers(), state.correct()), (4, 3));
}

#[test]
fn the_reference_item_is_the_median_of_the_calibrated_ones() {
    let mut items: Vec<_> = [(0.8, -1.0), (1.2, 0.5), (1.0, 2.0)]
        .into_iter()
        .zip(0..)
        .map(|((a, b), id)| item(id, &[10], (a, b, 0.1)))
        .collect();
    let mut judged = item(7, &[10], (1.0, 0.0, 1.0));
    (judged.item, judged.level) = (None, Some(6));
    items.push(judged);
    let model = Model::new(&framework(&domains()), &items);
    let competencies = model.subjects()[0].competencies();
    assert_eq!(
        (competencies[0].reference().a, competencies[0].reference().b),
        (1.0, 0.5)
    );
    assert_eq!(
        (competencies[1].reference().a, competencies[1].reference().b),
        (1.0, 0.0)
    );
    let domain = model.subjects()[0].domains()[0].reference();
    assert_eq!((domain.a, domain.b), (1.0, 0.25));
}

#[test]
fn an_item_keeps_the_known_competencies_of_its_main_subject() {
    let items = [
        item(1, &[99, 11, 10, 11], (1.0, 0.0, 0.1)),
        item(2, &[98, 99], (1.0, 0.0, 0.1)),
    ];
    let model = Model::new(&framework(&domains()), &items);
    let known: Vec<u64> = model
        .item(item_key(1))
        .expect("an item of the model")
        .loadings()
        .iter()
        .map(|l| l.key)
        .collect();
    assert_eq!(known, [competency_key(11), competency_key(10)]);
    assert!(
        model.item(item_key(2)).is_none(),
        "no known competency, no item"
    );
}

#[test]
fn the_fingerprint_names_what_changes_a_state_and_nothing_else() {
    let framework = framework(&domains());
    let items = vec![
        item(1, &[10], (1.0, 0.0, 0.1)),
        item(2, &[11, 20], (1.0, 0.3, 0.1)),
    ];
    let fingerprint = |framework: &Framework, items: &[CatalogueItem]| {
        Model::new(framework, items).fingerprint().to_owned()
    };
    let base = fingerprint(&framework, &items);
    assert_eq!(base.len(), 64);

    let reversed: Vec<_> = items.iter().rev().cloned().collect();
    assert_eq!(
        fingerprint(&framework, &reversed),
        base,
        "the order of the catalogue"
    );
    let mut relabelled = framework.clone();
    relabelled.domains[0].competencies[0].label_fr = "autre nom".to_owned();
    assert_eq!(fingerprint(&relabelled, &items), base, "a label");
    let mut retitled = items.clone();
    retitled[0].title = BTreeMap::from([("fr".to_owned(), "autre titre".to_owned())]);
    assert_eq!(fingerprint(&framework, &retitled), base, "a title");

    let harder = vec![items[0].clone(), item(2, &[11, 20], (1.0, 0.31, 0.1))];
    assert_ne!(fingerprint(&framework, &harder), base, "a difficulty");
    let swapped = vec![items[0].clone(), item(2, &[20, 11], (1.0, 0.3, 0.1))];
    assert_ne!(
        fingerprint(&framework, &swapped),
        base,
        "the main competency"
    );
    assert_ne!(fingerprint(&framework, &items[..1]), base, "an item less");
    let mut smaller = framework.clone();
    smaller.domains.pop();
    assert_ne!(fingerprint(&smaller, &items), base, "a domain less");
    let hyper = Hyper {
        rho: 0.12,
        ..Hyper::default()
    };
    let other = Model::with(&framework, &items, hyper);
    assert_ne!(other.fingerprint(), base, "a constant");
    let usual = Scale::default();
    for scale in [
        Scale {
            cuts: [0.40, 0.55, 0.65, 0.75, 0.86],
            ..usual
        },
        Scale {
            band: 0.03,
            ..usual
        },
        Scale {
            confidence: 0.7,
            ..usual
        },
        Scale {
            competency_answers: 4,
            ..usual
        },
        Scale {
            domain_answers: 6,
            ..usual
        },
        Scale {
            domain_competencies: 3,
            ..usual
        },
    ] {
        let mut other = framework.clone();
        other.levels.scale = scale;
        assert_ne!(fingerprint(&other, &items), base, "{scale:?}");
        assert_eq!(*Model::new(&other, &items).scale(), scale);
    }
}

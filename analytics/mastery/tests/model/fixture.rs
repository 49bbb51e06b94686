//! The golden states of the reference implementation, reproduced to 1e-12.

use std::collections::BTreeMap;

use crate::common::{competency_key, domain_key, framework, item, item_key};
use mastery::{Hyper, Model, PupilState};
use serde::Deserialize;

const TOLERANCE: f64 = 1e-12;

#[derive(Deserialize)]
struct Fixture {
    hyperparameters: Hyper,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    dataset: String,
    pupil: u32,
    declared: Option<BTreeMap<u32, [f64; 2]>>,
    items: BTreeMap<u32, Params>,
    answers: Vec<Answer>,
}

#[derive(Deserialize)]
struct Params {
    a: f64,
    b: f64,
    s2: f64,
}

#[derive(Deserialize)]
struct Answer {
    item: u32,
    competencies: Vec<[u32; 2]>,
    t: Option<f64>,
    correct: u8,
    p: f64,
    g: [f64; 2],
    d: BTreeMap<u32, [f64; 2]>,
    s: [f64; 2],
    c: BTreeMap<u32, CompetencyState>,
    e: ItemState,
    level: BTreeMap<u32, [f64; 2]>,
}

#[derive(Deserialize)]
struct CompetencyState {
    m: f64,
    v: f64,
    n: u64,
    t: Option<f64>,
}

#[derive(Deserialize)]
struct ItemState {
    m: f64,
    v: f64,
    t: Option<f64>,
}

#[test]
fn the_reference_states_are_reproduced() {
    let fixture: Fixture =
        serde_json::from_str(include_str!("../mastery_fixture.json")).expect("named by the case");
    assert_eq!(fixture.hyperparameters, Hyper::default());
    assert_eq!(fixture.cases.len(), 4);
    for case in &fixture.cases {
        assert!(case.answers.len() >= 20, "{} {}", case.dataset, case.pupil);
        replay(case);
    }
}

fn replay(case: &Case) {
    let model = model(case);
    let mut state = PupilState::new(&model.subjects()[0]);
    for (&domain, &[observed, variance]) in case.declared.iter().flatten() {
        state.declare(&model.subjects()[0], domain_key(domain), observed, variance);
    }
    for (index, answer) in case.answers.iter().enumerate() {
        let at = format!("{} pupil {} answer {index}", case.dataset, case.pupil);
        let item = model
            .item(item_key(answer.item))
            .expect("named by the case");
        let right = answer.correct == 1;
        let p = state.answer(&model, item, f64::from(answer.correct), right, answer.t);
        close(p, answer.p, &format!("{at}: p"));
        compare(&model, &state, answer, &at);
        assert_eq!(
            PupilState::decode(&state.encode()).expect("its own bytes"),
            state,
            "{at}"
        );
    }
}

fn compare(model: &Model, state: &PupilState, answer: &Answer, at: &str) {
    let nodes = state.nodes();
    close_pair(nodes.general, answer.g, &format!("{at}: g"));
    close_pair(nodes.session, answer.s, &format!("{at}: s"));
    for (&domain, &expected) in &answer.d {
        close_pair(
            state.domain_node_of(&model.subjects()[0], domain_key(domain)),
            expected,
            &format!("{at}: d{domain}"),
        );
    }
    for (&competency, expected) in &answer.c {
        let node = state
            .competency_node(competency_key(competency))
            .expect("named by the case");
        close_pair(
            (node.mean, node.variance),
            [expected.m, expected.v],
            &format!("{at}: c{competency}"),
        );
        assert_eq!(
            (u64::from(node.answers), node.last),
            (expected.n, expected.t),
            "{at}: c{competency}"
        );
    }
    let memory = state
        .item_node(item_key(answer.item))
        .expect("named by the case");
    close_pair(
        (memory.mean, memory.variance),
        [answer.e.m, answer.e.v],
        &format!("{at}: e"),
    );
    assert_eq!(memory.last, answer.e.t, "{at}: e");
    let subject = &model.subjects()[0];
    for (&competency, &expected) in &answer.level {
        let competency = subject
            .competencies()
            .iter()
            .find(|c| c.key() == competency_key(competency))
            .expect("named by the case");
        close_pair(
            state.level(model, competency, answer.t),
            expected,
            &format!("{at}: level"),
        );
    }
}

/// The model of a case: its items, and the domains and competencies that its answers name.
fn model(case: &Case) -> Model {
    let mut domains: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    let mut competencies: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for answer in &case.answers {
        for &[competency, domain] in &answer.competencies {
            let members = domains.entry(domain).or_default();
            if !members.contains(&competency) {
                members.push(competency);
            }
        }
        let list = answer
            .competencies
            .iter()
            .map(|&[competency, _]| competency)
            .collect();
        competencies.insert(answer.item, list);
    }
    let items: Vec<_> = case
        .items
        .iter()
        .map(|(&id, params)| item(id, &competencies[&id], (params.a, params.b, params.s2)))
        .collect();
    Model::new(&framework(&domains), &items)
}

fn close_pair(found: (f64, f64), expected: [f64; 2], what: &str) {
    close(found.0, expected[0], &format!("{what} mean"));
    close(found.1, expected[1], &format!("{what} variance"));
}

fn close(found: f64, expected: f64, what: &str) {
    assert!(
        (found - expected).abs() <= TOLERANCE,
        "{what}: {found} instead of {expected}"
    );
}

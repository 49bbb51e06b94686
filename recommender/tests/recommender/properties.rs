//! What holds for every pupil and every list.

use std::collections::{BTreeMap, HashSet};

use mastery::maths::{exp, sigmoid};
use mastery::state::RECENT_FADING;
use proptest::prelude::*;
use recommender::catalogue::Index;
use recommender::policy::{self, Policy, Recommendation, Seuil, ZoneProximale};
use recommender::pupil::PupilView;
use schemas::catalogue::CatalogueItem;
use schemas::framework::Framework;

use crate::common::{Story, index, items};

const LEVELS: [u8; 3] = [2, 4, 5];

/// (competency, level, right, pause before it)
type Step = (usize, usize, bool, f64);

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let pause = prop_oneof![4 => 0.0..600.0, 1 => 0.0..5_000_000.0];
    let step = (
        0..25_usize,
        0..LEVELS.len(),
        prop::bool::weighted(0.7),
        pause,
    );
    prop::collection::vec(step, 0..80)
}

fn story<'a>(index: &'a Index, steps: &[Step]) -> Story<'a> {
    let labels: Vec<&str> = Framework::seconde()
        .competencies()
        .map(|(_, c)| c.label_fr.as_str())
        .collect();
    steps.iter().fold(
        Story::new(index.model()),
        |story, &(competency, level, right, pause)| {
            story
                .wait(pause)
                .answers(labels[competency], &[LEVELS[level]], right)
        },
    )
}

fn ids(index: &Index, list: &[Recommendation]) -> Vec<String> {
    list.iter()
        .map(|entry| index.activity(entry.activity).id.clone())
        .collect()
}

/// The policy's equations, word for word: every exercise scored at every place of the list.
/// Ends before the first score of 0, where nothing is left to choose by.
fn word_for_word(
    index: &Index,
    pupil: &PupilView,
    now: f64,
    limit: usize,
    seed: u64,
) -> Vec<(usize, f64)> {
    let model = index.model();
    let mut chosen: Vec<usize> = Vec::new();
    let mut list = Vec::new();
    while list.len() < limit {
        let scores = (0..index.activities().len()).filter_map(|a| {
            let score = score(index, pupil, now, &chosen, a)?;
            Some((a, score, policy_tie(seed, index.activity(a).item.key())))
        });
        let best = scores.max_by(|a, b| a.1.total_cmp(&b.1).then(a.2.cmp(&b.2)));
        match best {
            Some((activity, score, _)) if score > 0.0 => {
                list.push((activity, score));
                chosen.push(activity);
            }
            _ => break,
        }
    }
    assert!(!model.subjects().is_empty());
    list
}

fn score(
    index: &Index,
    pupil: &PupilView,
    now: f64,
    chosen: &[usize],
    activity: usize,
) -> Option<f64> {
    let model = index.model();
    let item = &index.activity(activity).item;
    let state = pupil.state(item.subject());
    if chosen.contains(&activity)
        || state.done_in_session(model.subject_of(item), item.key(), Some(now))
    {
        return None;
    }
    let subject = &model.subjects()[item.subject()];
    let competency = &subject.competencies()[item.main()];
    let m = state.m(model, competency, Some(now));
    let fresh = state.m_just_practised(model, competency, Some(now));
    let needed: Vec<f64> = competency
        .prerequisites()
        .iter()
        .map(|&p| state.m(model, &subject.competencies()[p], Some(now)))
        .collect();
    let pre = if needed.is_empty() {
        1.0
    } else {
        sigmoid(8.0 * (needed.iter().sum::<f64>() / needed.len() as f64 - 0.55))
    };
    let gap = (0.95 - m).max(0.0) * (0.1 + m);
    let review = if fresh > 0.6 {
        4.0 * (fresh - m).max(0.0)
    } else {
        0.0
    };
    let mut recent = state.recent(subject, competency.key(), Some(now));
    for &done in chosen {
        let done = &index.activity(done).item;
        if done.subject() == item.subject() {
            recent *= RECENT_FADING;
            recent += f64::from(u8::from(done.main() == item.main()));
        }
    }
    let variety = 1.0 / (1.0 + 0.6 * recent);
    let p = state.predict(model, item, Some(now));
    let fit = exp(-0.5 * ((p - 0.75) / 0.18) * ((p - 0.75) / 0.18));
    let new = if state.item(item.key()).is_some() {
        0.7
    } else {
        1.0
    };
    Some(pre * (gap + 2.0 * review) * variety * (fit * new))
}

/// splitmix64 of seed and item.
fn policy_tie(seed: u64, item: u64) -> u64 {
    let mut z = (seed ^ item).wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_list_is_that_of_the_equations(steps in steps(), later in 0.0..3e6, seed in any::<u64>()) {
        let index = index(&items(&LEVELS));
        let story = story(&index, &steps);
        let now = story.clock + later;
        let list = ZoneProximale.next(&story.view(), &index, now, 12, seed);
        let expected = word_for_word(&index, &story.view(), now, 12, seed);
        prop_assert!(list.len() >= expected.len());
        for (entry, (activity, score)) in list.iter().zip(expected) {
            prop_assert_eq!(entry.activity, activity);
            prop_assert!((entry.factors.score - score).abs() < 1e-12);
        }
    }

    #[test]
    fn every_list_keeps_its_promises(steps in steps(), later in 0.0..20_000.0, seed in any::<u64>()) {
        let index = index(&items(&LEVELS));
        let story = story(&index, &steps);
        let (view, now) = (story.view(), story.clock + later);
        for policy in [&ZoneProximale as &dyn Policy, &Seuil] {
            let list = policy.next(&view, &index, now, 20, seed);
            let mut seen = HashSet::new();
            for entry in &list {
                let item = &index.activity(entry.activity).item;
                let state = view.state(item.subject());
                prop_assert!(!state.done_in_session(index.model().subject_of(item), item.key(), Some(now)));
                prop_assert!(seen.insert(entry.activity), "an exercise twice");
                prop_assert!(entry.expected_success > 0.0 && entry.expected_success < 1.0);
                prop_assert!(entry.mastery.m > 0.0 && entry.mastery.m < 1.0);
                let f = entry.factors;
                prop_assert!([f.pre, f.variety, f.fit, f.new].iter().all(|x| *x > 0.0 && *x <= 1.0));
            }
            let shorter = policy.next(&view, &index, now, 4, seed);
            prop_assert_eq!(&shorter[..], &list[..shorter.len()], "a shorter list is its beginning");
        }
    }

    #[test]
    fn without_a_session_scores_start_with_the_highest(steps in steps(), seed in any::<u64>()) {
        let index = index(&items(&LEVELS));
        let story = story(&index, &steps);
        let list = ZoneProximale.next(&story.view(), &index, story.clock + 20_000.0, 20, seed);
        for entry in &list {
            prop_assert!(entry.factors.score <= list[0].factors.score);
        }
    }

    #[test]
    fn the_order_of_the_catalogue_changes_nothing(
        steps in steps(),
        shuffled in Just(items(&LEVELS)).prop_shuffle(),
        seed in any::<u64>(),
    ) {
        let (one, other) = (index(&items(&LEVELS)), index(&shuffled));
        prop_assert_eq!(one.model().fingerprint(), other.model().fingerprint());
        let (a, b) = (story(&one, &steps), story(&other, &steps));
        for policy in [&ZoneProximale as &dyn Policy, &Seuil] {
            let first = policy.next(&a.view(), &one, a.clock, 20, seed);
            let second = policy.next(&b.view(), &other, b.clock, 20, seed);
            prop_assert_eq!(ids(&one, &first), ids(&other, &second));
            for (x, y) in first.iter().zip(&second) {
                prop_assert_eq!(x.factors.score.to_bits(), y.factors.score.to_bits());
            }
        }
    }
}

/// Two competencies and exercises that differ by their ids only.
fn twins(count: u32) -> Vec<CatalogueItem> {
    let competency = &Framework::seconde().domains[0].competencies[0];
    (0..count)
        .map(|n| CatalogueItem {
            id: format!("https://example.org/twin/{n}")
                .parse()
                .expect("an IRI"),
            title: BTreeMap::from([("fr".to_owned(), format!("jumeau {n}"))]),
            subject: "francais".to_owned(),
            competencies: vec![competency.uri.clone()],
            intent: None,
            item: None,
            level: Some(3),
        })
        .collect()
}

#[test]
fn ties_fall_by_pupil_and_day() {
    let index = index(&twins(30));
    let view = Story::new(index.model()).view();
    let order = |pupil: [u8; 16], day: i64| {
        let list = ZoneProximale.next(&view, &index, 0.0, 30, policy::seed(pupil, day));
        ids(&index, &list)
    };
    assert_eq!(order([1; 16], 20_000), order([1; 16], 20_000));
    assert_ne!(
        order([1; 16], 20_000),
        order([1; 16], 20_001),
        "another day"
    );
    assert_ne!(
        order([1; 16], 20_000),
        order([2; 16], 20_000),
        "another pupil"
    );
}

#[test]
fn a_catalogue_without_items_gives_an_empty_list() {
    let index = index(&[]);
    let view = Story::new(index.model()).view();
    assert!(ZoneProximale.next(&view, &index, 0.0, 5, 1).is_empty());
    assert!(Seuil.next(&view, &index, 0.0, 5, 1).is_empty());
}

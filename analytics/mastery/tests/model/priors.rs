//! Where items start that nobody has answered.

use std::collections::BTreeMap;

use mastery::{Calibration, Hyper, ItemParams, ItemPriors, LevelScale, Model, Reference, SetPrior};
use schemas::catalogue::CatalogueItem;

use crate::common::{competency_key, framework, item, item_key};

fn params(a: f64, b: f64, s2: f64) -> ItemParams {
    ItemParams { a, b, s2 }
}

/// Of competency 10 alone, of 10 with 11, of any other set.
fn priors() -> ItemPriors {
    let mut both = vec![competency_key(10), competency_key(11)];
    both.sort_unstable();
    let mut sets = vec![
        SetPrior {
            competencies: vec![competency_key(10)],
            params: params(1.1, -1.0, 0.5),
        },
        SetPrior {
            competencies: both,
            params: params(0.9, 2.0, 0.5),
        },
    ];
    sets.sort_by(|one, other| one.competencies.cmp(&other.competencies));
    ItemPriors {
        sets,
        other: params(1.0, 0.4, 1.5),
        level: LevelScale::default(),
    }
}

/// An item of which the catalogue knows its competencies alone.
fn bare(id: u32, competencies: &[u32]) -> CatalogueItem {
    CatalogueItem {
        item: None,
        ..item(id, competencies, (1.0, 0.0, 1.0))
    }
}

fn close(found: ItemParams, wanted: ItemParams) {
    let off =
        (found.a - wanted.a).abs() + (found.b - wanted.b).abs() + (found.s2 - wanted.s2).abs();
    assert!(off < 1e-12, "{found:?}, wanted {wanted:?}");
}

#[test]
fn an_item_starts_from_its_set_of_competencies_and_its_level() {
    let priors = priors();
    let of = |item: &CatalogueItem, set: &[u32]| {
        let keys: Vec<u64> = set.iter().map(|c| competency_key(*c)).collect();
        priors.params(item, &keys)
    };
    close(of(&bare(1, &[10]), &[10]), params(1.1, -1.0, 0.5));
    close(of(&bare(2, &[11, 10]), &[11, 10]), params(0.9, 2.0, 0.5));
    close(of(&bare(3, &[12]), &[12]), params(1.0, 0.4, 1.5));
    // Set and level are as sure as each other: half of each.
    let levelled = CatalogueItem {
        level: Some(6),
        ..bare(4, &[10])
    };
    close(of(&levelled, &[10]), params(1.1, (2.029 - 1.0) / 2.0, 0.25));
    // Parameters that somebody declared stay.
    let declared = item(5, &[10], (1.3, 0.7, 0.2));
    close(of(&declared, &[10]), params(1.3, 0.7, 0.2));
}

#[test]
fn a_level_says_what_levels_were_found_to_say() {
    let assumed = LevelScale::of(&[]);
    assert_eq!(assumed, LevelScale::default());
    let items = |off: &dyn Fn(usize) -> f64| -> Vec<(f64, ItemParams)> {
        let levels = (0..400).map(|n| (-2.0 + (n % 5) as f64, n));
        levels
            .map(|(level, n)| (level, params(1.0, level + off(n), 0.05)))
            .collect()
    };
    // Items are one logit harder than their levels say, and the levels are right otherwise.
    let exact = LevelScale::of(&items(&|_| 1.0));
    assert!((exact.offset - 1.0).abs() < 0.01, "{exact:?}");
    assert!(exact.variance < 0.08, "{exact:?}");
    // They say little of items that lie two logits off, one way or the other.
    let loose = LevelScale::of(&items(&|n| if n % 2 == 0 { 2.0 } else { -2.0 }));
    assert!(loose.offset.abs() < 0.01, "{loose:?}");
    assert!((loose.variance - 4.0).abs() < 0.2, "{loose:?}");
    // One item changes little of what is assumed.
    let one = LevelScale::of(&[(0.0, params(1.0, 3.0, 0.05))]);
    assert!(one.offset < 2.0 && one.variance < 1.5, "{one:?}");
}

#[test]
fn a_model_takes_priors_for_what_was_not_fitted() {
    let framework = framework(&BTreeMap::from([(1, vec![10, 11, 12])]));
    let items = [bare(1, &[10]), bare(2, &[10]), bare(3, &[12])];
    let mut calibration = Calibration {
        hyper: [("maths".to_owned(), Hyper::default())].into(),
        items: [(item_key(1), params(1.4, -2.0, 0.1))].into(),
        priors: [("maths".to_owned(), priors())].into(),
    };
    let made = |calibration: &Calibration| Model::calibrated(&framework, &items, calibration);
    let model = made(&calibration);
    let of = |n| model.item(item_key(n)).expect("known").params();
    close(of(1), params(1.4, -2.0, 0.1));
    close(of(2), params(1.1, -1.0, 0.5));
    close(of(3), params(1.0, 0.4, 1.5));
    // An ordinary exercise: the median of those that are calibrated, else what is expected of one.
    let references = model.subjects()[0].competencies().iter();
    let references: Vec<Reference> = references.map(|c| c.reference()).collect();
    let reference = |a, b| Reference { a, b };
    assert_eq!(
        references,
        [
            reference(1.4, -2.0),
            reference(1.0, 0.4),
            reference(1.0, 0.4)
        ]
    );
    let before = model.fingerprint().to_owned();
    calibration.priors.get_mut("maths").expect("there").other.b = 0.5;
    assert_ne!(made(&calibration).fingerprint(), before);
}

//! False alarms and misses of the daily check over many simulated schools: pure, so that there can be many.

use std::collections::HashMap;

use analytics::checks::findings::WINDOWS_DAYS;
use analytics::checks::{Bin, Bins, Cell, Drift, Judged, Kinds, Month, Tally, Watching};
use analytics::fold::{Answer, Inputs, PersonFold};
use chrono::{Days, NaiveDate};
use mastery::maths::sigmoid;
use mastery::{Calibration, Hyper, ItemParams, Model};
use schemas::catalogue::{CatalogueItem, DeclaredItem};
use schemas::framework::Framework;
use schemas::ids::StatementId;
use schemas::profile::FoldKey;
use uuid::Uuid;

use crate::school::Chance;

const ITEMS: usize = 12;
const PUPILS: usize = 150;
const EACH: usize = 4;
const DAYS: u64 = 60;

/// Difficulties from -1.5 to 1.5.
fn difficulty(item: usize) -> f64 {
    -1.5 + 3.0 * item as f64 / 11.0
}

/// Items with their true parameters, and constants that say what these schools are: pupils differ in one
/// ability of variance 1.44, and nothing is learnt or forgotten.
fn truth() -> (Model, Kinds, Vec<CatalogueItem>) {
    let framework = Framework::seconde();
    let known = framework.competencies();
    let uris: Vec<&str> = known
        .filter(|(domain, _)| domain.subject == "maths")
        .map(|(_, competency)| competency.uri.as_str())
        .collect();
    let items: Vec<CatalogueItem> = (0..ITEMS)
        .map(|item| CatalogueItem {
            id: format!("urn:i:{item}").parse().expect("well formed"),
            title: [("fr".to_owned(), format!("exercice {item}"))].into(),
            subject: "maths".to_owned(),
            competencies: vec![uris[(7 * item) % uris.len()].to_owned()],
            intent: Some(format!("urn:intent:{}", item % 2)),
            item: Some(DeclaredItem {
                a: 1.0,
                b: difficulty(item),
                s2: 0.01,
            }),
            level: None,
        })
        .collect();
    let none = 1e-9;
    let hyper = Hyper {
        vg: 1.44,
        vd: none,
        vk: none,
        vs: none,
        vi: none,
        qd: 0.0,
        qk: 0.0,
        qi: 0.0,
        lam: 0.0,
        kap: 0.0,
        rho: 0.0,
        gi1: 0.0,
        gi0: 0.0,
        rw: 0.0,
        rr: 0.0,
        ..Hyper::default()
    };
    let model = Model::calibrated(
        framework,
        &items,
        &Calibration {
            hyper: [("maths".to_owned(), hyper)].into(),
            items: items
                .iter()
                .enumerate()
                .map(|(n, item)| {
                    let (a, b, s2) = (1.0, difficulty(n), 0.01);
                    (item.id.key64(), ItemParams { a, b, s2 })
                })
                .collect(),
            ..Calibration::default()
        },
    );
    (model, Kinds::new(&items), items)
}

fn first_day() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 9, 1).expect("well formed")
}

/// The predictions of a school of so many days; `success` knows day, ability and item.
fn predicted(seed: u64, success: impl Fn(u64, f64, usize) -> f64) -> Tally {
    let (model, kinds, items) = truth();
    let keys: Vec<u64> = items.iter().map(|item| item.id.key64()).collect();
    let mut chance = Chance::new(seed);
    let mut tally = Tally::default();
    for pupil in 0..PUPILS {
        let ability = 1.2 * chance.normal();
        let (mut answers, mut new) = (Vec::new(), HashMap::new());
        for day in 0..DAYS {
            let date = first_day() + Days::new(day);
            let at = date
                .and_hms_opt(9, 0, 0)
                .expect("well formed")
                .and_utc()
                .timestamp_micros();
            for n in 0..EACH {
                let item = chance.below(ITEMS);
                let correct = chance.unit() < success(day, ability, item);
                let number = ((pupil as u128) << 64) | (u128::from(day) << 16) | n as u128;
                let id = StatementId::from_uuid(Uuid::from_u128(number));
                let at = at + 60_000_000 * n as i64;
                new.insert(id, at);
                answers.push(Answer {
                    key: FoldKey {
                        answered_at: at,
                        device_id: None,
                        device_seq: None,
                        id,
                    },
                    item: keys[item],
                    activity: format!("urn:i:{item}").into(),
                    correct,
                    outcome: f64::from(u8::from(correct)),
                    invented_time: false,
                });
            }
        }
        let mut watching = Watching {
            kinds: &kinds,
            new: &new,
            voie: None,
            tally: &mut tally,
        };
        PersonFold::observed(&model, Inputs::default(), answers, &mut watching);
    }
    tally
}

/// Days from 0 on which the check is alarmed, and by what: a slice's dimension, or an item.
fn alarms(tally: &Tally) -> Vec<(u64, String)> {
    let mut alarms = Vec::new();
    for number in 0..DAYS {
        let day = first_day() + Days::new(number);
        let mut slices: Vec<(Cell, Bins)> = Vec::new();
        for days in WINDOWS_DAYS {
            let mut sums: HashMap<Cell, Bins> = HashMap::new();
            for (cell, bins) in tally.cells() {
                let ago = (day - cell.day).num_days();
                if (0..i64::from(days)).contains(&ago) {
                    let sum = sums.entry(Cell { day, ..*cell }).or_default();
                    for (sum, bin) in sum.iter_mut().zip(bins) {
                        *sum = Bin::plus(*sum, *bin);
                    }
                }
            }
            slices.extend(sums);
        }
        let tests = slices.len();
        for (cell, bins) in slices {
            if Judged::of(&bins, tests).is_alarming() {
                alarms.push((number, cell.dimension.as_str().to_owned()));
            }
        }
        // The tally knows whole months: items are looked at when the second one is whole.
        let is_last = number + 1 == DAYS;
        let mut items: HashMap<u64, (String, Vec<(NaiveDate, Month)>)> = HashMap::new();
        for (month, item, activity, sums) in tally.months() {
            if is_last {
                let months = items.entry(item).or_default();
                months.0 = activity.to_owned();
                months.1.push((month, sums));
            }
        }
        for (activity, months) in items.values() {
            let drift = Drift::of(months, items.len());
            if drift.is_some_and(|drift| drift.is_alarming()) {
                alarms.push((number, activity.clone()));
            }
        }
    }
    alarms
}

fn usual(ability: f64, item: usize) -> f64 {
    sigmoid(ability - difficulty(item))
}

#[test]
fn no_alarm_in_sixty_days_of_ten_schools_where_nothing_is_wrong() {
    for seed in 0..10 {
        let tally = predicted(seed, |_, ability, item| usual(ability, item));
        assert_eq!(tally.answers(), (PUPILS * EACH) as i64 * DAYS as i64);
        let alarms = alarms(&tally);
        assert!(alarms.is_empty(), "seed {seed}: {alarms:?}");
    }
}

#[test]
fn planted_clicks_at_random_are_found_in_every_school() {
    for seed in 0..5 {
        let tally = predicted(seed, |day, ability, item| {
            if day < 30 {
                usual(ability, item)
            } else {
                0.5 * usual(ability, item) + 0.25
            }
        });
        let alarms = alarms(&tally);
        let first = alarms.iter().find(|(_, what)| what == "subject");
        let first = first.map(|(day, _)| *day);
        assert!(
            first.is_some_and(|day| (30..45).contains(&day)),
            "{seed}: {first:?}"
        );
        assert!(
            alarms.iter().all(|(day, _)| *day >= 30),
            "{seed}: {alarms:?}"
        );
    }
}

#[test]
fn a_planted_drift_is_found_in_every_school_and_named_alone() {
    for seed in 0..5 {
        let tally = predicted(seed, |day, ability, item| {
            let harder = if item == 4 && day >= 30 { 1.2 } else { 0.0 };
            sigmoid(ability - difficulty(item) - harder)
        });
        let mut items = alarms(&tally);
        items.retain(|(_, what)| what.starts_with("urn:i:"));
        assert_eq!(items, [(DAYS - 1, "urn:i:4".to_owned())], "seed {seed}");
    }
}

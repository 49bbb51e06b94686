//! The plan of the fortnight is a pure function of seed and date, and keeps its promises.

use std::collections::{HashMap, HashSet};

use schemas::profile::{Candidate, classify};
use schemas::xapi::{XapiVersion, validate};
use serde_json::Value;

use super::*;

fn framework() -> Framework {
    Framework::parse(SECONDE_JSON.as_bytes()).expect("the default framework is valid")
}

fn batches(seed: u64, as_of: &str) -> Vec<Batch> {
    let framework = framework();
    let exercises = Exercises::of(&framework);
    let lycee = Lycee::new(Seed(seed), 3, 36);
    let fortnight = Fortnight {
        as_of: as_of.parse().unwrap(),
    };
    let stage = Stage {
        seed: Seed(seed),
        fortnight,
        exercises: &exercises,
        framework_version: &framework.version,
    };
    stage.play(&lycee)
}

fn statements(batches: &[Batch]) -> impl Iterator<Item = &Ready> {
    batches.iter().flat_map(|batch| &batch.statements)
}

#[test]
fn the_same_seed_and_date_give_the_same_bytes_and_others_give_others() {
    let bytes = |seed, as_of| -> Vec<_> {
        statements(&batches(seed, as_of))
            .map(|ready| ready.json.clone())
            .collect()
    };
    let first = bytes(1, DEFAULT_AS_OF);
    assert_eq!(first, bytes(1, DEFAULT_AS_OF));
    let ids = |all: Vec<bytes::Bytes>| -> HashSet<String> {
        let id =
            |json: bytes::Bytes| serde_json::from_slice::<Value>(&json).unwrap()["id"].to_string();
        all.into_iter().map(id).collect()
    };
    let first = ids(first);
    assert!(first.is_disjoint(&ids(bytes(2, DEFAULT_AS_OF))));
    assert!(first.is_disjoint(&ids(bytes(1, "2026-03-20T20:00:00+01:00"))));
}

#[test]
fn every_statement_is_valid_and_every_answer_counts() {
    let batches = batches(1, DEFAULT_AS_OF);
    let as_of_ms = DEFAULT_AS_OF
        .parse::<DateTime<FixedOffset>>()
        .unwrap()
        .timestamp_millis();
    let mut ids = HashSet::new();
    for ready in statements(&batches) {
        let statement: Value = serde_json::from_slice(&ready.json).unwrap();
        for version in [XapiVersion::V1_0_3, XapiVersion::V2_0_0] {
            assert_eq!(validate(&statement, version), [], "{statement}");
        }
        assert_eq!(
            matches!(classify(&statement), Candidate::Answer(_)),
            ready.is_answer
        );
        assert!(ready.at_ms <= as_of_ms);
        assert!(ids.insert(ready.id.clone()));
    }
}

#[test]
fn every_pupil_works_over_the_whole_fortnight() {
    let batches = batches(1, DEFAULT_AS_OF);
    let mut answers: HashMap<String, usize> = HashMap::new();
    for ready in statements(&batches).filter(|ready| ready.is_answer) {
        let statement: Value = serde_json::from_slice(&ready.json).unwrap();
        *answers
            .entry(statement["actor"]["account"]["name"].to_string())
            .or_default() += 1;
    }
    assert_eq!(answers.len(), 108);
    let total: usize = answers.values().sum();
    assert!((8_000..16_000).contains(&total), "{total} answers");
    assert!(batches.iter().any(|batch| batch.offline));
}

#[test]
fn the_roster_holds_labels_and_no_names() {
    let lycee = Lycee::new(Seed(1), 3, 36);
    let roster = lycee.roster().unwrap();
    assert_eq!(roster, Lycee::new(Seed(1), 3, 36).roster().unwrap());
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(roster)).unwrap();
    let mut users = csv::Reader::from_reader(zip.by_name("users.csv").unwrap());
    let labels: Vec<(String, String)> = users
        .records()
        .map(|row| row.unwrap())
        .map(|row| (row[6].to_owned(), row[7].to_owned()))
        .collect();
    assert_eq!(labels.len(), 3 * (36 + 2));
    assert!(labels.contains(&("Élève".to_owned(), "2A-07".to_owned())));
    assert!(labels.contains(&("Enseignant·e".to_owned(), "de maths 2A".to_owned())));
}

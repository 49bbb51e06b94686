use std::path::Path;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::ids::StatementId;
use crate::time::parse_timestamp;
use chrono::{DateTime, TimeDelta, Utc};

fn sample() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/valid/answer.json");
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn parts(statement: &Value) -> AnswerParts {
    match classify(statement) {
        Candidate::Answer(parts) => parts,
        other => panic!("{other:?}"),
    }
}

fn at(text: &str) -> DateTime<Utc> {
    parse_timestamp(text).unwrap().utc
}

#[test]
fn the_sample_is_an_answer() {
    let parts = parts(&sample());
    let expected = AnswerParts {
        activity: "https://w3id.org/sillage/activity/maths/calcul-litteral/0001/q/3"
            .parse()
            .unwrap(),
        correct: true,
        outcome: 1.0,
        timestamp: Some(at("2026-10-05T16:42:11.250Z")),
        has_offset: true,
        skew_ms: Some(-1200),
        device_id: Some("d-7f3a".to_owned()),
        device_seq: Some(118),
        invented_time: false,
        registration: Some("6f0e5b8e-2f4c-4b0e-8a0f-1a1d0a4c9f10".parse().unwrap()),
        duration_ms: Some(12_400),
        origin: Some(Origin::Recommended),
        attempt: Some(1),
        hints: Some(0),
        offline: Some(true),
    };
    assert_eq!(parts, expected);
}

#[test]
fn what_is_left_out_and_why() {
    let changed = |pointer: &str, value: Value| {
        let mut statement = sample();
        *statement.pointer_mut(pointer).unwrap() = value;
        classify(&statement)
    };
    let group = json!({"objectType": "Group", "member": [{"mbox": "mailto:a@example.org"}]});
    let reference =
        json!({"objectType": "StatementRef", "id": "e05aa883-acaf-40ad-bf54-02c8ce485fb0"});
    assert_eq!(
        changed("/actor", group),
        Candidate::LeftOut(Reason::GroupActor)
    );
    assert_eq!(
        changed("/object", reference),
        Candidate::LeftOut(Reason::ObjectNotActivity)
    );
    assert_eq!(
        changed("/result", json!({"score": {"raw": 3}})),
        Candidate::LeftOut(Reason::NoOutcome)
    );
    assert_eq!(
        changed("/verb/id", json!(verbs::COMPLETED)),
        Candidate::Other
    );
    assert_eq!(changed("/verb/id", json!(verbs::VOIDED)), Candidate::Other);
    let mut without = sample();
    without.as_object_mut().unwrap().remove("result");
    assert_eq!(classify(&without), Candidate::LeftOut(Reason::NoOutcome));
    // An unnamed type is an Agent, an Activity.
    for pointer in ["/actor", "/object"] {
        let mut bare = sample();
        bare.pointer_mut(pointer)
            .unwrap()
            .as_object_mut()
            .unwrap()
            .remove("objectType");
        assert_eq!(classify(&bare), classify(&sample()));
    }
}

#[test]
fn an_attempt_that_was_left_counts_for_nothing_until_something_is_answered() {
    let with_verb = |verb: &str| {
        let mut statement = sample();
        statement["verb"]["id"] = json!(verb);
        classify(&statement)
    };
    for verb in [
        verbs::INITIALIZED,
        verbs::TERMINATED,
        verbs::COMPLETED,
        verbs::PASSED,
        verbs::FAILED,
        verbs::INTERACTED,
        verbs::EXPERIENCED,
    ] {
        assert_eq!(with_verb(verb), Candidate::Other, "{verb}");
    }
    // Opened, and left without an outcome: counted, and told in the totals.
    let mut left = sample();
    left["result"] = json!({ "completion": false, "duration": "PT12S" });
    assert_eq!(classify(&left), Candidate::LeftOut(Reason::NoOutcome));
    // What was answered before it was left is an answer.
    left["result"]["success"] = json!(false);
    assert_eq!((parts(&left).correct, parts(&left).outcome), (false, 0.0));
}

#[test]
fn hints_and_the_number_of_the_attempt_are_kept_and_change_no_outcome() {
    let of = |hints: i32, attempt: i32| {
        let mut statement = sample();
        let given = &mut statement["context"]["extensions"];
        given[extensions::HINTS] = json!(hints);
        given[extensions::ATTEMPT] = json!(attempt);
        parts(&statement)
    };
    let plain = of(0, 1);
    for (hints, attempt) in [(0, 4), (3, 1), (2, 2)] {
        let read = of(hints, attempt);
        assert_eq!((read.hints, read.attempt), (Some(hints), Some(attempt)));
        assert_eq!((read.correct, read.outcome), (plain.correct, plain.outcome));
    }
}

#[test]
fn reasons_have_names_of_their_own() {
    let names: std::collections::BTreeSet<_> =
        Reason::ALL.iter().map(|reason| reason.as_str()).collect();
    assert_eq!(names.len(), Reason::ALL.len());
}

#[test]
fn the_outcome_is_the_scaled_score_else_success() {
    let of = |result: Value| {
        let mut statement = sample();
        statement["result"] = result;
        let parts = parts(&statement);
        (parts.correct, parts.outcome)
    };
    assert_eq!(of(json!({"success": false})), (false, 0.0));
    assert_eq!(of(json!({"success": true})), (true, 1.0));
    assert_eq!(of(json!({"score": {"scaled": 0.4}})), (false, 0.4));
    assert_eq!(of(json!({"score": {"scaled": 0.5}})), (true, 0.5));
    assert_eq!(of(json!({"score": {"scaled": -1}})), (false, 0.0));
    assert_eq!(
        of(json!({"success": true, "score": {"scaled": 0.25}})),
        (true, 0.25)
    );
    assert_eq!(
        of(json!({"success": false, "score": {"scaled": 1}})),
        (false, 1.0)
    );
}

#[test]
fn an_extension_of_another_shape_is_absent() {
    let mut statement = sample();
    statement["context"]["extensions"] = json!({
        (extensions::ORIGIN): "advertised", (extensions::ATTEMPT): -1, (extensions::HINTS): "2", (extensions::SEQ): 3.5,
        (extensions::CLOCK_SKEW_MS): 1e300, (extensions::DEVICE_ID): 7, (extensions::INVENTED_TIME): "true",
    });
    let read = parts(&statement);
    assert_eq!(
        (read.origin, read.attempt, read.hints, read.device_seq),
        (None, None, None, None)
    );
    assert_eq!(
        (read.skew_ms, read.device_id, read.invented_time),
        (None, None, false)
    );
    statement["context"]["extensions"] =
        json!({(extensions::SEQ): 3.0, (extensions::INVENTED_TIME): true});
    let read = parts(&statement);
    assert_eq!((read.device_seq, read.invented_time), (Some(3), true));
}

#[test]
fn when_it_was_answered() {
    let stored = at("2026-10-05T20:00:00Z");
    let said = Some(at("2026-10-05T18:00:00Z"));
    assert_eq!(answered_at(None, Some(5000), stored), stored);
    assert_eq!(answered_at(said, None, stored), at("2026-10-05T18:00:00Z"));
    assert_eq!(
        answered_at(said, Some(-60_000), stored),
        at("2026-10-05T17:59:00Z")
    );
    assert_eq!(answered_at(said, Some(3 * 3_600_000), stored), stored);
    assert_eq!(
        answered_at(said, Some(-SKEW_BELIEVED_MS), stored),
        at("2026-10-04T18:00:00Z")
    );
    assert_eq!(
        answered_at(said, Some(-SKEW_BELIEVED_MS - 1), stored),
        at("2026-10-05T18:00:00Z")
    );
    assert_eq!(
        answered_at(said, Some(i64::MIN), stored),
        at("2026-10-05T18:00:00Z")
    );
}

#[test]
fn a_year_is_old() {
    let stored = at("2026-10-05T20:00:00Z");
    assert!(!is_old(None, stored));
    assert!(!is_old(Some(stored - TimeDelta::days(365)), stored));
    assert!(is_old(
        Some(stored - TimeDelta::days(365) - TimeDelta::microseconds(1)),
        stored
    ));
}

#[test]
fn the_fold_order_puts_time_first_and_the_absent_before_the_present() {
    let id = |n: u128| StatementId::from_uuid(uuid::Uuid::from_u128(n));
    let key = |micros: i64, device: Option<&str>, seq: Option<i64>, n: u128| FoldKey {
        answered_at: micros,
        device_id: device.map(str::to_owned),
        device_seq: seq,
        id: id(n),
    };
    let in_order = [
        key(-1, Some("z"), Some(9), 9),
        key(0, None, None, 5),
        key(0, None, Some(1), 1),
        key(0, Some("a"), None, 9),
        key(0, Some("a"), Some(-1), 9),
        key(0, Some("a"), Some(2), 3),
        key(0, Some("a"), Some(2), 4),
        key(0, Some("b"), None, 0),
        key(1, None, None, 0),
    ];
    assert!(in_order.is_sorted_by(|a, b| a < b));
}

fn document() -> Value {
    serde_json::from_str(PROFILE_JSONLD).unwrap()
}

fn ids<'d>(document: &'d Value, list: &str, kind: &str) -> Vec<&'d str> {
    let list = document[list].as_array().unwrap();
    list.iter()
        .filter(|entry| entry["type"] == kind)
        .map(|entry| entry["id"].as_str().unwrap())
        .collect()
}

#[test]
fn the_constants_are_those_of_the_profile() {
    let document = document();
    assert_eq!(document["id"], PROFILE);
    assert_eq!(document["versions"][0]["id"], PROFILE_VERSION);
    let mut declared = ids(&document, "concepts", "ContextExtension");
    let mut constants = [
        extensions::ORIGIN,
        extensions::RECOMMENDATION_ID,
        extensions::PRESCRIPTION_ID,
        extensions::OFFLINE,
        extensions::DEVICE,
        extensions::DEVICE_ID,
        extensions::SEQ,
        extensions::CLOCK_SKEW_MS,
        extensions::FRAMEWORK_VERSION,
        extensions::ATTEMPT,
        extensions::HINTS,
        extensions::ITEM_VERSION,
        extensions::INVENTED_TIME,
    ];
    assert!(
        constants
            .iter()
            .all(|iri| iri.starts_with(extensions::PREFIX))
    );
    declared.sort_unstable();
    constants.sort_unstable();
    assert_eq!(declared, constants);
    assert_eq!(
        ids(&document, "concepts", "ActivityType"),
        [activity_types::HINT]
    );
    let used = |key: &str| -> std::collections::BTreeSet<&str> {
        document["templates"]
            .as_array()
            .unwrap()
            .iter()
            .map(|template| template[key].as_str().unwrap())
            .collect()
    };
    let verbs = [
        verbs::ANSWERED,
        verbs::INITIALIZED,
        verbs::COMPLETED,
        verbs::PASSED,
        verbs::FAILED,
        verbs::INTERACTED,
        verbs::EXPERIENCED,
        verbs::TERMINATED,
    ];
    assert_eq!(used("verb"), verbs.into());
    let types = [
        activity_types::INTERACTION,
        activity_types::ASSESSMENT,
        activity_types::LESSON,
        activity_types::HINT,
    ];
    assert_eq!(used("objectActivityType"), types.into());
}

/// xAPI Profiles 1.0, Structure 4: no empty object, null, empty string or empty array.
fn assert_nothing_is_empty(value: &Value, at: &str) {
    match value {
        Value::Null => panic!("{at} is null"),
        Value::String(text) => assert!(!text.is_empty(), "{at}"),
        Value::Array(values) => {
            assert!(!values.is_empty(), "{at}");
            values
                .iter()
                .enumerate()
                .for_each(|(i, value)| assert_nothing_is_empty(value, &format!("{at}/{i}")));
        }
        Value::Object(map) => {
            assert!(!map.is_empty(), "{at}");
            map.iter()
                .for_each(|(key, value)| assert_nothing_is_empty(value, &format!("{at}/{key}")));
        }
        Value::Bool(_) | Value::Number(_) => {}
    }
}

/// That an object has these properties, and no others than these and those.
fn assert_properties(object: &Value, required: &[&str], optional: &[&str]) {
    for key in required {
        assert!(object.get(*key).is_some(), "{key} is missing in {object:#}");
    }
    for key in object.as_object().unwrap().keys() {
        assert!(
            required.contains(&key.as_str()) || optional.contains(&key.as_str()),
            "{key} is not of the specification"
        );
    }
}

#[test]
fn the_profile_is_valid_by_the_profiles_specification() {
    let document = document();
    assert_nothing_is_empty(&document, "");
    let required = [
        "id",
        "@context",
        "type",
        "conformsTo",
        "prefLabel",
        "definition",
        "versions",
        "author",
    ];
    assert_properties(
        &document,
        &required,
        &["seeAlso", "concepts", "templates", "patterns"],
    );
    assert_eq!(
        document["@context"],
        "https://w3id.org/xapi/profiles/context"
    );
    assert_eq!(document["type"], "Profile");
    assert_eq!(document["conformsTo"], "https://w3id.org/xapi/profiles#1.0");
    assert_properties(&document["author"], &["type", "name"], &["url"]);
    for version in document["versions"].as_array().unwrap() {
        assert_properties(version, &["id", "generatedAtTime"], &["wasRevisionOf"]);
        assert_ne!(version["id"], document["id"]);
        assert!(
            parse_timestamp(version["generatedAtTime"].as_str().unwrap())
                .unwrap()
                .is_rfc3339
        );
    }
}

#[test]
fn each_concept_and_template_is_valid_by_the_profiles_specification() {
    let document = document();
    let mut seen = std::collections::BTreeSet::new();
    let common = ["id", "type", "inScheme", "prefLabel", "definition"];
    let entries = |list: &str| document[list].as_array().unwrap().clone();
    for entry in entries("concepts").iter().chain(&entries("templates")) {
        assert_eq!(entry["inScheme"], PROFILE_VERSION);
        assert!(
            seen.insert(entry["id"].to_string()),
            "{} is there twice",
            entry["id"]
        );
        assert!(crate::xapi::formats::is_iri(entry["id"].as_str().unwrap()));
        for text in ["prefLabel", "definition"] {
            assert!(
                entry[text]
                    .as_object()
                    .unwrap()
                    .keys()
                    .all(|tag| crate::xapi::formats::is_language_tag(tag))
            );
        }
    }
    for concept in entries("concepts") {
        match concept["type"].as_str().unwrap() {
            "ActivityType" => assert_properties(&concept, &common, &["broader", "broadMatch"]),
            "ContextExtension" => {
                assert_properties(&concept, &common, &["recommendedVerbs", "inlineSchema"]);
                let schema: Value =
                    serde_json::from_str(concept["inlineSchema"].as_str().unwrap()).unwrap();
                jsonschema::draft7::meta::validate(&schema).unwrap();
            }
            other => panic!("{other}"),
        }
    }
    for template in entries("templates") {
        assert_properties(&template, &common, &["verb", "objectActivityType", "rules"]);
        for rule in template["rules"].as_array().unwrap() {
            assert_properties(
                rule,
                &["location"],
                &["selector", "presence", "any", "all", "none", "scopeNote"],
            );
            assert!(
                ["presence", "any", "all", "none"]
                    .iter()
                    .any(|key| rule.get(*key).is_some())
            );
            for path in rule["location"].as_str().unwrap().split(" | ") {
                assert!(path.starts_with("$."), "{path}");
            }
        }
    }
}

proptest! {
    #[test]
    fn it_was_never_answered_after_it_was_stored(
        timestamp in proptest::option::of(-62_135_596_800_000_000_i64..253_402_300_800_000_000),
        skew in proptest::option::of(any::<i64>()),
        stored in 1_700_000_000_000_000_i64..1_900_000_000_000_000,
    ) {
        let instant = |micros: i64| DateTime::from_timestamp_micros(micros).unwrap();
        let answered = answered_at(timestamp.map(instant), skew, instant(stored));
        prop_assert!(answered <= instant(stored));
        if let Some(timestamp) = timestamp {
            let moved = answered.timestamp_micros() - timestamp;
            prop_assert!(moved.unsigned_abs() <= SKEW_BELIEVED_MS.unsigned_abs() * 1000 || answered == instant(stored));
        }
    }

    #[test]
    fn any_extensions_are_answered(values in proptest::collection::vec("[a-z0-9.{}\\[\\]\"-]{0,8}", 8)) {
        let mut statement = sample();
        let keys = [extensions::SEQ, extensions::CLOCK_SKEW_MS, extensions::ATTEMPT, extensions::HINTS, extensions::ORIGIN];
        for (key, text) in keys.iter().zip(&values) {
            statement["context"]["extensions"][*key] = serde_json::from_str(text).unwrap_or_else(|_| json!(text));
        }
        prop_assert!(matches!(classify(&statement), Candidate::Answer(_)));
    }
}

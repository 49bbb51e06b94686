use serde_json::{Value, json};

use super::*;

fn small() -> Value {
    json!({
        "uri": "https://example.org/f", "version": "1", "dated": "2026-09-01",
        "domains": [{"uri": "https://example.org/d", "subject": "maths", "label_fr": "nombres", "status": "published", "competencies": [
            {"uri": "https://example.org/a", "label_fr": "a", "status": "published", "prerequisites": []},
            {"uri": "https://example.org/b", "label_fr": "b", "status": "published", "prerequisites": ["https://example.org/a"]},
        ]}]
    })
}

fn rules(document: &Value) -> Vec<(String, &'static str)> {
    let faults = Framework::parse(document.to_string().as_bytes()).unwrap_err();
    faults
        .into_iter()
        .map(|fault| (fault.pointer, fault.rule))
        .collect()
}

fn rules_after(pointer: &str, value: Value) -> Vec<(String, &'static str)> {
    let mut document = small();
    *document.pointer_mut(pointer).unwrap() = value;
    rules(&document)
}

fn one(pointer: &str, rule: &'static str) -> Vec<(String, &'static str)> {
    vec![(pointer.to_owned(), rule)]
}

#[test]
fn the_compiled_in_framework_has_the_competencies_of_the_model() {
    let framework = Framework::seconde();
    assert_eq!(
        framework.uri,
        "https://w3id.org/sillage/framework/positionnement-2de"
    );
    assert_eq!(framework.subjects(), ["francais", "maths"]);
    let domains = |subject: &str| {
        framework
            .domains
            .iter()
            .filter(|domain| domain.subject == subject)
            .count()
    };
    assert_eq!((domains("francais"), domains("maths")), (3, 4));
    assert_eq!(framework.competencies().count(), 25);
    assert_eq!(
        framework.level(1).unwrap().label_fr,
        "maîtrise insuffisante"
    );
    assert_eq!(framework.level(4).unwrap().palier, Some(2));
    assert_eq!(framework.level(7), None);
    let pythagore =
        "https://w3id.org/sillage/framework/maths/placeholder/geometrie/theoreme-de-pythagore";
    let (domain, competency) = framework.competency(pythagore).unwrap();
    assert_eq!(
        (domain.label_fr.as_str(), competency.label_fr.as_str()),
        ("géométrie", "théorème de Pythagore")
    );
}

#[test]
fn every_item_keeps_an_honest_status() {
    let framework = Framework::seconde();
    assert!(
        framework
            .domains
            .iter()
            .all(|domain| domain.status == "from the tender")
    );
    assert!(
        framework
            .competencies()
            .all(|(_, competency)| competency.status == "invented placeholder")
    );
    assert!(
        framework
            .levels
            .degrees
            .iter()
            .all(|level| level.status == "from the tender")
    );
}

#[test]
fn a_small_framework_has_the_usual_scale() {
    let framework = Framework::parse(small().to_string().as_bytes()).unwrap();
    assert_eq!(framework.language, "fr");
    assert_eq!(framework.levels, Framework::seconde().levels);
}

#[test]
fn thresholds_are_data_of_the_framework() {
    assert_eq!(Framework::seconde().levels.scale, Scale::default());
    let with = |scale: Value| {
        let mut document = small();
        document["levels"] = serde_json::to_value(&Framework::seconde().levels).unwrap();
        document["levels"]["scale"] = scale;
        document
    };
    let read = |scale: Value| {
        let framework = Framework::parse(with(scale).to_string().as_bytes());
        framework.unwrap().levels.scale
    };
    let own = json!({
        "status": "shares of September", "cuts": [0.3, 0.45, 0.6, 0.7, 0.9], "band": 0.01, "confidence": 0.7,
        "competency_answers": 4, "domain_answers": 8, "domain_competencies": 3,
    });
    assert_eq!(
        read(own),
        Scale {
            cuts: [0.3, 0.45, 0.6, 0.7, 0.9],
            band: 0.01,
            confidence: 0.7,
            competency_answers: 4,
            domain_answers: 8,
            domain_competencies: 3,
        }
    );
    let confidence = 0.9;
    assert_eq!(
        read(json!({ "confidence": confidence })),
        Scale {
            confidence,
            ..Scale::default()
        },
        "what is left out is as in the default"
    );
    for (scale, pointer, rule) in [
        (
            json!({ "cuts": [0.4, 0.4, 0.6, 0.7, 0.8] }),
            "/cuts",
            "framework-scale-cuts",
        ),
        (
            json!({ "cuts": [0.0, 0.4, 0.6, 0.7, 0.8] }),
            "/cuts",
            "framework-scale-cuts",
        ),
        (
            json!({ "cuts": [0.3, 0.4, 0.6, 0.7, 1.0] }),
            "/cuts",
            "framework-scale-cuts",
        ),
        (json!({ "cuts": [0.3, 0.4, 0.6] }), "", "document-shape"),
        (json!({ "band": 0.06 }), "/band", "framework-scale-band"),
        (json!({ "band": -0.01 }), "/band", "framework-scale-band"),
        (
            json!({ "confidence": 1.0 }),
            "/confidence",
            "framework-scale-confidence",
        ),
        (
            json!({ "competency_answers": 0 }),
            "/competency_answers",
            "framework-scale-count",
        ),
        (
            json!({ "domain_answers": 0 }),
            "/domain_answers",
            "framework-scale-count",
        ),
        (
            json!({ "domain_competencies": 0 }),
            "/domain_competencies",
            "framework-scale-count",
        ),
        (json!({ "domain_answers": 2.5 }), "", "document-shape"),
        (json!({ "bands": 0.02 }), "", "document-shape"),
        (json!([0.3]), "", "document-shape"),
    ] {
        let place = format!("/levels/scale{pointer}");
        assert_eq!(rules(&with(scale.clone())), one(&place, rule), "{scale}");
    }
}

#[test]
fn a_framework_written_is_read_back() {
    let written = serde_json::to_vec(Framework::seconde()).unwrap();
    assert_eq!(
        Framework::parse(&written).as_ref(),
        Ok(Framework::seconde())
    );
}

#[test]
fn what_is_refused() {
    assert_eq!(rules_after("/uri", json!("f")), one("/uri", "not-an-iri"));
    assert_eq!(
        rules_after("/version", json!(" ")),
        one("/version", "empty-text")
    );
    assert_eq!(
        rules_after("/dated", json!("2026-02-30")),
        one("/dated", "framework-date")
    );
    assert_eq!(
        rules_after("/domains", json!([])),
        one("/domains", "framework-domain-missing")
    );
    assert_eq!(
        rules_after("/domains/0/subject", json!("")),
        one("/domains/0/subject", "empty-text")
    );
    assert_eq!(
        rules_after("/domains/0/competencies", json!([])),
        one("/domains/0/competencies", "framework-competency-missing")
    );
    let second = "/domains/0/competencies/1";
    let unknown = rules_after(
        &format!("{second}/prerequisites"),
        json!(["https://example.org/z"]),
    );
    assert_eq!(
        unknown,
        one(
            &format!("{second}/prerequisites/0"),
            "framework-prerequisite-unknown"
        )
    );
    let itself = rules_after(
        &format!("{second}/prerequisites"),
        json!(["https://example.org/b"]),
    );
    assert_eq!(
        itself,
        one(
            &format!("{second}/prerequisites"),
            "framework-prerequisite-circle"
        )
    );
    let circle = rules_after(
        "/domains/0/competencies/0/prerequisites",
        json!(["https://example.org/b"]),
    );
    assert_eq!(circle.len(), 2);
    assert_eq!(
        rules_after("/domains/0/uri", json!("https://example.org/a")),
        one("/domains/0/competencies/0/uri", "framework-uri-repeated")
    );
    assert_eq!(
        rules_after("/domains/0/label_fr", Value::Null),
        one("/domains/0", "document-shape")
    );
}

#[test]
fn a_part_of_another_shape_is_told_with_its_place() {
    let first = "/domains/0/competencies/0";
    assert_eq!(
        rules_after(&format!("{first}/label_fr"), json!(1)),
        one(first, "document-shape")
    );
    assert_eq!(rules_after("/version", json!(1)), one("", "document-shape"));
}

#[test]
fn weights_and_degrees_and_subjects() {
    let mut weighted = small();
    weighted["domains"][0]["competencies"][0]["weight"] = json!(0.7);
    assert_eq!(
        rules(&weighted),
        one("/domains/0/competencies", "framework-weights")
    );
    weighted["domains"][0]["competencies"][1]["weight"] = json!(0.7);
    assert!(Framework::parse(weighted.to_string().as_bytes()).is_ok());

    let mut scaled = small();
    scaled["levels"] = json!({"degrees": []});
    assert_eq!(rules(&scaled), one("/levels/degrees", "framework-degrees"));

    let mut other = small();
    let mut french = other["domains"][0].clone();
    french["uri"] = json!("https://example.org/d2");
    french["subject"] = json!("francais");
    french["competencies"] = json!([
        {"uri": "https://example.org/c", "label_fr": "c", "status": "published", "prerequisites": ["https://example.org/a"]}
    ]);
    other["domains"].as_array_mut().unwrap().push(french);
    assert_eq!(
        rules(&other),
        one(
            "/domains/1/competencies/0/prerequisites/0",
            "framework-prerequisite-subject"
        )
    );
}

#[test]
fn what_is_not_json_is_told_as_such() {
    let faults = Framework::parse(b"{\"uri\": 1, \"uri\": 2}").unwrap_err();
    assert_eq!(faults[0].rule, "json-duplicate-key");
}

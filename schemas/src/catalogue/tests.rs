use serde_json::{Value, json};

use super::*;

const DEVELOPPER: &str = "https://w3id.org/sillage/framework/maths/placeholder/calcul-litteral/developper-une-expression";
const VOCABULAIRE: &str = "https://w3id.org/sillage/framework/francais/placeholder/comprehension-du-fonctionnement-de-la-langue/vocabulaire";

fn small() -> Value {
    json!({
        "uri": "https://example.org/catalogue", "version": "1",
        "items": [
            {"id": "https://example.org/q/1", "title": {"fr": "Développer"}, "subject": "maths", "competencies": [DEVELOPPER]},
            {"id": "https://example.org/q/2", "title": {"en": "Expand"}, "subject": "maths", "competencies": [DEVELOPPER], "level": 4},
            {"id": "https://example.org/q/3", "title": {"fr": "Développer encore"}, "subject": "maths", "competencies": [DEVELOPPER],
             "item": {"a": 1.2, "b": -0.5, "s2": 0.1}, "level": 1,
             "intent": "https://w3id.org/sillage/framework/intention/entrainement"},
        ]
    })
}

fn parse(document: &Value) -> Result<Catalogue, Vec<Fault>> {
    Catalogue::parse(document.to_string().as_bytes())
}

fn rules_after(pointer: &str, value: Value) -> Vec<(String, &'static str)> {
    let mut document = small();
    *document.pointer_mut(pointer).unwrap() = value;
    parse(&document)
        .unwrap_err()
        .into_iter()
        .map(|fault| (fault.pointer, fault.rule))
        .collect()
}

fn one(pointer: &str, rule: &'static str) -> Vec<(String, &'static str)> {
    vec![(pointer.to_owned(), rule)]
}

#[test]
fn parameters_are_declared_or_of_the_level_or_the_wide_prior() {
    let catalogue = parse(&small()).unwrap();
    let params: Vec<_> = catalogue.items.iter().map(CatalogueItem::params).collect();
    assert_eq!(params, [(1.0, 0.0, 1.0), (1.0, 0.0, 0.5), (1.2, -0.5, 0.1)]);
}

#[test]
fn difficulties_rise_with_the_level() {
    let mut item = parse(&small()).unwrap().items.remove(0);
    let mut difficulty = |level| {
        item.level = Some(level);
        item.params().1
    };
    let difficulties: Vec<f64> = (1..=6).map(&mut difficulty).collect();
    assert!(difficulties.is_sorted_by(|a, b| a < b));
    assert_eq!((difficulty(0), difficulty(7)), (0.0, 0.0));
}

#[test]
fn a_catalogue_written_is_read_back() {
    let catalogue = parse(&small()).unwrap();
    assert_eq!(
        Catalogue::parse(&serde_json::to_vec(&catalogue).unwrap()),
        Ok(catalogue)
    );
}

#[test]
fn titles_are_french_where_they_can_be() {
    let catalogue = parse(&small()).unwrap();
    assert_eq!(
        (catalogue.items[0].title_fr(), catalogue.items[1].title_fr()),
        ("Développer", "Expand")
    );
}

#[test]
fn what_is_refused() {
    assert_eq!(
        rules_after("/version", json!("")),
        one("/version", "empty-text")
    );
    assert_eq!(
        rules_after("/items/0/id", json!("q/1")),
        one("/items/0", "document-shape")
    );
    assert_eq!(
        rules_after("/items/1/id", json!("https://example.org/q/1")),
        one("/items/1/id", "catalogue-item-repeated")
    );
    assert_eq!(
        rules_after("/items/0/title", json!({"fr": " "})),
        one("/items/0/title", "catalogue-title-missing")
    );
    assert_eq!(
        rules_after("/items/0/title", json!({"français": "x"})),
        one("/items/0/title/français", "language-map-key")
    );
    assert_eq!(
        rules_after("/items/0/competencies", json!([])),
        one("/items/0/competencies", "catalogue-competency-missing")
    );
    let twice = rules_after("/items/0/competencies", json!([DEVELOPPER, DEVELOPPER]));
    assert_eq!(
        twice,
        one("/items/0/competencies/1", "catalogue-competency-repeated")
    );
    assert_eq!(
        rules_after("/items/1/level", json!(7)),
        one("/items/1/level", "catalogue-level")
    );
    assert_eq!(
        rules_after("/items/2/item/a", json!(0)),
        one("/items/2/item", "catalogue-item-params")
    );
    assert_eq!(
        rules_after("/items/2/item", json!({"a": 1, "b": 0, "s2": 1, "c": 0.2})),
        one("/items/2", "document-shape")
    );
}

#[test]
fn competencies_are_looked_up_in_the_framework() {
    let framework = Framework::seconde();
    assert_eq!(parse(&small()).unwrap().check_against(framework), Ok(()));
    let mut document = small();
    document["items"][0]["competencies"] = json!(["https://example.org/z", VOCABULAIRE]);
    let faults = parse(&document)
        .unwrap()
        .check_against(framework)
        .unwrap_err();
    let told: Vec<_> = faults
        .iter()
        .map(|fault| (fault.pointer.as_str(), fault.rule))
        .collect();
    assert_eq!(
        told,
        [
            ("/items/0/competencies/0", "catalogue-competency-unknown"),
            ("/items/0/competencies/1", "catalogue-competency-subject"),
        ]
    );
}

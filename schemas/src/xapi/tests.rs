use std::fs;
use std::path::Path;

use proptest::prelude::*;
use serde_json::{Map, json};

use super::*;

/// The fixtures of a folder, by name, in order.
fn fixtures(folder: &str) -> Vec<(String, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures")
        .join(folder);
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let name = |path: &Path| path.file_stem().unwrap().to_str().unwrap().to_owned();
    files
        .iter()
        .map(|path| {
            (
                name(path),
                crate::strict_json::parse(&fs::read(path).unwrap()).unwrap(),
            )
        })
        .collect()
}

/// The rule that a file of `invalid/` is named for.
fn rule_of(name: &str) -> &str {
    name.split("--").next().unwrap()
}

/// The walk and the schema, each by itself, say the same of what both can say.
fn assert_agree(statement: &Value, version: XapiVersion) {
    let told = walk::statement(statement, None, version);
    let accepted = schema::accepts(schema::Part::Statement, statement, version);
    let by_schema = |fault: &&Fault| {
        RULES
            .iter()
            .any(|rule| rule.name == fault.rule && rule.in_schema)
    };
    let structural = told.iter().find(by_schema);
    assert_eq!(
        structural.is_none(),
        accepted,
        "{version}: {told:#?}\n{statement:#}"
    );
}

#[test]
fn valid_fixtures_are_valid_in_their_versions() {
    for (name, statement) in fixtures("valid") {
        for version in XapiVersion::ALL {
            let meant =
                !name.starts_with("only-") || name.starts_with(&format!("only-{version}--"));
            let faults = validate(&statement, version);
            assert_eq!(faults.is_empty(), meant, "{name}, {version}: {faults:#?}");
            assert_agree(&statement, version);
        }
    }
}

#[test]
fn invalid_fixtures_break_the_rule_that_they_are_named_for() {
    for (name, statement) in fixtures("invalid") {
        let mut rules = Vec::new();
        for version in XapiVersion::ALL {
            rules.extend(
                validate(&statement, version)
                    .into_iter()
                    .map(|fault| fault.rule),
            );
            assert_agree(&statement, version);
        }
        assert!(rules.contains(&rule_of(&name)), "{name}: {rules:?}");
    }
}

#[test]
fn every_rule_has_a_fixture_and_a_name_of_its_own() {
    let fixtures = fixtures("invalid");
    for (i, rule) in RULES.iter().enumerate() {
        assert!(
            RULES[..i].iter().all(|other| other.name != rule.name),
            "{} is there twice",
            rule.name
        );
        let shown = fixtures.iter().any(|(name, _)| rule_of(name) == rule.name);
        // The net under the walk: were there a statement that shows it, the walk would lack a rule.
        assert_eq!(shown, rule.name != rules::SCHEMA.name, "{}", rule.name);
    }
    assert!(fixtures.len() >= 60);
}

#[test]
fn what_is_told_of_each_fixture() {
    let mut page = String::new();
    for (name, statement) in fixtures("invalid") {
        for version in XapiVersion::ALL {
            page.push_str(&format!("{name}, {version}\n"));
            for fault in validate(&statement, version) {
                let place = if fault.pointer.is_empty() {
                    "(whole)"
                } else {
                    &fault.pointer
                };
                page.push_str(&format!(
                    "  {place}: {} [{}, {}]\n",
                    fault.detail, fault.rule, fault.section
                ));
            }
        }
    }
    insta::assert_snapshot!(page);
}

#[test]
fn a_fault_names_its_place() {
    let mut statement = fixtures("valid")
        .into_iter()
        .find(|(name, _)| name == "answer")
        .unwrap()
        .1;
    statement["context"]["contextActivities"]["parent"][0]["id"] = json!("relative");
    statement["context"]["extensions"]["a/b~c"] = json!(1);
    let faults = validate(&statement, XapiVersion::V1_0_3);
    let places: Vec<_> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
    assert_eq!(
        places,
        [
            "/context/contextActivities/parent/0/id",
            "/context/extensions/a~1b~0c"
        ]
    );
    assert_eq!(faults[0].section, "xAPI 1.0.3 Data 2.4.4.1");
}

#[test]
fn a_hostile_statement_gets_a_short_answer() {
    let mut statement: Map<String, Value> = (0..10_000)
        .map(|i| (format!("{}{i}", "k".repeat(1000)), json!(null)))
        .collect();
    statement.insert("actor".to_owned(), json!(1));
    let faults = validate(&Value::Object(statement), XapiVersion::V2_0_0);
    assert_eq!(faults.len(), walk::MAX_FAULTS);
    assert!(faults.iter().all(|fault| fault.pointer.len() < 300));
}

#[test]
fn an_actor_by_itself() {
    let agent = json!({"mbox": "mailto:a@example.org"});
    let nobody = json!({"objectType": "Agent", "name": "x"});
    for version in XapiVersion::ALL {
        assert_eq!(validate_actor(&agent, version), []);
        assert_eq!(validate_actor(&nobody, version)[0].rule, "ifi-missing");
        assert_eq!(validate_actor(&json!([]), version)[0].rule, "wrong-type");
    }
}

#[test]
fn versions_of_the_header() {
    let read = |text: &str| text.parse::<XapiVersion>().ok();
    assert_eq!(read("1.0"), Some(XapiVersion::V1_0_3));
    assert_eq!(read("1.0.0"), Some(XapiVersion::V1_0_3));
    assert_eq!(read("1.0.9"), Some(XapiVersion::V1_0_3));
    assert_eq!(read("2.0.0"), Some(XapiVersion::V2_0_0));
    assert_eq!(read("2.0"), Some(XapiVersion::V2_0_0));
    assert_eq!(read("1.0.3-rc1"), Some(XapiVersion::V1_0_3));
    for other in [
        "", "1", "1.1", "1.00", "0.95", "2.1.0", "1.0.", "3.0.0", "1.0 ", "1.0.foo", "1.0.3foo",
        "1.0.3.1", "1.0.3-", "1.0.3-é", "1.0.-1", "2.0.x", "1.0.3\n",
    ] {
        assert_eq!(read(other), None, "{other}");
    }
}

#[test]
fn the_published_schemas_are_schemas_and_find_each_other() {
    for (name, text) in published() {
        let schema: Value = serde_json::from_str(text).unwrap();
        assert_eq!(
            schema["$id"],
            format!("https://w3id.org/sillage/schemas/xapi/{name}")
        );
        jsonschema::draft202012::meta::validate(&schema)
            .unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

/// Any JSON value, with the keys and texts of statements among others.
fn any_json() -> impl Strategy<Value = Value> {
    let word = prop_oneof![
        Just("Agent"),
        Just("Group"),
        Just("Activity"),
        Just("StatementRef"),
        Just("SubStatement"),
        Just("contextAgent"),
        Just("choice"),
        Just("1.0.0"),
        Just("mailto:a@b.c"),
        Just("https://example.org/x"),
        Just(""),
        Just("http://adlnet.gov/expapi/verbs/voided"),
        Just("e05aa883-acaf-40ad-bf54-02c8ce485fb0"),
        Just("fr"),
        Just("2026-10-05T18:42:11Z"),
        Just("PT1S"),
        Just("ebd31e95054c018b10727ccffd2ef2ec3a016ee9"),
    ]
    .prop_map(str::to_owned);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        (-2.0..2.0).prop_map(Value::from),
        word.prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((key(), inner), 0..5)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

/// Every key of the specification, and others.
fn key() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "id",
        "actor",
        "verb",
        "object",
        "result",
        "context",
        "timestamp",
        "stored",
        "authority",
        "version",
        "attachments",
        "objectType",
        "mbox",
        "mbox_sha1sum",
        "openid",
        "account",
        "homePage",
        "name",
        "member",
        "display",
        "definition",
        "description",
        "type",
        "moreInfo",
        "interactionType",
        "correctResponsesPattern",
        "choices",
        "scale",
        "source",
        "target",
        "steps",
        "extensions",
        "score",
        "scaled",
        "raw",
        "min",
        "max",
        "success",
        "completion",
        "response",
        "duration",
        "registration",
        "instructor",
        "team",
        "contextActivities",
        "parent",
        "grouping",
        "category",
        "other",
        "revision",
        "platform",
        "language",
        "statement",
        "contextAgents",
        "contextGroups",
        "agent",
        "group",
        "relevantTypes",
        "usageType",
        "contentType",
        "length",
        "sha2",
        "fileUrl",
        "ID",
        "Actor",
    ]);
    prop_oneof![9 => known.prop_map(str::to_owned), 1 => any::<String>()]
}

/// A place in a document, as far as it exists: which child to take at each level.
fn any_place() -> impl Strategy<Value = Vec<prop::sample::Index>> {
    prop::collection::vec(any::<prop::sample::Index>(), 0..6)
}

fn descend<'v>(value: &'v mut Value, place: &[prop::sample::Index]) -> &'v mut Value {
    let Some((first, rest)) = place.split_first() else {
        return value;
    };
    let children = value.as_array().map_or(0, Vec::len) + value.as_object().map_or(0, Map::len);
    if children == 0 {
        return value;
    }
    let child = first.index(children);
    let inner = match value {
        Value::Array(values) => values.get_mut(child),
        Value::Object(map) => map.values_mut().nth(child),
        _ => None,
    };
    descend(inner.expect("it has as many children"), rest)
}

#[derive(Debug, Clone)]
enum Change {
    Replace(Value),
    Insert(String, Value),
    Remove(prop::sample::Index),
    Rename(prop::sample::Index, String),
}

fn any_change() -> impl Strategy<Value = Change> {
    prop_oneof![
        any_json().prop_map(Change::Replace),
        (key(), any_json()).prop_map(|(key, value)| Change::Insert(key, value)),
        any::<prop::sample::Index>().prop_map(Change::Remove),
        (any::<prop::sample::Index>(), key()).prop_map(|(index, key)| Change::Rename(index, key)),
    ]
}

fn apply(value: &mut Value, change: Change) {
    match (change, value) {
        (Change::Replace(new), value) => *value = new,
        (Change::Insert(key, new), Value::Object(map)) => drop(map.insert(key, new)),
        (Change::Remove(index), Value::Object(map)) if !map.is_empty() => {
            let key = map.keys().nth(index.index(map.len())).unwrap().clone();
            map.remove(&key);
        }
        (Change::Rename(index, new), Value::Object(map)) if !map.is_empty() => {
            let key = map.keys().nth(index.index(map.len())).unwrap().clone();
            let value = map.remove(&key).unwrap();
            map.insert(new, value);
        }
        _ => {}
    }
}

/// A valid fixture, changed in one to three places: near enough to a statement to reach every rule.
fn any_nearly_statement() -> impl Strategy<Value = Value> {
    let statements: Vec<Value> = fixtures("valid")
        .into_iter()
        .map(|(_, statement)| statement)
        .collect();
    let changes = prop::collection::vec((any_place(), any_change()), 1..4);
    (prop::sample::select(statements), changes).prop_map(|(mut statement, changes)| {
        for (place, change) in changes {
            apply(descend(&mut statement, &place), change);
        }
        statement
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn walk_and_schema_agree(statement in any_nearly_statement()) {
        for version in XapiVersion::ALL {
            assert_agree(&statement, version);
        }
    }

    #[test]
    fn any_json_is_answered(value in any_json()) {
        for version in XapiVersion::ALL {
            assert_agree(&value, version);
            let told = walk::actor(&value, version);
            let structural = told.iter().any(|fault| RULES.iter().any(|rule| rule.name == fault.rule && rule.in_schema));
            prop_assert_eq!(!structural, schema::accepts(schema::Part::Actor, &value, version));
        }
    }
}

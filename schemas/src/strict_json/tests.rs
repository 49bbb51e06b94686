use std::fs;
use std::path::Path;

use proptest::prelude::*;
use serde_json::json;

use super::*;

#[test]
fn each_fixture_that_is_not_json_is_told_by_its_rule() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/not-json");
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert!(files.len() >= 15);
    let mut page = String::new();
    for path in files {
        let name = path.file_stem().unwrap().to_str().unwrap();
        let fault = parse(&fs::read(&path).unwrap()).unwrap_err();
        assert_eq!(
            name.split("--").next(),
            Some(fault.rule),
            "{name}: {fault:?}"
        );
        let place = if fault.pointer.is_empty() {
            "(whole)"
        } else {
            &fault.pointer
        };
        page.push_str(&format!(
            "{name}\n  {place}: {} [{}]\n",
            fault.detail, fault.section
        ));
    }
    insta::assert_snapshot!(page);
}

#[test]
fn a_good_text_is_read_as_it_is() {
    let text = br#" {"b": [1, -2.5, 1e3, true, null, "\ud83d\ude00 \u00e9"], "a": {}, "n": 18446744073709551615} "#;
    let value = json!({"b": [1, -2.5, 1000.0, true, null, "😀 é"], "a": {}, "n": u64::MAX});
    assert_eq!(parse(text), Ok(value));
}

#[test]
fn a_hundred_levels_are_accepted() {
    let text = format!("{}{}", "[".repeat(MAX_DEPTH), "]".repeat(MAX_DEPTH));
    assert!(parse(text.as_bytes()).is_ok());
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>()
            .prop_filter("JSON has no infinity", |x| x.is_finite())
            .prop_map(Value::from),
        "[^\0]*".prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map("[^\0]*", inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn a_value_written_is_read_back(value in any_json()) {
        prop_assert_eq!(parse(&serde_json::to_vec(&value).unwrap()), Ok(value));
    }

    #[test]
    fn what_is_accepted_serde_reads_the_same(bytes in prop::collection::vec(any::<u8>(), 0..60), like in "[\\[\\]{}\":,a0\\\\u d8-]{0,40}") {
        for bytes in [bytes, like.into_bytes()] {
            if let Ok(value) = parse(&bytes) {
                prop_assert_eq!(serde_json::from_slice::<Value>(&bytes).ok(), Some(value));
            }
        }
    }
}

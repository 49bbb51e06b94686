//! What is sent comes back: any valid statement, written in any way.

use bytes::Bytes;
use chrono::{DateTime, Datelike};
use proptest::prelude::*;
use schemas::ids::StatementId;
use schemas::testkit::{self, spelled};
use schemas::xapi::XapiVersion;

use super::tree::Tree;
use super::{format, parse, payload, timestamp};

const ID: &str = "7d0c1f3e-5b2a-4f6e-9c51-2f3b8f0a1c22";
const AUTHORITY: &str = r#"{"mbox":"mailto:lrs@example.org"}"#;
const STORED: &str = "2026-05-28T20:26:40.000500Z";

/// What the door makes of a body under one version, what is kept of it, and what is given back under
/// another.
fn given_back(body: &str, version: XapiVersion, answer: XapiVersion) -> String {
    let mut parsed = parse(&Bytes::copy_from_slice(body.as_bytes()), version)
        .unwrap_or_else(|faults| panic!("{faults:?}\n{body}"))
        .into_statements();
    assert_eq!(parsed.len(), 1);
    let parsed = parsed.remove(0);
    let kept = payload::decompress(&payload::compress(parsed.sent())).expect("it was compressed");
    let id: StatementId = ID.parse().expect("a UUID");
    let kept = format::Kept {
        sent: &kept,
        id: parsed.id().unwrap_or(id),
        stored: DateTime::from_timestamp_micros(1_780_000_000_000_500).expect("in range"),
        authority: AUTHORITY,
        version,
    };
    format::exact(&kept, answer).expect("it was accepted")
}

/// What the specification makes of it: id, stored, authority, the version of the write, a missing
/// timestamp.
fn expected(sent: Tree<'_>, version: XapiVersion) -> Tree<'_> {
    let Tree::Object(mut members) = sent else {
        panic!("a statement is an object")
    };
    let text = |text: &str| Tree::Text(text.to_owned());
    members.insert("stored".to_owned(), text(STORED));
    members.insert("authority".to_owned(), Tree::read(AUTHORITY).expect("JSON"));
    members.entry("id".to_owned()).or_insert_with(|| text(ID));
    members
        .entry("timestamp".to_owned())
        .or_insert_with(|| text(STORED));
    let set = match version {
        XapiVersion::V1_0_3 => "1.0.0",
        XapiVersion::V2_0_0 => "2.0.0",
    };
    members
        .entry("version".to_owned())
        .or_insert_with(|| text(set));
    Tree::Object(members)
}

/// Context activities in arrays; in answers under 2.0 times in UTC.
fn leveled(tree: &mut Tree<'_>, answer: XapiVersion) {
    let Tree::Object(members) = tree else { return };
    if let Some(Tree::Object(context)) = members.get_mut("context")
        && let Some(Tree::Object(lists)) = context.get_mut("contextActivities")
    {
        for list in lists.values_mut() {
            if let Tree::Object(_) = list {
                *list = Tree::Array(vec![list.clone()]);
            }
        }
    }
    if answer == XapiVersion::V2_0_0
        && let Some(Tree::Text(timestamp)) = members.get_mut("timestamp")
    {
        *timestamp = told_in_utc(timestamp);
    }
    if let Some(object) = members.get_mut("object")
        && object.get("objectType").and_then(Tree::text) == Some("SubStatement")
    {
        leveled(object, answer);
    }
}

/// Only the zone changes: the fraction of a second stays as it was sent. What is told in UTC stays, and
/// so does what has a year there of more than four digits.
fn told_in_utc(timestamp: &str) -> String {
    let at = timestamp::instant(timestamp).expect("it was accepted");
    if timestamp.ends_with('Z') || !(0..=9999).contains(&at.year()) {
        return timestamp.to_owned();
    }
    let digits: String = timestamp[19..]
        .strip_prefix('.')
        .unwrap_or_default()
        .chars()
        .take_while(char::is_ascii_digit)
        .collect();
    let point = if digits.is_empty() { "" } else { "." };
    let second = at.format("%Y-%m-%dT%H:%M:%S");
    format!("{second}{point}{digits}Z")
}

/// Under 2.0 a time is told in UTC, but where its year there has not four digits.
fn is_told_in_utc(tree: &Tree<'_>) -> bool {
    let own = tree
        .get("timestamp")
        .and_then(Tree::text)
        .is_none_or(|text| {
            let at = timestamp::instant(text).expect("a timestamp");
            text.ends_with('Z') || !(0..=9999).contains(&at.year())
        });
    own && tree.get("object").is_none_or(|object| match object {
        Tree::Object(_) => is_told_in_utc(object),
        _ => true,
    })
}

fn any_statement() -> impl Strategy<Value = (XapiVersion, serde_json::Value)> {
    let of = |version| testkit::statement(version).prop_map(move |statement| (version, statement));
    prop_oneof![of(XapiVersion::V1_0_3), of(XapiVersion::V2_0_0)]
}

fn any_version() -> impl Strategy<Value = XapiVersion> {
    prop::sample::select(XapiVersion::ALL.to_vec())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn any_valid_statement_comes_back_as_it_was_sent_to_a_reader_of_either_version((version, statement) in any_statement(), answer in any_version(), seed: u64) {
        let sent = spelled(&statement, seed);
        let back = given_back(&sent, version, answer);
        let back = Tree::read(&back).expect("JSON");
        prop_assert!(answer == XapiVersion::V1_0_3 || is_told_in_utc(&back));
        // Whatever may be an array is one.
        let has_single = |tree: &Tree<'_>| {
            let lists = tree.get("context").and_then(|context| context.get("contextActivities"));
            matches!(lists, Some(Tree::Object(lists)) if lists.values().any(|list| matches!(list, Tree::Object(_))))
        };
        prop_assert!(!has_single(&back) && !back.get("object").is_some_and(has_single));
        let mut wanted = expected(Tree::read(&sent).expect("JSON"), version);
        leveled(&mut wanted, answer);
        prop_assert_eq!(back, wanted);
    }

    #[test]
    fn what_comes_back_is_accepted_again_and_is_the_same((version, statement) in any_statement(), answer in any_version(), seed: u64) {
        let sent = spelled(&statement, seed);
        let back = given_back(&sent, version, answer);
        // What came under 2.0 is no statement of 1.0.3, whoever reads it.
        prop_assert!(parse(&Bytes::from(back.clone()), version.max(answer)).is_ok(), "{}", back);
        prop_assert!(super::equivalence::same(sent.as_bytes(), back.as_bytes()), "{}\n{}", sent, back);
    }
}

//! Random statements, changed at random, against the literal reading.

use chrono::{DateTime, Datelike, FixedOffset, SecondsFormat};
use proptest::prelude::*;
use schemas::testkit::{self, Dice, spelled};
use schemas::xapi::XapiVersion;
use serde_json::{Value, json};

use super::literal;
use crate::statement::equivalence::same;

type Change = fn(&mut Value, &mut Dice);

/// Changes that leave a statement what it is.
const MEANINGLESS: [Change; 9] = [
    assigned,
    displays,
    definitions,
    instants,
    members,
    domains,
    uppercase,
    arrays,
    hundredths,
];

fn assigned(statement: &mut Value, dice: &mut Dice) {
    for (key, value) in [
        ("id", json!("7d0c1f3e-5b2a-4f6e-9c51-2f3b8f0a1c22")),
        ("stored", json!("2026-10-05T18:42:11Z")),
        ("authority", json!({ "mbox": "mailto:lrs@example.org" })),
        ("version", json!("1.0.1")),
    ] {
        if dice.below(2) == 0 {
            statement[key] = value;
        } else if let Some(statement) = statement.as_object_mut() {
            statement.remove(key);
        }
    }
}

fn no_time(statement: &mut Value, _: &mut Dice) {
    if let Some(statement) = statement.as_object_mut() {
        statement.remove("timestamp");
    }
}

fn displays(statement: &mut Value, dice: &mut Dice) {
    each(statement, &["/verb"], |verb| {
        verb["display"] = json!({ "fr": dice.below(9).to_string() });
    });
}

fn definitions(statement: &mut Value, dice: &mut Dice) {
    activities(statement, |activity| {
        if dice.below(2) == 0 {
            activity["definition"] = json!({ "name": { "fr": dice.below(9).to_string() } });
        } else if let Some(activity) = activity.as_object_mut() {
            activity.remove("definition");
        }
    });
}

fn activities(statement: &mut Value, mut change: impl FnMut(&mut Value)) {
    each(statement, &["/object"], |object| {
        if object
            .get("objectType")
            .is_none_or(|kind| kind == "Activity")
        {
            change(object);
        }
    });
    each(statement, &["/context/contextActivities"], |lists| {
        for list in lists
            .as_object_mut()
            .into_iter()
            .flat_map(|lists| lists.values_mut())
        {
            match list {
                Value::Array(list) => list.iter_mut().for_each(&mut change),
                single @ Value::Object(_) => change(single),
                // What was put there to make another statement.
                _ => {}
            }
        }
    });
}

/// What stands at the pointers, in the statement and its `SubStatement`.
fn each(statement: &mut Value, pointers: &[&str], mut change: impl FnMut(&mut Value)) {
    let sub = statement
        .pointer("/object/objectType")
        .is_some_and(|kind| kind == "SubStatement");
    for base in if sub { &["", "/object"][..] } else { &[""][..] } {
        for pointer in pointers {
            if let Some(value) = statement.pointer_mut(&format!("{base}{pointer}")) {
                change(value);
            }
        }
    }
}

fn instants(statement: &mut Value, dice: &mut Dice) {
    each(statement, &["/timestamp"], |timestamp| {
        let hours = i32::try_from(dice.below(27)).expect("small") - 13;
        let read = timestamp
            .as_str()
            .and_then(|text| DateTime::parse_from_rfc3339(text).ok());
        let offset = FixedOffset::east_opt(hours * 3_600 + 1_800).expect("less than a day");
        if let Some(at) = read.filter(|at| (2..9999).contains(&at.year())) {
            let mut told = at
                .with_timezone(&offset)
                .to_rfc3339_opts(SecondsFormat::Nanos, false);
            // Digits beyond the ninth, which chrono leaves out.
            let text = timestamp.as_str().unwrap_or_default();
            let digits = text.get(20..).unwrap_or_default();
            let end = digits
                .find(|c: char| !c.is_ascii_digit())
                .unwrap_or(digits.len());
            told.insert_str(29, digits[..end].get(9..).unwrap_or_default());
            *timestamp = told.into();
        }
    });
}

/// Every Agent and Group.
fn actors(statement: &mut Value, mut change: impl FnMut(&mut Value)) {
    let mut with_members = |actor: &mut Value| {
        change(actor);
        let members = actor.get_mut("member").and_then(Value::as_array_mut);
        members.into_iter().flatten().for_each(&mut change);
    };
    each(
        statement,
        &["/actor", "/context/instructor", "/context/team"],
        &mut with_members,
    );
    each(statement, &["/object"], |object| {
        if object
            .get("objectType")
            .is_some_and(|kind| kind == "Agent" || kind == "Group")
        {
            with_members(object);
        }
    });
    each(
        statement,
        &["/context/contextAgents", "/context/contextGroups"],
        |list| {
            for entry in list.as_array_mut().into_iter().flatten() {
                for key in ["agent", "group"] {
                    entry.get_mut(key).into_iter().for_each(&mut with_members);
                }
            }
        },
    );
}

fn members(statement: &mut Value, dice: &mut Dice) {
    actors(statement, |actor| {
        if let Some(members) = actor.get_mut("member").and_then(Value::as_array_mut) {
            for last in (1..members.len()).rev() {
                members.swap(last, dice.below(last + 1));
            }
        }
    });
}

fn domains(statement: &mut Value, _: &mut Dice) {
    actors(statement, |actor| {
        if let Some((local, domain)) = actor
            .get("mbox")
            .and_then(Value::as_str)
            .and_then(|mbox| mbox.rsplit_once('@'))
        {
            actor["mbox"] = format!("{local}@{}", domain.to_uppercase()).into();
        }
    });
}

/// UUIDs and hashes in capitals.
fn uppercase(statement: &mut Value, _: &mut Dice) {
    let capitals = |value: &mut Value| {
        if let Some(text) = value.as_str() {
            *value = text.to_uppercase().into();
        }
    };
    actors(statement, |actor| {
        actor.get_mut("mbox_sha1sum").into_iter().for_each(capitals)
    });
    each(
        statement,
        &[
            "/context/registration",
            "/context/statement/id",
            "/attachments/0/sha2",
        ],
        capitals,
    );
    each(statement, &["/object"], |object| {
        if object
            .get("objectType")
            .is_some_and(|kind| kind == "StatementRef")
        {
            capitals(&mut object["id"]);
        }
    });
}

/// A single context activity is an array of one, and the other way round.
fn arrays(statement: &mut Value, _: &mut Dice) {
    each(statement, &["/context/contextActivities"], |lists| {
        for list in lists
            .as_object_mut()
            .into_iter()
            .flat_map(|lists| lists.values_mut())
        {
            match list {
                Value::Array(one) if one.len() == 1 => *list = one.remove(0),
                Value::Object(_) => *list = json!([list.take()]),
                _ => {}
            }
        }
    });
}

fn hundredths(statement: &mut Value, dice: &mut Dice) {
    each(statement, &["/result/duration"], |duration| {
        let text = duration.as_str().unwrap_or_default();
        let point = text
            .find('.')
            .filter(|point| text.ends_with('S') && text.len() - point >= 4);
        if let Some(point) = point {
            *duration = format!("{}{}S", &text[..point + 3], dice.below(1_000)).into();
        }
    });
}

/// Pointers to what counts, containers included.
fn counted(value: &Value, at: &str, found: &mut Vec<String>) {
    let is_aside = |at: &str| {
        at.ends_with("/verb/display")
            || at.ends_with("/definition")
            || ["/id", "/stored", "/authority", "/version"].contains(&at)
    };
    let children: Vec<(String, &Value)> = match value {
        Value::Array(values) => values
            .iter()
            .enumerate()
            .map(|(n, value)| (n.to_string(), value))
            .collect(),
        Value::Object(map) => map
            .iter()
            .map(|(key, value)| (key.clone(), value))
            .collect(),
        _ => Vec::new(),
    };
    for (key, child) in children {
        let at = format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
        if !is_aside(&at) {
            found.push(at.clone());
            counted(child, &at, found);
        }
    }
}

/// Changes one thing that counts; answers where.
fn something(statement: &mut Value, dice: &mut Dice) -> String {
    let mut places = Vec::new();
    counted(statement, "", &mut places);
    let at = places.swap_remove(dice.below(places.len()));
    let value = statement.pointer_mut(&at).expect("it was found there");
    match value {
        Value::Null => *value = json!(false),
        Value::Bool(is) => *is = !*is,
        Value::Number(number) => {
            *value = match (number.as_i64(), number.as_f64()) {
                (Some(n), _) if n < i64::MAX => json!(n + 1),
                (_, Some(n)) => json!(n * 0.5 + 0.1),
                (_, None) => json!(0),
            }
        }
        Value::String(text) => *text = told_otherwise(text, dice),
        Value::Array(values) => values.push(json!({ "mbox": "mailto:new@example.org" })),
        Value::Object(map) => drop(map.insert("new".to_owned(), json!(1))),
    }
    at
}

/// Another text: near where it may matter, in the local part of a mail, a digit that still counts.
fn told_otherwise(text: &str, dice: &mut Dice) -> String {
    let numbers: Vec<usize> = text
        .match_indices(|c: char| c.is_ascii_digit())
        .map(|(at, _)| at)
        .collect();
    match dice.below(3) {
        0 if text.starts_with("mailto:") => text.replacen("mailto:", "mailto:X", 1),
        // The first digit of a duration or a timestamp counts always.
        1 if !numbers.is_empty() => {
            let at = numbers[0];
            let other = if &text[at..=at] == "1" { "2" } else { "1" };
            format!("{}{other}{}", &text[..at], &text[at + 1..])
        }
        _ => format!("{text}x"),
    }
}

fn statement() -> impl Strategy<Value = Value> {
    prop_oneof![
        testkit::statement(XapiVersion::V1_0_3),
        testkit::statement(XapiVersion::V2_0_0)
    ]
}

/// A number as JSON writes it, with more digits than a float holds, down to powers that are zero to one.
fn number() -> impl Strategy<Value = String> {
    "-?(0|[1-9][0-9]{0,30})(\\.[0-9]{1,30})?([eE](\\+?[0-9]{1,2}|-[0-9]{1,3}))?"
}

/// What both say of two statements, however they are written and whichever came first.
fn verdict(a: &Value, b: &Value, dice: &mut Dice) -> bool {
    let mut seed = || u64::try_from(dice.below(usize::MAX)).expect("64 bits");
    let (kept, again) = (spelled(a, seed()), spelled(b, seed()));
    let is_same = same(kept.as_bytes(), again.as_bytes());
    assert_eq!(
        same(again.as_bytes(), kept.as_bytes()),
        is_same,
        "one way only:\n{kept}\n{again}"
    );
    assert_eq!(
        literal::same(&kept, &again),
        is_same,
        "the literal reading says otherwise:\n{kept}\n{again}"
    );
    assert_eq!(literal::same(&again, &kept), is_same);
    is_same
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(768))]

    #[test]
    fn a_statement_is_itself_however_written(statement in statement(), seed: u64) {
        prop_assert!(verdict(&statement, &statement, &mut Dice::new(seed)));
    }

    #[test]
    fn what_does_not_count_changes_nothing(statement in statement(), seed: u64) {
        let mut dice = Dice::new(seed);
        for change in MEANINGLESS.into_iter().chain([no_time as Change]) {
            let mut again = statement.clone();
            change(&mut again, &mut dice);
            prop_assert!(verdict(&statement, &again, &mut dice), "{:#}\n{:#}", statement, again);
        }
        let mut again = statement.clone();
        for change in MEANINGLESS {
            change(&mut again, &mut dice);
        }
        prop_assert!(verdict(&statement, &again, &mut dice), "{:#}\n{:#}", statement, again);
    }

    #[test]
    fn what_counts_makes_another(statement in statement(), seed: u64) {
        let mut dice = Dice::new(seed);
        let mut other = statement.clone();
        let at = something(&mut other, &mut dice);
        prop_assert!(!verdict(&statement, &other, &mut dice), "{}: {:#}", at, statement);
        // Nor does what does not count hide it, but for a change of what an LRS made of it.
        for change in MEANINGLESS {
            change(&mut other, &mut dice);
        }
        verdict(&statement, &other, &mut dice);
    }

    #[test]
    fn numbers_count_to_their_last_digit(one in number(), other in number(), place: prop::sample::Index, digit in 1..=9_u8) {
        let with = |number: &str| format!(r#"{{"result":{{"score":{{"raw":{number}}}}}}}"#);
        let digits: Vec<usize> = one.match_indices(|c: char| c.is_ascii_digit()).map(|(at, _)| at).collect();
        let at = *place.get(&digits);
        let near = format!("{}{digit}{}", &one[..at], &one[at + 1..]);
        for number in [&one, &other, &near] {
            let (kept, again) = (with(&one), with(number));
            let is_same = literal::same(&kept, &again);
            prop_assert_eq!(same(kept.as_bytes(), again.as_bytes()), is_same, "{} {}", one, number);
            prop_assert_eq!(same(again.as_bytes(), kept.as_bytes()), is_same, "{} {}", number, one);
        }
    }

    #[test]
    fn both_readings_agree_on_two_changes_of_any_kind(statement in statement(), other in statement(), seed: u64) {
        let mut dice = Dice::new(seed);
        verdict(&statement, &other, &mut dice);
        let (mut one, mut two) = (statement.clone(), statement);
        something(&mut one, &mut dice);
        something(&mut two, &mut dice);
        verdict(&one, &two, &mut dice);
    }
}

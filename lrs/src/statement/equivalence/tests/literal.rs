//! 1.0.3 Data 2.3.1 read word by word, on values: slow, and written apart from what it checks.

use std::collections::{BTreeMap, VecDeque};

use chrono::{Datelike, NaiveDate};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// Whether two statements, written as JSON, match by the "Statement Comparison Requirements".
pub(super) fn same(a: &str, b: &str) -> bool {
    let (a, b) = (&read(a), &read(b));
    // "Potential or required assignments of properties during LRS processing".
    let assigned = ["id", "authority", "stored", "timestamp", "version"];
    let times = match (a.get("timestamp"), b.get("timestamp")) {
        (Some(a), Some(b)) => timestamp(a, b),
        _ => true,
    };
    times && statement(a, b, &assigned)
}

/// A value, its numbers as texts that no statement has: U+0000, then the number written out.
fn read(json: &str) -> Value {
    let json = json.trim();
    match json.as_bytes()[0] {
        b'{' => {
            let members: BTreeMap<String, &RawValue> = serde_json::from_str(json).expect("JSON");
            let members = members.into_iter();
            members
                .map(|(key, value)| (key, read(value.get())))
                .collect()
        }
        b'[' => {
            let elements: Vec<&RawValue> = serde_json::from_str(json).expect("JSON");
            elements.iter().map(|value| read(value.get())).collect()
        }
        b'-' | b'0'..=b'9' => format!("\0{}", written_out(json)).into(),
        _ => serde_json::from_str(json).expect("JSON"),
    }
}

/// How a number is written does not matter, its value does: every digit of it, before and after the
/// point.
fn written_out(number: &str) -> String {
    let (sign, number) = match number.strip_prefix('-') {
        Some(number) => ("-", number),
        None => ("", number),
    };
    let (mantissa, power) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let (before, after) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let mut before: VecDeque<char> = before.chars().collect();
    let mut after: VecDeque<char> = after.chars().collect();
    let power: i32 = power.parse().expect("a small power");
    for _ in 0..power {
        before.push_back(after.pop_front().unwrap_or('0'));
    }
    for _ in power..0 {
        after.push_front(before.pop_back().unwrap_or('0'));
    }
    let (before, after) = (String::from_iter(before), String::from_iter(after));
    match (before.trim_start_matches('0'), after.trim_end_matches('0')) {
        ("", "") => "0".to_owned(),
        (before, after) => format!("{sign}{before}.{after}"),
    }
}

/// Whether every property that is not left aside is in both and matches.
fn properties(
    a: &Value,
    b: &Value,
    aside: &[&str],
    matches: impl Fn(&str, &Value, &Value) -> bool,
) -> bool {
    let (Value::Object(a), Value::Object(b)) = (a, b) else {
        return plain(a, b);
    };
    let counted = |map: &Map<String, Value>| {
        map.keys()
            .filter(|key| !aside.contains(&key.as_str()))
            .cloned()
            .collect::<Vec<_>>()
    };
    let (mut of_a, mut of_b) = (counted(a), counted(b));
    of_a.sort();
    of_b.sort();
    of_a == of_b && of_a.iter().all(|key| matches(key, &a[key], &b[key]))
}

fn statement(a: &Value, b: &Value, aside: &[&str]) -> bool {
    properties(a, b, aside, |key, a, b| match key {
        "actor" => actor(a, b),
        "verb" => properties(a, b, &["display"], |_, a, b| plain(a, b)),
        "object" => object(a, b),
        "result" => properties(a, b, &[], |key, a, b| match key {
            "duration" => duration(a, b),
            _ => plain(a, b),
        }),
        "context" => context(a, b),
        "timestamp" => timestamp(a, b),
        "attachments" => list(a, b, |a, b| {
            properties(a, b, &[], |key, a, b| {
                if key == "sha2" {
                    without_case(a, b)
                } else {
                    plain(a, b)
                }
            })
        }),
        _ => plain(a, b),
    })
}

fn object(a: &Value, b: &Value) -> bool {
    let kind = |object: &Value| {
        object
            .get("objectType")
            .and_then(Value::as_str)
            .unwrap_or("Activity")
            .to_owned()
    };
    if kind(a) != kind(b) {
        return false;
    }
    match kind(a).as_str() {
        "SubStatement" => statement(a, b, &[]),
        "Agent" | "Group" => actor(a, b),
        "StatementRef" => reference(a, b),
        _ => activity(a, b),
    }
}

/// "The content of Activity Definitions … is not considered part of the Statement itself."
fn activity(a: &Value, b: &Value) -> bool {
    properties(a, b, &["definition"], |_, a, b| plain(a, b))
}

fn reference(a: &Value, b: &Value) -> bool {
    properties(a, b, &[], |key, a, b| {
        if key == "id" {
            without_case(a, b)
        } else {
            plain(a, b)
        }
    })
}

fn actor(a: &Value, b: &Value) -> bool {
    properties(a, b, &[], |key, a, b| match key {
        // "The list of Agents in a Group is not considered to be an ordered list."
        "member" => unordered(a, b),
        // "The domain portion of an e-mail address is case insensitive."
        "mbox" => mail(a, b),
        "mbox_sha1sum" => without_case(a, b),
        _ => plain(a, b),
    })
}

fn context(a: &Value, b: &Value) -> bool {
    properties(a, b, &[], |key, a, b| match key {
        "registration" => without_case(a, b),
        "instructor" | "team" => actor(a, b),
        "statement" => reference(a, b),
        // 2.4.6.2: the LRS returns single activities as arrays.
        "contextActivities" => {
            properties(a, b, &[], |_, a, b| list(&array(a), &array(b), activity))
        }
        "contextAgents" | "contextGroups" => list(a, b, |a, b| {
            properties(a, b, &[], |key, a, b| match key {
                "agent" | "group" => actor(a, b),
                _ => plain(a, b),
            })
        }),
        _ => plain(a, b),
    })
}

fn array(value: &Value) -> Value {
    if value.is_array() {
        value.clone()
    } else {
        Value::Array(vec![value.clone()])
    }
}

fn list(a: &Value, b: &Value, matches: impl Fn(&Value, &Value) -> bool) -> bool {
    match (a, b) {
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| matches(a, b))
        }
        _ => plain(a, b),
    }
}

fn unordered(a: &Value, b: &Value) -> bool {
    let (Value::Array(a), Value::Array(b)) = (a, b) else {
        return plain(a, b);
    };
    let mut left: Vec<&Value> = b.iter().collect();
    let found = a
        .iter()
        .all(|a| match left.iter().position(|b| actor(a, b)) {
            Some(at) => {
                left.remove(at);
                true
            }
            None => false,
        });
    found && left.is_empty()
}

fn mail(a: &Value, b: &Value) -> bool {
    let parts = |value: &Value| {
        value
            .as_str()?
            .rsplit_once('@')
            .map(|(local, domain)| (local.to_owned(), domain.to_ascii_lowercase()))
    };
    match (parts(a), parts(b)) {
        (Some(a), Some(b)) => a == b,
        _ => plain(a, b),
    }
}

fn without_case(a: &Value, b: &Value) -> bool {
    match (a.as_str(), b.as_str()) {
        (Some(a), Some(b)) => a.eq_ignore_ascii_case(b),
        _ => plain(a, b),
    }
}

/// "Considered a string for purposes of Statement comparison"; precision beyond 0.01 s is not included.
fn duration(a: &Value, b: &Value) -> bool {
    let cut = |value: &Value| {
        let text: Vec<char> = value.as_str().unwrap_or_default().chars().collect();
        let mut kept = String::new();
        let mut decimals = None;
        for c in &text {
            match (c, decimals) {
                ('.' | ',', _) => decimals = Some(0),
                ('0'..='9', Some(n)) => {
                    decimals = Some(n + 1);
                    if n >= 2 && text.last() == Some(&'S') {
                        continue;
                    }
                }
                _ => decimals = None,
            }
            kept.push(*c);
        }
        kept
    };
    if a.is_string() && b.is_string() {
        cut(a) == cut(b)
    } else {
        plain(a, b)
    }
}

/// "So long as the point in time referenced is not affected."
fn timestamp(a: &Value, b: &Value) -> bool {
    match (instant(a), instant(b)) {
        (Some(a), Some(b)) => a == b,
        _ => plain(a, b),
    }
}

/// Seconds of UTC, whether it is a leap second, the decimals.
fn instant(value: &Value) -> Option<(i64, bool, String)> {
    let text = value.as_str()?.to_uppercase().replace(',', ".");
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<i64>().ok();
    let day = NaiveDate::from_ymd_opt(
        number(0, 4)?.try_into().ok()?,
        number(5, 7)?.try_into().ok()?,
        number(8, 10)?.try_into().ok()?,
    )?;
    let rest = text.get(19..)?;
    let offset_at = rest.find(['Z', '+', '-']).unwrap_or(rest.len());
    let (decimals, offset) = rest.split_at(offset_at);
    let is_number = |text: &str| text.bytes().all(|c| c.is_ascii_digit());
    let fraction = decimals.strip_prefix('.').unwrap_or(decimals);
    let digits = offset.replace([':', 'Z', '+', '-'], "");
    if !is_number(&digits) || digits.len() % 2 == 1 || !is_number(fraction) {
        return None;
    }
    let part = |from: usize| {
        digits
            .get(from..from + 2)
            .and_then(|two| two.parse::<i64>().ok())
            .unwrap_or(0)
    };
    let east = (part(0) * 60 + part(2)) * if offset.starts_with('-') { -60 } else { 60 };
    let second = number(17, 19)?;
    let seconds = i64::from(day.num_days_from_ce()) * 86_400
        + number(11, 13)? * 3_600
        + number(14, 16)? * 60
        + second.min(59);
    Some((
        seconds - east,
        second == 60,
        decimals
            .trim_start_matches('.')
            .trim_end_matches('0')
            .to_owned(),
    ))
}

fn plain(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| plain(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter()
                    .all(|(key, a)| b.get(key).is_some_and(|b| plain(a, b)))
        }
        _ => a == b,
    }
}

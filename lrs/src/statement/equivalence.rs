//! Whether a statement sent again under the same id is the same statement (xAPI 1.0.3 Data 2.2 and
//! Communication 2.1.1): if so it is accepted and not stored twice, if not it is a conflict.
//!
//! Everything counts except what the LRS sets (`id`, `stored`, `authority`, `version`, a missing
//! `timestamp`), the display of verbs and the definitions of activities, which are not part of the
//! statement. Timestamps are compared as instants, numbers by value with all their digits, UUIDs and
//! the domains of mails whatever their case, members of groups in any order, a single context
//! activity as an array of one.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use schemas::ids::Registration;
use schemas::ifi::Ifi;
use serde_json::value::RawValue;

use super::format::Members;
use super::timestamp;

/// Whether `again` says what `kept` said. `stored` is when `kept` was stored; none while it waits
/// for its commit.
#[must_use]
pub fn same(kept: &[u8], stored: Option<DateTime<Utc>>, again: &[u8]) -> bool {
    if kept == again {
        return true;
    }
    let (Some(mut kept), Some(mut again)) = (fields(kept), fields(again)) else {
        return false;
    };
    for set_by_lrs in ["id", "stored", "authority", "version"] {
        kept.remove(set_by_lrs);
        again.remove(set_by_lrs);
    }
    let times = (kept.remove("timestamp"), again.remove("timestamp"));
    same_timestamp(times.0, stored, times.1) && same_fields(Place::Statement, &kept, &again)
}

/// A timestamp missing now is set by the LRS; one that was missing then was set to `stored`.
fn same_timestamp(
    kept: Option<&RawValue>,
    stored: Option<DateTime<Utc>>,
    again: Option<&RawValue>,
) -> bool {
    match (kept, again) {
        (_, None) => true,
        (Some(kept), Some(again)) => same_instant(kept, again),
        (None, Some(again)) => stored.is_some() && timestamp::instant(again) == stored,
    }
}

/// Where in a statement a value stands, as far as its comparison depends on it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// A Statement or `SubStatement`.
    Statement,
    Verb,
    Actor,
    Members,
    Object,
    Activity,
    Reference,
    Context,
    ContextActivities,
    Activities,
    /// `contextAgents` or `contextGroups` of 2.0: a list, or one of it.
    ContextActors,
    Mbox,
    Uuid,
    Hex,
    Timestamp,
    /// Anything whose keys mean nothing to us.
    Plain,
}

impl Place {
    /// What stands under a key here; none for what does not count.
    fn under(self, key: &str) -> Option<Self> {
        Some(match (self, key) {
            (Self::Verb, "display") | (Self::Activity, "definition") => return None,
            (Self::Statement, "actor") | (Self::Context, "instructor" | "team") => Self::Actor,
            (Self::ContextActors, "agent" | "group") => Self::Actor,
            (Self::Statement, "verb") => Self::Verb,
            (Self::Statement, "object") => Self::Object,
            (Self::Statement, "context") => Self::Context,
            (Self::Statement, "timestamp") => Self::Timestamp,
            (Self::Actor, "member") => Self::Members,
            (Self::Actor, "mbox") => Self::Mbox,
            (Self::Actor, "mbox_sha1sum") => Self::Hex,
            (Self::Context, "registration") | (Self::Reference, "id") => Self::Uuid,
            (Self::Context, "statement") => Self::Reference,
            (Self::Context, "contextActivities") => Self::ContextActivities,
            (Self::Context, "contextAgents" | "contextGroups") => Self::ContextActors,
            (Self::ContextActivities, _) => Self::Activities,
            _ => Self::Plain,
        })
    }

    /// What an object of a statement is, by its `objectType`.
    fn of_object(object: &Fields<'_>) -> Self {
        match object.get("objectType").map(|kind| kind.get()) {
            Some("\"SubStatement\"") => Self::Statement,
            Some("\"Agent\"" | "\"Group\"") => Self::Actor,
            Some("\"StatementRef\"") => Self::Reference,
            _ => Self::Activity,
        }
    }
}

type Fields<'a> = BTreeMap<String, &'a RawValue>;

fn fields(json: &[u8]) -> Option<Fields<'_>> {
    Some(Members::read(json).ok()?.0.into_iter().collect())
}

fn same_value(place: Place, a: &RawValue, b: &RawValue) -> bool {
    if a.get() == b.get() {
        return true;
    }
    match place {
        Place::Timestamp => same_instant(a, b),
        Place::Uuid => same_by(a, b, |text| text.parse::<Registration>().ok()),
        Place::Hex => same_by(a, b, |text| Some(text.to_ascii_lowercase())),
        Place::Mbox => same_by(a, b, |text| Some(Ifi::Mbox(text.to_owned()).canonical())),
        Place::Activities => same_list(Place::Activity, &list_or_one(a), &list_or_one(b)),
        Place::Members => same_list(Place::Actor, &by_identifier(a), &by_identifier(b)),
        _ => same_json(place, a, b),
    }
}

fn same_json(place: Place, a: &RawValue, b: &RawValue) -> bool {
    match (kind(a), kind(b)) {
        (Kind::Object, Kind::Object) => {
            match (fields(a.get().as_bytes()), fields(b.get().as_bytes())) {
                (Some(a), Some(b)) => {
                    let place = if place == Place::Object {
                        Place::of_object(&a)
                    } else {
                        place
                    };
                    same_fields(place, &a, &b)
                }
                _ => false,
            }
        }
        (Kind::Array, Kind::Array) => same_list(place, &list_or_one(a), &list_or_one(b)),
        (Kind::Text, Kind::Text) => same_by(a, b, |text| Some(text.to_owned())),
        (Kind::Number, Kind::Number) => {
            Decimal::read(a.get()).is_some_and(|a| Some(a) == Decimal::read(b.get()))
        }
        // true, false, null: the texts were compared.
        _ => false,
    }
}

fn same_fields(place: Place, a: &Fields<'_>, b: &Fields<'_>) -> bool {
    let counts = |fields: &Fields<'_>| {
        fields
            .keys()
            .filter(|key| place.under(key).is_some())
            .count()
    };
    counts(a) == counts(b)
        && a.iter().all(|(key, a)| match place.under(key) {
            Some(under) => b.get(key).is_some_and(|b| same_value(under, a, b)),
            None => true,
        })
}

fn same_list(place: Place, a: &[&RawValue], b: &[&RawValue]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_value(place, a, b))
}

/// The elements of an array; anything else as the only one.
fn list_or_one(value: &RawValue) -> Vec<&RawValue> {
    serde_json::from_str(value.get()).unwrap_or_else(|_| vec![value])
}

/// Members of a group, in the order of their identifiers.
fn by_identifier(members: &RawValue) -> Vec<&RawValue> {
    let mut members = list_or_one(members);
    members.sort_by_cached_key(|member| {
        let value = serde_json::from_str(member.get()).unwrap_or_default();
        (
            Ifi::from_actor(&value).map(|ifi| ifi.canonical()),
            member.get().to_owned(),
        )
    });
    members
}

fn same_instant(a: &RawValue, b: &RawValue) -> bool {
    let a = timestamp::instant(a);
    a.is_some() && a == timestamp::instant(b)
}

fn same_by<T: PartialEq>(a: &RawValue, b: &RawValue, read: impl Fn(&str) -> Option<T>) -> bool {
    let text = |raw: &RawValue| {
        serde_json::from_str::<String>(raw.get())
            .ok()
            .and_then(|text| read(&text))
    };
    let a = text(a);
    a.is_some() && a == text(b)
}

#[derive(PartialEq, Eq)]
enum Kind {
    Object,
    Array,
    Text,
    Number,
    Literal,
}

fn kind(value: &RawValue) -> Kind {
    match value.get().as_bytes().first() {
        Some(b'{') => Kind::Object,
        Some(b'[') => Kind::Array,
        Some(b'"') => Kind::Text,
        Some(b'-' | b'0'..=b'9') => Kind::Number,
        _ => Kind::Literal,
    }
}

/// A JSON number by its value: sign, digits without zeros at either end, power of ten.
#[derive(PartialEq, Eq)]
struct Decimal {
    negative: bool,
    digits: String,
    exponent: i64,
}

impl Decimal {
    /// None when the exponent is beyond 64 bits: such numbers are equal when written alike only.
    fn read(json: &str) -> Option<Self> {
        let (negative, json) = json
            .strip_prefix('-')
            .map_or((false, json), |json| (true, json));
        let (mantissa, exponent) = json.split_once(['e', 'E']).unwrap_or((json, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = format!("{whole}{fraction}");
        let digits = all.trim_start_matches('0').trim_end_matches('0');
        if digits.is_empty() {
            return Some(Self {
                negative: false,
                digits: String::new(),
                exponent: 0,
            });
        }
        let trailing = all.len() - all.trim_end_matches('0').len();
        let shift = i64::try_from(trailing)
            .ok()?
            .checked_sub(i64::try_from(fraction.len()).ok()?)?;
        let exponent = exponent.parse::<i64>().ok()?.checked_add(shift)?;
        Some(Self {
            negative,
            digits: digits.to_owned(),
            exponent,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KEPT: &str = r#"{"id":"7d0c1f3e-5b2a-4f6e-9c51-2f3b8f0a1c22",
        "actor":{"objectType":"Group","member":[{"mbox":"mailto:a@example.org"},{"mbox":"mailto:b@example.org"}]},
        "verb":{"id":"https://example.org/v","display":{"fr":"a fait"}},
        "object":{"id":"https://example.org/o","definition":{"name":{"fr":"O"}}},
        "result":{"score":{"raw":10,"scaled":0.5},"extensions":{"https://example.org/definition":{"definition":1,"mbox":"mailto:x@example.org"}}},
        "context":{"registration":"6f0e5b8e-2f4c-4b0e-8a0f-1a1d0a4c9f10","contextActivities":{"parent":{"id":"https://example.org/p"}}},
        "timestamp":"2026-10-05T18:42:11.250+02:00"}"#;

    fn sent_again(change: &[(&str, &str)]) -> bool {
        let mut again = KEPT.to_owned();
        for (from, to) in change {
            assert!(again.contains(from), "{from}");
            again = again.replacen(from, to, 1);
        }
        same(KEPT.as_bytes(), None, again.as_bytes())
    }

    #[test]
    fn what_means_the_same_is_the_same() {
        for (what, from, to) in [
            ("an id in capitals", "7d0c1f3e", "7D0C1F3E"),
            ("another display", "a fait", "fit"),
            ("no display", r#","display":{"fr":"a fait"}"#, ""),
            (
                "another definition",
                r#"{"name":{"fr":"O"}}"#,
                r#"{"name":{"fr":"P"}}"#,
            ),
            ("no definition", r#","definition":{"name":{"fr":"O"}}"#, ""),
            (
                "an instant elsewhere",
                "2026-10-05T18:42:11.250+02:00",
                "2026-10-05T16:42:11.25Z",
            ),
            (
                "no timestamp",
                ",\n        \"timestamp\":\"2026-10-05T18:42:11.250+02:00\"",
                "",
            ),
            (
                "a number written otherwise",
                r#""raw":10"#,
                r#""raw":1.0e1"#,
            ),
            ("a decimal written otherwise", "0.5", "0.50"),
            ("a domain in capitals", "a@example.org", "a@EXAMPLE.org"),
            ("a registration in capitals", "6f0e5b8e", "6F0E5B8E"),
            (
                "members in another order",
                r#"[{"mbox":"mailto:a@example.org"},{"mbox":"mailto:b@example.org"}]"#,
                r#"[{"mbox":"mailto:b@example.org"},{"mbox":"mailto:a@example.org"}]"#,
            ),
            (
                "an array of one",
                r#"{"id":"https://example.org/p"}"#,
                r#"[{"id":"https://example.org/p"}]"#,
            ),
            (
                "what the LRS sets",
                r#"{"id""#,
                r#"{"stored":"2026-10-05T18:42:11Z","authority":{"mbox":"mailto:l@example.org"},"version":"1.0.0","id""#,
            ),
            (
                "an escaped letter",
                "https://example.org/v",
                "https://example.org/\\u0076",
            ),
        ] {
            assert!(sent_again(&[(from, to)]), "{what}");
        }
    }

    #[test]
    fn what_means_something_else_is_a_conflict() {
        for (what, from, to) in [
            ("another score", r#""raw":10"#, r#""raw":11"#),
            ("the 20th digit", "0.5", "0.50000000000000000001"),
            ("another instant", "11.250", "11.251"),
            (
                "the local part in capitals",
                "a@example.org",
                "A@example.org",
            ),
            (
                "another verb",
                "https://example.org/v",
                "https://example.org/V",
            ),
            ("one member less", r#",{"mbox":"mailto:b@example.org"}"#, ""),
            (
                "one more field",
                r#""result":{"#,
                r#""result":{"success":true,"#,
            ),
            (
                "one field less",
                r#"{"raw":10,"scaled":0.5}"#,
                r#"{"raw":10}"#,
            ),
            (
                "a key of an extension that is named like a definition",
                r#""definition":1"#,
                r#""definition":2"#,
            ),
            ("a mail in an extension", "x@example.org", "x@EXAMPLE.org"),
            ("another type", r#""raw":10"#, r#""raw":"10""#),
        ] {
            assert!(!sent_again(&[(from, to)]), "{what}");
        }
    }

    #[test]
    fn a_timestamp_that_the_lrs_set_may_come_back() {
        let stored = DateTime::from_timestamp_micros(1_780_000_000_000_500);
        let with = br#"{"timestamp":"2026-05-28T20:26:40.000500Z"}"#;
        assert!(same(b"{}", stored, with));
        assert!(!same(b"{}", None, with));
        assert!(!same(
            b"{}",
            stored,
            br#"{"timestamp":"2026-05-28T20:26:41Z"}"#
        ));
    }

    proptest! {
        #[test]
        fn a_number_is_itself_however_written(digits in 0_u64.., shift in 0_usize..30, negative: bool) {
            let sign = if negative { "-" } else { "" };
            let plain = format!("{sign}{digits}");
            let shifted = format!("{sign}{digits}{}e-{shift}", "0".repeat(shift));
            let fraction = format!("{sign}{digits}.{}", "0".repeat(shift + 1));
            prop_assert!(Decimal::read(&plain) == Decimal::read(&shifted));
            prop_assert!(Decimal::read(&plain) == Decimal::read(&fraction));
            let other = format!("{sign}{}", u128::from(digits) + 1);
            prop_assert!(Decimal::read(&plain) != Decimal::read(&other));
        }
    }
}

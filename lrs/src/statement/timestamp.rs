//! Timestamps as they are compared and written.

use chrono::{DateTime, Datelike, SecondsFormat, Utc};
use serde_json::value::RawValue;

/// A time of the LRS, always to the microsecond: `stored` has one precision (docs/decisions/0004).
pub(super) fn of_lrs(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// The one form of the instant that a client's timestamp names, with all its digits. One without an
/// offset is read as UTC.
pub(super) fn form(text: &str) -> Option<String> {
    let finer = fraction(text).get(10..).unwrap_or_default();
    let finer = finer.trim_end_matches('0');
    instant(text).map(|at| format!("{at:?}{finer}"))
}

/// The instant, to the nanosecond; what is finer is cut off.
pub(super) fn instant(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text)
        .or_else(|_| DateTime::parse_from_rfc3339(&as_rfc3339(text)))
        .map(|at| at.to_utc())
        .ok()
}

/// The fraction of a second as it is written, with its point or comma; empty when there is none.
fn fraction(text: &str) -> &str {
    let rest = text.get(19..).unwrap_or_default();
    let end = rest
        .find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | ',')))
        .unwrap_or(rest.len());
    &rest[..end]
}

/// What ISO 8601 allows besides (`+02`, `+0200`, no offset, a comma), written as RFC 3339 asks.
fn as_rfc3339(text: &str) -> String {
    let (date_time, rest) = text.split_at_checked(19).unwrap_or((text, ""));
    let offset_at = rest.find(['Z', 'z', '+', '-']).unwrap_or(rest.len());
    let (fraction, offset) = rest.split_at(offset_at);
    let fraction = fraction.replace(',', ".");
    let offset = match offset.len() {
        0 => "Z".to_owned(),
        3 => format!("{offset}:00"),
        5 if offset.is_ascii() => format!("{}:{}", &offset[..3], &offset[3..]),
        _ => offset.to_owned(),
    };
    format!("{date_time}{fraction}{offset}")
}

/// The same instant in UTC, its fraction of a second digit for digit; none when it is written in UTC
/// already, or when its year there has not four digits, which RFC 3339 cannot say.
pub(super) fn in_utc(raw: &RawValue) -> Option<String> {
    let text: String = serde_json::from_str(raw.get()).ok()?;
    if text.ends_with('Z') {
        return None;
    }
    let at = instant(&text).filter(|at| (0..=9999).contains(&at.year()))?;
    let fraction = fraction(&text).replace(',', ".");
    Some(format!("{}{fraction}Z", at.format("%Y-%m-%dT%H:%M:%S")))
}

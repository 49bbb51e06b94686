//! Timestamps as they are compared and written.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::value::RawValue;

/// A time of the LRS, always to the microsecond: `stored` has one precision (docs/decisions/0004).
pub(super) fn of_lrs(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// The instant that a client's timestamp names, to the nanosecond where it is written as RFC 3339
/// says, else to the microsecond.
pub(super) fn instant(raw: &RawValue) -> Option<DateTime<Utc>> {
    let text: String = serde_json::from_str(raw.get()).ok()?;
    DateTime::parse_from_rfc3339(&text)
        .map(|at| at.to_utc())
        .ok()
        .or_else(|| schemas::time::parse_timestamp(&text).map(|at| at.utc))
}

/// The same instant in UTC; none when it is written in UTC already.
pub(super) fn in_utc(raw: &RawValue) -> Option<String> {
    if raw.get().ends_with("Z\"") {
        return None;
    }
    instant(raw).map(|at| at.to_rfc3339_opts(SecondsFormat::AutoSi, true))
}

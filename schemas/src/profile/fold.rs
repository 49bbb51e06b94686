//! When an answer was given, and the one order in which answers are folded.

use chrono::{DateTime, TimeDelta, Utc};

use crate::ids::StatementId;

/// The largest clock skew that is believed, either way: one day.
pub const SKEW_BELIEVED_MS: i64 = 24 * 60 * 60 * 1000;

/// When an answer was given, as far as is known: the earlier of `timestamp` + skew and `stored`.
///
/// The skew is believed within a day; beyond, the device's word on its own clock is worth less
/// than the clock. Without a timestamp it is `stored`; nothing is in the future.
#[must_use]
pub fn answered_at(
    timestamp: Option<DateTime<Utc>>,
    skew_ms: Option<i64>,
    stored: DateTime<Utc>,
) -> DateTime<Utc> {
    let Some(timestamp) = timestamp else {
        return stored;
    };
    let skew = skew_ms
        .filter(|skew| skew.unsigned_abs() <= SKEW_BELIEVED_MS.unsigned_abs())
        .unwrap_or(0);
    let corrected = timestamp
        .checked_add_signed(TimeDelta::milliseconds(skew))
        .unwrap_or(timestamp);
    corrected.min(stored)
}

/// Whether a timestamp lies more than 365 days before `stored`: flagged, and folded like any other.
#[must_use]
pub fn is_old(timestamp: Option<DateTime<Utc>>, stored: DateTime<Utc>) -> bool {
    timestamp
        .is_some_and(|timestamp| stored.signed_duration_since(timestamp) > TimeDelta::days(365))
}

/// The order in which a person's answers are folded, whichever way they come: the time of the
/// answer, then the device and its counter (absent ones first), then the statement's id.
///
/// `Ord` compares the fields in the order in which they stand here.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FoldKey {
    /// [`answered_at`], in microseconds since 1970.
    pub answered_at: i64,
    /// Identifier of the installation that sent it.
    pub device_id: Option<String>,
    /// Counter of that installation.
    pub device_seq: Option<i64>,
    /// The statement's id: no two keys are equal.
    pub id: StatementId,
}

impl FoldKey {
    /// The key of an answer given at `answered_at`.
    #[must_use]
    pub fn new(
        answered_at: DateTime<Utc>,
        device_id: Option<String>,
        device_seq: Option<i64>,
        id: StatementId,
    ) -> Self {
        Self {
            answered_at: answered_at.timestamp_micros(),
            device_id,
            device_seq,
            id,
        }
    }
}

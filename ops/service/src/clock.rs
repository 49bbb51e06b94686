//! The one place where the wall clock is read.

use chrono::{DateTime, SubsecRound, Utc};

/// The present, to the microsecond: PostgreSQL's resolution, so that a time survives a round trip.
#[must_use]
pub fn now() -> DateTime<Utc> {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place where the clock is read"
    )]
    Utc::now().trunc_subsecs(6)
}

//! `usage`: how much the service was used, by day, school, kind of user and part of the service.

use super::ColumnType::{Date, Int64, Utf8};
use super::Privacy::{Neutral, Personal};
use super::{Table, optional, required};
use crate::profile::verbs;

/// Version of the columns.
pub const VERSION: i32 = 1;

/// The kind of those whom no roster announced, and of groups.
pub const UNKNOWN: &str = "unknown";

/// The part that stands for all of them together.
pub const ALL_PARTS: &str = "all";

/// The part of all verbs that no other part has.
pub const OTHER_PART: &str = "other";

/// The parts of the service, each with the verbs that tell of it.
pub const PARTS: [(&str, &[&str]); 4] = [
    ("answers", &[verbs::ANSWERED]),
    (
        "exercises",
        &[
            verbs::INITIALIZED,
            verbs::COMPLETED,
            verbs::PASSED,
            verbs::FAILED,
            verbs::TERMINATED,
        ],
    ),
    ("hints", &[verbs::INTERACTED]),
    ("lessons", &[verbs::EXPERIENCED]),
];

/// The table, declared.
pub const TABLE: Table = Table {
    name: "usage",
    version: VERSION,
    row: "What the users of one kind, of one school, did with one part of the service on one day; and, as part `all`, with all of it. Every statement counts once, and once more under `all`, voided ones too: somebody did something; voidings do not. Small numbers tell of persons: this table is not for publication.",
    writer: "Analytics' job `service_usage`, every `analytics.usage_every_s`, from `statements`, `accounts` and `roster`: days of which new statements came are counted anew.",
    bucketed: false,
    is_copy: true,
    key: &["day", "school", "kind", "part"],
    columns: &[
        required(
            "day",
            Date,
            "The day in UTC: of `timestamp`, or of `stored` where that is earlier.",
        )
        .from("timestamp and stored", Neutral),
        optional(
            "school",
            Utf8,
            "The school, as in `roster`, by the roster as of when the account's last statement of that day was stored; null where no roster knew the account. Who is in several schools counts for the first by its code.",
        )
        .from("none: of the roster", Neutral),
        required(
            "kind",
            Utf8,
            "Kind of user, by the same roster: `administrator`, `teacher`, `proctor`, `student` (the first of them that holds), or `unknown`.",
        )
        .from("none: of the roster", Neutral),
        required(
            "part",
            Utf8,
            "Part of the service, by the verb: `answers` (answered), `exercises` (initialized, completed, passed, failed, terminated), `hints` (interacted), `lessons` (experienced), `other`; `all` is all of them.",
        )
        .from("verb.id", Neutral),
        required("statements", Int64, "How many statements.")
            .from("the statements of the day", Personal)
            .unit("1"),
        required(
            "accounts",
            Int64,
            "How many accounts made them. Over parts they do not add up: `all` has the number.",
        )
        .from("the statements of the day", Personal)
        .unit("1"),
    ],
};

//! `answers`: the statements that count as an answer of a pupil, read by the profile's rules.

use std::sync::{Arc, LazyLock};

use arrow::datatypes::SchemaRef;

use super::ColumnType::{Boolean, Float64, Int32, Int64, Timestamp, Utf8};
use super::{Table, optional, required};

/// Version of the columns.
pub const VERSION: i32 = 2;

/// The Arrow schema of the table.
#[must_use]
pub fn schema() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| TABLE.arrow_schema());
    Arc::clone(&SCHEMA)
}

/// The table, declared.
pub const TABLE: Table = Table {
    name: "answers",
    version: VERSION,
    row: "One answer of one pupil to one item, by the rules of the xAPI profile. A minute after a voiding the voided answer is gone.",
    writer: "Analytics, some seconds after the commit, from `published.answers_feed`.",
    bucketed: true,
    columns: &[
        required(
            "bucket",
            Int32,
            "Low six bits of the first byte of the account's key (0 to 63).",
        ),
        required(
            "seq",
            Int64,
            "Position of the statement in the final order.",
        ),
        required("id", Utf8, "The statement's id, a UUID in lower case."),
        required("stored", Timestamp, "When the LRS stored it."),
        required(
            "answered_at",
            Timestamp,
            "When it was answered, as far as is known: the earlier of `timestamp` + `skew_ms` (a skew of more than a day is not believed) and `stored`. First part of the fold key.",
        ),
        optional(
            "timestamp",
            Timestamp,
            "What the pupil's device said; null when it said nothing.",
        ),
        required("account", Utf8, "Key of the pupil's account, a UUID."),
        required("activity", Utf8, "IRI of the item answered."),
        required(
            "correct",
            Boolean,
            "`result.success`; without it, whether `outcome` is at least one half.",
        ),
        required(
            "outcome",
            Float64,
            "What mastery is computed from, 0 to 1: `result.score.scaled` (negative: 0), without it 1 or 0 by `result.success`.",
        ),
        required(
            "invented_time",
            Boolean,
            "Whether the times were made up from the order of the answers; the model lets no time pass then.",
        ),
        required(
            "flag_no_offset",
            Boolean,
            "Whether `timestamp` had no offset from UTC (it was read as UTC).",
        ),
        required(
            "flag_old",
            Boolean,
            "Whether `timestamp` lies more than 365 days before `stored`.",
        ),
        optional(
            "skew_ms",
            Int64,
            "What the device found its clock to lack at synchronisation, in milliseconds.",
        ),
        optional(
            "device_id",
            Utf8,
            "Random identifier of the installation that sent it. Second part of the fold key; absent first.",
        ),
        optional(
            "device_seq",
            Int64,
            "Counter of that installation. Third part of the fold key; absent first.",
        ),
        optional(
            "registration",
            Utf8,
            "`context.registration`, a UUID: one attempt at one activity.",
        ),
        optional(
            "duration_ms",
            Int64,
            "How long the answer took, in milliseconds.",
        ),
        optional(
            "origin",
            Utf8,
            "Why the pupil was at this item: `recommended`, `prescribed` or `free`.",
        ),
        optional(
            "attempt",
            Int32,
            "Which attempt at this item, from 1, as the exerciser counts.",
        ),
        optional(
            "hints",
            Int32,
            "How many hints were opened before the answer.",
        ),
    ],
};

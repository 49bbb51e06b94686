//! `answers`: the statements that count as an answer of a pupil, read by the profile's rules.

use std::sync::{Arc, LazyLock};

use arrow::datatypes::SchemaRef;

use super::ColumnType::{Boolean, Float64, Int32, Int64, TextList, Timestamp, Utf8};
use super::Privacy::{Identifying, Personal};
use super::{Table, optional, required};

/// Version of the columns.
pub const VERSION: i32 = 3;

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
    is_copy: false,
    key: &["id"],
    columns: &[
        required(
            "bucket",
            Int32,
            "Low six bits of the first byte of the account's key (0 to 63).",
        )
.from("the key of `actor`", Personal),
        required(
            "seq",
            Int64,
            "Position of the statement in the final order.",
        )
.from("given by the LRS", Identifying),
        required("id", Utf8, "The statement's id, a UUID in lower case.")
.from("id", Identifying),
        required("stored", Timestamp, "When the LRS stored it.")
.from("stored", Personal).unit("µs"),
        required(
            "answered_at",
            Timestamp,
            "When it was answered, as far as is known: the earlier of `timestamp` + `skew_ms` (a skew of more than a day is not believed) and `stored`. First part of the fold key.",
        )
.from("timestamp, the extension `clock-skew-ms` and stored", Personal).unit("µs"),
        optional(
            "timestamp",
            Timestamp,
            "What the pupil's device said; null when it said nothing.",
        )
.from("timestamp", Personal).unit("µs"),
        required("account", Utf8, "Key of the pupil's account, a UUID.")
.from("the identifier of `actor`", Identifying),
        required("activity", Utf8, "IRI of the item answered.")
.from("object.id", Personal),
        required(
            "correct",
            Boolean,
            "`result.success`; without it, whether `outcome` is at least one half.",
        )
.from("result.success or result.score.scaled", Personal),
        required(
            "outcome",
            Float64,
            "What mastery is computed from, 0 to 1: `result.score.scaled` (negative: 0), without it 1 or 0 by `result.success`.",
        )
.from("result.score.scaled or result.success", Personal).unit("1"),
        required(
            "invented_time",
            Boolean,
            "Whether the times were made up from the order of the answers; the model lets no time pass then.",
        )
.from("context.extensions, `https://w3id.org/sillage/ext/invented-time`", Personal),
        required(
            "flag_no_offset",
            Boolean,
            "Whether `timestamp` had no offset from UTC (it was read as UTC).",
        )
.from("timestamp", Personal),
        required(
            "flag_old",
            Boolean,
            "Whether `timestamp` lies more than 365 days before `stored`.",
        )
.from("timestamp and stored", Personal),
        optional(
            "skew_ms",
            Int64,
            "What the device found its clock to lack at synchronisation, in milliseconds.",
        )
.from("context.extensions, `https://w3id.org/sillage/ext/clock-skew-ms`", Personal).unit("ms"),
        optional(
            "device_id",
            Utf8,
            "Random identifier of the installation that sent it. Second part of the fold key; absent first.",
        )
.from("context.extensions, `https://w3id.org/sillage/ext/device-id`", Identifying),
        optional(
            "device_seq",
            Int64,
            "Counter of that installation. Third part of the fold key; absent first.",
        )
.from("context.extensions, `https://w3id.org/sillage/ext/seq`", Identifying).unit("1"),
        optional(
            "registration",
            Utf8,
            "`context.registration`, a UUID: one attempt at one activity.",
        )
.from("context.registration", Identifying),
        optional(
            "duration_ms",
            Int64,
            "How long the answer took, in milliseconds.",
        )
.from("result.duration", Personal).unit("ms"),
        optional(
            "origin",
            Utf8,
            "Why the pupil was at this item: `recommended`, `prescribed` or `free`.",
        )
.from("context.extensions, `https://w3id.org/sillage/ext/origin`", Personal),
        optional(
            "attempt",
            Int32,
            "Which attempt at this item, from 1, as the exerciser counts.",
        )
.from("context.extensions, `https://w3id.org/sillage/ext/attempt`", Personal).unit("1"),
        optional(
            "hints",
            Int32,
            "How many hints were opened before the answer.",
        )
.from("context.extensions, `https://w3id.org/sillage/ext/hints`", Personal).unit("1"),
        optional(
            "offline",
            Boolean,
            "Whether the device was offline when it was answered; null where it did not say.",
        )
.from("context.extensions, `https://w3id.org/sillage/ext/offline`", Personal),
        optional(
            "competencies",
            TextList,
            "URIs of the competencies that the item was tagged with when the LRS stored the answer, the main one first; null where the catalogue in force then did not have the item. A later catalogue changes nothing here.",
        )
.from("object.id, by the catalogue in force at `stored`", Personal),
    ],
};

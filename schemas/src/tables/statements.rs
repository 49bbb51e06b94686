//! `statements`: every committed statement, in the final order, append-only.

use std::sync::{Arc, LazyLock};

use arrow::datatypes::SchemaRef;

use super::ColumnType::{Boolean, Float64, Int32, Int64, Timestamp, Utf8};
use super::Privacy::{Identifying, Neutral, Personal};
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
    name: "statements",
    version: VERSION,
    row: "One committed statement. Rows are never changed: a voiding is a row with its target, and a voided statement stays.",
    writer: "The LRS, some seconds after the commit, in the order of `seq`, none skipped and none twice.",
    bucketed: true,
    is_copy: false,
    key: &["id"],
    columns: &[
        required(
            "bucket",
            Int32,
            "Low six bits of the first byte of the account's key (0 to 63); 0 without an account.",
        )
.from("the key of `actor`", Personal),
        required(
            "seq",
            Int64,
            "Position in the final order; the order of `stored`. Positions have gaps.",
        )
.from("given by the LRS", Identifying),
        required("id", Utf8, "The statement's id, a UUID in lower case.")
.from("id", Identifying),
        required(
            "stored",
            Timestamp,
            "When the LRS stored it: the database's clock at the committing transaction.",
        )
.from("stored", Personal).unit("µs"),
        required(
            "timestamp",
            Timestamp,
            "When it happened, by the clock of who said it; `stored` where the statement had none.",
        )
.from("timestamp", Personal).unit("µs"),
        optional(
            "account",
            Utf8,
            "Key of the actor's account, a UUID; null for an anonymous group. Whose account it is stands elsewhere.",
        )
.from("the identifier of `actor`", Identifying),
        required("verb", Utf8, "IRI of the verb.")
.from("verb.id", Personal),
        required(
            "object_type",
            Utf8,
            "`Activity`, `Agent`, `Group`, `StatementRef` or `SubStatement`.",
        )
.from("object.objectType", Personal),
        optional(
            "activity",
            Utf8,
            "IRI of the object when it is an activity.",
        )
.from("object.id", Personal),
        optional(
            "registration",
            Utf8,
            "`context.registration`, a UUID: one attempt at one activity.",
        )
.from("context.registration", Identifying),
        optional(
            "voids",
            Utf8,
            "For a voiding statement, the id that it voids; else null.",
        )
.from("object.id", Identifying),
        optional("success", Boolean, "`result.success`.")
.from("result.success", Personal),
        optional(
            "score_scaled",
            Float64,
            "`result.score.scaled`, from -1 to 1.",
        )
.from("result.score.scaled", Personal).unit("1"),
        optional(
            "duration_ms",
            Int64,
            "`result.duration` in milliseconds; null when absent or told in years or months, which have no fixed length.",
        )
.from("result.duration", Personal).unit("ms"),
        required(
            "xapi_version",
            Utf8,
            "Version of xAPI under which it was sent, `1.0.3` or `2.0.0`.",
        )
.from("the header `X-Experience-API-Version`", Neutral),
        required(
            "statement",
            Utf8,
            "The whole statement as JSON. Wherever an actor stood there is `{\"account\":{\"homePage\":\"urn:sillage:account\",\"name\":\"<account key>\"}}` in place of its identifier, and no name.",
        )
.from("the whole statement", Identifying),
    ],
};

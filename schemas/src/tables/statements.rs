//! `statements`: every committed statement, in the final order, append-only.

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
    name: "statements",
    version: VERSION,
    row: "One committed statement. Rows are never changed: a voiding is a row with its target, and a voided statement stays.",
    writer: "The LRS, some seconds after the commit, in the order of `seq`, none skipped and none twice.",
    bucketed: true,
    columns: &[
        required(
            "bucket",
            Int32,
            "Low six bits of the first byte of the account's key (0 to 63); 0 without an account.",
        ),
        required(
            "seq",
            Int64,
            "Position in the final order; the order of `stored`. Positions have gaps.",
        ),
        required("id", Utf8, "The statement's id, a UUID in lower case."),
        required(
            "stored",
            Timestamp,
            "When the LRS stored it: the database's clock at the committing transaction.",
        ),
        required(
            "timestamp",
            Timestamp,
            "When it happened, by the clock of who said it; `stored` where the statement had none.",
        ),
        optional(
            "account",
            Utf8,
            "Key of the actor's account, a UUID; null for an anonymous group. Whose account it is stands elsewhere.",
        ),
        required("verb", Utf8, "IRI of the verb."),
        required(
            "object_type",
            Utf8,
            "`Activity`, `Agent`, `Group`, `StatementRef` or `SubStatement`.",
        ),
        optional(
            "activity",
            Utf8,
            "IRI of the object when it is an activity.",
        ),
        optional(
            "registration",
            Utf8,
            "`context.registration`, a UUID: one attempt at one activity.",
        ),
        optional(
            "voids",
            Utf8,
            "For a voiding statement, the id that it voids; else null.",
        ),
        optional("success", Boolean, "`result.success`."),
        optional(
            "score_scaled",
            Float64,
            "`result.score.scaled`, from -1 to 1.",
        ),
        optional(
            "duration_ms",
            Int64,
            "`result.duration` in milliseconds; null when absent or told in years or months, which have no fixed length.",
        ),
        required(
            "xapi_version",
            Utf8,
            "Version of xAPI under which it was sent, `1.0.3` or `2.0.0`.",
        ),
        required(
            "statement",
            Utf8,
            "The whole statement as JSON. Wherever an actor stood there is `{\"account\":{\"homePage\":\"urn:sillage:account\",\"name\":\"<account key>\"}}` in place of its identifier, and no name.",
        ),
    ],
};

//! `mastery`: what a run of the recomputation found, a row a person and competency or domain; `mastery_as_of`: the same as
//! of times that were asked for.

use std::sync::{Arc, LazyLock};

use arrow::datatypes::SchemaRef;

use super::ColumnType::{Boolean, Float64, Int32, Int64, Timestamp, Utf8};
use super::Privacy::{Identifying, Neutral, Personal};
use super::{Column, Table, optional, required};

/// Version of the columns.
pub const VERSION: i32 = 1;

/// The Arrow schema of both tables.
#[must_use]
pub fn schema() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| TABLE.arrow_schema());
    Arc::clone(&SCHEMA)
}

/// The table, declared.
pub const TABLE: Table = Table {
    name: "mastery",
    version: VERSION,
    row: "One person's mastery of one competency or domain, as one run of the job found it.",
    writer: "Analytics, at the end of each recomputation.",
    bucketed: false,
    is_copy: true,
    key: &["person", "uri"],
    columns: COLUMNS,
};

/// Rows of the same columns as of the times that were asked for. The rows of a time are a copy of their own.
pub const AS_OF: Table = Table {
    name: "mastery_as_of",
    version: VERSION,
    row: "One person's mastery of one competency or domain as it was at a time, by the answers given until then.",
    writer: "Analytics, when somebody asks (`sillage analytics mastery --as-of`): in place of the rows of the same time.",
    bucketed: false,
    is_copy: true,
    key: &["as_of", "person", "uri"],
    columns: COLUMNS,
};

const COLUMNS: &[Column] = &[
        required("run", Int64, "Number of the run.")
.from("none: the number of the run", Neutral),
        required(
            "as_of",
            Timestamp,
            "The time at which mastery was evaluated.",
        )
.from("none: the time of the run", Neutral).unit("µs"),
        required("person", Utf8, "Key of the person, a UUID.")
.from("the identifiers of `actor`, by the roster", Identifying),
        required(
            "subject",
            Utf8,
            "Subject, such as `maths` or `francais`: one filter each.",
        )
.from("none: of the framework", Neutral),
        required("kind", Utf8, "`competency` or `domain`.")
.from("none: of the framework", Neutral),
        required(
            "uri",
            Utf8,
            "URI of the competency or domain in the framework.",
        )
.from("none: of the framework", Neutral),
        required("mean", Float64, "Posterior mean on the logit scale.")
.from("all answers of the person", Personal).unit("logit"),
        required(
            "variance",
            Float64,
            "Posterior variance on the logit scale.",
        )
.from("all answers of the person", Personal).unit("logit²"),
        required("answers", Int64, "How many answers it rests on.")
.from("all answers of the person", Personal).unit("1"),
        required(
            "m",
            Float64,
            "Expected probability of success on the reference item of the competency (weighted mean of these for a domain).",
        )
.from("all answers of the person", Personal).unit("1"),
        optional(
            "degree",
            Int32,
            "Degree of the scale, 1 to 6; null where no answer gave one yet.",
        )
.from("all answers of the person", Personal).unit("1"),
        required(
            "shown",
            Boolean,
            "Whether there is evidence enough to show the degree to a person.",
        )
.from("all answers of the person", Personal),
        required(
            "model",
            Utf8,
            "Fingerprint of the model: everything that changes a state (SHA-256, hexadecimal).",
        )
.from("none: of the model", Neutral),
];

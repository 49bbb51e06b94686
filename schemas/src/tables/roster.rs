//! `roster`: who was in which class, as what.

use super::ColumnType::{Int32, TextList, Timestamp, Utf8};
use super::Privacy::{Identifying, Neutral, Personal};
use super::{Table, optional, required};

/// Version of the columns.
pub const VERSION: i32 = 1;

/// The table, declared.
pub const TABLE: Table = Table {
    name: "roster",
    version: VERSION,
    row: "One person in one class, in one role, from one time to another: what schools announced, without names. A user who is not active, or in no class, has no open row. As of a time: as in `accounts`.",
    writer: "Analytics, when a roster was taken in that says something else than the one before.",
    bucketed: true,
    is_copy: true,
    key: &["person", "class", "role", "valid_from"],
    columns: &[
        required("bucket", Int32, "As in `statements`, of the person's key.")
            .from("none: of the roster", Personal),
        required("person", Utf8, "Key of the person, a UUID.")
            .from("none: of the roster", Identifying),
        required(
            "role",
            Utf8,
            "`student`, `teacher`, `proctor` or `administrator`.",
        )
        .from("none: of the roster", Personal),
        required(
            "class",
            Utf8,
            "Key of the class, a UUID. What it is called stands elsewhere.",
        )
        .from("none: of the roster", Personal),
        required(
            "school",
            Utf8,
            "The school's code (UAI in France); its id in the roster where it has none.",
        )
        .from("none: of the roster", Personal),
        required(
            "subjects",
            TextList,
            "Subjects that are taught in the class; empty where the roster names none.",
        )
        .from("none: of the roster", Neutral),
        required(
            "valid_from",
            Timestamp,
            "When the roster was taken in that said so first.",
        )
        .from("none: of the roster", Personal)
        .unit("µs"),
        optional(
            "valid_to",
            Timestamp,
            "When a roster was taken in that said otherwise; null while it holds.",
        )
        .from("none: of the roster", Personal)
        .unit("µs"),
    ],
};

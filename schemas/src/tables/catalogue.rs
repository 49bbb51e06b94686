//! `catalogue`: which items there were, as what.

use super::ColumnType::{Int32, Int64, TextList, Timestamp, Utf8};
use super::Privacy::Neutral;
use super::{Table, optional, required};

/// Version of the columns.
pub const VERSION: i32 = 1;

/// The table, declared.
pub const TABLE: Table = Table {
    name: "catalogue",
    version: VERSION,
    row: "One item as the catalogue had it from one time to another. The catalogue in force: `valid_to is null`; as of a time: as in `accounts`. What an answer was tagged with when it came is in `answers.competencies`.",
    writer: "Analytics, when another catalogue came into force.",
    bucketed: false,
    is_copy: true,
    key: &["activity", "valid_from"],
    columns: &[
        required(
            "activity",
            Utf8,
            "IRI of the item, as in `answers`.",
        )
        .from("none: of the catalogue (object.id of its answers)", Neutral),
        required(
            "version",
            Int64,
            "The first version of the catalogue that had the item so, in our own counting.",
        )
        .from("none: of the catalogue", Neutral)
        .unit("1"),
        required("subject", Utf8, "Subject, as the framework names it.")
            .from("none: of the catalogue", Neutral),
        required(
            "competencies",
            TextList,
            "URIs of the competencies in the framework, the main one first.",
        )
        .from("none: of the catalogue", Neutral),
        optional("intent", Utf8, "URI of the pedagogical intent.")
            .from("none: of the catalogue", Neutral),
        optional(
            "level",
            Int32,
            "Degree for which the item is meant, 1 to 6, where somebody judged it.",
        )
        .from("none: of the catalogue", Neutral)
        .unit("1"),
        required(
            "document",
            Utf8,
            "The whole item as JSON: titles and fitted parameters too.",
        )
        .from("none: of the catalogue", Neutral),
        required(
            "valid_from",
            Timestamp,
            "When the catalogue came into force that had the item so first; nothing is known of the time before the history was kept.",
        )
        .from("none: of the catalogue", Neutral)
        .unit("µs"),
        optional(
            "valid_to",
            Timestamp,
            "When a catalogue came into force that had it otherwise or not at all; null while it is in force.",
        )
        .from("none: of the catalogue", Neutral)
        .unit("µs"),
    ],
};

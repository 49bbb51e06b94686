//! `accounts`: whose an account is, and was.

use super::ColumnType::{Int32, Timestamp, Utf8};
use super::Privacy::{Identifying, Personal};
use super::{Table, optional, required};

/// Version of the columns.
pub const VERSION: i32 = 1;

/// The table, declared.
pub const TABLE: Table = Table {
    name: "accounts",
    version: VERSION,
    row: "One account and the person whose it was from one time to another. At most one row of an account is open; as of a time: `valid_from <= t and (valid_to is null or t < valid_to)`. A person is here a key too, never a name.",
    writer: "Analytics, when whose an account is has changed.",
    bucketed: true,
    is_copy: true,
    key: &["account", "valid_from"],
    columns: &[
        required("bucket", Int32, "As in `statements`.").from("the key of the account", Personal),
        required(
            "account",
            Utf8,
            "Key of the account, a UUID, as in `statements` and `answers`.",
        )
        .from("the identifier of `actor`", Identifying),
        required(
            "person",
            Utf8,
            "Key of the person, a UUID, as in `mastery` and `roster`; that of an account which no roster announced is the account's own.",
        )
        .from("none: of the roster", Identifying),
        required(
            "valid_from",
            Timestamp,
            "Since when the account is that person's: when the roster that said so was taken in, or the first answer folded.",
        )
        .from("none: of the roster", Personal)
        .unit("µs"),
        optional(
            "valid_to",
            Timestamp,
            "When it became another's; null while it is that person's.",
        )
        .from("none: of the roster", Personal)
        .unit("µs"),
    ],
};

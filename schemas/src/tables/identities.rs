//! `identities`: whose account a key is. It lies apart from the other tables, for the service alone:
//! with it, statements that only the lake has are put back into the database.

use std::sync::{Arc, LazyLock};

use arrow::datatypes::SchemaRef;

use super::ColumnType::{Int32, Int64, Utf8};
use super::Privacy::{Identifying, Personal};
use super::{Table, required};

/// Version of the columns.
pub const VERSION: i32 = 1;

/// The Arrow schema of the table.
#[must_use]
pub fn schema() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| TABLE.arrow_schema());
    Arc::clone(&SCHEMA)
}

/// The table, declared. It is none of [`super::ALL`]: nobody asks it.
pub const TABLE: Table = Table {
    name: "identities",
    version: VERSION,
    row: "An account as a statement wrote it. An account has a row for each way in which it was written; the one of the last position counts.",
    writer: "The LRS, before the statements that need it.",
    bucketed: true,
    is_copy: false,
    key: &["account", "seq"],
    columns: &[
        required("bucket", Int32, "As in `statements`.").from("the key of the account", Personal),
        required(
            "account",
            Utf8,
            "Key of the account, a UUID, as it stands in statements of the lake.",
        )
        .from("the identifier of the agent", Identifying),
        required(
            "seq",
            Int64,
            "Position of the statement in which it was written so.",
        )
        .from("given by the LRS", Identifying),
        required(
            "agent",
            Utf8,
            "The identifier and the name of the agent, as JSON.",
        )
        .from(
            "`mbox`, `mbox_sha1sum`, `openid`, `account` and `name` of the agent",
            Identifying,
        ),
    ],
};

//! The data dictionary, printed from the declared columns.

use std::fmt::Write;

use super::{ALL, ColumnType, Table};

const HEAD: &str = "# Data dictionary

The tables of the lake, one folder each under `lake/` of the data folder (or of the `s3://` address): Delta tables of
Parquet files. This page and the [Frictionless Data Package](datapackage.json), the same for programs, are printed from
`schemas/src/tables/`; a test compares them.

Timestamps are microseconds in UTC. Keys of accounts, persons and statements are UUIDs as text, in lower case. An
account's key is made from its identifier under the installation's secret: no name, mail or identifier of an actor
stands in the lake, and nobody goes from a key to an account without the installation. The keys are pseudonyms all the
same, and a statement keeps what was typed in `result.response` and in extensions: personal data, open to the service
alone.

What a column tells: *identifying*, who it is, or by what the rows of one person, device or statement are found again (a key counts,
and a text that may hold a name); *personal*, something about a person, who is not found by it alone; *neutral*, nothing.
";

/// The data dictionary, as Markdown: what `docs/data-dictionary.md` holds.
#[must_use]
pub fn data_dictionary() -> String {
    let mut page = HEAD.to_owned();
    for table in ALL {
        page.push_str(&section(table));
    }
    page
}

fn section(table: &Table) -> String {
    let files = match (table.is_copy, table.bucketed) {
        (false, _) => {
            "As they were committed, later sorted by `bucket`, `account` and `seq`: one bucket each, once there is enough of it."
        }
        (true, true) => "One, written anew each time, sorted by `bucket`.",
        (true, false) => "One, written anew each time.",
    };
    let key: Vec<_> = table.key.iter().map(|name| format!("`{name}`")).collect();
    let mut text = format!(
        "\n## {}\n\n{}\n\n- Written by: {}\n- Version of the columns: {}\n- Files: {}\n- Key: {}\n\n| column | type | unit | null | meaning | source in the statement | tells |\n|---|---|---|---|---|---|---|\n",
        table.name,
        table.row,
        table.writer,
        table.version,
        files,
        key.join(", ")
    );
    for column in table.columns {
        let null = if column.nullable { "yes" } else { "no" };
        writeln!(
            text,
            "| `{}` | {} | {} | {null} | {} | {} | {} |",
            column.name,
            type_name(column.kind),
            column.unit.unwrap_or(""),
            column.meaning,
            column.source,
            column.privacy.name()
        )
        .expect("writing to a String cannot fail");
    }
    text
}

fn type_name(kind: ColumnType) -> &'static str {
    match kind {
        ColumnType::Int32 => "int32",
        ColumnType::Int64 => "int64",
        ColumnType::Float64 => "float64",
        ColumnType::Boolean => "boolean",
        ColumnType::Utf8 => "text",
        ColumnType::Timestamp => "timestamp (µs, UTC)",
        ColumnType::Date => "date",
        ColumnType::TextList => "list of text",
    }
}

//! The tables of the lake as a Frictionless Data Package, printed from the declared columns.

use serde::Serialize;

use super::{ALL, Column, ColumnType, Table};

/// The package: what `docs/datapackage.json` holds.
#[derive(Serialize)]
struct Package {
    #[serde(rename = "$schema")]
    schema: &'static str,
    name: &'static str,
    title: &'static str,
    description: &'static str,
    resources: Vec<Resource>,
}

/// A table.
#[derive(Serialize)]
struct Resource {
    name: &'static str,
    path: &'static str,
    format: &'static str,
    description: &'static str,
    version: String,
    schema: Fields,
}

#[derive(Serialize)]
struct Fields {
    fields: Vec<Field>,
    #[serde(rename = "primaryKey")]
    primary_key: &'static [&'static str],
}

/// A column. `unit`, `source` and `privacy` are of our own.
#[derive(Serialize)]
struct Field {
    name: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    description: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<&'static str>,
    source: &'static str,
    privacy: &'static str,
    constraints: Constraints,
}

#[derive(Serialize)]
struct Constraints {
    required: bool,
}

/// The data package, as JSON: what `docs/datapackage.json` holds.
///
/// # Panics
/// Never: what is declared can be written as JSON.
#[must_use]
pub fn data_package() -> String {
    let package = Package {
        schema: "https://datapackage.org/profiles/2.0/datapackage.json",
        name: "sillage-lake",
        title: "The lake of Sillage",
        description: "Delta tables, a folder each. Read the active files of one version: by a reader of Delta, or the files that its log names.",
        resources: ALL.into_iter().map(resource).collect(),
    };
    let text = serde_json::to_string_pretty(&package).expect("texts and flags are JSON");
    text + "\n"
}

fn resource(table: &'static Table) -> Resource {
    Resource {
        name: table.name,
        path: table.name,
        format: "delta",
        description: table.row,
        version: table.version.to_string(),
        schema: Fields {
            fields: table.columns.iter().map(field).collect(),
            primary_key: table.key,
        },
    }
}

fn field(column: &'static Column) -> Field {
    Field {
        name: column.name,
        kind: match column.kind {
            ColumnType::Int32 | ColumnType::Int64 => "integer",
            ColumnType::Float64 => "number",
            ColumnType::Boolean => "boolean",
            ColumnType::Utf8 => "string",
            ColumnType::Timestamp => "datetime",
            ColumnType::Date => "date",
            ColumnType::TextList => "array",
        },
        description: column.meaning,
        unit: column.unit,
        source: column.source,
        privacy: column.privacy.name(),
        constraints: Constraints {
            required: !column.nullable,
        },
    }
}

//! The tables of the lake: one module a table, the same columns for everybody.
//!
//! A column is declared once, with its meaning; the Arrow schema, the data dictionary
//! (`docs/data-dictionary.md`) and the golden prints of `schemas/tests/golden/` all come from that
//! declaration. A change of columns is a new `VERSION` and a new golden file beside the old one.

pub mod accounts;
pub mod answers;
pub mod catalogue;
mod data_package;
mod dictionary;
pub mod identities;
pub mod mastery;
pub mod roster;
pub mod statements;
pub mod usage;

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};

use crate::ids::AccountKey;

pub use data_package::data_package;
pub use dictionary::data_dictionary;

/// Into how many buckets the rows of accounts are sorted: an erasure touches one, and a job takes them
/// one by one.
pub const BUCKETS: i32 = 64;

/// The bucket of rows that belong to no account: statements of anonymous groups.
pub const NO_ACCOUNT_BUCKET: i32 = 0;

/// The bucket of an account: the low six bits of the first byte of its key, which is a byte of an
/// HMAC and so spreads evenly.
#[must_use]
pub fn bucket(account: AccountKey) -> i32 {
    i32::from(account.as_uuid().as_bytes()[0]) & (BUCKETS - 1)
}

/// The type of a column, as few as will do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnType {
    /// 32-bit signed integer.
    Int32,
    /// 64-bit signed integer.
    Int64,
    /// 64-bit floating point number.
    Float64,
    /// True or false.
    Boolean,
    /// Text in UTF-8.
    Utf8,
    /// Microseconds since 1970 in UTC.
    Timestamp,
    /// Days since 1970.
    Date,
    /// A list of texts, none of them null in what we write.
    TextList,
}

impl ColumnType {
    /// What a list is made of, as Delta names it.
    #[must_use]
    pub fn element() -> Field {
        Field::new("element", DataType::Utf8, true)
    }

    /// The Arrow type.
    #[must_use]
    pub fn data_type(self) -> DataType {
        match self {
            Self::Int32 => DataType::Int32,
            Self::Int64 => DataType::Int64,
            Self::Float64 => DataType::Float64,
            Self::Boolean => DataType::Boolean,
            Self::Utf8 => DataType::Utf8,
            Self::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Self::Date => DataType::Date32,
            Self::TextList => DataType::List(Arc::new(Self::element())),
        }
    }
}

/// A column of a table: its name, type and meaning.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub kind: ColumnType,
    /// Whether it may be null.
    pub nullable: bool,
    /// What it holds, and what null means.
    pub meaning: &'static str,
    /// The unit of a number (`1` for a count or a share) or the precision of a time; none where there
    /// is none.
    pub unit: Option<&'static str>,
    /// From where in the statement it comes: a path, or what stands in its place.
    pub source: &'static str,
    /// What it tells of a person.
    pub privacy: Privacy,
}

/// What a column tells of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Privacy {
    /// Nothing.
    Neutral,
    /// Something about a person, who is not found by it alone.
    Personal,
    /// Who it is, or by what rows of one person, device or statement are found again: keys and
    /// identifiers, and texts that may hold them.
    Identifying,
}

impl Privacy {
    /// Its name in the data dictionary.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Neutral => "neutral",
            Self::Personal => "personal",
            Self::Identifying => "identifying",
        }
    }
}

impl Column {
    /// This column, from somewhere in the statement, telling so much.
    const fn from(self, source: &'static str, privacy: Privacy) -> Self {
        Self {
            source,
            privacy,
            ..self
        }
    }

    /// This column in a unit.
    const fn unit(self, unit: &'static str) -> Self {
        Self {
            unit: Some(unit),
            ..self
        }
    }
}

/// A table of the lake.
#[derive(Debug, Clone, Copy)]
pub struct Table {
    /// Its folder under `DIR/lake`.
    pub name: &'static str,
    /// The version of its columns.
    pub version: i32,
    /// What a row is.
    pub row: &'static str,
    /// Who writes it, and when.
    pub writer: &'static str,
    /// Whether it holds accounts' rows: it has a column `bucket` then, and its files are sorted by it.
    pub bucketed: bool,
    /// Whether all its rows (of a time, where it has several) are put anew in one commit, in place of the former ones. Otherwise rows are appended in the
    /// final order, and the upkeep puts their files together.
    pub is_copy: bool,
    /// The columns that no two rows have in common.
    pub key: &'static [&'static str],
    /// Its columns, in order.
    pub columns: &'static [Column],
}

impl Table {
    /// The Arrow schema of the table.
    #[must_use]
    pub fn arrow_schema(&self) -> SchemaRef {
        let fields: Vec<Field> = self
            .columns
            .iter()
            .map(|column| Field::new(column.name, column.kind.data_type(), column.nullable))
            .collect();
        Arc::new(Schema::new(fields))
    }
}

/// Every table of the lake, in the order of the line.
pub const ALL: [&Table; 8] = [
    &statements::TABLE,
    &answers::TABLE,
    &mastery::TABLE,
    &mastery::AS_OF,
    &usage::TABLE,
    &catalogue::TABLE,
    &roster::TABLE,
    &accounts::TABLE,
];

const fn required(name: &'static str, kind: ColumnType, meaning: &'static str) -> Column {
    Column {
        name,
        kind,
        nullable: false,
        meaning,
        unit: None,
        source: "",
        privacy: Privacy::Identifying,
    }
}

const fn optional(name: &'static str, kind: ColumnType, meaning: &'static str) -> Column {
    Column {
        name,
        kind,
        nullable: true,
        meaning,
        unit: None,
        source: "",
        privacy: Privacy::Identifying,
    }
}

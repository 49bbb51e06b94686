//! One CSV file: a head, rows of as many fields, values by the column's name.

use std::collections::HashMap;

use csv::StringRecord;

use super::Faults;

/// A file, read whole.
#[derive(Clone, Debug)]
pub struct Table {
    file: String,
    columns: HashMap<String, usize>,
    rows: Vec<StringRecord>,
}

/// One row of a file.
#[derive(Clone, Copy, Debug)]
pub struct TableRow<'a> {
    table: &'a Table,
    record: &'a StringRecord,
}

impl Table {
    /// Reads a file that must have these columns; none after a fault that leaves nothing to read.
    pub fn read(file: &str, bytes: &[u8], required: &[&str], faults: &mut Faults) -> Option<Self> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        if let Err(error) = std::str::from_utf8(bytes) {
            let before = &bytes[..error.valid_up_to()];
            let line = 1 + before.iter().filter(|&&byte| byte == b'\n').count() as u64;
            faults.tell(file, line, "", "csv-utf8", "the file is not UTF-8");
            return None;
        }
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(bytes);
        let Ok(head) = reader.headers().cloned() else {
            faults.tell(file, 1, "", "csv-head", "the first line names the columns");
            return None;
        };
        let columns: HashMap<String, usize> = head
            .iter()
            .enumerate()
            .map(|(index, name)| (name.to_owned(), index))
            .collect();
        let mut missing = false;
        for column in required {
            if !columns.contains_key(*column) {
                missing = true;
                faults.tell(
                    file,
                    1,
                    column,
                    "csv-column-missing",
                    "the file lacks this column",
                );
            }
        }
        if missing {
            return None;
        }
        let mut rows = Vec::new();
        for record in reader.records() {
            let Ok(record) = record else {
                faults.tell(file, 0, "", "csv-record", "a line could not be read");
                return None;
            };
            if record.len() != head.len() {
                let line = record.position().map_or(0, csv::Position::line);
                faults.tell(
                    file,
                    line,
                    "",
                    "csv-fields",
                    "the line has another number of fields than the first line",
                );
            } else if record.iter().any(|value| value.contains('\0')) {
                let line = record.position().map_or(0, csv::Position::line);
                faults.tell(
                    file,
                    line,
                    "",
                    "csv-nul",
                    "a value holds the character U+0000",
                );
            } else {
                rows.push(record);
            }
        }
        Some(Self {
            file: file.to_owned(),
            columns,
            rows,
        })
    }

    /// The name of the file.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Its rows, without the first.
    pub fn rows(&self) -> impl Iterator<Item = TableRow<'_>> {
        self.rows.iter().map(|record| TableRow {
            table: self,
            record,
        })
    }
}

impl<'a> TableRow<'a> {
    /// The line, from 1.
    #[must_use]
    pub fn line(&self) -> u64 {
        self.record.position().map_or(0, csv::Position::line)
    }

    /// A value without the blanks around it; empty where there is no such column.
    #[must_use]
    pub fn text(&self, column: &str) -> &'a str {
        let index = self.table.columns.get(column).copied();
        index
            .and_then(|index| self.record.get(index))
            .unwrap_or_default()
            .trim()
    }

    /// A value that must be there; the fault is told when it is not.
    pub fn required(&self, column: &str, faults: &mut Faults) -> &'a str {
        let text = self.text(column);
        if text.is_empty() {
            faults.tell(
                self.table.file(),
                self.line(),
                column,
                "value-required",
                "the value is required",
            );
        }
        text
    }

    /// A value, or none where it is empty.
    #[must_use]
    pub fn optional(&self, column: &str) -> Option<String> {
        Some(self.text(column))
            .filter(|text| !text.is_empty())
            .map(str::to_owned)
    }
}

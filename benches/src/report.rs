//! What was measured: a table for people, JSON lines for programs.

use std::fs;
use std::path::Path;
use std::time::Instant;

use anyhow::Context as _;
use comfy_table::{CellAlignment, Table, presets::UTF8_FULL_CONDENSED};
use serde::Serialize;

use crate::workspace_root;

/// One figure.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// What was done.
    pub case: String,
    /// What was measured.
    pub metric: String,
    /// How much.
    pub value: f64,
    /// Of what.
    pub unit: String,
}

/// The figures of one run.
#[derive(Clone, Debug)]
pub struct Report {
    name: &'static str,
    heading: String,
    rows: Vec<Row>,
}

impl Report {
    /// A report without figures. `heading` tells what they hold for: machine, versions, load.
    #[must_use]
    pub fn new(name: &'static str, heading: String) -> Self {
        Self {
            name,
            heading,
            rows: Vec::new(),
        }
    }

    /// Adds a figure.
    pub fn add(&mut self, case: &str, metric: &str, value: f64, unit: &str) {
        self.rows.push(Row {
            case: case.to_owned(),
            metric: metric.to_owned(),
            value,
            unit: unit.to_owned(),
        });
    }

    /// Prints the table and writes `benches/results/NAME.jsonl`.
    pub fn publish(&self) -> anyhow::Result<()> {
        say(&format!("\n{}\n{}\n", self.heading, self.table()));
        let folder = workspace_root().join("benches/results");
        let path = folder.join(format!("{}.jsonl", self.name));
        self.write(&path)
            .with_context(|| format!("could not write {}", path.display()))?;
        say(&format!("rows: {}\n", path.display()));
        Ok(())
    }

    fn write(&self, path: &Path) -> anyhow::Result<()> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut text = String::new();
        for row in &self.rows {
            text += &serde_json::to_string(row)?;
            text.push('\n');
        }
        Ok(fs::write(path, text)?)
    }

    fn table(&self) -> Table {
        let mut table = Table::new();
        table
            .load_preset(UTF8_FULL_CONDENSED)
            .set_header(["case", "metric", "value", "unit"]);
        let mut last = "";
        for row in &self.rows {
            // A case is named once: its figures stand below.
            let case = if row.case == last { "" } else { &row.case };
            table.add_row([case, &row.metric, &figure(row.value), &row.unit]);
            last = &row.case;
        }
        if let Some(column) = table.column_mut(2) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        table
    }
}

/// Three figures that count, and no more.
fn figure(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// Microseconds that a step takes of a thing, on this thread.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
pub fn micros<T>(things: &[T], step: impl FnMut(&T)) -> f64 {
    let start = Instant::now();
    things.iter().for_each(step);
    start.elapsed().as_secs_f64() * 1e6 / things.len() as f64
}

/// The middle of some values; 0 of none.
#[must_use]
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => 0.0,
        n if n % 2 == 1 => sorted[middle],
        _ => f64::midpoint(sorted[middle - 1], sorted[middle]),
    }
}

/// Prints to standard output.
#[expect(clippy::print_stdout, reason = "a bench is run to be read")]
pub fn say(text: &str) {
    print!("{text}");
}

/// Prints to standard error.
#[expect(clippy::print_stderr, reason = "what went wrong, and how far it is")]
pub fn complain(text: &str) {
    eprintln!("{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_an_object_of_four() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("results/x.jsonl");
        let mut report = Report::new("x", String::new());
        report.add("single", "ratio", 1.5, "1");
        report.add("single", "p99", 4.25, "ms");
        report.write(&path).unwrap();
        let text = fs::read_to_string(path).unwrap();
        assert_eq!(
            text,
            "{\"case\":\"single\",\"metric\":\"ratio\",\"value\":1.5,\"unit\":\"1\"}\n\
             {\"case\":\"single\",\"metric\":\"p99\",\"value\":4.25,\"unit\":\"ms\"}\n"
        );
        assert_eq!(report.table().to_string().matches("single").count(), 1);
    }

    #[test]
    fn the_median_is_the_middle() {
        assert_eq!(median(&[]), 0.0);
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
    }
}

//! What was measured: a table for people, JSON lines for programs.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, ensure};
use comfy_table::{CellAlignment, Table, presets::UTF8_FULL_CONDENSED};
use serde::Serialize;

use crate::{plot, workspace_root};

/// What a figure has to be.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Bar {
    /// This much or more.
    AtLeast(f64),
    /// This much or less.
    AtMost(f64),
}

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
    /// What it has to be, if anything.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub bar: Option<Bar>,
}

/// The figures of one run.
#[derive(Clone, Debug)]
pub struct Report {
    name: &'static str,
    heading: String,
    rows: Vec<Row>,
    failures: Vec<String>,
}

impl Report {
    /// A report without figures. `heading` tells what they hold for: machine, versions, load.
    #[must_use]
    pub fn new(name: &'static str, heading: String) -> Self {
        Self {
            name,
            heading,
            rows: Vec::new(),
            failures: Vec::new(),
        }
    }

    /// Notes that something could not be measured, though the rest was: told at once, and an error at the end.
    pub fn fail(&mut self, what: String) {
        complain(&what);
        self.failures.push(what);
    }

    /// What could not be measured.
    #[must_use]
    pub fn failures(&self) -> &[String] {
        &self.failures
    }

    /// The figures so far.
    #[must_use]
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Adds a figure.
    pub fn add(&mut self, case: &str, metric: &str, value: f64, unit: &str) {
        self.push(case, metric, value, unit, None);
    }

    /// Adds a figure that has to be something.
    pub fn add_held_to(&mut self, case: &str, metric: &str, value: f64, unit: &str, bar: Bar) {
        self.push(case, metric, value, unit, Some(bar));
    }

    fn push(&mut self, case: &str, metric: &str, value: f64, unit: &str, bar: Option<Bar>) {
        self.rows.push(Row {
            case: case.to_owned(),
            metric: metric.to_owned(),
            value,
            unit: unit.to_owned(),
            bar,
        });
    }

    /// Prints the table.
    pub fn show(&self) {
        say(&format!("\n{}\n{}\n", self.heading, self.table()));
    }

    /// Prints the table, and writes `benches/results/NAME.jsonl` and its plot, `NAME.svg`.
    ///
    /// # Errors
    ///
    /// They cannot be written, or something failed; what was measured is written then, too.
    pub fn publish(&self) -> anyhow::Result<()> {
        self.show();
        let folder = results();
        self.write(&folder)?;
        let path = folder.join(self.name);
        say(&format!("rows and plot: {}.jsonl, .svg\n", path.display()));
        self.is_whole()
    }

    /// # Errors
    ///
    /// Something could not be measured.
    fn is_whole(&self) -> anyhow::Result<()> {
        let failed = self.failures.join("\n");
        ensure!(failed.is_empty(), "not everything was measured:\n{failed}");
        Ok(())
    }

    /// Writes `NAME.jsonl` and `NAME.svg` into a folder, over what was there.
    pub fn write(&self, folder: &Path) -> anyhow::Result<()> {
        self.write_into(folder)
            .with_context(|| format!("could not write into {}", folder.display()))
    }

    fn write_into(&self, folder: &Path) -> anyhow::Result<()> {
        fs::create_dir_all(folder)?;
        let mut text = String::new();
        for row in &self.rows {
            text += &serde_json::to_string(row)?;
            text.push('\n');
        }
        fs::write(folder.join(format!("{}.jsonl", self.name)), text)?;
        let plot = plot::svg(&self.heading, &self.rows);
        Ok(fs::write(folder.join(format!("{}.svg", self.name)), plot)?)
    }

    fn table(&self) -> Table {
        let mut table = Table::new();
        table
            .load_preset(UTF8_FULL_CONDENSED)
            .set_header(["case", "metric", "value", "unit", "bar"]);
        let mut last = "";
        for row in &self.rows {
            // A case is named once: its figures stand below.
            let case = if row.case == last { "" } else { &row.case };
            let bar = row
                .bar
                .map(|bar| bar.verdict(row.value))
                .unwrap_or_default();
            table.add_row([case, &row.metric, &figure(row.value), &row.unit, &bar]);
            last = &row.case;
        }
        if let Some(column) = table.column_mut(2) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        table
    }
}

impl Bar {
    /// What it is, and whether a value meets it.
    #[must_use]
    pub fn verdict(self, value: f64) -> String {
        let (sign, bar) = match self {
            Self::AtLeast(bar) => ('≥', bar),
            Self::AtMost(bar) => ('≤', bar),
        };
        let met = if self.is_met(value) { "met" } else { "missed" };
        format!("{sign} {}, {met}", figure(bar))
    }

    /// Whether a value meets it.
    #[must_use]
    pub fn is_met(self, value: f64) -> bool {
        match self {
            Self::AtLeast(bar) => value >= bar,
            Self::AtMost(bar) => value <= bar,
        }
    }

    /// The value on the line.
    #[must_use]
    pub fn line(self) -> f64 {
        match self {
            Self::AtLeast(bar) | Self::AtMost(bar) => bar,
        }
    }
}

/// Where results are written.
#[must_use]
pub fn results() -> PathBuf {
    workspace_root().join("benches/results")
}

/// Three figures that count, and no more.
pub(crate) fn figure(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

/// A count as a figure.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
pub fn count(things: u64) -> f64 {
    things as f64
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
    fn a_row_is_an_object_with_its_bar() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("results");
        let mut report = Report::new("x", String::new());
        report.add("single", "ratio", 1.5, "1");
        report.add_held_to("single", "p99", 4.25, "ms", Bar::AtMost(50.0));
        report.write(&folder).unwrap();
        let text = fs::read_to_string(folder.join("x.jsonl")).unwrap();
        assert_eq!(
            text,
            "{\"case\":\"single\",\"metric\":\"ratio\",\"value\":1.5,\"unit\":\"1\"}\n\
             {\"case\":\"single\",\"metric\":\"p99\",\"value\":4.25,\"unit\":\"ms\",\"at_most\":50.0}\n"
        );
        assert!(folder.join("x.svg").exists());
        assert_eq!(report.table().to_string().matches("single").count(), 1);
    }

    #[test]
    fn what_failed_is_an_error_at_the_end() {
        let mut report = Report::new("x", String::new());
        report.is_whole().unwrap();
        report.fail("one: it cannot be read".to_owned());
        report.add("other", "ratio", 1.5, "1");
        let told = report.is_whole().unwrap_err().to_string();
        assert!(told.contains("one: it cannot be read"), "{told}");
    }

    #[test]
    fn a_bar_is_met_or_missed() {
        assert_eq!(Bar::AtLeast(0.5).verdict(0.5), "≥ 0.500, met");
        assert_eq!(Bar::AtMost(50.0).verdict(467.0), "≤ 50.0, missed");
    }

    #[test]
    fn the_median_is_the_middle() {
        assert_eq!(median(&[]), 0.0);
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
    }
}

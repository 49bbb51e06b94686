//! What the replay tells: each step with its count and time, then the totals side by side.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Instant;

use anyhow::bail;
use chrono::{DateTime, Utc};
use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;
use serde_json::json;

use crate::output;

use super::file::{AnswersFile, Times, Totals};

/// One step.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Step {
    what: &'static str,
    count: u64,
    unit: &'static str,
    seconds: f64,
}

impl Step {
    /// A step that began then and ends now.
    pub(crate) fn new(what: &'static str, count: u64, unit: &'static str, begun: Instant) -> Self {
        Self {
            what,
            count,
            unit,
            seconds: begun.elapsed().as_secs_f64(),
        }
    }
}

/// The report, printed as it grows, or as one JSON object at its end.
#[derive(Debug)]
pub(crate) struct Report {
    json: bool,
    file: String,
    notes: Vec<String>,
    steps: Vec<Step>,
}

impl Report {
    /// A report on that file.
    pub(crate) fn new(path: &Path, json: bool) -> Self {
        Self {
            json,
            file: path.display().to_string(),
            notes: Vec::new(),
            steps: Vec::new(),
        }
    }

    /// Tells how the file was understood.
    pub(crate) fn file(
        &mut self,
        file: &AnswersFile,
        times_from: DateTime<Utc>,
    ) -> anyhow::Result<()> {
        let from = times_from.format("%Y-%m-%dT%H:%M:%SZ");
        self.note(match file.times {
            Times::Invented => format!("The file has no times: they are invented from the order, one second apart, from {from} (--times-from), marked as invented, and the model lets no time pass between them."),
            Times::FromStart => format!("The file's times count from a start that it does not tell: taken to be {from} (--times-from)."),
            Times::Unix => "The file's times are Unix times.".to_owned(),
        })?;
        if file.items_that_differ > 0 {
            self.note(format!(
                "{} items have different skills in different rows: the first row counts.",
                file.items_that_differ
            ))?;
        }
        Ok(())
    }

    fn note(&mut self, note: String) -> anyhow::Result<()> {
        self.say(&note)?;
        self.notes.push(note);
        Ok(())
    }

    /// Adds a step.
    pub(crate) fn step(&mut self, step: Step) -> anyhow::Result<()> {
        let per_s = if step.seconds > 0.0 {
            as_f64(step.count) / step.seconds
        } else {
            0.0
        };
        self.say(&format!(
            "{:<34} {:>9} {:<12} {:>8.2} s  {per_s:>9.0}/s",
            step.what, step.count, step.unit, step.seconds
        ))?;
        self.steps.push(step);
        Ok(())
    }

    /// Prints the totals; an error if they differ anywhere.
    pub(crate) fn end(self, compared: &Compared) -> anyhow::Result<()> {
        if self.json {
            let places = compared.places.iter();
            let places = places.map(|(place, totals)| json!({ "place": place, "totals": totals }));
            output::json(&json!({
                "file": self.file,
                "notes": self.notes,
                "steps": self.steps,
                "totals": { "file": compared.file, "places": places.collect::<Vec<_>>() },
                "skills": compared.skills,
                "equal": compared.differences().is_empty(),
            }))?;
        } else {
            output::lines(&format!("\n{}", compared.table()))?;
        }
        let differences = compared.differences();
        if !differences.is_empty() {
            bail!("totals differ from the file's: {}", differences.join("; "));
        }
        if !self.json {
            output::lines("All totals equal the file's.")?;
            if let Some(skills) = &compared.skills {
                output::lines(&format!(
                    "So does the success of each of {} skills, by SQL over the lake's answers.",
                    skills.compared
                ))?;
            }
        }
        Ok(())
    }

    fn say(&self, line: &str) -> anyhow::Result<()> {
        if !self.json {
            output::lines(line)?;
        }
        Ok(())
    }
}

/// The file's totals and those of each place where its answers must be.
#[derive(Debug)]
pub(crate) struct Compared {
    file: Totals,
    places: Vec<(&'static str, Totals)>,
    skills: Option<Skills>,
}

/// Success by skill, of the file and of the lake.
#[derive(Debug, Serialize)]
struct Skills {
    /// How many skills there are.
    compared: usize,
    /// Those of which the lake has other numbers.
    differ: Vec<String>,
}

impl Compared {
    /// Compares with the file's totals.
    pub(crate) fn new(file: Totals) -> Self {
        Self {
            file,
            places: Vec::new(),
            skills: None,
        }
    }

    /// What was counted in a place.
    pub(crate) fn place(&mut self, name: &'static str, totals: Totals) {
        self.places.push((name, totals));
    }

    /// Answers and right ones by skill: the file's, and those that SQL over the lake's answers gives.
    pub(crate) fn skills(
        &mut self,
        file: &BTreeMap<String, (u64, u64)>,
        lake: &BTreeMap<String, (u64, u64)>,
    ) {
        let all: BTreeSet<_> = file.keys().chain(lake.keys()).collect();
        let differ = all
            .iter()
            .filter(|skill| file.get(**skill) != lake.get(**skill));
        self.skills = Some(Skills {
            compared: all.len(),
            differ: differ.map(|skill| (*skill).clone()).collect(),
        });
    }

    fn differences(&self) -> Vec<String> {
        let differ = self
            .places
            .iter()
            .filter(|(_, totals)| *totals != self.file)
            .map(|(place, totals)| format!("{place} has {totals:?}, the file {:?}", self.file));
        let skills = self.skills.iter().flat_map(|skills| &skills.differ);
        differ
            .chain(skills.map(|skill| format!("lake, answers has another success of {skill}")))
            .collect()
    }

    fn table(&self) -> Table {
        let mut table = Table::new();
        table
            .load_preset(presets::ASCII_MARKDOWN)
            .set_header(["", "answers", "pupils", "correct", "items"]);
        let file = [("file", self.file)];
        for (place, totals) in file.iter().chain(&self.places) {
            let counts = [totals.answers, totals.pupils, totals.correct, totals.items]
                .map(|count| count.to_string());
            table.add_row([vec![(*place).to_owned()], counts.to_vec()].concat());
        }
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        table
    }
}

/// Counts here are far below 2⁵³.
fn as_f64(count: u64) -> f64 {
    count as f64
}

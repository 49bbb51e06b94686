//! `door`: what the LRS computes of a statement before it waits for the database, step by step, against
//! `serde_json` reading the same bytes.
//!
//! One thread, statements in memory, no HTTP. The steps say where the processor time of the server goes
//! that `ingest` shows as a whole; reading the JSON at all is what any program must do.

use std::hint::black_box;

use anyhow::Context as _;
use bytes::Bytes;
use lrs::statement::{Parsed, Stamper, definition, keys, parse, payload};
use schemas::profile;
use schemas::strict_json;
use schemas::xapi;
use serde_json::Value;

use super::Arguments;
use crate::data::{self, Size, Statements};
use crate::report::{Report, median, micros};

/// The seed of the statements.
const SEED: u64 = 20_261_127;

/// A step: its name, and what it does with a statement.
type Step<'a> = (&'static str, Box<dyn Fn(&Made) + 'a>);

/// A statement, as it is sent and as it is read.
#[derive(Debug)]
struct Made {
    text: String,
    parsed: Parsed,
}

/// Measures it.
pub fn run(arguments: &Arguments) -> anyhow::Result<Report> {
    let count = usize::try_from(arguments.statements_of_a_turn())?.min(20_000);
    let made: Vec<Made> = Statements::new(SEED, Size::default())
        .take(count)
        .map(|statement| make(&statement))
        .collect::<anyhow::Result<_>>()?;
    let stamper = data::stamper();
    let steps = steps(&stamper);
    let mut times: Vec<Vec<f64>> = vec![Vec::new(); steps.len()];
    for round in 0..=arguments.rounds {
        for ((_, step), times) in steps.iter().zip(&mut times) {
            let time = micros(&made, step);
            // The first round fills caches and thread locals.
            if round > 0 {
                times.push(time);
            }
        }
    }
    let bytes: usize = made.iter().map(|one| one.text.len()).sum();
    let heading = format!(
        "door: {count} statements of {} bytes, one thread, {} rounds",
        bytes / count.max(1),
        arguments.rounds,
    );
    let mut report = Report::new("door", heading);
    let medians: Vec<f64> = times.iter().map(|times| median(times)).collect();
    for ((name, _), time) in steps.iter().zip(&medians) {
        report.add("door", name, *time, "µs/statement");
    }
    let whole = medians[1] + medians[2];
    report.add("door", "whole_to_serde_json", whole / medians[0], "1");
    Ok(report)
}

/// The peer first, then the whole in two steps, then what these consist of.
fn steps<'a>(stamper: &'a Stamper<'_>) -> Vec<Step<'a>> {
    vec![
        (
            "serde_json",
            Box::new(|made| {
                black_box(serde_json::from_slice::<Value>(made.parsed.sent()).is_ok());
            }),
        ),
        (
            "parse",
            Box::new(|made| {
                black_box(parse(made.parsed.sent(), data::VERSION).is_ok());
            }),
        ),
        (
            "stamp",
            Box::new(|made| {
                black_box(stamper.stamp(&made.parsed));
            }),
        ),
        (
            "parse_json",
            Box::new(|made| {
                black_box(strict_json::parse(made.parsed.sent()).is_ok());
            }),
        ),
        (
            "parse_rules",
            Box::new(|made| {
                black_box(xapi::validate_sent(
                    made.parsed.value(),
                    &made.text,
                    data::VERSION,
                ));
            }),
        ),
        (
            "stamp_agents",
            Box::new(|made| {
                black_box(keys::agents(stamper.secret, made.parsed.value()));
            }),
        ),
        (
            "stamp_classify",
            Box::new(|made| {
                black_box(profile::classify(made.parsed.value()));
            }),
        ),
        (
            "stamp_definitions",
            Box::new(|made| {
                black_box(definition::definitions(&made.parsed));
            }),
        ),
        (
            "stamp_compress",
            Box::new(|made| {
                black_box(payload::compress(made.parsed.sent()));
            }),
        ),
    ]
}

fn make(statement: &Value) -> anyhow::Result<Made> {
    let text = statement.to_string();
    let parsed = data::parsed(&Bytes::from(text.clone()))?
        .pop()
        .context("a statement that was made up is none")?;
    Ok(Made { text, parsed })
}

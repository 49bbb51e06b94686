//! What a load test tells: tables for people, or one JSON object.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use comfy_table::{Cell, CellAlignment, Table, presets};
use serde::Serialize;
use service::histogram::Histogram;
use uuid::Uuid;

use super::check::Check;
use super::drive::Sessions;
use super::profile::Profile;
use super::session::Kind;
use super::tally::{Counts, Tally};

/// The whole report; as JSON it is one object, its fields as they stand here.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// The name of the run.
    pub(crate) run: Uuid,
    /// The activity that its statements are grouped under, by which they are found.
    pub(crate) activity: String,
    pub(crate) endpoint: String,
    pub(crate) profile: Profile,
    /// Sessions a second at the highest, as asked for.
    pub(crate) rate: f64,
    pub(crate) seconds: f64,
    /// Whether the operator ended it before its time.
    pub(crate) stopped: bool,
    pub(crate) sessions: Sessions,
    pub(crate) phases: Vec<PhaseRow>,
    pub(crate) requests: Vec<KindRow>,
    /// Requests that were sent and not answered as they should be, by kind.
    pub(crate) errors: BTreeMap<String, u64>,
    /// Requests whose session still waited for an earlier answer long after the end.
    pub(crate) unsent: u64,
    /// From when a request was due to when it was sent.
    pub(crate) sent_late_ms: Percentiles,
    pub(crate) check: Check,
}

/// Rates in a phase: what fell due, and what was answered meanwhile, whenever it was due.
#[derive(Debug, Serialize)]
pub(crate) struct PhaseRow {
    phase: &'static str,
    seconds: f64,
    requests_due_per_s: f64,
    requests_answered_per_s: f64,
    statements_due_per_s: f64,
    statements_acknowledged_per_s: f64,
}

/// Requests of a kind that fell due in a phase.
#[derive(Debug, Serialize)]
pub(crate) struct KindRow {
    phase: &'static str,
    kind: Kind,
    due: u64,
    answered: u64,
    /// From when each was due to its answer.
    latency_ms: Percentiles,
}

/// Of a number of latencies, in milliseconds.
#[derive(Debug, Serialize)]
pub(crate) struct Percentiles {
    p50: f64,
    p90: f64,
    p99: f64,
    p999: f64,
    max: f64,
}

impl Percentiles {
    pub(crate) fn of(latencies: &Histogram) -> Self {
        let at = |of_thousand| latencies.quantile_ms(of_thousand);
        Self {
            p50: at(500),
            p90: at(900),
            p99: at(990),
            p999: at(999),
            max: at(1_000),
        }
    }

    fn cells(&self) -> [Cell; 5] {
        [self.p50, self.p90, self.p99, self.p999, self.max].map(|ms| right(format!("{ms:.1}")))
    }
}

impl PhaseRow {
    /// A row a phase.
    pub(crate) fn all(tally: &Tally) -> Vec<Self> {
        let row = |(phase, flow): (&super::profile::Phase, &super::tally::Flow)| {
            let seconds = phase.length().as_secs_f64();
            let rate = |count: u64| count as f64 / seconds;
            Self {
                phase: phase.name,
                seconds,
                requests_due_per_s: rate(flow.requests_due),
                requests_answered_per_s: rate(flow.requests_answered),
                statements_due_per_s: rate(flow.statements_due),
                statements_acknowledged_per_s: rate(flow.statements_acknowledged),
            }
        };
        tally.phases().iter().zip(&tally.flows).map(row).collect()
    }
}

impl KindRow {
    /// A row a phase and kind.
    pub(crate) fn all(tally: &Tally) -> Vec<Self> {
        let row = |((phase, kind), counts): (&(usize, Kind), &Counts)| Self {
            phase: tally.phases()[*phase].name,
            kind: *kind,
            due: counts.due,
            answered: counts.answered,
            latency_ms: Percentiles::of(&counts.latency),
        };
        tally.counts.iter().map(row).collect()
    }
}

impl Report {
    /// The report for people.
    pub(crate) fn text(&self) -> String {
        let mut text = format!(
            "Load test {} of {}: {:?}, up to {} sessions a second, {} s{}\n{} sessions of pupils, {} of teachers\n",
            self.run,
            self.endpoint,
            self.profile,
            self.rate,
            self.seconds,
            if self.stopped {
                ", stopped before its end"
            } else {
                ""
            },
            self.sessions.pupils,
            self.sessions.teachers,
        );
        let mut add = |more: &dyn std::fmt::Display| {
            writeln!(text, "\n{more}").expect("writing to a text does not fail");
        };
        add(&"A second: what fell due, and what was answered meanwhile");
        add(&self.rates());
        add(&"Milliseconds from when a request was due to its answer");
        add(&self.latencies());
        add(&format!(
            "Sent late, p50 {:.1} ms, p99 {:.1} ms: behind earlier answers, without a free connection, or because the machine under the load test is too busy",
            self.sent_late_ms.p50, self.sent_late_ms.p99
        ));
        add(&self.failures());
        add(&self.findings());
        text
    }

    fn rates(&self) -> Table {
        let mut table = table(&[
            "phase",
            "s",
            "requests due",
            "answered",
            "statements due",
            "acknowledged",
        ]);
        for row in &self.phases {
            let mut cells = vec![Cell::new(row.phase)];
            cells.extend(
                [
                    row.seconds,
                    row.requests_due_per_s,
                    row.requests_answered_per_s,
                    row.statements_due_per_s,
                    row.statements_acknowledged_per_s,
                ]
                .map(|value| right(format!("{value:.1}"))),
            );
            table.add_row(cells);
        }
        table
    }

    fn latencies(&self) -> Table {
        let mut table = table(&[
            "phase", "request", "due", "answered", "p50", "p90", "p99", "p99.9", "max",
        ]);
        for row in &self.requests {
            let mut cells = vec![
                Cell::new(row.phase),
                Cell::new(row.kind.words()),
                right(row.due),
                right(row.answered),
            ];
            cells.extend(row.latency_ms.cells());
            table.add_row(cells);
        }
        table
    }

    fn failures(&self) -> String {
        let mut lines = String::from("Errors:");
        if self.errors.is_empty() && self.unsent == 0 {
            return lines + " none";
        }
        for (error, count) in &self.errors {
            lines += &format!("\n  {count:>8}  {error}");
        }
        if self.unsent > 0 {
            lines += &format!(
                "\n  {:>8}  not sent: earlier answers came too late",
                self.unsent
            );
        }
        lines
    }

    fn findings(&self) -> String {
        let check = &self.check;
        let mut lines = format!(
            "Statements: {} acknowledged; {} found, {} missing, {} twice; {} of {} asked for by id missing",
            check.acknowledged,
            check.found,
            check.missing,
            check.twice,
            check.sampled_missing,
            check.sampled
        );
        if check.unacknowledged > 0 {
            lines += &format!(
                "\n{} were not acknowledged, of which {} are stored all the same",
                check.unacknowledged, check.unacknowledged_found
            );
        }
        if check.foreign > 0 {
            lines += &format!("\n{} are there that this run did not send", check.foreign);
        }
        for id in &check.examples {
            lines += &format!("\n  missing or twice: {id}");
        }
        lines
    }
}

fn table(heads: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_header(heads);
    table
}

fn right(value: impl ToString) -> Cell {
    Cell::new(value).set_alignment(CellAlignment::Right)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::{Value, json};

    use super::*;
    use crate::loadtest::tally::{Outcome, Seen};

    fn report() -> Report {
        let mut tally = Tally::new(Profile::Spike.phases(Duration::from_secs(30), 1.0));
        for (second, outcome) in [
            (1, Outcome::Answered),
            (12, Outcome::Answered),
            (13, Outcome::Error("503 with Retry-After".to_owned())),
        ] {
            tally.add(Seen {
                kind: Kind::Statement,
                due: Duration::from_secs(second),
                sent: Duration::from_secs(second),
                over: Duration::from_millis(1_000 * second + 10),
                ids: vec![Uuid::from_u128(u128::from(second))],
                outcome,
            });
        }
        Report {
            run: Uuid::nil(),
            activity: "https://w3id.org/sillage/loadtest/x".to_owned(),
            endpoint: "http://127.0.0.1:1".to_owned(),
            profile: Profile::Spike,
            rate: 1.0,
            seconds: 30.0,
            stopped: false,
            sessions: Sessions {
                pupils: 3,
                teachers: 1,
            },
            phases: PhaseRow::all(&tally),
            requests: KindRow::all(&tally),
            unsent: tally.unsent,
            sent_late_ms: Percentiles::of(&tally.lateness),
            check: Check {
                acknowledged: 2,
                found: 2,
                ..Check::default()
            },
            errors: tally.errors,
        }
    }

    #[test]
    fn a_program_reads_rates_latencies_errors_and_the_check() {
        let told = serde_json::to_value(report()).unwrap();
        assert_eq!(told["profile"], "spike");
        let phases: Vec<&Value> = told["phases"].as_array().unwrap().iter().collect();
        assert_eq!(phases.len(), 3);
        assert_eq!(phases[1]["phase"], "spike");
        assert_eq!(phases[1]["statements_due_per_s"], json!(0.2));
        assert_eq!(phases[1]["statements_acknowledged_per_s"], json!(0.1));
        assert_eq!(told["requests"][1]["kind"], "statement");
        assert_eq!(told["requests"][1]["due"], 2);
        assert_eq!(told["requests"][1]["answered"], 1);
        assert!(told["requests"][1]["latency_ms"]["p99"].as_f64().unwrap() >= 10.0);
        assert_eq!(told["errors"], json!({ "503 with Retry-After": 1 }));
        assert_eq!(told["check"]["missing"], 0);
    }

    #[test]
    fn people_read_the_same() {
        let text = report().text();
        for expected in [
            "spike",
            "one statement",
            "503 with Retry-After",
            "2 acknowledged",
        ] {
            assert!(text.contains(expected), "no {expected:?} in\n{text}");
        }
    }
}

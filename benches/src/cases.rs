//! The cases: a file each.

pub mod accuracy;
pub mod dictionary;
pub mod door;
pub mod incremental;
pub mod ingest;
pub mod lake;
pub mod mastery;
pub mod memory;
pub mod mixed;
pub mod nation;
pub mod overload;
pub mod queries;
pub mod recompute;
pub mod scale;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use clap::{Parser, ValueEnum};

use crate::report::{Report, complain};

/// What can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Case {
    /// Each answer of every reference file predicted before it is seen, against the literature's models.
    Accuracy,
    /// What a zstd dictionary saves of the statements that are kept; trains one beside.
    Dictionary,
    /// What the LRS computes of a statement, step by step, against reading its JSON.
    Door,
    /// How soon an answer shows in mastery, and what it costs after a long history against a short one.
    Incremental,
    /// Durable posts, one statement each and batches of 50 and 500, against PostgreSQL alone.
    Ingest,
    /// Questions in SQL over the lake's files, against DuckDB; what a statement takes there.
    Lake,
    /// The fold of real answers, against sorting the same rows.
    Mastery,
    /// The memory of the LRS alone, 500 connections, single posts and batches mixed.
    Memory,
    /// Half the most that the LRS takes, while it is shipped, recomputed, asked and looked at.
    Mixed,
    /// A service at the end of a year: its nightly run, what it stores, its class views.
    Nation,
    /// Twice the most that the LRS takes, offered for a minute, whether or not it answers.
    Overload,
    /// Every filter of the Statement Resource on a large store, against a small one.
    Queries,
    /// All states anew from the lake, against DuckDB sorting and aggregating the same rows.
    Recompute,
    /// A store of millions: how fast it takes statements against a small one, and their bytes on the disk.
    Scale,
    /// Every other case in its smallest form: whether they run, no figures.
    Smoke,
}

/// The command line.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "cargo bench -p benches --",
    about = "Measures a case; without a name, lists them"
)]
pub struct Arguments {
    /// What to measure.
    pub case: Option<Case>,
    /// Turns of each side.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=20))]
    pub rounds: u32,
    /// Seconds measured in each turn, after one that is not counted (default: 4; 60 where a case is
    /// about endurance).
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=600))]
    pub seconds: Option<u64>,
    /// Connections that post single statements.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=80))]
    pub connections: u16,
    /// Statements: made for a turn at most, which ends when they are all sent (default: 150,000); of a
    /// large store (default: 1,000,000); of `mixed` before the clock runs (default: 100,000); answers of
    /// a lake (default: 10,000,000; of `nation`: 8,000,000).
    #[arg(long, value_parser = clap::value_parser!(u32).range(1_000..=100_000_000))]
    pub statements: Option<u32>,
    /// Keep the store that is filled, in var/bench-store, which `queries` takes, or the lake of answers, in
    /// var/bench-lake, which `lake` and `recompute` take.
    #[arg(long)]
    pub keep: bool,
    /// The folder of the reference data.
    #[arg(long, env = "SILLAGE_REFERENCE_DATA", value_name = "DIR")]
    pub reference_data: Option<PathBuf>,
    /// Of `accuracy`: write what was measured into docs/model.md and docs/model, too.
    #[arg(long)]
    pub docs: bool,
    /// A Python that has DuckDB and PyArrow (ops/lake/check/requirements.txt).
    #[arg(long, env = "SILLAGE_LAKE_PYTHON", value_name = "FILE")]
    pub lake_python: Option<PathBuf>,
    /// The smallest form: whether the case runs, no figures.
    #[arg(long)]
    pub smoke: bool,
    /// Be the server of another process of this program ([`crate::apart`]).
    #[arg(long, hide = true)]
    pub serve: bool,
    /// Be the engine of another process of this program ([`crate::engines`]).
    #[arg(long, hide = true)]
    pub questions: bool,
    /// Be the recomputation of another process of this program ([`crate::engines`]).
    #[arg(long, hide = true)]
    pub recompute: bool,
    /// `cargo bench` passes it to every bench target.
    #[arg(long, hide = true)]
    pub bench: bool,
}

impl Arguments {
    /// Statements made for a turn at most.
    #[must_use]
    pub fn statements_of_a_turn(&self) -> u32 {
        self.statements.unwrap_or(150_000)
    }

    /// How long a turn is measured, where the case has it last so many seconds by itself.
    #[must_use]
    pub fn measure(&self, default_s: u64) -> Duration {
        Duration::from_secs(self.seconds.unwrap_or(default_s))
    }

    /// Not counted at the start of a turn.
    #[must_use]
    pub fn warm_up(&self) -> Duration {
        Duration::from_secs(u64::from(!self.smoke))
    }

    /// How long a server rests before its memory is read: not at all in the smallest form.
    #[must_use]
    pub fn rest(&self, whole: Duration) -> Duration {
        if self.smoke { Duration::ZERO } else { whole }
    }

    /// The smallest form of the same.
    fn smallest(&self) -> Self {
        Self {
            rounds: 1,
            seconds: Some(1),
            statements: Some(20_000),
            keep: false,
            smoke: true,
            ..self.clone()
        }
    }
}

/// The cases with what each measures, a line each.
#[must_use]
pub fn list() -> String {
    let mut text = "cargo bench -p benches -- NAME, where NAME is one of:\n".to_owned();
    for case in Case::value_variants() {
        if let Some(value) = case.to_possible_value() {
            let help = value
                .get_help()
                .map(ToString::to_string)
                .unwrap_or_default();
            text += &format!("  {:<11} {help}\n", value.get_name());
        }
    }
    text
}

/// Measures a case, prints its table, writes its rows and its plot.
pub fn run(case: Case, arguments: &Arguments) -> anyhow::Result<()> {
    if case == Case::Smoke {
        return smoke(arguments);
    }
    if arguments.smoke {
        measure(case, &arguments.smallest())?.show();
        return Ok(());
    }
    measure(case, arguments)?.publish()
}

/// Every case in its smallest form, and which of them failed.
fn smoke(arguments: &Arguments) -> anyhow::Result<()> {
    for case in Case::value_variants() {
        if *case != Case::Smoke {
            complain(&format!("smoke: {case:?}"));
            measure(*case, &arguments.smallest())
                .with_context(|| format!("{case:?} failed"))?
                .show();
        }
    }
    Ok(())
}

fn measure(case: Case, arguments: &Arguments) -> anyhow::Result<Report> {
    match case {
        Case::Accuracy => accuracy::run(arguments),
        Case::Dictionary => dictionary::run(arguments),
        Case::Door => door::run(arguments),
        Case::Incremental => incremental::run(arguments),
        Case::Ingest => ingest::run(arguments),
        Case::Lake => lake::run(arguments),
        Case::Mastery => mastery::run(arguments),
        Case::Memory => memory::run(arguments),
        Case::Mixed => mixed::run(arguments),
        Case::Nation => nation::run(arguments),
        Case::Overload => overload::run(arguments),
        Case::Queries => queries::run(arguments),
        Case::Recompute => recompute::run(arguments),
        Case::Scale => scale::run(arguments),
        Case::Smoke => anyhow::bail!("all cases make no report of their own"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_case_is_listed_and_none_runs_without_a_name() {
        let arguments = Arguments::parse_from(["bench", "--bench"]);
        assert_eq!(arguments.case, None);
        let text = list();
        for name in [
            "accuracy",
            "dictionary",
            "door",
            "incremental",
            "ingest",
            "lake",
            "mastery",
            "memory",
            "mixed",
            "nation",
            "overload",
            "queries",
            "recompute",
            "scale",
            "smoke",
        ] {
            assert!(text.contains(name), "{text}");
            assert!(
                Arguments::parse_from(["bench", name, "--bench"])
                    .case
                    .is_some()
            );
        }
    }
}

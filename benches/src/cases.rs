//! The cases: a file each.

pub mod dictionary;
pub mod door;
pub mod ingest;
pub mod mastery;

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

use crate::report::Report;

/// What can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Case {
    /// What a zstd dictionary saves of the statements that are kept; trains one beside.
    Dictionary,
    /// What the LRS computes of a statement, step by step, against reading its JSON.
    Door,
    /// Durable posts, one statement each and batches of 50, against PostgreSQL alone.
    Ingest,
    /// The fold of real answers, against sorting the same rows.
    Mastery,
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
    /// Seconds measured in each turn, after one that is not counted.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u64).range(1..=60))]
    pub seconds: u64,
    /// Connections that post single statements.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=80))]
    pub connections: u16,
    /// Statements made for each turn at most: a turn ends when they are all sent.
    #[arg(long, default_value_t = 150_000, value_parser = clap::value_parser!(u32).range(1_000..=2_000_000))]
    pub statements: u32,
    /// The folder of the reference data.
    #[arg(long, env = "SILLAGE_REFERENCE_DATA", value_name = "DIR")]
    pub reference_data: Option<PathBuf>,
    /// `cargo bench` passes it to every bench target.
    #[arg(long, hide = true)]
    pub bench: bool,
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

/// Measures a case, prints its table and writes its rows.
pub fn run(case: Case, arguments: &Arguments) -> anyhow::Result<()> {
    let report: Report = match case {
        Case::Dictionary => dictionary::run(arguments)?,
        Case::Door => door::run(arguments)?,
        Case::Ingest => ingest::run(arguments)?,
        Case::Mastery => mastery::run(arguments.reference_data.as_deref(), arguments.rounds)?,
    };
    report.publish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_case_is_listed_and_none_runs_without_a_name() {
        let arguments = Arguments::parse_from(["bench", "--bench"]);
        assert_eq!(arguments.case, None);
        let text = list();
        for name in ["dictionary", "door", "ingest", "mastery"] {
            assert!(text.contains(name), "{text}");
            assert!(
                Arguments::parse_from(["bench", name, "--bench"])
                    .case
                    .is_some()
            );
        }
    }
}

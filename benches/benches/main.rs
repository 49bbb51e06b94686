//! `cargo bench -p benches -- NAME`: runs a case; without a name, lists them.

use std::process::ExitCode;

use benches::cases::{self, Arguments};
use benches::report;
use clap::Parser as _;

/// As `sillage` has it: the server that is measured is in this process.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let Some(case) = arguments.case else {
        report::say(&cases::list());
        return ExitCode::SUCCESS;
    };
    match cases::run(case, &arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report::complain(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

//! `cargo bench -p benches -- NAME`: runs a case; without a name, lists them.

use std::process::ExitCode;

use benches::cases::{self, Arguments};
use benches::{apart, engines, report};
use clap::Parser as _;

/// As `sillage` has it: the server that is measured is in this process.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let ran = match arguments.case {
        _ if arguments.serve => apart::serve(),
        _ if arguments.questions => engines::serve(),
        _ if arguments.recompute => engines::serve_recompute(),
        Some(case) => cases::run(case, &arguments),
        None => {
            report::say(&cases::list());
            Ok(())
        }
    };
    match ran {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report::complain(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

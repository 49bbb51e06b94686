//! `cargo bench -p benches -- NAME`: runs a case; without a name, lists them.

use std::process::ExitCode;

use benches::cases::{self, Arguments};
use benches::{apart, engines, report};
use clap::Parser as _;

/// As `sillage` has it: the server that is measured is in this process.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// What it is told: few arenas, and what was not used for a second goes back to the system. jemalloc reads
/// it from a symbol of this name, which is a pointer to text that ends with a zero.
#[expect(
    unsafe_code,
    reason = "the name is jemalloc's own, which leaves it to its user"
)]
#[unsafe(export_name = "malloc_conf")]
#[used]
static ALLOCATOR_SETTINGS: &[u8; 47] = b"narenas:4,dirty_decay_ms:1000,muzzy_decay_ms:0\0";

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

//! `sillage validate`: what the LRS would say of statements, without one.

use std::io::Read as _;
use std::path::Path;

use lrs::statement::Report;
use schemas::profile::Profile;
use serde_json::Value;

use crate::cli::ValidateArgs;
use crate::exit::{Code, Failure};
use crate::output;

/// Runs the command.
pub(crate) fn run(args: &ValidateArgs) -> anyhow::Result<()> {
    let bytes = read(&args.file)?;
    let profile = Profile::sillage();
    let report = if has_lines(&args.file, &bytes) {
        Report::of_lines(&bytes, args.version, profile)
    } else {
        Report::of_body(&bytes, args.version, profile, usize::MAX)
    };
    if args.json {
        output::json(&report)?;
    } else {
        output::lines(&report.lines().join("\n"))?;
    }
    let fault = if !report.accepted() {
        "not everything is accepted"
    } else if args.profile && !report.follows_profile() {
        "not everything follows the profile"
    } else {
        return Ok(());
    };
    Err(Failure::new(Code::Failed, fault).into())
}

fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    let read = if file == Path::new("-") {
        let mut bytes = Vec::new();
        std::io::stdin()
            .lock()
            .read_to_end(&mut bytes)
            .map(|_| bytes)
    } else {
        std::fs::read(file)
    };
    read.map_err(|error| {
        let message = format!("{} is not readable", file.display());
        Failure::because(Code::Folder, message, error).into()
    })
}

/// Whether each line is a statement: the name says so, or the first line is a JSON object by itself and
/// another one follows.
fn has_lines(file: &Path, bytes: &[u8]) -> bool {
    let named = file
        .extension()
        .is_some_and(|extension| extension == "ndjson" || extension == "jsonl");
    let mut lines = bytes
        .split(|byte| *byte == b'\n')
        .map(<[u8]>::trim_ascii)
        .filter(|line| !line.is_empty());
    let mut is_object = || {
        let line = lines.next()?;
        serde_json::from_slice::<Value>(line)
            .ok()?
            .is_object()
            .then_some(())
    };
    named || (is_object().is_some() && lines.next().is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_told_from_a_document() {
        let is = |name: &str, text: &str| has_lines(Path::new(name), text.as_bytes());
        assert!(is("-", "{}\n{}\n"));
        assert!(is("-", "\n{}\r\n\nnot JSON"));
        assert!(!is("-", "{}\n"));
        assert!(!is("-", "{\n\"a\": 1\n}"));
        assert!(!is("-", "[\n{},\n{}\n]"));
        assert!(!is("-", ""));
        assert!(is("x.ndjson", "{}"));
        assert!(is("x.jsonl", ""));
    }
}

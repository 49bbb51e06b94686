//! Standard output: lines for people, one JSON object for programs.

use std::io::{self, Write as _};

use serde::Serialize;

/// Writes lines; whoever reads may have gone away, which is not our failure.
pub(crate) fn lines(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    ignore_gone(writeln!(out, "{}", text.trim_end()).and_then(|()| out.flush()))
}

/// Writes one JSON value on one line.
pub(crate) fn json(value: &impl Serialize) -> io::Result<()> {
    lines(&serde_json::to_string(value)?)
}

/// Writes an error on standard error: `error: …`, or one JSON object.
pub(crate) fn error(error: &anyhow::Error, code: u8, as_json: bool) {
    let message = format!("{error:#}");
    let line = if as_json {
        serde_json::json!({ "error": { "code": code, "message": message } }).to_string()
    } else {
        format!("error: {message}")
    };
    // There is nowhere left to say that this failed; the exit code stays.
    let _ = writeln!(io::stderr().lock(), "{line}");
}

fn ignore_gone(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

//! What `/api/openapi.json` says, held against what the real binary does: schemathesis calls the
//! operations with what the description allows and with what it does not. What it checks, what it does
//! not and why is in `ops/tests/schemathesis/schemathesis.toml`.
//!
//! `LRS_FUZZ_S` in the environment makes it longer, `LRS_FUZZ_SEED` another run.

use std::path::Path;
use std::process::Command;

use crate::clients::tool;
use crate::harness::{Installation, succeeded, told};

/// Where the configuration is.
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/schemathesis");

#[tokio::test]
#[ignore = "needs SCHEMATHESIS_PYTHON: ops/test makes that Python and runs this"]
async fn the_service_does_what_its_description_says() {
    let installation = Installation::new().await;
    let (key, secret) = installation.credential();
    let seconds = told("LRS_FUZZ_S").unwrap_or(60);
    let seed = told("LRS_FUZZ_SEED").unwrap_or(1);
    let folder = Path::new(FOLDER);
    let mut command = Command::new(tool("SCHEMATHESIS_PYTHON").with_file_name("schemathesis"));
    command
        .arg("--config-file")
        .arg(folder.join("schemathesis.toml"))
        .arg("run")
        .arg(format!("{}/api/openapi.json", installation.endpoint()))
        .arg("--no-color")
        .args(["--auth", &format!("{key}:{secret}")])
        .args(["--seed", &seed.to_string()])
        .args(["--max-time", &seconds.to_string()])
        .env("SCHEMATHESIS_HOOKS", folder.join("hooks.py"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .current_dir(installation.scratch());
    let output = tokio::task::spawn_blocking(move || command.output().unwrap());
    let output = output.await.unwrap();
    let log = installation.log();
    assert!(!log.contains("panicked"), "something panicked:\n{log}");
    succeeded(output);
    installation.get("/health/ready").await;
}

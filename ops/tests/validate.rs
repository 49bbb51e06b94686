//! `sillage validate`: exit codes, words for people, JSON for programs; no server, no settings.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../schemas/fixtures")
        .join(name)
}

fn run(arguments: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_sillage"))
        .arg("validate")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that ended early has read what it wanted.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

fn of_file(path: &Path, more: &[&str]) -> (Option<i32>, String) {
    let mut arguments = vec![path.to_str().unwrap()];
    arguments.extend(more);
    let output = run(&arguments, b"");
    (
        output.status.code(),
        String::from_utf8(output.stdout).unwrap(),
    )
}

#[test]
fn a_good_statement_is_accepted() {
    let (code, told) = of_file(&fixture("valid/answer.json"), &["--profile"]);
    assert_eq!(code, Some(0), "{told}");
    assert!(
        told.contains("1 statements: xAPI 1.0.3 accepts 1, 1 follow "),
        "{told}"
    );
}

#[test]
fn a_bad_one_is_told_its_rule_and_place_and_fails() {
    let path = fixture("invalid/mbox-not-mailto.json");
    let (code, told) = of_file(&path, &[]);
    assert_eq!(code, Some(1), "{told}");
    assert!(
        told.starts_with("statement 0 /actor/mbox: mbox has the form mailto:email address [mbox-not-mailto, xAPI 1.0.3 Data 2.4.2.3]"),
        "{told}"
    );
    let (code, told) = of_file(&path, &["--json", "--version", "2.0.0"]);
    assert_eq!(code, Some(1), "{told}");
    let report: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(report["version"], "2.0.0");
    assert_eq!(
        report["statements"][0]["faults"][0]["section"],
        "IEEE 9274.1.1 4.2.2.1"
    );
}

#[test]
fn the_profile_fails_only_where_it_was_asked_for() {
    let path = fixture("valid/minimal.json");
    let (code, told) = of_file(&path, &[]);
    assert_eq!(code, Some(0), "{told}");
    assert!(
        told.contains("[profile-no-template, xAPI Profiles 1.0 Structure 8.0]"),
        "{told}"
    );
    assert_eq!(of_file(&path, &["--profile"]).0, Some(1));
}

#[test]
fn arrays_and_lines_are_read_from_standard_input() {
    let good = std::fs::read(fixture("valid/minimal.json")).unwrap();
    let good: Value = serde_json::from_slice(&good).unwrap();
    let lines = run(&["-"], format!("{good}\n\n{{}}\n").as_bytes());
    let told = String::from_utf8(lines.stdout).unwrap();
    assert_eq!(lines.status.code(), Some(1));
    assert!(
        told.contains("line 3: a statement has an actor [actor-missing"),
        "{told}"
    );
    let array = run(&["-", "--json"], format!("[{good}, {good}]").as_bytes());
    let report: Value = serde_json::from_slice(&array.stdout).unwrap();
    assert_eq!(array.status.code(), Some(0), "{report}");
    assert_eq!(report["statements"].as_array().unwrap().len(), 2);
}

#[test]
fn what_cannot_be_read_or_is_no_version_has_other_codes() {
    assert_eq!(of_file(Path::new("/nowhere.json"), &[]).0, Some(5));
    assert_eq!(
        of_file(&fixture("valid/minimal.json"), &["--version", "3"]).0,
        Some(2)
    );
    let (code, told) = of_file(&fixture("not-json/json-depth.json"), &[]);
    assert_eq!(code, Some(1));
    assert!(told.contains("json-depth"), "{told}");
}

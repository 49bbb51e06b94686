//! `sillage loadtest` against the real binary: what it reports is what is there afterwards.

use std::path::PathBuf;
use std::process::Output;

use reqwest::Method;
use serde_json::Value;

use crate::harness::{self, Installation, bare, succeeded};

/// Exit codes of the command.
const SETTINGS: i32 = 2;
const SERVICE: i32 = 10;
const UNANSWERED: i32 = 12;

/// The administrator's credential, as `sillage up` keeps it.
fn credential(installation: &Installation) -> PathBuf {
    installation.data().join("admin-credential.json")
}

/// Runs it for some seconds, with pupils who hardly think.
async fn run(installation: &Installation, arguments: &[&str]) -> Output {
    let mut command = installation.client(&["loadtest", "--json", "--think-ms", "150"]);
    // The file alone says who calls.
    command
        .env_remove("SILLAGE_KEY")
        .env_remove("SILLAGE_SECRET")
        .arg("--credential")
        .arg(credential(installation))
        .args(arguments);
    tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap()
}

fn report(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap()
}

/// How many statements are grouped under a run.
async fn grouped(installation: &Installation, report: &Value) -> u64 {
    let mut page = {
        let request = installation
            .request(Method::GET, "/xapi/statements")
            .header("X-Experience-API-Version", "2.0.0")
            .query(&[
                ("activity", report["activity"].as_str().unwrap()),
                ("related_activities", "true"),
            ]);
        harness::json(request.send().await.unwrap()).await
    };
    let mut found = 0;
    loop {
        found += page["statements"].as_array().unwrap().len() as u64;
        let more = page["more"].as_str().unwrap_or_default().to_owned();
        if more.is_empty() {
            return found;
        }
        page = installation.get(&more).await;
    }
}

#[tokio::test]
async fn a_load_test_finds_again_what_was_acknowledged() {
    let installation = Installation::new().await;
    // Nobody is known yet, and the roster is not replaced unless that is asked for.
    let unknown = run(&installation, &["--seconds", "1"]).await;
    assert_eq!(unknown.status.code(), Some(SERVICE), "{unknown:?}");
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("--set-up"));
    let classes = installation.get("/api/v1/classes").await;
    assert_eq!(classes["classes"], serde_json::json!([]));

    for profile in ["spike", "ramp"] {
        let arguments = ["--set-up", "--seconds", "6", "--rate", "10"];
        let output = run(
            &installation,
            &[&arguments[..], &["--profile", profile]].concat(),
        )
        .await;
        let told = report(&succeeded(output));
        let check = &told["check"];
        let acknowledged = check["acknowledged"].as_u64().unwrap();
        assert!(acknowledged > 0, "{told}");
        assert_eq!(check["found"], check["acknowledged"], "{told}");
        assert_eq!(grouped(&installation, &told).await, acknowledged);
        assert_eq!(told["errors"], serde_json::json!({}));
        for kind in ["state", "statement", "next_activities", "class_view"] {
            let answered = told["requests"]
                .as_array()
                .unwrap()
                .iter()
                .filter(|row| row["kind"] == kind)
                .map(|row| row["answered"].as_u64().unwrap())
                .sum::<u64>();
            assert!(answered > 0, "no {kind} was answered: {told}");
        }
    }
}

#[tokio::test]
async fn what_is_refused_is_told_and_not_taken_for_stored() {
    let few = [
        ("SILLAGE_HTTP_CREDENTIAL_REQUESTS_PER_S", "20"),
        ("SILLAGE_HTTP_CREDENTIAL_BURST", "20"),
    ];
    let few = few.map(|(name, value)| (name, value.to_owned())).to_vec();
    let installation = Installation::with(|_| few).await;
    let arguments = ["--statements-only", "--seconds", "4", "--rate", "40"];
    let output = run(&installation, &arguments).await;
    assert_eq!(output.status.code(), Some(UNANSWERED), "{output:?}");
    let told = report(&output);
    assert!(told["errors"]["429 with Retry-After"].as_u64().unwrap() > 0);
    let check = &told["check"];
    assert!(check["unacknowledged"].as_u64().unwrap() > 0);
    assert_eq!(check["found"], check["acknowledged"], "{told}");
    assert_eq!((&check["missing"], &check["twice"]), (&0.into(), &0.into()));
}

#[test]
fn another_machine_is_put_under_load_only_where_that_is_asked_for() {
    // An address for documentation: nobody has it.
    let mut command = bare(&["loadtest", "--endpoint", "http://192.0.2.1:8080"]);
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(SETTINGS), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("--remote"));
}

//! A recomputation that a running service hands out to a worker; recomputations by themselves are in [`parts`].

mod parts;

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::demo;
use crate::harness::{Installation, bare, succeeded};
use crate::seen;

/// A process `sillage worker`. Dropped, it is killed.
struct Worker {
    process: Child,
    url: String,
}

impl Worker {
    /// One that listens.
    fn start(data: &Path, token: &Path, settings: &[(&str, &str)]) -> Self {
        let mut command = bare(&["worker", "--json", "--listen", "127.0.0.1:0", "--data"]);
        command
            .arg(data)
            .env("SILLAGE_ANALYTICS_WORKER_TOKEN_FILE", token)
            .envs(settings.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut process = command.spawn().unwrap();
        let mut line = String::new();
        let out = process.stdout.as_mut().unwrap();
        BufReader::new(out).read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap();
        let url = ready["listen"].as_str().unwrap().to_owned();
        Self { process, url }
    }

    fn send(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.process), signal).unwrap();
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// How many parts a worker and the service itself folded, as the log of the last recomputation says.
fn parts(sillage: &Installation) -> String {
    let log = sillage.log();
    let line = log.lines().rev().find(|line| line.contains("parts folded"));
    line.unwrap_or_else(|| panic!("{log}")).to_owned()
}

#[tokio::test]
async fn a_service_serves_what_its_worker_folded_and_recomputes_without_it_too() {
    let mut worker = None;
    let sillage = Installation::with(|folder| {
        let token = folder.join("token");
        std::fs::write(&token, "t".repeat(40)).unwrap();
        let started = Worker::start(&folder.join("var"), &token, &[]);
        let url = started.url.clone();
        worker = Some(started);
        vec![
            ("SILLAGE_ANALYTICS_WORKERS", url),
            (
                "SILLAGE_ANALYTICS_WORKER_TOKEN_FILE",
                token.display().to_string(),
            ),
        ]
    })
    .await;
    succeeded(demo::small(&sillage).output().unwrap());
    seen::settled(&sillage).await;
    let folded = seen::computed(&sillage).await;
    assert!(!folded.states.is_empty());

    let report = sillage.post("/api/v1/jobs/mastery", &json!({})).await;
    assert!(report["answers"].as_i64() > Some(0), "{report}");
    let told = parts(&sillage);
    assert!(
        told.contains("here=0") && told.contains("failed=0"),
        "{told}"
    );
    assert_eq!(seen::computed(&sillage).await.states, folded.states);

    drop(worker);
    let again = sillage.post("/api/v1/jobs/mastery", &json!({})).await;
    let whole = |report: &Value| {
        let names = ["answers", "pupils", "mastery_rows"];
        names.map(|name| (name, report[name].clone())).into()
    };
    let (first, second): (BTreeMap<_, _>, BTreeMap<_, _>) = (whole(&report), whole(&again));
    assert_eq!(first, second);
    assert!(sillage.log().contains("no worker can be used"));
    assert_eq!(seen::computed(&sillage).await.states, folded.states);
}

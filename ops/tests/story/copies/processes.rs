//! The copies: processes `sillage lrs` on one database and one lake, each at a port of its own.

use std::cell::RefCell;
use std::fs::File;
use std::path::PathBuf;
use std::process::Child;
use std::time::{Duration, Instant};

use reqwest::{Method, RequestBuilder};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use service::identity::Scope;
use service::testkit::TestDb;
use tempfile::TempDir;

use crate::harness::{bare, free_port};

/// A start on a busy machine.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// The copies and what they share.
pub(super) struct Copies {
    pub(super) database: TestDb,
    folder: TempDir,
    ports: Vec<u16>,
    processes: RefCell<Vec<Option<Child>>>,
    key: String,
    secret: String,
    http: reqwest::Client,
}

impl Copies {
    /// Starts them together on an empty database, which one of them migrates.
    pub(super) async fn start(count: usize) -> Self {
        let database = TestDb::new(&[]).await;
        let credential = database.credential(&[Scope::All]).await;
        let copies = Self {
            folder: tempfile::tempdir().unwrap(),
            ports: (0..count).map(|_| free_port()).collect(),
            processes: RefCell::new((0..count).map(|_| None).collect()),
            key: credential.key.clone(),
            secret: credential.reveal_secret().to_owned(),
            http: reqwest::Client::builder()
                .timeout(Duration::from_secs(30))
                .build()
                .unwrap(),
            database,
        };
        for copy in 0..count {
            copies.spawn(copy);
        }
        for copy in 0..count {
            copies.ready(copy).await;
        }
        copies
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.ports.len()
    }

    /// A request to one of them.
    pub(super) fn request(&self, copy: usize, method: Method, path: &str) -> RequestBuilder {
        self.http
            .request(
                method,
                format!("http://127.0.0.1:{}{path}", self.ports[copy]),
            )
            .basic_auth(&self.key, Some(&self.secret))
            .header("X-Experience-API-Version", "2.0.0")
    }

    /// Reads JSON through one that is not killed any more.
    pub(super) async fn get(&self, copy: usize, path: &str) -> Value {
        let answer = self.request(copy, Method::GET, path).send().await.unwrap();
        crate::harness::json(answer).await
    }

    /// Kills one without notice.
    pub(super) fn kill(&self, copy: usize) {
        let mut process = self.processes.borrow_mut()[copy].take().unwrap();
        process.kill().unwrap();
        process.wait().unwrap();
    }

    /// Stops one where it stands, or lets it go on.
    pub(super) fn signal(&self, copy: usize, signal: Signal) {
        let processes = self.processes.borrow();
        let pid = Pid::from_child(processes[copy].as_ref().unwrap());
        kill_process(pid, signal).unwrap();
    }

    /// Starts one again and waits until it is ready.
    pub(super) async fn restart(&self, copy: usize) {
        self.spawn(copy);
        self.ready(copy).await;
    }

    /// The folder of the lake.
    pub(super) fn lake(&self) -> PathBuf {
        self.folder.path().join("lake")
    }

    /// Everything that all of them wrote.
    pub(super) fn log(&self) -> String {
        (0..self.ports.len())
            .map(|copy| std::fs::read_to_string(self.log_path(copy)).unwrap())
            .collect()
    }

    fn log_path(&self, copy: usize) -> PathBuf {
        self.folder.path().join(format!("copy-{copy}.log"))
    }

    fn spawn(&self, copy: usize) {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.log_path(copy))
            .unwrap();
        let listen = format!("127.0.0.1:{}", self.ports[copy]);
        let mut command = bare(&["lrs", "--listen", &listen, "--data"]);
        command
            .arg(self.folder.path().join("var"))
            .env("DATABASE_URL", self.database.url())
            .env("SILLAGE_LAKE_URL", self.lake())
            .env(
                "SILLAGE_ATTACHMENTS_URL",
                self.folder.path().join("attachments"),
            )
            .env("SILLAGE_LAKE_COMMIT_EVERY_MS", "700")
            // All of them together stay below what the cluster takes.
            .env("SILLAGE_DATABASE_POOL_MAX", "16")
            .stdout(log.try_clone().unwrap())
            .stderr(log);
        self.processes.borrow_mut()[copy] = Some(command.spawn().unwrap());
    }

    async fn ready(&self, copy: usize) {
        let begun = Instant::now();
        loop {
            let asked = self
                .request(copy, Method::GET, "/health/ready")
                .send()
                .await;
            if asked.is_ok_and(|answer| answer.status().is_success()) {
                return;
            }
            let ended = {
                let mut processes = self.processes.borrow_mut();
                processes[copy].as_mut().unwrap().try_wait().unwrap()
            };
            assert!(
                ended.is_none() && begun.elapsed() < READY_WITHIN,
                "copy {copy} is not ready ({ended:?}):\n{}",
                self.log()
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Copies {
    fn drop(&mut self) {
        for process in self.processes.get_mut().iter_mut().flatten() {
            // One that ended by itself cannot be killed; waiting settles both.
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

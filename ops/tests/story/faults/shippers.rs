//! The processes of a run: `sillage up` on one database and one lake, each with its relays.

use std::cell::RefCell;
use std::fs::File;
use std::io::Read;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use reqwest::{Method, RequestBuilder};
use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, prlimit};
use tempfile::TempDir;

use super::server::Server;
use crate::harness::{bare, free_port};

/// A start on a busy machine, while the store does not answer.
const READY_WITHIN: Duration = Duration::from_secs(120);

/// Ends in the program that it is given, for which a file that grows too large is an error and no end.
const WITHOUT_XFSZ: &str = "trap '' XFSZ; exec \"$@\"";

/// The processes and what they share.
pub(super) struct Shippers {
    folder: TempDir,
    ports: Vec<u16>,
    processes: RefCell<Vec<Option<Child>>>,
    environment: Vec<(&'static str, String)>,
    key: String,
    secret: String,
    http: reqwest::Client,
}

impl Shippers {
    /// Starts `count` of them on a database, with a lake in a folder or where `bucket` says.
    pub(super) async fn start(
        count: usize,
        server: &Server,
        database: &str,
        bucket: Option<Vec<(&'static str, String)>>,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        let mut environment = vec![
            ("DATABASE_URL", server.url(database)),
            ("SILLAGE_ATTACHMENTS_URL", place("attachments")),
            ("SILLAGE_DATABASE_POOL_MAX", "12".to_owned()),
            // Often, so that a fault meets each step of it.
            ("SILLAGE_LAKE_COMMIT_EVERY_MS", "120".to_owned()),
            ("SILLAGE_LAKE_COMPACT_EVERY_COMMITS", "4".to_owned()),
        ];
        environment.extend(bucket.unwrap_or_else(|| vec![("SILLAGE_LAKE_URL", place("lake"))]));
        let shippers = Self {
            ports: (0..count).map(|_| free_port()).collect(),
            processes: RefCell::new((0..count).map(|_| None).collect()),
            environment,
            key: server.key.clone(),
            secret: server.secret.clone(),
            http: reqwest::Client::builder()
                .timeout(Duration::from_secs(30))
                .build()
                .unwrap(),
            folder,
        };
        for shipper in 0..count {
            shippers.spawn(shipper);
        }
        for shipper in 0..count {
            shippers.ready(shipper).await;
        }
        shippers
    }

    pub(super) fn count(&self) -> usize {
        self.ports.len()
    }

    /// A request to one of them.
    pub(super) fn request(&self, shipper: usize, method: Method, path: &str) -> RequestBuilder {
        self.http
            .request(
                method,
                format!("http://127.0.0.1:{}{path}", self.ports[shipper]),
            )
            .basic_auth(&self.key, Some(&self.secret))
            .header("X-Experience-API-Version", "2.0.0")
    }

    /// A command on the same database and lake.
    pub(super) fn command(&self, arguments: &[&str]) -> Output {
        let mut command = bare(arguments);
        command.arg("--data").arg(self.data(0));
        command
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .output()
            .unwrap()
    }

    /// Kills one without notice, and starts it again after a moment.
    pub(super) async fn kill(&self, shipper: usize, down: Duration) {
        self.end(shipper);
        tokio::time::sleep(down).await;
        self.spawn(shipper);
        self.ready(shipper).await;
    }

    /// Stops one where it stands for a moment.
    pub(super) async fn stop(&self, shipper: usize, standing: Duration) {
        let pid = self.pid(shipper);
        kill_process(pid, Signal::STOP).unwrap();
        tokio::time::sleep(standing).await;
        kill_process(pid, Signal::CONT).unwrap();
    }

    /// No file of any of them may be longer than this, for a moment: as with a full disk a write stops in
    /// the middle.
    pub(super) async fn full(&self, bytes: u64, full: Duration) {
        let limit = |bytes| {
            for shipper in 0..self.count() {
                let limit = Rlimit {
                    current: bytes,
                    maximum: None,
                };
                prlimit(Some(self.pid(shipper)), Resource::Fsize, limit).unwrap();
            }
        };
        limit(Some(bytes));
        tokio::time::sleep(full).await;
        limit(None);
    }

    /// Everything that all of them wrote.
    pub(super) fn log(&self) -> String {
        (0..self.count())
            .map(|shipper| std::fs::read_to_string(self.log_path(shipper)).unwrap())
            .collect()
    }

    fn pid(&self, shipper: usize) -> Pid {
        Pid::from_child(self.processes.borrow()[shipper].as_ref().unwrap())
    }

    fn data(&self, shipper: usize) -> PathBuf {
        self.folder.path().join(format!("data-{shipper}"))
    }

    fn log_path(&self, shipper: usize) -> PathBuf {
        self.folder.path().join(format!("log-{shipper}"))
    }

    fn spawn(&self, shipper: usize) {
        let listen = format!("127.0.0.1:{}", self.ports[shipper]);
        let up = bare(&["up", "--listen", &listen, "--data"]);
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", WITHOUT_XFSZ, "sh"])
            .arg(up.get_program())
            .args(up.get_args())
            .arg(self.data(shipper))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        for (name, value) in up.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        let mut process = command.spawn().unwrap();
        self.write_down(shipper, process.stdout.take().unwrap());
        self.write_down(shipper, process.stderr.take().unwrap());
        self.processes.borrow_mut()[shipper] = Some(process);
    }

    /// Into the log, which lies on a disk that is never full.
    fn write_down(&self, shipper: usize, mut told: impl Read + Send + 'static) {
        let mut log = File::options()
            .create(true)
            .append(true)
            .open(self.log_path(shipper))
            .unwrap();
        // Until the process ends. What it says then is missed by nobody.
        std::thread::spawn(move || std::io::copy(&mut told, &mut log));
    }

    async fn ready(&self, shipper: usize) {
        let begun = Instant::now();
        loop {
            let asked = self.request(shipper, Method::GET, "/health/ready");
            let asked = asked.send().await;
            if asked.is_ok_and(|answer| answer.status().is_success()) {
                return;
            }
            let ended = {
                let mut processes = self.processes.borrow_mut();
                processes[shipper].as_mut().unwrap().try_wait().unwrap()
            };
            assert!(
                ended.is_none() && begun.elapsed() < READY_WITHIN,
                "shipper {shipper} is not ready ({ended:?}):\n{}",
                self.log()
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn end(&self, shipper: usize) {
        if let Some(mut process) = self.processes.borrow_mut()[shipper].take() {
            // One that ended by itself cannot be killed; waiting settles both.
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

impl Drop for Shippers {
    fn drop(&mut self) {
        for shipper in 0..self.count() {
            self.end(shipper);
        }
    }
}

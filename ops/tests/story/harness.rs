//! An installation of its own for a test: folder, port, processes, credential.

use std::fs::File;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use reqwest::{Method, Response};
use serde_json::Value;
use tempfile::TempDir;

/// A start over an existing folder, recovery of PostgreSQL included, on a busy machine.
const READY_WITHIN: Duration = Duration::from_secs(120);

/// The binary under test.
const SILLAGE: &str = env!("CARGO_BIN_EXE_sillage");

/// One `sillage up` and everything it keeps. Dropped, it is stopped and removed.
pub(crate) struct Installation {
    folder: TempDir,
    port: u16,
    process: Option<Child>,
    key: String,
    secret: String,
    settings: Vec<(&'static str, String)>,
    http: reqwest::Client,
}

impl Installation {
    /// A new installation that is ready.
    pub(crate) async fn new() -> Self {
        Self::with(|_| Vec::new()).await
    }

    /// A new installation with settings of its own (`SILLAGE_…`), which may name its folder.
    pub(crate) async fn with(settings: impl FnOnce(&Path) -> Vec<(&'static str, String)>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        // PostgreSQL runs as another user where the tests run as root, and must reach its folder.
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let http = reqwest::Client::builder()
            .timeout(Duration::from_secs(60))
            .build()
            .unwrap();
        let port = free_port();
        let mut new = Self {
            port,
            process: None,
            key: String::new(),
            secret: String::new(),
            settings: settings(folder.path()),
            folder,
            http,
        };
        new.start().await;
        let made = new.command(&["credential", "create", "--scope", "all", "--json"]);
        let made: Value = serde_json::from_slice(&succeeded(made).stdout).unwrap();
        new.key = made["key"].as_str().unwrap().to_owned();
        new.secret = made["secret"].as_str().unwrap().to_owned();
        new
    }

    /// Starts `sillage up` and waits until it is ready.
    pub(crate) async fn start(&mut self) {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.log_path())
            .unwrap();
        let mut up = bare(&["up", "--data"]);
        up.arg(self.data())
            .args(["--listen", &format!("127.0.0.1:{}", self.port)]);
        // The lake is committed more often than by default, so that a test sees it happen.
        up.env("SILLAGE_LAKE_COMMIT_EVERY_MS", "700");
        up.envs(self.settings.iter().map(|(name, value)| (name, value)));
        up.stdout(log.try_clone().unwrap())
            .stderr(log)
            .stdin(Stdio::null());
        self.process = Some(up.spawn().unwrap());
        let begun = Instant::now();
        while !self.is_ready().await {
            let ended = self.process.as_mut().unwrap().try_wait().unwrap();
            assert!(
                ended.is_none(),
                "sillage up ended ({ended:?}):\n{}",
                self.log()
            );
            assert!(
                begun.elapsed() < READY_WITHIN,
                "not ready after {READY_WITHIN:?}:\n{}",
                self.log()
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn is_ready(&self) -> bool {
        if self
            .settings
            .iter()
            .any(|(name, _)| *name == "SILLAGE_HTTP_TLS_KEY")
        {
            // Spoken to over TLS by the test that asked for it; it tells that it is ready.
            return self.log().contains("is ready");
        }
        let answer = self.http.get(self.url("/health/ready")).send().await;
        answer.is_ok_and(|answer| answer.status().is_success())
    }

    /// Kills `sillage` without notice; PostgreSQL is left behind.
    pub(crate) fn kill(&mut self) {
        let mut process = self.process.take().unwrap();
        process.kill().unwrap();
        process.wait().unwrap();
    }

    /// Stops it and starts it again, with one setting more.
    pub(crate) async fn restart_with(&mut self, name: &'static str, value: String) {
        self.stop();
        self.settings.push((name, value));
        self.start().await;
    }

    /// Stops `sillage` as an operator would.
    fn stop(&mut self) {
        let Some(mut process) = self.process.take() else {
            return;
        };
        let pid = rustix::process::Pid::from_child(&process);
        // A process that ended by itself cannot be told to; waiting for it settles both.
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        let begun = Instant::now();
        while process.try_wait().unwrap().is_none() {
            if begun.elapsed() > Duration::from_secs(60) {
                process.kill().unwrap();
                process.wait().unwrap();
            } else {
                std::thread::sleep(Duration::from_millis(20));
            }
        }
    }

    /// The folder given to `--data`.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("var")
    }

    /// A folder for the test's own files.
    pub(crate) fn scratch(&self) -> &Path {
        self.folder.path()
    }

    fn log_path(&self) -> PathBuf {
        self.folder.path().join("up.log")
    }

    /// Everything `sillage up` wrote so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    /// The most memory that `sillage up` had, in bytes.
    pub(crate) fn peak_bytes(&self) -> u64 {
        self.memory_kib("VmHWM:") * 1024
    }

    /// Counts the most memory from now on: the memory that it has, in bytes.
    pub(crate) fn peak_from_now_bytes(&self) -> u64 {
        std::fs::write(self.proc("clear_refs"), "5").unwrap();
        self.peak_bytes()
    }

    /// What the process takes of memory now, in KiB.
    pub(crate) fn resident_kib(&self) -> u64 {
        self.memory_kib("VmRSS:")
    }

    fn memory_kib(&self, of: &str) -> u64 {
        let status = std::fs::read_to_string(self.proc("status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(of));
        let kib = line.and_then(|rest| rest.trim().strip_suffix(" kB"));
        kib.unwrap_or_else(|| panic!("{status}")).parse().unwrap()
    }

    fn proc(&self, file: &str) -> PathBuf {
        let pid = self.process.as_ref().unwrap().id();
        PathBuf::from(format!("/proc/{pid}/{file}"))
    }

    /// The port on the loopback interface.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The base address.
    pub(crate) fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Key and secret of the credential.
    pub(crate) fn credential(&self) -> (&str, &str) {
        (&self.key, &self.secret)
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.endpoint())
    }

    /// A command on the data folder.
    pub(crate) fn command(&self, arguments: &[&str]) -> Output {
        bare(arguments)
            .arg("--data")
            .arg(self.data())
            .output()
            .unwrap()
    }

    /// A command that speaks to the service with the credential; its own arguments come last, so
    /// that a caller may go on after an option that takes a value.
    pub(crate) fn client(&self, arguments: &[&str]) -> Command {
        let (name, rest) = arguments.split_first().expect("a command has a name");
        let mut command = bare(&[*name]);
        command.args(["--endpoint", &self.endpoint()]).args(rest);
        command
            .env("SILLAGE_KEY", &self.key)
            .env("SILLAGE_SECRET", &self.secret);
        command
    }

    /// A request with the credential.
    pub(crate) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.anonymous(method, path)
            .basic_auth(&self.key, Some(&self.secret))
    }

    /// A request without credential.
    pub(crate) fn anonymous(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, self.url(path))
    }

    /// Reads JSON; anything but a success fails the test.
    pub(crate) async fn get(&self, path: &str) -> Value {
        let request = self
            .request(Method::GET, path)
            .header("X-Experience-API-Version", "2.0.0");
        json(request.send().await.unwrap()).await
    }

    /// Posts JSON; anything but a success fails the test.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Value {
        let request = self
            .request(Method::POST, path)
            .header("X-Experience-API-Version", "2.0.0");
        json(request.json(body).send().await.unwrap()).await
    }

    /// Connections to the installation's database, beside the service.
    pub(crate) async fn database(&self) -> service::pg::Pool {
        let data = self.data();
        let access =
            tokio::task::spawn_blocking(move || service::pg::cluster::Cluster::attach(&data))
                .await
                .unwrap()
                .unwrap();
        service::pg::pool(&access.url(), 2).unwrap()
    }
}

impl Drop for Installation {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The binary, with nothing of the surrounding environment that would change what it does.
pub(crate) fn bare(arguments: &[&str]) -> Command {
    let mut command = Command::new(SILLAGE);
    command
        .args(arguments)
        .env_remove("DATABASE_URL")
        .stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("SILLAGE_") {
            command.env_remove(name);
        }
    }
    command
}

/// A number that the environment tells a test.
#[expect(
    clippy::disallowed_methods,
    reason = "how long and from where a test goes on, which is no setting of Sillage"
)]
pub(crate) fn told(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// The JSON of a success.
pub(crate) async fn json(answer: Response) -> Value {
    let status = answer.status();
    let body = answer.text().await.unwrap();
    assert!(status.is_success(), "{status}: {body}");
    if body.is_empty() {
        Value::Null
    } else {
        serde_json::from_str(&body).unwrap()
    }
}

/// The output of a command that must succeed.
pub(crate) fn succeeded(output: Output) -> Output {
    assert!(
        output.status.success(),
        "{}\n--- stdout\n{}\n--- stderr\n{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

/// A port that was free a moment ago. It is kept for the installation's whole life: a restart must
/// come back at the same address, or no client would find it.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

/// Tries until the look gives something; the deadline fails the test.
pub(crate) async fn within<T>(
    what: &str,
    deadline: Duration,
    mut look: impl AsyncFnMut() -> Option<T>,
) -> T {
    let begun = Instant::now();
    loop {
        if let Some(seen) = look().await {
            return seen;
        }
        assert!(
            begun.elapsed() < deadline,
            "{what}: not within {deadline:?}"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

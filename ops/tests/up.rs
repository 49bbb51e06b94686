//! `sillage` as an operator and their scripts see it: start, stop, refusals, credentials.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// A start on a busy machine, and a stop.
const PATIENCE: Duration = Duration::from_secs(120);

/// A folder that PostgreSQL's user can reach.
struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        Self(dir)
    }

    fn data(&self) -> PathBuf {
        self.0.path().join("var")
    }
}

/// The binary with none of the surrounding settings.
fn sillage(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sillage"));
    command
        .args(arguments)
        .env_remove("DATABASE_URL")
        .stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        if name.as_encoded_bytes().starts_with(b"SILLAGE_") {
            command.env_remove(name);
        }
    }
    command
}

fn on(data: &Path, arguments: &[&str]) -> Command {
    let mut command = sillage(arguments);
    command.arg("--data").arg(data);
    command
}

/// What it printed, and how it ended.
struct Ended {
    code: Option<i32>,
    out: String,
    err: String,
}

fn end(mut command: Command) -> Ended {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().unwrap();
    Ended {
        code: status.code(),
        out: String::from_utf8(stdout).unwrap(),
        err: String::from_utf8(stderr).unwrap(),
    }
}

impl Ended {
    fn json(&self) -> Value {
        assert_eq!(self.code, Some(0), "{}", self.err);
        serde_json::from_str(&self.out).unwrap()
    }

    /// One clear line, the last on standard error, and a code of its own.
    fn refused(&self, code: i32, words: &str) {
        let last = self.err.lines().next_back().unwrap_or_default();
        assert!(
            last.starts_with("error: ") && last.contains(words),
            "{}",
            self.err
        );
        assert_eq!(self.code, Some(code), "{}", self.err);
        assert_eq!(self.out, "");
    }
}

/// A `sillage up --json` that is ready.
struct Up {
    process: Child,
    ready: Value,
}

impl Up {
    fn start(mut command: Command) -> Self {
        command.args(["--json", "--listen", "127.0.0.1:0"]);
        let mut process = command
            // Nobody reads the pipe while all goes well.
            .env("SILLAGE_LOG_LEVEL", "warn")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.as_mut().unwrap())
            .read_line(&mut line)
            .unwrap();
        let Ok(ready) = serde_json::from_str(&line) else {
            let mut err = String::new();
            process.stderr.unwrap().read_to_string(&mut err).unwrap();
            panic!("{err}");
        };
        Self { process, ready }
    }

    fn on(data: &Path) -> Self {
        Self::start(on(data, &["up"]))
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.ready["endpoint"].as_str().unwrap())
    }

    fn signal(&self, signal: rustix::process::Signal) {
        rustix::process::kill_process(rustix::process::Pid::from_child(&self.process), signal)
            .unwrap();
    }

    /// As an operator stops it; it must end well.
    fn stop(mut self) {
        self.signal(rustix::process::Signal::TERM);
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = self.process.try_wait().unwrap() {
                break status;
            }
            assert!(begun.elapsed() < PATIENCE, "it does not stop");
            std::thread::sleep(Duration::from_millis(20));
        };
        assert!(status.success(), "{status}");
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        // Where the test failed: PostgreSQL must not be left behind, so no SIGKILL at first.
        if self.process.try_wait().unwrap().is_none() {
            self.signal(rustix::process::Signal::TERM);
            let begun = Instant::now();
            while self.process.try_wait().unwrap().is_none() && begun.elapsed() < PATIENCE {
                std::thread::sleep(Duration::from_millis(20));
            }
        }
    }
}

/// The postmaster on a data folder, if one runs.
fn postmaster(data: &Path) -> Option<String> {
    let file = fs::read_to_string(data.join("postgres/data/postmaster.pid")).ok()?;
    Some(file.lines().next()?.to_owned())
}

/// Status and body; no credential unless one is given.
async fn get(url: &str, credential: Option<&Value>) -> (u16, String) {
    let mut request = reqwest::Client::new().get(url);
    if let Some(credential) = credential {
        let part = |name: &str| credential[name].as_str().unwrap().to_owned();
        request = request.basic_auth(part("key"), Some(part("secret")));
    }
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

#[tokio::test]
async fn the_first_start_makes_an_administrator_and_the_second_goes_on() {
    let home = Home::new();
    let up = Up::on(&home.data());
    let admin = up.ready["administrator"].clone();
    let kept = home.data().join("admin-credential.json");
    let text = fs::read_to_string(&kept).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), admin);
    assert_eq!(
        fs::metadata(&kept).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let (status, body) = get(&up.url("/api/v1/totals"), Some(&admin)).await;
    assert_eq!(status, 200, "{body}");
    up.stop();
    assert_eq!(postmaster(&home.data()), None);

    let again = Up::on(&home.data());
    assert_eq!(
        again.ready["administrator"],
        Value::Null,
        "it is shown once"
    );
    assert_eq!(get(&again.url("/api/v1/totals"), Some(&admin)).await.0, 200);
    again.stop();
}

#[tokio::test]
async fn only_health_schemas_description_and_about_are_open() {
    let home = Home::new();
    let up = Up::on(&home.data());
    for (path, holds) in [
        ("/health/live", "\"live\""),
        ("/health/ready", "\"ready\""),
        ("/schemas", "/schemas/xapi/statement-2.0.0.json"),
        (
            "/schemas/xapi/statement-2.0.0.json",
            "https://json-schema.org/draft/2020-12/schema",
        ),
        (
            "/schemas/profile/sillage.jsonld",
            "https://w3id.org/sillage/profile",
        ),
        ("/schemas/framework/seconde.json", "domains"),
        ("/api", "<h1>Sillage"),
        ("/xapi/about", "2.0.0"),
    ] {
        let (status, body) = get(&up.url(path), None).await;
        assert_eq!(status, 200, "{path}: {body}");
        assert!(body.contains(holds), "{path}: {body}");
    }
    // Whatever the description lists as protected is: without a credential, 401 and no more.
    let (_, document) = get(&up.url("/api/openapi.json"), None).await;
    let document: Value = serde_json::from_str(&document).unwrap();
    let open = [
        "/health/live",
        "/health/ready",
        "/schemas",
        "/schemas/xapi/{name}",
        "/xapi/about",
    ];
    let paths = document["paths"].as_object().unwrap();
    assert!(paths.len() > open.len() + 5, "{paths:?}");
    for path in paths.keys().filter(|path| !open.contains(&path.as_str())) {
        for method in ["get", "put", "post"]
            .into_iter()
            .filter(|m| paths[path].get(*m).is_some())
        {
            let url = up.url(&path.replace("{key}", "00000000-0000-4000-8000-000000000000"));
            let method = reqwest::Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            let answer = reqwest::Client::new()
                .request(method.clone(), url)
                .header("X-Experience-API-Version", "2.0.0")
                .send()
                .await
                .unwrap();
            assert_eq!(answer.status(), 401, "{method} {path}");
            assert_eq!(
                answer.headers()["content-type"],
                "application/problem+json",
                "{path}"
            );
        }
    }
    let (status, body) = get(&up.url("/nothing/here"), None).await;
    assert_eq!(status, 404);
    assert!(body.contains("request_id"), "{body}");
    up.stop();
}

#[test]
fn a_second_one_on_the_folder_is_refused_while_the_first_goes_on() {
    let home = Home::new();
    let up = Up::on(&home.data());
    let first = postmaster(&home.data());
    let mut second = on(&home.data(), &["up", "--listen", "127.0.0.1:0"]);
    second.env("SILLAGE_LOG_LEVEL", "warn");
    end(second).refused(3, "is in use by sillage up, process");
    assert_eq!(postmaster(&home.data()), first);
    up.stop();
}

#[tokio::test]
async fn what_a_kill_left_behind_is_taken_care_of() {
    let home = Home::new();
    let mut up = Up::on(&home.data());
    let admin = up.ready["administrator"].clone();
    let left = postmaster(&home.data()).unwrap();
    up.process.kill().unwrap();
    up.process.wait().unwrap();
    assert!(
        Path::new("/proc").join(&left).exists(),
        "PostgreSQL lives on"
    );

    let again = Up::on(&home.data());
    assert_ne!(postmaster(&home.data()).unwrap(), left);
    assert!(fs::read_link(Path::new("/proc").join(&left).join("cwd")).is_err());
    assert_eq!(get(&again.url("/api/v1/totals"), Some(&admin)).await.0, 200);
    again.stop();
}

#[test]
fn an_address_that_is_taken_is_one_line() {
    let home = Home::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    end(on(&home.data(), &["up", "--listen", &address])).refused(4, "is taken");
    end(on(&home.data(), &["up", "--listen", "nowhere"])).refused(4, "nowhere");
    assert!(
        !home.data().join("postgres").exists(),
        "nothing was made yet"
    );
}

#[test]
fn a_folder_that_cannot_be_written_is_one_line() {
    let home = Home::new();
    fs::write(home.data(), "a file in the way").unwrap();
    end(on(&home.data(), &["up", "--listen", "127.0.0.1:0"])).refused(5, "is not writable");
}

#[test]
fn settings_that_do_not_exist_are_told_together() {
    let home = Home::new();
    let mut up = on(&home.data(), &["up"]);
    up.env("SILLAGE_LAKE_COMIT_EVERY_MS", "1")
        .env("SILLAGE_HTTP_WORKERS", "many");
    let ended = end(up);
    assert_eq!(ended.code, Some(2));
    for variable in ["SILLAGE_LAKE_COMIT_EVERY_MS", "SILLAGE_HTTP_WORKERS"] {
        assert!(ended.err.contains(variable), "{}", ended.err);
    }
}

#[test]
fn settings_that_mean_nothing_end_the_start() {
    let home = Home::new();
    let broken = home.0.path().join("broken.pem");
    fs::write(&broken, "no certificate, no key").unwrap();
    let broken = broken.to_str().unwrap();
    let certificate = ("SILLAGE_HTTP_TLS_CERTIFICATE", broken);
    let key = ("SILLAGE_HTTP_TLS_KEY", broken);
    for (settings, words) in [
        (vec![certificate], "go together"),
        (vec![key], "go together"),
        (vec![certificate, key], "cannot be used for TLS"),
        (
            vec![("SILLAGE_HTTP_PUBLIC_URL", "lrs.example.org")],
            "http.public_url",
        ),
        (
            vec![("SILLAGE_XAPI_SIGNATURE_ANCHORS", broken)],
            "xapi.signature_anchors",
        ),
    ] {
        let mut up = on(&home.data(), &["up", "--listen", "127.0.0.1:0"]);
        up.env("SILLAGE_LOG_LEVEL", "warn").envs(settings);
        end(up).refused(2, words);
        assert_eq!(postmaster(&home.data()), None, "{words}");
    }
}

#[test]
fn a_newer_database_is_left_alone() {
    let home = Home::new();
    end(on(
        &home.data(),
        &["credential", "create", "--scope", "all", "--json"],
    ))
    .json();
    let up = Up::on(&home.data());
    let data = home.data();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let access = service::pg::cluster::Cluster::attach(&data).unwrap();
        let pool = service::pg::pool(&access.url(), 1).unwrap();
        let client = pool.get().await.unwrap();
        client
            .batch_execute("insert into migrations_service select 9999, 'later', applied_on, checksum from migrations_service limit 1")
            .await
            .unwrap();
    });
    up.stop();
    end(on(&home.data(), &["up", "--listen", "127.0.0.1:0"])).refused(8, "newer");
    assert_eq!(postmaster(&home.data()), None);
}

#[tokio::test]
async fn credentials_are_made_listed_and_revoked_whether_it_runs_or_not() {
    let home = Home::new();
    let create = |scope: &str| {
        let made = end(on(
            &home.data(),
            &["credential", "create", "--scope", scope, "--json"],
        ));
        made.json()
    };
    let before = create("all/read");
    assert_eq!(
        postmaster(&home.data()),
        None,
        "the cluster ran for that moment alone"
    );

    let up = Up::on(&home.data());
    let during = create("all");
    let totals = up.url("/api/v1/totals");
    for credential in [&before, &during] {
        assert_eq!(get(&totals, Some(credential)).await.0, 200);
    }
    let mut wrong = during.clone();
    wrong["secret"] = "wrong".into();
    assert_eq!(get(&totals, Some(&wrong)).await.0, 401);

    let listed = end(on(&home.data(), &["credential", "list", "--json"])).json();
    assert_eq!(
        listed.as_array().unwrap().len(),
        3,
        "these two and the administrator's"
    );
    assert!(
        !listed
            .to_string()
            .contains(during["secret"].as_str().unwrap())
    );

    let key = during["key"].as_str().unwrap();
    let renewed = end(on(
        &home.data(),
        &[
            "credential",
            "rotate",
            "--former-passes-s",
            "600",
            key,
            "--json",
        ],
    ))
    .json();
    assert_ne!(renewed["secret"], during["secret"]);
    for credential in [&renewed, &during] {
        assert_eq!(
            get(&totals, Some(credential)).await.0,
            200,
            "both secrets pass"
        );
    }
    end(on(&home.data(), &["credential", "revoke", key])).succeeded();
    let begun = Instant::now();
    while get(&totals, Some(&during)).await.0 == 200 {
        assert!(
            begun.elapsed() < Duration::from_secs(1),
            "revoked and still let in"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(get(&totals, Some(&before)).await.0, 200);
    end(on(&home.data(), &["credential", "revoke", key])).refused(1, "no credential");
    end(on(&home.data(), &["credential", "rotate", key])).refused(1, "no credential");
    up.stop();
}

#[tokio::test]
async fn the_profile_mode_of_a_credential_is_changed_while_it_runs() {
    let home = Home::new();
    let up = Up::on(&home.data());
    let admin = up.ready["administrator"].clone();
    let (key, secret) = (admin["key"].as_str().unwrap(), admin["secret"].as_str());
    let set = |key: &str, mode: &str| {
        let command = ["credential", "profile-mode", key, mode, "--json"];
        end(on(&home.data(), &command))
    };
    let client = reqwest::Client::new();
    // Something that xAPI accepts and no template of the profile matches.
    let post = async || {
        let request = client
            .post(up.url("/xapi/statements"))
            .basic_auth(key, secret)
            .header("X-Experience-API-Version", "1.0.3")
            .header("Content-Type", "application/json")
            .body(r#"{"actor":{"mbox":"mailto:a@example.org"},"verb":{"id":"https://example.org/v"},"object":{"id":"https://example.org/o"}}"#);
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(post().await, 200);
    for (mode, status) in [
        ("refuse", 400),
        ("warn", 200),
        ("refuse", 400),
        ("default", 200),
    ] {
        assert_eq!(set(key, mode).json()["profile_mode"], mode);
        let begun = Instant::now();
        while post().await != status {
            assert!(
                begun.elapsed() < Duration::from_secs(1),
                "{mode} was set and is not heard of"
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    assert_eq!(set(key, "sometimes").code, Some(2));
    let unknown = set("00000000-0000-4000-8000-000000000000", "off");
    assert_eq!(unknown.code, Some(1), "{}", unknown.err);
    up.stop();
}

/// Asks with a credential until it is let in no more.
async fn until_shut(url: &str, credential: &Value) {
    let begun = Instant::now();
    while get(url, Some(credential)).await.0 != 401 {
        assert!(begun.elapsed() < Duration::from_secs(30), "still let in");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// `sillage credential create`.
fn create(home: &Home, scopes: &str, more: &[&str]) -> Ended {
    let mut arguments = vec!["credential", "create", "--scope", scopes];
    arguments.extend(more);
    end(on(&home.data(), &arguments))
}

fn in_seconds(seconds: i64) -> String {
    (service::clock::now() + chrono::TimeDelta::seconds(seconds)).to_rfc3339()
}

#[tokio::test]
async fn a_credential_ends_when_the_commands_say() {
    let home = Home::new();
    let up = Up::on(&home.data());
    let command = |arguments: &[&str]| end(on(&home.data(), arguments));
    let create = |more: &[&str]| create(&home, "all", more);
    let classes = up.url("/api/v1/classes");
    create(&["--expires", "2001-01-01T00:00:00Z"]).refused(1, "expires in the future");
    assert_eq!(create(&["--expires", "tomorrow"]).code, Some(2));
    let ends = create(&["--expires", &in_seconds(10), "--json"]).json();
    assert!(ends["expires"].is_string());
    assert_eq!(get(&classes, Some(&ends)).await.0, 200);
    until_shut(&classes, &ends).await;

    // An end that is given later, taken back, and given again.
    let later = create(&["--json"]).json();
    let key = later["key"].as_str().unwrap();
    let expire = |at: &str| command(&["credential", "expire", key, "--at", at]);
    expire("2001-01-01T00:00:00Z").refused(1, "expires in the future");
    expire(&in_seconds(3600)).succeeded();
    let listed = command(&["credential", "list"]).out;
    assert!(listed.contains(key), "{listed}");
    expire("never").succeeded();
    assert_eq!(get(&classes, Some(&later)).await.0, 200);
    expire(&in_seconds(10)).succeeded();
    until_shut(&classes, &later).await;
    expire("never").refused(1, "no credential");

    // The former secret passes as long as it was said, and the new one goes on.
    let former = create(&["--json"]).json();
    let key = former["key"].as_str().unwrap();
    let rotate = [
        "credential",
        "rotate",
        "--former-passes-s",
        "5",
        key,
        "--json",
    ];
    let renewed = command(&rotate).json();
    for credential in [&former, &renewed] {
        assert_eq!(get(&classes, Some(credential)).await.0, 200);
    }
    until_shut(&classes, &former).await;
    assert_eq!(get(&classes, Some(&renewed)).await.0, 200);
    up.stop();
}

#[tokio::test]
async fn a_credential_is_bound_and_checked_as_the_commands_say() {
    let home = Home::new();
    let up = Up::on(&home.data());
    let command = |arguments: &[&str]| end(on(&home.data(), arguments));
    let create = |more: &[&str]| create(&home, "all,state,all", more);
    assert_eq!(create(&["--school", "x"]).code, Some(2));
    assert_eq!(create(&["--activity-prefix", "x"]).code, Some(2));
    let of_school = create(&["--school", "0750655E", "--json"]).json();
    assert_eq!(of_school["scopes"], serde_json::json!(["all", "state"]));
    for (path, status) in [
        ("/api/v1/classes", 200),
        ("/api/v1/totals", 403),
        ("/api/v1/credentials", 403),
    ] {
        let (found, body) = get(&up.url(path), Some(&of_school)).await;
        assert_eq!(found, status, "{path}: {body}");
    }

    let prefix = "https://example.org/maths/";
    let bound = [
        "--activity-prefix",
        prefix,
        "--profile-mode",
        "warn",
        "--json",
    ];
    let of_maths = create(&bound).json();
    let post = async |activity: &str| {
        let sent = serde_json::json!({ "actor": { "mbox": "mailto:a@example.org" },
            "verb": { "id": "https://example.org/did" }, "object": { "id": activity } });
        let request = reqwest::Client::new()
            .post(up.url("/xapi/statements"))
            .header("X-Experience-API-Version", "2.0.0")
            .basic_auth(
                of_maths["key"].as_str().unwrap(),
                Some(of_maths["secret"].as_str().unwrap()),
            );
        request.json(&sent).send().await.unwrap().status().as_u16()
    };
    assert_eq!(post("https://example.org/maths/1").await, 200);
    assert_eq!(post("https://example.org/french/1").await, 403);

    let listed = command(&["credential", "list"]).out;
    let of = |credential: &Value| {
        let key = credential["key"].as_str().unwrap();
        let line = listed.lines().find(|line| line.contains(key));
        line.unwrap_or_else(|| panic!("{listed}")).to_owned()
    };
    assert!(of(&of_school).contains("0750655E") && of(&of_school).contains("default"));
    assert!(of(&of_maths).contains(prefix) && of(&of_maths).contains("warn"));
    // What it sent against the profile is shown some seconds later.
    let begun = Instant::now();
    loop {
        let warned = command(&["credential", "profile-warnings", "--json"]).json();
        if warned
            .to_string()
            .contains(of_maths["key"].as_str().unwrap())
        {
            break;
        }
        assert!(begun.elapsed() < PATIENCE, "{warned}");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let table = command(&["credential", "profile-warnings"]);
    assert!(table.out.contains("profile-no-template"), "{}", table.out);
    up.stop();
}

#[tokio::test]
async fn revoking_takes_effect_within_a_second_in_every_process() {
    let home = Home::new();
    let url = service::testkit::empty_database().await;
    let of = |arguments: &[&str]| {
        let mut command = on(&home.data(), arguments);
        command.env("DATABASE_URL", &url);
        command
    };
    let processes = [Up::start(of(&["up"])), Up::start(of(&["lrs"]))];
    let made = end(of(&["credential", "create", "--scope", "all", "--json"])).json();
    let urls = processes
        .each_ref()
        .map(|one| one.url("/api/v1/credentials"));
    for url in &urls {
        assert_eq!(get(url, Some(&made)).await.0, 200, "{url}");
    }
    end(of(&["credential", "revoke", made["key"].as_str().unwrap()])).succeeded();
    let begun = Instant::now();
    for url in &urls {
        until_shut(url, &made).await;
        assert!(begun.elapsed() < Duration::from_secs(1), "{url}");
    }
    for process in processes {
        process.stop();
    }
}

impl Ended {
    fn succeeded(&self) {
        assert_eq!(self.code, Some(0), "{}", self.err);
    }
}

#[tokio::test]
async fn with_a_database_of_its_own_no_cluster_is_made() {
    let home = Home::new();
    let url = service::testkit::empty_database().await;
    let mut command = on(&home.data(), &["up"]);
    command.env("DATABASE_URL", &url);
    let up = Up::start(command);
    let admin = up.ready["administrator"].clone();
    assert_eq!(get(&up.url("/api/v1/totals"), Some(&admin)).await.0, 200);
    assert!(!home.data().join("postgres").exists());
    assert!(!home.data().join("postgres.json").exists());

    // A service alone, beside it, on the same database.
    for one in ["lrs", "analytics", "recommender"] {
        let mut command = on(&home.data(), &[one]);
        command.env("DATABASE_URL", &url);
        let alone = Up::start(command);
        assert_eq!(get(&alone.url("/health/ready"), None).await.0, 200, "{one}");
        let about = get(&alone.url("/xapi/about"), None).await.0;
        assert_eq!(about, if one == "lrs" { 200 } else { 404 }, "{one}");
        alone.stop();
    }
    up.stop();

    let mut command = on(&home.data(), &["up", "--listen", "127.0.0.1:0"]);
    command.env("DATABASE_URL", "postgres://sillage@127.0.0.1:1/nothing");
    end(command).refused(9, "no connection to PostgreSQL");
}

#[test]
fn a_service_alone_needs_a_database() {
    let home = Home::new();
    fs::create_dir(home.data()).unwrap();
    end(on(&home.data(), &["lrs", "--listen", "127.0.0.1:0"])).refused(9, "no Sillage runs on");
}

#[test]
fn config_tells_the_source_of_each_setting() {
    let mut command = sillage(&["config", "--json", "--listen", "127.0.0.1:9"]);
    command
        .env("SILLAGE_DATA", "/elsewhere")
        .env("DATABASE_URL", "postgres://sillage:hush@127.0.0.1/x");
    let ended = end(command);
    assert!(!ended.out.contains("hush"));
    let shown = ended.json();
    let of = |name: &str| {
        let all = shown.as_array().unwrap();
        all.iter()
            .find(|setting| setting["name"] == name)
            .unwrap()
            .clone()
    };
    assert_eq!(of("listen")["source"], "flag");
    assert_eq!(of("data")["value"], "/elsewhere");
    assert_eq!(of("data")["source"], "environment");
    assert_eq!(of("http.drain_s")["source"], "default");
}

#[test]
fn an_import_says_what_it_lacks_and_what_the_service_refuses() {
    let home = Home::new();
    let file = home.0.path().join("catalogue.json");
    fs::write(&file, "{").unwrap();
    let file = file.to_str().unwrap();
    end(sillage(&["catalogue", "import", file])).refused(2, "SILLAGE_KEY");

    let up = Up::on(&home.data());
    let admin = &up.ready["administrator"];
    let import = |what: &str| {
        let mut command = sillage(&[what, "import", file, "--endpoint", &up.url("")]);
        command
            .env("SILLAGE_KEY", admin["key"].as_str().unwrap())
            .env("SILLAGE_SECRET", admin["secret"].as_str().unwrap());
        end(command)
    };
    for what in ["catalogue", "framework", "roster"] {
        import(what).refused(10, "was answered 4");
    }
    fs::write(file, schemas::framework::SECONDE_JSON).unwrap();
    import("framework").succeeded();
    up.stop();
}

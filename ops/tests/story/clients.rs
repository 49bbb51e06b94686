//! xAPI clients in use, unmodified, against the real binary: in Node, in Chromium, in Python. What each
//! does and what it prints is in `lrs/tests/clients`.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Weak};

use tokio::sync::Mutex;

use crate::harness::{Installation, succeeded};

/// Where the scripts are.
const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../lrs/tests/clients");

/// The clients with a page of their own.
const PAGES: [&str; 3] = ["tincanjs", "xapi", "xapiwrapper"];

/// An installation that lets the pages of [`PAGES`] in, and where they are served.
struct Server {
    installation: Installation,
    origins: [String; PAGES.len()],
}

/// The one that runs, as long as a test holds it: clients do not meet in it, since each makes up its own
/// people and activities. Whoever is last stops it.
static RUNNING: Mutex<Weak<Server>> = Mutex::const_new(Weak::new());

async fn server() -> Arc<Server> {
    let mut running = RUNNING.lock().await;
    if let Some(server) = running.upgrade() {
        return server;
    }
    // Held together until all are known, so that they differ.
    let held = PAGES.map(|_| TcpListener::bind("127.0.0.1:0").unwrap());
    let origins = held.map(|free| format!("http://{}", free.local_addr().unwrap()));
    let allowed = ("SILLAGE_HTTP_CORS_ORIGINS", origins.join(","));
    let server = Arc::new(Server {
        installation: Installation::with(|_| vec![allowed]).await,
        origins,
    });
    *running = Arc::downgrade(&server);
    server
}

/// A tool of these tests, named by the environment.
#[expect(
    clippy::disallowed_methods,
    reason = "tools of the tests, which are no settings of Sillage"
)]
pub(crate) fn tool(name: &str) -> PathBuf {
    let value = std::env::var_os(name);
    PathBuf::from(value.unwrap_or_else(|| panic!("{name} is not set: run ops/test")))
}

impl Server {
    /// A command that knows the LRS.
    fn command(&self, program: &Path, script: &str) -> Command {
        let (key, secret) = self.installation.credential();
        let mut command = Command::new(program);
        command
            .arg(Path::new(SCRIPTS).join(script))
            .env(
                "XAPI_ENDPOINT",
                format!("{}/xapi", self.installation.endpoint()),
            )
            .env("XAPI_KEY", key)
            .env("XAPI_SECRET", secret)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::null());
        command
    }

    /// Runs a client to its end; the test fails with what the client printed.
    async fn tells(&self, mut command: Command) {
        let output = tokio::task::spawn_blocking(move || command.output().unwrap());
        let output = succeeded(output.await.unwrap());
        let told = String::from_utf8_lossy(&output.stdout);
        assert!(told.contains("steps as they should be"), "{told}");
        let log = self.installation.log();
        assert!(!log.contains("panicked"), "something panicked:\n{log}");
    }
}

async fn in_node(script: &str) {
    let server = server().await;
    server
        .tells(server.command(Path::new("node"), script))
        .await;
}

async fn in_python(script: &str) {
    let server = server().await;
    let python = tool("XAPI_CLIENTS_PYTHON");
    server.tells(server.command(&python, script)).await;
}

async fn in_chromium(client: &str) {
    let server = server().await;
    let place = PAGES.iter().position(|page| *page == client).unwrap();
    let mut command = server.command(Path::new("node"), "browser/run.mjs");
    command
        .arg(client)
        .env("XAPI_PAGE_ORIGIN", &server.origins[place]);
    server.tells(command).await;
}

/// One client, as a test of its own.
macro_rules! clients {
    ($($name:ident: $place:ident($script:literal);)+) => {$(
        #[tokio::test]
        #[ignore = "needs Node, Chromium or Python with the clients: ops/test installs them and runs this"]
        async fn $name() {
            $place($script).await;
        }
    )+};
}

clients! {
    tincanjs_in_node: in_node("node/tincanjs.mjs");
    xapi_in_node: in_node("node/xapi.mjs");
    adl_xapiwrapper_in_node: in_node("node/adl-xapiwrapper.mjs");
    an_application_without_network: in_node("node/offline.mjs");
    tincanjs_in_chromium: in_chromium("tincanjs");
    xapi_in_chromium: in_chromium("xapi");
    xapiwrapper_in_chromium: in_chromium("xapiwrapper");
    tincan_for_python: in_python("python/tincan_client.py");
    ralph: in_python("python/ralph_cli.py");
}

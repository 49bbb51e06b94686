//! The LRS in a process of its own, so that its memory and its processor time are its own.
//!
//! It is this program again, with a hidden argument. It is told its database by a line of its standard
//! input, tells where it answers by a line of its standard output, and ends with its input: when
//! whoever started it is gone, so is it.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, ensure};
use serde::{Deserialize, Serialize};
use service::config::Settings;
use service::telemetry;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::report::say;
use crate::server::{self, Server};

/// What it is told.
#[derive(Debug, Deserialize, Serialize)]
struct Order {
    database: String,
    lake: Option<PathBuf>,
    whole: bool,
}

/// What it tells.
#[derive(Deserialize, Serialize)]
struct Ready {
    address: SocketAddr,
    authorization: String,
}

/// A server in a process of its own. Dropped, it is killed.
pub struct Apart {
    process: Child,
    ready: Ready,
}

// The credential stands in no log.
impl std::fmt::Debug for Apart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Apart")
            .field("address", &self.ready.address)
            .finish_non_exhaustive()
    }
}

/// Memory of a process.
#[derive(Clone, Copy, Debug, Default)]
pub struct Memory {
    /// Resident now, in bytes.
    pub resident: u64,
    /// The most that was resident so far, in bytes.
    pub peak: u64,
}

impl Apart {
    /// Starts it on a migrated database. With a `lake`, statements are shipped there as `sillage lrs`
    /// ships them. Its log goes into the file `log`.
    pub async fn start(database: &str, lake: Option<&Path>, log: &Path) -> anyhow::Result<Self> {
        let order = Order {
            database: database.to_owned(),
            lake: lake.map(Path::to_owned),
            whole: false,
        };
        Self::with(&order, log).await
    }

    /// The same with analytics and the recommender beside, on a database that has their migrations too.
    pub async fn start_whole(database: &str, lake: &Path, log: &Path) -> anyhow::Result<Self> {
        let order = Order {
            database: database.to_owned(),
            lake: Some(lake.to_owned()),
            whole: true,
        };
        Self::with(&order, log).await
    }

    async fn with(order: &Order, log: &Path) -> anyhow::Result<Self> {
        let mut process = Command::new(std::env::current_exe()?)
            .arg("--serve")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(log)?)
            .kill_on_drop(true)
            .spawn()
            .context("could not start the server's process")?;
        let order = serde_json::to_string(order)? + "\n";
        let input = process.stdin.as_mut().context("a pipe to the server")?;
        input.write_all(order.as_bytes()).await?;
        let output = process.stdout.take().context("a pipe from the server")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line).await?;
        let ready = serde_json::from_str(&line).with_context(|| {
            let said = fs::read_to_string(log).unwrap_or_default();
            format!("the server did not start: {said}")
        })?;
        Ok(Self { process, ready })
    }

    /// Where it answers.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.ready.address
    }

    /// The value of the header `Authorization`.
    #[must_use]
    pub fn authorization(&self) -> &str {
        &self.ready.authorization
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.process.id()
    }

    /// Its memory.
    pub fn memory(&self) -> anyhow::Result<Memory> {
        Memory::of(self.pid().context("the server ended")?)
    }

    /// Stops it: what waits is stored first.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        drop(self.process.stdin.take());
        let ended = self.process.wait().await?;
        ensure!(ended.success(), "the server ended with {ended}");
        Ok(())
    }
}

impl Memory {
    /// Of a process that runs.
    pub fn of(pid: u32) -> anyhow::Result<Self> {
        let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
        Self::parse(&status).context("the kernel tells no memory of the process")
    }

    /// Of `/proc/*/status`: `VmHWM:     1234 kB`.
    fn parse(status: &str) -> Option<Self> {
        let bytes = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            let kilobytes: u64 = line.split_whitespace().next()?.parse().ok()?;
            Some(kilobytes * 1024)
        };
        Some(Self {
            resident: bytes("VmRSS:")?,
            peak: bytes("VmHWM:")?,
        })
    }
}

/// Is the server of another process, until its input ends.
pub fn serve() -> anyhow::Result<()> {
    telemetry::init(&Settings::defaults().section("log")?);
    server::runtime("server")?.block_on(async {
        let mut input = BufReader::new(tokio::io::stdin());
        let mut line = String::new();
        input.read_line(&mut line).await?;
        let order: Order = serde_json::from_str(&line)?;
        let server = match &order.lake {
            Some(lake) if order.whole => Server::start_whole(&order.database, lake).await?,
            lake => Server::start(&order.database, lake.as_deref()).await?,
        };
        let ready = Ready {
            address: server.address(),
            authorization: server.authorization(),
        };
        say(&(serde_json::to_string(&ready)? + "\n"));
        input.read_to_end(&mut Vec::new()).await?;
        server.stop().await
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_tells_is_read() {
        let status = "Name:\tx\nVmPeak:\t  9 kB\nVmHWM:\t  200 kB\nVmRSS:\t  100 kB\n";
        let memory = Memory::parse(status).unwrap();
        assert_eq!((memory.resident, memory.peak), (102_400, 204_800));
        assert!(Memory::parse("Name:\tx\n").is_none());
        let own = fs::read_to_string("/proc/self/status").unwrap();
        assert!(Memory::parse(&own).unwrap().resident > 0);
    }
}

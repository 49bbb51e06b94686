//! The server process: started, watched, stopped; and those that were left behind.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tokio_util::sync::CancellationToken;

use super::account::{Account, last_words};
use super::binaries::Programs;
use super::error::{read_error, write_error};
use super::place::Place;
use super::{ClusterError, STOP_WITHIN};

/// How often a process is looked at while we wait for it.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// How long an immediate shutdown may take: it writes nothing.
const ABORT_WITHIN: Duration = Duration::from_secs(10);

/// The log is begun anew at the start that finds it longer; one former log is kept.
const LOG_MAX_BYTES: u64 = 16 * 1024 * 1024;

/// A server that this process started.
#[derive(Debug)]
pub(super) struct Postmaster {
    child: Child,
}

impl Postmaster {
    /// Starts the server and waits until it takes connections, for as long as a recovery takes.
    pub(super) fn start(
        place: &Place,
        programs: &Programs,
        account: &Account,
        cancelled: &CancellationToken,
    ) -> Result<Self, ClusterError> {
        let log = open_log(&place.log())?;
        let begin = log.metadata().map_or(0, |metadata| metadata.len());
        let program = programs.path("postgres");
        let again = log
            .try_clone()
            .map_err(|error| write_error(&place.log(), error))?;
        let child = account
            .command(&program)
            .arg("-D")
            .arg(place.pgdata())
            .stdout(Stdio::from(again))
            .stderr(Stdio::from(log))
            .spawn()
            .map_err(|source| ClusterError::Run {
                program,
                user: account.name().to_owned(),
                source,
            })?;
        let mut postmaster = Self { child };
        let started = postmaster.wait_until_ready(place, begin, cancelled);
        if let Err(error) = started {
            // Nothing of ours stays behind, whatever the reason.
            let _ = postmaster.stop(STOP_WITHIN);
            return Err(error);
        }
        Ok(postmaster)
    }

    fn wait_until_ready(
        &mut self,
        place: &Place,
        log_begin: u64,
        cancelled: &CancellationToken,
    ) -> Result<(), ClusterError> {
        let mut told = Instant::now();
        loop {
            if self.ended().is_some() {
                return Err(start_error(place, log_begin));
            }
            if cancelled.is_cancelled() {
                return Err(ClusterError::Cancelled);
            }
            let status = PidFile::read(&place.pgdata());
            if status.is_some_and(|file| file.pid == self.pid() && file.ready) {
                return Ok(());
            }
            if told.elapsed() > Duration::from_secs(10) {
                tracing::info!("PostgreSQL is still starting (recovery?)");
                told = Instant::now();
            }
            std::thread::sleep(LOOK_EVERY);
        }
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(super) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Fast within `patience`, else immediate.
    pub(super) fn stop(&mut self, patience: Duration) -> Result<(), ClusterError> {
        for (signal, patience) in [(Signal::INT, patience), (Signal::QUIT, ABORT_WITHIN)] {
            if self.ended().is_some() {
                return Ok(());
            }
            send(self.pid(), signal);
            if wait_until(patience, || self.ended().is_some()) {
                return Ok(());
            }
        }
        Err(ClusterError::Stop { pid: self.pid() })
    }
}

/// Stops what still runs on the cluster's files: the server of a Sillage that was killed, or
/// backends whose server was. Then clears what they left lying: the process ids in these files may
/// by now be other processes', which would keep PostgreSQL from starting.
pub(super) fn stop_leftovers(place: &Place, account: &Account) -> Result<(), ClusterError> {
    stop_all_in(&place.pgdata())?;
    account.script(
        r#"rm -f "$1/postmaster.pid" "$2"/.s.PGSQL.*"#,
        &[&place.pgdata(), &place.socket_folder()],
        "",
    )
}

/// Stops every process that works on `pgdata`.
pub(super) fn stop_all_in(pgdata: &Path) -> Result<(), ClusterError> {
    let Ok(pgdata) = pgdata.canonicalize() else {
        return Ok(());
    };
    if let Some(file) = PidFile::read(&pgdata)
        && processes_in(&pgdata).contains(&file.pid)
    {
        tracing::warn!(
            pid = file.pid,
            "stopping the PostgreSQL that a killed Sillage left behind"
        );
        send(file.pid, Signal::INT);
        wait_until(STOP_WITHIN, || !processes_in(&pgdata).contains(&file.pid));
    }
    for pid in processes_in(&pgdata) {
        send(pid, Signal::QUIT);
    }
    wait_until(ABORT_WITHIN, || processes_in(&pgdata).is_empty());
    match processes_in(&pgdata).first() {
        Some(pid) => Err(ClusterError::Stop { pid: *pid }),
        None => Ok(()),
    }
}

/// The port of the server that runs on the cluster and takes connections.
pub(super) fn ready_on(place: &Place) -> Result<u16, ClusterError> {
    let not_running = || ClusterError::NotRunning {
        data: place.data().to_owned(),
    };
    let pgdata = place.pgdata().canonicalize().map_err(|_| not_running())?;
    PidFile::read(&pgdata)
        .filter(|file| file.ready && processes_in(&pgdata).contains(&file.pid))
        .map(|file| file.port)
        .ok_or_else(not_running)
}

/// What `postmaster.pid` says (see PostgreSQL's `miscadmin.h` for its lines).
#[derive(Debug, PartialEq, Eq)]
struct PidFile {
    pid: u32,
    port: u16,
    ready: bool,
}

impl PidFile {
    fn read(pgdata: &Path) -> Option<Self> {
        Self::parse(&fs::read_to_string(pgdata.join("postmaster.pid")).ok()?)
    }

    /// The file grows line by line while the server starts: what is not there yet is not ready.
    fn parse(text: &str) -> Option<Self> {
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        Some(Self {
            pid: lines.first()?.parse().ok()?,
            port: lines.get(3).and_then(|port| port.parse().ok()).unwrap_or(0),
            ready: lines.get(7) == Some(&"ready"),
        })
    }
}

/// The processes of the server on `pgdata`: PostgreSQL's processes stand in the folder they work
/// on. A process id alone may have been given to some other process since.
fn processes_in(pgdata: &Path) -> Vec<u32> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok())
        .filter(|pid| {
            let process = PathBuf::from(format!("/proc/{pid}"));
            fs::read_link(process.join("cwd")).is_ok_and(|folder| folder == pgdata)
                && fs::read_to_string(process.join("comm"))
                    .is_ok_and(|name| name.trim() == "postgres")
        })
        .collect()
}

fn send(pid: u32, signal: Signal) {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    if let Some(pid) = pid {
        // It may have ended since we looked, which is what we want.
        let _ = kill_process(pid, signal);
    }
}

fn wait_until(patience: Duration, mut done: impl FnMut() -> bool) -> bool {
    let started = Instant::now();
    while !done() {
        if started.elapsed() > patience {
            return false;
        }
        std::thread::sleep(LOOK_EVERY);
    }
    true
}

fn open_log(path: &Path) -> Result<File, ClusterError> {
    if fs::metadata(path).is_ok_and(|metadata| metadata.len() > LOG_MAX_BYTES) {
        let former = path.with_extension("log.1");
        fs::rename(path, &former).map_err(|error| write_error(&former, error))?;
    }
    OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)
        .map_err(|error| write_error(path, error))
}

/// What PostgreSQL said since `begin` about not starting.
fn start_error(place: &Place, begin: u64) -> ClusterError {
    let path = place.log();
    let text = match fs::read(&path) {
        Ok(bytes) => {
            let begin = usize::try_from(begin).unwrap_or(0).min(bytes.len());
            String::from_utf8_lossy(&bytes[begin..]).into_owned()
        }
        Err(error) => return read_error(&path, error),
    };
    if text.contains("No space left on device") {
        return ClusterError::DiskFull {
            path: place.folder().to_owned(),
        };
    }
    ClusterError::Start {
        detail: last_words(&text),
        log: path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pid_file_is_read_while_it_grows() {
        assert_eq!(PidFile::parse(""), None);
        let begun = PidFile::parse("42\n/data\n1700000000\n5432\n/run\n\n").unwrap();
        assert_eq!((begun.pid, begun.port, begun.ready), (42, 5432, false));
        let ready =
            PidFile::parse("42\n/data\n1700000000\n5432\n/run\n\n  5  6\nready   \n").unwrap();
        assert!(ready.ready);
    }
}

//! Who used the processors: the load, the server beside it in this process or in its own, PostgreSQL.

use std::fs;
use std::time::Duration;

use crate::report::{Report, count};
use crate::server::cores;

/// Names of the load's threads start with this.
pub const LOAD_THREADS: &str = "load";

/// The unit of `/proc/*/stat`: a hundredth of a second on every Linux (`USER_HZ`).
const TICK: Duration = Duration::from_millis(10);

/// Processor time used so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct Used {
    /// The load's threads.
    pub load: Duration,
    /// The server's process if it has one of its own, else all other threads of this process.
    pub server: Duration,
    /// The postmaster and its children, those that ended too.
    pub postgres: Duration,
}

impl Used {
    /// Until now, by a server in the process `apart` or in this one. What cannot be read counts as
    /// nothing.
    #[must_use]
    pub fn now(postmaster: Option<u32>, apart: Option<u32>) -> Self {
        let mut used = Self::default();
        for stat in stats("/proc/self/task") {
            if stat.name.starts_with(LOAD_THREADS) {
                used.load += stat.own;
            } else if apart.is_none() {
                used.server += stat.own;
            }
        }
        if let Some(apart) = apart {
            let stat = fs::read_to_string(format!("/proc/{apart}/stat")).ok();
            used.server += stat
                .and_then(|line| parse(&line))
                .map_or(Duration::ZERO, |stat| stat.own);
        }
        if let Some(postmaster) = postmaster {
            for stat in stats("/proc") {
                if stat.pid == postmaster {
                    used.postgres += stat.own + stat.ended_children;
                } else if stat.parent == postmaster {
                    used.postgres += stat.own;
                }
            }
        }
        used
    }

    /// The share of each of all processors over `elapsed`, as rows of a case.
    pub fn report(&self, case: &str, elapsed: Duration, report: &mut Report) {
        let all = elapsed.as_secs_f64() * count(cores() as u64);
        for (name, used) in [
            ("cpu_load", self.load),
            ("cpu_server", self.server),
            ("cpu_postgres", self.postgres),
        ] {
            report.add(case, name, used.as_secs_f64() / all, "of the processors");
        }
    }

    /// From `earlier` to here.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            load: self.load.saturating_sub(earlier.load),
            server: self.server.saturating_sub(earlier.server),
            postgres: self.postgres.saturating_sub(earlier.postgres),
        }
    }
}

/// What is read of a process or a thread.
#[derive(Debug, PartialEq)]
struct Stat {
    pid: u32,
    name: String,
    parent: u32,
    own: Duration,
    ended_children: Duration,
}

fn stats(folder: &str) -> impl Iterator<Item = Stat> {
    fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.file_name().as_encoded_bytes()[0].is_ascii_digit())
        .filter_map(|entry| parse(&fs::read_to_string(entry.path().join("stat")).ok()?))
}

/// `pid (name) state ppid ... utime stime cutime cstime ...`, fields 14 to 17; the name may hold
/// anything, brackets too (proc(5)).
fn parse(line: &str) -> Option<Stat> {
    let (pid, rest) = line.split_once(" (")?;
    let (name, rest) = rest.rsplit_once(") ")?;
    let fields: Vec<&str> = rest.split(' ').collect();
    let ticks = |n: usize| Some(TICK * fields.get(n - 3)?.parse::<u32>().ok()?);
    Some(Stat {
        pid: pid.parse().ok()?,
        name: name.to_owned(),
        parent: fields.get(1)?.parse().ok()?,
        own: ticks(14)? + ticks(15)?,
        ended_children: ticks(16)? + ticks(17)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_kernel_is_read() {
        let line = "42 (a) b (c) S 7 1 1 0 -1 4194560 1 2 3 4 150 50 20 10 20 0 1 0 99 0 0";
        let wanted = Stat {
            pid: 42,
            name: "a) b (c".to_owned(),
            parent: 7,
            own: Duration::from_secs(2),
            ended_children: Duration::from_millis(300),
        };
        assert_eq!(parse(line), Some(wanted));
        assert_eq!(parse("nothing"), None);
    }

    #[test]
    fn the_threads_of_this_process_are_told_apart() {
        let worker = std::thread::Builder::new().name(format!("{LOAD_THREADS}-0"));
        let found = worker
            .spawn(|| {
                let own = fs::read_to_string("/proc/thread-self/stat").unwrap();
                parse(&own).unwrap().name
            })
            .unwrap();
        assert_eq!(found.join().unwrap(), "load-0");
        assert!(stats("/proc/self/task").count() >= 1);
    }
}

//! Clears up after a test process that ended, however it ended.

use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

/// Reads folders until its input ends, which it does when the test process is gone: by returning,
/// by a panic, by SIGKILL. Then it stops the servers that run there and removes the folders.
///
/// SIGQUIT is PostgreSQL's immediate shutdown: the data is thrown away anyway.
const SCRIPT: &str = r#"
set --
while IFS= read -r folder; do set -- "$folder" "$@"; done
for folder; do
    for pidfile in "$folder/postgres/data/postmaster.pid" "$folder/data/postmaster.pid"; do
        pid=$(head -n 1 "$pidfile" 2>/dev/null) || continue
        case $(readlink "/proc/$pid/cwd") in "$folder"/*) kill -QUIT "$pid" ;; esac
        tries=0
        while [ -d "/proc/$pid" ] && [ "$tries" -lt 100 ]; do sleep 0.05; tries=$((tries + 1)); done
    done
    rm -rf "$folder" || { sleep 1; rm -rf "$folder"; }
done
"#;

/// The guardian of this process.
#[derive(Debug)]
pub(super) struct Guardian {
    input: ChildStdin,
    _child: Child,
}

impl Guardian {
    /// Starts it, out of reach of a Ctrl-C and holding nothing of ours open.
    pub(super) fn start() -> std::io::Result<Self> {
        let mut child = Command::new("/bin/sh")
            .args(["-c", SCRIPT])
            .current_dir("/")
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let input = child.stdin.take().expect("the input is a pipe");
        Ok(Self {
            input,
            _child: child,
        })
    }

    /// Has `folder` cleared up at the end.
    pub(super) fn watch(&mut self, folder: &Path) -> std::io::Result<()> {
        let mut line = folder.as_os_str().as_bytes().to_vec();
        line.push(b'\n');
        self.input.write_all(&line)
    }
}

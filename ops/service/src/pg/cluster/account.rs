//! Who runs PostgreSQL: ourselves, or, started as root, a user without rights.

use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, lchown};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use super::ClusterError;
use super::error::write_error;

/// The account that PostgreSQL runs as.
#[derive(Clone, Debug)]
pub(super) struct Account {
    name: String,
    /// User and group to change to; `None`: we stay who we are.
    become_ids: Option<(u32, u32)>,
}

impl Account {
    /// Ourselves; as root, `postgres` where there is such a user, else `nobody`.
    pub(super) fn choose() -> Result<Self, ClusterError> {
        if !rustix::process::geteuid().is_root() {
            return Ok(Self {
                name: "this user".to_owned(),
                become_ids: None,
            });
        }
        let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
        ["postgres", "nobody"]
            .into_iter()
            .find_map(|name| {
                let ids = ids_of(&users, name)?;
                Some(Self {
                    name: name.to_owned(),
                    become_ids: Some(ids),
                })
            })
            .ok_or(ClusterError::NoUser)
    }

    /// The user's name, for messages.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// A command run as this account, in a process group of its own, with nothing inherited.
    pub(super) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        if let Some((uid, gid)) = self.become_ids {
            // Without supplementary groups of ours: std drops them when root changes the user.
            command.uid(uid).gid(gid);
        }
        // The account may not be able to stand where we stand.
        command
            .current_dir("/")
            .process_group(0)
            .stdin(Stdio::null());
        // PGDATA, PGPORT, ... of the operator's shell mean other servers than ours.
        for (name, _) in std::env::vars_os() {
            if name.as_encoded_bytes().starts_with(b"PG") {
                command.env_remove(name);
            }
        }
        command.env("LC_ALL", "C").env("TZ", "UTC");
        command
    }

    /// Whether the account can write in `folder`; the kernel is asked, so access lists count too.
    pub(super) fn reaches(&self, folder: &Path) -> bool {
        self.command("/usr/bin/test")
            .arg("-w")
            .arg(folder)
            .arg("-a")
            .arg("-x")
            .arg(folder)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    }

    /// Makes `folder`, whose parent is ours, for this account alone; fine when it has it already.
    pub(super) fn make_folder(&self, folder: &Path) -> Result<(), ClusterError> {
        match fs::DirBuilder::new().mode(0o700).create(folder) {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
                return Err(write_error(folder, error));
            }
            _ => {}
        }
        match self.become_ids {
            // Never through a symbolic link: what lies at its end is somebody else's.
            Some((uid, gid)) => {
                lchown(folder, Some(uid), Some(gid)).map_err(|error| write_error(folder, error))
            }
            None => Ok(()),
        }
    }

    /// Does something in the account's folders, as the account: `$1`, `$2`, ... are `paths`.
    ///
    /// Root itself writes, renames and removes nothing there. Whoever got hold of the account could
    /// otherwise lay a symbolic link in root's way.
    pub(super) fn script(
        &self,
        script: &str,
        paths: &[&Path],
        input: &str,
    ) -> Result<(), ClusterError> {
        let mut command = self.command("/bin/sh");
        command
            .args(["-c", &format!("set -eu; umask 077; {script}"), "sillage"])
            .args(paths);
        run(command, input).map_err(|detail| {
            let path = paths.first().copied().unwrap_or(Path::new("/"));
            failed(path, detail)
        })
    }

    /// Writes a file that this account alone reads: whole or not at all.
    pub(super) fn write_file(&self, path: &Path, content: &str) -> Result<(), ClusterError> {
        self.script(r#"cat > "$1.new"; mv -f "$1.new" "$1""#, &[path], content)
    }
}

/// Runs a program to its end with `input`; the line in which it says why is the error.
pub(super) fn run(mut command: Command, input: &str) -> Result<(), String> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("could not run {}: {error}", command.get_program().display()))?;
    if let Some(mut stdin) = child.stdin.take() {
        // A program that ends early says itself why.
        let _ = stdin.write_all(input.as_bytes());
    }
    let output = child
        .wait_with_output()
        .map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    Err(last_words(&String::from_utf8_lossy(&output.stderr)))
}

/// What a program could not do at `path`, told as what the operator can do about it.
pub(super) fn failed(path: &Path, detail: String) -> ClusterError {
    if detail.contains("No space left on device") {
        return ClusterError::DiskFull {
            path: path.to_owned(),
        };
    }
    ClusterError::Init {
        folder: path.to_owned(),
        detail,
    }
}

/// The line that says why: the first that calls itself an error, else the last.
pub(super) fn last_words(text: &str) -> String {
    const WORDS: [&str; 4] = ["FATAL:", "PANIC:", "ERROR:", "error:"];
    let lines = || text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines()
        .find(|line| WORDS.iter().any(|word| line.contains(word)))
        .or_else(|| lines().next_back())
        .unwrap_or("it gave no reason")
        .to_owned()
}

/// User and group of `name` in the text of `/etc/passwd`.
fn ids_of(users: &str, name: &str) -> Option<(u32, u32)> {
    let line = users
        .lines()
        .find(|line| line.split(':').next() == Some(name))?;
    let mut fields = line.split(':').skip(2);
    let uid = fields.next()?.parse().ok()?;
    let gid = fields.next()?.parse().ok()?;
    (uid != 0).then_some((uid, gid))
}

#[cfg(test)]
mod tests {
    use super::*;

    const USERS: &str = "root:x:0:0:root:/root:/bin/bash\npostgresql:x:7:7::/:/bin/sh\n\
        postgres:x:101:104:PostgreSQL administrator,,,:/var/lib/postgresql:/bin/bash\n\
        evil:x:0:5::/:/bin/sh\nbroken:x\n";

    #[test]
    fn the_user_is_found_by_its_whole_name_and_never_root() {
        assert_eq!(ids_of(USERS, "postgres"), Some((101, 104)));
        assert_eq!(ids_of(USERS, "nobody"), None);
        assert_eq!(ids_of(USERS, "evil"), None);
        assert_eq!(ids_of(USERS, "broken"), None);
    }

    #[test]
    fn the_line_that_says_why_is_found() {
        assert_eq!(
            last_words("starting\nx: FATAL:  no\nx: hint"),
            "x: FATAL:  no"
        );
        assert_eq!(last_words("a\nb\n\n"), "b");
        assert_eq!(last_words(""), "it gave no reason");
    }
}

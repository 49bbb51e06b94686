//! Where PostgreSQL's programs are.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::ClusterError;
use super::place::Place;

/// The major versions that Sillage is written for.
const VERSIONS: std::ops::RangeInclusive<u32> = 15..=18;

/// `initdb` and `postgres` of one version.
#[derive(Clone, Debug)]
pub(super) struct Programs {
    folder: PathBuf,
    major: u32,
}

impl Programs {
    /// The path of a program.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The programs in `folder`, if they are there, run, and are of a version that will do.
    fn in_folder(folder: &Path) -> Option<Self> {
        let server = folder.join("postgres");
        if !folder.join("initdb").is_file() || !server.is_file() {
            return None;
        }
        let output = Command::new(server).arg("--version").output().ok()?;
        let major = major_of(&String::from_utf8_lossy(&output.stdout))?;
        VERSIONS.contains(&major).then(|| Self {
            folder: folder.to_owned(),
            major,
        })
    }
}

/// Every usable PostgreSQL, the preferred first: the setting (then nothing else), the one that
/// `pg_config` names, Debian's folders from the newest.
pub(super) fn find(setting: Option<&Path>) -> Vec<Programs> {
    if let Some(folder) = setting {
        return Programs::in_folder(folder).into_iter().collect();
    }
    let mut found: Vec<Programs> = Vec::new();
    for folder in configured().into_iter().chain(debian()) {
        if let Some(programs) = Programs::in_folder(&folder)
            && found.iter().all(|other| other.major != programs.major)
        {
            found.push(programs);
        }
    }
    found
}

/// The programs for a new cluster.
pub(super) fn any(found: Vec<Programs>) -> Result<Programs, ClusterError> {
    found.into_iter().next().ok_or(ClusterError::NoPrograms)
}

/// The programs for a cluster that the version `major` made: no other reads its files.
pub(super) fn of_version(
    found: Vec<Programs>,
    major: u32,
    place: &Place,
) -> Result<Programs, ClusterError> {
    if found.is_empty() {
        return Err(ClusterError::NoPrograms);
    }
    let versions: Vec<String> = found.iter().map(|p| p.major.to_string()).collect();
    found
        .into_iter()
        .find(|programs| programs.major == major)
        .ok_or_else(|| ClusterError::Version {
            folder: place.folder().to_owned(),
            made: major,
            found: versions.join(", "),
        })
}

/// The folder that `pg_config` names, on the PATH or where Red Hat and Debian put it.
fn configured() -> Option<PathBuf> {
    let output = Command::new("pg_config").arg("--bindir").output().ok()?;
    let folder = String::from_utf8(output.stdout).ok()?;
    output
        .status
        .success()
        .then(|| PathBuf::from(folder.trim()))
}

/// Debian's folders, the newest version first.
fn debian() -> Vec<PathBuf> {
    VERSIONS
        .rev()
        .map(|major| PathBuf::from(format!("/usr/lib/postgresql/{major}/bin")))
        .collect()
}

/// 15 from `postgres (PostgreSQL) 15.13 (Debian 15.13-0+deb12u1)`.
fn major_of(version: &str) -> Option<u32> {
    let number = version.split_once("(PostgreSQL) ")?.1;
    let digits: &str = number.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::major_of;

    #[test]
    fn the_major_version_is_read() {
        assert_eq!(
            major_of("postgres (PostgreSQL) 15.13 (Debian 15.13-0+deb12u1)\n"),
            Some(15)
        );
        assert_eq!(major_of("postgres (PostgreSQL) 18beta1"), Some(18));
        assert_eq!(major_of("bash: no"), None);
    }
}

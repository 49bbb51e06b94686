//! The data folder, and who runs on it: one process at a time.

use std::fs::{self, File, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::ClusterError;
use super::error::{read_error, write_error};

/// A data folder that this process alone runs on, until the value is dropped or the process ends,
/// however it ends: the lock is the kernel's.
#[derive(Debug)]
pub struct DataFolder {
    path: PathBuf,
    _lock: File,
}

impl DataFolder {
    /// Makes the folder if there is none and locks it for `command`, which is told to whoever
    /// comes next. Waits up to `patience` for a holder to end.
    pub fn lock(data: &Path, command: &str, patience: Duration) -> Result<Self, ClusterError> {
        make(data)?;
        let path = data
            .canonicalize()
            .map_err(|error| read_error(data, error))?;
        let file = path.join("lock");
        let mut lock = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&file)
            .map_err(|error| write_error(data, error))?;
        let started = Instant::now();
        loop {
            match lock.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if started.elapsed() < patience => {
                    std::thread::sleep(Duration::from_millis(50));
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(ClusterError::InUse {
                        folder: path,
                        holder: holder(&mut lock),
                    });
                }
                Err(TryLockError::Error(error)) => return Err(write_error(&file, error)),
            }
        }
        let line = format!("{command}, process {}\n", std::process::id());
        lock.set_len(0)
            .and_then(|()| lock.rewind())
            .and_then(|()| lock.write_all(line.as_bytes()))
            .map_err(|error| write_error(&file, error))?;
        Ok(Self { path, _lock: lock })
    }

    /// Its canonical path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Who holds the lock, in its own words.
fn holder(lock: &mut File) -> String {
    let mut line = String::new();
    // Between the lock and the line there is a moment without words; the refusal stands anyway.
    let _ = lock.rewind().and_then(|()| lock.read_to_string(&mut line));
    match line.trim() {
        "" => "another Sillage".to_owned(),
        line => line.to_owned(),
    }
}

/// Makes the folder: its owner's alone, except that what root makes can be walked through, because
/// PostgreSQL then runs as another user.
fn make(data: &Path) -> Result<(), ClusterError> {
    if data.is_dir() {
        return Ok(());
    }
    let mode = if rustix::process::geteuid().is_root() {
        0o711
    } else {
        0o700
    };
    fs::DirBuilder::new()
        .recursive(true)
        .mode(mode)
        .create(data)
        .map_err(|error| write_error(data, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_one_holder_who_is_named_to_the_next() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("a/b");
        let first = DataFolder::lock(&data, "sillage up", Duration::ZERO).unwrap();
        let second = DataFolder::lock(&data, "sillage up", Duration::ZERO).unwrap_err();
        let told = second.to_string();
        assert!(
            told.contains(&format!(
                "in use by sillage up, process {}",
                std::process::id()
            )),
            "{told}"
        );
        drop(first);
        DataFolder::lock(&data, "sillage up", Duration::ZERO).unwrap();
    }

    #[test]
    fn a_file_in_the_way_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("file");
        fs::write(&data, "x").unwrap();
        let error = DataFolder::lock(&data, "sillage up", Duration::ZERO).unwrap_err();
        assert!(matches!(error, ClusterError::NotWritable { .. }), "{error}");
    }
}

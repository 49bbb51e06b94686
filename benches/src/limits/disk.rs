//! How long the disk takes to make a page of the write-ahead log durable.

use std::fs::{self, File};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context as _;

use crate::histogram::Histogram;

/// What PostgreSQL writes at least: a page.
const PAGE: [u8; 8192] = [0x5a; 8192];

/// Pages of the file, written round and round as those of a log segment are.
const PAGES: u64 = 256;

/// Writes a page and flushes it (`fdatasync`, PostgreSQL's way on Linux), for so long. `pg_test_fsync`
/// measures the same.
pub fn flushes(folder: &Path, during: Duration) -> anyhow::Result<Histogram> {
    let path = folder.join(format!("flush-{}", std::process::id()));
    let measured = write_and_flush(&path, during)
        .with_context(|| format!("could not measure the disk at {}", path.display()));
    let removed = fs::remove_file(&path);
    let measured = measured?;
    removed?;
    Ok(measured)
}

fn write_and_flush(path: &Path, during: Duration) -> std::io::Result<Histogram> {
    let mut file = File::create(path)?;
    for _ in 0..PAGES {
        file.write_all(&PAGE)?;
    }
    file.sync_all()?;
    let mut latency = Histogram::default();
    let begin = Instant::now();
    let mut page = 0;
    while begin.elapsed() < during {
        let start = Instant::now();
        file.seek(SeekFrom::Start(page * PAGE.len() as u64))?;
        file.write_all(&PAGE)?;
        file.sync_data()?;
        latency.record(start.elapsed());
        page = (page + 1) % PAGES;
    }
    Ok(latency)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_leaves_nothing_behind() {
        let dir = tempfile::tempdir().unwrap();
        let measured = flushes(dir.path(), Duration::from_millis(20)).unwrap();
        assert!(measured.count() > 0);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}

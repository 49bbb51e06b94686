//! A lake of made-up answers: written by the lake's own writer, a file a commit, once as they are shipped and
//! once put together by the upkeep.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use analytics::jobs::recompute::{Beside, Recompute};
use analytics::jobs::rows::{Run, Upto};
use analytics::lake::{Answers, table_rows};
use anyhow::{Context as _, ensure};
use lake::{Lake, LakeTable, Sizes, app_id};
use mastery::Model;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use schemas::framework::Framework;
use schemas::tables::{Table, answers};

use crate::report::complain;
use crate::workspace_root;
use crate::year::{Year, catalogue};

/// The seed of the answers.
const SEED: u64 = 20_261_133;

/// Answers of a commit at most: `lake.commit_max_rows`.
const COMMIT: usize = 50_000;

/// The history that positions belong to.
const EPOCH: &str = "bench-1";

/// Fewer answers than these are less than the upkeep sorts.
const FEW: u64 = 1_000_000;

/// Answers are told each so many.
const TOLD_EVERY: i64 = 1_000_000;

/// A folder with both lakes. Dropped, it is removed, unless it is kept.
#[derive(Debug)]
pub struct Made {
    folder: PathBuf,
    kept: bool,
}

/// What a column takes in the files of a table.
#[derive(Debug)]
pub struct Part {
    /// The column.
    pub name: String,
    /// Bytes, compressed.
    pub bytes: u64,
}

/// The files of a table.
#[derive(Debug)]
pub struct Size {
    /// Rows in them.
    pub rows: u64,
    /// Their bytes, footers and all.
    pub bytes: u64,
    /// How many they are.
    pub files: usize,
    /// By column, largest first.
    pub parts: Vec<Part>,
}

impl Made {
    /// So many answers; those that an earlier run kept, if it was as many.
    pub async fn of(count: u64, kept: bool) -> anyhow::Result<Self> {
        let name = if kept {
            "bench-lake"
        } else {
            "bench-lake-once"
        };
        let folder = workspace_root().join("var").join(name);
        let made = Self { folder, kept };
        if made.holds(count).await? {
            return Ok(made);
        }
        if made.folder.exists() {
            fs::remove_dir_all(&made.folder)?;
        }
        fs::create_dir_all(&made.folder)?;
        ship(&made.shipped(), Year::new(SEED, count), count, EPOCH).await?;
        complain("lake: putting its files together");
        link(&made.folder.join("shipped"), &made.folder.join("compacted"))?;
        let mut table = LakeTable::open(&made.compacted(), &answers::TABLE).await?;
        compact(&mut table, sizes(count)).await?;
        fs::write(made.folder.join("complete"), complete(count))?;
        Ok(made)
    }

    async fn holds(&self, count: u64) -> anyhow::Result<bool> {
        let found = fs::read_to_string(self.folder.join("complete")).unwrap_or_default();
        if found != complete(count) {
            return Ok(false);
        }
        let table = LakeTable::existing(&self.compacted(), &answers::TABLE).await;
        Ok(table.is_ok_and(|table| table.is_some()))
    }

    /// The lake as it was shipped.
    #[must_use]
    pub fn shipped(&self) -> Lake {
        Lake::at(&self.folder.join("shipped").display().to_string())
    }

    /// The lake after the upkeep.
    #[must_use]
    pub fn compacted(&self) -> Lake {
        Lake::at(&self.folder.join("compacted").display().to_string())
    }

    /// Where engines may spill.
    #[must_use]
    pub fn spill(&self) -> PathBuf {
        self.folder.join("spill")
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        if !self.kept {
            drop(fs::remove_dir_all(&self.folder));
        }
    }
}

/// What is written last: so many answers, in today's columns.
fn complete(count: u64) -> String {
    format!("{count} answers of version {}", answers::VERSION)
}

/// A few answers are compacted as many would be.
fn sizes(count: u64) -> Sizes {
    if count < FEW {
        Sizes {
            mixed: 1,
            least: 1,
            ..Sizes::default()
        }
    } else {
        Sizes::default()
    }
}

/// The answers of a year, `count` of them, as they are shipped in the history of `epoch`: in their order, a commit of
/// so many at a time.
pub async fn ship(lake: &Lake, mut year: Year, count: u64, epoch: &str) -> anyhow::Result<()> {
    let mut table = LakeTable::open(lake, &answers::TABLE).await?;
    let id = app_id(epoch, &answers::TABLE);
    loop {
        let after = year.position();
        let made = year.next(COMMIT);
        if made.is_empty() {
            return Ok(());
        }
        let rows = table_rows(&made)?;
        table
            .append_rows(Some(rows), &id, after, year.position())
            .await?;
        if year.position() / TOLD_EVERY > after / TOLD_EVERY {
            complain(&format!("lake: {} of {count} answers", year.position()));
        }
    }
}

/// Puts files together until nothing is to be done.
pub async fn compact(table: &mut LakeTable, sizes: Sizes) -> anyhow::Result<()> {
    loop {
        let before = table.version();
        table.compact(sizes).await?;
        if table.version() == before {
            return Ok(());
        }
    }
}

/// The same files under another folder; none of them is ever changed.
fn link(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type()?.is_dir() {
            link(&from, &to)?;
        } else {
            fs::hard_link(&from, &to)
                .with_context(|| format!("could not link {}", to.display()))?;
        }
    }
    Ok(())
}

/// The active files of a table, as paths.
pub async fn files(lake: &Lake, declared: &'static Table) -> anyhow::Result<Vec<String>> {
    let table = LakeTable::existing(lake, declared)
        .await?
        .with_context(|| format!("there is no table {}", declared.name))?;
    let path = |uri: String| uri.strip_prefix("file://").unwrap_or(&uri).to_owned();
    Ok(table.files()?.into_iter().map(path).collect())
}

/// A recomputation of all answers of a lake, by the framework and the catalogue of the year.
pub async fn recompute(
    lake: &Lake,
    memory_bytes: usize,
    parts: usize,
) -> anyhow::Result<Recompute> {
    let answers = Answers::newest(lake, EPOCH, memory_bytes, parts).await?;
    let answers = answers.context("the lake has no answers")?;
    let model = Arc::new(Model::new(Framework::seconde(), &catalogue()?));
    let run = Run {
        run: 1,
        as_of: Year::end(),
        upto: Upto::Last,
    };
    Ok(Recompute::start(answers, model, run, Beside::default()).await?)
}

/// What some files hold and take.
pub fn size(files: &[String]) -> anyhow::Result<Size> {
    let mut size = Size {
        rows: 0,
        bytes: 0,
        files: files.len(),
        parts: Vec::new(),
    };
    for path in files {
        let file = fs::File::open(path).with_context(|| format!("could not open {path}"))?;
        size.bytes += file.metadata()?.len();
        let reader = SerializedFileReader::new(file)?;
        for group in reader.metadata().row_groups() {
            size.rows += u64::try_from(group.num_rows())?;
            for column in group.columns() {
                let name = column.column_path().string();
                let bytes = u64::try_from(column.compressed_size())?;
                match size.parts.iter_mut().find(|part| part.name == name) {
                    Some(part) => part.bytes += bytes,
                    None => size.parts.push(Part { name, bytes }),
                }
            }
        }
    }
    ensure!(size.rows > 0, "the files hold nothing");
    size.parts.sort_by_key(|part| std::cmp::Reverse(part.bytes));
    Ok(size)
}

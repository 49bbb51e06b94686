//! Whether a table holds what the database holds, up to the table's own position.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::hash::{DefaultHasher, Hasher as _};

use anyhow::Context as _;
use arrow::array::{AsArray as _, RecordBatch};
use arrow::datatypes::{Int32Type, TimestampMicrosecondType};
use arrow::error::ArrowError;
use arrow::row::{RowConverter, SortField};
use chrono::{DateTime, NaiveDate};
use datafusion::error::DataFusionError;
use datafusion::prelude::{SessionConfig, SessionContext};
use deltalake::kernel::LogicalFileView;
use futures::StreamExt as _;
use parquet::errors::ParquetError;
use schemas::tables::Table;

use crate::table::BUCKET;
use crate::upkeep::bucket;
use crate::{Lake, LakeError, LakeTable, Source, app_id, snapshot};

/// Microseconds of a day.
const DAY_US: i64 = 86_400_000_000;

/// What was found of a table.
#[derive(Debug)]
pub struct Verified {
    /// The table.
    pub table: &'static str,
    /// The version that was read.
    pub version: u64,
    /// The position of that version: what was stored later is not compared. Of a copy its edition: it is compared with
    /// the rows of that edition alone.
    pub position: i64,
    /// The position of the last statement stored; the edition that the database's rows are of.
    pub stored: i64,
    /// Rows that the table should hold.
    pub rows: u64,
    /// Days and buckets that are not equal.
    pub differences: Vec<Difference>,
    /// Files that cannot be read; their rows are missing in the differences.
    pub files: Vec<BadFile>,
}

impl Verified {
    /// Whether the table holds what the database holds.
    #[must_use]
    pub fn is_equal(&self) -> bool {
        self.differences.is_empty() && self.files.is_empty()
    }
}

/// A day (in UTC, of `stored`) and bucket of which the rows are not equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The day; none in a copy.
    pub day: Option<NaiveDate>,
    /// The bucket; none in a table that has none.
    pub bucket: Option<i32>,
    /// Rows by the database.
    pub database: u64,
    /// Rows in the lake; as many as in the database where their contents differ.
    pub lake: u64,
}

/// A file of the table's version that is not there or cannot be read.
#[derive(Clone, Debug)]
pub struct BadFile {
    /// Its place.
    pub file: String,
    /// How many rows it held, by the log.
    pub rows: Option<usize>,
    /// The bucket of all its rows, by the log; none when it held several.
    pub bucket: Option<i32>,
    /// Why it cannot be read.
    pub why: String,
}

/// Compares a table with the database by the number and the contents of the rows of each day and bucket.
///
/// Contents are the sum of a hash of each row: of all its columns as the relay would write them now.
/// Every row is read on both sides; what is in memory are the sums, and one piece or batch.
pub async fn verify(
    lake: &Lake,
    declared: &'static Table,
    source: &impl Source,
) -> anyhow::Result<Verified> {
    let app_id = app_id(&source.epoch().await?, declared);
    let table = LakeTable::existing(lake, declared).await?;
    let position = match &table {
        Some(table) => table.position(&app_id).await?,
        None => 0,
    };
    // After the version was read: whatever it may lack or hold of what was taken back is in it.
    let undecided = source.undecided(position).await?;
    let (found, files) = sums_of_lake(table.as_ref(), &undecided).await?;
    let wanted = sums_of_database(source, position, &undecided).await?;
    Ok(Verified {
        table: declared.name,
        version: table.as_ref().map_or(0, LakeTable::version),
        position,
        stored: source.stored().await?,
        rows: wanted.0.values().map(|sum| sum.rows).sum(),
        differences: differences(&wanted, &found),
        files,
    })
}

/// A table that is a copy, on its way to be compared with the rows of the database.
#[derive(Debug)]
pub struct Comparison {
    /// As if it were of no edition, and nothing were wanted.
    verified: Verified,
    edition: Option<i64>,
    found: Sums,
    wanted: Sums,
}

impl Comparison {
    /// Reads the copy whose edition is kept under `app_id`.
    pub async fn read(
        lake: &Lake,
        declared: &'static Table,
        app_id: &str,
    ) -> Result<Self, LakeError> {
        let table = LakeTable::existing(lake, declared).await?;
        let edition = match &table {
            Some(table) => table.edition(app_id).await?,
            None => None,
        };
        let (found, files) = sums_of_lake(table.as_ref(), &BTreeSet::new()).await?;
        let verified = Verified {
            table: declared.name,
            version: table.as_ref().map_or(0, LakeTable::version),
            position: edition.unwrap_or(0),
            stored: 0,
            rows: 0,
            differences: Vec::new(),
            files,
        };
        Ok(Self {
            verified,
            edition,
            found,
            wanted: Sums::default(),
        })
    }

    /// Counts rows of the database.
    pub fn count(&mut self, rows: &RecordBatch) -> Result<(), LakeError> {
        let counted = self.wanted.count(rows, &BTreeSet::new());
        counted.map_err(|error| LakeError::Query(self.verified.table, error.into()))
    }

    /// What was found, if the rows that were counted are of this edition. A copy of another one waits to be made
    /// anew, and has no differences.
    #[must_use]
    pub fn against(self, edition: i64) -> Verified {
        let is_same = self.edition == Some(edition);
        let differences = is_same.then(|| differences(&self.wanted, &self.found));
        Verified {
            stored: edition,
            rows: self.wanted.0.values().map(|sum| sum.rows).sum(),
            differences: differences.unwrap_or_default(),
            ..self.verified
        }
    }
}

/// The sums of all files, and those that have none.
async fn sums_of_lake(
    table: Option<&LakeTable>,
    undecided: &BTreeSet<String>,
) -> Result<(Sums, Vec<BadFile>), LakeError> {
    let mut files = Vec::new();
    let mut found = Sums::default();
    if let Some(table) = table {
        for file in table.state()?.log_data().iter() {
            match sums_of(table, &file, undecided).await? {
                Ok(sums) => found.add(&sums),
                Err(bad) => files.push(bad),
            }
        }
    }
    Ok((found, files))
}

async fn sums_of_database(
    source: &impl Source,
    through: i64,
    undecided: &BTreeSet<String>,
) -> anyhow::Result<Sums> {
    let mut sums = Sums::default();
    let mut after = 0;
    while after < through {
        let piece = source.as_of(after, through).await;
        let piece = piece.with_context(|| format!("could not read what comes after {after}"))?;
        if let Some(rows) = &piece.rows {
            sums.count(rows, undecided)?;
        }
        if piece.position == after || !piece.more {
            break;
        }
        after = piece.position;
    }
    Ok(sums)
}

/// The sums of a file, or why it has none.
async fn sums_of(
    table: &LakeTable,
    file: &LogicalFileView,
    undecided: &BTreeSet<String>,
) -> Result<Result<Sums, BadFile>, LakeError> {
    let uri = table.delta().log_store().to_uri(&file.object_store_path());
    let bad = |why| BadFile {
        file: uri.clone(),
        rows: file.num_records(),
        bucket: bucket(file),
        why,
    };
    // A scan takes a file that is not there for one without rows.
    if let Some(why) = snapshot::not_as_written(table, file).await? {
        return Ok(Err(bad(why)));
    }
    match read(table, &uri, undecided).await {
        Ok(sums) => Ok(Ok(sums)),
        Err(error) => match not_parquet(&error) {
            Some(why) => Ok(Err(bad(why))),
            None => Err(LakeError::Query(table.declared().name, error)),
        },
    }
}

async fn read(
    table: &LakeTable,
    uri: &str,
    undecided: &BTreeSet<String>,
) -> Result<Sums, DataFusionError> {
    let config = SessionConfig::new()
        .with_target_partitions(1)
        .with_batch_size(1024);
    let session = SessionContext::new_with_config(config);
    snapshot::register_files(&session, table, &[uri.to_owned()])
        .map_err(|error| DataFusionError::External(Box::new(error)))?;
    let rows = session.table(table.declared().name).await?;
    let mut rows = rows.execute_stream().await?;
    let mut sums = Sums::default();
    while let Some(rows) = rows.next().await {
        sums.count(&rows?, undecided)?;
    }
    Ok(sums)
}

/// What is wrong with a file's contents, where it is they and not the way to them.
fn not_parquet(error: &DataFusionError) -> Option<String> {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if error.is::<ParquetError>() {
            return Some(format!("it cannot be read: {error}"));
        }
        cause = error.source();
    }
    None
}

fn differences(wanted: &Sums, found: &Sums) -> Vec<Difference> {
    let places: BTreeSet<_> = wanted.0.keys().chain(found.0.keys()).collect();
    places
        .into_iter()
        .filter(|place| wanted.0.get(place) != found.0.get(place))
        .map(|place| Difference {
            day: place.0,
            bucket: place.1,
            database: wanted.0.get(place).map_or(0, |sum| sum.rows),
            lake: found.0.get(place).map_or(0, |sum| sum.rows),
        })
        .collect()
}

/// Rows, and the sum of their hashes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sum {
    rows: u64,
    hashes: u64,
}

/// By day and bucket, as far as the table has them.
#[derive(Debug, Default)]
struct Sums(BTreeMap<(Option<NaiveDate>, Option<i32>), Sum>);

impl Sums {
    fn add(&mut self, other: &Self) {
        for (place, more) in &other.0 {
            let sum = self.0.entry(*place).or_default();
            sum.rows += more.rows;
            sum.hashes = sum.hashes.wrapping_add(more.hashes);
        }
    }

    fn count(
        &mut self,
        rows: &RecordBatch,
        undecided: &BTreeSet<String>,
    ) -> Result<(), ArrowError> {
        let stored = rows.column_by_name("stored");
        let stored = stored.map(|column| column.as_primitive::<TimestampMicrosecondType>());
        let buckets = rows.column_by_name(BUCKET);
        let buckets = buckets.map(|column| column.as_primitive::<Int32Type>());
        let ids = rows.column_by_name("id");
        let ids = ids.map(|column| column.as_string::<i32>());
        let fields = rows.schema();
        let fields = fields.fields().iter();
        let converter = RowConverter::new(
            fields
                .map(|field| SortField::new(field.data_type().clone()))
                .collect(),
        )?;
        let bytes = converter.convert_columns(rows.columns())?;
        for (place, row) in bytes.iter().enumerate() {
            if ids.is_some_and(|ids| undecided.contains(ids.value(place))) {
                continue;
            }
            let mut hasher = DefaultHasher::new();
            hasher.write(row.data());
            let day = stored.map(|stored| day(stored.value(place))).transpose()?;
            let at = (day, buckets.map(|buckets| buckets.value(place)));
            let sum = self.0.entry(at).or_default();
            sum.rows += 1;
            sum.hashes = sum.hashes.wrapping_add(hasher.finish());
        }
        Ok(())
    }
}

fn day(us: i64) -> Result<NaiveDate, ArrowError> {
    DateTime::from_timestamp(us.div_euclid(DAY_US) * (DAY_US / 1_000_000), 0)
        .map(|at| at.date_naive())
        .ok_or_else(|| ArrowError::ComputeError(format!("{us} is no time")))
}

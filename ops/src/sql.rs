//! `sillage sql`: a question over the lake's tables, for the operator.
//!
//! It reads files and nothing else: no service and no database need run, and none is disturbed.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use arrow::array::{Array as _, ArrayRef, RecordBatch, StringArray};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use arrow::util::pretty::pretty_format_batches;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use lake::{Lake, Limits, Questions, SqlError};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use tempfile::NamedTempFile;

use crate::cli::{Format, SqlArgs};
use crate::exit::{Code, Failure};

/// Rows of a table for people at most: its columns are as wide as what stands in them, so all rows are
/// held until the last.
const TABLE_ROWS: usize = 1000;

/// Rows and their columns, in the order in which they come.
struct Rows {
    schema: SchemaRef,
    batches: BoxStream<'static, anyhow::Result<RecordBatch>>,
}

/// Runs the command.
pub(crate) async fn run(args: SqlArgs) -> anyhow::Result<()> {
    let format = args.format();
    if format == Format::Parquet && args.output.is_none() {
        let message = "parquet is not for a terminal: name a file with --output";
        return Err(Failure::new(Code::Settings, message).into());
    }
    let lake = Lake::at(&args.installation.settings()?.lake_root());
    let longest = Duration::from_secs(args.time_max_s);
    match tokio::time::timeout(longest, answer(&lake, &args, format)).await {
        Ok(answered) => answered,
        Err(_) => {
            let message = format!(
                "the query took more than {} s (--time-max-s)",
                args.time_max_s
            );
            Err(Failure::new(Code::Limits, message).into())
        }
    }
}

async fn answer(lake: &Lake, args: &SqlArgs, format: Format) -> anyhow::Result<()> {
    let limits = Limits {
        memory_bytes: args.memory_max_mb.saturating_mul(1 << 20),
        spill_bytes: args.spill_max_mb.saturating_mul(1 << 20),
    };
    let stream = Questions::open(lake, limits)
        .await?
        .ask(&args.query)
        .await?;
    let rows = Rows {
        schema: stream.schema(),
        batches: stream
            .map(|batch| Ok(batch.map_err(SqlError::from)?))
            .boxed(),
    };
    match &args.output {
        Some(file) => to_file(rows, format, file).await,
        None => to_standard_output(rows, format).await,
    }
}

/// The file is there when it is whole, and not before.
async fn to_file(rows: Rows, format: Format, file: &Path) -> anyhow::Result<()> {
    let not_writable = || format!("{} is not writable", file.display());
    let folder = match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let beside = NamedTempFile::new_in(folder).with_context(not_writable)?;
    let out = BufWriter::new(beside.reopen().with_context(not_writable)?);
    let out = write(rows, format, out).await?;
    let written: File = out.into_inner().with_context(not_writable)?;
    written.sync_all().with_context(not_writable)?;
    beside.persist(file).with_context(not_writable)?;
    Ok(())
}

/// Whoever reads may have gone away, which is not our failure.
async fn to_standard_output(rows: Rows, format: Format) -> anyhow::Result<()> {
    match write(rows, format, BufWriter::new(io::stdout())).await {
        Err(error) if has_gone(&error) => Ok(()),
        other => other.map(drop),
    }
}

fn has_gone(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        // Arrow keeps of an error of CSV or JSON its text alone, the cause's kind with it.
        cause
            .downcast_ref::<io::Error>()
            .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
            || cause.to_string().contains("Broken pipe")
    })
}

async fn write<W: Write + Send>(rows: Rows, format: Format, out: W) -> anyhow::Result<W> {
    match format {
        Format::Table => table(rows, out).await,
        Format::Csv => csv(rows, out).await,
        Format::Json => json(rows, out).await,
        Format::Parquet => parquet(rows, out).await,
    }
}

/// The first rows, for people.
async fn table<W: Write>(mut rows: Rows, mut out: W) -> anyhow::Result<W> {
    // A batch without rows gives the columns their names where there is no other.
    let mut shown = vec![RecordBatch::new_empty(rows.schema)];
    let mut room = TABLE_ROWS;
    let mut left_out = false;
    while let Some(batch) = rows.batches.next().await {
        let batch = batch?;
        left_out = batch.num_rows() > room;
        let taken = batch.slice(0, room.min(batch.num_rows()));
        room -= taken.num_rows();
        shown.push(taken);
        if left_out {
            break;
        }
    }
    writeln!(out, "{}", pretty_format_batches(&shown)?)?;
    if left_out {
        writeln!(
            out,
            "(the first {TABLE_ROWS} rows; --format csv, json or parquet gives all)"
        )?;
    }
    out.flush()?;
    Ok(out)
}

async fn csv<W: Write>(mut rows: Rows, out: W) -> anyhow::Result<W> {
    let mut writer = arrow::csv::Writer::new(out);
    // The line of names comes with the first batch, rows or not.
    writer.write(&flat(&RecordBatch::new_empty(rows.schema))?)?;
    while let Some(batch) = rows.batches.next().await {
        writer.write(&flat(&batch?)?)?;
    }
    let mut out = writer.into_inner();
    out.flush()?;
    Ok(out)
}

/// A list is one field of a line, as a table for people has it: `[a, b]`.
fn flat(batch: &RecordBatch) -> anyhow::Result<RecordBatch> {
    let options = FormatOptions::default();
    let columns = batch.schema_ref().fields().iter().zip(batch.columns());
    let columns = columns.map(|(field, column)| {
        if !field.data_type().is_nested() {
            return Ok((field.name(), Arc::clone(column)));
        }
        let written = ArrayFormatter::try_new(column, &options)?;
        let texts = (0..column.len())
            .map(|row| column.is_valid(row).then(|| written.value(row).to_string()));
        let texts: ArrayRef = Arc::new(texts.collect::<StringArray>());
        Ok((field.name(), texts))
    });
    let columns: Vec<_> = columns.collect::<Result<_, ArrowError>>()?;
    if columns.is_empty() {
        return Ok(batch.clone());
    }
    Ok(RecordBatch::try_from_iter_with_nullable(
        columns
            .into_iter()
            .map(|(name, column)| (name, column, true)),
    )?)
}

/// One object a line; a column without a value is null.
async fn json<W: Write>(mut rows: Rows, out: W) -> anyhow::Result<W> {
    let mut writer = arrow::json::WriterBuilder::new()
        .with_explicit_nulls(true)
        .build::<_, arrow::json::writer::LineDelimited>(out);
    while let Some(batch) = rows.batches.next().await {
        writer.write(&batch?)?;
    }
    writer.finish()?;
    let mut out = writer.into_inner();
    out.flush()?;
    Ok(out)
}

async fn parquet<W: Write + Send>(mut rows: Rows, out: W) -> anyhow::Result<W> {
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .build();
    let mut writer = ArrowWriter::try_new(out, rows.schema, Some(properties))?;
    while let Some(batch) = rows.batches.next().await {
        writer.write(&batch?)?;
    }
    let mut out = writer.into_inner()?;
    out.flush()?;
    Ok(out)
}

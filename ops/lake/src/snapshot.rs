//! The active files of one version of a table, as a table of a `DataFusion` session.

use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::datasource::MemTable;
use datafusion::datasource::file_format::parquet::{ParquetFormat, transform_schema_to_view};
use datafusion::datasource::listing::{
    ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl,
};
use datafusion::error::DataFusionError;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::prelude::{DataFrame, SessionConfig, SessionContext};
use deltalake::kernel::LogicalFileView;
use futures::future::try_join_all;
use object_store::ObjectStoreExt as _;
use schemas::tables::Table;

use crate::pool::SpillPool;
use crate::{LakeError, LakeTable};

/// How texts are read.
#[derive(Clone, Copy, Debug)]
enum Texts {
    /// Copied into the column, as they are written.
    Plain,
    /// As views, which point into the pages of the file: a text that stands in a dictionary is never copied.
    Views,
}

/// A session for a job: it sorts within `memory_bytes` and spills to disk beyond.
pub fn session(memory_bytes: usize) -> Result<SessionContext, DataFusionError> {
    let runtime = RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(SpillPool::new(memory_bytes)))
        .build_arc()?;
    let config = SessionConfig::new().with_information_schema(false);
    Ok(SessionContext::new_with_config_rt(config, runtime))
}

/// Files whose presence is asked for at the same time.
const ASKED_AT_ONCE: usize = 16;

/// Registers the version of `table` that was read last under the table's name.
///
/// The files are listed by the Delta log and read as plain Parquet, the way that is right on a local
/// disk, on object storage and on a cluster.
///
/// # Errors
/// [`LakeError::File`] when one of them is not there or has another size: a scan would take it for one
/// without rows.
pub async fn register(session: &SessionContext, table: &LakeTable) -> Result<(), LakeError> {
    let files: Vec<_> = table.state()?.log_data().iter().collect();
    for some in files.chunks(ASKED_AT_ONCE) {
        let asked = some.iter().map(|file| not_as_written(table, file));
        for (file, why) in some.iter().zip(try_join_all(asked).await?) {
            let Some(why) = why else { continue };
            let path = file.object_store_path();
            return Err(LakeError::File {
                table: table.declared().name,
                file: table.delta().log_store().to_uri(&path),
                why,
            });
        }
    }
    know_store(session, table);
    add(session, table.declared(), &table.files()?, Texts::Views)
}

/// What is wrong with a file, as far as its size tells.
pub(crate) async fn not_as_written(
    table: &LakeTable,
    file: &LogicalFileView,
) -> Result<Option<String>, LakeError> {
    let store = table.delta().object_store();
    match store.head(&file.object_store_path()).await {
        Ok(found) if i64::try_from(found.size) == Ok(file.size()) => Ok(None),
        Ok(found) => Ok(Some(format!(
            "it has {} bytes, {} were written",
            found.size,
            file.size()
        ))),
        Err(object_store::Error::NotFound { .. }) => Ok(Some("it is not there".to_owned())),
        Err(error) => Err(table.fault("read")(error.into())),
    }
}

/// Registers the version that was read last, or an empty table where there is none, under its name.
pub(crate) async fn register_if_any(
    session: &SessionContext,
    declared: &'static Table,
    table: Option<&LakeTable>,
) -> Result<(), LakeError> {
    match table {
        Some(table) => register(session, table).await,
        None => add(session, declared, &[], Texts::Views),
    }
}

/// Some files of a table, to be read within `session`.
pub fn frame(
    session: &SessionContext,
    table: &LakeTable,
    files: &[String],
) -> Result<DataFrame, LakeError> {
    know_store(session, table);
    let declared = table.declared();
    provider(declared, files, Texts::Views)
        .and_then(|provider| session.read_table(provider))
        .map_err(|source| LakeError::Query(declared.name, source))
}

/// Registers some files of a table under the table's name, in the columns that it is written in.
pub(crate) fn register_files(
    session: &SessionContext,
    table: &LakeTable,
    files: &[String],
) -> Result<(), LakeError> {
    know_store(session, table);
    add(session, table.declared(), files, Texts::Plain)
}

fn know_store(session: &SessionContext, table: &LakeTable) {
    let log_store = table.delta().log_store();
    // The local disk is known to every session.
    if log_store.root_url().scheme() != "file" {
        session.register_object_store(log_store.root_url(), log_store.root_object_store(None));
    }
}

fn add(
    session: &SessionContext,
    declared: &Table,
    files: &[String],
    texts: Texts,
) -> Result<(), LakeError> {
    provider(declared, files, texts)
        .and_then(|provider| session.register_table(declared.name, provider))
        .map_err(|source| LakeError::Query(declared.name, source))?;
    Ok(())
}

fn provider(
    declared: &Table,
    files: &[String],
    texts: Texts,
) -> Result<Arc<dyn TableProvider>, DataFusionError> {
    let schema = match texts {
        Texts::Plain => declared.arrow_schema(),
        Texts::Views => Arc::new(transform_schema_to_view(&declared.arrow_schema())),
    };
    if files.is_empty() {
        return Ok(Arc::new(MemTable::try_new(schema, vec![vec![]])?));
    }
    let urls = files
        .iter()
        .map(ListingTableUrl::parse)
        .collect::<Result<Vec<_>, _>>()?;
    let options =
        ListingOptions::new(Arc::new(ParquetFormat::default())).with_file_extension(".parquet");
    let config = ListingTableConfig::new_with_multi_paths(urls)
        .with_listing_options(options)
        .with_schema(schema);
    Ok(Arc::new(ListingTable::try_new(config)?))
}

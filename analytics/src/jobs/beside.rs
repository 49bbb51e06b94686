//! What the jobs' plans join to the lake's answers, as small tables of a session; and identifiers as the lake has
//! them.

use std::collections::HashSet;
use std::str::FromStr;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use datafusion::datasource::MemTable;
use datafusion::prelude::SessionContext;
use schemas::ids::{AccountKey, StatementId};

use super::recompute::RecomputeError;
use crate::store::account_person::Owners;

/// Whose accounts are, as the table `account_person` (account, person).
pub(super) fn register_owners(
    session: &SessionContext,
    owners: &Owners,
) -> Result<(), RecomputeError> {
    let accounts = owners.keys().map(ToString::to_string).collect();
    let persons = owners.values().map(ToString::to_string).collect();
    let columns = [("account", accounts), ("person", persons)];
    register(session, "account_person", &columns)
}

/// Accounts that are one of several of their person, as the table `several` (account).
pub(super) fn register_several(
    session: &SessionContext,
    several: &HashSet<AccountKey>,
) -> Result<(), RecomputeError> {
    let accounts = several.iter().map(ToString::to_string).collect();
    register(session, "several", &[("account", accounts)])
}

/// Answers that do not count, as the table `voided` (id).
pub(super) fn register_left_out(
    session: &SessionContext,
    left_out: &[StatementId],
) -> Result<(), RecomputeError> {
    let ids = left_out.iter().map(ToString::to_string).collect();
    register(session, "voided", &[("id", ids)])
}

fn register(
    session: &SessionContext,
    name: &str,
    columns: &[(&str, Vec<String>)],
) -> Result<(), RecomputeError> {
    let fields = columns
        .iter()
        .map(|(name, _)| Field::new(*name, DataType::Utf8, false));
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    let arrays = columns
        .iter()
        .map(|(_, texts)| Arc::new(StringArray::from_iter_values(texts)) as ArrayRef);
    let batch = RecordBatch::try_new(Arc::clone(&schema), arrays.collect())?;
    let table = MemTable::try_new(schema, vec![vec![batch]])?;
    session.register_table(name, Arc::new(table))?;
    Ok(())
}

/// An identifier of the lake.
pub(super) fn parse<T: FromStr>(text: &str, what: &'static str) -> Result<T, RecomputeError> {
    text.parse().map_err(|_| RecomputeError::Id(what))
}

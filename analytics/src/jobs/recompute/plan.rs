//! The plan: from the files of one version to folded persons.
//!
//! Compacted files hold one bucket each and are sorted by account. They are dealt out by bucket, so that all
//! answers of an account are in one part of the plan, with neither exchange nor sort; what the upkeep has
//! not sorted yet is read by every part, which takes the rows of its buckets and sorts them by account. Answers of persons
//! who have several accounts are exchanged and sorted by person.

use std::collections::BTreeMap;
use std::sync::Arc;

use ::lake::{LakeTable, frame};
use arrow::array::{Array as _, ArrayRef, AsArray as _, BooleanArray, FixedSizeBinaryBuilder};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use datafusion::error::Result;
use datafusion::logical_expr::{
    Cast, ColumnarValue, ScalarFunctionImplementation, ScalarUDF, Volatility, create_udf,
};
use datafusion::physical_expr::expressions::col as physical_col;
use datafusion::physical_expr::{LexOrdering, PhysicalSortExpr};
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::repartition::RepartitionExec;
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::union::UnionExec;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties as _, Partitioning};
use datafusion::prelude::{DataFrame, Expr, SessionContext, col, lit};
use schemas::ids::{AccountKey, PersonKey};

use super::answers::{COLUMNS, TEXTS};
use super::operator::{Accounts, FoldExec, Known};
use super::{RecomputeError, folds};

/// Sorted layers that are gone through side by side: each of them has a page of each column in memory, which cannot spill.
/// What is in further ones is sorted.
const SIDE_BY_SIDE: usize = 16;

/// The order in which compaction leaves rows, ascending.
const ORDER: [&str; 2] = ["bucket", "account"];

/// The key that answers of persons with several accounts are exchanged and sorted by.
const PERSON: &str = "person";

/// The parts of the plan over the version of `table` that was read last: so many for persons with one account,
/// and one for the others, if there are any, as wide as the session.
pub(super) async fn parts(
    session: &SessionContext,
    table: &LakeTable,
    known: &Arc<Known>,
    parts: usize,
) -> Result<Vec<Arc<dyn ExecutionPlan>>, RecomputeError> {
    let files = Files::of(table)?;
    let mut all: Vec<Arc<dyn ExecutionPlan>> = Vec::new();
    for part in 0..parts {
        let inputs = by_bucket(session, table, &files, part, parts).await?;
        if !inputs.is_empty() {
            all.push(fold(inputs, known, Accounts::Single));
        }
    }
    if !known.shared.is_empty() {
        let input = by_person(session, table, &files, known).await?;
        all.push(fold(vec![input], known, Accounts::Shared));
    }
    Ok(all)
}

/// The plan of all parts.
pub(super) fn together(
    mut parts: Vec<Arc<dyn ExecutionPlan>>,
) -> Result<Arc<dyn ExecutionPlan>, RecomputeError> {
    let all = match parts.len() {
        0 => Arc::new(EmptyExec::new(folds::schema())),
        1 => parts.remove(0),
        _ => UnionExec::try_new(parts)?,
    };
    Ok(in_one_stream(all))
}

/// All partitions of a plan as one.
pub(super) fn in_one_stream(plan: Arc<dyn ExecutionPlan>) -> Arc<dyn ExecutionPlan> {
    Arc::new(CoalescePartitionsExec::new(plan))
}

fn fold(
    inputs: Vec<Arc<dyn ExecutionPlan>>,
    known: &Arc<Known>,
    accounts: Accounts,
) -> Arc<dyn ExecutionPlan> {
    Arc::new(FoldExec::new(inputs, Arc::clone(known), accounts))
}

/// The files of a version, by what they hold.
struct Files {
    /// Of one bucket.
    buckets: BTreeMap<i32, Vec<String>>,
    /// Of several.
    mixed: Vec<String>,
}

impl Files {
    fn of(table: &LakeTable) -> Result<Self, RecomputeError> {
        let mut files = Self {
            buckets: BTreeMap::new(),
            mixed: Vec::new(),
        };
        for (bucket, file) in table.files_by_bucket()? {
            match bucket {
                Some(bucket) => files.buckets.entry(bucket).or_default().push(file),
                None => files.mixed.push(file),
            }
        }
        Ok(files)
    }

    /// The files of a part's buckets, in layers: one file a bucket each, so that one after another they are
    /// sorted as each of them is.
    fn layers(&self, part: usize, parts: usize) -> Vec<Vec<String>> {
        let mut layers: Vec<Vec<String>> = Vec::new();
        for (bucket, files) in &self.buckets {
            if usize::try_from(*bucket).unwrap_or_default() % parts != part {
                continue;
            }
            for (n, file) in files.iter().enumerate() {
                if n == layers.len() {
                    layers.push(Vec::new());
                }
                layers[n].push(file.clone());
            }
        }
        layers
    }

    fn all(&self) -> Vec<String> {
        let of_buckets = self.buckets.values().flatten();
        of_buckets.chain(&self.mixed).cloned().collect()
    }
}

/// The answers of the buckets that are a part's, in inputs that are sorted by bucket and account each; none where there are
/// no files.
async fn by_bucket(
    session: &SessionContext,
    table: &LakeTable,
    files: &Files,
    part: usize,
    parts: usize,
) -> Result<Vec<Arc<dyn ExecutionPlan>>, RecomputeError> {
    let session = in_one_part(session);
    let (mut inputs, mut unsorted) = (Vec::new(), Vec::new());
    for layer in files.layers(part, parts) {
        let layer = frame(&session, table, &layer)?;
        let as_read = layer.clone().select(columns("bucket", Texts::AsRead))?;
        let as_read = as_read.create_physical_plan().await?;
        if inputs.len() < SIDE_BY_SIDE && is_sorted(&as_read)? {
            inputs.push(as_read);
        } else {
            unsorted.push(layer.select(columns("bucket", Texts::Copied))?);
        }
    }
    if !files.mixed.is_empty() {
        let [of, parts] = [part, parts].map(|n| lit(i32::try_from(n).unwrap_or(i32::MAX)));
        let mine = (col("bucket") % parts).eq(of);
        let mixed = frame(&session, table, &files.mixed)?.filter(mine)?;
        unsorted.push(mixed.select(columns("bucket", Texts::Copied))?);
    }
    let mut all: Option<DataFrame> = None;
    for frame in unsorted {
        all = Some(match all {
            Some(all) => all.union(frame)?,
            None => frame,
        });
    }
    if let Some(all) = all {
        let order = ORDER.map(|name| col(name).sort(true, true));
        inputs.push(all.sort(order.to_vec())?.create_physical_plan().await?);
    }
    Ok(inputs)
}

/// Whether rows come in [`ORDER`], by the footers of their files: a removal writes a file again without saying that it is
/// sorted.
fn is_sorted(rows: &Arc<dyn ExecutionPlan>) -> Result<bool> {
    let schema = rows.schema();
    let order = ORDER.map(|name| physical_col(name, &schema).map(PhysicalSortExpr::new_default));
    let order = order.into_iter().collect::<Result<Vec<_>>>()?;
    let in_one_stream = rows.output_partitioning().partition_count() == 1;
    Ok(in_one_stream && rows.equivalence_properties().ordering_satisfy(order)?)
}

/// The answers of persons who have several accounts, each person's in one part, sorted by person.
async fn by_person(
    session: &SessionContext,
    table: &LakeTable,
    files: &Files,
    known: &Arc<Known>,
) -> Result<Arc<dyn ExecutionPlan>, RecomputeError> {
    let parts = session.copied_config().target_partitions();
    let rows = frame(session, table, &files.all())?
        .filter(is_shared(known).call(vec![col("account")]))?
        .select(columns("account", Texts::Copied))?
        .with_column(PERSON, person_of(known).call(vec![col("account")]))?;
    let rows = rows.create_physical_plan().await?;
    let person = physical_col(PERSON, &rows.schema())?;
    let exchanged = Partitioning::Hash(vec![Arc::clone(&person)], parts);
    let exchanged = Arc::new(RepartitionExec::try_new(rows, exchanged)?);
    let order = LexOrdering::from([PhysicalSortExpr::new_default(person)]);
    Ok(Arc::new(
        SortExec::new(order, exchanged).with_preserve_partitioning(true),
    ))
}

/// How texts go on.
#[derive(Clone, Copy, Debug)]
enum Texts {
    /// As views into the pages that were read: nothing is copied.
    AsRead,
    /// Copied out of the pages: what waits to be sorted would else keep whole pages in memory.
    Copied,
}

/// The columns that are folded, and one besides.
fn columns(besides: &str, texts: Texts) -> Vec<Expr> {
    let others = COLUMNS.iter().filter(|name| **name != besides);
    let column = |name: &str| match texts {
        Texts::Copied if TEXTS.contains(&name) => {
            Expr::Cast(Cast::new(Box::new(col(name)), DataType::Utf8)).alias(name)
        }
        _ => col(name),
    };
    std::iter::once(besides)
        .chain(others.copied())
        .map(column)
        .collect()
}

/// A session whose plans have one part.
fn in_one_part(session: &SessionContext) -> SessionContext {
    let mut config = session.copied_config().with_target_partitions(1);
    // Files of a layer follow each other by what the log tells of them, not by name.
    config
        .options_mut()
        .execution
        .split_file_groups_by_statistics = true;
    SessionContext::new_with_config_rt(config, session.runtime_env())
}

/// Whether an account is one of several of its person.
pub(super) fn is_shared(known: &Arc<Known>) -> ScalarUDF {
    let known = Arc::clone(known);
    let of = move |account: Option<AccountKey>| {
        Some(account.is_some_and(|account| known.shared.contains(&account)))
    };
    let function: ScalarFunctionImplementation = Arc::new(move |arguments| {
        let accounts = accounts(arguments)?;
        let shared: BooleanArray = accounts.into_iter().map(&of).collect();
        Ok(ColumnarValue::Array(Arc::new(shared)))
    });
    create_udf(
        "is_shared",
        vec![DataType::Utf8View],
        DataType::Boolean,
        Volatility::Immutable,
        function,
    )
}

/// The person of an account.
pub(super) fn person_of(known: &Arc<Known>) -> ScalarUDF {
    let known = Arc::clone(known);
    let function: ScalarFunctionImplementation = Arc::new(move |arguments| {
        let mut persons = FixedSizeBinaryBuilder::new(16);
        for account in accounts(arguments)? {
            match account {
                Some(account) => {
                    let owner = known.owners.get(&account).copied();
                    let person = owner.unwrap_or_else(|| PersonKey::from(account));
                    persons.append_value(person.as_uuid())?;
                }
                None => persons.append_null(),
            }
        }
        Ok(ColumnarValue::Array(Arc::new(persons.finish())))
    });
    create_udf(
        "person_of",
        vec![DataType::Utf8View],
        DataType::FixedSizeBinary(16),
        Volatility::Immutable,
        function,
    )
}

fn accounts(arguments: &[ColumnarValue]) -> Result<Vec<Option<AccountKey>>> {
    let arrays = ColumnarValue::values_to_arrays(arguments)?;
    let texts: ArrayRef = cast(&arrays[0], &DataType::Utf8View)?;
    let texts = texts.as_string_view();
    Ok((0..texts.len())
        .map(|n| texts.is_valid(n).then(|| texts.value(n).parse().ok())?)
        .collect())
}

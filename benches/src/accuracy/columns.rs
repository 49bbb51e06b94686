//! Columns as plain values, whichever of Arrow's types a writer gave them.
//!
//! Whole numbers may be of any width, with or without sign, or written as floats or decimals that have no
//! fraction; each column may be encoded by a dictionary. A value that would have to be cut to fit is an
//! error, never another value.

use anyhow::{Context as _, bail, ensure};
use arrow::array::{Array, ArrayRef, AsArray as _, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Float64Type, Int64Type, TimeUnit, UInt64Type};

/// A column of whole numbers; none may be missing.
pub(crate) fn integers(batch: &RecordBatch, name: &str) -> anyhow::Result<Vec<i64>> {
    let values = integers_or_none(batch, name)?.into_iter();
    let values: Option<Vec<i64>> = values.collect();
    values.with_context(|| format!("column {name} has missing values"))
}

/// A column of whole numbers, of which some may be missing.
pub(crate) fn integers_or_none(
    batch: &RecordBatch,
    name: &str,
) -> anyhow::Result<Vec<Option<i64>>> {
    whole(&*column(batch, name)?).with_context(|| format!("column {name}"))
}

/// A column of lists of whole numbers, of any kind of list; a number that stands alone is a list of one. A
/// list that is missing is empty, numbers that are missing in it are left out.
pub(crate) fn lists(batch: &RecordBatch, name: &str) -> anyhow::Result<Vec<Vec<i64>>> {
    let column = column(batch, name)?;
    lists_of(&column).with_context(|| format!("column {name}"))
}

/// A column of times in seconds from any beginning; `None` where a time is missing, negative or no number.
///
/// Numbers are seconds; times, durations and dates that have a unit are converted.
pub(crate) fn times(batch: &RecordBatch, name: &str) -> anyhow::Result<Vec<Option<f64>>> {
    let column = column(batch, name)?;
    let (numbers, per_second) = match column.data_type() {
        DataType::Timestamp(unit, _) | DataType::Duration(unit) => {
            (cast(&column, &DataType::Int64)?, per_second(*unit))
        }
        DataType::Date32 | DataType::Date64 => {
            let unit = TimeUnit::Millisecond;
            let dates = cast(&column, &DataType::Timestamp(unit, None))?;
            (cast(&dates, &DataType::Int64)?, per_second(unit))
        }
        kind if kind.is_numeric() || kind.is_null() => (ArrayRef::clone(&column), 1.0),
        kind => bail!("column {name} holds {kind}, which is no time"),
    };
    let seconds = cast(&numbers, &DataType::Float64)?;
    let seconds = seconds.as_primitive::<Float64Type>().iter();
    let known = |time: f64| (time >= 0.0 && time.is_finite()).then_some(time / per_second);
    Ok(seconds.map(|time| time.and_then(known)).collect())
}

fn per_second(unit: TimeUnit) -> f64 {
    match unit {
        TimeUnit::Second => 1.0,
        TimeUnit::Millisecond => 1e3,
        TimeUnit::Microsecond => 1e6,
        TimeUnit::Nanosecond => 1e9,
    }
}

/// A column, its dictionary unpacked.
fn column(batch: &RecordBatch, name: &str) -> anyhow::Result<ArrayRef> {
    let column = batch
        .column_by_name(name)
        .with_context(|| format!("there is no column {name}"))?;
    unpacked(column)
}

fn unpacked(column: &ArrayRef) -> anyhow::Result<ArrayRef> {
    Ok(match column.data_type() {
        DataType::Dictionary(_, values) => cast(column, values)?,
        _ => ArrayRef::clone(column),
    })
}

fn whole(column: &dyn Array) -> anyhow::Result<Vec<Option<i64>>> {
    let kind = column.data_type();
    if *kind == DataType::UInt64 {
        // The same bits: large numbers are names, which have to stay apart and nothing else.
        let values = column.as_primitive::<UInt64Type>().iter();
        return Ok(values.map(|value| value.map(u64::cast_signed)).collect());
    }
    if kind.is_floating() || kind.is_decimal() {
        let values = cast(column, &DataType::Float64)?;
        let values = values.as_primitive::<Float64Type>().iter();
        // Many write NaN for what is missing.
        let values = values.map(|value| value.filter(|value| !value.is_nan()));
        return values.map(|value| value.map(exact).transpose()).collect();
    }
    ensure!(
        kind.is_integer() || matches!(kind, DataType::Boolean | DataType::Null),
        "{kind} are no whole numbers"
    );
    let values = cast(column, &DataType::Int64)?;
    Ok(values.as_primitive::<Int64Type>().iter().collect())
}

/// Above this floats have gaps between whole numbers.
const GAPS: f64 = 9_007_199_254_740_992.0;

fn exact(value: f64) -> anyhow::Result<i64> {
    ensure!(
        value.trunc() == value && value.abs() <= GAPS,
        "{value} is no whole number"
    );
    Ok(value as i64)
}

fn lists_of(column: &ArrayRef) -> anyhow::Result<Vec<Vec<i64>>> {
    use DataType::{FixedSizeList, LargeList, LargeListView, List, ListView};
    let (List(of) | LargeList(of) | ListView(of) | LargeListView(of) | FixedSizeList(of, _)) =
        column.data_type()
    else {
        let alone = whole(column)?.into_iter();
        return Ok(alone.map(|value| value.into_iter().collect()).collect());
    };
    let large = LargeList(Field::new("item", of.data_type().clone(), true).into());
    let lists = cast(column, &large)?;
    let lists = lists.as_list::<i64>();
    let values = whole(&*unpacked(lists.values())?)?;
    let list = |n: usize| -> anyhow::Result<Vec<i64>> {
        if lists.is_null(n) {
            return Ok(Vec::new());
        }
        let (from, to) = (lists.value_offsets()[n], lists.value_offsets()[n + 1]);
        let place = usize::try_from(from)?..usize::try_from(to)?;
        Ok(values[place].iter().flatten().copied().collect())
    };
    (0..lists.len()).map(list).collect()
}

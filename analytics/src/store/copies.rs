//! Tables that the lake has copies of: small next to statements, and changed rather than appended to.

use std::pin::pin;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Float64Array, Int32Array, Int64Array, ListBuilder, RecordBatch,
    StringArray, StringBuilder, TimestampMicrosecondArray,
};
use chrono::{DateTime, NaiveDate, Utc};
use futures::TryStreamExt as _;
use schemas::tables::{Column, ColumnType, Table, accounts, catalogue, roster};
use service::pg::Pool;
use tokio_postgres::Row;
use tokio_postgres::types::FromSql;

use super::StoreError;

/// Rows that are in memory at once.
const ROWS: usize = 5_000;

const NO_PARAMETERS: [i64; 0] = [];

/// A table, and where its rows are in the database.
#[derive(Debug)]
pub struct Copied {
    /// The lake's table.
    pub table: &'static Table,
    edition: &'static str,
    rows: &'static str,
}

/// All of them.
pub const ALL: [Copied; 3] = [CATALOGUE, ROSTER, ACCOUNTS];

/// How each item of the catalogue was.
pub const CATALOGUE: Copied = Copied {
    table: &catalogue::TABLE,
    edition: include_str!("sql/copies_edition_catalogue.sql"),
    rows: include_str!("sql/copies_catalogue.sql"),
};

/// Who was in which class.
pub const ROSTER: Copied = Copied {
    table: &roster::TABLE,
    edition: include_str!("sql/copies_edition_roster.sql"),
    rows: include_str!("sql/copies_roster.sql"),
};

/// Whose an account was.
pub const ACCOUNTS: Copied = Copied {
    table: &accounts::TABLE,
    edition: include_str!("sql/copies_edition_accounts.sql"),
    rows: include_str!("sql/copies_accounts.sql"),
};

/// Why rows were not read.
#[derive(Debug, thiserror::Error)]
pub enum CopyError<E> {
    /// The database did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What was to be done with them failed.
    #[error(transparent)]
    Taker(E),
}

/// Who takes the rows as they come.
pub trait Taker {
    /// Why they were not taken.
    type Error;

    /// Takes some.
    fn take(&mut self, rows: RecordBatch) -> impl Future<Output = Result<(), Self::Error>> + Send;
}

impl Copied {
    /// A number that is another one whenever a row is.
    pub async fn edition(&self, pool: &Pool) -> Result<i64, StoreError> {
        let client = super::client(pool).await?;
        Ok(super::query_one(&client, self.edition, &[]).await?.get(0))
    }

    /// Hands over all rows, some at a time, in the columns and the order of the lake's table; gives the edition that
    /// they are, and how many.
    pub async fn read<T: Taker>(
        &self,
        pool: &Pool,
        taker: &mut T,
    ) -> Result<(i64, usize), CopyError<T::Error>> {
        let mut client = super::client(pool).await?;
        let transaction = super::begin_snapshot(&mut client).await?;
        let edition = super::query_one(&transaction, self.edition, &[]).await?;
        let query = transaction.prepare_cached(self.rows).await;
        let query = query.map_err(StoreError::from)?;
        let rows = transaction.query_raw(&query, NO_PARAMETERS).await;
        let mut rows = pin!(rows.map_err(StoreError::from)?.try_chunks(ROWS));
        let mut count = 0;
        loop {
            let next = rows.try_next().await;
            let Some(some) = next.map_err(|error| StoreError::from(error.1))? else {
                return Ok((edition.get(0), count));
            };
            count += some.len();
            let taken = taker.take(batch(self.table, &some)?).await;
            taken.map_err(CopyError::Taker)?;
        }
    }
}

/// Rows in the columns of a table, each by its name.
fn batch(table: &'static Table, rows: &[Row]) -> Result<RecordBatch, StoreError> {
    let columns = table.columns.iter().map(|column| values(column, rows));
    let columns = columns.collect::<Result<Vec<_>, _>>()?;
    // A null where none may be is as bad as another type.
    RecordBatch::try_new(table.arrow_schema(), columns)
        .map_err(|_| StoreError::Document(table.name))
}

fn values(column: &Column, rows: &[Row]) -> Result<ArrayRef, StoreError> {
    Ok(match column.kind {
        ColumnType::Int32 => Arc::new(Int32Array::from(of::<i32>(column, rows)?)),
        ColumnType::Int64 => Arc::new(Int64Array::from(of::<i64>(column, rows)?)),
        ColumnType::Float64 => Arc::new(Float64Array::from(of::<f64>(column, rows)?)),
        ColumnType::Boolean => Arc::new(BooleanArray::from(of::<bool>(column, rows)?)),
        ColumnType::Utf8 => Arc::new(StringArray::from(of::<&str>(column, rows)?)),
        ColumnType::Timestamp => {
            let times = of::<DateTime<Utc>>(column, rows)?.into_iter();
            let micros = times.map(|at| at.map(|at| at.timestamp_micros()));
            Arc::new(TimestampMicrosecondArray::from_iter(micros).with_timezone("UTC"))
        }
        ColumnType::Date => {
            let days = of::<NaiveDate>(column, rows)?.into_iter();
            let days = days.map(|day| day.map(arrow::datatypes::Date32Type::from_naive_date));
            Arc::new(days.collect::<arrow::array::Date32Array>())
        }
        ColumnType::TextList => {
            let mut lists =
                ListBuilder::new(StringBuilder::new()).with_field(ColumnType::element());
            for list in of::<Vec<String>>(column, rows)? {
                lists.append_option(list.map(|texts| texts.into_iter().map(Some)));
            }
            Arc::new(lists.finish())
        }
    })
}

fn of<'a, T: FromSql<'a>>(column: &Column, rows: &'a [Row]) -> Result<Vec<Option<T>>, StoreError> {
    let values = rows.iter().map(|row| row.try_get(column.name));
    Ok(values.collect::<Result<_, _>>()?)
}

//! How much the service was used, by day, school, kind of user and part of the service: the lake's table `usage`, from
//! the statements that the lake has (docs/decisions/0044).
//!
//! A day is counted whole, from all its statements, whenever one came that is of it; the other days stay. So it does
//! not matter how often, or by how many, it is done. The position of the statements that are counted is in the commit.
//! Not to be taken for `analytics.item_usage`, which is how often an item was answered.

use std::sync::Arc;
use std::time::Duration;

use ::lake::{Lake, LakeTable, app_id, register, session};
use arrow::array::{AsArray as _, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::TimestampMicrosecondType;
use arrow::error::ArrowError;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::prelude::SessionContext;
use futures::StreamExt as _;
use schemas::tables::usage::{ALL_PARTS, OTHER_PART, PARTS, UNKNOWN};
use schemas::tables::{accounts, roster, statements, usage};
use service::pg::Pool;
use service::threads::{self, Broken};
use tokio_util::sync::CancellationToken;

use crate::Analytics;
use crate::lake::copies::{Copies, When};
use crate::lake::{LakeError, place};
use crate::store::copies::{ACCOUNTS, ROSTER};
use crate::store::lake_feed;

/// Kinds of user, the first that holds counts.
const KINDS: [&str; 4] = ["administrator", "teacher", "proctor", "student"];

/// Time after a failure before the next try.
const AFTER_FAILURE: Duration = Duration::from_secs(60);

/// Which days are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Days {
    /// Those of which there are new statements.
    New,
    /// All.
    All,
}

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    /// Up to which statement.
    pub position: i64,
    /// Rows of the table now.
    pub rows: usize,
}

/// Why nothing was counted.
#[derive(Debug, thiserror::Error)]
enum NotCounted {
    /// It did not run, or not to its end.
    #[error("the count broke off")]
    Broken(#[from] Broken),
    /// The lake could not be read or written.
    #[error("the lake did not answer")]
    Lake(#[from] LakeError),
}

/// Counts every `analytics.usage_every_s` until `shutdown`.
pub async fn watch(analytics: Arc<Analytics>, shutdown: CancellationToken) {
    let Some(every) = analytics.config().usage_every() else {
        return;
    };
    while !shutdown.is_cancelled() {
        let pause = match on_a_thread(Arc::clone(&analytics)).await {
            Ok(()) => every,
            Err(error) => {
                tracing::error!(error = %service::error::chain(&error), "could not count the usage of the service");
                AFTER_FAILURE.min(every)
            }
        };
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// On a thread of its own: what a year takes is not to hold up those who fold and ship.
async fn on_a_thread(analytics: Arc<Analytics>) -> Result<(), NotCounted> {
    let counting = async move {
        let memory = analytics.config().analytics.recompute_memory_bytes;
        count(&place(&analytics), analytics.pool(), memory, Days::New).await
    };
    threads::run("usage", 1, counting).await??;
    Ok(())
}

/// Counts days, sorting within `memory_bytes`; nothing where no statement is new.
///
/// Who is who is as the database has it now or later than the statements that are counted: the copies that are read
/// are made first.
pub async fn count(
    lake: &Lake,
    pool: &Pool,
    memory_bytes: usize,
    days: Days,
) -> Result<Option<Counted>, LakeError> {
    let epoch = lake_feed::epoch(pool).await?;
    let Some(said) = LakeTable::existing(lake, &statements::TABLE).await? else {
        return Ok(None);
    };
    let position = said.position(&app_id(&epoch, &statements::TABLE)).await?;
    let app_id = app_id(&epoch, &usage::TABLE);
    let mut table = LakeTable::open(lake, &usage::TABLE).await?;
    let counted = match days {
        Days::New => table.edition(&app_id).await?,
        Days::All => None,
    };
    if counted == Some(position) {
        return Ok(None);
    }
    let mut copies = Copies::new(lake, pool);
    for who in [&ACCOUNTS, &ROSTER] {
        copies.take(who, When::Changed).await?;
    }
    let session = session(memory_bytes)?;
    register(&session, &said).await?;
    register(&session, &table).await?;
    for declared in [&accounts::TABLE, &roster::TABLE] {
        register(&session, &LakeTable::open(lake, declared).await?).await?;
    }
    let new = match counted {
        None => None,
        Some(counted) => Some(New::after(counted, &session).await?),
    };
    let rows = session
        .sql(&plan(new.as_ref()))
        .await?
        .execute_stream()
        .await?;
    let mut file = table.pending()?;
    let rows = write(rows, &mut file).await?;
    match table.put(file, &app_id, position).await {
        Ok(()) => {
            tracing::info!(position, rows, "counted the usage of the service");
            Ok(Some(Counted { position, rows }))
        }
        // Another process has just counted.
        Err(::lake::LakeError::Raced(_)) if days == Days::New => Ok(None),
        Err(error) => Err(error.into()),
    }
}

async fn write(
    mut rows: SendableRecordBatchStream,
    file: &mut ::lake::Pending,
) -> Result<usize, LakeError> {
    let schema = usage::TABLE.arrow_schema();
    let mut written = 0;
    while let Some(batch) = rows.next().await {
        let batch = batch?;
        let columns = batch.columns().iter().zip(schema.fields());
        let columns = columns.map(|(column, field)| cast(column, field.data_type()));
        let columns = columns.collect::<Result<Vec<_>, ArrowError>>();
        let batch = columns
            .and_then(|columns| RecordBatch::try_new(Arc::clone(&schema), columns))
            .map_err(datafusion::error::DataFusionError::from)?;
        written += batch.num_rows();
        file.push(batch).await?;
    }
    Ok(written)
}

/// The statements that were not counted before.
struct New {
    /// From where on.
    after: i64,
    /// When the first of their days begins, in microseconds; none where there are none.
    since: Option<i64>,
}

impl New {
    async fn after(after: i64, session: &SessionContext) -> Result<Self, LakeError> {
        let since = format!("select min({DAY}) from statements s where s.seq > {after}");
        let rows = session.sql(&since).await?.collect().await?;
        let since = rows.iter().filter_map(|rows| {
            let times = rows.column(0).as_primitive::<TimestampMicrosecondType>();
            times.iter().flatten().next()
        });
        Ok(Self {
            after,
            since: since.min(),
        })
    }
}

/// When the day of a statement begins.
const DAY: &str = "date_trunc('day', least(s.\"timestamp\", s.stored))";

/// The table as it is to be; without a position before, all statements are new.
fn plan(new: Option<&New>) -> String {
    let day = format!("cast({DAY} as date)");
    // Days of which nothing new came keep their rows.
    let (of_new_days, kept) = match new {
        None => (String::new(), String::new()),
        Some(New { after, since }) => {
            let new = format!("select distinct {day} from statements s where s.seq > {after}");
            // No statement is stored before its day: files that were full before the first one are not read.
            let since = match since {
                Some(micros) => {
                    format!(
                        "s.stored >= arrow_cast({micros}, 'Timestamp(Microsecond, Some(\"UTC\"))')"
                    )
                }
                None => "false".to_owned(),
            };
            (
                format!("and {since} and {day} in ({new})"),
                format!(
                    "union all select day, school, kind, part, statements, accounts from usage
                     where day not in ({new})"
                ),
            )
        }
    };
    let parts = PARTS
        .map(|(part, verbs)| format!("when s.verb in ('{}') then '{part}'", verbs.join("', '")));
    let parts = parts.join(" ");
    let kinds = KINDS.iter().enumerate();
    let rank: Vec<_> = kinds
        .map(|(rank, kind)| format!("when '{kind}' then {rank}"))
        .collect();
    let rank = rank.join(" ");
    format!(
        "
    with parts as (
        select {day} as day, coalesce(s.account, '') as account,
               case {parts} else '{OTHER_PART}' end as part,
               count(*) as statements, max(s.stored) as at
        from statements s
        where s.voids is null {of_new_days}
        group by 1, 2, 3
    ), active as (
        select day, account, sum(statements) as statements, max(at) as at
        from parts group by day, account
    ), placed as (
        select v.day, v.account, v.statements, r.school, r.role,
               row_number() over (partition by v.day, v.account
                                  order by case r.role {rank} else {last} end, r.school, r.role) as place
        from active v
        left join accounts a on a.account = v.account
             and a.valid_from <= v.at and (a.valid_to is null or v.at < a.valid_to)
        left join roster r on r.person = coalesce(a.person, v.account)
             and r.valid_from <= v.at and (r.valid_to is null or v.at < r.valid_to)
    ), known as (
        select day, account, statements, school, coalesce(role, '{UNKNOWN}') as kind
        from placed where place = 1
    )
    select day, school, kind, part, statements, accounts from (
        select p.day, k.school, k.kind, p.part, sum(p.statements) as statements,
               count(nullif(p.account, '')) as accounts
        from parts p join known k on k.day = p.day and k.account = p.account
        group by p.day, k.school, k.kind, p.part
        union all
        select day, school, kind, '{ALL_PARTS}' as part, sum(statements) as statements,
               count(nullif(account, '')) as accounts
        from known group by day, school, kind
        {kept}
    ) order by day, school, kind, part",
        last = KINDS.len()
    )
}

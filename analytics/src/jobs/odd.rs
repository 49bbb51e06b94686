//! Answers that look as if nobody had read and thought: found in the lake, told, and left out of mastery
//! where the settings say so (docs/decisions/0052).
//!
//! All answers in their order, by DataFusion: what is found is a function of the answers that the lake has, of whose
//! they are and of the settings. Persons lie in buckets with all their answers, so some buckets are sorted at a time, and
//! the persons who have several accounts by themselves. The fold itself knows nothing of signs; to it, what is left
//! out is like what is voided.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use datafusion::datasource::MemTable;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::prelude::SessionContext;
use futures::StreamExt;
use schemas::ids::{AccountKey, PersonKey, StatementId};
use schemas::tables::BUCKETS;

use super::beside::{parse, register_left_out, register_owners, register_several};
use super::mastery::JobError;
use super::recompute::{RecomputeError, shared};
use crate::config::AnalyticsSettings;
use crate::store::odd_answers::{self, Found, Sign};
use crate::store::{self, account_person, feed, refolds, versions};
use crate::{Analytics, lake};

/// Answers that are sorted at a time, as far as buckets allow: a few hundred bytes each.
const ANSWERS_AT_ONCE: usize = 500_000;

/// Looks for odd answers in the lake, and marks the pupils of whom other answers count now.
///
/// Nothing is done while the lake has no answers. The caller is the only one who runs jobs.
pub async fn look(analytics: &Analytics) -> Result<(), JobError> {
    let Some(answers) = lake::answers(analytics).await? else {
        return Ok(());
    };
    let settings = &analytics.config().analytics;
    let mut client = store::client(analytics.pool()).await?;
    let owners = account_person::all(&client).await?;
    let voided = feed::voided_answers(&client, answers.seq).await?;
    register_owners(&answers.session, &owners)?;
    register_left_out(&answers.session, &voided)?;
    odd_answers::begin(&client).await?;
    register_several(&answers.session, &shared(&owners))?;
    register_shared_devices(&answers.session, settings).await?;
    let mut found = 0;
    for whose in passes(&answers.session).await? {
        let mut finding = Finding::start(&answers.session, settings, &whose).await?;
        while let Some(some) = finding.next().await? {
            found += some.len();
            odd_answers::add(&client, &some).await?;
        }
    }
    let transaction = store::begin(&mut client).await?;
    // Nobody folds until the marks are there: what counts and what is folded change together.
    versions::lock_current(&transaction).await?;
    let changed = odd_answers::replace(&transaction, &settings.odd_left_out).await?;
    let accounts: Vec<AccountKey> = changed.into_iter().collect();
    let owners = account_person::of_accounts(&transaction, &accounts).await?;
    let persons: BTreeSet<PersonKey> = owners.into_values().collect();
    let persons: Vec<PersonKey> = persons.into_iter().collect();
    refolds::mark(&transaction, &persons).await?;
    store::commit(transaction).await?;
    tracing::info!(found, refolded = persons.len(), "looked for odd answers");
    Ok(())
}

/// Whose answers are looked at together.
enum Whose {
    /// Of persons who have one account, in these buckets.
    Buckets(Range<i32>),
    /// Of those who have several.
    Several,
}

/// Everybody, some at a time.
async fn passes(session: &SessionContext) -> Result<Vec<Whose>, RecomputeError> {
    let answers = session.table("answers").await?.count().await?;
    let at_once = i32::try_from(answers.div_ceil(ANSWERS_AT_ONCE)).unwrap_or(BUCKETS);
    let buckets = BUCKETS / at_once.clamp(1, BUCKETS);
    let starts = (0..BUCKETS).step_by(usize::try_from(buckets).unwrap_or(1));
    let of_one = starts.map(|start| Whose::Buckets(start..start + buckets));
    Ok(of_one.chain([Whose::Several]).collect())
}

/// The devices from which too many answered on a day, as the table `shared_device` (`device_id`, `day`): of all pupils
/// at once, but of those devices alone that have ever had two.
async fn register_shared_devices(
    session: &SessionContext,
    settings: &AnalyticsSettings,
) -> Result<(), RecomputeError> {
    let most = settings.odd_device_pupils;
    let devices = session
        .sql(&format!(
            "
    with used as (
        select a.device_id, date_trunc('day', a.answered_at) as day, coalesce(p.person, a.account) as person
        from answers a
        left join account_person p on p.account = a.account
        left anti join voided v on v.id = a.id
        where a.device_id is not null
    ), of_several as (
        select device_id from used group by device_id having min(person) <> max(person)
    )
    select device_id, day from (
        select distinct u.device_id, u.day, u.person
        from used u left semi join of_several s on s.device_id = u.device_id)
    group by device_id, day having count(*) > {most}"
        ))
        .await?;
    let schema = Arc::clone(devices.schema().inner());
    let table = MemTable::try_new(schema, vec![devices.collect().await?])?;
    session.register_table("shared_device", Arc::new(table))?;
    Ok(())
}

/// What is found, as it streams by.
struct Finding {
    stream: SendableRecordBatchStream,
}

impl Finding {
    async fn start(
        session: &SessionContext,
        settings: &AnalyticsSettings,
        whose: &Whose,
    ) -> Result<Self, RecomputeError> {
        let plan = session.sql(&plan(settings, whose)).await?;
        let stream = plan.execute_stream().await?;
        Ok(Self { stream })
    }

    /// The next findings; none after the last.
    async fn next(&mut self) -> Result<Option<Vec<Found>>, RecomputeError> {
        let batch = self.stream.next().await.transpose()?;
        batch.as_ref().map(read).transpose()
    }
}

/// One row an answer that has a sign: id, account, and whether it has each.
///
/// How long an answer took is what it says; where it says nothing, the time since the pupil's answer before,
/// if a device said when each of the two was given. A time that was made up, or that is only when the
/// statement arrived, says nothing of speed.
fn plan(settings: &AnalyticsSettings, whose: &Whose) -> String {
    let AnalyticsSettings {
        odd_fast_ms,
        odd_clicking_ms,
        odd_clicking_run,
        odd_clicking_right,
        ..
    } = settings;
    let of = match whose {
        Whose::Buckets(Range { start, end }) => format!(
            "left anti join several t on t.account = a.account where a.bucket >= {start} and a.bucket < {end}"
        ),
        Whose::Several => "left semi join several t on t.account = a.account".to_owned(),
    };
    let before = odd_clicking_run.saturating_sub(1);
    let order = "partition by person order by answered_at, device_id nulls first, device_seq nulls first, id";
    format!(
        "
    with told as (
        select a.id, a.account, coalesce(p.person, a.account) as person, a.answered_at, a.device_id, a.device_seq,
               cast(a.correct as bigint) as correct, a.duration_ms,
               case when a.timestamp is not null and not a.invented_time and a.answered_at < a.stored
                    then cast(a.answered_at as bigint) end as at_us
        from answers a
        left join account_person p on p.account = a.account
        left anti join voided v on v.id = a.id
        {of}
    ), timed as (
        select *, case when duration_ms > 0 then duration_ms * 1000
                       else at_us - lag(at_us) over ({order}) end as took_us
        from told
    ), paced as (
        select *, coalesce(took_us < {odd_fast_ms} * 1000, false) as too_fast,
               case when took_us < {odd_clicking_ms} * 1000 then 1 else 0 end as quick
        from timed
    ), runs as (
        select *, case when sum(quick) over run = {odd_clicking_run}
                        and cast(sum(correct) over run as double) <= {odd_clicking_right} * {odd_clicking_run}
                       then 1 else 0 end as ends_run
        from paced
        window run as ({order} rows between {before} preceding and current row)
    ), clicked as (
        select *, max(ends_run) over ({order} rows between current row and {before} following) = 1 as clicking
        from runs
    )
    select c.id, c.account, c.too_fast, c.clicking, s.device_id is not null as shared_device
    from clicked c
    left join shared_device s on s.device_id = c.device_id and s.day = date_trunc('day', c.answered_at)
    where c.too_fast or c.clicking or s.device_id is not null"
    )
}

fn read(batch: &RecordBatch) -> Result<Vec<Found>, RecomputeError> {
    let mut found = Vec::new();
    let text = |index: usize| {
        let column = cast(batch.column(index), &DataType::Utf8)?;
        Ok::<StringArray, RecomputeError>(column.as_string().clone())
    };
    let (ids, accounts) = (text(0)?, text(1)?);
    for (index, sign) in Sign::ALL.into_iter().enumerate() {
        let has = batch.column(2 + index).as_boolean();
        for row in (0..batch.num_rows()).filter(|row| has.is_valid(*row) && has.value(*row)) {
            let statement: StatementId = parse(ids.value(row), "statement")?;
            let account: AccountKey = parse(accounts.value(row), "account")?;
            found.push(Found {
                statement,
                account,
                sign,
            });
        }
    }
    Ok(found)
}

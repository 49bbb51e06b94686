//! The other way: all answers of one version of the lake's table, sorted by DataFusion, folded as
//! they stream by. Memory is bounded by the pool that the plan is given, and by one person.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use ::mastery::Model;
use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Float64Type, Int64Type, Schema};
use arrow::error::ArrowError;
use datafusion::datasource::MemTable;
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::prelude::SessionContext;
use futures::StreamExt;
use schemas::ids::{AccountKey, PersonKey, StatementId, key64};
use schemas::profile::FoldKey;

use crate::fold::{Answer, Folding, Inputs, PersonFold};
use crate::store::account_person::Owners;

/// One row an answer, a person's answers together and in fold order. Absent devices and counters
/// sort first, as in [`FoldKey`]; ids are texts of one length, so they sort like their bytes.
const PLAN: &str = "
    select coalesce(p.person, a.account) as person, p.person is null as is_new, a.account,
           a.answered_at, a.device_id, a.device_seq, a.id,
           a.activity, a.correct, a.outcome, a.invented_time
    from answers a
    left join account_person p on p.account = a.account
    left anti join voided v on v.id = a.id
    order by coalesce(p.person, a.account), a.answered_at, a.device_id nulls first, a.device_seq nulls first, a.id";

/// How many answers the plan must give: the check is made by another, simpler plan.
const COUNT: &str = "
    select count(*) as n from answers a left anti join voided v on v.id = a.id";

/// Why a recomputation gave no states.
#[derive(Debug, thiserror::Error)]
pub enum RecomputeError {
    /// DataFusion could not run the plan.
    #[error("could not run the plan")]
    Plan(#[from] DataFusionError),
    /// A batch has other columns than the plan.
    #[error("could not read the plan's rows")]
    Rows(#[from] ArrowError),
    /// The lake holds an identifier that is none.
    #[error("the lake's {0} is not an identifier")]
    Id(&'static str),
    /// The plan gave rows out of order, or the same answer twice.
    #[error("an answer came out of order, or twice")]
    Order,
    /// Not as many answers were folded as there are.
    #[error("{folded} answers were folded of {rows} in the lake")]
    Count {
        /// Answers folded.
        folded: i64,
        /// Answers in the version.
        rows: i64,
    },
}

/// What was folded of one person.
#[derive(Clone, Debug)]
pub struct Person {
    /// The person.
    pub person: PersonKey,
    /// What was folded.
    pub fold: PersonFold,
    /// The accounts that nobody has announced.
    pub new_accounts: Vec<AccountKey>,
    /// The answers, for the usage of items.
    pub answers: Vec<Answer>,
}

impl Person {
    /// A person of whom other things than answers are known.
    #[must_use]
    pub fn without_answers(model: &Model, person: PersonKey, inputs: Inputs) -> Self {
        Self {
            person,
            fold: PersonFold::of(model, inputs, Vec::new()),
            new_accounts: Vec::new(),
            answers: Vec::new(),
        }
    }
}

/// A person whose answers stream by.
struct Current {
    person: PersonKey,
    folding: Folding,
    new_accounts: Vec<AccountKey>,
    answers: Vec<Answer>,
}

impl Current {
    fn finish(self, model: &Model) -> Person {
        Person {
            person: self.person,
            fold: self.folding.finish(model),
            new_accounts: self.new_accounts,
            answers: self.answers,
        }
    }
}

/// The persons of a version of the lake, one after another.
pub struct Recompute {
    session: SessionContext,
    stream: SendableRecordBatchStream,
    activities: Activities,
    batch: Option<(Columns, usize)>,
    current: Option<Current>,
    inputs: BTreeMap<PersonKey, Inputs>,
    last: Option<PersonKey>,
    folded: i64,
}

impl std::fmt::Debug for Recompute {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recompute")
            .field("folded", &self.folded)
            .finish_non_exhaustive()
    }
}

impl Recompute {
    /// Starts the plan over the table `answers` of `session`. `voided` are answers that the lake
    /// may still hold; `inputs` is what else is known of persons.
    pub async fn start(
        session: SessionContext,
        owners: &Owners,
        voided: &[StatementId],
        inputs: BTreeMap<PersonKey, Inputs>,
    ) -> Result<Self, RecomputeError> {
        let accounts = owners.keys().map(ToString::to_string);
        let persons = owners.values().map(ToString::to_string);
        register(
            &session,
            "account_person",
            &[
                ("account", accounts.collect()),
                ("person", persons.collect()),
            ],
        )?;
        let voided = voided.iter().map(ToString::to_string).collect();
        register(&session, "voided", &[("id", voided)])?;
        let stream = session.sql(PLAN).await?.execute_stream().await?;
        Ok(Self {
            session,
            stream,
            activities: Activities::default(),
            batch: None,
            current: None,
            inputs,
            last: None,
            folded: 0,
        })
    }

    /// The next person, those who never answered last; none after them, once it is certain that every
    /// answer was folded.
    pub async fn next(&mut self, model: &Model) -> Result<Option<Person>, RecomputeError> {
        loop {
            let Some(row) = self.row().await? else {
                if let Some(last) = self.current.take() {
                    return Ok(Some(last.finish(model)));
                }
                if let Some((person, inputs)) = self.inputs.pop_first() {
                    return Ok(Some(Person::without_answers(model, person, inputs)));
                }
                self.check().await?;
                return Ok(None);
            };
            let finished = match &self.current {
                Some(current) if current.person != row.person => self.current.take(),
                _ => None,
            };
            self.fold(model, row)?;
            if let Some(finished) = finished {
                return Ok(Some(finished.finish(model)));
            }
        }
    }

    /// Answers folded until now.
    #[must_use]
    pub fn folded(&self) -> i64 {
        self.folded
    }

    /// A person comes once, and the answers of a person in order: what the plan promises is checked,
    /// because a wrong order would give wrong states without a word.
    fn fold(&mut self, model: &Model, row: Row) -> Result<(), RecomputeError> {
        if self.current.is_none() && self.last.replace(row.person) >= Some(row.person) {
            return Err(RecomputeError::Order);
        }
        let inputs = &mut self.inputs;
        let current = self.current.get_or_insert_with(|| Current {
            person: row.person,
            folding: Folding::start(model, inputs.remove(&row.person).unwrap_or_default()),
            new_accounts: Vec::new(),
            answers: Vec::new(),
        });
        if current.answers.last().map(|answer| &answer.key) >= Some(&row.answer.key) {
            return Err(RecomputeError::Order);
        }
        if let Some(account) = row
            .new_account
            .filter(|new| !current.new_accounts.contains(new))
        {
            current.new_accounts.push(account);
        }
        current.folding.push(model, &row.answer);
        current.answers.push(row.answer);
        self.folded += 1;
        Ok(())
    }

    async fn row(&mut self) -> Result<Option<Row>, RecomputeError> {
        loop {
            if let Some((columns, next)) = &mut self.batch
                && *next < columns.rows
            {
                let row = columns.row(*next, &mut self.activities)?;
                *next += 1;
                return Ok(Some(row));
            }
            match self.stream.next().await.transpose()? {
                Some(batch) => self.batch = Some((Columns::of(&batch)?, 0)),
                None => return Ok(None),
            }
        }
    }

    async fn check(&mut self) -> Result<(), RecomputeError> {
        let batches = self.session.sql(COUNT).await?.collect().await?;
        let count = |batch: &RecordBatch| batch.column(0).as_primitive::<Int64Type>().value(0);
        let rows = batches.iter().filter(|b| b.num_rows() > 0).map(count).sum();
        if rows == self.folded {
            Ok(())
        } else {
            Err(RecomputeError::Count {
                folded: self.folded,
                rows,
            })
        }
    }
}

fn register(
    session: &SessionContext,
    name: &str,
    columns: &[(&str, Vec<String>)],
) -> Result<(), RecomputeError> {
    let fields: Vec<Field> = columns
        .iter()
        .map(|(name, _)| Field::new(*name, DataType::Utf8, false))
        .collect();
    let schema = Arc::new(Schema::new(fields));
    let arrays: Vec<ArrayRef> = columns
        .iter()
        .map(|(_, texts)| Arc::new(StringArray::from_iter_values(texts)) as ArrayRef)
        .collect();
    let batch = RecordBatch::try_new(Arc::clone(&schema), arrays)?;
    let table = MemTable::try_new(schema, vec![vec![batch]])?;
    session.register_table(name, Arc::new(table))?;
    Ok(())
}

/// The activities met, each kept and hashed once: there are few, and answers are many.
#[derive(Default)]
struct Activities(HashMap<Arc<str>, u64>);

impl Activities {
    fn get(&mut self, iri: &str) -> (Arc<str>, u64) {
        if let Some((iri, key)) = self.0.get_key_value(iri) {
            return (Arc::clone(iri), *key);
        }
        let (iri, key): (Arc<str>, u64) = (iri.into(), key64(iri));
        self.0.insert(Arc::clone(&iri), key);
        (iri, key)
    }
}

/// One answer of the plan.
struct Row {
    person: PersonKey,
    new_account: Option<AccountKey>,
    answer: Answer,
}

/// The columns of a batch.
struct Columns {
    rows: usize,
    person: StringArray,
    is_new: BooleanArray,
    account: StringArray,
    answered_at: Int64Array,
    device_id: StringArray,
    device_seq: Int64Array,
    id: StringArray,
    activity: StringArray,
    correct: BooleanArray,
    outcome: Float64Array,
    invented_time: BooleanArray,
}

impl Columns {
    /// Parquet's texts come as views and its times with a time zone: both are made plain.
    fn of(batch: &RecordBatch) -> Result<Self, ArrowError> {
        let plain = |index: usize, kind: &DataType| cast(batch.column(index), kind);
        let text = |index| Ok::<_, ArrowError>(plain(index, &DataType::Utf8)?.as_string().clone());
        let integer = |index| {
            let column = plain(index, &DataType::Int64)?;
            Ok::<_, ArrowError>(column.as_primitive::<Int64Type>().clone())
        };
        let boolean =
            |index| Ok::<_, ArrowError>(plain(index, &DataType::Boolean)?.as_boolean().clone());
        Ok(Self {
            rows: batch.num_rows(),
            person: text(0)?,
            is_new: boolean(1)?,
            account: text(2)?,
            answered_at: integer(3)?,
            device_id: text(4)?,
            device_seq: integer(5)?,
            id: text(6)?,
            activity: text(7)?,
            correct: boolean(8)?,
            outcome: plain(9, &DataType::Float64)?
                .as_primitive::<Float64Type>()
                .clone(),
            invented_time: boolean(10)?,
        })
    }

    fn row(&self, index: usize, activities: &mut Activities) -> Result<Row, RecomputeError> {
        let id: StatementId = parse(self.id.value(index), "statement")?;
        let account: AccountKey = parse(self.account.value(index), "account")?;
        let (activity, item) = activities.get(self.activity.value(index));
        let device_id = self.device_id.is_valid(index);
        let device_seq = self.device_seq.is_valid(index);
        Ok(Row {
            person: parse(self.person.value(index), "person")?,
            new_account: self.is_new.value(index).then_some(account),
            answer: Answer {
                key: FoldKey {
                    answered_at: self.answered_at.value(index),
                    device_id: device_id.then(|| self.device_id.value(index).to_owned()),
                    device_seq: device_seq.then(|| self.device_seq.value(index)),
                    id,
                },
                item,
                activity,
                correct: self.correct.value(index),
                outcome: self.outcome.value(index),
                invented_time: self.invented_time.value(index),
            },
        })
    }
}

fn parse<T: std::str::FromStr>(text: &str, what: &'static str) -> Result<T, RecomputeError> {
    text.parse().map_err(|_| RecomputeError::Id(what))
}

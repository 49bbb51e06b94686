//! The other way: all answers of one version of the lake's table, folded as they stream by.
//!
//! `plan` brings the answers of a person together, `operator` folds them, in as many parts as there are
//! threads; here the parts' persons come together again, and what the plan promises is checked. Memory is
//! bounded by the pool that the plan is given, and by a person a part.

mod answers;
#[cfg(feature = "cluster")]
pub mod cluster;
mod folds;
mod operator;
mod plan;
mod runs;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use ::lake::LakeError;
use ::mastery::Model;
use arrow::array::AsArray as _;
use arrow::datatypes::Int64Type;
use arrow::error::ArrowError;
use chrono::{DateTime, Utc};
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::{ExecutionPlan, displayable, execute_stream};
use datafusion::prelude::SessionContext;
use deadpool_postgres::GenericClient;
use futures::StreamExt;
use schemas::ids::{AccountKey, PersonKey, StatementId};

use super::beside::register_left_out;
use super::rows::Run;
use crate::config::AnalyticsConfig;
use crate::fold::{Inputs, PersonFold, Usage};
use crate::lake::Answers;
use crate::store::account_person::{self, Owners};
use crate::store::{StoreError, feed, inputs};
use operator::Known;

pub use folds::Folds;

/// Answers that count, where some do not.
const WITHOUT_LEFT_OUT: &str = "left anti join voided v on v.id = a.id";

/// Why a recomputation gave no states.
#[derive(Debug, thiserror::Error)]
pub enum RecomputeError {
    /// DataFusion could not run the plan.
    #[error("could not run the plan")]
    Plan(#[from] DataFusionError),
    /// The lake's files could not be found.
    #[error("could not read the lake's files")]
    Lake(#[source] Box<LakeError>),
    /// A batch has other columns than the plan.
    #[error("could not read the plan's rows")]
    Rows(#[from] ArrowError),
    /// The lake holds an identifier that is none.
    #[error("the lake's {0} is not an identifier")]
    Id(&'static str),
    /// One person has answered from more installations than are counted.
    #[error("a person has more than 65,536 devices")]
    Devices,
    /// The plan gave a person twice, or the same answer twice.
    #[error("an answer, or a person, came twice")]
    Order,
    /// The workers of the settings cannot be used.
    #[cfg(feature = "cluster")]
    #[error("could not ask the workers")]
    Workers(#[from] cluster::WorkersError),
    /// Not as many answers were folded as there are.
    #[error("{folded} answers were folded, {counted} counted by item, of {rows} in the lake")]
    Count {
        /// Answers folded.
        folded: i64,
        /// Answers counted by item.
        counted: i64,
        /// Answers in the version.
        rows: i64,
    },
}

impl From<LakeError> for RecomputeError {
    fn from(error: LakeError) -> Self {
        Self::Lake(Box::new(error))
    }
}

/// What else than answers is known, when a recomputation starts.
#[derive(Debug, Default)]
pub struct Beside {
    /// Whose an account is.
    pub owners: Owners,
    /// Answers that do not count: void ones that the lake may still hold, and odd ones.
    pub left_out: Vec<StatementId>,
    /// What persons declared, and what was found outside.
    pub inputs: BTreeMap<PersonKey, Inputs>,
}

impl Beside {
    /// What is known now, to be folded with the answers of the lake up to a position.
    pub async fn read(client: &impl GenericClient, position: i64) -> Result<Self, StoreError> {
        Ok(Self {
            // First: what is declared or evaluated from now on marks persons of the version that is built.
            inputs: inputs::all(client).await?,
            owners: account_person::all(client).await?,
            left_out: feed::not_counting(client, position).await?,
        })
    }

    /// Without the evaluations after a time.
    #[must_use]
    pub fn until(mut self, as_of: DateTime<Utc>) -> Self {
        let until = |(person, inputs): (PersonKey, Inputs)| {
            let inputs = inputs.until(as_of.timestamp_micros());
            (inputs != Inputs::default()).then_some((person, inputs))
        };
        self.inputs = self.inputs.into_iter().filter_map(until).collect();
        self
    }
}

/// Starts the plan on the workers of the settings, if there are any; here otherwise.
pub(super) async fn start(
    config: &AnalyticsConfig,
    answers: Answers,
    model: Arc<Model>,
    run: Run,
    beside: Beside,
) -> Result<Recompute, RecomputeError> {
    #[cfg(feature = "cluster")]
    if let Some(workers) = cluster::Workers::of(config)? {
        let lake = ::lake::Lake::at(&config.lake_root);
        return Recompute::on_workers(answers, &lake, model, run, beside, workers).await;
    }
    #[cfg(not(feature = "cluster"))]
    let _ = config;
    Recompute::start(answers, model, run, beside).await
}

/// The persons of a version of the lake, some at a time.
pub struct Recompute {
    session: SessionContext,
    stream: SendableRecordBatchStream,
    known: Arc<Known>,
    shown: String,
    /// Of whom other things than answers are known, and no answer yet.
    waiting: BTreeMap<PersonKey, Inputs>,
    seen: HashSet<PersonKey>,
    folded: i64,
    usage: Usage,
    /// Answers in `usage`.
    counted: i64,
    #[cfg(feature = "cluster")]
    progress: Option<Arc<cluster::Progress>>,
}

impl std::fmt::Debug for Recompute {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recompute")
            .field("folded", &self.folded)
            .finish_non_exhaustive()
    }
}

impl Recompute {
    /// Starts the plan over a version of the table, in as many parts as its session has.
    pub async fn start(
        answers: Answers,
        model: Arc<Model>,
        run: Run,
        beside: Beside,
    ) -> Result<Self, RecomputeError> {
        let Answers { session, table, .. } = answers;
        let (known, waiting) = known(&session, model, run, beside)?;
        let parts = session.copied_config().target_partitions();
        let parts = plan::parts(&session, &table, &known, parts).await?;
        let plan = plan::together(parts)?;
        let shown = shown(&plan);
        let stream = execute_stream(plan, session.task_ctx())?;
        Ok(Self::of(session, stream, known, shown, waiting))
    }

    /// Of a plan that runs.
    fn of(
        session: SessionContext,
        stream: SendableRecordBatchStream,
        known: Arc<Known>,
        shown: String,
        waiting: BTreeMap<PersonKey, Inputs>,
    ) -> Self {
        Self {
            session,
            stream,
            known,
            shown,
            waiting,
            seen: HashSet::new(),
            folded: 0,
            usage: Usage::default(),
            counted: 0,
            #[cfg(feature = "cluster")]
            progress: None,
        }
    }

    /// The next persons, those who never answered last.
    ///
    /// # Errors
    /// Besides failures: a person who comes again, because states would be wrong without a word.
    pub async fn next(&mut self) -> Result<Option<Folds>, RecomputeError> {
        if let Some(batch) = self.stream.next().await.transpose().map_err(inner)? {
            let folds = Folds::new(batch);
            for person in folds.persons() {
                if !self.seen.insert(person) {
                    return Err(RecomputeError::Order);
                }
                self.waiting.remove(&person);
            }
            self.folded += folds.sums().answers;
            for used in folds.used() {
                let item = (used.item, used.activity);
                self.usage
                    .count(&self.known.model, item, used.answers, used.correct);
                self.counted += used.answers;
            }
            return Ok(Some(folds));
        }
        let waiting = std::mem::take(&mut self.waiting);
        if waiting.is_empty() {
            return Ok(None);
        }
        without_answers(&self.known.model, &self.known.run, waiting).map(Some)
    }

    /// How often each item was answered, once all persons are there.
    ///
    /// # Errors
    /// [`RecomputeError::Count`] unless as many answers were folded, and counted, as there are.
    pub async fn usage(self) -> Result<Usage, RecomputeError> {
        let batches = self.session.sql(&self.question()).await?.collect().await?;
        let counts = batches.iter().map(|batch| batch.column(0));
        let counts = counts.flat_map(|counts| counts.as_primitive::<Int64Type>().values());
        let rows: i64 = counts.sum();
        if rows == self.folded && rows == self.counted {
            Ok(self.usage)
        } else {
            Err(RecomputeError::Count {
                folded: self.folded,
                counted: self.counted,
                rows,
            })
        }
    }

    /// How many answers there are: a plan apart, simpler, so that it tells whether all were folded. Where all
    /// count, the files' footers have it.
    fn question(&self) -> String {
        let join = match self.known.left_out.is_empty() {
            true => "",
            false => WITHOUT_LEFT_OUT,
        };
        let until = self.known.run.until();
        let until = until.map_or_else(String::new, |until| {
            format!("where a.answered_at <= to_timestamp_micros({until})")
        });
        format!("select count(*) from answers a {join} {until}")
    }

    /// Answers folded until now.
    #[must_use]
    pub fn folded(&self) -> i64 {
        self.folded
    }

    /// The plan, a line an operator.
    #[must_use]
    pub fn plan(&self) -> &str {
        &self.shown
    }
}

/// What answers are folded with, and of whom something is known besides.
fn known(
    session: &SessionContext,
    model: Arc<Model>,
    run: Run,
    beside: Beside,
) -> Result<(Arc<Known>, BTreeMap<PersonKey, Inputs>), RecomputeError> {
    let Beside {
        owners,
        left_out,
        inputs,
    } = beside;
    register_left_out(session, &left_out)?;
    let known = Known {
        model,
        run,
        shared: shared(&owners),
        owners,
        left_out: left_out.into_iter().collect(),
        inputs: inputs.clone(),
    };
    Ok((Arc::new(known), inputs))
}

/// A plan, a line an operator.
fn shown(plan: &Arc<dyn ExecutionPlan>) -> String {
    displayable(plan.as_ref()).indent(false).to_string()
}

/// Persons of whom other things than answers are known.
pub fn without_answers(
    model: &Model,
    run: &Run,
    inputs: BTreeMap<PersonKey, Inputs>,
) -> Result<Folds, RecomputeError> {
    let mut folded = folds::Builder::default();
    for (person, inputs) in inputs {
        let fold = PersonFold::of(model, inputs, Vec::new());
        folded.push(model, run, person, &fold, &[])?;
    }
    Ok(Folds::new(folded.finish(model, run, std::iter::empty())?))
}

/// Our own error out of the plan's.
fn inner(error: DataFusionError) -> RecomputeError {
    match error {
        DataFusionError::External(error) => match error.downcast::<RecomputeError>() {
            Ok(ours) => *ours,
            Err(error) => DataFusionError::External(error).into(),
        },
        other => other.into(),
    }
}

/// Accounts that are one of several of their person.
pub(super) fn shared(owners: &Owners) -> HashSet<AccountKey> {
    let mut accounts: HashMap<PersonKey, Vec<AccountKey>> = HashMap::new();
    for (account, person) in owners {
        accounts.entry(*person).or_default().push(*account);
    }
    for (person, of) in &mut accounts {
        // An account that nobody has announced is a person under its own key.
        let own = AccountKey::from_uuid(person.as_uuid());
        if !owners.contains_key(&own) {
            of.push(own);
        }
    }
    let several = accounts.into_values().filter(|of| of.len() > 1);
    several.flatten().collect()
}

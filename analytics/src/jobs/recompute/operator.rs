//! The operator: answers in, of each person one after another; folded persons out, as they end.
//!
//! It wants no order among a person's answers: they are few, and sorted here. So what comes before it sorts by
//! one short key, or by none where the files are sorted already; several inputs that are sorted are gone through
//! side by side ([`Runs`]). In memory is one person, and a batch an input.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use ::mastery::Model;
use arrow::array::{Array as _, RecordBatch};
use arrow::datatypes::SchemaRef;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties as _, Partitioning,
    PlanProperties,
};
use futures::stream;
use schemas::ids::{AccountKey, PersonKey, StatementId};
use schemas::profile::FoldKey;
use uuid::Uuid;

use super::super::rows::Run;
use super::RecomputeError;
use super::answers::{Activities, Batch, same};
use super::folds::{self, Builder};
use super::runs::Runs;
use crate::fold::{Folding, Inputs, Move};
use crate::store::account_person::Owners;

/// Persons of a batch that is given on.
const PERSONS: usize = 500;

/// What answers are folded with.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) model: Arc<Model>,
    pub(super) run: Run,
    pub(super) owners: Owners,
    /// Accounts of persons who have several.
    pub(super) shared: HashSet<AccountKey>,
    /// Answers that count for nothing, though the lake may still hold them.
    pub(super) left_out: HashSet<StatementId>,
    pub(super) inputs: BTreeMap<PersonKey, Inputs>,
}

/// Whose answers an operator folds; it passes over the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Accounts {
    /// Of persons who have one account: all their answers are in its bucket.
    Single,
    /// Of persons who have several.
    Shared,
}

/// The operator.
#[derive(Debug)]
pub(super) struct FoldExec {
    inputs: Vec<Arc<dyn ExecutionPlan>>,
    known: Arc<Known>,
    accounts: Accounts,
    properties: Arc<PlanProperties>,
}

impl FoldExec {
    /// Over a plan in whose partitions all answers of a person stand together, and in one of them. Or over several of
    /// one partition each, all sorted by bucket and account.
    pub(super) fn new(
        inputs: Vec<Arc<dyn ExecutionPlan>>,
        known: Arc<Known>,
        accounts: Accounts,
    ) -> Self {
        let widths = inputs.iter().map(|input| input.output_partitioning());
        let partitions = widths.map(Partitioning::partition_count).max().unwrap_or(0);
        let properties = PlanProperties::new(
            EquivalenceProperties::new(folds::schema()),
            Partitioning::UnknownPartitioning(partitions),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Self {
            inputs,
            known,
            accounts,
            properties: Arc::new(properties),
        }
    }

    /// Whose answers it folds.
    #[cfg(feature = "cluster")]
    pub(super) fn accounts(&self) -> Accounts {
        self.accounts
    }
}

impl DisplayAs for FoldExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FoldExec: accounts={:?}", self.accounts)
    }
}

impl ExecutionPlan for FoldExec {
    fn name(&self) -> &'static str {
        "FoldExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        self.inputs.iter().collect()
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(Arc::new(Self::new(
            children,
            Arc::clone(&self.known),
            self.accounts,
        )))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let inputs = self.inputs.iter();
        let inputs = inputs.map(|input| input.execute(partition, Arc::clone(&context)));
        let runs = Runs::of(inputs.collect::<Result<_>>()?);
        let folder = Folder::new(Arc::clone(&self.known), self.accounts);
        let folded = stream::try_unfold(Some((runs, folder)), |state| async move {
            let Some((mut runs, mut folder)) = state else {
                return Ok(None);
            };
            while let Some((batch, rows)) = runs.next(&mut folder.activities).await? {
                folder.take(batch, rows).map_err(failed)?;
                if folder.folded.len() >= PERSONS {
                    let folded = folder.give()?;
                    return Ok(Some((folded, Some((runs, folder)))));
                }
            }
            folder.finish_person().map_err(failed)?;
            Ok(Some((folder.give()?, None)))
        });
        let schema: SchemaRef = folds::schema();
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, folded)))
    }
}

/// A fault of ours as the plan's.
pub(super) fn failed(error: RecomputeError) -> DataFusionError {
    match error {
        RecomputeError::Plan(error) => error,
        other => DataFusionError::External(Box::new(other)),
    }
}

/// One answer, as long as its person's answers gather.
#[derive(Clone, Copy, Debug)]
struct Gathered {
    answered_at: i64,
    /// Which of the person's devices.
    device: Option<u16>,
    device_seq: Option<i64>,
    id: Uuid,
    /// Its number in [`Activities`].
    activity: u32,
    answer: Move,
}

// Of a person with a hundred thousand answers they take nine megabytes.
const _: () = assert!(size_of::<Gathered>() <= 88);

/// A person whose answers gather.
#[derive(Debug)]
struct Current {
    person: PersonKey,
    new_accounts: Vec<AccountKey>,
}

/// Folds one partition.
struct Folder {
    known: Arc<Known>,
    accounts: Accounts,
    until: Option<i64>,
    activities: Activities,
    current: Option<Current>,
    gathered: Vec<Gathered>,
    devices: Vec<String>,
    folded: Builder,
}

impl Folder {
    fn new(known: Arc<Known>, accounts: Accounts) -> Self {
        Self {
            until: known.run.until(),
            known,
            accounts,
            activities: Activities::default(),
            current: None,
            gathered: Vec::new(),
            devices: Vec::new(),
            folded: Builder::default(),
        }
    }

    /// Rows of a batch, all of one account.
    fn take(
        &mut self,
        batch: &Batch,
        rows: Range<usize>,
    ) -> std::result::Result<(), RecomputeError> {
        let account = batch.account.value(rows.start);
        let account = key(account, "account").map(AccountKey::from_uuid)?;
        let is_shared = self.known.shared.contains(&account);
        if is_shared == (self.accounts == Accounts::Shared) {
            self.open(account)?;
            self.gathered.reserve(rows.len());
            let mut before = None;
            for row in rows {
                let device = self.device_of(batch, row, before)?;
                before = Some((row, device));
                self.gather(batch, row, device)?;
            }
        }
        Ok(())
    }

    /// Answers of this account come.
    fn open(&mut self, account: AccountKey) -> std::result::Result<(), RecomputeError> {
        let owner = self.known.owners.get(&account).copied();
        let person = owner.unwrap_or_else(|| PersonKey::from(account));
        if self
            .current
            .as_ref()
            .is_some_and(|current| current.person != person)
        {
            self.finish_person()?;
        }
        let current = self.current.get_or_insert_with(|| Current {
            person,
            new_accounts: Vec::new(),
        });
        if owner.is_none() && !current.new_accounts.contains(&account) {
            current.new_accounts.push(account);
        }
        Ok(())
    }

    fn gather(
        &mut self,
        batch: &Batch,
        row: usize,
        device: Option<u16>,
    ) -> std::result::Result<(), RecomputeError> {
        let id = key(batch.id.value(row), "statement")?;
        if !self.known.left_out.is_empty()
            && self.known.left_out.contains(&StatementId::from_uuid(id))
        {
            return Ok(());
        }
        let answered_at = batch.answered_at.value(row);
        if self.until.is_some_and(|until| answered_at > until) {
            return Ok(());
        }
        let time_s = (!batch.invented_time.value(row)).then(|| ::mastery::seconds(answered_at));
        let activity = batch.activities[row];
        self.gathered.push(Gathered {
            answered_at,
            device,
            device_seq: batch
                .device_seq
                .is_valid(row)
                .then(|| batch.device_seq.value(row)),
            id,
            activity,
            answer: Move {
                item: self.activities.key(activity),
                correct: batch.correct.value(row),
                outcome: batch.outcome.value(row),
                time_s,
            },
        });
        Ok(())
    }

    /// The number of a row's device: that of the row before, mostly.
    fn device_of(
        &mut self,
        batch: &Batch,
        row: usize,
        before: Option<(usize, Option<u16>)>,
    ) -> std::result::Result<Option<u16>, RecomputeError> {
        let devices = &batch.device_id;
        match before {
            _ if devices.is_null(row) => Ok(None),
            Some((before, device @ Some(_))) if same(devices, before, row) => Ok(device),
            _ => self.device(devices.value(row)).map(Some),
        }
    }

    /// The number of a device: the person's last one, mostly.
    fn device(&mut self, id: &str) -> std::result::Result<u16, RecomputeError> {
        let place = match self.devices.iter().rposition(|device| device == id) {
            Some(place) => place,
            None => {
                self.devices.push(id.to_owned());
                self.devices.len() - 1
            }
        };
        u16::try_from(place).map_err(|_| RecomputeError::Devices)
    }

    /// Folds what has gathered.
    fn finish_person(&mut self) -> std::result::Result<(), RecomputeError> {
        let Some(current) = self.current.take() else {
            return Ok(());
        };
        let devices = &self.devices;
        let text = |device: Option<u16>| device.map(|n| devices[usize::from(n)].as_str());
        // In the order of `FoldKey`: absent devices and counters come first.
        let order = |a: &Gathered, b: &Gathered| {
            a.answered_at
                .cmp(&b.answered_at)
                .then_with(|| text(a.device).cmp(&text(b.device)))
                .then_with(|| a.device_seq.cmp(&b.device_seq))
                .then_with(|| a.id.cmp(&b.id))
        };
        // Stable, which is fast on what is sorted in part: answers come in the order of storing.
        self.gathered.sort_by(order);
        let twice = |pair: &[Gathered]| order(&pair[0], &pair[1]) == Ordering::Equal;
        if self.gathered.windows(2).any(twice) {
            return Err(RecomputeError::Order);
        }
        let known = &*self.known;
        let inputs = known.inputs.get(&current.person).cloned();
        let key = |n: usize| {
            let answer = &self.gathered[n];
            FoldKey {
                answered_at: answer.answered_at,
                device_id: text(answer.device).map(str::to_owned),
                device_seq: answer.device_seq,
                id: StatementId::from_uuid(answer.id),
            }
        };
        let answers = self.gathered.iter().map(|gathered| gathered.answer);
        let fold = Folding::start(&known.model, inputs.unwrap_or_default()).all(
            &known.model,
            answers,
            key,
        );
        for gathered in &self.gathered {
            self.activities
                .count(gathered.activity, gathered.answer.correct);
        }
        // All answers void: nothing is left of the person, but what else is known.
        if fold.answers > 0 {
            self.folded.push(
                &known.model,
                &known.run,
                current.person,
                &fold,
                &current.new_accounts,
            )?;
        }
        self.gathered.clear();
        self.devices.clear();
        Ok(())
    }

    /// The persons folded since it was last asked, and what was counted of them.
    fn give(&mut self) -> Result<RecordBatch> {
        let used = self.activities.used();
        Ok(self
            .folded
            .finish(&self.known.model, &self.known.run, used)?)
    }
}

fn key(text: &str, what: &'static str) -> std::result::Result<Uuid, RecomputeError> {
    schemas::xapi::formats::parse_uuid(text).ok_or(RecomputeError::Id(what))
}

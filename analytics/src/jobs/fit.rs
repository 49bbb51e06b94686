//! Items and constants by subject, from the lake: `sillage analytics fit`.
//!
//! A fit ends as a proposal ([`crate::calibration`]). It is stopped and goes on: after each search it keeps how
//! far it is, and what it reads ends at the position at which it began.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::ControlFlow;
use std::sync::Arc;

use ::fit::{AnswersError, Checkpoint, Compared, Fitted, Parameters, Progress, Settings, fit_from};
use ::mastery::{ItemParams, ItemPriors, LevelScale, Model, SetPrior};
use datafusion::prelude::SessionContext;
use schemas::catalogue::CatalogueItem;
use schemas::ids::{PersonKey, StatementId};
use serde::Serialize;
use serde_json::json;
use tokio::runtime::Handle;
use tokio::task::{JoinError, spawn_blocking};
use tokio_util::sync::CancellationToken;

use super::gather::{Gathered, Source, gather};
use super::recompute::RecomputeError;
use crate::Analytics;
use crate::calibration::FitReport;
use crate::calibration::report::About;
use crate::fold::Inputs;
use crate::lake::{self, LakeError};
use crate::store::account_person::Owners;
use crate::store::calibrations::{self, Begun, FittedItem, Found, Running};
use crate::store::{self, StoreError, account_person, feed, frameworks, inputs, models, runs};

/// What is fitted, and how.
#[derive(Clone, Debug)]
pub struct Options {
    /// Names of subjects; none: all that have answers.
    pub subjects: Vec<String>,
    /// Gives up what was stopped, in place of going on with it.
    pub anew: bool,
    /// Answers read at most; beyond, a sample of the pupils.
    pub answers_max: usize,
    /// How a fit is made.
    pub settings: Settings,
}

impl Default for Options {
    /// All subjects; five million answers, a hundred times what a first fit needs.
    fn default() -> Self {
        Self {
            subjects: Vec::new(),
            anew: false,
            answers_max: 5_000_000,
            settings: Settings::default(),
        }
    }
}

/// Why nothing was proposed. What was proposed before in the same run stays.
#[derive(Debug, thiserror::Error)]
pub enum FitError {
    /// One runs already.
    #[error("a fit is running already")]
    Busy,
    /// The framework has no such subject.
    #[error("the framework has no subject {0}")]
    Subject(String),
    /// Nothing was shipped to the lake.
    #[error("the lake has no answers yet")]
    NoAnswers,
    /// It was told to stop. It goes on from where it was when it is begun again.
    #[error("the fit was stopped; the next one goes on from there")]
    Stopped,
    /// It was given up while it ran.
    #[error("the fit was given up by another one")]
    GivenUp,
    /// The thread that fitted ended early.
    #[error("the fit was interrupted")]
    Interrupted(#[from] JoinError),
    /// The answers are not ones that can be fitted on.
    #[error("the answers cannot be fitted on")]
    Answers(#[from] AnswersError),
    /// The database did not answer.
    #[error("the database did not answer")]
    Store(#[from] StoreError),
    /// The lake could not be read.
    #[error("the lake did not answer")]
    Lake(#[from] LakeError),
    /// The plan over the lake failed.
    #[error("could not read the answers of the lake")]
    Read(#[from] RecomputeError),
}

/// What is told while it runs.
#[derive(Clone, Debug, PartialEq)]
pub enum Told {
    /// Something else was asked for than the fit that was stopped: that one is given up.
    GaveUp {
        /// Its subject.
        subject: String,
    },
    /// A subject's turn.
    Begun {
        /// Its name.
        subject: String,
        /// Answers to fit on.
        answers: usize,
        /// Pupils who gave them.
        pupils: usize,
        /// Pupils held out.
        held_out: usize,
        /// Whether it goes on from where one was stopped.
        resumed: bool,
    },
    /// A search is done, and kept.
    Search {
        /// The subject.
        subject: String,
        /// How far it is.
        progress: Progress,
    },
}

/// What came of a subject.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Outcome {
    /// There is a proposal.
    Proposed {
        /// The subject.
        subject: String,
        /// Its number.
        calibration: i64,
        /// What was found.
        report: Box<FitReport>,
    },
    /// There are too few pupils with answers to fit on some and hold out others.
    TooFew {
        /// The subject.
        subject: String,
        /// Pupils with answers.
        pupils: usize,
    },
}

/// Who is told how far it is.
pub type Tell = Arc<dyn Fn(&Told) + Send + Sync>;

/// Fits subject after subject, and proposes what came out.
pub async fn run(
    analytics: &Analytics,
    options: &Options,
    stop: &CancellationToken,
    tell: Tell,
) -> Result<Vec<Outcome>, FitError> {
    let lock = runs::fit_lock(analytics.pool()).await?;
    let lock = lock.ok_or(FitError::Busy)?;
    lock.during(run_alone(analytics, options, stop, tell)).await
}

async fn run_alone(
    analytics: &Analytics,
    options: &Options,
    stop: &CancellationToken,
    tell: Tell,
) -> Result<Vec<Outcome>, FitError> {
    let job = Job::begin(analytics, options, &tell).await?;
    let mut gathered = job.gather().await?;
    let mut outcomes = Vec::new();
    let enough: Vec<&Gathered> = gathered.iter().filter(|one| one.is_enough()).collect();
    let running = job.running(&enough).await?;
    for subject in &mut gathered {
        let name = subject.subject.clone();
        let Some(running) = running.get(&name) else {
            outcomes.push(Outcome::TooFew {
                pupils: subject.fitted.len() + subject.held_out.len(),
                subject: name,
            });
            continue;
        };
        let report = job.fit(subject, running, options, stop, &tell).await?;
        tracing::info!(
            subject = name,
            calibration = running.calibration,
            answers = report.answers,
            gain = report.held_out.gain,
            "a fit is proposed"
        );
        outcomes.push(Outcome::Proposed {
            subject: name,
            calibration: running.calibration,
            report: Box::new(report),
        });
    }
    Ok(outcomes)
}

/// A fit of some subjects under way.
struct Job<'a> {
    analytics: &'a Analytics,
    model: Arc<Model>,
    catalogue: HashMap<u64, CatalogueItem>,
    /// Numbers of what is in force, by subject.
    in_force: BTreeMap<String, i64>,
    session: SessionContext,
    /// Version and position of the lake.
    lake: (i64, i64),
    owners: Owners,
    left_out: Vec<StatementId>,
    inputs: BTreeMap<PersonKey, Inputs>,
    sample: f64,
    asked: String,
    subjects: Vec<String>,
    resumed: HashMap<String, Running>,
}

impl<'a> Job<'a> {
    /// The model in force, the lake, and what was stopped before.
    async fn begin(
        analytics: &'a Analytics,
        options: &Options,
        tell: &Tell,
    ) -> Result<Self, FitError> {
        let answers = lake::answers(analytics).await?.ok_or(FitError::NoAnswers)?;
        let fingerprint = analytics.models().wanted(analytics.pool()).await?;
        let mut client = store::client(analytics.pool()).await?;
        let transaction = store::begin(&mut client).await?;
        let model = analytics.models().get(&transaction, &fingerprint).await?;
        let kept = models::read(&transaction, &fingerprint)
            .await?
            .ok_or(StoreError::Document("model"))?;
        let catalogue = frameworks::parse_items(kept.catalogue)?;
        let mut in_force = calibrations::in_force(&transaction).await?;
        in_force.retain(|_, number| kept.calibrations.contains(number));
        for name in &options.subjects {
            if model.subject(name).is_none() {
                return Err(FitError::Subject(name.clone()));
            }
        }
        let asked = asked(options);
        let stopped = calibrations::running(&transaction).await?;
        let is_same = |Running { begun, .. }: &Running| {
            begun.asked == asked && begun.model == fingerprint && begun.lake_seq <= answers.seq
        };
        let resumed = if !options.anew && stopped.iter().all(is_same) {
            stopped
        } else {
            calibrations::give_up(&transaction).await?;
            for Running { begun, .. } in stopped {
                let subject = begun.subject;
                tell(&Told::GaveUp { subject });
            }
            Vec::new()
        };
        let all = || model.subjects().iter().map(|one| one.name().to_owned());
        // What is finished of a fit that was stopped is proposed already.
        let subjects = match (resumed.is_empty(), options.subjects.is_empty()) {
            (false, _) => resumed
                .iter()
                .map(|one| one.begun.subject.clone())
                .collect(),
            (true, true) => all().collect(),
            (true, false) => options.subjects.clone(),
        };
        let first = resumed.first().map(|one| one.begun.clone());
        let through = first.as_ref().map_or(answers.seq, |begun| begun.lake_seq);
        let owners = account_person::all(&transaction).await?;
        let left_out = feed::not_counting(&transaction, through).await?;
        let inputs = inputs::all(&transaction).await?;
        store::commit(transaction).await?;
        // The same pupils as before, whatever was voided since.
        let sample = match first {
            Some(begun) => begun.sample,
            None => share(&answers.session, through, options.answers_max).await?,
        };
        Ok(Self {
            analytics,
            model,
            catalogue: catalogue
                .into_iter()
                .rev()
                .map(|item| (item.id.key64(), item))
                .collect(),
            in_force,
            session: answers.session,
            lake: (answers.version, through),
            owners,
            left_out,
            inputs,
            sample,
            asked,
            subjects,
            resumed: resumed
                .into_iter()
                .map(|one| (one.begun.subject.clone(), one))
                .collect(),
        })
    }

    async fn gather(&self) -> Result<Vec<Gathered>, FitError> {
        let source = Source {
            session: &self.session,
            owners: &self.owners,
            left_out: &self.left_out,
            inputs: &self.inputs,
            through: self.lake.1,
            sample: self.sample,
        };
        Ok(gather(&self.model, &self.subjects, &source).await?)
    }

    /// A row for each subject that has enough answers: that of the fit that was stopped, or a new one.
    async fn running(&self, enough: &[&Gathered]) -> Result<HashMap<String, Running>, FitError> {
        let mut client = store::client(self.analytics.pool()).await?;
        let transaction = store::begin(&mut client).await?;
        let mut running = HashMap::new();
        for Gathered { subject, .. } in enough {
            let row = if let Some(resumed) = self.resumed.get(subject) {
                resumed.clone()
            } else {
                let begun = Begun {
                    subject: subject.clone(),
                    model: self.model.fingerprint().to_owned(),
                    asked: self.asked.clone(),
                    sample: self.sample,
                    lake_version: self.lake.0,
                    lake_seq: self.lake.1,
                };
                Running {
                    calibration: calibrations::begin(&transaction, &begun).await?,
                    begun,
                    checkpoint: None,
                }
            };
            running.insert(subject.clone(), row);
        }
        store::commit(transaction).await?;
        Ok(running)
    }

    /// Fits one subject, compares it with what is in force, and proposes it.
    async fn fit(
        &self,
        gathered: &mut Gathered,
        running: &Running,
        options: &Options,
        stop: &CancellationToken,
        tell: &Tell,
    ) -> Result<FitReport, FitError> {
        let (answers, held_out) = gathered.answers()?;
        let pupils = answers.pupils();
        let counts = (
            pupils.iter().map(|pupil| pupil.answers.len()).sum(),
            pupils.len(),
        );
        let checkpoint = running.checkpoint.as_deref().and_then(Checkpoint::decode);
        tell(&Told::Begun {
            subject: running.begun.subject.clone(),
            answers: counts.0,
            pupils: counts.1,
            held_out: held_out.pupils().len(),
            resumed: checkpoint.is_some(),
        });
        let settings = options.settings.clone();
        let workers = settings.workers;
        let mut watch = self.watch(running, stop, tell);
        let fitting = spawn_blocking(move || {
            let from = checkpoint.unwrap_or_default();
            fit_from(&answers, &settings, &from, &mut watch)
        });
        let fitted = fitting.await?.ok_or(FitError::Stopped)?;
        let priors = self.priors(gathered, &fitted);
        let (params, in_force) = self.params(gathered, &fitted, &priors);
        let subject = self.model.subject(&running.begun.subject);
        let subject = subject.ok_or_else(|| FitError::Subject(running.begun.subject.clone()))?;
        let hyper = *subject.hyper();
        let of_fit = (params, fitted.hyper);
        let comparing = spawn_blocking(move || {
            let parameters = |items, hyper| Parameters { items, hyper };
            let (fitted, other) = (
                parameters(&of_fit.0, &of_fit.1),
                parameters(&in_force, &hyper),
            );
            Compared::of(&held_out, fitted, other, workers)
        });
        let report = FitReport::new(
            &fitted,
            About {
                answers: counts.0,
                pupils: counts.1,
                sample: self.sample,
                compared: &comparing.await?,
                in_force: self.in_force.get(&running.begun.subject).copied(),
                activities: &self.activities(&gathered.items),
            },
        );
        self.propose(running, gathered, &fitted, &priors, &report)
            .await?;
        Ok(report)
    }

    /// Keeps how far the fit is, tells it, and says whether it goes on.
    fn watch(
        &self,
        running: &Running,
        stop: &CancellationToken,
        tell: &Tell,
    ) -> impl FnMut(&Checkpoint, &Progress) -> ControlFlow<()> + Send + use<> {
        let (handle, pool) = (Handle::current(), self.analytics.pool().clone());
        let (number, subject) = (running.calibration, running.begun.subject.clone());
        let (stop, tell) = (stop.clone(), Arc::clone(tell));
        move |checkpoint, progress| {
            let bytes = checkpoint.encode();
            let kept = handle.block_on(async {
                let client = store::client(&pool).await?;
                calibrations::keep_checkpoint(&client, number, &bytes).await
            });
            if let Err(error) = kept {
                // The fit itself is not lost by it.
                tracing::warn!(error = %service::error::chain(&error), "could not keep how far the fit is");
            }
            tell(&Told::Search {
                subject: subject.clone(),
                progress: *progress,
            });
            if stop.is_cancelled() {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        }
    }

    /// What the fit expects of items that nobody answered.
    fn priors(&self, gathered: &Gathered, fitted: &Fitted) -> ItemPriors {
        let answered = gathered.items.iter().zip(&fitted.items);
        let answered = answered.zip(&fitted.answers).filter(|(_, n)| **n > 0);
        let judged = answered.filter_map(|((key, params), _)| {
            let level = self.catalogue.get(key)?.level_difficulty()?;
            Some((level, *params))
        });
        let sets = fitted.expected.sets.iter().map(|(set, params)| SetPrior {
            competencies: gathered.keys_of(set),
            params: *params,
        });
        let mut sets: Vec<SetPrior> = sets.collect();
        sets.sort_unstable_by(|one, other| one.competencies.cmp(&other.competencies));
        ItemPriors {
            sets,
            other: fitted.expected.other,
            level: LevelScale::of(&judged.collect::<Vec<_>>()),
        }
    }

    /// The items as they will be if the fit is accepted, and as they are.
    fn params(
        &self,
        gathered: &Gathered,
        fitted: &Fitted,
        priors: &ItemPriors,
    ) -> (Vec<ItemParams>, Vec<ItemParams>) {
        let places = gathered.items.iter().enumerate();
        let pairs = places.filter_map(|(place, key)| {
            let item = self.model.item(*key)?;
            let set = item.loadings().iter().map(|loading| loading.key);
            let then = match self.catalogue.get(key) {
                Some(declared) if fitted.answers[place] == 0 => {
                    priors.params(declared, &set.collect::<Vec<_>>())
                }
                _ => fitted.items[place],
            };
            Some((then, item.params()))
        });
        pairs.unzip()
    }

    fn activities(&self, keys: &[u64]) -> Vec<String> {
        let iri = |key| {
            let item = self.catalogue.get(key);
            item.map_or_else(String::new, |item| item.id.as_str().to_owned())
        };
        keys.iter().map(iri).collect()
    }

    async fn propose(
        &self,
        running: &Running,
        gathered: &Gathered,
        fitted: &Fitted,
        priors: &ItemPriors,
        report: &FitReport,
    ) -> Result<(), FitError> {
        let places = gathered.items.iter().enumerate();
        let items = places.filter_map(|(place, key)| {
            let answers = fitted.answers[place];
            (answers > 0).then(|| FittedItem {
                item: *key,
                params: fitted.items[place],
                answers,
            })
        });
        let items: Vec<FittedItem> = items.collect();
        let report = serde_json::to_value(report).map_err(|_| StoreError::Document("report"))?;
        let mut client = store::client(self.analytics.pool()).await?;
        let transaction = store::begin(&mut client).await?;
        let found = Found {
            hyper: &fitted.hyper,
            priors,
            items: &items,
            report: &report,
        };
        if !calibrations::propose(&transaction, running.calibration, &found).await? {
            return Err(FitError::GivenUp);
        }
        Ok(store::commit(transaction).await?)
    }
}

/// What is asked for, as text: equal where a fit that was stopped may go on. No bit depends on the number of threads.
fn asked(options: &Options) -> String {
    let Options {
        subjects,
        anew: _,
        answers_max,
        settings,
    } = options;
    let Settings {
        starts,
        evaluations,
        rounds,
        passes,
        final_passes,
        held_out,
        held,
        discrimination,
        workers: _,
    } = settings;
    let subjects: BTreeSet<&String> = subjects.iter().collect();
    json!({
        "subjects": subjects, "answers_max": answers_max,
        "starts": starts, "evaluations": evaluations, "rounds": rounds, "passes": passes,
        "final_passes": final_passes, "held_out": held_out, "held": held, "discrimination": discrimination,
    })
    .to_string()
}

/// Share of the pupils to read so that about `most` answers are.
async fn share(session: &SessionContext, through: i64, most: usize) -> Result<f64, FitError> {
    let sql = format!("select 1 from answers where seq <= {through}");
    let rows = session.sql(&sql).await.map_err(RecomputeError::from)?;
    let rows = rows.count().await.map_err(RecomputeError::from)?;
    Ok((most as f64 / rows.max(1) as f64).min(1.0))
}

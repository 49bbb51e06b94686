//! The daily check: do predictions come true, do items stay as hard as they were?
//!
//! Every answer that the lake has got since the last check is predicted by the model that is served, from the
//! answers before it in fold order, and counted with what came of it. The position up to which answers are counted
//! is written in the transaction that counts them: each is counted once, however often its pupil is folded again.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use ::mastery::Model;
use chrono::{DateTime, Datelike, Days, NaiveDate, TimeDelta, Utc};
use schemas::ids::PersonKey;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::persons::{PersonAnswers, Persons, Window};
use super::recompute::RecomputeError;
use crate::Analytics;
use crate::checks::findings::WINDOWS_DAYS;
use crate::checks::{Alert, Bins, Dimension, Drift, Judged, Kinds, Tally, Watching};
use crate::fold::{Inputs, PersonFold};
use crate::lake::{self, LakeError};
use crate::store::checks::{self, NewCheck, NewMonth, NewSum, Served, Slice};
use crate::store::{
    self, StoreError, Transaction, account_person, calibrations, feed, frameworks, inputs, models,
    runs, versions,
};

/// Time between two looks at whether a check is due.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// Why nothing was checked.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// One runs already.
    #[error("a check is running already")]
    Busy,
    /// Nothing is served yet.
    #[error("there are no states yet")]
    NotReady,
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

/// What a check found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CheckReport {
    /// The last day that was looked at.
    pub day: NaiveDate,
    /// Up to where every answer of the lake is counted.
    pub position: i64,
    /// Answers counted by this check.
    pub answers: i64,
    /// Every slice in every window that has answers.
    pub slices: Vec<Checked>,
    /// Items that were compared with the months before.
    pub items: usize,
    /// What a new fit is proposed for.
    pub alerts: Vec<Alert>,
    /// How many of them were not raised before.
    pub new_alerts: usize,
}

/// A slice over a window.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Checked {
    /// The subject.
    pub subject: String,
    /// What predicted; 0: the catalogue and the defaults.
    pub calibration: i64,
    /// What it is a slice of: subject, domain, kind, turn, voie.
    pub dimension: String,
    /// Which slice; empty for a whole subject.
    pub slice: String,
    /// Days of the window.
    pub days: u32,
    /// How the predictions came true.
    #[serde(flatten)]
    pub judged: Judged,
    /// Of a whole subject: bins from 0 to 1: answers, mean expected, mean that came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reliability: Option<Vec<(i64, f64, f64)>>,
}

/// Counts what is new, and looks at the windows that end with `day`.
pub async fn run(analytics: &Analytics, day: NaiveDate) -> Result<CheckReport, CheckError> {
    let lock = runs::check_lock(analytics.pool()).await?;
    let lock = lock.ok_or(CheckError::Busy)?;
    lock.during(run_alone(analytics, day)).await
}

async fn run_alone(analytics: &Analytics, day: NaiveDate) -> Result<CheckReport, CheckError> {
    let started = service::clock::now();
    let job = Job::begin(analytics).await?;
    let (tally, position) = job.count().await?;
    let mut client = store::client(analytics.pool()).await?;
    let transaction = store::begin(&mut client).await?;
    job.add(&transaction, &tally).await?;
    let mut report = job.judge(&transaction, day).await?;
    report.answers = tally.answers();
    report.position = position;
    for alert in &report.alerts {
        if checks::raise(&transaction, alert, day).await? {
            report.new_alerts += 1;
            warn(alert);
        }
    }
    keep(&transaction, &report, started).await?;
    store::commit(transaction).await?;
    Ok(report)
}

async fn keep(
    transaction: &Transaction<'_>,
    report: &CheckReport,
    started: DateTime<Utc>,
) -> Result<(), CheckError> {
    let document = serde_json::to_value(report).map_err(|_| StoreError::Document("report"))?;
    let check = NewCheck {
        day: report.day,
        position: report.position,
        answers: report.answers,
        started,
        report: &document,
    };
    checks::insert(transaction, &check).await?;
    Ok(())
}

fn warn(alert: &Alert) {
    match alert {
        Alert::Calibration {
            subject,
            dimension,
            slice,
            days,
            judged,
            ..
        } => tracing::warn!(
            subject,
            dimension,
            slice,
            days,
            answers = judged.answers,
            ece = judged.ece,
            allowed = judged.allowed,
            "predictions do not come true: fit again (sillage analytics fit)"
        ),
        Alert::Drift {
            subject,
            activity,
            drift,
            ..
        } => tracing::warn!(
            subject,
            activity,
            change = drift.change,
            allowed = drift.allowed,
            "the difficulty of an item changed: fit again (sillage analytics fit)"
        ),
    }
}

/// A check under way.
struct Job<'a> {
    analytics: &'a Analytics,
    model: Arc<Model>,
    kinds: Kinds,
    served: Served,
    /// Up to where answers are counted.
    after: i64,
}

impl<'a> Job<'a> {
    async fn begin(analytics: &'a Analytics) -> Result<Self, CheckError> {
        let mut client = store::client(analytics.pool()).await?;
        let transaction = store::begin_snapshot(&mut client).await?;
        let version = versions::current(&transaction).await?;
        let version = version.ok_or(CheckError::NotReady)?;
        let model = analytics.models().get(&transaction, &version.model).await?;
        let read = models::read(&transaction, &version.model).await?;
        let catalogue = read.ok_or(StoreError::Document("model"))?.catalogue;
        let numbers = calibrations::served(&transaction).await?;
        let served = model.subjects().iter().map(|subject| {
            let number = numbers.get(subject.name());
            (subject.name().to_owned(), number.copied().unwrap_or(0))
        });
        Ok(Self {
            analytics,
            kinds: Kinds::new(&frameworks::parse_items(catalogue)?),
            served: Served::new(served),
            model,
            after: checks::position(&transaction).await?,
        })
    }

    /// What the lake has got since, and up to where.
    async fn count(&self) -> Result<(Tally, i64), CheckError> {
        let mut tally = Tally::default();
        let Some(lake) = lake::answers(self.analytics).await? else {
            return Ok((tally, self.after));
        };
        if lake.seq <= self.after {
            return Ok((tally, self.after));
        }
        let client = store::client(self.analytics.pool()).await?;
        let owners = account_person::all(&client).await?;
        let left_out = feed::not_counting(&client, lake.seq).await?;
        let mut inputs = inputs::all(&client).await?;
        drop(client);
        let window = Window {
            after: self.after,
            through: lake.seq,
        };
        let mut persons = Persons::start(&lake.session, &owners, &left_out, window).await?;
        while let Some(person) = persons.next().await? {
            self.fold(person, &mut inputs, &mut tally);
        }
        Ok((tally, lake.seq))
    }

    /// Folds a person as the fold does, and tallies what is new on the way.
    fn fold(
        &self,
        person: PersonAnswers,
        inputs: &mut BTreeMap<PersonKey, Inputs>,
        tally: &mut Tally,
    ) {
        let new = person.answers.iter().filter(|one| one.seq > self.after);
        let new: HashMap<_, _> = new.map(|one| (one.answer.key.id, one.stored)).collect();
        let answers = person.answers.into_iter().map(|one| one.answer).collect();
        let inputs = inputs.remove(&person.person).unwrap_or_default();
        let mut watching = Watching {
            kinds: &self.kinds,
            new: &new,
            voie: inputs.voie,
            tally,
        };
        PersonFold::observed(&self.model, inputs, answers, &mut watching);
    }

    async fn add(&self, transaction: &Transaction<'_>, tally: &Tally) -> Result<(), CheckError> {
        let subject = |index: usize| self.model.subjects()[index].name();
        let sums = tally.cells().iter().map(|(cell, bins)| NewSum {
            day: cell.day,
            subject: subject(cell.subject),
            calibration: self.served.calibration(cell.subject),
            dimension: cell.dimension.as_str(),
            slice: self.kinds.name(&self.model, cell),
            bins,
        });
        let sums: Vec<NewSum<'_>> = sums.collect();
        let months = tally.months().filter_map(|(month, item, activity, sums)| {
            let place = self.model.item(item)?.subject();
            Some(NewMonth {
                month,
                calibration: self.served.calibration(place),
                item,
                subject: subject(place),
                activity,
                sums,
            })
        });
        let months: Vec<NewMonth<'_>> = months.collect();
        checks::add(transaction, &sums).await?;
        checks::add_months(transaction, &months).await?;
        Ok(())
    }

    async fn judge(
        &self,
        transaction: &Transaction<'_>,
        day: NaiveDate,
    ) -> Result<CheckReport, CheckError> {
        let mut windows: Vec<(u32, Vec<Slice>)> = Vec::new();
        for days in WINDOWS_DAYS {
            let after = day.checked_sub_days(Days::new(days.into())).unwrap_or(day);
            let slices = checks::slices(transaction, (after, day), &self.served).await?;
            windows.push((days, slices));
        }
        let tests = windows.iter().map(|(_, slices)| slices.len()).sum();
        let mut report = CheckReport {
            day,
            position: self.after,
            answers: 0,
            slices: Vec::new(),
            items: 0,
            alerts: Vec::new(),
            new_alerts: 0,
        };
        // The longest window first: of two that alarm, the alert shows the one that says more.
        for (days, slices) in windows.into_iter().rev() {
            for slice in slices {
                let judged = Judged::of(&slice.bins, tests);
                let checked = Checked::new(slice, days, judged);
                if judged.is_alarming() && !report.has_alert_of(&checked) {
                    report.alerts.push(checked.alert());
                }
                report.slices.push(checked);
            }
        }
        let month = day.with_day(1).unwrap_or(day);
        let items = checks::item_months(transaction, month, &self.served).await?;
        let tests = items.len();
        for item in items {
            let Some(drift) = Drift::of(&item.months, tests) else {
                continue;
            };
            report.items += 1;
            if drift.is_alarming() {
                report.alerts.push(Alert::Drift {
                    subject: item.subject,
                    calibration: item.calibration,
                    activity: item.activity,
                    drift,
                });
            }
        }
        Ok(report)
    }
}

impl CheckReport {
    fn has_alert_of(&self, checked: &Checked) -> bool {
        self.alerts.iter().any(|alert| match alert {
            Alert::Calibration {
                subject,
                dimension,
                slice,
                ..
            } => {
                (subject, dimension, slice)
                    == (&checked.subject, &checked.dimension, &checked.slice)
            }
            Alert::Drift { .. } => false,
        })
    }
}

impl Checked {
    fn new(slice: Slice, days: u32, judged: Judged) -> Self {
        let whole = slice.dimension == Dimension::Subject.as_str();
        Self {
            subject: slice.subject,
            calibration: slice.calibration,
            dimension: slice.dimension,
            slice: slice.slice,
            days,
            judged,
            reliability: whole.then(|| reliability(&slice.bins)),
        }
    }

    fn alert(&self) -> Alert {
        Alert::Calibration {
            subject: self.subject.clone(),
            calibration: self.calibration,
            dimension: self.dimension.clone(),
            slice: self.slice.clone(),
            days: self.days,
            judged: self.judged,
        }
    }
}

fn reliability(bins: &Bins) -> Vec<(i64, f64, f64)> {
    let bins = bins.iter().map(|bin| {
        let count = f64::max(bin.answers as f64, 1.0);
        (bin.answers, bin.expected / count, bin.outcome / count)
    });
    bins.collect()
}

/// Checks when it is time, until `shutdown`: the windows end with the last whole day.
pub async fn watch(analytics: Arc<Analytics>, shutdown: CancellationToken) {
    let Some(every) = analytics.config().check_every() else {
        return;
    };
    while !shutdown.is_cancelled() {
        if let Err(error) = look(&analytics, every).await {
            tracing::error!(error = %service::error::chain(&error), "could not check the predictions");
        }
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = tokio::time::sleep(LOOK_EVERY.min(every)) => {}
        }
    }
}

/// The last day that is over at a time, and whose answers have had an hour to come to the lake.
#[must_use]
pub fn last_whole_day(now: DateTime<Utc>) -> NaiveDate {
    (now - TimeDelta::hours(25)).date_naive()
}

/// Whether it is time for a check of `yesterday`. What is checked daily, or more often, leaves out no day, though a check
/// ends a little later each time.
fn is_due(
    last: Option<NaiveDate>,
    age: Option<Duration>,
    every: Duration,
    yesterday: NaiveDate,
) -> bool {
    const DAY: Duration = Duration::from_hours(24);
    let left_out = every <= DAY && last.is_some_and(|last| last < yesterday);
    left_out || age.is_some_and(|age| age >= every)
}

async fn look(analytics: &Analytics, every: Duration) -> Result<(), CheckError> {
    let client = store::client(analytics.pool()).await?;
    let (last, age) = checks::age(&client).await?;
    drop(client);
    let yesterday = last_whole_day(service::clock::now());
    if !is_due(last, age, every, yesterday) {
        return Ok(());
    }
    match run(analytics, yesterday).await {
        // Another copy is at it.
        Err(CheckError::Busy) => Ok(()),
        result => {
            let report = result?;
            let (answers, alerts) = (report.answers, report.alerts.len());
            tracing::info!(answers, alerts, "predictions checked");
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_daily_check_leaves_out_no_day_and_is_not_made_twice() {
        let day = |n| NaiveDate::from_ymd_opt(2026, 3, n).expect("a day");
        let hours = |n| Some(Duration::from_hours(n));
        let (daily, weekly) = (Duration::from_hours(24), Duration::from_hours(7 * 24));
        assert!(!is_due(None, None, daily, day(9)), "nothing is served yet");
        assert!(!is_due(None, hours(23), daily, day(9)));
        assert!(is_due(None, hours(24), daily, day(9)));
        assert!(is_due(Some(day(8)), hours(1), daily, day(9)));
        assert!(!is_due(Some(day(9)), hours(1), daily, day(9)));
        assert!(is_due(
            Some(day(9)),
            hours(2),
            Duration::from_hours(2),
            day(9)
        ));
        assert!(!is_due(Some(day(3)), hours(6 * 24), weekly, day(9)));
        assert!(is_due(Some(day(2)), hours(7 * 24), weekly, day(9)));
    }

    #[test]
    fn a_day_is_whole_an_hour_after_its_end() {
        let at = |text: &str| last_whole_day(text.parse().expect("a time")).to_string();
        assert_eq!(at("2026-03-09T00:59:59Z"), "2026-03-07");
        assert_eq!(at("2026-03-09T01:00:00Z"), "2026-03-08");
    }
}

//! Predictions with what came of them, checks, alerts: `analytics.predictions`, `item_months`, `checks`,
//! `alerts`.

use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};
use deadpool_postgres::GenericClient;
use serde_json::Value;

use super::{StoreError, Transaction};
use crate::checks::tally::BINS;
use crate::checks::{Alert, Bin, Bins, Month};

/// A sum of predictions that is written.
#[derive(Clone, Debug)]
pub struct NewSum<'a> {
    /// The day on which the answers were stored.
    pub day: NaiveDate,
    /// The subject.
    pub subject: &'a str,
    /// What predicted; 0: the catalogue and the defaults.
    pub calibration: i64,
    /// Name of the dimension.
    pub dimension: &'static str,
    /// Name of the slice.
    pub slice: &'a str,
    /// The sums.
    pub bins: &'a Bins,
}

/// A sum of an item that is written.
#[derive(Clone, Debug)]
pub struct NewMonth<'a> {
    /// First day of the month in which the answers were stored.
    pub month: NaiveDate,
    /// What predicted.
    pub calibration: i64,
    /// The item.
    pub item: u64,
    /// Its subject.
    pub subject: &'a str,
    /// Its IRI.
    pub activity: &'a str,
    /// The sums.
    pub sums: Month,
}

/// A slice over some days.
#[derive(Clone, Debug, PartialEq)]
pub struct Slice {
    /// The subject.
    pub subject: String,
    /// What predicted.
    pub calibration: i64,
    /// Name of the dimension.
    pub dimension: String,
    /// Name of the slice.
    pub slice: String,
    /// The sums.
    pub bins: Bins,
}

/// An item over months.
#[derive(Clone, Debug, PartialEq)]
pub struct ItemMonths {
    /// The subject.
    pub subject: String,
    /// What predicted.
    pub calibration: i64,
    /// The item.
    pub item: i64,
    /// Its IRI.
    pub activity: String,
    /// Its sums, by the first day of the month, in order.
    pub months: Vec<(NaiveDate, Month)>,
}

/// A check that is kept.
#[derive(Clone, Debug)]
pub struct NewCheck<'a> {
    /// The last day that was looked at.
    pub day: NaiveDate,
    /// Up to where every answer is counted.
    pub position: i64,
    /// Answers counted by it.
    pub answers: i64,
    /// When it began.
    pub started: DateTime<Utc>,
    /// What it found.
    pub report: &'a Value,
}

/// Subjects with what is served of them.
#[derive(Clone, Debug, Default)]
pub struct Served {
    subjects: Vec<String>,
    calibrations: Vec<i64>,
}

impl Served {
    /// These subjects, each with its calibration or 0.
    #[must_use]
    pub fn new(pairs: impl IntoIterator<Item = (String, i64)>) -> Self {
        let (subjects, calibrations) = pairs.into_iter().unzip();
        Self {
            subjects,
            calibrations,
        }
    }

    /// The calibration of the subject at a place.
    #[must_use]
    pub fn calibration(&self, subject: usize) -> i64 {
        self.calibrations.get(subject).copied().unwrap_or(0)
    }
}

/// Up to where answers are counted.
pub async fn position(client: &impl GenericClient) -> Result<i64, StoreError> {
    let row = super::query_one(client, include_str!("sql/checks_position.sql"), &[]).await?;
    Ok(row.get(0))
}

/// The last day that was checked, and the time since that was done or, before it, since the first version was
/// made.
pub async fn age(
    client: &impl GenericClient,
) -> Result<(Option<NaiveDate>, Option<Duration>), StoreError> {
    let row = super::query_one(client, include_str!("sql/checks_age.sql"), &[]).await?;
    let seconds: Option<f64> = row.get(1);
    let age = seconds.map(|seconds| Duration::from_secs_f64(seconds.max(0.0)));
    Ok((row.get(0), age))
}

/// When the last check was done, and what it found; none before the first.
pub async fn last(
    client: &impl GenericClient,
) -> Result<Option<(DateTime<Utc>, Value)>, StoreError> {
    let row = super::query_opt(client, include_str!("sql/checks_last.sql"), &[]).await?;
    Ok(row.map(|row| (row.get(0), row.get(1))))
}

/// Adds to the sums of predictions.
pub async fn add(transaction: &Transaction<'_>, sums: &[NewSum<'_>]) -> Result<(), StoreError> {
    let filled = || {
        sums.iter().flat_map(|sum| {
            let bins = sum.bins.iter().zip(0_i16..);
            bins.filter(|(bin, _)| bin.answers > 0)
                .map(move |(bin, number)| (sum, bin, number))
        })
    };
    let days: Vec<NaiveDate> = filled().map(|(sum, ..)| sum.day).collect();
    let subjects: Vec<&str> = filled().map(|(sum, ..)| sum.subject).collect();
    let calibrations: Vec<i64> = filled().map(|(sum, ..)| sum.calibration).collect();
    let dimensions: Vec<&str> = filled().map(|(sum, ..)| sum.dimension).collect();
    let slices: Vec<&str> = filled().map(|(sum, ..)| sum.slice).collect();
    let numbers: Vec<i16> = filled().map(|(.., number)| number).collect();
    let answers: Vec<i64> = filled().map(|(_, bin, _)| bin.answers).collect();
    let float = |of: fn(&Bin) -> f64| -> Vec<f64> { filled().map(|(_, bin, _)| of(bin)).collect() };
    let (expected, outcome) = (float(|bin| bin.expected), float(|bin| bin.outcome));
    let variance = float(|bin| bin.variance);
    let sql = include_str!("sql/predictions_add.sql");
    super::execute(
        transaction,
        sql,
        &[
            &days,
            &subjects,
            &calibrations,
            &dimensions,
            &slices,
            &numbers,
            &answers,
            &expected,
            &outcome,
            &variance,
        ],
    )
    .await?;
    Ok(())
}

/// Adds to the sums of items.
pub async fn add_months(
    transaction: &Transaction<'_>,
    months: &[NewMonth<'_>],
) -> Result<(), StoreError> {
    let firsts: Vec<NaiveDate> = months.iter().map(|one| one.month).collect();
    let calibrations: Vec<i64> = months.iter().map(|one| one.calibration).collect();
    let items: Vec<i64> = months.iter().map(|one| one.item.cast_signed()).collect();
    let subjects: Vec<&str> = months.iter().map(|one| one.subject).collect();
    let activities: Vec<&str> = months.iter().map(|one| one.activity).collect();
    let answers: Vec<i64> = months.iter().map(|one| one.sums.answers).collect();
    let slopes: Vec<f64> = months.iter().map(|one| one.sums.slope).collect();
    let curves: Vec<f64> = months.iter().map(|one| one.sums.curve).collect();
    let sql = include_str!("sql/item_months_add.sql");
    super::execute(
        transaction,
        sql,
        &[
            &firsts,
            &calibrations,
            &items,
            &subjects,
            &activities,
            &answers,
            &slopes,
            &curves,
        ],
    )
    .await?;
    Ok(())
}

/// The slices of what is served, over some days up to one.
pub async fn slices(
    client: &impl GenericClient,
    (after, until): (NaiveDate, NaiveDate),
    served: &Served,
) -> Result<Vec<Slice>, StoreError> {
    let sql = include_str!("sql/predictions_read.sql");
    let Served {
        subjects,
        calibrations,
    } = served;
    let rows = super::query(client, sql, &[&after, &until, subjects, calibrations]).await?;
    let mut slices: Vec<Slice> = Vec::new();
    for row in &rows {
        let next = Slice {
            subject: row.get(0),
            calibration: row.get(1),
            dimension: row.get(2),
            slice: row.get(3),
            bins: [Bin::default(); BINS],
        };
        let bin = Bin {
            answers: row.get(5),
            expected: row.get(6),
            outcome: row.get(7),
            variance: row.get(8),
        };
        let number = usize::try_from(row.get::<_, i16>(4)).unwrap_or(0);
        let same = slices.last().is_some_and(|last| {
            (&last.subject, &last.dimension, &last.slice)
                == (&next.subject, &next.dimension, &next.slice)
        });
        if !same {
            slices.push(next);
        }
        if let Some(place) = slices.last_mut().and_then(|last| last.bins.get_mut(number)) {
            *place = bin;
        }
    }
    Ok(slices)
}

/// The items of what is served that were answered in a month, over that month and the year before.
pub async fn item_months(
    client: &impl GenericClient,
    month: NaiveDate,
    served: &Served,
) -> Result<Vec<ItemMonths>, StoreError> {
    let sql = include_str!("sql/item_months_read.sql");
    let Served {
        subjects,
        calibrations,
    } = served;
    let rows = super::query(client, sql, &[&month, subjects, calibrations]).await?;
    let mut items: Vec<ItemMonths> = Vec::new();
    for row in &rows {
        let item: i64 = row.get(2);
        if items.last().is_none_or(|last| last.item != item) {
            items.push(ItemMonths {
                subject: row.get(0),
                calibration: row.get(1),
                item,
                activity: row.get(3),
                months: Vec::new(),
            });
        }
        let sums = Month {
            answers: row.get(5),
            slope: row.get(6),
            curve: row.get(7),
        };
        if let Some(last) = items.last_mut() {
            last.months.push((row.get(4), sums));
        }
    }
    Ok(items)
}

/// Keeps a check; its number.
pub async fn insert(
    transaction: &Transaction<'_>,
    check: &NewCheck<'_>,
) -> Result<i64, StoreError> {
    let sql = include_str!("sql/checks_insert.sql");
    let NewCheck {
        day,
        position,
        answers,
        started,
        report,
    } = check;
    let row =
        super::query_one(transaction, sql, &[day, position, answers, started, report]).await?;
    Ok(row.get(0))
}

/// Raises an alert on a day; true where the check before did not raise it.
pub async fn raise(
    transaction: &Transaction<'_>,
    alert: &Alert,
    day: NaiveDate,
) -> Result<bool, StoreError> {
    let (kind, subject, calibration, dimension, slice) = match alert {
        Alert::Calibration {
            subject,
            calibration,
            dimension,
            slice,
            ..
        } => (
            "calibration",
            subject,
            calibration,
            dimension.as_str(),
            slice,
        ),
        Alert::Drift {
            subject,
            calibration,
            activity,
            ..
        } => ("drift", subject, calibration, "item", activity),
    };
    let evidence = serde_json::to_value(alert).map_err(|_| StoreError::Document("alert"))?;
    let sql = include_str!("sql/alerts_write.sql");
    let row = super::query_one(
        transaction,
        sql,
        &[
            &kind,
            subject,
            calibration,
            &dimension,
            slice,
            &day,
            &evidence,
        ],
    )
    .await?;
    Ok(row.get(0))
}

/// How many alerts of the last check concern what is served.
pub async fn open_alerts(client: &impl GenericClient) -> Result<i64, StoreError> {
    let row = super::query_one(client, include_str!("sql/alerts_open.sql"), &[]).await?;
    Ok(row.get(0))
}

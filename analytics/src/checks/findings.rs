//! What sums say: slices whose predictions do not come true, items whose difficulty changed.

use chrono::NaiveDate;
use serde::Serialize;

use super::chance::{bound, share};
use super::tally::{BINS, Bins, Month};

/// Expected calibration error that is good enough: the one that the model is held to on public answers
/// (docs/model.md). No model is right to the last digit, and with answers enough any is found out.
pub const GOOD_ENOUGH: f64 = 0.02;

/// Windows that are looked at, in days: what breaks is seen at once, what creeps is seen in a month.
pub const WINDOWS_DAYS: [u32; 3] = [1, 7, 28];

/// Answers of an item in a month from which on the month counts.
const ENOUGH_IN_MONTH: i64 = 30;

/// Logits between two months' difficulties that matter to anybody.
const MATTERS: f64 = 0.5;

/// How the predictions of a slice came true.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Judged {
    /// Answers.
    pub answers: i64,
    /// Mean success expected.
    pub expected: f64,
    /// Mean of what came.
    pub outcome: f64,
    /// Expected calibration error over 20 bins.
    pub ece: f64,
    /// What the error stays below where predictions are good enough, but for the chance of a false alarm.
    pub allowed: f64,
}

/// An item whose difficulty changed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Drift {
    /// First day of the month that is compared.
    pub month: NaiveDate,
    /// Answers of that month.
    pub answers: i64,
    /// Answers of the months before.
    pub answers_before: i64,
    /// Logits by which it became harder.
    pub change: f64,
    /// What the change stays below where there is none, but for the chance of a false alarm.
    pub allowed: f64,
}

/// Something to look at, which a new fit is proposed for.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Alert {
    /// Predictions of a slice do not come true.
    Calibration {
        /// The subject.
        subject: String,
        /// The calibration that predicted; 0: the catalogue and the defaults.
        calibration: i64,
        /// What it is a slice of.
        dimension: String,
        /// Which slice.
        slice: String,
        /// Days that were looked at.
        days: u32,
        /// How they came true.
        judged: Judged,
    },
    /// An item became harder or easier.
    Drift {
        /// The subject.
        subject: String,
        /// The calibration that predicted; 0: the catalogue and the defaults.
        calibration: i64,
        /// IRI of the activity.
        activity: String,
        /// By how much.
        drift: Drift,
    },
}

impl Judged {
    /// Judges a slice, one of `tests` tests of the day.
    ///
    /// The error is a sum over bins of distances. For one choice of their signs the sum of errors is a
    /// martingale, and there are two to the number of bins: the bound holds for all of them together.
    #[must_use]
    pub fn of(bins: &Bins, tests: usize) -> Self {
        let whole = bins.iter().copied().reduce(super::Bin::plus);
        let whole = whole.unwrap_or_default();
        let count = f64::max(whole.answers as f64, 1.0);
        let off = bins.iter().map(|bin| (bin.outcome - bin.expected).abs());
        let filled = bins.iter().filter(|bin| bin.answers > 0).count();
        let log = share(tests) + filled.min(BINS) as f64 * std::f64::consts::LN_2;
        Self {
            answers: whole.answers,
            expected: whole.expected / count,
            outcome: whole.outcome / count,
            ece: off.sum::<f64>() / count,
            allowed: GOOD_ENOUGH + bound(log, whole.variance, 1.0) / count,
        }
    }

    /// Whether it is off by more than chance explains.
    #[must_use]
    pub fn is_alarming(&self) -> bool {
        self.ece > self.allowed
    }
}

impl Drift {
    /// The change of an item from the months before to the last, one of `tests` tests of the day; none
    /// where there are too few answers to tell. Months are in order.
    #[must_use]
    pub fn of(months: &[(NaiveDate, Month)], tests: usize) -> Option<Self> {
        let (&(month, last), before) = months.split_last()?;
        let before = before
            .iter()
            .map(|(_, sums)| *sums)
            .filter(|sums| sums.answers >= ENOUGH_IN_MONTH)
            .reduce(Month::plus)?;
        if last.answers < ENOUGH_IN_MONTH || last.curve <= 0.0 || before.curve <= 0.0 {
            return None;
        }
        // A step of Newton from the fitted difficulty, for each side; its answers weigh 1 over curvature.
        let change = before.slope / before.curve - last.slope / last.curve;
        let variance = 1.0 / before.curve + 1.0 / last.curve;
        let most = 1.0 / before.curve.min(last.curve);
        Some(Self {
            month,
            answers: last.answers,
            answers_before: before.answers,
            change,
            // Either way.
            allowed: bound(share(2 * tests), variance, most),
        })
    }

    /// Whether it is more than chance explains, and enough to matter.
    #[must_use]
    pub fn is_alarming(&self) -> bool {
        self.change.abs() > self.allowed.max(MATTERS)
    }
}

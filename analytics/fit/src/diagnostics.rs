//! What is odd about items: nobody fails them, they separate backwards, they drift from month to month.

use std::collections::BTreeMap;

use mastery::maths::sigmoid;
use mastery::{Hyper, ItemParams};

use crate::answers::Answers;
use crate::filter::{self, Seen};
use crate::items::{ByItem, Items};
use crate::sequences::Sequences;

/// Answers from which on an item may be called odd.
pub const ENOUGH: u64 = 20;

/// The share in which ability counts in an answer from which on it is one of these.
const TELLS: f64 = 0.5;

/// Answers of an item in a month from which on the month counts.
const ENOUGH_IN_MONTH: usize = 15;

/// Standard errors that a finding has to be away from nothing: of 10,000 ordinary items about one is.
const SURE: f64 = 4.0;

/// Logits between two months' difficulties that matter to anybody.
const DRIFT: f64 = 0.5;

/// Seconds of a month, as drifts count them.
const MONTH_S: f64 = 30.0 * 86_400.0;

/// The odd items, by their index.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Diagnostics {
    /// Items of at least [`ENOUGH`] answers that nobody failed.
    pub never_failed: Vec<usize>,
    /// Items of at least [`ENOUGH`] answers that nobody succeeded at.
    pub never_passed: Vec<usize>,
    /// Items at which abler pupils fail more: a wrong key, or a trap.
    pub backwards: Vec<Backwards>,
    /// Items of fewer than [`ENOUGH`] answers, none at all included: what is known of them is what is known
    /// of their kind.
    pub few: Vec<usize>,
    /// Items that became harder or easier from one month to another, hardest change first.
    pub drifting: Vec<Drift>,
}

/// An item that separates backwards.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Backwards {
    /// The item.
    pub item: usize,
    /// Its discrimination without the prior that holds it up.
    pub slope: f64,
    /// Standard error of that.
    pub error: f64,
}

/// An item whose difficulty changed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Drift {
    /// The item.
    pub item: usize,
    /// Begin of the month in which it was easiest, in seconds.
    pub easiest_from: f64,
    /// Begin of the month in which it was hardest, in seconds.
    pub hardest_from: f64,
    /// Logits between the two.
    pub change: f64,
    /// Standard error of that.
    pub error: f64,
}

impl Diagnostics {
    /// Looks at every item with fitted parameters.
    pub(crate) fn of(
        answers: &Answers,
        sequences: &Sequences,
        items: &Items,
        hyper: &Hyper,
        workers: usize,
    ) -> Self {
        let seen = filter::seen(sequences, &items.params, hyper, workers);
        let times: Vec<Option<f64>> = answers
            .pupils()
            .iter()
            .flat_map(|pupil| pupil.answers.iter().map(|answer| answer.time))
            .collect();
        let by_item = ByItem::new(sequences, items.params.len());
        let mut found = Self::default();
        for (item, params) in items.params.iter().enumerate() {
            // A retry in which ability hardly counts tells little of the item.
            let tells = |row: &usize| seen[*row].factor >= TELLS;
            let rows: Vec<usize> = by_item.of(item).iter().copied().filter(tells).collect();
            if (rows.len() as u64) < ENOUGH {
                found.few.push(item);
                continue;
            }
            let outcomes = || rows.iter().map(|&row| sequences.rows()[row].outcome);
            if outcomes().all(|outcome| outcome >= 1.0) {
                found.never_failed.push(item);
            } else if outcomes().all(|outcome| outcome <= 0.0) {
                found.never_passed.push(item);
            } else {
                let residuals = || {
                    rows.iter().map(|&row| {
                        let outcome = sequences.rows()[row].outcome;
                        (
                            seen[row],
                            Residual::of(seen[row], *params, outcome),
                            times[row],
                        )
                    })
                };
                found
                    .backwards
                    .extend(backwards(item, params.a, residuals()));
                found.drifting.extend(drift(item, residuals()));
            }
        }
        found
            .drifting
            .sort_by(|one, other| other.change.total_cmp(&one.change));
        found
    }
}

/// What an answer says of its item's difficulty: slope and curvature of its log likelihood.
#[derive(Debug, Clone, Copy)]
struct Residual {
    slope: f64,
    curve: f64,
}

impl Residual {
    fn of(seen: Seen, item: ItemParams, outcome: f64) -> Self {
        let shrunk = seen.shrunk();
        let p = sigmoid(shrunk * seen.logits(item));
        let k = shrunk * seen.factor;
        Self {
            slope: k * (outcome - p),
            curve: k * k * p * (1.0 - p),
        }
    }
}

/// Whether the item's discrimination, by its answers alone, is surely below 0.
fn backwards(
    item: usize,
    a: f64,
    residuals: impl Iterator<Item = (Seen, Residual, Option<f64>)> + Clone,
) -> Option<Backwards> {
    // Around the weighted mean of abilities, so that a difficulty that is off counts for nothing.
    let (weight, sum) = residuals
        .clone()
        .fold((0.0, 0.0), |(weight, sum), (seen, r, _)| {
            (weight + r.curve, sum + r.curve * seen.theta)
        });
    let centre = sum / weight;
    let (slope, curve) = residuals.fold((0.0, 0.0), |(slope, curve), (seen, r, _)| {
        let theta = seen.theta - centre;
        (slope + r.slope * theta, curve + r.curve * theta * theta)
    });
    if curve <= 0.0 {
        return None;
    }
    let (slope, error) = (a + slope / curve, 1.0 / curve.sqrt());
    (slope + SURE * error < 0.0).then_some(Backwards { item, slope, error })
}

/// Whether two months' difficulties are surely, and noticeably, apart.
fn drift(
    item: usize,
    residuals: impl Iterator<Item = (Seen, Residual, Option<f64>)>,
) -> Option<Drift> {
    let mut months: BTreeMap<i64, (usize, f64, f64)> = BTreeMap::new();
    for (_, residual, time) in residuals {
        // An answer whose time is not known tells nothing of a month.
        let Some(time) = time else {
            continue;
        };
        let month = months.entry((time / MONTH_S).floor() as i64).or_default();
        month.0 += 1;
        month.1 += residual.slope;
        month.2 += residual.curve;
    }
    // Difficulty of a month against the item's, by one step of Newton, and its variance.
    let shifts: Vec<(i64, f64, f64)> = months
        .into_iter()
        .filter(|(_, (count, _, curve))| *count >= ENOUGH_IN_MONTH && *curve > 0.0)
        .map(|(month, (_, slope, curve))| (month, -slope / curve, 1.0 / curve))
        .collect();
    let easiest = shifts
        .iter()
        .min_by(|one, other| one.1.total_cmp(&other.1))?;
    let hardest = shifts
        .iter()
        .max_by(|one, other| one.1.total_cmp(&other.1))?;
    let change = hardest.1 - easiest.1;
    let error = (hardest.2 + easiest.2).sqrt();
    (change > DRIFT && change > SURE * error).then_some(Drift {
        item,
        easiest_from: easiest.0 as f64 * MONTH_S,
        hardest_from: hardest.0 as f64 * MONTH_S,
        change,
        error,
    })
}

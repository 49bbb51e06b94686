//! What a fit found, as it is kept and shown.

use fit::diagnostics::{Backwards, Drift};
use fit::{Compared, Fitted, Reliability, Scores};
use serde::{Deserialize, Deserializer, Serialize};

/// What a fit found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FitReport {
    /// Answers that items and constants were fitted on.
    pub answers: usize,
    /// Pupils who gave them.
    pub pupils: usize,
    /// Share of the pupils that was read: below 1 where there are more answers than asked for.
    pub sample: f64,
    /// Items of the subject in the catalogue.
    pub items: usize,
    /// Constants that were searched.
    pub searched: Vec<String>,
    /// Log loss of each search, by which the constants were chosen, and how often the filter was run for it.
    pub searches: Vec<(f64, usize)>,
    /// Pupils whom nothing was fitted on, predicted by this fit and by what was in force.
    pub held_out: HeldOut,
    /// What is odd about items.
    pub diagnostics: OddItems,
}

/// How held-out pupils were predicted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HeldOut {
    /// Pupils.
    pub pupils: usize,
    /// Their answers.
    pub answers: usize,
    /// By this fit.
    pub fitted: Figures,
    /// By what was in force, over the same answers.
    pub in_force: Figures,
    /// Number of the calibration that was in force; none: the catalogue and the defaults.
    pub in_force_calibration: Option<i64>,
    /// Mean log loss that this fit saves.
    pub gain: f64,
    /// Standard error of the gain, over pupils; infinite, in JSON null, where a single one was held out.
    #[serde(deserialize_with = "or_infinite")]
    pub gain_error: f64,
    /// Bins of this fit's predictions, from 0 to 1: answers, success expected, success that came.
    pub reliability: Vec<(u64, f64, f64)>,
}

/// Figures of predictions.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// Area under the ROC curve.
    pub auc: f64,
    /// Mean log loss.
    pub log_loss: f64,
    /// Root of the mean square error.
    pub rmse: f64,
    /// Share of answers on the right side of one half.
    pub accuracy: f64,
    /// Expected calibration error over 20 bins.
    pub ece: f64,
}

/// Odd items, by the IRI of their activity.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OddItems {
    /// Nobody fails them.
    pub never_failed: Vec<String>,
    /// Nobody succeeds at them.
    pub never_passed: Vec<String>,
    /// Abler pupils fail more: a wrong key, or a trap.
    pub backwards: Vec<OddSlope>,
    /// Their difficulty changed between two months, hardest change first.
    pub drifting: Vec<OddDrift>,
    /// Too few answers to say anything of them.
    pub few_answers: Vec<String>,
}

/// An item that separates backwards.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OddSlope {
    /// IRI of the activity.
    pub activity: String,
    /// Its discrimination without the prior that holds it up.
    pub slope: f64,
    /// Standard error of that.
    pub error: f64,
}

/// An item whose difficulty changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OddDrift {
    /// IRI of the activity.
    pub activity: String,
    /// Begin of the month in which it was easiest, in seconds since 1970.
    pub easiest_from_s: f64,
    /// Begin of the month in which it was hardest, in seconds since 1970.
    pub hardest_from_s: f64,
    /// Logits between the two.
    pub change: f64,
    /// Standard error of that.
    pub error: f64,
}

/// What a report is about besides what was fitted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct About<'a> {
    pub(crate) answers: usize,
    pub(crate) pupils: usize,
    pub(crate) sample: f64,
    pub(crate) compared: &'a Compared,
    pub(crate) in_force: Option<i64>,
    /// The IRI of each item, in the order of the fit's items.
    pub(crate) activities: &'a [String],
}

impl FitReport {
    pub(crate) fn new(fitted: &Fitted, about: About<'_>) -> Self {
        let compared = about.compared;
        let attempts = fitted.attempts.iter();
        Self {
            answers: about.answers,
            pupils: about.pupils,
            sample: about.sample,
            items: about.activities.len(),
            searched: fitted.searched.iter().map(|&name| name.into()).collect(),
            searches: attempts.map(|a| (a.log_loss, a.evaluations)).collect(),
            held_out: HeldOut {
                pupils: compared.pupils,
                answers: compared.answers,
                fitted: compared.scores.into(),
                in_force: compared.other.into(),
                in_force_calibration: about.in_force,
                gain: compared.gain,
                gain_error: compared.gain_error,
                reliability: bins(&compared.reliability),
            },
            diagnostics: OddItems::new(fitted, about.activities),
        }
    }
}

impl From<Scores> for Figures {
    fn from(scores: Scores) -> Self {
        let Scores {
            auc,
            log_loss,
            rmse,
            accuracy,
            ece,
        } = scores;
        Self {
            auc,
            log_loss,
            rmse,
            accuracy,
            ece,
        }
    }
}

impl OddItems {
    fn new(fitted: &Fitted, activities: &[String]) -> Self {
        let found = &fitted.diagnostics;
        let named = |items: &[usize]| items.iter().map(|&i| activities[i].clone()).collect();
        let slope = |&Backwards { item, slope, error }: &Backwards| OddSlope {
            activity: activities[item].clone(),
            slope,
            error,
        };
        let drift = |drift: &Drift| OddDrift {
            activity: activities[drift.item].clone(),
            easiest_from_s: drift.easiest_from,
            hardest_from_s: drift.hardest_from,
            change: drift.change,
            error: drift.error,
        };
        Self {
            never_failed: named(&found.never_failed),
            never_passed: named(&found.never_passed),
            backwards: found.backwards.iter().map(slope).collect(),
            drifting: found.drifting.iter().map(drift).collect(),
            few_answers: named(&found.few),
        }
    }
}

fn or_infinite<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or(f64::INFINITY))
}

fn bins(reliability: &Reliability) -> Vec<(u64, f64, f64)> {
    let bins = reliability.bins.iter().map(|bin| {
        let answers = (bin.answers as f64).max(1.0);
        let (expected, correct) = (bin.expected / answers, bin.correct as f64 / answers);
        (bin.answers, expected, correct)
    });
    bins.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_on_a_single_pupil_held_out_is_read_again() {
        let held_out = HeldOut {
            pupils: 1,
            answers: 3,
            fitted: Scores::default().into(),
            in_force: Scores::default().into(),
            in_force_calibration: None,
            gain: 0.1,
            gain_error: f64::INFINITY,
            reliability: Vec::new(),
        };
        let kept = serde_json::to_value(&held_out).expect("JSON");
        assert!(kept["gain_error"].is_null());
        assert_eq!(
            serde_json::from_value::<HeldOut>(kept).expect("read"),
            held_out
        );
    }
}

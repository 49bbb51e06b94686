//! States evaluated at a time: what is shown of a class and of a pupil.

pub mod class;
pub mod pupil;
mod states;
pub mod why;

use mastery::{Mastery, Model};
use serde::Serialize;

/// What stands in place of a level that rests on too few answers.
pub const NOT_ENOUGH: &str = "pas encore assez de réponses";

/// The mastery of a competency or a domain, as it is shown.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Level {
    /// URI in the framework.
    pub uri: String,
    /// What it is called, in French.
    pub label: String,
    /// Degree of the scale, 1 to 6; null where there is not enough evidence to show one.
    pub degree: Option<u8>,
    /// The *niveau de maîtrise* in French, or "pas encore assez de réponses".
    pub level: String,
    /// M: expected success on the reference item, 0 to 1 (for a domain the mean of its competencies).
    pub mastery: f64,
    /// Posterior mean on the logit scale.
    pub mean: f64,
    /// Posterior variance on the logit scale.
    pub variance: f64,
    /// Posterior mass within one degree of the degree.
    pub confidence: f64,
    /// Answers that it rests on.
    pub answers: u64,
}

impl Level {
    fn new(model: &Model, uri: &str, label: &str, mastery: &Mastery) -> Self {
        let degree = mastery.shown.then_some(mastery.degree);
        Self {
            uri: uri.to_owned(),
            label: label.to_owned(),
            degree: degree.map(mastery::Degree::number),
            level: degree
                .map_or(NOT_ENOUGH, |degree| model.degree_label(degree))
                .to_owned(),
            mastery: mastery.m,
            mean: mastery.mean,
            variance: mastery.variance,
            confidence: mastery.confidence,
            answers: mastery.answers,
        }
    }
}

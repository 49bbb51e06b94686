//! What is known of a person besides the answers: the declared profile, the *voie*, and evaluations made
//! outside.

use std::collections::BTreeMap;
use std::sync::Arc;

use mastery::{Degree, Domain, Finding, Guess, Model, PupilState, Subject, Voie};
use schemas::profile::FoldKey;

/// An evaluation made outside, as the fold needs it.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// Its place among the answers: its time and its own id, no device.
    pub key: FoldKey,
    /// `key64` of the competency.
    pub competency: u64,
    /// URI of the competency.
    pub uri: Arc<str>,
    /// What it found.
    pub finding: Finding,
}

impl Evaluation {
    /// The model's time.
    #[must_use]
    pub fn time_s(&self) -> f64 {
        mastery::seconds(self.key.answered_at)
    }
}

/// What is known of a person besides the answers. Most have nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Inputs {
    /// Degrees that were declared, by `key64` of the domain.
    pub declared: BTreeMap<u64, Degree>,
    /// The *voie*, where a roster tells it.
    pub voie: Option<Voie>,
    /// Evaluations, in the order of their keys.
    pub evaluations: Vec<Evaluation>,
}

impl Inputs {
    /// Without the evaluations after a time, in microseconds.
    #[must_use]
    pub fn until(mut self, micros: i64) -> Self {
        self.evaluations
            .retain(|evaluation| evaluation.key.answered_at <= micros);
        self
    }

    /// The state of a subject before the first answer: from the declared profile, else from the *voie*,
    /// else everybody's.
    #[must_use]
    pub fn start(&self, model: &Model, subject: &Subject) -> PupilState {
        if let Some((_, guess)) = self.voie_of(model, subject) {
            return PupilState::of_voie(subject, guess);
        }
        let degree_of = |domain: &Domain| self.declared.get(&domain.key()).copied();
        PupilState::declared(subject, degree_of)
    }

    /// The *voie* where it is what a subject starts from, and what it makes of the start.
    #[must_use]
    pub fn voie_of(&self, model: &Model, subject: &Subject) -> Option<(Voie, Guess)> {
        if self.declares(subject) {
            return None;
        }
        let known = self.voie?;
        let guess = Guess::of(subject.name(), known, model.voie_weight())?;
        Some((known, guess))
    }

    /// Whether a subject starts from something that is known of the person.
    #[must_use]
    pub fn tells_of(&self, model: &Model, subject: &Subject) -> bool {
        self.declares(subject) || self.voie_of(model, subject).is_some()
    }

    /// Whether a degree was declared for a domain of a subject.
    #[must_use]
    pub fn declares(&self, subject: &Subject) -> bool {
        let mut domains = subject.domains().iter();
        domains.any(|domain| self.declared.contains_key(&domain.key()))
    }
}

//! What is seen while a person's answers are folded.

use chrono::{DateTime, Utc};
use mastery::{Item, Model, PupilState, Trace};
use uuid::Uuid;

use crate::fold::{Answer, Evaluation, Observer};

/// Looks on while a person's answers are folded, and keeps what those of one subject did.
#[derive(Debug)]
pub(super) struct Watch {
    /// Index of the subject.
    pub(super) subject: usize,
    /// In the order of the fold.
    pub(super) seen: Vec<Seen>,
}

/// An answer or an evaluation, and what it did.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) source: Source,
    pub(super) trace: Trace,
}

/// What was folded.
#[derive(Debug)]
pub(super) enum Source {
    Answer(Answer),
    Evaluation(Evaluation),
}

impl Seen {
    pub(super) fn statement(&self) -> Option<Uuid> {
        match &self.source {
            Source::Answer(answer) => Some(answer.key.id.as_uuid()),
            Source::Evaluation(_) => None,
        }
    }

    pub(super) fn evaluation(&self) -> Option<Uuid> {
        match &self.source {
            Source::Answer(_) => None,
            Source::Evaluation(evaluation) => Some(evaluation.key.id.as_uuid()),
        }
    }

    pub(super) fn activity(&self) -> Option<&str> {
        match &self.source {
            Source::Answer(answer) => Some(&answer.activity),
            Source::Evaluation(_) => None,
        }
    }

    /// None where the time was made up.
    pub(super) fn at(&self) -> Option<DateTime<Utc>> {
        let key = match &self.source {
            Source::Answer(answer) if answer.invented_time => return None,
            Source::Answer(answer) => &answer.key,
            Source::Evaluation(evaluation) => &evaluation.key,
        };
        DateTime::from_timestamp_micros(key.answered_at)
    }
}

impl Observer for Watch {
    fn answer(&mut self, model: &Model, state: &mut PupilState, item: &Item, answer: &Answer) {
        let (y, correct, t) = (answer.outcome, answer.correct, answer.time_s());
        let trace = state.answer_traced(model, item, y, correct, t);
        if item.subject() == self.subject {
            let source = Source::Answer(answer.clone());
            self.seen.push(Seen { source, trace });
        }
    }

    fn evaluation(
        &mut self,
        model: &Model,
        state: &mut PupilState,
        item: &Item,
        evaluation: &Evaluation,
    ) {
        let (finding, t) = (evaluation.finding, evaluation.time_s());
        let trace = state.evaluate_traced(model, item, finding, t);
        if item.subject() == self.subject {
            let source = Source::Evaluation(evaluation.clone());
            self.seen.push(Seen { source, trace });
        }
    }
}

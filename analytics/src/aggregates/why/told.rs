//! The sum and its parts, from what was seen.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use mastery::explain::rounded;
use mastery::{
    Added, Competency, Explanation, Finding, Guess, Model, PupilState, Subject, Trace, Voie,
};
use schemas::ids::PersonKey;

use super::audit::Audit;
use super::watch::{Seen, Source};
use super::words::{self, Facts, Moved, Relation, What};
use super::{AnswerOf, Audience, Part, PartKind, UNIT, Why};
use crate::aggregates::Level;
use crate::fold::Inputs;
use crate::store::{StoreError, Transaction, feed, frameworks};

/// All that is known, before it is said.
pub(super) struct Told<'a> {
    model: &'a Model,
    subject: &'a Subject,
    competency: &'a Competency,
    seen: Vec<Seen>,
    start: &'a PupilState,
    end: &'a PupilState,
    /// Where the fold started from.
    pub(super) from: StartedFrom,
    explanation: Explanation,
    as_of: DateTime<Utc>,
}

/// What a subject starts from, before the first answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum StartedFrom {
    /// The same as everybody.
    Nothing,
    /// A profile that was declared for a domain of it.
    Profile,
    /// The *voie*, and what it makes of the start.
    Voie(Voie, Guess),
}

impl StartedFrom {
    pub(super) fn of(inputs: &Inputs, model: &Model, subject: &Subject) -> Self {
        if inputs.declares(subject) {
            return Self::Profile;
        }
        let voie = inputs.voie_of(model, subject);
        voie.map_or(Self::Nothing, |(voie, guess)| Self::Voie(voie, guess))
    }
}

/// Titles of activities by IRI.
pub(super) type Titles = HashMap<String, String>;

impl<'a> Told<'a> {
    pub(super) fn new(
        model: &'a Model,
        subject: &'a Subject,
        competency: &'a Competency,
        seen: Vec<Seen>,
        (start, end): (&'a PupilState, &'a PupilState),
        as_of: DateTime<Utc>,
    ) -> Self {
        let t = Some(mastery::seconds(as_of.timestamp_micros()));
        let traces = seen.iter().map(|seen| &seen.trace);
        let explanation = Explanation::of(model, start, end, competency, traces, t);
        Self {
            model,
            subject,
            competency,
            seen,
            start,
            end,
            from: StartedFrom::Nothing,
            explanation,
            as_of,
        }
    }

    /// Places of the answers that are told of one by one, in the order of telling.
    pub(super) fn listed(&self, audience: Audience) -> Vec<usize> {
        let Some(most) = audience.most() else {
            return (0..self.seen.len()).collect();
        };
        let size = |place: &usize| self.explanation.answers[*place].total().abs();
        let by_size = self.explanation.by_size().into_iter();
        // What would be printed as nothing is told of among the others.
        by_size
            .take(most)
            .filter(|p| size(p) >= UNIT / 2.0)
            .collect()
    }

    pub(super) async fn titles(
        &self,
        transaction: &Transaction<'_>,
        listed: &[usize],
    ) -> Result<Titles, StoreError> {
        if !feed::neighbours(transaction).await?.catalogue {
            return Ok(Titles::new());
        }
        let activities = listed
            .iter()
            .filter_map(|&place| self.seen[place].activity());
        let mut iris: Vec<&str> = activities.collect();
        iris.sort_unstable();
        iris.dedup();
        frameworks::titles(transaction, &iris).await
    }

    pub(super) fn why(
        &self,
        key: PersonKey,
        audience: Audience,
        listed: &[usize],
        titles: &Titles,
        position: i64,
    ) -> Why {
        let facts = self.facts();
        let (parts, total) = self.parts(audience, &facts, listed, titles);
        let domain = &self.subject.domains()[self.competency.domain()];
        Why {
            key: key.to_string(),
            audience,
            as_of: self.as_of,
            model: self.model.fingerprint().to_owned(),
            subject: self.subject.name().to_owned(),
            domain: domain.uri().to_owned(),
            summary: words::summary(audience, &facts),
            level: facts.level,
            parts,
            printed: words::figure(total),
            audit: (audience == Audience::Auditor).then(|| {
                let states = (self.start, self.end);
                let parameters = (self.model, self.competency, position);
                Audit::new(parameters, states, self.from, &self.seen)
            }),
        }
    }

    fn facts(&self) -> Facts {
        let t = Some(mastery::seconds(self.as_of.timestamp_micros()));
        let mastery = self.end.competency(self.model, self.competency, t);
        let (uri, label) = (self.competency.uri(), self.competency.label());
        Facts {
            level: Level::new(self.model, uri, label, &mastery),
            answers_needed: self.model.scale().competency_answers,
            since_practice_s: mastery.last.zip(t).map(|(last, t)| t - last),
            from: self.from,
        }
    }

    /// The parts in the order of telling, and the printed units of their sum.
    fn parts(
        &self,
        audience: Audience,
        facts: &Facts,
        listed: &[usize],
        titles: &Titles,
    ) -> (Vec<Part>, i64) {
        let Explanation {
            mean,
            prior,
            ref answers,
            time,
            ..
        } = self.explanation;
        let mut values = vec![prior];
        values.extend(listed.iter().map(|&place| answers[place].total()));
        let others: Vec<f64> = (0..answers.len())
            .filter(|place| !listed.contains(place))
            .map(|place| answers[place].total())
            .collect();
        values.extend([others.iter().sum(), time]);
        let rounding = mean - values.iter().sum::<f64>();
        values.push(rounding);
        let (units, total) = rounded(&values, mean, UNIT);
        let part = |kind, place: usize, sentence| Part {
            kind,
            value: values[place],
            printed: words::figure(units[place]),
            sentence,
            answers: 0,
            answer: None,
        };
        let start = words::start(audience, facts, units[0]);
        let prior_kind = match facts.from {
            StartedFrom::Voie(..) => PartKind::PriorOfVoie,
            StartedFrom::Nothing | StartedFrom::Profile => PartKind::Prior,
        };
        let mut parts = vec![part(prior_kind, 0, Some(start))];
        for (index, &place) in listed.iter().enumerate() {
            let sentence = self.sentence(audience, place, titles, units[index + 1]);
            parts.push(Part {
                answers: 1,
                answer: Some(self.answer_of(place, titles)),
                ..part(self.kind(place), index + 1, Some(sentence))
            });
        }
        let next = listed.len() + 1;
        if !others.is_empty() {
            let sentence = words::others(audience, others.len(), units[next]);
            parts.push(Part {
                answers: others.len(),
                ..part(PartKind::OtherAnswers, next, Some(sentence))
            });
        }
        let time = words::time(audience, facts, units[next + 1]);
        parts.push(part(PartKind::Time, next + 1, time));
        let rounding = words::rounding(audience);
        parts.push(part(PartKind::Rounding, next + 2, rounding));
        (parts, total)
    }

    fn sentence(&self, audience: Audience, place: usize, titles: &Titles, units: i64) -> String {
        let seen = &self.seen[place];
        let trace = &seen.trace;
        #[expect(clippy::cast_precision_loss, reason = "seconds: far below 2^53")]
        let ago_s = |at: DateTime<Utc>| (self.as_of - at).num_seconds() as f64;
        let when = seen.at().map(|at| (ago_s(at), at.date_naive()));
        let title = |activity: &str| titles.get(activity).map(String::as_str);
        let what = match &seen.source {
            Source::Answer(answer) => What::Answer(title(&answer.activity)),
            Source::Evaluation(one) => What::Evaluation(match one.finding {
                Finding::Degree(degree) => Some(self.model.degree_label(degree)),
                Finding::Share(_) => None,
            }),
        };
        let moved = Moved {
            what,
            outcome: trace.step.y,
            expected: trace.step.expected(),
            relation: self.relation(trace),
            when,
            added: self.explanation.answers[place],
            units,
        };
        words::moved(audience, &moved)
    }

    fn relation(&self, trace: &Trace) -> Relation {
        let (own, domain) = (self.competency.key(), self.competency.domain_key());
        if trace.competencies.iter().any(|c| c.competency == own) {
            Relation::Own
        } else if trace.domains.iter().any(|d| d.domain == domain) {
            Relation::Domain
        } else {
            Relation::Subject
        }
    }

    fn kind(&self, place: usize) -> PartKind {
        match self.seen[place].source {
            Source::Answer(_) => PartKind::Answer,
            Source::Evaluation(_) => PartKind::Evaluation,
        }
    }

    fn answer_of(&self, place: usize, titles: &Titles) -> AnswerOf {
        let seen = &self.seen[place];
        let Added {
            general,
            domain,
            competency,
            practice,
        } = self.explanation.answers[place];
        AnswerOf {
            statement: seen.statement(),
            evaluation: seen.evaluation(),
            activity: seen.activity().map(str::to_owned),
            title: seen
                .activity()
                .and_then(|activity| titles.get(activity).cloned()),
            answered_at: seen.at(),
            correct: match &seen.source {
                Source::Answer(answer) => Some(answer.correct),
                Source::Evaluation(_) => None,
            },
            outcome: seen.trace.step.y,
            expected: seen.trace.step.expected(),
            general,
            domain,
            competency,
            practice,
        }
    }
}

//! Why a competency stands where it stands: the answers that moved it, and by how much.
//!
//! The person's answers are folded again with somebody looking on ([`Watch`]), through the very
//! [`PersonFold`] that made what is served. Unless both come out equal bit for bit nothing is
//! explained: an explanation of another figure than the one shown would be worse than none.
//!
//! [`words`] says it in French, [`audit`] in full.

pub mod audit;
mod words;

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use mastery::explain::rounded;
use mastery::{Added, Competency, Explanation, Item, Model, PupilState, Subject, Trace};
use schemas::ids::PersonKey;
use serde::Serialize;
use service::pg::Pool;
use uuid::Uuid;

use self::audit::Audit;
use self::words::{Facts, Moved, Relation};
use super::Level;
use crate::fold::{Answer, Observer, PersonFold, batch};
use crate::model::Models;
use crate::store::{self, StoreError, classes, feed, frameworks, refolds};

/// The unit of printed figures, in logits.
const UNIT: f64 = 0.01;

/// For whom it is explained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Audience {
    /// The pupil: short, in words.
    Pupil,
    /// A parent: short, in words.
    Parent,
    /// A teacher: in words and figures.
    Teacher,
    /// An auditor: every answer, every figure.
    Auditor,
}

impl Audience {
    /// Every audience.
    pub const ALL: [Self; 4] = [Self::Pupil, Self::Parent, Self::Teacher, Self::Auditor];

    /// Its name in a query.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pupil => "pupil",
            Self::Parent => "parent",
            Self::Teacher => "teacher",
            Self::Auditor => "auditor",
        }
    }

    /// How many answers are told of one by one; none: all of them.
    const fn most(self) -> Option<usize> {
        match self {
            Self::Pupil | Self::Parent => Some(5),
            Self::Teacher => Some(10),
            Self::Auditor => None,
        }
    }
}

/// Why nothing is explained.
#[derive(Debug, thiserror::Error)]
pub enum WhyError {
    /// Nobody has this key.
    #[error("no pupil has this key")]
    UnknownPupil,
    /// The framework of the model that is served has no such competency.
    #[error("the framework has no competency of this URI")]
    UnknownCompetency,
    /// What is served is about to be made again: accounts or the program changed.
    #[error("what is served is about to be made again")]
    Behind,
    /// What is served is not what its answers give.
    #[error("the answers give another state than the one that is served")]
    Mismatch,
    /// The database did not answer.
    #[error("the database did not answer")]
    Store(#[from] StoreError),
}

/// Why a pupil's competency stands where it stands, at a time.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Why {
    /// The pupil's key.
    pub key: String,
    /// For whom it is explained.
    pub audience: Audience,
    /// The time at which mastery is evaluated; later answers are left out.
    pub as_of: DateTime<Utc>,
    /// Fingerprint of the model.
    pub model: String,
    /// The subject.
    pub subject: String,
    /// URI of the domain.
    pub domain: String,
    /// The competency, as `GET /api/v1/pupils/{key}/mastery` shows it. Its `mean` is the sum of the
    /// parts; `mastery` and `degree` follow from `mean` and `variance`.
    pub level: Level,
    /// Where the pupil stands, in French.
    pub summary: Vec<String>,
    /// The mean as a sum. For the auditor every answer in the order in which they were folded; for
    /// others those that moved it most, the largest first, and the rest in one part.
    pub parts: Vec<Part>,
    /// The mean, rounded to hundredths: the printed parts add up to it.
    pub printed: String,
    /// For the auditor: model, parameters, and the state before and after each answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audit: Option<Audit>,
}

/// What a part of the sum is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PartKind {
    /// Where the fold started from, before any answer.
    Prior,
    /// One answer.
    Answer,
    /// All answers that are not told of one by one.
    OtherAnswers,
    /// The time since the last practice.
    Time,
    /// What the rounding of floating-point sums left.
    Rounding,
}

/// One part of the sum.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Part {
    /// What it is.
    pub kind: PartKind,
    /// What it adds to the mean, in logits.
    pub value: f64,
    /// The same in hundredths, rounded so that the printed parts add up.
    pub printed: String,
    /// The same in French, where there is something to say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sentence: Option<String>,
    /// How many answers: 1 for an answer, 0 for what is none.
    pub answers: usize,
    /// The answer, where it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<AnswerOf>,
}

/// The answer behind a part.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct AnswerOf {
    /// Id of its statement.
    pub statement: Uuid,
    /// IRI of the activity.
    pub activity: String,
    /// Title of the activity in French, where the catalogue in force has it.
    pub title: Option<String>,
    /// When it was given, its clock put right; null where its time was made up from its order.
    pub answered_at: Option<DateTime<Utc>>,
    /// Whether it was right.
    pub correct: bool,
    /// The outcome that was folded, 0 to 1.
    pub outcome: f64,
    /// The success that was expected before it.
    pub expected: f64,
    /// What it adds through general ability, in logits. These four sum to the part's value.
    pub general: f64,
    /// What it adds through the domain.
    pub domain: f64,
    /// What it adds through the competency's own deviation, faded to the time.
    pub competency: f64,
    /// What it adds by having been practice.
    pub practice: f64,
}

/// Looks on while a person's answers are folded, and keeps what those of one subject did.
#[derive(Debug)]
struct Watch {
    subject: usize,
    seen: Vec<(Answer, Trace)>,
}

impl Observer for Watch {
    fn answer(&mut self, model: &Model, state: &mut PupilState, item: &Item, answer: &Answer) {
        let (y, correct, t) = (answer.outcome, answer.correct, answer.time_s());
        let trace = state.answer_traced(model, item, y, correct, t);
        if item.subject() == self.subject {
            self.seen.push((answer.clone(), trace));
        }
    }
}

/// Explains a pupil's competency, by its URI, at a time.
pub async fn why(
    pool: &Pool,
    models: &Models,
    key: PersonKey,
    competency: &str,
    audience: Audience,
    as_of: DateTime<Utc>,
) -> Result<Why, WhyError> {
    let mut client = store::client(pool).await?;
    // One snapshot: a fold between two of the queries must not make them disagree.
    let transaction = store::begin_snapshot(&mut client).await?;
    let person = classes::person(&transaction, key).await?;
    let person = person.ok_or(WhyError::UnknownPupil)?;
    let model = models.get(&transaction, &person.model).await?;
    // Folded by another version of the program, until the recomputation under way replaces it.
    if model.fingerprint() != person.model {
        return Err(WhyError::Behind);
    }
    let place = model.place_of(competency);
    let (subject, competency) = place.ok_or(WhyError::UnknownCompetency)?;
    let mut answers = batch::answers_of(&transaction, &[key], person.position).await?;
    let answers = answers.remove(&key).unwrap_or_default();
    let fold = PersonFold::of(&model, answers.clone());
    if !equal(&fold.states, &person.states) {
        let pending = refolds::is_pending(&transaction, key).await?;
        return Err(if pending {
            WhyError::Behind
        } else {
            WhyError::Mismatch
        });
    }
    let until = as_of.timestamp_micros();
    let then = answers.into_iter().filter(|a| a.key.answered_at <= until);
    let mut watch = Watch {
        subject,
        seen: Vec::new(),
    };
    let mut states = PersonFold::observed(&model, then.collect(), &mut watch).states;
    let subject = &model.subjects()[subject];
    let start = PupilState::new(&model);
    let end = states.remove(subject.name());
    let end = end.unwrap_or_else(|| start.clone());
    let told = Told::new(&model, subject, competency, watch, &start, &end, as_of);
    let listed = told.listed(audience);
    let titles = told.titles(&transaction, &listed).await?;
    Ok(told.why(key, audience, &listed, &titles, person.position))
}

/// Whether what was folded just now is what is stored, bit for bit.
fn equal(folded: &BTreeMap<String, PupilState>, stored: &[(String, PupilState)]) -> bool {
    let same = |(name, state): &(String, PupilState)| {
        folded
            .get(name)
            .is_some_and(|folded| folded.encode() == state.encode())
    };
    folded.len() == stored.len() && stored.iter().all(same)
}

/// All that is known, before it is said.
struct Told<'a> {
    model: &'a Model,
    subject: &'a Subject,
    competency: &'a Competency,
    seen: Vec<(Answer, Trace)>,
    start: &'a PupilState,
    end: &'a PupilState,
    explanation: Explanation,
    as_of: DateTime<Utc>,
}

/// Titles of activities by IRI.
type Titles = HashMap<String, String>;

impl<'a> Told<'a> {
    fn new(
        model: &'a Model,
        subject: &'a Subject,
        competency: &'a Competency,
        watch: Watch,
        start: &'a PupilState,
        end: &'a PupilState,
        as_of: DateTime<Utc>,
    ) -> Self {
        let t = Some(mastery::seconds(as_of.timestamp_micros()));
        let traces: Vec<Trace> = watch.seen.iter().map(|(_, trace)| trace.clone()).collect();
        let explanation = Explanation::of(model, start, end, competency, &traces, t);
        Self {
            model,
            subject,
            competency,
            seen: watch.seen,
            start,
            end,
            explanation,
            as_of,
        }
    }

    /// Places of the answers that are told of one by one, in the order of telling.
    fn listed(&self, audience: Audience) -> Vec<usize> {
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

    async fn titles(
        &self,
        transaction: &store::Transaction<'_>,
        listed: &[usize],
    ) -> Result<Titles, StoreError> {
        if !feed::neighbours(transaction).await?.catalogue {
            return Ok(Titles::new());
        }
        let mut iris: Vec<&str> = listed.iter().map(|&p| &*self.seen[p].0.activity).collect();
        iris.sort_unstable();
        iris.dedup();
        frameworks::titles(transaction, &iris).await
    }

    fn why(
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
                Audit::new(self.model, self.competency, position, states, &self.seen)
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
            declared: false,
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
        let mut parts = vec![part(PartKind::Prior, 0, Some(start))];
        for (index, &place) in listed.iter().enumerate() {
            let sentence = self.sentence(audience, place, titles, units[index + 1]);
            parts.push(Part {
                answers: 1,
                answer: Some(self.answer_of(place, titles)),
                ..part(PartKind::Answer, index + 1, Some(sentence))
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
        let (answer, trace) = &self.seen[place];
        let at = self.answered_at(answer);
        #[expect(clippy::cast_precision_loss, reason = "seconds: far below 2^53")]
        let when = at.map(|at| ((self.as_of - at).num_seconds() as f64, at.date_naive()));
        let moved = Moved {
            title: titles.get(&*answer.activity).map(String::as_str),
            outcome: trace.step.y,
            expected: trace.step.expected,
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

    fn answered_at(&self, answer: &Answer) -> Option<DateTime<Utc>> {
        let at = DateTime::from_timestamp_micros(answer.key.answered_at);
        at.filter(|_| !answer.invented_time)
    }

    fn answer_of(&self, place: usize, titles: &Titles) -> AnswerOf {
        let (answer, trace) = &self.seen[place];
        let Added {
            general,
            domain,
            competency,
            practice,
        } = self.explanation.answers[place];
        AnswerOf {
            statement: answer.key.id.as_uuid(),
            activity: answer.activity.to_string(),
            title: titles.get(&*answer.activity).cloned(),
            answered_at: self.answered_at(answer),
            correct: answer.correct,
            outcome: trace.step.y,
            expected: trace.step.expected,
            general,
            domain,
            competency,
            practice,
        }
    }
}

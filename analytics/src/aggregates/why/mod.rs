//! Why a competency stands where it stands: the answers that moved it, and by how much.
//!
//! The person's answers are folded again with somebody looking on (`watch`), through the very
//! [`PersonFold`] that made what is served. Unless both come out equal bit for bit nothing is
//! explained: an explanation of another figure than the one shown would be worse than none.
//!
//! `told` makes the sum and its parts, `words` says it in French, [`audit`] in full.

pub mod audit;
mod told;
mod watch;
mod words;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use mastery::PupilState;
use schemas::ids::PersonKey;
use serde::Serialize;
use service::pg::Pool;
use uuid::Uuid;

use self::audit::Audit;
use self::told::{StartedFrom, Told};
use self::watch::Watch;
use super::Level;
use crate::fold::{PersonFold, batch};
use crate::model::Models;
use crate::store::{self, StoreError, classes, inputs, refolds};

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
    /// Where the fold started from, before any answer: the same for everybody, or from a declared profile.
    Prior,
    /// Where the fold started from: what is known of all pupils of the *voie*, a guess.
    PriorOfVoie,
    /// One answer.
    Answer,
    /// One evaluation made outside, which a teacher entered.
    Evaluation,
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
    /// How many answers or evaluations: 0 for what is neither.
    pub answers: usize,
    /// The answer or evaluation, where it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<AnswerOf>,
}

/// The answer or evaluation behind a part.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct AnswerOf {
    /// Id of the answer's statement; null for an evaluation.
    pub statement: Option<Uuid>,
    /// Id of the evaluation; null for an answer.
    pub evaluation: Option<Uuid>,
    /// IRI of the activity that was answered.
    pub activity: Option<String>,
    /// Title of the activity in French, where the catalogue in force has it.
    pub title: Option<String>,
    /// When it was given, its clock put right; null where its time was made up from its order.
    pub answered_at: Option<DateTime<Utc>>,
    /// Whether the answer was right.
    pub correct: Option<bool>,
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
    let mut inputs = inputs::of_persons(&transaction, &[key]).await?;
    let inputs = inputs.remove(&key).unwrap_or_default();
    let fold = PersonFold::of(&model, inputs.clone(), answers.clone());
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
    let inputs = inputs.until(until);
    let mut watch = Watch {
        subject,
        seen: Vec::new(),
    };
    let subject = &model.subjects()[subject];
    let start = inputs.start(&model, subject);
    let from = StartedFrom::of(&inputs, &model, subject);
    let mut states = PersonFold::observed(&model, inputs, then.collect(), &mut watch).states;
    let end = states.remove(subject.name());
    let end = end.unwrap_or_else(|| start.clone());
    let ends = (&start, &end);
    let mut told = Told::new(&model, subject, competency, watch.seen, ends, as_of);
    told.from = from;
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

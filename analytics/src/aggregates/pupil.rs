//! One pupil: subjects, their domains, their competencies.

use chrono::{DateTime, Utc};
use mastery::{Model, PupilState, Subject};
use schemas::ids::PersonKey;
use serde::Serialize;
use service::pg::Pool;

use super::Level;
use super::states;
use crate::model::Models;
use crate::store::{self, StoreError, classes};

/// A pupil's mastery at a time.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct PupilMastery {
    /// The pupil's key.
    pub key: String,
    /// What the pupil is called.
    pub label: String,
    /// The time at which mastery is evaluated; later answers are left out.
    pub as_of: DateTime<Utc>,
    /// Fingerprint of the model.
    pub model: String,
    /// Every subject of the framework, in its order.
    pub subjects: Vec<SubjectMastery>,
}

/// A pupil's mastery of a subject.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct SubjectMastery {
    /// The subject.
    pub subject: String,
    /// Answers that it rests on.
    pub answers: u64,
    /// Right ones among them.
    pub correct: u64,
    /// Its domains, in the framework's order.
    pub domains: Vec<DomainMastery>,
}

/// A pupil's mastery of a domain.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct DomainMastery {
    /// The domain's own.
    #[serde(flatten)]
    pub level: Level,
    /// Its competencies, in the framework's order.
    pub competencies: Vec<Level>,
}

/// A pupil's mastery at a time; none when nobody has this key.
pub async fn mastery(
    pool: &Pool,
    models: &Models,
    key: PersonKey,
    as_of: DateTime<Utc>,
) -> Result<Option<PupilMastery>, StoreError> {
    let mut client = store::client(pool).await?;
    let transaction = store::begin(&mut client).await?;
    let person = classes::person(&transaction, key).await?;
    let persons = person.into_iter().collect();
    let Some((model, mut pupils)) = states::at(&transaction, models, persons, as_of).await? else {
        return Ok(None);
    };
    Ok(pupils.pop().map(|pupil| {
        let subjects = model.subjects().iter().map(|subject| {
            let untouched = PupilState::new(subject);
            let state = pupil.states.get(subject.name()).unwrap_or(&untouched);
            shown(&model, subject, state, as_of)
        });
        PupilMastery {
            key: key.to_string(),
            label: pupil.label,
            as_of,
            subjects: subjects.collect(),
            model: model.fingerprint().to_owned(),
        }
    }))
}

fn shown(
    model: &Model,
    subject: &Subject,
    state: &PupilState,
    as_of: DateTime<Utc>,
) -> SubjectMastery {
    let t = Some(mastery::seconds(as_of.timestamp_micros()));
    let domains = subject.domains().iter().map(|domain| {
        let competencies = subject.competencies_of(domain).map(|competency| {
            let mastery = state.competency(model, competency, t);
            Level::new(model, competency.uri(), competency.label(), &mastery)
        });
        let mastery = state.domain(model, subject, domain, t);
        DomainMastery {
            competencies: competencies.collect(),
            level: Level::new(model, domain.uri(), domain.label(), &mastery),
        }
    });
    SubjectMastery {
        subject: subject.name().to_owned(),
        answers: state.answers(),
        correct: state.correct(),
        domains: domains.collect(),
    }
}

//! A class: pupils by domains.

use chrono::{DateTime, Utc};
use mastery::{Model, PupilState};
use serde::Serialize;
use service::pg::Pool;
use uuid::Uuid;

use super::Level;
use super::states::{self, AsOf};
use crate::model::Models;
use crate::store::{self, StoreError, classes};

/// A class's mastery at a time.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct ClassMastery {
    /// The class's key.
    pub key: Uuid,
    /// What the class is called.
    pub label: String,
    /// Its school, where the roster names it.
    pub school: Option<String>,
    /// The time at which mastery is evaluated; later answers are left out.
    pub as_of: DateTime<Utc>,
    /// Fingerprint of the model.
    pub model: Option<String>,
    /// Its pupils, by label.
    pub pupils: Vec<ClassPupil>,
}

/// A pupil of a class.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct ClassPupil {
    /// The pupil's key.
    pub key: String,
    /// What the pupil is called.
    pub label: String,
    /// Answers of all subjects that mastery rests on.
    pub answers: u64,
    /// Every domain of the framework, in its order.
    pub domains: Vec<Level>,
}

/// A class's mastery at a time; none when there is no such class. One query reads the states.
pub async fn mastery(
    pool: &Pool,
    models: &Models,
    key: Uuid,
    as_of: DateTime<Utc>,
) -> Result<Option<ClassMastery>, StoreError> {
    let mut client = store::client(pool).await?;
    let transaction = store::begin(&mut client).await?;
    let Some(class) = classes::read(&transaction, key).await? else {
        return Ok(None);
    };
    let pupils = classes::states(&transaction, key).await?;
    let evaluated = states::at(&transaction, models, pupils, as_of).await?;
    let (model, pupils) = evaluated.unzip();
    let shown = |pupil: AsOf| model.as_deref().map(|model| shown(model, &pupil, as_of));
    Ok(Some(ClassMastery {
        key: class.key,
        label: class.title,
        school: class.school,
        as_of,
        pupils: pupils.into_iter().flatten().filter_map(shown).collect(),
        model: model.map(|model| model.fingerprint().to_owned()),
    }))
}

fn shown(model: &Model, pupil: &AsOf, as_of: DateTime<Utc>) -> ClassPupil {
    let t = Some(mastery::seconds(as_of.timestamp_micros()));
    let mut domains = Vec::new();
    for subject in model.subjects() {
        let untouched = PupilState::new(subject);
        let state = pupil.states.get(subject.name()).unwrap_or(&untouched);
        for domain in subject.domains() {
            let mastery = state.domain(model, subject, domain, t);
            domains.push(Level::new(model, domain.uri(), domain.label(), &mastery));
        }
    }
    ClassPupil {
        key: pupil.person.to_string(),
        label: pupil.label.clone(),
        answers: pupil.answers(),
        domains,
    }
}

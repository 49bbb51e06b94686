//! Evaluations made outside, as a teacher enters them: each is a pseudo-answer to the competency's
//! reference exercise (`mastery::evaluation`), folded where its time is.

use chrono::{DateTime, Utc};
use mastery::Finding;
use schemas::framework::Framework;
use schemas::ids::PersonKey;
use serde::Serialize;
use service::pg::Pool;
use uuid::Uuid;

use super::InputError;
use crate::store::evaluations::{self, Entered};
use crate::store::{self, frameworks, inputs, refolds, versions};

/// The evaluations of a pupil.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Evaluations {
    /// The pupil's key.
    pub key: String,
    /// By the time at which they took place.
    pub evaluations: Vec<EvaluationOf>,
}

/// An evaluation.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct EvaluationOf {
    /// Its id.
    pub id: Uuid,
    /// URI of the competency.
    pub competency: String,
    /// What the competency is called; null where the framework in force does not know it: then it
    /// counts for nothing.
    pub label: Option<String>,
    /// When it took place.
    pub at: DateTime<Utc>,
    /// The share of success, 0 to 1, where one was entered.
    pub share: Option<f64>,
    /// The degree, 1 to 6, where one was entered.
    pub degree: Option<u8>,
    /// When it was entered.
    pub entered: Option<DateTime<Utc>>,
    /// The key of the application that entered it: it names no person.
    pub entered_by: String,
    /// The key of the person who entered it, under which no name stands; null where the application told of none.
    pub entered_by_person: Option<Uuid>,
}

/// What entering an evaluation did.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It is new.
    Entered(EvaluationOf),
    /// The same was there already.
    Same(EvaluationOf),
}

/// The evaluations of a pupil.
pub async fn read(pool: &Pool, key: PersonKey) -> Result<Evaluations, InputError> {
    let client = store::client(pool).await?;
    if !inputs::is_known(&client, key).await? {
        return Err(InputError::UnknownPupil);
    }
    let keys = inputs::keys_of(&client, key).await?;
    let entered = evaluations::read(&client, &keys).await?;
    let (_, framework) = frameworks::current(&client).await?;
    let entered = entered.into_iter().map(|one| shown(&framework, one));
    Ok(Evaluations {
        key: key.to_string(),
        evaluations: entered.collect(),
    })
}

/// Enters an evaluation of the pupil under whose key it stands, and has the pupil folded again. The
/// same again changes nothing; the same id with something else is a conflict.
pub async fn enter(pool: &Pool, new: &Entered) -> Result<Outcome, InputError> {
    let person = PersonKey::from_uuid(new.key);
    let mut client = store::client(pool).await?;
    let transaction = store::begin(&mut client).await?;
    let current = versions::lock_current(&transaction).await?;
    current.ok_or(InputError::NotReady)?;
    if !inputs::is_known(&transaction, person).await? {
        return Err(InputError::UnknownPupil);
    }
    let is_new = evaluations::insert(&transaction, new).await?;
    let stored = evaluations::one(&transaction, new.id).await?;
    let stored = stored.ok_or(InputError::Conflict)?;
    let (_, framework) = frameworks::current(&transaction).await?;
    if is_new {
        refolds::mark(&transaction, &[person]).await?;
        store::commit(transaction).await?;
        return Ok(Outcome::Entered(shown(&framework, stored)));
    }
    let keys = inputs::keys_of(&transaction, person).await?;
    let same = keys.contains(&stored.key)
        && stored.competency == new.competency
        && stored.at == new.at
        && stored.finding == new.finding;
    if same {
        Ok(Outcome::Same(shown(&framework, stored)))
    } else {
        Err(InputError::Conflict)
    }
}

/// Takes back an evaluation, and has the pupil folded again without it; false where there is none.
pub async fn delete(pool: &Pool, key: PersonKey, id: Uuid) -> Result<bool, InputError> {
    let mut client = store::client(pool).await?;
    let transaction = store::begin(&mut client).await?;
    let current = versions::lock_current(&transaction).await?;
    current.ok_or(InputError::NotReady)?;
    if !inputs::is_known(&transaction, key).await? {
        return Err(InputError::UnknownPupil);
    }
    let keys = inputs::keys_of(&transaction, key).await?;
    let was_there = evaluations::delete(&transaction, id, &keys).await?;
    if was_there {
        refolds::mark(&transaction, &[key]).await?;
    }
    store::commit(transaction).await?;
    Ok(was_there)
}

fn shown(framework: &Framework, one: Entered) -> EvaluationOf {
    let mut competencies = framework.competencies();
    let known = competencies.find(|(_, competency)| competency.uri == one.competency);
    let (share, degree) = match one.finding {
        Finding::Share(share) => (Some(share), None),
        Finding::Degree(degree) => (None, Some(degree.number())),
    };
    EvaluationOf {
        id: one.id,
        label: known.map(|(_, competency)| competency.label_fr.clone()),
        competency: one.competency,
        at: one.at,
        share,
        degree,
        entered: one.entered,
        entered_by: one.entered_by,
        entered_by_person: one.entered_by_person,
    }
}

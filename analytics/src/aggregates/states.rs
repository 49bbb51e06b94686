//! The states of some persons as they were at a time.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use mastery::{Model, PupilState};
use schemas::ids::PersonKey;

use crate::fold::{PersonFold, batch};
use crate::model::Models;
use crate::store::classes::PersonStates;
use crate::store::{StoreError, Transaction, inputs};

/// A person's states at a time.
#[derive(Clone, Debug)]
pub(super) struct AsOf {
    pub(super) person: PersonKey,
    pub(super) label: String,
    pub(super) states: BTreeMap<String, PupilState>,
}

impl AsOf {
    /// Answers of all subjects.
    pub(super) fn answers(&self) -> u64 {
        self.states.values().map(PupilState::answers).sum()
    }
}

/// The states of persons of one version at a time: as they are where the last answer is not later,
/// folded again without the later answers elsewhere.
pub(super) async fn at(
    transaction: &Transaction<'_>,
    models: &Models,
    persons: Vec<PersonStates>,
    as_of: DateTime<Utc>,
) -> Result<Option<(Arc<Model>, Vec<AsOf>)>, StoreError> {
    let Some(first) = persons.first() else {
        return Ok(None);
    };
    let model = models.get(transaction, &first.model).await?;
    let position = first.position;
    let is_later = |person: &PersonStates| person.last_answered_at.is_some_and(|at| at > as_of);
    let later: Vec<PersonKey> = persons
        .iter()
        .filter(|person| is_later(person))
        .map(|person| person.person)
        .collect();
    let mut answers = batch::answers_of(transaction, &later, position).await?;
    let mut inputs = inputs::of_persons(transaction, &later).await?;
    let until = as_of.timestamp_micros();
    let folded = persons.into_iter().map(|person| {
        let states = if is_later(&person) {
            let mut answers = answers.remove(&person.person).unwrap_or_default();
            answers.retain(|answer| answer.key.answered_at <= until);
            let inputs = inputs.remove(&person.person).unwrap_or_default();
            PersonFold::of(&model, inputs.until(until), answers).states
        } else {
            person.states.into_iter().collect()
        };
        AsOf {
            person: person.person,
            label: person.label,
            states,
        }
    });
    let folded = folded.collect();
    Ok(Some((model, folded)))
}

//! What is folded of each person: `analytics.pupils` and `analytics.pupil_states`.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use deadpool_postgres::GenericClient;
use mastery::PupilState;
use schemas::ids::{PersonKey, StatementId};
use schemas::profile::FoldKey;
use tokio_postgres::Row;
use uuid::Uuid;

use super::StoreError;
use crate::fold::PersonFold;

/// What is folded of these persons; those of whom nothing is are not there.
pub async fn read(
    client: &impl GenericClient,
    version: i64,
    persons: &[PersonKey],
) -> Result<HashMap<PersonKey, PersonFold>, StoreError> {
    let persons: Vec<Uuid> = persons.iter().map(PersonKey::as_uuid).collect();
    let sql = include_str!("sql/pupils_read.sql");
    let rows = super::query(client, sql, &[&version, &persons]).await?;
    let mut folds = HashMap::with_capacity(rows.len());
    for row in &rows {
        folds.insert(PersonKey::from_uuid(row.get("person")), fold(row)?);
    }
    let sql = include_str!("sql/pupil_states_read.sql");
    for row in super::query(client, sql, &[&version, &persons]).await? {
        let state = PupilState::decode(row.get("state"))?;
        // Who declared a profile has states before any answer.
        let fold: &mut PersonFold = folds
            .entry(PersonKey::from_uuid(row.get("person")))
            .or_default();
        fold.states.insert(row.get("subject"), state);
    }
    Ok(folds)
}

fn fold(row: &Row) -> Result<PersonFold, StoreError> {
    let others = PersonFold::decode_others(row.get("others"))
        .ok_or(StoreError::Document("count of items"))?;
    let key = FoldKey::new(
        row.get("last_answered_at"),
        row.get("last_device_id"),
        row.get("last_device_seq"),
        StatementId::from_uuid(row.get("last_statement")),
    );
    Ok(PersonFold {
        others,
        answers: row.get("answers"),
        correct: row.get("correct"),
        last: Some(key),
        ..PersonFold::default()
    })
}

/// What is folded of some persons, a value a row in each column.
#[derive(Debug, Default)]
pub struct Columns {
    /// Persons with answers or evaluations; in the columns up to `others` is what is counted of them.
    pub persons: Vec<Uuid>,
    /// Answers.
    pub answers: Vec<i64>,
    /// Right ones.
    pub correct: Vec<i64>,
    /// The key of the last: its time.
    pub at: Vec<Option<DateTime<Utc>>>,
    /// Its device.
    pub devices: Vec<Option<String>>,
    /// Its counter.
    pub counters: Vec<Option<i64>>,
    /// Its statement.
    pub statements: Vec<Uuid>,
    /// Items that the model does not know, as `PersonFold::encode_others` has them.
    pub others: Vec<Vec<u8>>,
    /// Persons of the states, in the columns from here.
    pub state_persons: Vec<Uuid>,
    /// Subjects.
    pub subjects: Vec<String>,
    /// States, as `PupilState::encode` has them.
    pub states: Vec<Vec<u8>>,
}

impl Columns {
    /// One person more.
    pub fn push(&mut self, person: PersonKey, fold: &PersonFold) {
        if let Some(key) = &fold.last {
            self.persons.push(person.as_uuid());
            self.answers.push(fold.answers);
            self.correct.push(fold.correct);
            self.at
                .push(DateTime::from_timestamp_micros(key.answered_at));
            self.devices.push(key.device_id.clone());
            self.counters.push(key.device_seq);
            self.statements.push(key.id.as_uuid());
            self.others.push(fold.encode_others());
        }
        for (subject, state) in &fold.states {
            self.state_persons.push(person.as_uuid());
            self.subjects.push(subject.clone());
            self.states.push(state.encode());
        }
    }
}

/// Writes what is folded of some persons.
pub async fn write(
    client: &impl GenericClient,
    version: i64,
    columns: &Columns,
) -> Result<(), StoreError> {
    let Columns {
        persons,
        answers,
        correct,
        at,
        devices,
        counters,
        statements,
        others,
        state_persons,
        subjects,
        states,
    } = columns;
    if !persons.is_empty() {
        super::execute(
            client,
            include_str!("sql/pupils_write.sql"),
            &[
                &version, persons, answers, correct, at, devices, counters, statements, others,
            ],
        )
        .await?;
    }
    if !state_persons.is_empty() {
        let sql = include_str!("sql/pupil_states_write.sql");
        super::execute(client, sql, &[&version, state_persons, subjects, states]).await?;
    }
    Ok(())
}

/// Takes away states of subjects in which a person has no answer left.
pub async fn delete_states(
    client: &impl GenericClient,
    version: i64,
    gone: &[(PersonKey, String)],
) -> Result<(), StoreError> {
    if gone.is_empty() {
        return Ok(());
    }
    let persons: Vec<Uuid> = gone.iter().map(|(person, _)| person.as_uuid()).collect();
    let subjects: Vec<&str> = gone.iter().map(|(_, subject)| subject.as_str()).collect();
    let sql = include_str!("sql/pupil_states_delete.sql");
    super::execute(client, sql, &[&version, &persons, &subjects]).await?;
    Ok(())
}

/// Takes away persons who have neither an answer nor an evaluation left.
pub async fn delete(
    client: &impl GenericClient,
    version: i64,
    persons: &[PersonKey],
) -> Result<(), StoreError> {
    if persons.is_empty() {
        return Ok(());
    }
    let persons: Vec<Uuid> = persons.iter().map(PersonKey::as_uuid).collect();
    let sql = include_str!("sql/pupils_delete.sql");
    super::execute(client, sql, &[&version, &persons]).await?;
    Ok(())
}

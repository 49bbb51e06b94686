//! What is folded of each person: `analytics.pupils` and `analytics.pupil_states`.

use std::collections::HashMap;

use chrono::DateTime;
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

/// Writes what is folded of these persons.
pub async fn write(
    client: &impl GenericClient,
    version: i64,
    folds: &[(PersonKey, &PersonFold)],
) -> Result<(), StoreError> {
    if folds.is_empty() {
        return Ok(());
    }
    write_sums(client, version, folds).await?;
    let (mut persons, mut subjects, mut states) = (Vec::new(), Vec::new(), Vec::new());
    for (person, fold) in folds {
        for (subject, state) in &fold.states {
            persons.push(person.as_uuid());
            subjects.push(subject.as_str());
            states.push(state.encode());
        }
    }
    let sql = include_str!("sql/pupil_states_write.sql");
    super::execute(client, sql, &[&version, &persons, &subjects, &states]).await?;
    Ok(())
}

async fn write_sums(
    client: &impl GenericClient,
    version: i64,
    folds: &[(PersonKey, &PersonFold)],
) -> Result<(), StoreError> {
    let answered = || {
        folds
            .iter()
            .filter_map(|(person, fold)| Some((person, fold, fold.last.as_ref()?)))
    };
    let persons: Vec<Uuid> = answered().map(|(person, ..)| person.as_uuid()).collect();
    let answers: Vec<i64> = answered().map(|(_, fold, _)| fold.answers).collect();
    let correct: Vec<i64> = answered().map(|(_, fold, _)| fold.correct).collect();
    let at: Vec<_> = answered()
        .map(|(.., key)| DateTime::from_timestamp_micros(key.answered_at))
        .collect();
    let devices: Vec<_> = answered()
        .map(|(.., key)| key.device_id.as_deref())
        .collect();
    let counters: Vec<_> = answered().map(|(.., key)| key.device_seq).collect();
    let ids: Vec<Uuid> = answered().map(|(.., key)| key.id.as_uuid()).collect();
    let others: Vec<_> = answered()
        .map(|(_, fold, _)| fold.encode_others())
        .collect();
    super::execute(
        client,
        include_str!("sql/pupils_write.sql"),
        &[
            &version, &persons, &answers, &correct, &at, &devices, &counters, &ids, &others,
        ],
    )
    .await?;
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

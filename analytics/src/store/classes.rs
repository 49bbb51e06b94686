//! Classes, and the states of their pupils: what the REST resources read.

use chrono::{DateTime, Utc};
use deadpool_postgres::GenericClient;
use mastery::PupilState;
use schemas::ids::PersonKey;
use tokio_postgres::Row;
use uuid::Uuid;

use super::StoreError;

/// A class of the roster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Class {
    /// Its key.
    pub key: Uuid,
    /// Its title.
    pub title: String,
    /// Name of its school, where the roster has it.
    pub school: Option<String>,
}

/// A person with the states of the version that is served.
#[derive(Clone, Debug)]
pub struct PersonStates {
    /// Fingerprint of the version's model.
    pub model: String,
    /// Up to where the feed is folded.
    pub position: i64,
    /// The person.
    pub person: PersonKey,
    /// What the roster calls the person.
    pub label: String,
    /// When the last valid answer was given; none where there is none.
    pub last_answered_at: Option<DateTime<Utc>>,
    /// States by subject.
    pub states: Vec<(String, PupilState)>,
}

/// Every class by title, or every class of a school (UAI), with its number of pupils.
pub async fn list(
    client: &impl GenericClient,
    school: Option<&str>,
) -> Result<Vec<(Class, i64)>, StoreError> {
    let rows = super::query(client, include_str!("sql/classes_list.sql"), &[&school]).await?;
    Ok(rows.iter().map(|row| (class(row), row.get(4))).collect())
}

/// One class.
pub async fn read(client: &impl GenericClient, key: Uuid) -> Result<Option<Class>, StoreError> {
    let row = super::query_opt(client, include_str!("sql/class_read.sql"), &[&key]).await?;
    Ok(row.as_ref().map(class))
}

/// Whether a class is one of a school (UAI).
pub async fn is_of_school(
    client: &impl GenericClient,
    key: Uuid,
    school: &str,
) -> Result<bool, StoreError> {
    let sql = include_str!("sql/class_of_school.sql");
    Ok(super::query_one(client, sql, &[&key, &school])
        .await?
        .get(0))
}

/// Whether a person is a pupil of a school (UAI): of one of its classes.
pub async fn is_pupil_of_school(
    client: &impl GenericClient,
    key: PersonKey,
    school: &str,
) -> Result<bool, StoreError> {
    let sql = include_str!("sql/pupil_of_school.sql");
    let row = super::query_one(client, sql, &[&key.as_uuid(), &school]).await?;
    Ok(row.get(0))
}

/// The pupils of a class by label, with their states: one query.
pub async fn states(
    client: &impl GenericClient,
    key: Uuid,
) -> Result<Vec<PersonStates>, StoreError> {
    let rows = super::query(client, include_str!("sql/class_states.sql"), &[&key]).await?;
    group(&rows)
}

/// Which of some persons teaches a class that a pupil is in, if one does.
pub async fn teacher_of(
    client: &impl GenericClient,
    persons: &[PersonKey],
    pupil: PersonKey,
) -> Result<Option<PersonKey>, StoreError> {
    let persons: Vec<Uuid> = persons.iter().map(PersonKey::as_uuid).collect();
    let sql = include_str!("sql/teacher_of_pupil.sql");
    let row = super::query_opt(client, sql, &[&persons, &pupil.as_uuid()]).await?;
    Ok(row.map(|row| PersonKey::from_uuid(row.get(0))))
}

/// One person, with states; none when nobody announced and no account showed that person.
pub async fn person(
    client: &impl GenericClient,
    key: PersonKey,
) -> Result<Option<PersonStates>, StoreError> {
    let sql = include_str!("sql/person_states.sql");
    let rows = super::query(client, sql, &[&key.as_uuid()]).await?;
    Ok(group(&rows)?.pop())
}

fn class(row: &Row) -> Class {
    Class {
        key: row.get("class"),
        title: row.get("title"),
        school: row.get("school_name"),
    }
}

/// Rows of one person stand together.
fn group(rows: &[Row]) -> Result<Vec<PersonStates>, StoreError> {
    let mut persons: Vec<PersonStates> = Vec::new();
    for row in rows {
        let person = PersonKey::from_uuid(row.get("person"));
        if persons.last().is_none_or(|last| last.person != person) {
            persons.push(PersonStates {
                model: row.get("model"),
                position: row.get("position"),
                person,
                label: row.get("label"),
                last_answered_at: row.get("last_answered_at"),
                states: Vec::new(),
            });
        }
        let subject: Option<String> = row.get("subject");
        if let (Some(subject), Some(last)) = (subject, persons.last_mut()) {
            last.states
                .push((subject, PupilState::decode(row.get("state"))?));
        }
    }
    Ok(persons)
}

//! Evaluations made outside: `analytics.evaluations`.

use chrono::{DateTime, Utc};
use deadpool_postgres::GenericClient;
use mastery::Finding;
use schemas::ids::PersonKey;
use tokio_postgres::Row;
use uuid::Uuid;

use super::StoreError;

/// An evaluation, as it was entered.
#[derive(Clone, Debug, PartialEq)]
pub struct Entered {
    /// Its id.
    pub id: Uuid,
    /// The key of the pupil under which it was entered.
    pub key: Uuid,
    /// URI of the competency.
    pub competency: String,
    /// When it took place.
    pub at: DateTime<Utc>,
    /// What it found.
    pub finding: Finding,
    /// When it was entered; none before that.
    pub entered: Option<DateTime<Utc>>,
    /// The key of the application that entered it.
    pub entered_by: String,
    /// The key, of that moment, of the person who entered it, where one is known to.
    pub entered_by_person: Option<Uuid>,
}

/// What was entered under some keys, in the order of the fold.
pub async fn read(client: &impl GenericClient, keys: &[Uuid]) -> Result<Vec<Entered>, StoreError> {
    let sql = include_str!("sql/evaluations_read.sql");
    let rows = super::query(client, sql, &[&keys]).await?;
    rows.iter().map(entered).collect()
}

/// One evaluation.
pub async fn one(client: &impl GenericClient, id: Uuid) -> Result<Option<Entered>, StoreError> {
    let sql = include_str!("sql/evaluations_one.sql");
    let row = super::query_opt(client, sql, &[&id]).await?;
    row.as_ref().map(entered).transpose()
}

/// Enters an evaluation; false when its id is there already.
pub async fn insert(client: &impl GenericClient, new: &Entered) -> Result<bool, StoreError> {
    let (share, degree) = match new.finding {
        Finding::Share(share) => (Some(share), None),
        Finding::Degree(degree) => (None, Some(i16::from(degree.number()))),
    };
    let sql = include_str!("sql/evaluations_insert.sql");
    let parameters: super::Parameters<'_> = &[
        &new.id,
        &new.key,
        &new.competency,
        &new.at,
        &share,
        &degree,
        &new.entered_by,
        &new.entered_by_person,
    ];
    Ok(super::execute(client, sql, parameters).await? == 1)
}

/// Takes back an evaluation that was entered under one of these keys; false when there is none.
pub async fn delete(
    client: &impl GenericClient,
    id: Uuid,
    keys: &[Uuid],
) -> Result<bool, StoreError> {
    let sql = include_str!("sql/evaluations_delete.sql");
    Ok(super::execute(client, sql, &[&id, &keys]).await? == 1)
}

fn entered(row: &Row) -> Result<Entered, StoreError> {
    let share: Option<f64> = row.get("share");
    let finding = match share {
        Some(share) => Finding::Share(share),
        None => Finding::Degree(super::degree(row.get("degree"))?),
    };
    Ok(Entered {
        id: row.get("evaluation"),
        key: row.get("key"),
        competency: row.get("competency"),
        at: row.get("at"),
        finding,
        entered: Some(row.get("entered")),
        entered_by: row.get("entered_by"),
        entered_by_person: row.get("entered_by_person"),
    })
}

impl Entered {
    /// The person under whose key it was entered.
    #[must_use]
    pub fn person(&self) -> PersonKey {
        PersonKey::from_uuid(self.key)
    }
}

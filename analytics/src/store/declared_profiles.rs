//! What pupils declared: `analytics.declared_profiles`.

use chrono::{DateTime, Utc};
use deadpool_postgres::GenericClient;
use mastery::Degree;
use schemas::ids::{PersonKey, key64};
use uuid::Uuid;

use super::StoreError;

/// A degree that was declared.
#[derive(Clone, Debug, PartialEq)]
pub struct DeclaredDegree {
    /// The key under which it was declared.
    pub key: Uuid,
    /// URI of the domain.
    pub domain: String,
    /// The degree.
    pub degree: Degree,
    /// When it was declared.
    pub declared: DateTime<Utc>,
}

/// What was declared under some keys, the latest last.
pub async fn read(
    client: &impl GenericClient,
    keys: &[Uuid],
) -> Result<Vec<DeclaredDegree>, StoreError> {
    let sql = include_str!("sql/declared_profiles_read.sql");
    let rows = super::query(client, sql, &[&keys]).await?;
    let degrees = rows.iter().map(|row| {
        Ok(DeclaredDegree {
            key: row.get("key"),
            domain: row.get("domain"),
            degree: super::degree(row.get("degree"))?,
            declared: row.get("declared"),
        })
    });
    degrees.collect()
}

/// Declares degrees by domain, of which none is declared under this key.
pub async fn write(
    client: &impl GenericClient,
    person: PersonKey,
    degrees: &[(String, Degree)],
) -> Result<(), StoreError> {
    let keys: Vec<i64> = degrees
        .iter()
        .map(|(domain, _)| key64(domain).cast_signed())
        .collect();
    let domains: Vec<&str> = degrees.iter().map(|(domain, _)| domain.as_str()).collect();
    let numbers: Vec<i16> = degrees
        .iter()
        .map(|(_, degree)| i16::from(degree.number()))
        .collect();
    let sql = include_str!("sql/declared_profiles_write.sql");
    super::execute(client, sql, &[&person.as_uuid(), &keys, &domains, &numbers]).await?;
    Ok(())
}

/// Takes back what was declared under some keys; whether there was anything.
pub async fn delete(client: &impl GenericClient, keys: &[Uuid]) -> Result<bool, StoreError> {
    let sql = include_str!("sql/declared_profiles_delete.sql");
    Ok(super::execute(client, sql, &[&keys]).await? > 0)
}

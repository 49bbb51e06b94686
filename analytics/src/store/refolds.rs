//! Persons to fold again because their accounts changed: `analytics.refolds`.

use deadpool_postgres::GenericClient;
use schemas::ids::PersonKey;
use uuid::Uuid;

use super::StoreError;

/// Some of a version's marks, the oldest first, with their persons.
pub async fn read(
    client: &impl GenericClient,
    version: i64,
) -> Result<Vec<(i64, PersonKey)>, StoreError> {
    let rows = super::query(client, include_str!("sql/refolds_read.sql"), &[&version]).await?;
    Ok(rows
        .iter()
        .map(|row| (row.get(0), PersonKey::from_uuid(row.get(1))))
        .collect())
}

/// Whether a person of the version that is served is still to be folded again.
pub async fn is_pending(
    client: &impl GenericClient,
    person: PersonKey,
) -> Result<bool, StoreError> {
    let sql = include_str!("sql/refold_of_person.sql");
    let row = super::query_one(client, sql, &[&person.as_uuid()]).await?;
    Ok(row.get(0))
}

/// Takes away marks that were seen to.
pub async fn delete(client: &impl GenericClient, marks: &[i64]) -> Result<(), StoreError> {
    super::execute(client, include_str!("sql/refolds_delete.sql"), &[&marks]).await?;
    Ok(())
}

/// Marks persons in every version that is alive. The caller holds the lock of
/// [`super::versions::lock_current`], so that no version is made in between.
pub async fn mark(client: &impl GenericClient, persons: &[PersonKey]) -> Result<(), StoreError> {
    let persons: Vec<Uuid> = persons.iter().map(PersonKey::as_uuid).collect();
    super::execute(client, include_str!("sql/refolds_insert.sql"), &[&persons]).await?;
    Ok(())
}

//! Whose an account is: `analytics.account_person`.

use std::collections::HashMap;

use deadpool_postgres::GenericClient;
use schemas::ids::{AccountKey, PersonKey};
use tokio_postgres::Row;
use uuid::Uuid;

use super::StoreError;

/// Accounts with their persons.
pub type Owners = HashMap<AccountKey, PersonKey>;

/// Makes each account that nobody has announced a person of its own.
pub async fn open(client: &impl GenericClient, accounts: &[AccountKey]) -> Result<(), StoreError> {
    let mut accounts: Vec<Uuid> = accounts.iter().map(AccountKey::as_uuid).collect();
    accounts.sort_unstable();
    accounts.dedup();
    let sql = include_str!("sql/account_person_open.sql");
    super::execute(client, sql, &[&accounts]).await?;
    Ok(())
}

/// Whose these accounts are.
pub async fn of_accounts(
    client: &impl GenericClient,
    accounts: &[AccountKey],
) -> Result<Owners, StoreError> {
    let accounts: Vec<Uuid> = accounts.iter().map(AccountKey::as_uuid).collect();
    let sql = include_str!("sql/account_person_of_accounts.sql");
    let rows = super::query(client, sql, &[&accounts]).await?;
    Ok(rows.iter().map(pair).collect())
}

/// The accounts of these persons.
pub async fn of_persons(
    client: &impl GenericClient,
    persons: &[PersonKey],
) -> Result<Owners, StoreError> {
    let persons: Vec<Uuid> = persons.iter().map(PersonKey::as_uuid).collect();
    let sql = include_str!("sql/account_person_of_persons.sql");
    let rows = super::query(client, sql, &[&persons]).await?;
    Ok(rows.iter().map(pair).collect())
}

/// Every account.
pub async fn all(client: &impl GenericClient) -> Result<Owners, StoreError> {
    let rows = super::query(client, include_str!("sql/account_person_all.sql"), &[]).await?;
    Ok(rows.iter().map(pair).collect())
}

/// Gives accounts to persons; an account of another person is that person's no more from now on.
pub async fn assign(
    client: &impl GenericClient,
    owners: &[(AccountKey, PersonKey)],
) -> Result<(), StoreError> {
    let mut sorted = owners.to_vec();
    sorted.sort_unstable();
    let accounts: Vec<Uuid> = sorted
        .iter()
        .map(|(account, _)| account.as_uuid())
        .collect();
    let persons: Vec<Uuid> = sorted.iter().map(|(_, person)| person.as_uuid()).collect();
    let close = include_str!("sql/account_person_close.sql");
    super::execute(client, close, &[&accounts]).await?;
    let insert = include_str!("sql/account_person_insert.sql");
    super::execute(client, insert, &[&accounts, &persons]).await?;
    Ok(())
}

fn pair(row: &Row) -> (AccountKey, PersonKey) {
    (
        AccountKey::from_uuid(row.get(0)),
        PersonKey::from_uuid(row.get(1)),
    )
}

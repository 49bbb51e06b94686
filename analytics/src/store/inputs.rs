//! What is known of persons besides the answers, ready for the fold, and under which keys it stands.
//!
//! Something was entered under the key that a pupil had then. Where that was the key of an account
//! which has become somebody's since, it is that person's; where the account is let go again, it goes
//! with the account.

use std::collections::{BTreeMap, HashMap};

use deadpool_postgres::GenericClient;
use mastery::Voie;
use schemas::ids::{PersonKey, StatementId, key64};
use schemas::profile::FoldKey;
use tokio_postgres::Row;
use uuid::Uuid;

use super::{StoreError, declared_profiles, evaluations};
use crate::fold::{Evaluation, Inputs};

/// Whether a key is anybody's.
pub async fn is_known(client: &impl GenericClient, person: PersonKey) -> Result<bool, StoreError> {
    let sql = include_str!("sql/people_known.sql");
    let row = super::query_one(client, sql, &[&person.as_uuid()]).await?;
    Ok(row.get(0))
}

/// The keys under which what is this person's was entered.
pub async fn keys_of(
    client: &impl GenericClient,
    person: PersonKey,
) -> Result<Vec<Uuid>, StoreError> {
    let owners = owners(client, &[person]).await?;
    Ok(owners.into_keys().collect())
}

/// What is known of some persons. Those of whom nothing is are not there.
pub async fn of_persons(
    client: &impl GenericClient,
    persons: &[PersonKey],
) -> Result<BTreeMap<PersonKey, Inputs>, StoreError> {
    if persons.is_empty() {
        return Ok(BTreeMap::new());
    }
    let keys: Vec<Uuid> = persons.iter().map(PersonKey::as_uuid).collect();
    let voies = include_str!("sql/voies_of_persons.sql");
    let voies = super::query(client, voies, &[&keys]).await?;
    let owners = owners(client, persons).await?;
    read(client, &owners, &voies).await
}

/// What is known of everybody.
pub async fn all(client: &impl GenericClient) -> Result<BTreeMap<PersonKey, Inputs>, StoreError> {
    let rows = super::query(client, include_str!("sql/keys_all.sql"), &[]).await?;
    let voies = super::query(client, include_str!("sql/voies_all.sql"), &[]).await?;
    read(client, &rows.iter().map(pair).collect(), &voies).await
}

/// Keys with whose they are.
type KeyOwners = HashMap<Uuid, PersonKey>;

async fn owners(
    client: &impl GenericClient,
    persons: &[PersonKey],
) -> Result<KeyOwners, StoreError> {
    let persons: Vec<Uuid> = persons.iter().map(PersonKey::as_uuid).collect();
    let sql = include_str!("sql/keys_of_persons.sql");
    let rows = super::query(client, sql, &[&persons]).await?;
    Ok(rows.iter().map(pair).collect())
}

fn pair(row: &Row) -> (Uuid, PersonKey) {
    (row.get("key"), PersonKey::from_uuid(row.get("person")))
}

async fn read(
    client: &impl GenericClient,
    owners: &KeyOwners,
    voies: &[Row],
) -> Result<BTreeMap<PersonKey, Inputs>, StoreError> {
    let keys: Vec<Uuid> = owners.keys().copied().collect();
    let mut all: BTreeMap<PersonKey, Inputs> = BTreeMap::new();
    for row in voies {
        let person = PersonKey::from_uuid(row.get("person"));
        all.entry(person).or_default().voie = Voie::parse(row.get("voie"));
    }
    for one in declared_profiles::read(client, &keys).await? {
        if let Some(person) = owners.get(&one.key) {
            // Of one domain declared under several keys, the latest holds: it comes last.
            let inputs = all.entry(*person).or_default();
            inputs.declared.insert(key64(&one.domain), one.degree);
        }
    }
    for one in evaluations::read(client, &keys).await? {
        if let Some(person) = owners.get(&one.key) {
            let evaluation = Evaluation {
                key: FoldKey::new(one.at, None, None, StatementId::from_uuid(one.id)),
                competency: key64(&one.competency),
                uri: one.competency.into(),
                finding: one.finding,
            };
            all.entry(*person).or_default().evaluations.push(evaluation);
        }
    }
    Ok(all)
}

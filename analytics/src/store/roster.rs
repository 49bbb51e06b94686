//! The roster: `analytics.orgs`, `users`, `classes`, `enrolments`.

use std::collections::{HashMap, HashSet};

use deadpool_postgres::GenericClient;
use mastery::Voie;
use schemas::ids::PersonKey;
use uuid::Uuid;

use super::StoreError;
use crate::people::roster::{Class, Enrolment, Mode, Org, Records, User};

/// What the roster knows already: what a delta may refer to.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// Organisations.
    pub orgs: HashSet<String>,
    /// Users who are announced.
    pub users: HashSet<String>,
    /// Classes.
    pub classes: HashSet<String>,
}

/// What the roster knows already.
pub async fn known(client: &impl GenericClient) -> Result<Known, StoreError> {
    let mut known = Known::default();
    for row in super::query(client, include_str!("sql/roster_ids.sql"), &[]).await? {
        match row.get(0) {
            "org" => known.orgs.insert(row.get(1)),
            "user" => known.users.insert(row.get(1)),
            _ => known.classes.insert(row.get(1)),
        };
    }
    Ok(known)
}

/// The person of every user, announced now or before.
pub async fn persons(
    client: &impl GenericClient,
) -> Result<HashMap<String, PersonKey>, StoreError> {
    let rows = super::query(client, include_str!("sql/roster_known.sql"), &[]).await?;
    Ok(rows
        .iter()
        .map(|row| (row.get(0), PersonKey::from_uuid(row.get(1))))
        .collect())
}

/// A user, as it is written.
#[derive(Clone, Debug)]
pub struct UserRow<'a> {
    /// Id in the roster.
    pub sourced_id: &'a str,
    /// The person; that of a known user stays.
    pub person: PersonKey,
    /// What the user is called.
    pub label: &'a str,
    /// Whether the roster announces the user.
    pub active: bool,
    /// The *voie*, where the roster tells it.
    pub voie: Option<Voie>,
}

/// Those of some users whose *voie* is another one than before.
pub async fn of_another_voie(
    client: &impl GenericClient,
    users: &[UserRow<'_>],
) -> Result<Vec<PersonKey>, StoreError> {
    let persons: Vec<Uuid> = users.iter().map(|user| user.person.as_uuid()).collect();
    let voies: Vec<Option<&str>> = users.iter().map(|u| u.voie.map(Voie::as_str)).collect();
    let sql = include_str!("sql/roster_users_of_another_voie.sql");
    let rows = super::query(client, sql, &[&persons, &voies]).await?;
    Ok(rows
        .iter()
        .map(|row| PersonKey::from_uuid(row.get(0)))
        .collect())
}

/// Writes organisations.
pub async fn write_orgs(
    client: &impl GenericClient,
    orgs: &Records<Org>,
) -> Result<(), StoreError> {
    let list = &orgs.written;
    let ids: Vec<&str> = list.iter().map(|org| org.sourced_id.as_str()).collect();
    let names: Vec<&str> = list.iter().map(|org| org.name.as_str()).collect();
    let kinds: Vec<&str> = list.iter().map(|org| org.kind.as_str()).collect();
    let identifiers: Vec<_> = list.iter().map(|org| org.identifier.as_deref()).collect();
    let parents: Vec<_> = list.iter().map(|org| org.parent.as_deref()).collect();
    let sql = include_str!("sql/roster_orgs_write.sql");
    super::execute(client, sql, &[&ids, &names, &kinds, &identifiers, &parents]).await?;
    let keep = include_str!("sql/roster_orgs_keep.sql");
    let delete = include_str!("sql/roster_orgs_delete.sql");
    drop_others(client, orgs.mode, (keep, &ids), (delete, &orgs.deleted)).await
}

/// Writes users; who is announced no more is active no more.
pub async fn write_users(
    client: &impl GenericClient,
    records: &Records<User>,
    users: &[UserRow<'_>],
) -> Result<(), StoreError> {
    let ids: Vec<&str> = users.iter().map(|user| user.sourced_id).collect();
    let persons: Vec<Uuid> = users.iter().map(|user| user.person.as_uuid()).collect();
    let labels: Vec<&str> = users.iter().map(|user| user.label).collect();
    let active: Vec<bool> = users.iter().map(|user| user.active).collect();
    let voies: Vec<Option<&str>> = users.iter().map(|u| u.voie.map(Voie::as_str)).collect();
    let sql = include_str!("sql/roster_users_write.sql");
    super::execute(client, sql, &[&ids, &persons, &labels, &active, &voies]).await?;
    match records.mode {
        Mode::Bulk => {
            super::execute(client, include_str!("sql/roster_users_keep.sql"), &[&ids]).await?
        }
        Mode::Delta => {
            let sql = include_str!("sql/roster_users_end.sql");
            super::execute(client, sql, &[&records.deleted]).await?
        }
        Mode::Absent => 0,
    };
    Ok(())
}

/// Writes classes, each with the key that a new one gets.
pub async fn write_classes(
    client: &impl GenericClient,
    classes: &Records<Class>,
    keys: &[Uuid],
) -> Result<(), StoreError> {
    let list = &classes.written;
    let ids: Vec<&str> = list.iter().map(|class| class.sourced_id.as_str()).collect();
    let titles: Vec<&str> = list.iter().map(|class| class.title.as_str()).collect();
    let codes: Vec<_> = list.iter().map(|class| class.code.as_deref()).collect();
    let schools: Vec<&str> = list.iter().map(|class| class.school.as_str()).collect();
    let subjects: Vec<String> = list.iter().map(|class| class.subjects.join("\n")).collect();
    let sql = include_str!("sql/roster_classes_write.sql");
    super::execute(
        client,
        sql,
        &[&keys, &ids, &titles, &codes, &schools, &subjects],
    )
    .await?;
    let keep = include_str!("sql/roster_classes_keep.sql");
    let delete = include_str!("sql/roster_classes_delete.sql");
    drop_others(
        client,
        classes.mode,
        (keep, &ids),
        (delete, &classes.deleted),
    )
    .await
}

/// Writes enrolments; classes and users are written before.
pub async fn write_enrolments(
    client: &impl GenericClient,
    enrolments: &Records<Enrolment>,
) -> Result<(), StoreError> {
    let list = &enrolments.written;
    let ids: Vec<&str> = list.iter().map(|row| row.sourced_id.as_str()).collect();
    let classes: Vec<&str> = list.iter().map(|row| row.class.as_str()).collect();
    let users: Vec<&str> = list.iter().map(|row| row.user.as_str()).collect();
    let roles: Vec<&str> = list.iter().map(|row| row.role.as_str()).collect();
    let sql = include_str!("sql/roster_enrolments_write.sql");
    super::execute(client, sql, &[&ids, &classes, &users, &roles]).await?;
    let keep = include_str!("sql/roster_enrolments_keep.sql");
    let delete = include_str!("sql/roster_enrolments_delete.sql");
    drop_others(
        client,
        enrolments.mode,
        (keep, &ids),
        (delete, &enrolments.deleted),
    )
    .await
}

/// Keeps who was in which class until now, and who is from now on: after the last change of an import.
pub async fn keep_history(client: &impl GenericClient) -> Result<(), StoreError> {
    for sql in [
        include_str!("sql/roster_history_close.sql"),
        include_str!("sql/roster_history_open.sql"),
    ] {
        super::execute(client, sql, &[]).await?;
    }
    Ok(())
}

/// A replacement takes away what it does not name, a delta what it says is to be deleted.
async fn drop_others(
    client: &impl GenericClient,
    mode: Mode,
    keep: (&str, &[&str]),
    delete: (&str, &[String]),
) -> Result<(), StoreError> {
    match mode {
        Mode::Bulk => super::execute(client, keep.0, &[&keep.1]).await?,
        Mode::Delta => super::execute(client, delete.0, &[&delete.1]).await?,
        Mode::Absent => 0,
    };
    Ok(())
}

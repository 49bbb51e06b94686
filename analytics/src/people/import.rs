//! A roster becomes what is known, in one transaction.

use std::collections::{BTreeSet, HashMap, HashSet};

use schemas::ids::{AccountKey, PersonKey};
use schemas::ifi::Ifi;
use serde::Serialize;
use service::context::InstallationSecret;
use service::pg::Pool;
use uuid::Uuid;

use super::RosterFault;
use super::roster::{Mode, Roster, User};
use crate::store::roster::{self as store_roster, UserRow};
use crate::store::{self, StoreError, Transaction, account_person, refolds, versions};

/// What an import did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Imported {
    /// Organisations written.
    pub orgs: usize,
    /// Users written.
    pub users: usize,
    /// Classes written.
    pub classes: usize,
    /// Enrolments written.
    pub enrolments: usize,
    /// Accounts that were new, or have another person now.
    pub accounts: usize,
}

/// Why a roster was not imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// It breaks rules; nothing was written.
    #[error("the roster breaks rules")]
    Faults(Vec<RosterFault>),
    /// The database did not answer.
    #[error("could not write the roster")]
    Store(#[from] StoreError),
}

/// Whose keys are made from an id of the roster, by what: never an account of a statement.
const USER_KEYS: &str = "urn:sillage:roster:user";
const CLASS_KEYS: &str = "urn:sillage:roster:class";

/// Writes a roster, whole or not at all.
///
/// A person keeps the key: that of the user of the same `sourcedId`, else the person whom one of
/// the user's accounts has already, else the key of the first account. An account that changes
/// hands makes both persons be folded again, another *voie* its pupil.
pub async fn import(
    pool: &Pool,
    secret: &InstallationSecret,
    roster: &Roster,
) -> Result<Imported, ImportError> {
    let mut client = store::client(pool).await?;
    let transaction = store::begin(&mut client).await?;
    // Nobody folds, opens accounts or makes a version in between.
    versions::lock_current(&transaction).await?;
    let known = store_roster::known(&transaction).await?;
    roster
        .check_references(&known)
        .map_err(ImportError::Faults)?;
    let accounts = assign(&transaction, secret, roster).await?;
    store_roster::write_orgs(&transaction, &roster.orgs).await?;
    let keys: Vec<Uuid> = roster
        .classes
        .written
        .iter()
        .map(|class| key(secret, CLASS_KEYS, &class.sourced_id).as_uuid())
        .collect();
    store_roster::write_classes(&transaction, &roster.classes, &keys).await?;
    store_roster::write_enrolments(&transaction, &roster.enrolments).await?;
    store_roster::keep_history(&transaction).await?;
    store::commit(transaction).await?;
    Ok(Imported {
        orgs: roster.orgs.written.len(),
        users: roster.users.written.len(),
        classes: roster.classes.written.len(),
        enrolments: roster.enrolments.written.len(),
        accounts,
    })
}

/// Writes the users and gives them their accounts; gives how many accounts changed.
async fn assign(
    transaction: &Transaction<'_>,
    secret: &InstallationSecret,
    roster: &Roster,
) -> Result<usize, ImportError> {
    let users = &roster.users;
    if users.mode == Mode::Absent {
        return Ok(0);
    }
    let accounts = accounts(secret, &users.written)?;
    let all: Vec<AccountKey> = accounts.iter().flatten().copied().collect();
    let owners = account_person::of_accounts(transaction, &all).await?;
    let known = store_roster::persons(transaction).await?;
    let persons = persons(secret, &users.written, &accounts, &owners, &known);

    let mut rows: Vec<UserRow<'_>> = Vec::new();
    for (user, person) in users.written.iter().zip(&persons) {
        rows.push(UserRow {
            sourced_id: &user.sourced_id,
            person: *person,
            label: &user.label,
            active: user.enabled,
            voie: user.voie,
        });
    }
    // Who starts from something else is folded again, as is who has other accounts.
    let mut again: BTreeSet<PersonKey> = store_roster::of_another_voie(transaction, &rows)
        .await?
        .into_iter()
        .collect();
    store_roster::write_users(transaction, users, &rows).await?;

    let mut changed = Vec::new();
    for (accounts, person) in accounts.iter().zip(&persons) {
        for account in accounts {
            let owner = owners.get(account).copied();
            if owner != Some(*person) {
                changed.push((*account, *person));
                // A version that is being made may have taken the account for a person of its own.
                again.extend([*person, PersonKey::from(*account)]);
                again.extend(owner);
            }
        }
    }
    if !changed.is_empty() {
        account_person::assign(transaction, &changed).await?;
    }
    if !again.is_empty() {
        let again: Vec<PersonKey> = again.into_iter().collect();
        refolds::mark(transaction, &again).await?;
    }
    Ok(changed.len())
}

/// The accounts of each user; the same account of two users is a fault.
fn accounts(
    secret: &InstallationSecret,
    users: &[User],
) -> Result<Vec<Vec<AccountKey>>, ImportError> {
    let mut owner: HashMap<AccountKey, usize> = HashMap::new();
    let mut all = Vec::with_capacity(users.len());
    for (index, user) in users.iter().enumerate() {
        let mut own = Vec::new();
        for account in &user.accounts {
            let account = AccountKey::derive(secret.as_bytes(), account);
            match owner.insert(account, index) {
                None => own.push(account),
                Some(same) if same == index => {}
                Some(_) => {
                    return Err(ImportError::Faults(vec![RosterFault {
                        file: "users.csv".to_owned(),
                        line: user.line,
                        column: "userIds".to_owned(),
                        rule: "account-repeated",
                        detail: "the account is another user's in this file",
                    }]));
                }
            }
        }
        all.push(own);
    }
    Ok(all)
}

/// The person of each user.
fn persons(
    secret: &InstallationSecret,
    users: &[User],
    accounts: &[Vec<AccountKey>],
    owners: &account_person::Owners,
    known: &HashMap<String, PersonKey>,
) -> Vec<PersonKey> {
    let mut taken: HashSet<PersonKey> = known.values().copied().collect();
    let mut persons = Vec::with_capacity(users.len());
    for (user, accounts) in users.iter().zip(accounts) {
        let person = known.get(&user.sourced_id).copied().unwrap_or_else(|| {
            let seen = accounts.iter().filter_map(|account| owners.get(account));
            let first = accounts.first().map(|account| PersonKey::from(*account));
            let mut free = seen.copied().chain(first);
            free.find(|person| !taken.contains(person))
                .unwrap_or_else(|| key(secret, USER_KEYS, &user.sourced_id).into())
        });
        taken.insert(person);
        persons.push(person);
    }
    persons
}

/// A key made from an id of the roster, which nobody can go back from without the secret.
fn key(secret: &InstallationSecret, space: &str, sourced_id: &str) -> AccountKey {
    let ifi = Ifi::Account {
        home_page: space.to_owned(),
        name: sourced_id.to_owned(),
    };
    AccountKey::derive(secret.as_bytes(), &ifi)
}

//! Who may do what with what is entered of a pupil: the declared profile, evaluations made outside
//! (docs/decisions/0057).
//!
//! A credential by its scopes, of a school the pupils of that school; a person by what the roster says: a pupil what is her
//! own, a teacher what is of the pupils of her classes. Whoever may not is told of the pupil what is told of nobody.

use schemas::ids::{AccountKey, PersonKey};
use service::error::Problem;
use service::identity::{Action, Caller};

use super::problems;
use super::pupils::within_school;
use crate::Analytics;
use crate::store::{self, StoreError, account_person, classes};

/// Whether the caller may read what the pupil declared: the pupil, her teachers, who may read all.
pub(super) async fn read_profile(
    caller: &Caller,
    analytics: &Analytics,
    pupil: PersonKey,
) -> Result<(), Problem> {
    if caller.as_person().is_none() {
        caller.require(Action::ReadAll)?;
        return within_school(caller, analytics, pupil).await;
    }
    let persons = persons(caller, analytics).await?;
    if persons.contains(&pupil) {
        return Ok(());
    }
    teacher(analytics, &persons, pupil).await.map(|_| ())
}

/// Whether the caller may declare, or take back what was declared: the pupil, or who administers.
pub(super) async fn declare(
    caller: &Caller,
    analytics: &Analytics,
    pupil: PersonKey,
) -> Result<(), Problem> {
    if caller.as_person().is_none() {
        return caller.require(Action::Administer);
    }
    let is_hers = persons(caller, analytics).await?.contains(&pupil);
    is_hers.then_some(()).ok_or_else(problems::unknown_pupil)
}

/// Whether the caller may do this with the pupil's evaluations: a teacher, or who has the scope and, of a school, in that
/// school. The person who acts, if one is known to.
pub(super) async fn evaluate(
    caller: &Caller,
    analytics: &Analytics,
    pupil: PersonKey,
    action: Action,
) -> Result<Option<PersonKey>, Problem> {
    if caller.as_person().is_none() {
        caller.require(action)?;
        within_school(caller, analytics, pupil).await?;
        return Ok(persons(caller, analytics).await?.first().copied());
    }
    let persons = persons(caller, analytics).await?;
    teacher(analytics, &persons, pupil).await.map(Some)
}

/// Whose the accounts of the person who acts are, in their order. Of an account that nobody has announced and nobody
/// has answered from, it is the person that it would be.
async fn persons(caller: &Caller, analytics: &Analytics) -> Result<Vec<PersonKey>, StoreError> {
    let secret = analytics.secret().as_bytes();
    let accounts = caller.acting_accounts().iter();
    let accounts: Vec<AccountKey> = accounts
        .map(|account| AccountKey::derive(secret, account))
        .collect();
    if accounts.is_empty() {
        return Ok(Vec::new());
    }
    let client = store::client(analytics.pool()).await?;
    let owners = account_person::of_accounts(&client, &accounts).await?;
    let person = |account: &AccountKey| {
        let known = owners.get(account).copied();
        known.unwrap_or_else(|| PersonKey::from(*account))
    };
    Ok(accounts.iter().map(person).collect())
}

/// Which of these persons teaches a class that the pupil is in; 404 where none does.
async fn teacher(
    analytics: &Analytics,
    persons: &[PersonKey],
    pupil: PersonKey,
) -> Result<PersonKey, Problem> {
    let client = store::client(analytics.pool()).await?;
    let teacher = classes::teacher_of(&client, persons, pupil).await?;
    teacher.ok_or_else(problems::unknown_pupil)
}

//! One batch: rows of the feed, the persons they concern, the new position, in one transaction.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use mastery::Model;
use schemas::ids::{AccountKey, PersonKey};
use service::pg::Pool;

use super::inputs::Inputs;
use super::person::{Answer, PersonFold};
use super::usage::Usage;
use crate::model::Models;
use crate::store::versions::{Sums, Version};
use crate::store::{
    self, StoreError, Transaction, account_person, feed, inputs, item_usage, left_out, pupils,
    refolds, versions,
};

/// Persons whose answers are read from the feed at a time: bounds the memory of a large refold.
const REFOLD_PERSONS: usize = 256;

/// What a batch did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Folded {
    /// Rows of the feed that were read.
    pub rows: usize,
    /// Persons who were folded again from their first answer.
    pub refolded: usize,
    /// The position that was reached.
    pub position: i64,
    /// Whether there is more to do at once.
    pub more: bool,
}

/// Folds the next batch into the version that is served; none before the first version.
pub async fn fold_current(
    pool: &Pool,
    models: &Models,
    most: i64,
) -> Result<Option<Folded>, StoreError> {
    let mut client = store::client(pool).await?;
    let transaction = store::begin(&mut client).await?;
    let Some(current) = versions::lock_current(&transaction).await? else {
        return Ok(None);
    };
    let Some(version) = versions::lock(&transaction, current.version).await? else {
        return Ok(None);
    };
    let model = models.get(&transaction, &version.model).await?;
    let folded = fold(&transaction, &version, &model, most).await?;
    if folded.position > current.left_out_position {
        left_out::advance(&transaction, current.left_out_position, folded.position).await?;
    }
    store::commit(transaction).await?;
    Ok(Some(folded))
}

/// Folds the next batch into a version that is being built; none when the version is gone.
pub async fn fold_building(
    pool: &Pool,
    models: &Models,
    version: i64,
    most: i64,
) -> Result<Option<Folded>, StoreError> {
    let mut client = store::client(pool).await?;
    let transaction = store::begin(&mut client).await?;
    // So that an import does not open an account at the same moment as we do.
    versions::lock_current(&transaction).await?;
    let Some(version) = versions::lock(&transaction, version).await? else {
        return Ok(None);
    };
    let model = models.get(&transaction, &version.model).await?;
    let folded = fold(&transaction, &version, &model, most).await?;
    store::commit(transaction).await?;
    Ok(Some(folded))
}

/// Folds what is left into a version and serves it from then on, in one transaction. It is short
/// when [`fold_building`] has just said that there is no more. False when the version is gone.
pub async fn switch(
    pool: &Pool,
    models: &Models,
    version: i64,
    most: i64,
) -> Result<bool, StoreError> {
    let mut client = store::client(pool).await?;
    let transaction = store::begin(&mut client).await?;
    // Nobody folds, imports or switches until the end.
    let Some(current) = versions::lock_current(&transaction).await? else {
        return Ok(false);
    };
    loop {
        let Some(version) = versions::lock(&transaction, version).await? else {
            return Ok(false);
        };
        let model = models.get(&transaction, &version.model).await?;
        let folded = fold(&transaction, &version, &model, most).await?;
        if folded.more {
            continue;
        }
        // The horizon never goes back: nobody has counted further than we have read.
        if folded.position > current.left_out_position {
            left_out::advance(&transaction, current.left_out_position, folded.position).await?;
        }
        versions::switch(&transaction, version.version).await?;
        store::commit(transaction).await?;
        return Ok(true);
    }
}

/// Reads, folds and writes; the version is locked.
async fn fold(
    transaction: &Transaction<'_>,
    version: &Version,
    model: &Model,
    most: i64,
) -> Result<Folded, StoreError> {
    // Two statements, so that the rows are read with a snapshot taken after the horizon.
    let horizon = feed::horizon(transaction).await?;
    let (rows, position) = feed::rows(transaction, version.position, horizon, most).await?;
    let marks = refolds::read(transaction, version.version).await?;
    let mut folded = Folded {
        rows: rows.len(),
        position,
        more: i64::try_from(rows.len()).unwrap_or(i64::MAX) >= most || !marks.is_empty(),
        refolded: 0,
    };
    let work = Work::of(transaction, rows, position, &marks).await?;
    let mut changes = Changes::default();
    folded.refolded = work
        .fold(transaction, version.version, position, model, &mut changes)
        .await?;
    changes.write(transaction, version.version).await?;
    if position != version.position || changes.sums != Sums::default() {
        versions::advance(transaction, version.version, position, changes.sums).await?;
    }
    let marks: Vec<i64> = marks.into_iter().map(|(mark, _)| mark).collect();
    refolds::delete(transaction, &marks).await?;
    Ok(folded)
}

/// Whom a batch concerns.
#[derive(Debug, Default)]
struct Work {
    /// New answers by person.
    new: BTreeMap<PersonKey, Vec<Answer>>,
    /// Persons to be folded again whatever their new answers.
    again: BTreeSet<PersonKey>,
}

impl Work {
    async fn of(
        transaction: &Transaction<'_>,
        rows: Vec<feed::FeedRow>,
        position: i64,
        marks: &[(i64, PersonKey)],
    ) -> Result<Self, StoreError> {
        let (mut answers, mut voided) = (Vec::new(), BTreeSet::new());
        for row in rows {
            let valid = row.is_valid_at(position);
            match row.kind {
                feed::Kind::Answer(account, answer) if valid => answers.push((account, answer)),
                feed::Kind::Voiding(Some(account)) => {
                    voided.insert(account);
                }
                _ => {}
            }
        }
        let accounts: BTreeSet<AccountKey> = answers.iter().map(|(account, _)| *account).collect();
        let all: Vec<AccountKey> = accounts.union(&voided).copied().collect();
        let mut owners = account_person::of_accounts(transaction, &all).await?;
        let unknown: Vec<AccountKey> = accounts
            .into_iter()
            .filter(|account| !owners.contains_key(account))
            .collect();
        if !unknown.is_empty() {
            account_person::open(transaction, &unknown).await?;
            // Read again: a roster may have announced one of them at the same moment.
            owners.extend(account_person::of_accounts(transaction, &unknown).await?);
        }
        let mut work = Self::default();
        work.again.extend(marks.iter().map(|(_, person)| *person));
        // A voiding of what was never an answer of anybody known changes nothing.
        work.again
            .extend(voided.iter().filter_map(|account| owners.get(account)));
        for (account, answer) in answers {
            let person = owners.get(&account).copied().unwrap_or(account.into());
            work.new.entry(person).or_default().push(answer);
        }
        Ok(work)
    }

    /// Appends where all new keys are later than the last one, folds again elsewhere. Gives how
    /// many persons were folded again.
    async fn fold(
        self,
        transaction: &Transaction<'_>,
        version: i64,
        position: i64,
        model: &Model,
        changes: &mut Changes,
    ) -> Result<usize, StoreError> {
        let persons: BTreeSet<PersonKey> = self.new.keys().chain(&self.again).copied().collect();
        let persons: Vec<PersonKey> = persons.into_iter().collect();
        let mut known = pupils::read(transaction, version, &persons).await?;
        let mut again = self.again;
        for (person, mut answers) in self.new {
            answers.sort_unstable_by(|a, b| a.key.cmp(&b.key));
            let old = known.get(&person);
            let late = old.is_some_and(|old| old.last.as_ref() >= answers.first().map(|a| &a.key));
            if late || again.contains(&person) {
                again.insert(person);
            } else {
                changes.append(model, person, known.remove(&person), &answers);
            }
        }
        let again: Vec<PersonKey> = again.into_iter().collect();
        for persons in again.chunks(REFOLD_PERSONS) {
            let mut answers = answers_of(transaction, persons, position).await?;
            let mut inputs = inputs::of_persons(transaction, persons).await?;
            for person in persons {
                let answers = answers.remove(person).unwrap_or_default();
                let inputs = inputs.remove(person).unwrap_or_default();
                changes.replace(model, *person, known.remove(person), inputs, answers);
            }
        }
        Ok(again.len())
    }
}

/// Every answer of some persons that is valid at a position.
pub async fn answers_of(
    client: &Transaction<'_>,
    persons: &[PersonKey],
    position: i64,
) -> Result<HashMap<PersonKey, Vec<Answer>>, StoreError> {
    let owners = account_person::of_persons(client, persons).await?;
    let accounts: Vec<AccountKey> = owners.keys().copied().collect();
    let mut answers: HashMap<PersonKey, Vec<Answer>> = HashMap::new();
    for (account, answer) in feed::answers_of(client, &accounts, position).await? {
        if let Some(person) = owners.get(&account) {
            answers.entry(*person).or_default().push(answer);
        }
    }
    Ok(answers)
}

/// What a batch writes.
#[derive(Debug, Default)]
struct Changes {
    folds: BTreeMap<PersonKey, PersonFold>,
    gone: Vec<PersonKey>,
    states_gone: Vec<(PersonKey, String)>,
    usage: Usage,
    sums: Sums,
}

impl Changes {
    fn append(
        &mut self,
        model: &Model,
        person: PersonKey,
        old: Option<PersonFold>,
        answers: &[Answer],
    ) {
        let mut fold = old.unwrap_or_default();
        self.sums.pupils += i64::from(fold.answers == 0);
        for answer in answers {
            fold.push(model, answer);
            self.usage.add(model, answer);
            self.sums.answers += 1;
            self.sums.correct += i64::from(answer.correct);
        }
        self.folds.insert(person, fold);
    }

    fn replace(
        &mut self,
        model: &Model,
        person: PersonKey,
        old: Option<PersonFold>,
        inputs: Inputs,
        answers: Vec<Answer>,
    ) {
        for answer in &answers {
            self.usage.add(model, answer);
        }
        let new = PersonFold::of(model, inputs, answers);
        let old = old.unwrap_or_default();
        self.usage.take_away(&old);
        self.sums.answers += new.answers - old.answers;
        self.sums.correct += new.correct - old.correct;
        self.sums.pupils += i64::from(new.answers > 0) - i64::from(old.answers > 0);
        for subject in old.states.into_keys() {
            if !new.states.contains_key(&subject) {
                self.states_gone.push((person, subject));
            }
        }
        // A profile alone gives states, but nothing to be later than.
        if new.last.is_none() && old.last.is_some() {
            self.gone.push(person);
        }
        self.folds.insert(person, new);
    }

    async fn write(&self, transaction: &Transaction<'_>, version: i64) -> Result<(), StoreError> {
        let mut columns = pupils::Columns::default();
        for (person, fold) in &self.folds {
            columns.push(*person, fold);
        }
        pupils::write(transaction, version, &columns).await?;
        pupils::delete_states(transaction, version, &self.states_gone).await?;
        pupils::delete(transaction, version, &self.gone).await?;
        item_usage::add(transaction, version, &self.usage).await
    }
}

//! Integers in place of long keys: `lrs.actors`, `lrs.verbs`, `lrs.activities`, `lrs.authorities`.
//!
//! Entries are written in transactions of their own before the statements that need them
//! (`migrations/0001_statements.sql` says why), and never change: what was once read may be
//! remembered for ever.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

use service::pg::Pool;
use tokio_postgres::Client;
use uuid::Uuid;

use super::{StoreError, settle};

/// How many entries of a dictionary are remembered, in each of two generations: 40 bytes each, so
/// that all four dictionaries stay below 25 MB.
const REMEMBERED: usize = 75_000;

/// A dictionary: 128-bit key and text → integer.
#[derive(Debug)]
pub struct Dictionary {
    find: &'static str,
    insert: &'static str,
    known: Mutex<Known>,
}

/// What is remembered, oldest generation dropped when the newer one is full.
#[derive(Debug, Default)]
struct Known {
    newer: HashMap<Uuid, i32>,
    older: HashMap<Uuid, i32>,
}

impl Known {
    fn get(&mut self, key: &Uuid) -> Option<i32> {
        if let Some(id) = self.newer.get(key) {
            return Some(*id);
        }
        let id = *self.older.get(key)?;
        self.put(*key, id);
        Some(id)
    }

    fn put(&mut self, key: Uuid, id: i32) {
        if self.newer.len() >= REMEMBERED {
            self.older = std::mem::take(&mut self.newer);
        }
        self.newer.insert(key, id);
    }
}

/// The four dictionaries.
#[derive(Debug)]
pub struct Dictionaries {
    /// Account key, identifier as JSON.
    pub actors: Dictionary,
    /// Hash, IRI.
    pub verbs: Dictionary,
    /// Hash, IRI.
    pub activities: Dictionary,
    /// Hash, Agent as JSON.
    pub authorities: Dictionary,
}

impl Default for Dictionaries {
    fn default() -> Self {
        Self {
            actors: Dictionary::new(
                include_str!("sql/actors_find.sql"),
                include_str!("sql/actors_insert.sql"),
            ),
            verbs: Dictionary::new(
                include_str!("sql/verbs_find.sql"),
                include_str!("sql/verbs_insert.sql"),
            ),
            activities: Dictionary::new(
                include_str!("sql/activities_find.sql"),
                include_str!("sql/activities_insert.sql"),
            ),
            authorities: Dictionary::new(
                include_str!("sql/authorities_find.sql"),
                include_str!("sql/authorities_insert.sql"),
            ),
        }
    }
}

impl Dictionary {
    fn new(find: &'static str, insert: &'static str) -> Self {
        Self {
            find,
            insert,
            known: Mutex::default(),
        }
    }

    /// The integer of each key; what is new is entered. Usually no round trip at all.
    pub async fn enter(
        &self,
        pool: &Pool,
        wanted: &BTreeMap<Uuid, &str>,
    ) -> Result<HashMap<Uuid, i32>, StoreError> {
        let mut ids = self.remembered(wanted.keys());
        if ids.len() < wanted.len() {
            let missing: Vec<(Uuid, &str)> = wanted
                .iter()
                .filter(|(key, _)| !ids.contains_key(key))
                .map(|(key, text)| (*key, *text))
                .collect();
            let connection = pool.get().await?;
            let result = self.find_or_insert(&connection, &missing).await;
            let found = settle(connection, result)?;
            self.remember(&found);
            ids.extend(found);
        }
        if ids.len() == wanted.len() {
            Ok(ids)
        } else {
            Err(StoreError::Vanished)
        }
    }

    /// The integer of a key, if any statement ever used it.
    pub async fn find(&self, pool: &Pool, key: Uuid) -> Result<Option<i32>, StoreError> {
        if let Some(id) = self.remembered([&key]).get(&key) {
            return Ok(Some(*id));
        }
        let connection = pool.get().await?;
        let result = rows(&connection, self.find, &[&vec![key]]).await;
        let found = settle(connection, result)?;
        self.remember(&found);
        Ok(found.first().map(|(_, id)| *id))
    }

    /// The integers of those keys that any statement ever used.
    pub async fn find_all(
        &self,
        pool: &Pool,
        keys: &[Uuid],
    ) -> Result<HashMap<Uuid, i32>, StoreError> {
        let mut ids = self.remembered(keys);
        let missing: Vec<Uuid> = keys
            .iter()
            .filter(|key| !ids.contains_key(key))
            .copied()
            .collect();
        if !missing.is_empty() {
            let connection = pool.get().await?;
            let result = rows(&connection, self.find, &[&missing]).await;
            let found = settle(connection, result)?;
            self.remember(&found);
            ids.extend(found);
        }
        Ok(ids)
    }

    /// Found, else inserted, else found again: another copy may have been first.
    async fn find_or_insert(
        &self,
        client: &deadpool_postgres::Client,
        wanted: &[(Uuid, &str)],
    ) -> Result<Vec<(Uuid, i32)>, tokio_postgres::Error> {
        let keys: Vec<Uuid> = wanted.iter().map(|(key, _)| *key).collect();
        let mut found: HashMap<Uuid, i32> = rows(client, self.find, &[&keys])
            .await?
            .into_iter()
            .collect();
        let new: Vec<(Uuid, &str)> = wanted
            .iter()
            .filter(|(key, _)| !found.contains_key(key))
            .copied()
            .collect();
        if !new.is_empty() {
            let (keys, texts): (Vec<Uuid>, Vec<&str>) = new.into_iter().unzip();
            found.extend(rows(client, self.insert, &[&keys, &texts]).await?);
            let raced: Vec<Uuid> = keys
                .into_iter()
                .filter(|key| !found.contains_key(key))
                .collect();
            if !raced.is_empty() {
                found.extend(rows(client, self.find, &[&raced]).await?);
            }
        }
        Ok(found.into_iter().collect())
    }

    fn remembered<'a>(&self, keys: impl IntoIterator<Item = &'a Uuid>) -> HashMap<Uuid, i32> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        keys.into_iter()
            .filter_map(|key| Some((*key, known.get(key)?)))
            .collect()
    }

    fn remember(&self, found: &[(Uuid, i32)]) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        for (key, id) in found {
            known.put(*key, *id);
        }
    }
}

async fn rows(
    client: &deadpool_postgres::Client,
    sql: &str,
    parameters: &[&(dyn tokio_postgres::types::ToSql + Sync)],
) -> Result<Vec<(Uuid, i32)>, tokio_postgres::Error> {
    let statement = client.prepare_cached(sql).await?;
    let client: &Client = client;
    let rows = client.query(&statement, parameters).await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_outlives_what_is_not() {
        let mut known = Known::default();
        let key = |n: usize| Uuid::from_u128(n as u128);
        known.put(key(0), 7);
        for n in 1..REMEMBERED {
            known.put(key(n), 1);
        }
        known.put(key(REMEMBERED), 1);
        assert_eq!(
            known.get(&key(0)),
            Some(7),
            "read from the older generation, moved to the newer"
        );
        for n in REMEMBERED + 1..=REMEMBERED * 2 - 1 {
            known.put(key(n), 1);
        }
        assert_eq!(known.get(&key(0)), Some(7));
        assert_eq!(known.get(&key(1)), None, "not used since: forgotten");
        assert!(known.newer.len() + known.older.len() <= 2 * REMEMBERED);
    }
}

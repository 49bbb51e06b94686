//! `lrs.definitions`: what the LRS says of activities, merged from what was said in statements.
//!
//! It is written in transactions of its own, after that of the statements that bring something new and
//! before they are answered, rows in sorted order; a process remembers what it has merged, so that a
//! class that sends the same definition costs one write.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use service::pg::Pool;
use tokio_postgres::{Error, Row};
use uuid::Uuid;

use super::dictionaries::Dictionary;
use super::{StoreError, settle};
use crate::statement::definition::{self, Definition};

/// How many definitions are remembered, in each of two generations: 60 bytes each, below 10 MB.
const REMEMBERED: usize = 75_000;

/// For how long a definition that was merged is no news. Where two clients define an activity
/// differently, each of the two is merged once in this time, not once a statement; a definition that
/// is taken back to what it was counts after this time at the latest.
const KNOWN_FOR: Duration = Duration::from_mins(10);

/// What this process has merged.
#[derive(Debug, Default)]
pub struct Definitions {
    known: Mutex<Known>,
}

/// The oldest generation is dropped when the newer one is full. Keys: activity, definition.
#[derive(Debug, Default)]
struct Known {
    newer: HashMap<(Uuid, Uuid), Instant>,
    older: HashMap<(Uuid, Uuid), Instant>,
}

impl Known {
    fn holds(&self, key: (Uuid, Uuid), now: Instant) -> bool {
        let since = self.newer.get(&key).or_else(|| self.older.get(&key));
        since.is_some_and(|since| now.duration_since(*since) < KNOWN_FOR)
    }

    fn put(&mut self, key: (Uuid, Uuid), now: Instant) {
        if self.newer.len() >= REMEMBERED {
            self.older = std::mem::take(&mut self.newer);
        }
        self.newer.insert(key, now);
    }
}

impl Definitions {
    /// Merges what is news, in the order in which it came. Usually no round trip at all.
    pub async fn enter<'a>(
        &self,
        pool: &Pool,
        activities: &Dictionary,
        sent: impl Iterator<Item = &'a Definition>,
    ) -> Result<(), StoreError> {
        let news = self.news(sent);
        if news.is_empty() {
            return Ok(());
        }
        let wanted: BTreeMap<Uuid, &str> = news
            .iter()
            .map(|one| (one.activity.hash, one.activity.text.as_str()))
            .collect();
        let ids = activities.enter(pool, &wanted).await?;
        let mut by_activity: BTreeMap<i32, Vec<&Definition>> = BTreeMap::new();
        for one in &news {
            let id = ids.get(&one.activity.hash).ok_or(StoreError::Vanished)?;
            by_activity.entry(*id).or_default().push(one);
        }
        merge(pool, by_activity).await?;
        self.remember(&news);
        Ok(())
    }

    fn news<'a>(&self, sent: impl Iterator<Item = &'a Definition>) -> Vec<&'a Definition> {
        let now = Instant::now();
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let mut news: Vec<&Definition> = Vec::new();
        let mut taken = std::collections::HashSet::new();
        for one in sent {
            let key = (one.activity.hash, one.hash);
            if !known.holds(key, now) && taken.insert(key) {
                news.push(one);
            }
        }
        news
    }

    fn remember(&self, merged: &[&Definition]) {
        let now = Instant::now();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        for one in merged {
            known.put((one.activity.hash, one.hash), now);
        }
    }
}

/// The canonical definitions of activities, as JSON; those without one are left out.
pub async fn find(pool: &Pool, activities: &[i32]) -> Result<HashMap<i32, String>, StoreError> {
    if activities.is_empty() {
        return Ok(HashMap::new());
    }
    let connection = pool.get().await?;
    let result = async {
        let statement = connection
            .prepare_cached(include_str!("sql/definitions_find.sql"))
            .await?;
        connection.query(&statement, &[&activities]).await
    }
    .await;
    settle(connection, result).map(|rows| texts(&rows))
}

fn texts(rows: &[Row]) -> HashMap<i32, String> {
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

/// Merges, and writes where that changes something: what is there is looked at first, without a
/// lock, since mostly it says the same already.
async fn merge(pool: &Pool, mut news: BTreeMap<i32, Vec<&Definition>>) -> Result<(), StoreError> {
    let ids: Vec<i32> = news.keys().copied().collect();
    let there = find(pool, &ids).await?;
    news.retain(|id, newer| merged(there.get(id), newer).is_some());
    if news.is_empty() {
        return Ok(());
    }
    let mut connection = pool.get().await?;
    let result = async {
        let transaction = connection.transaction().await?;
        write(&transaction, &news).await?;
        transaction.commit().await
    }
    .await;
    settle(connection, result)
}

/// A definition with newer ones merged in; none if nothing changes.
fn merged(there: Option<&String>, newer: &[&Definition]) -> Option<String> {
    let start = there.map_or("{}", String::as_str);
    newer.iter().fold(None, |merged: Option<String>, one| {
        let again = definition::merge(merged.as_deref().unwrap_or(start), &one.json);
        again.or(merged)
    })
}

/// Rows are made, then held, then written, each time in sorted order: two transactions that share
/// rows never wait for each other in a circle.
async fn write(
    transaction: &deadpool_postgres::Transaction<'_>,
    news: &BTreeMap<i32, Vec<&Definition>>,
) -> Result<(), Error> {
    let ids: Vec<i32> = news.keys().copied().collect();
    let make = transaction
        .prepare_cached(include_str!("sql/definitions_make.sql"))
        .await?;
    transaction.execute(&make, &[&ids]).await?;
    let lock = transaction
        .prepare_cached(include_str!("sql/definitions_lock.sql"))
        .await?;
    let there = texts(&transaction.query(&lock, &[&ids]).await?);
    let changed: Vec<(i32, String)> = news
        .iter()
        .filter_map(|(id, newer)| Some((*id, merged(there.get(id), newer)?)))
        .collect();
    let (ids, texts): (Vec<i32>, Vec<String>) = changed.into_iter().unzip();
    let update = transaction
        .prepare_cached(include_str!("sql/definitions_update.sql"))
        .await?;
    transaction.execute(&update, &[&ids, &texts]).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statement::keys::{self, Iri};

    fn definition(activity: &str, json: &str) -> Definition {
        Definition {
            activity: Iri::new(activity),
            hash: keys::hash(json),
            json: json.to_owned(),
        }
    }

    #[test]
    fn what_was_merged_is_no_news_and_each_comes_once() {
        let definitions = Definitions::default();
        let (one, two) = (definition("x:1", "{}"), definition("x:2", "{}"));
        let changed = definition("x:1", r#"{"type":"x:t"}"#);
        let sent = [&one, &two, &one, &changed];
        assert_eq!(definitions.news(sent.into_iter()), [&one, &two, &changed]);
        definitions.remember(&[&one, &changed]);
        assert_eq!(definitions.news(sent.into_iter()), [&two]);
    }

    #[test]
    fn after_a_while_it_is_news_again() {
        let mut known = Known::default();
        let key = (Uuid::nil(), Uuid::nil());
        let now = Instant::now();
        known.put(key, now);
        assert!(known.holds(key, now + KNOWN_FOR / 2));
        assert!(!known.holds(key, now + KNOWN_FOR));
    }

    #[test]
    fn several_of_one_activity_are_merged_in_their_order() {
        let news = [
            definition("x:1", r#"{"type":"x:a","name":{"fr":"a"}}"#),
            definition("x:1", r#"{"type":"x:b"}"#),
            definition("x:1", r#"{"type":"x:b"}"#),
        ];
        let news: Vec<&Definition> = news.iter().collect();
        let there = r#"{"name":{"en":"e"}}"#.to_owned();
        assert_eq!(
            merged(Some(&there), &news).as_deref(),
            Some(r#"{"name":{"en":"e","fr":"a"},"type":"x:b"}"#)
        );
        assert_eq!(merged(None, &[]), None);
    }
}

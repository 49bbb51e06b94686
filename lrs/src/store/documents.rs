//! `lrs.documents`: what clients keep here.

use chrono::{DateTime, Utc};
use schemas::ids::Registration;
use service::pg::Pool;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Error, Row};
use uuid::Uuid;

use super::dictionaries::Dictionaries;
use super::{StoreError, settle};
use crate::documents::decide::{self, Document, Existing, Outcome, Refused, Write};
use crate::documents::{Address, Digest, Kind, Place};
use crate::statement::keys;

/// How often a write goes again when another one made or deleted the document in between. Each time
/// another one made progress.
const TRIES: u32 = 10;

/// A document as it is read.
#[derive(Debug)]
pub struct StoredDocument {
    /// Its type and its bytes.
    pub document: Document,
    /// Of its content.
    pub digest: Digest,
    /// When it was last written.
    pub updated: DateTime<Utc>,
}

/// The names of the documents of a place, in order, and when the last of them was written.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// Each once.
    pub names: Vec<String>,
    /// None when there are none.
    pub updated: Option<DateTime<Utc>>,
}

/// Long keys as integers; 0 where there is none.
struct Keys {
    kind: i16,
    activity: i32,
    agent: i32,
    registration: Option<Uuid>,
}

impl Keys {
    fn new(place: &Place, activity: Option<i32>, agent: Option<i32>) -> Self {
        let kind = match place.kind {
            Kind::State => 1,
            Kind::ActivityProfile => 2,
            Kind::AgentProfile => 3,
        };
        Self {
            kind,
            activity: activity.unwrap_or(0),
            agent: agent.unwrap_or(0),
            registration: place.registration.as_ref().map(Registration::as_uuid),
        }
    }

    /// None when a key was never used: nothing is there.
    async fn find(
        pool: &Pool,
        dictionaries: &Dictionaries,
        place: &Place,
    ) -> Result<Option<Self>, StoreError> {
        let (mut activity, mut agent) = (None, None);
        if let Some(iri) = &place.activity {
            activity = dictionaries.activities.find(pool, iri.hash).await?;
            if activity.is_none() {
                return Ok(None);
            }
        }
        if let Some(named) = &place.agent {
            agent = dictionaries
                .actors
                .find(pool, named.account.as_uuid())
                .await?;
            if agent.is_none() {
                return Ok(None);
            }
        }
        Ok(Some(Self::new(place, activity, agent)))
    }

    /// Keys that are new are entered.
    async fn enter(
        pool: &Pool,
        dictionaries: &Dictionaries,
        place: &Place,
    ) -> Result<Self, StoreError> {
        let (mut activity, mut agent) = (None, None);
        if let Some(iri) = &place.activity {
            let wanted = [(iri.hash, iri.text.as_str())].into();
            let ids = dictionaries.activities.enter(pool, &wanted).await?;
            activity = ids.get(&iri.hash).copied();
        }
        if let Some(named) = &place.agent {
            let account = named.account.as_uuid();
            let wanted = [(account, named.ifi.as_str())].into();
            let ids = dictionaries.actors.enter(pool, &wanted).await?;
            agent = ids.get(&account).copied();
        }
        Ok(Self::new(place, activity, agent))
    }
}

/// One document.
pub async fn find(
    pool: &Pool,
    dictionaries: &Dictionaries,
    address: &Address,
) -> Result<Option<StoredDocument>, StoreError> {
    let Some(keys) = Keys::find(pool, dictionaries, &address.place).await? else {
        return Ok(None);
    };
    let name = keys::hash(&address.id);
    let connection = pool.get().await?;
    let result = async {
        let statement = connection
            .prepare_cached(include_str!("sql/documents_find.sql"))
            .await?;
        let parameters: [&(dyn ToSql + Sync); 5] = [
            &keys.kind,
            &keys.activity,
            &keys.agent,
            &name,
            &keys.registration,
        ];
        connection.query_opt(&statement, &parameters).await
    }
    .await;
    let row = settle(connection, result)?;
    Ok(row.map(|row| stored(&row)))
}

/// The names of the documents of a place that changed after an instant, or of all.
pub async fn names(
    pool: &Pool,
    dictionaries: &Dictionaries,
    place: &Place,
    since: Option<DateTime<Utc>>,
) -> Result<Names, StoreError> {
    let Some(keys) = Keys::find(pool, dictionaries, place).await? else {
        return Ok(Names::default());
    };
    let connection = pool.get().await?;
    let result = async {
        let statement = connection
            .prepare_cached(include_str!("sql/documents_names.sql"))
            .await?;
        let parameters: [&(dyn ToSql + Sync); 5] = [
            &keys.kind,
            &keys.activity,
            &keys.agent,
            &keys.registration,
            &since,
        ];
        connection.query(&statement, &parameters).await
    }
    .await;
    let rows = settle(connection, result)?;
    Ok(Names {
        names: rows.iter().map(|row| row.get("name")).collect(),
        updated: rows.iter().map(|row| row.get("updated")).max(),
    })
}

/// Deletes the documents of a place; without a registration, those of every registration.
pub async fn delete_many(
    pool: &Pool,
    dictionaries: &Dictionaries,
    place: &Place,
) -> Result<(), StoreError> {
    let Some(keys) = Keys::find(pool, dictionaries, place).await? else {
        return Ok(());
    };
    let connection = pool.get().await?;
    let result = async {
        let statement = connection
            .prepare_cached(include_str!("sql/documents_delete_many.sql"))
            .await?;
        let parameters: [&(dyn ToSql + Sync); 4] =
            [&keys.kind, &keys.activity, &keys.agent, &keys.registration];
        connection.execute(&statement, &parameters).await
    }
    .await;
    settle(connection, result).map(|_| ())
}

/// Changes one document: it is held while [`decide::decide`] decides of it, and written in the same
/// transaction. Of two who make a new one the second sees what the first made.
pub async fn write(
    pool: &Pool,
    dictionaries: &Dictionaries,
    address: &Address,
    write: &Write,
) -> Result<Result<(), Refused>, StoreError> {
    let keys = Keys::enter(pool, dictionaries, &address.place).await?;
    for _ in 0..TRIES {
        if let Some(verdict) = try_write(pool, &keys, &address.id, write).await? {
            return Ok(verdict);
        }
    }
    Err(StoreError::Contended)
}

/// None when another one made the document while this one was about to.
async fn try_write(
    pool: &Pool,
    keys: &Keys,
    name: &str,
    write: &Write,
) -> Result<Option<Result<(), Refused>>, StoreError> {
    let mut connection = pool.get().await?;
    let result = async {
        // Dropped before its commit, a transaction is rolled back: by an error, and by a client that
        // goes away.
        let transaction = connection.transaction().await?;
        let held = lock(&transaction, keys, name, write.reads_content()).await?;
        let verdict = match decide::decide(write, held.as_ref().map(Held::existing).as_ref()) {
            Err(refused) => Some(Err(refused)),
            Ok(outcome) => apply(&transaction, keys, name, held.as_ref(), &outcome)
                .await?
                .then_some(Ok(())),
        };
        transaction.commit().await?;
        Ok(verdict)
    }
    .await;
    settle(connection, result)
}

/// The document that is there, held.
struct Held {
    row: Row,
    digest: Digest,
}

impl Held {
    fn existing(&self) -> Existing<'_> {
        Existing {
            digest: self.digest,
            content_type: self.row.get("content_type"),
            content: self.row.get("content"),
        }
    }
}

async fn lock(
    transaction: &deadpool_postgres::Transaction<'_>,
    keys: &Keys,
    name: &str,
    with_content: bool,
) -> Result<Option<Held>, Error> {
    let statement = transaction
        .prepare_cached(include_str!("sql/documents_lock.sql"))
        .await?;
    let hash = keys::hash(name);
    let parameters: [&(dyn ToSql + Sync); 6] = [
        &keys.kind,
        &keys.activity,
        &keys.agent,
        &hash,
        &keys.registration,
        &with_content,
    ];
    let row = transaction.query_opt(&statement, &parameters).await?;
    Ok(row.map(|row| Held {
        digest: digest(&row),
        row,
    }))
}

/// Whether it was done; not when another one made the document first.
async fn apply(
    transaction: &deadpool_postgres::Transaction<'_>,
    keys: &Keys,
    name: &str,
    held: Option<&Held>,
    outcome: &Outcome,
) -> Result<bool, Error> {
    let id: Option<i64> = held.map(|held| held.row.get("id"));
    match (outcome, id) {
        (Outcome::Store(document), None) => insert(transaction, keys, name, document).await,
        (Outcome::Store(document), Some(id)) => {
            let statement = transaction
                .prepare_cached(include_str!("sql/documents_update.sql"))
                .await?;
            let digest = Digest::of(&document.content);
            let parameters: [&(dyn ToSql + Sync); 4] = [
                &id,
                &document.content_type,
                &digest.as_bytes(),
                &&*document.content,
            ];
            transaction.execute(&statement, &parameters).await?;
            Ok(true)
        }
        (Outcome::Remove, Some(id)) => {
            let statement = transaction
                .prepare_cached(include_str!("sql/documents_delete.sql"))
                .await?;
            transaction.execute(&statement, &[&id]).await?;
            Ok(true)
        }
        (Outcome::Remove, None) => Ok(true),
    }
}

async fn insert(
    transaction: &deadpool_postgres::Transaction<'_>,
    keys: &Keys,
    name: &str,
    document: &Document,
) -> Result<bool, Error> {
    let statement = transaction
        .prepare_cached(include_str!("sql/documents_insert.sql"))
        .await?;
    let hash = keys::hash(name);
    let digest = Digest::of(&document.content);
    let parameters: [&(dyn ToSql + Sync); 9] = [
        &keys.kind,
        &keys.activity,
        &keys.agent,
        &hash,
        &keys.registration,
        &name,
        &document.content_type,
        &digest.as_bytes(),
        &&*document.content,
    ];
    let row = transaction.query_opt(&statement, &parameters).await?;
    Ok(row.is_some())
}

fn stored(row: &Row) -> StoredDocument {
    let content: Vec<u8> = row.get("content");
    StoredDocument {
        digest: digest(row),
        document: Document {
            content_type: row.get("content_type"),
            content: content.into(),
        },
        updated: row.get("updated"),
    }
}

fn digest(row: &Row) -> Digest {
    Digest::from_bytes(row.get("sha1")).expect("the table holds nothing but 20 bytes")
}

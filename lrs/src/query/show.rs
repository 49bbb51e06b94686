//! Statements that were found, as JSON in the format that was asked for.

use std::collections::{BTreeSet, HashMap};

use schemas::xapi::XapiVersion;
use service::pg::Pool;
use uuid::Uuid;

use crate::statement::format::{self, Format, Languages};
use crate::statement::keys;
use crate::statement::payload::{self, Unreadable};
use crate::store::dictionaries::Dictionaries;
use crate::store::statements::StoredStatement;
use crate::store::{StoreError, definitions};

/// A statement that cannot be shown. But for the last, the database was changed by another hand.
#[derive(Debug, thiserror::Error)]
pub enum NotShown {
    /// Its payload is not what was written.
    #[error("a stored statement cannot be read")]
    Payload(#[from] Unreadable),
    /// What is stored is not the object that was once accepted.
    #[error("a stored statement is no statement")]
    Json(#[from] serde_json::Error),
    /// Definitions could not be looked up.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// For whom statements are shown.
#[derive(Clone, Debug)]
pub struct Reader {
    /// The version of the answer.
    pub version: XapiVersion,
    /// The languages that are understood, for the format `canonical`.
    pub languages: Languages,
}

/// Statements as they are given back exactly, in their order.
pub fn exact(
    statements: &[StoredStatement],
    version: XapiVersion,
) -> Result<Vec<String>, NotShown> {
    let one = |statement: &StoredStatement| {
        let sent = payload::decompress(&statement.payload)?;
        let kept = format::Kept {
            sent: &sent,
            id: statement.id,
            stored: statement.stored,
            authority: &statement.authority,
            version: statement.version,
        };
        Ok(format::exact(&kept, version)?)
    };
    statements.iter().map(one).collect()
}

/// The definitions that the LRS keeps of the Activities of statements, as JSON, by IRI.
pub async fn kept_definitions(
    pool: &Pool,
    dictionaries: &Dictionaries,
    exact: &[String],
) -> Result<HashMap<String, String>, NotShown> {
    let mut wanted = BTreeSet::new();
    for text in exact {
        wanted.extend(format::activities(text)?);
    }
    let keys: Vec<Uuid> = wanted.iter().map(|iri| keys::hash(iri)).collect();
    let ids = dictionaries.activities.find_all(pool, &keys).await?;
    let known: Vec<i32> = ids.values().copied().collect();
    let mut kept = definitions::find(pool, &known).await?;
    Ok(wanted
        .into_iter()
        .zip(keys)
        .filter_map(|(iri, key)| Some((iri, kept.remove(ids.get(&key)?)?)))
        .collect())
}

/// The same in another format. `definitions`: those that the LRS keeps, for `canonical`.
pub fn formatted(
    exact: Vec<String>,
    format: Format,
    definitions: &HashMap<String, String>,
    languages: &Languages,
) -> Result<Vec<String>, NotShown> {
    let one = |text: String| {
        Ok(match format {
            Format::Exact => text,
            Format::Ids => format::ids(&text)?,
            Format::Canonical => format::canonical(&text, definitions, languages)?,
        })
    };
    exact.into_iter().map(one).collect()
}

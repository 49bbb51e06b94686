//! Statements that were found, as JSON in the format that was asked for.

use std::collections::HashMap;

use schemas::xapi::XapiVersion;

use crate::statement::format::{self, Format, Languages};
use crate::statement::payload::{self, Unreadable};
use crate::store::statements::StoredStatement;

/// A statement that cannot be shown: the database was changed by another hand.
#[derive(Debug, thiserror::Error)]
pub enum NotShown {
    /// Its payload is not what was written.
    #[error("a stored statement cannot be read")]
    Payload(#[from] Unreadable),
    /// What is stored is not the object that was once accepted.
    #[error("a stored statement is no statement")]
    Json(#[from] serde_json::Error),
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

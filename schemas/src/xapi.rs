//! The contract of the Statement: JSON Schemas, the rules that they cannot say, and how a broken
//! rule is told.
//!
//! [`validate`] is the gate: a statement passes when the compiled schema accepts it and the walk
//! finds nothing. The walk repeats what the schema says, because it can tell a person which rule of
//! which section is broken and where; the two are held together by the flag
//! [`Rule::in_schema`] and a property test.

pub mod formats;
mod rules;
mod schema;
mod walk;

use std::fmt;
use std::str::FromStr;

use serde_json::Value;

pub use crate::fault::Fault;
pub use rules::{RULES, Rule};
pub use schema::published;

/// The versions of xAPI that are spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum XapiVersion {
    /// 1.0.3, and what a client of any 1.0.x sends.
    V1_0_3,
    /// 2.0.0 (IEEE 9274.1.1-2023).
    V2_0_0,
}

impl XapiVersion {
    /// Both, the older first.
    pub const ALL: [Self; 2] = [Self::V1_0_3, Self::V2_0_0];

    /// As it stands in the header `X-Experience-API-Version`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V1_0_3 => "1.0.3",
            Self::V2_0_0 => "2.0.0",
        }
    }
}

impl fmt::Display for XapiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A version of xAPI that Sillage does not speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a version of xAPI spoken here: 1.0, 1.0.x, 2.0 and 2.0.x are")]
pub struct UnknownVersion;

impl FromStr for XapiVersion {
    type Err = UnknownVersion;

    /// Reads the header: any `1.0` or `1.0.x` is served as 1.0.3 (1.0.3 Communication 3.3), any
    /// `2.0` or `2.0.x` as 2.0.0.
    fn from_str(text: &str) -> Result<Self, UnknownVersion> {
        if formats::is_version_of(text, "1.0") {
            Ok(Self::V1_0_3)
        } else if formats::is_version_of(text, "2.0") {
            Ok(Self::V2_0_0)
        } else {
            Err(UnknownVersion)
        }
    }
}

/// Every rule of the specification that a statement breaks; none when it is valid.
///
/// The statement is as a client sends it: `id`, `stored`, `timestamp`, `version` and `authority`
/// may be missing. On success nothing is allocated by the walk. Scores are compared by what the value
/// keeps of their digits; [`validate_sent`] compares them by all.
#[must_use]
pub fn validate(statement: &Value, version: XapiVersion) -> Vec<Fault> {
    check(statement, None, version)
}

/// As [`validate`], with the text that the statement was read from: numbers that 64-bit floats do not
/// tell apart are compared by their digits there.
#[must_use]
pub fn validate_sent(statement: &Value, sent: &str, version: XapiVersion) -> Vec<Fault> {
    check(statement, Some(sent), version)
}

fn check(statement: &Value, sent: Option<&str>, version: XapiVersion) -> Vec<Fault> {
    let faults = walk::statement(statement, sent, version);
    if faults.is_empty() {
        schema::check(schema::Part::Statement, statement, version)
    } else {
        faults
    }
}

/// Every rule that an Agent or Group breaks, such as the parameter `agent` of a query.
#[must_use]
pub fn validate_actor(actor: &Value, version: XapiVersion) -> Vec<Fault> {
    let faults = walk::actor(actor, version);
    if faults.is_empty() {
        schema::check(schema::Part::Actor, actor, version)
    } else {
        faults
    }
}

#[cfg(test)]
mod mutations;
#[cfg(test)]
mod tests;

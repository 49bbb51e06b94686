//! Who is who: the roster that a school's information system announces, in OneRoster 1.2 CSV.
//!
//! [`archive`] takes the zip apart, [`table`] a file of it, [`roster`] reads the records and checks
//! what they refer to, [`import`] writes them in one transaction. What is known of a pupil besides the
//! answers is taken in by [`declared`] and [`evaluations`].

pub mod archive;
pub mod declared;
pub mod evaluations;
pub mod import;
pub mod roster;
pub mod table;

use service::error::Broken;

use crate::store::StoreError;

/// Why what is known of a pupil besides the answers was not read or changed.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// Nobody has this key.
    #[error("no pupil has this key")]
    UnknownPupil,
    /// The id is another evaluation's.
    #[error("the id is another evaluation's")]
    Conflict,
    /// Nothing is served yet.
    #[error("no version of mastery is served yet")]
    NotReady,
    /// The database did not answer.
    #[error("the database did not answer")]
    Store(#[from] StoreError),
}

/// A rule that the roster breaks, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RosterFault {
    /// The file in the zip; empty for the zip itself.
    pub file: String,
    /// The line in the file, from 1; 0 for the whole file.
    pub line: u64,
    /// The column by its name; empty for the whole line.
    pub column: String,
    /// A stable name of the rule.
    pub rule: &'static str,
    /// What is wrong; never a value of the file, which may be a name.
    pub detail: &'static str,
}

/// Faults that are told at most.
const FAULTS_MAX: usize = 50;

/// The faults of a roster, as they are found.
#[derive(Clone, Debug, Default)]
pub struct Faults(Vec<RosterFault>);

impl Faults {
    /// One more fault.
    pub fn tell(
        &mut self,
        file: &str,
        line: u64,
        column: &str,
        rule: &'static str,
        detail: &'static str,
    ) {
        if self.0.len() < FAULTS_MAX {
            self.0.push(RosterFault {
                file: file.to_owned(),
                line,
                column: column.to_owned(),
                rule,
                detail,
            });
        }
    }

    /// The value, if no fault was found.
    pub fn into_result<T>(self, value: T) -> Result<T, Vec<RosterFault>> {
        if self.0.is_empty() {
            Ok(value)
        } else {
            Err(self.0)
        }
    }
}

impl From<RosterFault> for Broken {
    /// The place is told as a path: file, line, column.
    fn from(fault: RosterFault) -> Self {
        let mut pointer = String::new();
        let mut place = String::new();
        if !fault.file.is_empty() {
            pointer = format!("/{}", fault.file);
            place = format!("{}: ", fault.file);
        }
        if fault.line > 0 {
            pointer = format!("{pointer}/{}", fault.line);
            place = format!("{}, line {}: ", fault.file, fault.line);
        }
        if !fault.column.is_empty() {
            pointer = format!("{pointer}/{}", fault.column);
        }
        let section = match fault.file.as_str() {
            "" => "OneRoster 1.2 CSV Binding, zip file".to_owned(),
            file => format!("OneRoster 1.2 CSV Binding, {file}"),
        };
        Self {
            pointer: Some(pointer),
            rule: fault.rule.to_owned(),
            section: Some(section),
            detail: format!("{place}{}", fault.detail),
        }
    }
}

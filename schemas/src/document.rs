//! What the documents of this crate (frameworks, catalogues) share when they are read: serde for
//! the shape, then checks that collect every fault.

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::Fault;
use crate::xapi::formats;

/// How many faults are told at most.
const MAX_FAULTS: usize = 50;

/// Takes a value as a document of some type.
///
/// # Errors
///
/// The one fault at which serde stopped, at the document's root: its words name the property.
pub(crate) fn read<T: DeserializeOwned>(
    value: Value,
    section: &'static str,
) -> Result<T, Vec<Fault>> {
    serde_json::from_value(value).map_err(|error| {
        vec![Fault {
            pointer: String::new(),
            rule: "document-shape",
            section,
            detail: error.to_string(),
        }]
    })
}

/// Faults being collected.
#[derive(Debug)]
pub(crate) struct Faults {
    section: &'static str,
    found: Vec<Fault>,
}

impl Faults {
    pub(crate) fn new(section: &'static str) -> Self {
        Self {
            section,
            found: Vec::new(),
        }
    }

    pub(crate) fn tell(&mut self, pointer: String, rule: &'static str, detail: &str) {
        if self.found.len() < MAX_FAULTS {
            self.found.push(Fault {
                pointer,
                rule,
                section: self.section,
                detail: detail.to_owned(),
            });
        }
    }

    pub(crate) fn not_empty(&mut self, pointer: &str, text: &str) {
        if text.trim().is_empty() {
            self.tell(pointer.to_owned(), "empty-text", "a text is required here");
        }
    }

    pub(crate) fn iri(&mut self, pointer: &str, text: &str) {
        if !formats::is_iri(text) {
            self.tell(
                pointer.to_owned(),
                "not-an-iri",
                "an IRI with a scheme is required here",
            );
        }
    }

    pub(crate) fn into_result<T>(self, document: T) -> Result<T, Vec<Fault>> {
        if self.found.is_empty() {
            Ok(document)
        } else {
            Err(self.found)
        }
    }
}

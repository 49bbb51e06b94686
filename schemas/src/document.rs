//! What the documents of this crate (frameworks, catalogues) share when they are read: serde for
//! the shape, then checks that collect every fault.

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::Fault;
use crate::xapi::formats;

/// How many faults are told at most.
const MAX_FAULTS: usize = 50;

/// Where a part of a document is not of its shape, and what serde says of it.
type Misshapen = (String, serde_json::Error);

/// Takes a value as a document of some type. When it is none, `parts` looks for the parts that are
/// at fault, since serde itself does not say where it stopped.
///
/// # Errors
///
/// A fault for each such part, up to fifty; one at the root when all parts are good.
pub(crate) fn read<T: DeserializeOwned>(
    value: &Value,
    section: &'static str,
    parts: impl Fn(&Value) -> Vec<Misshapen>,
) -> Result<T, Vec<Fault>> {
    T::deserialize(value).map_err(|error| {
        let mut misshapen = parts(value);
        if misshapen.is_empty() {
            misshapen.push((String::new(), error));
        }
        let mut faults = Faults::new(section);
        for (pointer, error) in misshapen {
            faults.tell(pointer, "document-shape", &error.to_string());
        }
        faults.found
    })
}

/// The elements of a list of a document that are not of the type they should be.
pub(crate) fn misshapen<T: DeserializeOwned>(document: &Value, list: &str) -> Vec<Misshapen> {
    let elements = document.pointer(list).and_then(Value::as_array);
    let try_one = |(i, element)| Some((format!("{list}/{i}"), T::deserialize(element).err()?));
    elements
        .into_iter()
        .flatten()
        .enumerate()
        .filter_map(try_one)
        .collect()
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

//! Activities and interactions (Data 2.4.4.1).

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::{At, Walk};
use crate::xapi::rules;

const DEFINITION_KEYS: &[&str] = &[
    "name",
    "description",
    "type",
    "moreInfo",
    "extensions",
    "interactionType",
    "correctResponsesPattern",
    "choices",
    "scale",
    "source",
    "target",
    "steps",
];

/// The properties of a definition that only an interaction has.
const INTERACTION_KEYS: [&str; 6] = [
    "correctResponsesPattern",
    "choices",
    "scale",
    "source",
    "target",
    "steps",
];

/// Up to how many components a list is short.
const SHORT_LIST: usize = 32;

/// The lists of components that an interaction type has; none when there is no such type.
fn components_of(interaction_type: &str) -> Option<&'static [&'static str]> {
    Some(match interaction_type {
        "choice" | "sequencing" => &["choices"],
        "likert" => &["scale"],
        "matching" => &["source", "target"],
        "performance" => &["steps"],
        "true-false" | "fill-in" | "long-fill-in" | "numeric" | "other" => &[],
        _ => return None,
    })
}

impl Walk<'_> {
    pub(super) fn activity(&mut self, at: At<'_>, value: &Value) {
        let Some(map) = self.object(at, value) else {
            return;
        };
        for (key, value) in map {
            let inner = at.key(key);
            match key.as_str() {
                "objectType" if value == "Activity" => {}
                "objectType" => self.object_type_is_wrong(at, map, &rules::ACTIVITY_REQUIRED),
                "id" => self.iri(inner, value, &rules::ACTIVITY_ID_NOT_IRI),
                "definition" => self.definition(inner, value),
                _ => self.unknown(inner, key, &["objectType", "id", "definition"]),
            }
        }
        self.require(at, map, "id", &rules::ACTIVITY_ID_MISSING);
    }

    fn definition(&mut self, at: At<'_>, value: &Value) {
        let Some(map) = self.object(at, value) else {
            return;
        };
        for (key, value) in map {
            let at = at.key(key);
            match key.as_str() {
                "name" | "description" => self.language_map(at, value),
                "type" => self.iri(at, value, &rules::ACTIVITY_TYPE_NOT_IRI),
                "moreInfo" => self.iri(at, value, &rules::MORE_INFO_NOT_IRI),
                "extensions" => self.extensions(at, value),
                "interactionType" => {
                    self.string(at, value);
                }
                "correctResponsesPattern" => self.each(at, value, |walk, at, pattern| {
                    walk.string(at, pattern);
                }),
                "choices" | "scale" | "source" | "target" | "steps" => self.components(at, value),
                _ => self.unknown(at, key, DEFINITION_KEYS),
            }
        }
        self.interaction(at, map);
    }

    fn interaction(&mut self, at: At<'_>, definition: &Map<String, Value>) {
        let used = || {
            INTERACTION_KEYS
                .iter()
                .filter(|key| definition.contains_key(**key))
        };
        let Some(interaction_type) = definition.get("interactionType") else {
            if used().next().is_some() {
                self.tell(at, &rules::INTERACTION_TYPE_MISSING);
            }
            return;
        };
        let Some(interaction_type) = interaction_type.as_str() else {
            return;
        };
        let Some(components) = components_of(interaction_type) else {
            return self.tell(at.key("interactionType"), &rules::INTERACTION_TYPE_UNKNOWN);
        };
        for key in
            used().filter(|key| **key != "correctResponsesPattern" && !components.contains(key))
        {
            self.tell(at.key(key), &rules::COMPONENTS_OF_OTHER_TYPE);
        }
    }

    fn components(&mut self, at: At<'_>, value: &Value) {
        self.each(at, value, Self::component);
        let Value::Array(components) = value else {
            return;
        };
        // Lists are short: looking back costs less than a set, and allocates nothing. Only a long
        // one, which would cost its square, pays for a set.
        let mut seen = HashSet::new();
        for (index, component) in components.iter().enumerate() {
            let Some(id) = component.get("id").and_then(Value::as_str) else {
                continue;
            };
            let repeated = if components.len() <= SHORT_LIST {
                components[..index]
                    .iter()
                    .any(|other| other.get("id").and_then(Value::as_str) == Some(id))
            } else {
                !seen.insert(id)
            };
            if repeated {
                self.tell(at.index(index), &rules::COMPONENT_ID_REPEATED);
            }
        }
    }

    fn component(&mut self, at: At<'_>, value: &Value) {
        let Some(map) = self.object(at, value) else {
            return;
        };
        for (key, value) in map {
            let at = at.key(key);
            match key.as_str() {
                "id" => {
                    self.string(at, value);
                }
                "description" => self.language_map(at, value),
                _ => self.unknown(at, key, &["id", "description"]),
            }
        }
        self.require(at, map, "id", &rules::COMPONENT_ID_MISSING);
    }
}

//! Definitions of activities: read out of a statement as they were sent, and merged into the one
//! that the LRS gives (xAPI 1.0.3 Data 2.4.4.1, Communication 2.5).

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::keys::{self, Iri};
use super::parse::Parsed;
use crate::ordered::Members;

/// The largest canonical definition, in bytes: some hundred times the usual one. What would make it
/// larger is not merged in, so that nobody can let it grow without end.
const LARGEST: usize = 256 * 1024;

/// Members whose own members are united, language by language and key by key.
const UNITED: [&str; 3] = ["name", "description", "extensions"];

/// Members that say together what an interaction is: they are replaced together.
const INTERACTION: [&str; 7] = [
    "interactionType",
    "correctResponsesPattern",
    "choices",
    "scale",
    "source",
    "target",
    "steps",
];

/// What a statement says of an activity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Definition {
    /// The activity.
    pub activity: Iri,
    /// Tells it from other definitions: the first 16 bytes of the SHA-256 of the JSON.
    pub hash: Uuid,
    /// The definition as it was sent: a JSON object.
    pub json: String,
}

/// The definitions of a valid statement: of its object, its context activities, and those of a
/// `SubStatement`.
#[must_use]
pub fn definitions(parsed: &Parsed) -> Vec<Definition> {
    let mut found = Vec::new();
    // Most of the cost is in reading the bytes again: only where something is to be found.
    if may_define(parsed.value())
        && let Ok(sent) = serde_json::from_slice::<Sent<'_>>(parsed.sent())
    {
        sent.collect(&mut found);
    }
    found
}

fn may_define(statement: &Value) -> bool {
    let object = statement.get("object");
    let of_object = |name| object.and_then(|object| object.get(name)).is_some();
    of_object("definition")
        || of_object("object")
        || keys::context_activities(statement).any(|one| one.get("definition").is_some())
}

/// A Statement or `SubStatement`, as far as definitions stand in it.
#[derive(Deserialize)]
struct Sent<'a> {
    #[serde(borrow)]
    object: Option<&'a RawValue>,
    #[serde(borrow)]
    context: Option<Context<'a>>,
}

#[derive(Deserialize)]
struct Context<'a> {
    #[serde(borrow, rename = "contextActivities")]
    activities: Option<ContextActivities<'a>>,
}

/// Each a single activity or an array.
#[derive(Deserialize)]
struct ContextActivities<'a> {
    #[serde(borrow)]
    parent: Option<&'a RawValue>,
    #[serde(borrow)]
    grouping: Option<&'a RawValue>,
    #[serde(borrow)]
    category: Option<&'a RawValue>,
    #[serde(borrow)]
    other: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Object<'a> {
    #[serde(rename = "objectType")]
    kind: Option<String>,
    id: Option<String>,
    #[serde(borrow)]
    definition: Option<&'a RawValue>,
}

impl Sent<'_> {
    fn collect(&self, found: &mut Vec<Definition>) {
        if let Some(object) = self.object {
            collect_object(object, found);
        }
        let activities = self
            .context
            .as_ref()
            .and_then(|one| one.activities.as_ref());
        let Some(activities) = activities else {
            return;
        };
        let places = [
            activities.parent,
            activities.grouping,
            activities.category,
            activities.other,
        ];
        for place in places.into_iter().flatten() {
            if place.get().starts_with('[') {
                let many: Vec<&RawValue> = serde_json::from_str(place.get()).unwrap_or_default();
                for one in many {
                    collect_object(one, found);
                }
            } else {
                collect_object(place, found);
            }
        }
    }
}

fn collect_object(object: &RawValue, found: &mut Vec<Definition>) {
    let Ok(read) = serde_json::from_str::<Object<'_>>(object.get()) else {
        return;
    };
    match (read.kind.as_deref(), read.id, read.definition) {
        (None | Some("Activity"), Some(id), Some(definition)) => found.push(Definition {
            activity: Iri::new(&id),
            hash: keys::hash(definition.get()),
            json: definition.get().to_owned(),
        }),
        (Some("SubStatement"), _, _) => {
            if let Ok(sent) = serde_json::from_str::<Sent<'_>>(object.get()) {
                sent.collect(found);
            }
        }
        _ => {}
    }
}

/// The canonical definition with a newer one merged in; none when it says the same already, or would
/// become larger than may be.
///
/// Languages of `name` and `description` and keys of `extensions` are united, the newer value where
/// both have one. What makes up an interaction is taken from the newer one as a whole, if it has any
/// of it. Everything else is the newer one's where it has it. Values stay as they were sent.
#[must_use]
pub fn merge(canonical: &str, newer: &str) -> Option<String> {
    let mut all = Members::read(canonical.as_bytes()).ok()?;
    let newer = Members::read(newer.as_bytes()).ok()?;
    if INTERACTION.iter().any(|name| newer.get(name).is_some()) {
        all.retain(|name| !INTERACTION.contains(&name) || newer.get(name).is_some());
    }
    for (name, json) in newer.iter() {
        let json = match all.get(name) {
            Some(there) if UNITED.contains(&name) => united(there, json),
            _ => json.to_owned(),
        };
        all.set(name, Cow::Owned(json));
    }
    let merged = all.write();
    (merged != canonical && merged.len() <= LARGEST).then_some(merged)
}

/// The members of both objects; the newer text where one of them is no object.
fn united(there: &str, newer: &str) -> String {
    let (Ok(mut all), Ok(newer_members)) = (
        Members::read(there.as_bytes()),
        Members::read(newer.as_bytes()),
    ) else {
        return newer.to_owned();
    };
    all.set_all(newer_members);
    all.write()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use schemas::xapi::XapiVersion;

    use super::*;
    use crate::statement::parse;

    fn found(object: &str, context: &str) -> Vec<(String, String)> {
        let statement = format!(
            r#"{{"actor":{{"mbox":"mailto:a@example.org"}},"verb":{{"id":"https://example.org/v"}},"object":{object}{context}}}"#
        );
        let parsed = parse(&Bytes::from(statement), XapiVersion::V1_0_3)
            .expect("a good statement")
            .into_statements();
        definitions(&parsed[0])
            .into_iter()
            .map(|one| (one.activity.text, one.json))
            .collect()
    }

    fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs
            .iter()
            .map(|(activity, json)| ((*activity).to_owned(), (*json).to_owned()))
            .collect()
    }

    #[test]
    fn definitions_are_found_wherever_they_stand_as_they_were_sent() {
        let context = r#","context":{"contextActivities":{"parent":{"id":"https://example.org/p","definition":{"name":{"fr":"P"}}},
            "other":[{"id":"https://example.org/q"},{"id":"https://example.org/r","definition":{"type":"https://example.org/t"}}]}}"#;
        let of_context = [
            ("https://example.org/p", r#"{"name":{"fr":"P"}}"#),
            (
                "https://example.org/r",
                r#"{"type":"https://example.org/t"}"#,
            ),
        ];
        let object = r#"{"id":"https://example.org/o","definition":{ "extensions":{"https://example.org/e":1.50} }}"#;
        let of_object = (
            "https://example.org/o",
            r#"{ "extensions":{"https://example.org/e":1.50} }"#,
        );
        assert_eq!(
            found(object, context),
            owned(&[of_object, of_context[0], of_context[1]])
        );
        let sub = format!(
            r#"{{"objectType":"SubStatement","actor":{{"mbox":"mailto:a@example.org"}},"verb":{{"id":"https://example.org/v"}},"object":{object}{context}}}"#
        );
        assert_eq!(
            found(&sub, ""),
            owned(&[of_object, of_context[0], of_context[1]])
        );
        let bare = r#"{"id":"https://example.org/o"}"#;
        assert_eq!(found(bare, ""), []);
        let agent = r#"{"objectType":"Agent","mbox":"mailto:b@example.org"}"#;
        assert_eq!(found(agent, ""), []);
    }

    #[test]
    fn a_merge_unites_languages_and_extensions_and_takes_the_newer_of_the_rest() {
        let merged = merge(
            r#"{"name":{"fr":"a","en":"b"},"type":"https://example.org/1","moreInfo":"https://example.org/m","extensions":{"x:1":1.50}}"#,
            r#"{"type":"https://example.org/2","name":{"de":"c","fr":"d"},"extensions":{"x:2":1e2},"description":{"fr":"e"}}"#,
        );
        assert_eq!(
            merged.as_deref(),
            Some(
                r#"{"name":{"fr":"d","en":"b","de":"c"},"type":"https://example.org/2","moreInfo":"https://example.org/m","extensions":{"x:1":1.50,"x:2":1e2},"description":{"fr":"e"}}"#
            )
        );
    }

    #[test]
    fn an_interaction_is_replaced_as_a_whole() {
        let choice = r#"{"interactionType":"choice","correctResponsesPattern":["a"],"choices":[{"id":"a"}],"type":"x:t"}"#;
        assert_eq!(
            merge(
                choice,
                r#"{"interactionType":"numeric","correctResponsesPattern":["1[:]2"]}"#
            )
            .as_deref(),
            Some(
                r#"{"interactionType":"numeric","correctResponsesPattern":["1[:]2"],"type":"x:t"}"#
            )
        );
        assert_eq!(
            merge(choice, r#"{"type":"x:t"}"#),
            None,
            "nothing of it is said"
        );
    }

    #[test]
    fn what_says_nothing_new_changes_nothing() {
        let there = r#"{"name":{"fr":"a"},"type":"x:t"}"#;
        for newer in ["{}", r#"{"type":"x:t"}"#, r#"{"name":{"fr":"a"}}"#, there] {
            assert_eq!(merge(there, newer), None, "{newer}");
        }
        assert_eq!(merge("{}", there).as_deref(), Some(there));
    }

    #[test]
    fn it_does_not_grow_without_end() {
        let large = format!(r#"{{"name":{{"fr":"{}"}}}}"#, "a".repeat(LARGEST));
        assert_eq!(merge(r#"{"type":"x:t"}"#, &large), None);
    }
}

//! The context (Data 2.4.6), with the contextAgents and contextGroups of 2.0.

use serde_json::Value;

use super::{At, ObjectType, Walk};
use crate::xapi::{XapiVersion, formats, rules};

const KEYS_1_0_3: &[&str] = &[
    "registration",
    "instructor",
    "team",
    "contextActivities",
    "revision",
    "platform",
    "language",
    "statement",
    "extensions",
];

const KEYS_2_0_0: &[&str] = &[
    "registration",
    "instructor",
    "team",
    "contextActivities",
    "revision",
    "platform",
    "language",
    "statement",
    "extensions",
    "contextAgents",
    "contextGroups",
];

impl Walk<'_> {
    /// `object` is the type of the object of the same statement.
    pub(super) fn context(&mut self, at: At<'_>, value: &Value, object: ObjectType) {
        let Some(map) = self.object(at, value) else {
            return;
        };
        for (key, value) in map {
            let at = at.key(key);
            match key.as_str() {
                "registration" => self.uuid(at, value, &rules::REGISTRATION_NOT_UUID),
                "instructor" => self.actor(at, value),
                "team" => self.group(at, value),
                "contextActivities" => self.context_activities(at, value),
                "revision" | "platform" => self.of_activity_only(at, key, value, object),
                "language" => self.text(
                    at,
                    value,
                    &rules::LANGUAGE_NOT_TAG,
                    formats::is_language_tag,
                ),
                "statement" => self.statement_ref(at, value),
                "extensions" => self.extensions(at, value),
                "contextAgents" if self.version == XapiVersion::V2_0_0 => {
                    self.each(at, value, Self::context_agent)
                }
                "contextGroups" if self.version == XapiVersion::V2_0_0 => {
                    self.each(at, value, Self::context_group)
                }
                _ if self.version == XapiVersion::V2_0_0 => self.unknown(at, key, KEYS_2_0_0),
                _ => self.unknown(at, key, KEYS_1_0_3),
            }
        }
    }

    fn of_activity_only(&mut self, at: At<'_>, key: &str, value: &Value, object: ObjectType) {
        self.string(at, value);
        // An object that is missing or of no type is told by itself.
        if !matches!(object, ObjectType::Activity | ObjectType::Unknown) {
            let rule = if key == "revision" {
                rules::REVISION_WITHOUT_ACTIVITY
            } else {
                rules::PLATFORM_WITHOUT_ACTIVITY
            };
            self.tell(at, &rule);
        }
    }

    /// Data 2.4.6.2: a list under each key, or one Activity by itself.
    fn context_activities(&mut self, at: At<'_>, value: &Value) {
        let Some(map) = self.object(at, value) else {
            return;
        };
        for (key, value) in map {
            let at = at.key(key);
            match key.as_str() {
                "parent" | "grouping" | "category" | "other" if value.is_object() => {
                    self.activity(at, value)
                }
                "parent" | "grouping" | "category" | "other" => {
                    self.each(at, value, Self::activity)
                }
                _ => self.tell(at, &rules::CONTEXT_ACTIVITIES_KEY),
            }
        }
    }

    fn context_agent(&mut self, at: At<'_>, value: &Value) {
        let Some(map) = self.object(at, value) else {
            return;
        };
        for (key, value) in map {
            let inner = at.key(key);
            match key.as_str() {
                "objectType" if value == "contextAgent" => {}
                "objectType" => {
                    self.object_type_is_wrong(at, map, &rules::CONTEXT_AGENT_OBJECT_TYPE)
                }
                "agent" => self.agent(inner, value),
                "relevantTypes" => self.relevant_types(inner, value),
                _ => self.unknown(inner, key, &["objectType", "agent", "relevantTypes"]),
            }
        }
        self.require(at, map, "objectType", &rules::CONTEXT_AGENT_OBJECT_TYPE);
        self.require(at, map, "agent", &rules::CONTEXT_AGENT_MISSING);
    }

    fn context_group(&mut self, at: At<'_>, value: &Value) {
        let Some(map) = self.object(at, value) else {
            return;
        };
        for (key, value) in map {
            let inner = at.key(key);
            match key.as_str() {
                "objectType" if value == "contextGroup" => {}
                "objectType" => {
                    self.object_type_is_wrong(at, map, &rules::CONTEXT_GROUP_OBJECT_TYPE)
                }
                "group" => self.group(inner, value),
                "relevantTypes" => self.relevant_types(inner, value),
                _ => self.unknown(inner, key, &["objectType", "group", "relevantTypes"]),
            }
        }
        self.require(at, map, "objectType", &rules::CONTEXT_GROUP_OBJECT_TYPE);
        self.require(at, map, "group", &rules::CONTEXT_GROUP_MISSING);
    }

    fn relevant_types(&mut self, at: At<'_>, value: &Value) {
        self.each(at, value, |walk, at, kind| {
            walk.iri(at, kind, &rules::RELEVANT_TYPE_NOT_IRI)
        });
        if value.as_array().is_some_and(Vec::is_empty) {
            self.tell(at, &rules::RELEVANT_TYPES_EMPTY);
        }
    }
}

//! The walk over a statement: every rule, told with its place.
//!
//! Each function reads one kind of object of the specification and is named like it. The path to
//! where the walk stands is a list on the stack ([`At`]), turned into a pointer only when a fault is
//! told: a good statement costs no allocation.

mod activity;
mod actor;
mod context;
mod parts;

use std::collections::HashMap;

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::rules::{self, Rule};
use super::{Fault, XapiVersion, formats};
use crate::decimal::Decimal;
use crate::fault::push_step;
use crate::profile::verbs;
use crate::time::{self, TimestampError};

/// How many faults are told at most: a body of a million unknown keys gets a short answer.
pub(super) const MAX_FAULTS: usize = 50;

/// How long a key may be in a pointer. Longer ones are cut: only somebody who tries the limits
/// sends them.
const MAX_STEP_BYTES: usize = 256;

/// Every fault of a statement; `sent` is its text, where it is at hand.
pub(super) fn statement(value: &Value, sent: Option<&str>, version: XapiVersion) -> Vec<Fault> {
    let mut walk = Walk {
        version,
        sent,
        faults: Vec::new(),
    };
    walk.statement(At::ROOT, value, Nesting::Outer);
    walk.faults
}

/// Every fault of an Agent or Group.
pub(super) fn actor(value: &Value, version: XapiVersion) -> Vec<Fault> {
    let mut walk = Walk {
        version,
        sent: None,
        faults: Vec::new(),
    };
    walk.actor(At::ROOT, value);
    walk.faults
}

/// A place in the document: the step from the place around it.
#[derive(Clone, Copy)]
struct At<'a> {
    outer: Option<&'a At<'a>>,
    step: Step<'a>,
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Root,
    Key(&'a str),
    Index(usize),
}

impl At<'static> {
    const ROOT: Self = At {
        outer: None,
        step: Step::Root,
    };
}

impl<'a> At<'a> {
    fn key(&'a self, key: &'a str) -> At<'a> {
        At {
            outer: Some(self),
            step: Step::Key(key),
        }
    }

    fn index(&'a self, index: usize) -> At<'a> {
        At {
            outer: Some(self),
            step: Step::Index(index),
        }
    }

    /// The text of what stands at this place of a document.
    fn within<'t>(&self, document: &'t str) -> Option<&'t str> {
        let around = match self.outer {
            Some(outer) => outer.within(document)?,
            None => document,
        };
        let found = match self.step {
            Step::Root => return Some(around),
            Step::Key(key) => serde_json::from_str::<HashMap<String, &'t RawValue>>(around)
                .ok()?
                .remove(key)?,
            Step::Index(index) => *serde_json::from_str::<Vec<&'t RawValue>>(around)
                .ok()?
                .get(index)?,
        };
        Some(found.get())
    }

    fn pointer(&self) -> String {
        let mut pointer = self.outer.map(At::pointer).unwrap_or_default();
        match self.step {
            Step::Root => {}
            Step::Key(key) => push_step(
                &mut pointer,
                &key[..key.floor_char_boundary(MAX_STEP_BYTES)],
            ),
            Step::Index(index) => push_step(&mut pointer, &index.to_string()),
        }
        pointer
    }
}

/// Whether a statement stands by itself or is the object of another.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Nesting {
    Outer,
    Sub,
}

struct Walk<'t> {
    version: XapiVersion,
    /// What was sent, with the digits that the value does not keep.
    sent: Option<&'t str>,
    faults: Vec<Fault>,
}

/// What can be read of the object of a statement before it is walked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ObjectType {
    Activity,
    Agent,
    Group,
    StatementRef,
    SubStatement,
    Unknown,
}

impl Walk<'_> {
    fn statement(&mut self, at: At<'_>, value: &Value, nesting: Nesting) {
        let Value::Object(map) = value else {
            return self.tell(at, &rules::STATEMENT_NOT_OBJECT);
        };
        for (key, value) in map {
            let at = at.key(key);
            match (key.as_str(), nesting) {
                ("actor", _) => self.actor(at, value),
                ("verb", _) => self.verb(at, value),
                ("object", _) => self.statement_object(at, value, nesting),
                ("result", _) => self.result(at, value),
                ("context", _) => self.context(
                    at,
                    value,
                    map.get("object").map_or(ObjectType::Unknown, object_type),
                ),
                ("timestamp", _) => self.timestamp(at, value),
                ("attachments", _) => self.each(at, value, Self::attachment),
                ("objectType", Nesting::Sub) => {}
                ("id", Nesting::Outer) => self.uuid(at, value, &rules::ID_NOT_UUID),
                ("stored", Nesting::Outer) => self.timestamp(at, value),
                ("authority", Nesting::Outer) => self.authority(at, value),
                ("version", Nesting::Outer) => self.version(at, value),
                ("id" | "stored" | "authority" | "version", Nesting::Sub) => {
                    self.tell(at, &rules::SUB_STATEMENT_PROPERTY)
                }
                _ => self.unknown(at, key, STATEMENT_KEYS),
            }
        }
        self.require(at, map, "actor", &rules::ACTOR_MISSING);
        self.require(at, map, "verb", &rules::VERB_MISSING);
        self.require(at, map, "object", &rules::OBJECT_MISSING);
        self.voiding(at, map);
    }

    /// Data 2.3.2: the object of a voiding statement is a reference to the voided one.
    fn voiding(&mut self, at: At<'_>, statement: &Map<String, Value>) {
        let verb = statement
            .get("verb")
            .and_then(|verb| verb.get("id"))
            .and_then(Value::as_str);
        let Some(object) = statement.get("object") else {
            return;
        };
        if verb == Some(verbs::VOIDED) && object_type(object) != ObjectType::StatementRef {
            self.tell(at.key("object"), &rules::VOIDING_OBJECT);
        }
    }

    fn statement_object(&mut self, at: At<'_>, value: &Value, nesting: Nesting) {
        let Some(map) = self.object(at, value) else {
            return;
        };
        match object_type(value) {
            ObjectType::Activity if !map.contains_key("objectType") && looks_like_actor(map) => {
                self.tell(at, &rules::OBJECT_TYPE_MISSING);
            }
            ObjectType::Activity => self.activity(at, value),
            ObjectType::Agent => self.agent(at, value),
            ObjectType::Group => self.group(at, value),
            ObjectType::StatementRef => self.statement_ref(at, value),
            ObjectType::SubStatement if nesting == Nesting::Sub => {
                self.tell(at, &rules::SUB_STATEMENT_NESTED)
            }
            ObjectType::SubStatement => self.statement(at, value, Nesting::Sub),
            ObjectType::Unknown => self.object_type_is_wrong(at, map, &rules::OBJECT_TYPE_UNKNOWN),
        }
    }

    fn statement_ref(&mut self, at: At<'_>, value: &Value) {
        let Some(map) = self.object(at, value) else {
            return;
        };
        for (key, value) in map {
            let inner = at.key(key);
            match key.as_str() {
                "objectType" if value == "StatementRef" => {}
                "objectType" => self.object_type_is_wrong(at, map, &rules::STATEMENT_REF_REQUIRED),
                "id" => self.uuid(inner, value, &rules::STATEMENT_REF_ID_NOT_UUID),
                _ => self.unknown(inner, key, &["objectType", "id"]),
            }
        }
        if !map.contains_key("objectType") {
            self.tell(at, &rules::STATEMENT_REF_REQUIRED);
        }
        self.require(at, map, "id", &rules::STATEMENT_REF_ID_MISSING);
    }

    fn verb(&mut self, at: At<'_>, value: &Value) {
        let Some(map) = self.object(at, value) else {
            return;
        };
        for (key, value) in map {
            let at = at.key(key);
            match key.as_str() {
                "id" => self.iri(at, value, &rules::VERB_ID_NOT_IRI),
                "display" => self.language_map(at, value),
                _ => self.unknown(at, key, &["id", "display"]),
            }
        }
        self.require(at, map, "id", &rules::VERB_ID_MISSING);
    }

    fn version(&mut self, at: At<'_>, value: &Value) {
        let Some(text) = self.string(at, value) else {
            return;
        };
        let spoken = formats::is_version_of(text, "1.0")
            || (self.version == XapiVersion::V2_0_0 && formats::is_version_of(text, "2.0"));
        if !spoken {
            self.tell(at, &rules::VERSION_UNSUPPORTED);
        }
    }
}

const STATEMENT_KEYS: &[&str] = &[
    "id",
    "actor",
    "verb",
    "object",
    "result",
    "context",
    "timestamp",
    "stored",
    "authority",
    "version",
    "attachments",
];

/// Whether somebody forgot to say that the object is an Agent or a Group.
fn looks_like_actor(object: &Map<String, Value>) -> bool {
    ["mbox", "mbox_sha1sum", "openid", "account", "member"]
        .iter()
        .any(|key| object.contains_key(*key))
}

fn object_type(object: &Value) -> ObjectType {
    match object.get("objectType") {
        None => ObjectType::Activity,
        Some(Value::String(name)) => match name.as_str() {
            "Activity" => ObjectType::Activity,
            "Agent" => ObjectType::Agent,
            "Group" => ObjectType::Group,
            "StatementRef" => ObjectType::StatementRef,
            "SubStatement" => ObjectType::SubStatement,
            _ => ObjectType::Unknown,
        },
        Some(_) => ObjectType::Unknown,
    }
}

/// Faults, and the kinds of value that occur everywhere.
impl Walk<'_> {
    fn tell(&mut self, at: At<'_>, rule: &Rule) {
        self.tell_in_words(at, rule, || rule.words.to_owned());
    }

    fn tell_in_words(&mut self, at: At<'_>, rule: &Rule, words: impl FnOnce() -> String) {
        if self.faults.len() < MAX_FAULTS {
            let section = rule.section(self.version);
            self.faults.push(Fault {
                pointer: at.pointer(),
                rule: rule.name,
                section,
                detail: words(),
            });
        }
    }

    fn wrong_type(&mut self, at: At<'_>, value: &Value, required: &str) {
        let found = match value {
            Value::Null => return self.tell(at, &rules::NULL_VALUE),
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::String(_) => "a string",
            Value::Array(_) => "an array",
            Value::Object(_) => "an object",
        };
        self.tell_in_words(at, &rules::WRONG_TYPE, || {
            format!("{required} is required, and this is {found}")
        });
    }

    fn unknown(&mut self, at: At<'_>, key: &str, known: &[&str]) {
        match known.iter().find(|known| known.eq_ignore_ascii_case(key)) {
            Some(known) => self.tell_in_words(at, &rules::PROPERTY_CASE, || {
                format!("the property is written `{known}`")
            }),
            None => self.tell(at, &rules::UNKNOWN_PROPERTY),
        }
    }

    fn require(&mut self, at: At<'_>, map: &Map<String, Value>, key: &str, rule: &Rule) {
        if !map.contains_key(key) {
            self.tell(at, rule);
        }
    }

    /// An `objectType` that is no string, or another one than the place allows.
    fn object_type_is_wrong(&mut self, at: At<'_>, map: &Map<String, Value>, rule: &Rule) {
        let at = at.key("objectType");
        match map.get("objectType") {
            Some(Value::String(_)) | None => self.tell(at, rule),
            Some(other) => self.wrong_type(at, other, "a string"),
        }
    }

    fn object<'v>(&mut self, at: At<'_>, value: &'v Value) -> Option<&'v Map<String, Value>> {
        if let Value::Object(map) = value {
            return Some(map);
        }
        self.wrong_type(at, value, "an object");
        None
    }

    fn string<'v>(&mut self, at: At<'_>, value: &'v Value) -> Option<&'v str> {
        if let Value::String(text) = value {
            return Some(text);
        }
        self.wrong_type(at, value, "a string");
        None
    }

    fn number(&mut self, at: At<'_>, value: &Value) -> Option<f64> {
        if let Value::Number(number) = value {
            return number.as_f64();
        }
        self.wrong_type(at, value, "a number");
        None
    }

    /// The number at a place by all its digits; none when the text is not at hand.
    fn decimal(&self, at: At<'_>) -> Option<Decimal> {
        Decimal::read(at.within(self.sent?)?)
    }

    fn boolean(&mut self, at: At<'_>, value: &Value) {
        if !value.is_boolean() {
            self.wrong_type(at, value, "a boolean");
        }
    }

    /// An array, each element of which is walked by `one`.
    fn each(&mut self, at: At<'_>, value: &Value, one: impl Fn(&mut Self, At<'_>, &Value)) {
        let Value::Array(values) = value else {
            return self.wrong_type(at, value, "an array");
        };
        for (index, value) in values.iter().enumerate() {
            one(self, at.index(index), value);
        }
    }

    fn text(&mut self, at: At<'_>, value: &Value, rule: &Rule, is_good: impl FnOnce(&str) -> bool) {
        if let Some(text) = self.string(at, value)
            && !is_good(text)
        {
            self.tell(at, rule);
        }
    }

    fn iri(&mut self, at: At<'_>, value: &Value, rule: &Rule) {
        self.text(at, value, rule, formats::is_iri);
    }

    fn uuid(&mut self, at: At<'_>, value: &Value, rule: &Rule) {
        self.text(at, value, rule, |text| formats::parse_uuid(text).is_some());
    }

    fn timestamp(&mut self, at: At<'_>, value: &Value) {
        let Some(text) = self.string(at, value) else {
            return;
        };
        match time::check_timestamp(text) {
            Ok(timestamp) if timestamp.is_rfc3339 || self.version == XapiVersion::V1_0_3 => {}
            Ok(_) => self.tell(at, &rules::TIMESTAMP_NOT_RFC3339),
            Err(TimestampError::MinusZeroOffset) => self.tell(at, &rules::TIMESTAMP_MINUS_ZERO),
            Err(TimestampError::Format) => self.tell(at, &rules::TIMESTAMP_NOT_ISO8601),
        }
    }

    fn language_map(&mut self, at: At<'_>, value: &Value) {
        let Some(map) = self.object(at, value) else {
            return;
        };
        for (key, value) in map {
            let at = at.key(key);
            if !formats::is_language_tag(key) {
                self.tell(at, &rules::LANGUAGE_MAP_KEY);
            }
            self.string(at, value);
        }
    }

    /// Data 4.1: any value under any IRI.
    fn extensions(&mut self, at: At<'_>, value: &Value) {
        let Some(map) = self.object(at, value) else {
            return;
        };
        for key in map.keys() {
            if !formats::is_iri(key) {
                self.tell(at.key(key), &rules::EXTENSION_KEY_NOT_IRI);
            }
        }
    }
}

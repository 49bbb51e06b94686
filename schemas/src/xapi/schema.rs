//! The JSON Schemas: their texts, compiled once.

use std::sync::LazyLock;

use jsonschema::{Registry, Validator};
use serde_json::Value;

use super::{Fault, XapiVersion, rules};

/// Where the schemas say that they live; they refer to each other by name beside it.
const BASE: &str = "https://w3id.org/sillage/schemas/xapi/";

macro_rules! texts {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../xapi/", $name)))),*]
    };
}

const PUBLISHED: &[(&str, &str)] = texts![
    "statement-1.0.3.json",
    "statement-2.0.0.json",
    "context-1.0.3.json",
    "context-2.0.0.json",
    "actor.json",
    "verb.json",
    "activity.json",
    "statement-ref.json",
    "result.json",
    "attachment.json",
    "types.json",
];

/// The schemas as they are published: file name and text. Served side by side under one URL they
/// find each other, so that a front-end team can check its own statements with any validator.
#[must_use]
pub fn published() -> &'static [(&'static str, &'static str)] {
    PUBLISHED
}

/// What can be checked by itself.
#[derive(Debug, Clone, Copy)]
pub(super) enum Part {
    Statement,
    Actor,
}

struct Compiled {
    statement: [Validator; 2],
    actor: Validator,
}

static COMPILED: LazyLock<Compiled> = LazyLock::new(compile);

fn compile() -> Compiled {
    let texts = PUBLISHED.iter().map(|(name, text)| {
        let schema: Value = serde_json::from_str(text).expect("the schemas of this crate are JSON");
        (format!("{BASE}{name}"), schema)
    });
    let registry = Registry::new()
        .extend(texts)
        .and_then(|builder| builder.prepare())
        .expect("the schemas of this crate refer to each other only");
    let validator = |name: &str| {
        let root = serde_json::json!({"$schema": "https://json-schema.org/draft/2020-12/schema", "$ref": format!("{BASE}{name}")});
        jsonschema::options()
            .offline()
            .with_registry(&registry)
            .build(&root)
            .expect("the schemas of this crate are valid schemas")
    };
    Compiled {
        statement: [
            validator("statement-1.0.3.json"),
            validator("statement-2.0.0.json"),
        ],
        actor: validator("actor.json"),
    }
}

fn validator(part: Part, version: XapiVersion) -> &'static Validator {
    match (part, version) {
        (Part::Statement, XapiVersion::V1_0_3) => &COMPILED.statement[0],
        (Part::Statement, XapiVersion::V2_0_0) => &COMPILED.statement[1],
        (Part::Actor, _) => &COMPILED.actor,
    }
}

/// Whether the schema accepts a value.
pub(super) fn accepts(part: Part, value: &Value, version: XapiVersion) -> bool {
    validator(part, version).is_valid(value)
}

/// What the schema finds in a value in which the walk found nothing: the net under it.
pub(super) fn check(part: Part, value: &Value, version: XapiVersion) -> Vec<Fault> {
    if accepts(part, value, version) {
        return Vec::new();
    }
    let rule = rules::SCHEMA;
    let fault = |pointer| Fault {
        pointer,
        rule: rule.name,
        section: rule.section(version),
        detail: rule.words.to_owned(),
    };
    let found = validator(part, version).iter_errors(value);
    found
        .take(super::walk::MAX_FAULTS)
        .map(|error| fault(error.instance_path().to_string()))
        .collect()
}

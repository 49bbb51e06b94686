//! An xAPI Profile as it is read: templates, their rules, the extensions that it declares.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use jsonschema::{Draft, Validator};
use serde::Deserialize;
use serde_json::Value;

use super::path::Path;
use crate::Fault;
use crate::document::{self, Faults};

const SECTION: &str = "xAPI Profiles 1.0 Structure 8.0";

/// An xAPI Profile, as far as statements are checked against it.
#[derive(Debug)]
pub struct Profile {
    pub(super) version: String,
    pub(super) templates: Vec<Template>,
    pub(super) extensions: HashMap<String, Extension>,
}

/// An extension that the profile declares.
#[derive(Debug)]
pub(super) struct Extension {
    pub(super) kind: ExtensionKind,
    pub(super) schema: Option<Validator>,
}

/// Where an extension may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(super) enum ExtensionKind {
    #[serde(rename = "ContextExtension")]
    Context,
    #[serde(rename = "ResultExtension")]
    Result,
    #[serde(rename = "ActivityExtension")]
    Activity,
}

/// A Statement Template (Structure 8.0).
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Template {
    pub(super) id: String,
    pub(super) verb: Option<String>,
    pub(super) object_activity_type: Option<String>,
    #[serde(default)]
    pub(super) context_grouping_activity_type: Vec<String>,
    #[serde(default)]
    pub(super) context_parent_activity_type: Vec<String>,
    #[serde(default)]
    pub(super) context_other_activity_type: Vec<String>,
    #[serde(default)]
    pub(super) context_category_activity_type: Vec<String>,
    #[serde(default)]
    pub(super) attachment_usage_type: Vec<String>,
    pub(super) object_statement_ref_template: Option<Vec<String>>,
    pub(super) context_statement_ref_template: Option<Vec<String>>,
    #[serde(default)]
    pub(super) rules: Vec<TemplateRule>,
}

/// A rule of a template (Structure 8.1).
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TemplateRule {
    pub(super) location: Path,
    pub(super) selector: Option<Path>,
    pub(super) presence: Option<Presence>,
    pub(super) any: Option<Vec<Value>>,
    pub(super) all: Option<Vec<Value>>,
    pub(super) none: Option<Vec<Value>>,
    #[serde(default)]
    scope_note: BTreeMap<String, String>,
}

/// Whether something must be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Presence {
    Included,
    Excluded,
    Recommended,
}

/// The document, as far as it is read.
#[derive(Deserialize)]
struct Document {
    versions: Vec<Version>,
    #[serde(default)]
    concepts: Vec<Concept>,
    #[serde(default)]
    templates: Vec<Template>,
}

#[derive(Deserialize)]
struct Version {
    id: String,
}

/// A concept; what is no extension has a type that is passed over.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Concept {
    id: String,
    #[serde(rename = "type")]
    kind: Value,
    inline_schema: Option<String>,
}

impl TemplateRule {
    /// What the profile says of it: in English where it does.
    pub(super) fn note(&self) -> Option<&str> {
        let english = self
            .scope_note
            .iter()
            .find(|(tag, _)| *tag == "en" || tag.starts_with("en-"));
        english
            .or_else(|| self.scope_note.iter().next())
            .map(|(_, note)| note.as_str())
    }
}

impl Profile {
    /// Sillage's own, compiled in: `profile/sillage.jsonld`.
    #[must_use]
    pub fn sillage() -> &'static Self {
        static SILLAGE: LazyLock<Profile> = LazyLock::new(|| {
            let document =
                serde_json::from_str(super::PROFILE_JSONLD).expect("the profile is JSON");
            Profile::read(&document).expect("the profile is one: a test reads it")
        });
        &SILLAGE
    }

    /// Reads a profile in JSON-LD. Only what statements are checked by is read.
    ///
    /// # Errors
    ///
    /// A fault for each part that is none: a template or a rule of another shape, a location that is
    /// no JSONPath of xAPI Profiles, a rule that asks for nothing, a schema of an extension that is no
    /// JSON Schema, or that lies elsewhere.
    pub fn read(profile: &Value) -> Result<Self, Vec<Fault>> {
        let document: Document = document::read(profile, SECTION, |profile| {
            let mut misshapen = document::misshapen::<Template>(profile, "/templates");
            misshapen.extend(document::misshapen::<Concept>(profile, "/concepts"));
            misshapen.extend(document::misshapen::<Version>(profile, "/versions"));
            misshapen
        })?;
        let mut faults = Faults::new(SECTION);
        check_templates(&document.templates, &mut faults);
        let extensions = extensions(document.concepts, &mut faults);
        let Some(newest) = document.versions.into_iter().next() else {
            faults.tell(
                "/versions".to_owned(),
                "profile-version",
                "a profile has a version",
            );
            return Err(faults.into_result(()).expect_err("a fault was told"));
        };
        faults.into_result(Self {
            version: newest.id,
            templates: document.templates,
            extensions,
        })
    }

    /// The IRI of its version: what statements name in `contextActivities.category`.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The IRIs of its templates, in their order.
    pub fn templates(&self) -> impl Iterator<Item = &str> {
        self.templates.iter().map(|template| template.id.as_str())
    }
}

fn check_templates(templates: &[Template], faults: &mut Faults) {
    for (i, template) in templates.iter().enumerate() {
        if template.object_statement_ref_template.is_some()
            && template.object_activity_type.is_some()
        {
            faults.tell(
                format!("/templates/{i}"),
                "template-object",
                "a template has objectActivityType or objectStatementRefTemplate, not both",
            );
        }
        for (j, rule) in template.rules.iter().enumerate() {
            let asks = rule.presence.is_some()
                || [&rule.any, &rule.all, &rule.none]
                    .iter()
                    .any(|values| values.is_some());
            if !asks {
                faults.tell(
                    format!("/templates/{i}/rules/{j}"),
                    "template-rule-asks",
                    "a rule has presence, any, all or none",
                );
            }
        }
    }
}

fn extensions(concepts: Vec<Concept>, faults: &mut Faults) -> HashMap<String, Extension> {
    let mut extensions = HashMap::new();
    for (i, concept) in concepts.into_iter().enumerate() {
        let Ok(kind) = ExtensionKind::deserialize(concept.kind) else {
            continue;
        };
        let schema = match concept.inline_schema.as_deref().map(compile) {
            Some(Some(schema)) => Some(schema),
            Some(None) => {
                faults.tell(
                    format!("/concepts/{i}/inlineSchema"),
                    "extension-schema",
                    "inlineSchema is a JSON Schema that stands by itself",
                );
                None
            }
            None => None,
        };
        extensions.insert(concept.id, Extension { kind, schema });
    }
    extensions
}

/// A schema of draft 7, as xAPI Profiles asks, that refers to nothing outside.
fn compile(schema: &str) -> Option<Validator> {
    let schema: Value = serde_json::from_str(schema).ok()?;
    jsonschema::options()
        .with_draft(Draft::Draft7)
        .offline()
        .build(&schema)
        .ok()
}

//! A statement against the templates of a profile (xAPI Profiles 1.0, Communication 2.1).

use std::borrow::Cow;

use serde::Serialize;
use serde_json::{Map, Value};

use super::document::{ExtensionKind, Presence, Profile, Template, TemplateRule};
use super::path::Found;
use super::rules::{self, ProfileRule};
use super::verbs;
use crate::fault::push_step;

/// How many faults, and how many pieces of advice, are told of a statement at most.
const MAX_TOLD: usize = 50;

/// The lists of context activities that a template may ask types of.
const CONTEXT_LISTS: [&str; 4] = ["grouping", "parent", "other", "category"];

/// One rule of the profile that a statement does not follow, and where.
///
/// As with [`Fault`](crate::Fault), no value of the statement is repeated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProfileFault {
    /// RFC 6901 pointer: to the value at fault, or to the nearest place where one is missing.
    pub pointer: String,
    /// Stable name of the rule, in kebab-case; all are in [`PROFILE_RULES`](super::PROFILE_RULES).
    pub rule: &'static str,
    /// Where the rule stands in xAPI Profiles.
    pub section: &'static str,
    /// IRI of the template that has the rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// The JSONPath of the rule, as the profile has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// What is wrong, in words, and what the profile says of it.
    pub detail: String,
}

impl ProfileFault {
    /// The same fault, seen from a document that holds the statement at `prefix`.
    #[must_use]
    pub fn under(mut self, prefix: &str) -> Self {
        self.pointer.insert_str(0, prefix);
        self
    }

    fn new(pointer: String, rule: &ProfileRule) -> Self {
        Self {
            pointer,
            rule: rule.name,
            section: rule.section,
            template: None,
            location: None,
            detail: rule.words.to_owned(),
        }
    }
}

/// What a profile says of a statement.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ProfileVerdict {
    /// IRIs of the templates whose determining properties the statement has.
    pub templates: Vec<String>,
    /// What it does not follow.
    pub faults: Vec<ProfileFault>,
    /// What is recommended and not there.
    pub advice: Vec<ProfileFault>,
}

impl ProfileVerdict {
    /// Whether the statement follows the profile.
    #[must_use]
    pub fn follows(&self) -> bool {
        self.faults.is_empty()
    }
}

impl Profile {
    /// Checks a statement against every template whose determining properties it has; one that has
    /// those of none does not follow the profile.
    ///
    /// A voiding statement belongs to xAPI itself and follows every profile. Of another statement
    /// that a template asks a `StatementRef` to point at, nothing is known here: that it is a
    /// `StatementRef` is what is checked.
    #[must_use]
    pub fn check(&self, statement: &Value) -> ProfileVerdict {
        let statement = &*normal(statement);
        let mut verdict = ProfileVerdict::default();
        if text(statement, "/verb/id") == Some(verbs::VOIDED) {
            return verdict;
        }
        let mut near_misses = Vec::new();
        for template in &self.templates {
            let lacking = lacking(template, statement);
            if lacking.is_empty() {
                verdict.templates.push(template.id.clone());
                follow(template, statement, &mut verdict);
            } else if !lacking.contains(&"verb") {
                near_misses.push((template, lacking));
            }
        }
        if verdict.templates.is_empty() {
            let mut fault = ProfileFault::new(String::new(), &rules::NO_TEMPLATE);
            for (template, lacking) in near_misses.iter().take(3) {
                let (id, lacking) = (&template.id, lacking.join(", "));
                fault.detail += &format!("; {id} has this verb, and lacking is: {lacking}");
            }
            verdict.faults.push(fault);
        }
        self.check_extensions(statement, &mut verdict);
        verdict.faults.truncate(MAX_TOLD);
        verdict.advice.truncate(MAX_TOLD);
        verdict
    }

    /// Structure 7.2: an extension of the profile stands where its kind belongs, and its value is as
    /// its schema says.
    fn check_extensions(&self, statement: &Value, verdict: &mut ProfileVerdict) {
        let mut look = |pointer: &str, kind: ExtensionKind| {
            let place = statement.pointer(pointer).and_then(Value::as_object);
            for (iri, value) in place.into_iter().flatten() {
                let Some(extension) = self.extensions.get(iri) else {
                    continue;
                };
                let rule = if extension.kind != kind {
                    &rules::EXTENSION_PLACE
                } else if let Some(schema) = &extension.schema
                    && !schema.is_valid(value)
                {
                    &rules::EXTENSION_VALUE
                } else {
                    continue;
                };
                let mut pointer = pointer.to_owned();
                push_step(&mut pointer, iri);
                verdict.faults.push(ProfileFault::new(pointer, rule));
            }
        };
        look("/context/extensions", ExtensionKind::Context);
        look("/result/extensions", ExtensionKind::Result);
        look("/object/definition/extensions", ExtensionKind::Activity);
        for list in CONTEXT_LISTS {
            let list = format!("/context/contextActivities/{list}");
            let length = statement
                .pointer(&list)
                .and_then(Value::as_array)
                .map_or(0, Vec::len);
            for index in 0..length {
                let pointer = format!("{list}/{index}/definition/extensions");
                look(&pointer, ExtensionKind::Activity);
            }
        }
    }
}

/// The statement with single context activities as arrays, which the paths of a profile count on.
fn normal(statement: &Value) -> Cow<'_, Value> {
    let is_single = |context: Option<&Value>| {
        context
            .and_then(|context| context.get("contextActivities")?.as_object())
            .is_some_and(|lists| lists.values().any(Value::is_object))
    };
    let (own, inner) = ("/context", "/object/context");
    if !is_single(statement.pointer(own)) && !is_single(statement.pointer(inner)) {
        return Cow::Borrowed(statement);
    }
    let mut statement = statement.clone();
    for context in [own, inner] {
        let lists = statement
            .pointer_mut(context)
            .and_then(|context| context.get_mut("contextActivities")?.as_object_mut());
        for list in lists.into_iter().flat_map(Map::values_mut) {
            if list.is_object() {
                *list = Value::Array(vec![list.take()]);
            }
        }
    }
    Cow::Owned(statement)
}

fn text<'v>(statement: &'v Value, pointer: &str) -> Option<&'v str> {
    statement.pointer(pointer)?.as_str()
}

/// The determining properties of a template that a statement does not have.
fn lacking(template: &Template, statement: &Value) -> Vec<&'static str> {
    let mut lacking = Vec::new();
    let is = |wanted: &Option<String>, pointer: &str| {
        wanted
            .as_deref()
            .is_none_or(|wanted| text(statement, pointer) == Some(wanted))
    };
    if !is(&template.verb, "/verb/id") {
        return vec!["verb"];
    }
    if !is(&template.object_activity_type, "/object/definition/type") {
        lacking.push("objectActivityType");
    }
    let lists = [
        (
            "contextGroupingActivityType",
            &template.context_grouping_activity_type,
            "/context/contextActivities/grouping",
            "/definition/type",
        ),
        (
            "contextParentActivityType",
            &template.context_parent_activity_type,
            "/context/contextActivities/parent",
            "/definition/type",
        ),
        (
            "contextOtherActivityType",
            &template.context_other_activity_type,
            "/context/contextActivities/other",
            "/definition/type",
        ),
        (
            "contextCategoryActivityType",
            &template.context_category_activity_type,
            "/context/contextActivities/category",
            "/definition/type",
        ),
        (
            "attachmentUsageType",
            &template.attachment_usage_type,
            "/attachments",
            "/usageType",
        ),
    ];
    for (name, wanted, list, inside) in lists {
        let there = statement.pointer(list).and_then(Value::as_array);
        let has = |iri: &String| {
            there
                .into_iter()
                .flatten()
                .any(|element| text(element, inside) == Some(iri))
        };
        if !wanted.iter().all(has) {
            lacking.push(name);
        }
    }
    lacking
}

/// The rules of a template that matches.
fn follow(template: &Template, statement: &Value, verdict: &mut ProfileVerdict) {
    for (wanted, place) in [
        (&template.object_statement_ref_template, "/object"),
        (
            &template.context_statement_ref_template,
            "/context/statement",
        ),
    ] {
        let kind = text(statement, &format!("{place}/objectType"));
        if wanted.is_some() && kind != Some("StatementRef") {
            let mut fault = ProfileFault::new(place.to_owned(), &rules::STATEMENT_REF);
            fault.template = Some(template.id.clone());
            verdict.faults.push(fault);
        }
    }
    for rule in &template.rules {
        let mut follow = Follow {
            template,
            rule,
            verdict: &mut *verdict,
        };
        follow.rule(statement);
    }
}

/// What a rule is applied to.
enum Evaluated<'v> {
    Value(Found<'v>),
    /// Something is at the location, and the selector finds nothing in it.
    Unmatchable(String),
}

struct Follow<'a> {
    template: &'a Template,
    rule: &'a TemplateRule,
    verdict: &'a mut ProfileVerdict,
}

impl Follow<'_> {
    fn rule(&mut self, statement: &Value) {
        let rule = self.rule;
        let evaluated = evaluate(rule, statement);
        let values: Vec<&Found<'_>> = evaluated
            .iter()
            .filter_map(|one| match one {
                Evaluated::Value(found) => Some(found),
                Evaluated::Unmatchable(_) => None,
            })
            .collect();
        let unmatchable: Vec<&String> = evaluated
            .iter()
            .filter_map(|one| match one {
                Evaluated::Value(_) => None,
                Evaluated::Unmatchable(pointer) => Some(pointer),
            })
            .collect();
        let nearest = || rule.location.nearest(statement);
        match rule.presence {
            Some(Presence::Excluded) => {
                // The other requirements are for values that may be there.
                for value in values {
                    self.tell(value.pointer.clone(), &rules::EXCLUDED);
                }
                return;
            }
            Some(Presence::Recommended) if values.is_empty() => {
                let advice = self.fault(nearest(), &rules::RECOMMENDED);
                return self.verdict.advice.push(advice);
            }
            Some(Presence::Included) if values.is_empty() && unmatchable.is_empty() => {
                return self.tell(nearest(), &rules::INCLUDED);
            }
            Some(Presence::Included) => {
                for pointer in &unmatchable {
                    self.tell((*pointer).clone(), &rules::INCLUDED);
                }
            }
            Some(Presence::Recommended) | None => {}
        }
        self.values(&values, &unmatchable, nearest());
    }

    /// `any`, `all`, `none`.
    fn values(&mut self, values: &[&Found<'_>], unmatchable: &[&String], nearest: String) {
        let is_in = |list: &[Value], value: &Value| list.iter().any(|one| same_json(one, value));
        if let Some(any) = &self.rule.any
            && !values.iter().any(|found| is_in(any, found.value))
        {
            self.tell(nearest, &rules::ANY);
        }
        if let Some(all) = &self.rule.all {
            for found in values.iter().filter(|found| !is_in(all, found.value)) {
                self.tell(found.pointer.clone(), &rules::ALL);
            }
            // Told already where a value must be there.
            if self.rule.presence != Some(Presence::Included) {
                for pointer in unmatchable {
                    self.tell((*pointer).clone(), &rules::ALL);
                }
            }
        }
        if let Some(none) = &self.rule.none {
            for found in values.iter().filter(|found| is_in(none, found.value)) {
                self.tell(found.pointer.clone(), &rules::NONE);
            }
        }
    }

    fn tell(&mut self, pointer: String, rule: &ProfileRule) {
        let fault = self.fault(pointer, rule);
        if self.verdict.faults.len() < MAX_TOLD {
            self.verdict.faults.push(fault);
        }
    }

    fn fault(&self, pointer: String, rule: &ProfileRule) -> ProfileFault {
        let location = match &self.rule.selector {
            None => self.rule.location.as_str().to_owned(),
            Some(selector) => format!("{} ; {}", self.rule.location.as_str(), selector.as_str()),
        };
        let mut detail = format!("{} ({location})", rule.words);
        if let Some(note) = self.rule.note() {
            detail += ": ";
            detail += note;
        }
        ProfileFault {
            template: Some(self.template.id.clone()),
            location: Some(location),
            detail,
            ..ProfileFault::new(pointer, rule)
        }
    }
}

fn evaluate<'v>(rule: &TemplateRule, statement: &'v Value) -> Vec<Evaluated<'v>> {
    let located = rule.location.find(statement);
    let Some(selector) = &rule.selector else {
        return located.into_iter().map(Evaluated::Value).collect();
    };
    let mut evaluated = Vec::new();
    for outer in located {
        let selected = selector.find(outer.value);
        if selected.is_empty() {
            evaluated.push(Evaluated::Unmatchable(outer.pointer));
            continue;
        }
        evaluated.extend(selected.into_iter().map(|inner| {
            Evaluated::Value(Found {
                pointer: format!("{}{}", outer.pointer, inner.pointer),
                value: inner.value,
            })
        }));
    }
    evaluated
}

/// Whether two values are the same JSON: 1 is 1.0, and the order of members does not matter.
fn same_json(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(x), Value::Number(y)) => x == y || x.as_f64() == y.as_f64(),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_json(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter()
                    .all(|(key, a)| b.get(key).is_some_and(|b| same_json(a, b)))
        }
        _ => a == b,
    }
}

#[cfg(test)]
mod tests;

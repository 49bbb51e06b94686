//! What holds for every operation, said in one place: its id, the form of its parameters, the problems
//! that it may answer, and the contracts of statements.

use schemas::xapi;
use serde_json::{Map, Value, json};
use service::error::{Broken, ProblemBody};
use utoipa::PartialSchema;

use super::METHODS;

/// What `X-Experience-API-Version` may say (`schemas::xapi::XapiVersion`).
const VERSION: &str = r"^(1\.0|2\.0)(\.[0-9A-Za-z.+-]+)?$";

const EXAMPLE_IRI: &str = "https://example.org/maths/0001/q/3";

/// Completes a merged description.
pub(super) fn complete(document: &mut Value) {
    contracts(&mut document["components"]["schemas"]);
    for (path, item) in members(&mut document["paths"]) {
        if path.starts_with("/xapi/") {
            head(item);
        }
        statements(path, item);
        for method in METHODS {
            if let Some(operation) = item.get_mut(method) {
                operation["operationId"] = id(method, path).into();
                parameters(path, operation);
                problems(path, operation);
                if method == "head" {
                    without_content(operation);
                }
            }
        }
    }
}

fn members(object: &mut Value) -> impl Iterator<Item = (&String, &mut Value)> {
    object.as_object_mut().into_iter().flatten()
}

/// `get_api_v1_classes_key_mastery`: the names of the functions behind are not unique.
fn id(method: &str, path: &str) -> String {
    let words: Vec<&str> = path
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    format!("{method}_{}", words.join("_"))
}

/// The resources of xAPI answer HEAD wherever they answer GET.
fn head(item: &mut Value) {
    if let Some(mut head) = item.get("get").cloned() {
        head["summary"] = "The same without its content.".into();
        item["head"] = head;
    }
}

fn without_content(operation: &mut Value) {
    for (_, response) in members(&mut operation["responses"]) {
        members_of(response).remove("content");
    }
}

fn members_of(value: &mut Value) -> &mut Map<String, Value> {
    value
        .as_object_mut()
        .expect("a response of a description is an object")
}

/// The problem, and the published schemas of xAPI under names of this document.
fn contracts(components: &mut Value) {
    components["Problem"] = schema::<ProblemBody<'static>>();
    components["Broken"] = schema::<Broken>();
    for (file, text) in xapi::published() {
        let mut schema: Value = serde_json::from_str(text).expect("the published schemas are JSON");
        localize(file, &mut schema);
        for member in ["$schema", "$id"] {
            members_of(&mut schema).remove(member);
        }
        components[component(file)] = schema;
    }
    let of = |file: &str| reference(&component(file));
    components["Statement"] = json!({
        "description": "A statement, by the version that the request speaks.",
        "anyOf": [of("statement-2.0.0.json"), of("statement-1.0.3.json")],
    });
    components["StatementResult"] = json!({
        "type": "object",
        "required": ["statements", "more"],
        "properties": {
            "statements": { "type": "array", "items": reference("Statement") },
            "more": { "type": "string", "description": "Where the next page is; empty: there is none." },
        },
    });
}

fn schema<T: PartialSchema>() -> Value {
    serde_json::to_value(T::schema()).expect("a schema is JSON")
}

fn component(file: &str) -> String {
    format!("xapi.{}", file.trim_end_matches(".json"))
}

fn reference(component: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{component}") })
}

/// References between files become references between components.
fn localize(file: &str, schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            for (name, value) in members {
                match value {
                    Value::String(target) if name == "$ref" => *target = local(file, target),
                    value => localize(file, value),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| localize(file, item)),
        _ => {}
    }
}

fn local(file: &str, target: &str) -> String {
    let (other, inside) = target.split_once('#').unwrap_or((target, ""));
    let file = if other.is_empty() { file } else { other };
    format!("#/components/schemas/{}{inside}", component(file))
}

/// The bodies that are statements.
fn statements(path: &str, item: &mut Value) {
    let one = || reference("Statement");
    let many = || json!({ "oneOf": [one(), { "type": "array", "items": one() }] });
    let body = "/requestBody/content/application~1json";
    let page = "/responses/200/content/application~1json";
    let read = || json!({ "anyOf": [reference("StatementResult"), one()] });
    let places = match path {
        "/xapi/statements" => vec![
            ("put", body, one()),
            ("post", body, many()),
            ("get", page, read()),
        ],
        "/api/v1/statements/validate" => vec![("post", body, many())],
        _ => Vec::new(),
    };
    for (method, pointer, schema) in places {
        if let Some(content) = item[method].pointer_mut(pointer) {
            content["schema"] = schema;
            if method != "get" {
                content["example"] = example();
            }
        }
    }
}

/// An answer of a pupil.
fn example() -> Value {
    json!({
        "actor": { "account": { "homePage": "https://example.org", "name": "0001" } },
        "verb": { "id": "http://adlnet.gov/expapi/verbs/answered" },
        "object": { "id": EXAMPLE_IRI },
        "result": { "success": true },
        "timestamp": "2026-03-27T18:59:00+01:00",
    })
}

/// The form of each parameter that has one, by its name. None is ever null: it is left out.
fn parameters(path: &str, operation: &mut Value) {
    let given = operation
        .get_mut("parameters")
        .and_then(Value::as_array_mut);
    for parameter in given.into_iter().flatten() {
        let name = parameter["name"].as_str().unwrap_or_default().to_owned();
        if name == "agent" {
            // JSON in a query: described as such.
            members_of(parameter).remove("schema");
            let actor = match path {
                "/xapi/agents" | "/xapi/agents/profile" => "xapi.actor/$defs/agent",
                _ => "xapi.actor",
            };
            let example =
                json!({ "account": { "homePage": "https://example.org", "name": "0001" } });
            let content = json!({ "schema": reference(actor), "example": example });
            parameter["content"] = json!({ "application/json": content });
        } else if let Some(schema) = form(path, &name) {
            if schema["format"] == "iri" {
                parameter["example"] = EXAMPLE_IRI.into();
            }
            parameter["schema"] = schema;
        } else {
            not_null(&mut parameter["schema"]);
        }
    }
}

fn form(path: &str, name: &str) -> Option<Value> {
    let text = |format: &str| Some(json!({ "type": "string", "format": format }));
    match name {
        "X-Experience-API-Version" | "version" => {
            Some(json!({ "type": "string", "pattern": VERSION }))
        }
        "statementId" | "voidedStatementId" | "registration" | "evaluation" => text("uuid"),
        "key" if !path.starts_with("/api/v1/credentials/") => text("uuid"),
        "since" | "until" | "as_of" => text("date-time"),
        "verb" | "activity" | "activityId" | "competency" => text("iri"),
        "fit" => Some(json!({ "type": "integer", "minimum": 1 })),
        "days" => Some(json!({ "type": "integer", "enum": [1, 7, 28] })),
        "audience" => Some(json!({
            "type": "string", "enum": ["pupil", "parent", "teacher", "auditor"],
        })),
        "format" => Some(json!({ "type": "string", "enum": ["exact", "ids", "canonical"] })),
        "limit" if path.starts_with("/xapi/") => Some(json!({ "type": "integer", "minimum": 0 })),
        "limit" => {
            Some(json!({ "type": "integer", "minimum": 1, "maximum": recommender::LIST_MAX }))
        }
        _ => None,
    }
}

fn not_null(schema: &mut Value) {
    if let Some(types) = schema.get_mut("type")
        && let Some(first) = types
            .as_array()
            .and_then(|all| all.iter().find(|one| **one != "null"))
    {
        *types = first.clone();
    }
}

/// The answers of refusals, each a problem.
fn problems(path: &str, operation: &mut Value) {
    let expected = expected(path, operation);
    let responses = &mut operation["responses"];
    for (status, meaning) in expected {
        if responses.get(status).is_none() {
            responses[status] = json!({ "description": meaning });
        }
    }
    for (status, response) in members(responses) {
        // What the parser of HTTP refuses has no content to rely on.
        let refusal = status.starts_with(['4', '5']) && status != "431";
        let other = response
            .get("content")
            .and_then(Value::as_object)
            .is_some_and(|content| !content.contains_key("application/problem+json"));
        if refusal && !other {
            let schema = reference("Problem");
            response["content"] = json!({ "application/problem+json": { "schema": schema } });
        }
        if matches!(status.as_str(), "429" | "503") {
            response["headers"]["Retry-After"] = json!({
                "description": "Seconds to wait before the same is sent again.",
                "required": true,
                "schema": { "type": "integer", "minimum": 0 },
            });
        }
    }
}

/// Which refusals an operation may answer besides its own, and what each means.
fn expected(path: &str, operation: &Value) -> Vec<(&'static str, &'static str)> {
    let secured = operation.get("security").is_none();
    let body = operation.get("requestBody").is_some();
    let parameters = operation.get("parameters").is_some();
    let when = |holds: bool, answers: &[(&'static str, &'static str)]| {
        if holds { answers.to_vec() } else { Vec::new() }
    };
    [
        when(
            parameters || body,
            &[("400", "which field, which rule, which section")],
        ),
        when(
            secured,
            &[("401", "no credential or token, or not a valid one")],
        ),
        when(
            !path.starts_with("/health/"),
            &[(
                "403",
                "the caller may not do this; or it was not sent over TLS, nor through a trusted proxy",
            )],
        ),
        when(path.contains('{'), &[("404", "there is none of this name")]),
        when(
            body,
            &[
                ("408", "the body took too long to arrive"),
                ("413", "the body is too large"),
                ("415", "a media type or a content encoding that is not taken"),
            ],
        ),
        when(secured, &[("429", "too many requests of this credential")]),
        vec![("431", "the head of the request is too large")],
        when(
            secured,
            &[("503", "no room now, or the database does not answer")],
        ),
    ]
    .concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_the_method_and_the_words_of_the_path() {
        assert_eq!(
            id("get", "/api/v1/classes/{key}/x-y"),
            "get_api_v1_classes_key_x_y"
        );
    }

    #[test]
    fn references_stay_inside_the_document() {
        let here = "#/components/schemas/xapi.";
        for (target, local) in [
            ("types.json#/$defs/uuid", "types/$defs/uuid"),
            ("#/$defs/rules", "verb/$defs/rules"),
            ("actor.json", "actor"),
        ] {
            assert_eq!(super::local("verb.json", target), format!("{here}{local}"));
        }
    }

    #[test]
    fn a_parameter_is_left_out_and_never_null() {
        let mut schema = json!({ "type": ["null", "boolean"] });
        not_null(&mut schema);
        assert_eq!(schema, json!({ "type": "boolean" }));
    }
}

//! `GET /api/openapi.json`, and the same as a page: `GET /api`. Open to everybody.

mod complete;

use std::fmt::Write as _;

use actix_web::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY};
use actix_web::{HttpResponse, web};
use serde_json::{Map, Value};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::{Modify, OpenApi};

use super::{health, published, read_only};
use crate::services::Services;

const METHODS: [&str; 6] = ["get", "head", "put", "post", "delete", "patch"];

/// What belongs to no service.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Sillage",
        description = "Learning Record Store (xAPI 1.0.3 and 2.0), mastery per pupil and class, next activities.\n\n\
            Callers send HTTP Basic with the key and secret of a credential, or a bearer token of the \
            OpenID provider, where one is set; health, schemas, this \
            page and xAPI's `about` are open. Every answer that is not a success is an \
            `application/problem+json` that names the rule and the place.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    paths(health::live, health::ready, published::index, published::schema),
    modifiers(&Identified),
)]
struct Common;

/// A credential or a token, for every path that does not say otherwise.
struct Identified;

impl Modify for Identified {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let schemes = [
            ("basic", HttpAuthScheme::Basic),
            ("bearer", HttpAuthScheme::Bearer),
        ];
        let components = document.components.get_or_insert_default();
        for (name, scheme) in schemes.clone() {
            let scheme = HttpBuilder::new().scheme(scheme).build();
            components.add_security_scheme(name, SecurityScheme::Http(scheme));
        }
        let one_of =
            schemes.map(|(name, _)| SecurityRequirement::new(name, std::iter::empty::<String>()));
        document.security = Some(one_of.to_vec());
    }
}

/// The description of this process's resources.
fn of_services(services: &Services) -> Value {
    let mut parts = vec![service::http::credentials::openapi()];
    parts.extend(services.lrs.as_ref().map(|_| lrs::openapi()));
    parts.extend(services.analytics.as_ref().map(|_| analytics::openapi()));
    parts.extend(
        services
            .recommender
            .as_ref()
            .map(|_| recommender::openapi()),
    );
    document(parts)
}

/// What belongs to no service, and the parts of those that run.
fn document(parts: Vec<utoipa::openapi::OpenApi>) -> Value {
    let mut document = Common::openapi();
    for part in parts {
        document.merge(part);
    }
    let mut document = serde_json::to_value(document).expect("a description is JSON");
    complete::complete(&mut document);
    document
}

pub(super) fn routes(services: &Services, cfg: &mut web::ServiceConfig) {
    let document = of_services(services);
    let page = page(&document);
    let json = document.to_string();
    cfg.service(read_only(
        "/api/openapi.json",
        web::get().to(move || answer("application/json", json.clone())),
    ))
    .service(read_only(
        "/api",
        web::get().to(move || answer("text/html; charset=utf-8", page.clone())),
    ));
}

async fn answer(content_type: &'static str, body: String) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "no-cache"))
        // The page needs nothing but itself.
        .insert_header((
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'",
        ))
        .content_type(content_type)
        .body(body)
}

/// The description as a page: one heading, one section per tag, one article per operation; it reads
/// without style, without script and by keyboard.
fn page(document: &Value) -> String {
    let mut html = String::with_capacity(64 * 1024);
    let title = text(&document["info"]["title"]);
    let version = text(&document["info"]["version"]);
    push(
        &mut html,
        format_args!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <title>{title} {version}: API</title>\n<style>{STYLE}</style>\n</head>\n<body>\n\
             <a class=\"skip\" href=\"#main\">Skip to the content</a>\n\
             <header><h1>{title} {version}</h1>{}\
             <p>For programs: <a href=\"/api/openapi.json\">openapi.json</a>. \
             Contracts: <a href=\"/schemas\">schemas</a>.</p></header>\n",
            paragraphs(document["info"]["description"].as_str()),
        ),
    );
    let groups = groups(document);
    html.push_str("<nav aria-label=\"Contents\"><ul>\n");
    for (tag, operations) in &groups {
        let name = escape(tag);
        push(
            &mut html,
            format_args!(
                "<li><a href=\"#{name}\">{name}</a> ({})</li>\n",
                operations.len()
            ),
        );
    }
    html.push_str("</ul></nav>\n<main id=\"main\">\n");
    for (tag, operations) in &groups {
        let name = escape(tag);
        push(
            &mut html,
            format_args!("<section id=\"{name}\"><h2>{name}</h2>\n"),
        );
        for operation in operations {
            push_operation(&mut html, operation);
        }
        html.push_str("</section>\n");
    }
    html.push_str("</main>\n</body>\n</html>\n");
    html
}

struct Operation<'a> {
    method: &'static str,
    path: &'a str,
    says: &'a Value,
}

/// The operations by their first tag, in the order of the tags' names.
fn groups(document: &Value) -> Vec<(&str, Vec<Operation<'_>>)> {
    let mut groups = std::collections::BTreeMap::<&str, Vec<Operation<'_>>>::new();
    let paths = document["paths"].as_object().into_iter().flatten();
    for (path, item) in paths {
        for method in METHODS {
            let Some(says) = item.get(method) else {
                continue;
            };
            let tag = says["tags"][0].as_str().unwrap_or("other");
            groups
                .entry(tag)
                .or_default()
                .push(Operation { method, path, says });
        }
    }
    groups.into_iter().collect()
}

fn push_operation(html: &mut String, operation: &Operation<'_>) {
    let says = operation.says;
    push(
        html,
        format_args!(
            "<article><h3><code>{} {}</code></h3>\n{}{}",
            operation.method.to_uppercase(),
            escape(operation.path),
            paragraphs(says["summary"].as_str()),
            paragraphs(says["description"].as_str()),
        ),
    );
    let parameters: Vec<[String; 3]> = says["parameters"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|parameter| {
            let required = parameter["required"].as_bool().unwrap_or(false);
            let place = text(&parameter["in"]);
            [
                format!("<code>{}</code>", text(&parameter["name"])),
                format!(
                    "{place}, {}",
                    if required { "required" } else { "optional" }
                ),
                text(&parameter["description"]),
            ]
        })
        .collect();
    push_table(
        html,
        "Parameters",
        ["name", "where", "meaning"],
        &parameters,
    );
    let bodies: Vec<[String; 3]> = media_types(&says["requestBody"])
        .map(|kind| {
            let meaning = text(&says["requestBody"]["description"]);
            [
                format!("<code>{}</code>", escape(kind)),
                String::new(),
                meaning,
            ]
        })
        .collect();
    push_table(html, "Body", ["media type", "", "meaning"], &bodies);
    let responses: Vec<[String; 3]> = says["responses"]
        .as_object()
        .unwrap_or(&Map::new())
        .iter()
        .map(|(status, response)| {
            let kinds: Vec<String> = media_types(response).map(escape).collect();
            [
                escape(status),
                kinds.join(", "),
                text(&response["description"]),
            ]
        })
        .collect();
    push_table(
        html,
        "Answers",
        ["status", "media type", "meaning"],
        &responses,
    );
    html.push_str("</article>\n");
}

/// A table whose columns without a heading are left out; none without rows.
fn push_table(html: &mut String, caption: &str, headings: [&str; 3], rows: &[[String; 3]]) {
    if rows.is_empty() {
        return;
    }
    push(
        html,
        format_args!("<table><caption>{caption}</caption><thead><tr>"),
    );
    for heading in headings.iter().filter(|heading| !heading.is_empty()) {
        push(html, format_args!("<th scope=\"col\">{heading}</th>"));
    }
    html.push_str("</tr></thead><tbody>\n");
    for row in rows {
        html.push_str("<tr>");
        for (cell, heading) in row.iter().zip(headings) {
            if !heading.is_empty() {
                push(html, format_args!("<td>{cell}</td>"));
            }
        }
        html.push_str("</tr>\n");
    }
    html.push_str("</tbody></table>\n");
}

fn media_types(holder: &Value) -> impl Iterator<Item = &str> {
    holder["content"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(kind, _)| kind.as_str())
}

/// Blank lines part paragraphs.
fn paragraphs(prose: Option<&str>) -> String {
    prose
        .unwrap_or_default()
        .split("\n\n")
        .filter(|paragraph| !paragraph.trim().is_empty())
        .fold(String::new(), |mut html, paragraph| {
            push(&mut html, format_args!("<p>{}</p>\n", escape(paragraph)));
            html
        })
}

fn text(value: &Value) -> String {
    escape(value.as_str().unwrap_or_default())
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

fn push(html: &mut String, arguments: std::fmt::Arguments<'_>) {
    html.write_fmt(arguments)
        .expect("writing to a string does not fail");
}

/// Contrast 7:1 and more; sizes follow the reader's own.
const STYLE: &str = "\
body{font:1rem/1.5 system-ui,sans-serif;color:#1b1b1b;background:#fff;max-width:60rem;margin:0 auto;padding:1rem}\
a{color:#003a8c}a:focus{outline:3px solid #003a8c}\
.skip{position:absolute;left:-100rem}.skip:focus{position:static}\
article{border-top:1px solid #767676;padding:.5rem 0}\
table{border-collapse:collapse;width:100%;margin:.5rem 0}caption{text-align:left;font-weight:bold}\
th,td{border:1px solid #767676;padding:.25rem .5rem;text-align:left;vertical-align:top}\
code{font-size:1em}";

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    #[test]
    fn the_page_shows_every_operation_and_no_markup_of_others() {
        let document = serde_json::json!({
            "info": { "title": "T", "version": "1", "description": "one\n\ntwo <b>" },
            "paths": { "/a/{key}": {
                "get": {
                    "tags": ["x"], "summary": "Reads <script>.",
                    "parameters": [{ "name": "key", "in": "path", "required": true, "description": "which" }],
                    "responses": { "200": { "description": "it", "content": { "application/json": {} } } },
                },
                "put": { "responses": {} },
            } },
        });
        let page = page(&document);
        for part in [
            "<code>GET /a/{key}</code>",
            "<code>PUT /a/{key}</code>",
            "Reads &lt;script&gt;.",
            "<p>two &lt;b&gt;</p>",
            "<td>path, required</td>",
            "<section id=\"other\">",
            "lang=\"en\"",
        ] {
            assert!(page.contains(part), "{part} is not in\n{page}");
        }
        assert!(!page.contains("<script>"));
    }

    fn parts() -> Vec<utoipa::openapi::OpenApi> {
        vec![
            service::http::credentials::openapi(),
            lrs::openapi(),
            analytics::openapi(),
            recommender::openapi(),
        ]
    }

    /// Every operation as `METHOD path`, with what is said of it.
    fn operations(document: &Value) -> Vec<(String, &Value)> {
        let mut all = Vec::new();
        for (_, operations) in groups(document) {
            for operation in operations {
                let name = format!("{} {}", operation.method, operation.path);
                all.push((name, operation.says));
            }
        }
        all
    }

    /// Every `$ref` below.
    fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
        match value {
            Value::Object(members) => {
                for (name, value) in members {
                    match value {
                        Value::String(target) if name == "$ref" => found.push(target),
                        value => references(value, found),
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => {}
        }
    }

    #[test]
    fn no_two_operations_have_one_id() {
        let document = document(parts());
        let operations = operations(&document);
        assert!(operations.len() > 45, "{}", operations.len());
        let ids: BTreeSet<&str> = operations
            .iter()
            .filter_map(|(_, says)| says["operationId"].as_str())
            .collect();
        assert_eq!(ids.len(), operations.len());
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let document = document(parts());
        let mut found = Vec::new();
        references(&document, &mut found);
        assert!(found.len() > 100, "{}", found.len());
        for target in found {
            let inside = target.strip_prefix('#').unwrap_or(target);
            assert!(document.pointer(inside).is_some(), "{target}");
        }
    }

    #[test]
    fn no_two_schemas_of_different_services_have_one_name() {
        let mut known: BTreeMap<String, Value> = BTreeMap::new();
        for part in parts().into_iter().chain([Common::openapi()]) {
            let schemas = part.components.map(|components| components.schemas);
            for (name, schema) in schemas.into_iter().flatten() {
                let schema = serde_json::to_value(schema).expect("a schema is JSON");
                if let Some(other) = known.insert(name.clone(), schema.clone()) {
                    assert_eq!(other, schema, "{name}");
                }
            }
        }
        assert!(known.contains_key("FrameworkInForce") && known.contains_key("CatalogueInForce"));
    }

    #[test]
    fn every_operation_says_what_a_refusal_is() {
        let document = document(parts());
        for (name, says) in operations(&document) {
            let answers = says["responses"].as_object().expect("answers");
            let open = says.get("security").is_some();
            for status in ["401", "429", "503"] {
                let own = name == "get /health/ready" && status == "503";
                assert_eq!(
                    answers.contains_key(status),
                    !open || own,
                    "{name}: {status}"
                );
            }
            for status in ["408", "413", "415"] {
                let body = says.get("requestBody").is_some();
                assert_eq!(answers.contains_key(status), body, "{name}: {status}");
            }
            for (status, answer) in answers {
                let told = &answer["content"]["application/problem+json"]["schema"]["$ref"];
                let refusal = status.starts_with(['4', '5']) && status != "431";
                let own = name == "get /health/ready" && status == "503";
                let expected = refusal && !own && !name.starts_with("head ");
                assert_eq!(
                    *told == "#/components/schemas/Problem",
                    expected,
                    "{name}: {status}"
                );
            }
            assert!(answers.contains_key("431"), "{name}");
        }
    }

    #[test]
    fn xapi_is_described_as_it_is_served() {
        let document = document(parts());
        let paths = &document["paths"];
        for (path, item) in paths.as_object().expect("paths") {
            let both = path.starts_with("/xapi/") && item.get("get").is_some();
            assert_eq!(item.get("head").is_some(), both, "{path}");
        }
        let statements = &paths["/xapi/statements"];
        for content in [
            &statements["post"]["requestBody"]["content"],
            &statements["put"]["requestBody"]["content"],
            &statements["get"]["responses"]["200"]["content"],
        ] {
            let mut kinds: Vec<&String> = content.as_object().expect("content").keys().collect();
            kinds.sort_unstable();
            assert_eq!(kinds, ["application/json", "multipart/mixed"]);
            assert!(
                content["application/json"]["schema"]
                    .to_string()
                    .contains("Statement")
            );
        }
        for (name, says) in operations(&document) {
            for parameter in says["parameters"].as_array().into_iter().flatten() {
                let form = if parameter["name"] == "agent" {
                    &parameter["content"]["application/json"]["schema"]
                } else {
                    &parameter["schema"]
                };
                assert!(
                    form["type"].is_string() || form["$ref"].is_string(),
                    "{name}: {parameter}"
                );
                assert!(parameter["description"].is_string(), "{name}: {parameter}");
            }
        }
        let schemas = &document["components"]["schemas"];
        assert_eq!(schemas["Scope"]["enum"].as_array().map(Vec::len), Some(8));
        assert_eq!(
            schemas["Problem"]["required"],
            serde_json::json!(["type", "title", "status", "code", "detail"])
        );
    }

    #[test]
    fn the_resources_of_xapi_are_described_beside_the_others() {
        let document = document(parts());
        let page = page(&document);
        for operation in [
            "POST /xapi/statements",
            "HEAD /xapi/agents",
            "GET /health/ready",
        ] {
            assert!(
                page.contains(&format!("<code>{operation}</code>")),
                "{operation}"
            );
        }
    }

    #[test]
    fn the_common_description_names_the_licence_and_the_credential() {
        let document = serde_json::to_value(Common::openapi()).expect("a description is JSON");
        assert_eq!(document["info"]["license"]["name"], "Apache-2.0");
        assert_eq!(
            document["components"]["securitySchemes"]["basic"]["scheme"],
            "basic"
        );
    }
}

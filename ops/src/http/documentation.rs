//! `GET /api/openapi.json`, and the same as a page: `GET /api`. Open to everybody.

use std::fmt::Write as _;

use actix_web::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY};
use actix_web::{HttpResponse, web};
use serde_json::{Map, Value};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::{Modify, OpenApi};

use super::{health, published};
use crate::services::Services;

const METHODS: [&str; 5] = ["get", "put", "post", "delete", "patch"];

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
fn document(services: &Services) -> Value {
    let mut document = Common::openapi();
    document.merge(service::http::credentials::openapi());
    if services.lrs.is_some() {
        document.merge(lrs::openapi());
    }
    if services.analytics.is_some() {
        document.merge(analytics::openapi());
    }
    if services.recommender.is_some() {
        document.merge(recommender::openapi());
    }
    serde_json::to_value(document).expect("a description is JSON")
}

pub(super) fn routes(services: &Services, cfg: &mut web::ServiceConfig) {
    let document = document(services);
    let page = page(&document);
    let json = document.to_string();
    cfg.route(
        "/api/openapi.json",
        web::get().to(move || answer("application/json", json.clone())),
    )
    .route(
        "/api",
        web::get().to(move || answer("text/html; charset=utf-8", page.clone())),
    );
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

    #[test]
    fn the_resources_of_xapi_are_described_beside_the_others() {
        let mut document = Common::openapi();
        document.merge(service::http::credentials::openapi());
        document.merge(lrs::openapi());
        let document = serde_json::to_value(document).expect("a description is JSON");
        let page = page(&document);
        for operation in ["POST /xapi/statements", "GET /health/ready"] {
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

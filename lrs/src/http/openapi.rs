//! What the LRS's part of `/api/openapi.json` says.
//!
//! The handlers read queries that the specification gives and `actix-web` has no types for, so what
//! they take is described here, in one place, beside the routes.
#![expect(
    dead_code,
    reason = "the functions stand for the routes: their attributes are read, they never run"
)]

use utoipa::OpenApi;

/// What the part of the LRS of `/api/openapi.json` says.
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    Documented::openapi().merge_from(super::documents::openapi::openapi())
}

#[derive(OpenApi)]
#[openapi(paths(put, post, get, about, validate, profile_warnings))]
struct Documented;

/// Stores one statement under the id in the query.
#[utoipa::path(
    put,
    path = "/xapi/statements",
    tag = "xapi",
    params(
        ("statementId" = String, Query, description = "Id of the statement, a UUID"),
        ("X-Experience-API-Version" = String, Header, description = "1.0.x or 2.0.x"),
    ),
    request_body(
        content((Object = "application/json"), ("multipart/mixed")),
        description = "One Statement; or multipart/mixed with it as the first part and the contents of its attachments after it",
    ),
    responses(
        (status = 204, description = "committed"),
        (status = 400, description = "which field, which rule, which section; another media type than these", content_type = "application/problem+json"),
        (status = 409, description = "the id is taken by a statement of other content", content_type = "application/problem+json"),
        (status = 413, description = "the body, or an attachment, is too large", content_type = "application/problem+json"),
        (status = 415, description = "a content encoding other than gzip, deflate and zstd", content_type = "application/problem+json"),
        (status = 503, description = "no room now: try again after Retry-After", content_type = "application/problem+json"),
    ),
)]
fn put() {}

/// Stores one statement or an array of them, all or none, and answers their ids in their order.
#[utoipa::path(
    post,
    path = "/xapi/statements",
    tag = "xapi",
    params(("X-Experience-API-Version" = String, Header, description = "1.0.x or 2.0.x")),
    request_body(
        content((Object = "application/json"), ("multipart/mixed")),
        description = "A Statement or an array of Statements; or multipart/mixed with them as the first part and the contents of their attachments after it",
    ),
    responses(
        (status = 200, body = [String], description = "committed"),
        (status = 400, description = "every fault with its index, rule and section; another media type than these", content_type = "application/problem+json"),
        (status = 409, description = "an id is taken by a statement of other content", content_type = "application/problem+json"),
        (status = 413, description = "the body, or an attachment, is too large", content_type = "application/problem+json"),
        (status = 415, description = "a content encoding other than gzip, deflate and zstd", content_type = "application/problem+json"),
        (status = 503, description = "no room now: try again after Retry-After", content_type = "application/problem+json"),
    ),
)]
fn post() {}

/// One statement, or a page of them in the order of `stored`.
#[utoipa::path(
    get,
    path = "/xapi/statements",
    tag = "xapi",
    params(
        ("X-Experience-API-Version" = String, Header, description = "1.0.x or 2.0.x"),
        ("statementId" = Option<String>, Query, description = "One statement that is not voided"),
        ("voidedStatementId" = Option<String>, Query, description = "One statement that is voided"),
        ("agent" = Option<String>, Query, description = "Actor or object: an Agent or identified Group as JSON"),
        ("verb" = Option<String>, Query, description = "IRI of the verb"),
        ("activity" = Option<String>, Query, description = "IRI of the object"),
        ("registration" = Option<String>, Query, description = "UUID of the registration"),
        ("since" = Option<String>, Query, description = "Stored after this instant"),
        ("until" = Option<String>, Query, description = "Stored at or before this instant"),
        ("limit" = Option<u32>, Query, description = "Statements in a page; 0: as many as the server gives"),
        ("related_agents" = Option<bool>, Query, description = "The agent also as authority, instructor, in a team, in a context list, in a SubStatement"),
        ("related_activities" = Option<bool>, Query, description = "The activity also in the context and in a SubStatement"),
        ("format" = Option<String>, Query, description = "exact: as sent; ids: what identifies, nothing else; canonical: the definitions that the server keeps, in one language by Accept-Language"),
        ("attachments" = Option<bool>, Query, description = "With the contents of attachments, as multipart/mixed"),
        ("ascending" = Option<bool>, Query, description = "The oldest first"),
        ("more" = Option<String>, Query, description = "The next page, as the former one named it"),
    ),
    responses(
        (status = 200, description = "a Statement, or a StatementResult with `statements` and `more`; with attachments=true as the first part of multipart/mixed, the contents after it", content((Object = "application/json"), ("multipart/mixed"))),
        (status = 400, description = "which parameter, which rule, which section", content_type = "application/problem+json"),
        (status = 404, description = "no such statement", content_type = "application/problem+json"),
    ),
)]
fn get() {}

/// What the LRS would say of statements: whether xAPI accepts each, whether it follows the profile.
/// Nothing is stored.
#[utoipa::path(
    post,
    path = "/api/v1/statements/validate",
    tag = "statements",
    params(
        ("version" = Option<String>, Query, description = "1.0.x or 2.0.x; else the header, else 1.0.3"),
        ("X-Experience-API-Version" = Option<String>, Header, description = "1.0.x or 2.0.x"),
    ),
    request_body(content = Object, content_type = "application/json", description = "A Statement or an array of at most 10,000 Statements"),
    responses(
        (status = 200, body = Object, description = "`accepted`, `follows_profile`; for each statement `accepted`, `needs_multipart`, `faults`, and `profile` with `follows`, `templates`, `faults`; `advice`; `faults` of the body itself"),
        (status = 400, description = "which parameter or header, which rule; another media type than application/json", content_type = "application/problem+json"),
        (status = 413, description = "the body is too large", content_type = "application/problem+json"),
        (status = 415, description = "a content encoding other than gzip, deflate and zstd", content_type = "application/problem+json"),
    ),
)]
fn validate() {}

/// What credentials in the mode `warn` sent against the profile, by rule, the latest first. Statements
/// are counted as they are posted: those that are posted again, again.
#[utoipa::path(
    get,
    path = "/api/v1/statements/profile-warnings",
    tag = "statements",
    responses(
        (status = 200, body = Object, description = "`profile` and `warnings`: `credential`, `rule`, `template`, `location`, `statements`, `first`, `last`"),
        (status = 503, description = "the database does not answer: try again after Retry-After", content_type = "application/problem+json"),
    ),
)]
fn profile_warnings() {}

/// The versions of xAPI that are spoken here. Open to everybody.
#[utoipa::path(
    get,
    path = "/xapi/about",
    tag = "xapi",
    security(()),
    responses((status = 200, body = Object, description = "`version`: those that are spoken")),
)]
fn about() {}

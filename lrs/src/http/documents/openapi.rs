//! What `/api/openapi.json` says of the documents, of Agents and of Activities.
#![expect(
    dead_code,
    reason = "the functions stand for the routes: their attributes are read, they never run"
)]

use utoipa::OpenApi;

/// The paths of documents, Agents and Activities.
pub(in crate::http) fn openapi() -> utoipa::openapi::OpenApi {
    Documented::openapi()
}

#[derive(OpenApi)]
#[openapi(paths(
    state_get,
    state_put,
    state_post,
    state_delete,
    activity_profile_get,
    activity_profile_put,
    activity_profile_post,
    activity_profile_delete,
    agent_profile_get,
    agent_profile_put,
    agent_profile_post,
    agent_profile_delete,
    agents,
    activities
))]
struct Documented;

/// One State document, or the ids of many.
#[utoipa::path(
    get,
    path = "/xapi/activities/state",
    tag = "xapi",
    params(
        ("X-Experience-API-Version" = String, Header, description = "1.0.x or 2.0.x"),
        ("activityId" = String, Query, description = "IRI of the activity"),
        ("agent" = String, Query, description = "An Agent or identified Group as JSON"),
        ("registration" = Option<String>, Query, description = "UUID of the registration"),
        ("stateId" = Option<String>, Query, description = "Id of the document; without it, the ids of many"),
        ("since" = Option<String>, Query, description = "Of many: changed after this instant"),
        ("If-Match" = Option<String>, Header, description = "* or entity tags: the document must be one of these"),
        ("If-None-Match" = Option<String>, Header, description = "* or entity tags: the document must be none of these"),
    ),
    responses(
        (status = 200, content_type = "*/*", description = "the document with its type, or an array of ids"),
        (status = 304, description = "the client has it already"),
        (status = 404, description = "no such document", content_type = "application/problem+json"),
        (status = 400, description = "which parameter or header, which rule, which section", content_type = "application/problem+json"),
        (status = 412, description = "a precondition does not hold", content_type = "application/problem+json"),
    ),
)]
fn state_get() {}

/// Stores a State document as it is sent.
#[utoipa::path(
    put,
    path = "/xapi/activities/state",
    tag = "xapi",
    params(
        ("X-Experience-API-Version" = String, Header, description = "1.0.x or 2.0.x"),
        ("activityId" = String, Query, description = "IRI of the activity"),
        ("agent" = String, Query, description = "An Agent or identified Group as JSON"),
        ("registration" = Option<String>, Query, description = "UUID of the registration"),
        ("stateId" = String, Query, description = "Id of the document"),
        ("If-Match" = Option<String>, Header, description = "* or entity tags: the document must be one of these"),
        ("If-None-Match" = Option<String>, Header, description = "* or entity tags: the document must be none of these"),
    ),
    request_body(content_type = "application/octet-stream", description = "Anything, with its Content-Type"),
    responses(
        (status = 204, description = "committed"),
        (status = 409, description = "there is a document, and no precondition", content_type = "application/problem+json"),
        (status = 413, description = "the body is too large", content_type = "application/problem+json"),
        (status = 415, description = "a content encoding other than gzip, deflate and zstd", content_type = "application/problem+json"),
        (status = 400, description = "which parameter or header, which rule, which section", content_type = "application/problem+json"),
        (status = 412, description = "a precondition does not hold", content_type = "application/problem+json"),
    ),
)]
fn state_put() {}

/// Sets the members of a JSON object in a State document, or makes it.
#[utoipa::path(
    post,
    path = "/xapi/activities/state",
    tag = "xapi",
    params(
        ("X-Experience-API-Version" = String, Header, description = "1.0.x or 2.0.x"),
        ("activityId" = String, Query, description = "IRI of the activity"),
        ("agent" = String, Query, description = "An Agent or identified Group as JSON"),
        ("registration" = Option<String>, Query, description = "UUID of the registration"),
        ("stateId" = String, Query, description = "Id of the document"),
        ("If-Match" = Option<String>, Header, description = "* or entity tags: the document must be one of these"),
        ("If-None-Match" = Option<String>, Header, description = "* or entity tags: the document must be none of these"),
    ),
    request_body(content_type = "application/json", description = "A JSON object"),
    responses(
        (status = 204, description = "committed"),
        (status = 413, description = "the body is too large", content_type = "application/problem+json"),
        (status = 415, description = "a content encoding other than gzip, deflate and zstd", content_type = "application/problem+json"),
        (status = 400, description = "which parameter or header, which rule, which section", content_type = "application/problem+json"),
        (status = 412, description = "a precondition does not hold", content_type = "application/problem+json"),
    ),
)]
fn state_post() {}

/// Deletes one State document, or all of an activity and an agent.
#[utoipa::path(
    delete,
    path = "/xapi/activities/state",
    tag = "xapi",
    params(
        ("X-Experience-API-Version" = String, Header, description = "1.0.x or 2.0.x"),
        ("activityId" = String, Query, description = "IRI of the activity"),
        ("agent" = String, Query, description = "An Agent or identified Group as JSON"),
        ("registration" = Option<String>, Query, description = "UUID of the registration"),
        ("stateId" = Option<String>, Query, description = "Id of the document; without it, all are deleted"),
        ("If-Match" = Option<String>, Header, description = "* or entity tags: the document must be one of these"),
        ("If-None-Match" = Option<String>, Header, description = "* or entity tags: the document must be none of these"),
    ),
    responses(
        (status = 204, description = "it is not there (any more)"),
        (status = 400, description = "which parameter or header, which rule, which section", content_type = "application/problem+json"),
        (status = 412, description = "a precondition does not hold", content_type = "application/problem+json"),
    ),
)]
fn state_delete() {}

/// One profile document of an activity, or the ids of many.
#[utoipa::path(
    get,
    path = "/xapi/activities/profile",
    tag = "xapi",
    params(
        ("X-Experience-API-Version" = String, Header, description = "1.0.x or 2.0.x"),
        ("activityId" = String, Query, description = "IRI of the activity"),
        ("profileId" = Option<String>, Query, description = "Id of the document; without it, the ids of many"),
        ("since" = Option<String>, Query, description = "Of many: changed after this instant"),
        ("If-Match" = Option<String>, Header, description = "* or entity tags: the document must be one of these"),
        ("If-None-Match" = Option<String>, Header, description = "* or entity tags: the document must be none of these"),
    ),
    responses(
        (status = 200, content_type = "*/*", description = "the document with its type, or an array of ids"),
        (status = 304, description = "the client has it already"),
        (status = 404, description = "no such document", content_type = "application/problem+json"),
        (status = 400, description = "which parameter or header, which rule, which section", content_type = "application/problem+json"),
        (status = 412, description = "a precondition does not hold", content_type = "application/problem+json"),
    ),
)]
fn activity_profile_get() {}

/// Stores a profile document of an activity as it is sent; a profile says in a precondition what it expects.
#[utoipa::path(
    put,
    path = "/xapi/activities/profile",
    tag = "xapi",
    params(
        ("X-Experience-API-Version" = String, Header, description = "1.0.x or 2.0.x"),
        ("activityId" = String, Query, description = "IRI of the activity"),
        ("profileId" = String, Query, description = "Id of the document"),
        ("If-Match" = Option<String>, Header, description = "* or entity tags: the document must be one of these"),
        ("If-None-Match" = Option<String>, Header, description = "* or entity tags: the document must be none of these"),
    ),
    request_body(content_type = "application/octet-stream", description = "Anything, with its Content-Type"),
    responses(
        (status = 204, description = "committed"),
        (status = 409, description = "there is a document, and no precondition", content_type = "application/problem+json"),
        (status = 413, description = "the body is too large", content_type = "application/problem+json"),
        (status = 415, description = "a content encoding other than gzip, deflate and zstd", content_type = "application/problem+json"),
        (status = 400, description = "which parameter or header, which rule, which section", content_type = "application/problem+json"),
        (status = 412, description = "a precondition does not hold", content_type = "application/problem+json"),
    ),
)]
fn activity_profile_put() {}

/// Sets the members of a JSON object in a profile document of an activity, or makes it.
#[utoipa::path(
    post,
    path = "/xapi/activities/profile",
    tag = "xapi",
    params(
        ("X-Experience-API-Version" = String, Header, description = "1.0.x or 2.0.x"),
        ("activityId" = String, Query, description = "IRI of the activity"),
        ("profileId" = String, Query, description = "Id of the document"),
        ("If-Match" = Option<String>, Header, description = "* or entity tags: the document must be one of these"),
        ("If-None-Match" = Option<String>, Header, description = "* or entity tags: the document must be none of these"),
    ),
    request_body(content_type = "application/json", description = "A JSON object"),
    responses(
        (status = 204, description = "committed"),
        (status = 413, description = "the body is too large", content_type = "application/problem+json"),
        (status = 415, description = "a content encoding other than gzip, deflate and zstd", content_type = "application/problem+json"),
        (status = 400, description = "which parameter or header, which rule, which section", content_type = "application/problem+json"),
        (status = 412, description = "a precondition does not hold", content_type = "application/problem+json"),
    ),
)]
fn activity_profile_post() {}

/// Deletes a profile document of an activity.
#[utoipa::path(
    delete,
    path = "/xapi/activities/profile",
    tag = "xapi",
    params(
        ("X-Experience-API-Version" = String, Header, description = "1.0.x or 2.0.x"),
        ("activityId" = String, Query, description = "IRI of the activity"),
        ("profileId" = String, Query, description = "Id of the document"),
        ("If-Match" = Option<String>, Header, description = "* or entity tags: the document must be one of these"),
        ("If-None-Match" = Option<String>, Header, description = "* or entity tags: the document must be none of these"),
    ),
    responses(
        (status = 204, description = "it is not there (any more)"),
        (status = 400, description = "which parameter or header, which rule, which section", content_type = "application/problem+json"),
        (status = 412, description = "a precondition does not hold", content_type = "application/problem+json"),
    ),
)]
fn activity_profile_delete() {}

/// One profile document of an agent, or the ids of many.
#[utoipa::path(
    get,
    path = "/xapi/agents/profile",
    tag = "xapi",
    params(
        ("X-Experience-API-Version" = String, Header, description = "1.0.x or 2.0.x"),
        ("agent" = String, Query, description = "An Agent as JSON"),
        ("profileId" = Option<String>, Query, description = "Id of the document; without it, the ids of many"),
        ("since" = Option<String>, Query, description = "Of many: changed after this instant"),
        ("If-Match" = Option<String>, Header, description = "* or entity tags: the document must be one of these"),
        ("If-None-Match" = Option<String>, Header, description = "* or entity tags: the document must be none of these"),
    ),
    responses(
        (status = 200, content_type = "*/*", description = "the document with its type, or an array of ids"),
        (status = 304, description = "the client has it already"),
        (status = 404, description = "no such document", content_type = "application/problem+json"),
        (status = 400, description = "which parameter or header, which rule, which section", content_type = "application/problem+json"),
        (status = 412, description = "a precondition does not hold", content_type = "application/problem+json"),
    ),
)]
fn agent_profile_get() {}

/// Stores a profile document of an agent as it is sent; a profile says in a precondition what it expects.
#[utoipa::path(
    put,
    path = "/xapi/agents/profile",
    tag = "xapi",
    params(
        ("X-Experience-API-Version" = String, Header, description = "1.0.x or 2.0.x"),
        ("agent" = String, Query, description = "An Agent as JSON"),
        ("profileId" = String, Query, description = "Id of the document"),
        ("If-Match" = Option<String>, Header, description = "* or entity tags: the document must be one of these"),
        ("If-None-Match" = Option<String>, Header, description = "* or entity tags: the document must be none of these"),
    ),
    request_body(content_type = "application/octet-stream", description = "Anything, with its Content-Type"),
    responses(
        (status = 204, description = "committed"),
        (status = 409, description = "there is a document, and no precondition", content_type = "application/problem+json"),
        (status = 413, description = "the body is too large", content_type = "application/problem+json"),
        (status = 415, description = "a content encoding other than gzip, deflate and zstd", content_type = "application/problem+json"),
        (status = 400, description = "which parameter or header, which rule, which section", content_type = "application/problem+json"),
        (status = 412, description = "a precondition does not hold", content_type = "application/problem+json"),
    ),
)]
fn agent_profile_put() {}

/// Sets the members of a JSON object in a profile document of an agent, or makes it.
#[utoipa::path(
    post,
    path = "/xapi/agents/profile",
    tag = "xapi",
    params(
        ("X-Experience-API-Version" = String, Header, description = "1.0.x or 2.0.x"),
        ("agent" = String, Query, description = "An Agent as JSON"),
        ("profileId" = String, Query, description = "Id of the document"),
        ("If-Match" = Option<String>, Header, description = "* or entity tags: the document must be one of these"),
        ("If-None-Match" = Option<String>, Header, description = "* or entity tags: the document must be none of these"),
    ),
    request_body(content_type = "application/json", description = "A JSON object"),
    responses(
        (status = 204, description = "committed"),
        (status = 413, description = "the body is too large", content_type = "application/problem+json"),
        (status = 415, description = "a content encoding other than gzip, deflate and zstd", content_type = "application/problem+json"),
        (status = 400, description = "which parameter or header, which rule, which section", content_type = "application/problem+json"),
        (status = 412, description = "a precondition does not hold", content_type = "application/problem+json"),
    ),
)]
fn agent_profile_post() {}

/// Deletes a profile document of an agent.
#[utoipa::path(
    delete,
    path = "/xapi/agents/profile",
    tag = "xapi",
    params(
        ("X-Experience-API-Version" = String, Header, description = "1.0.x or 2.0.x"),
        ("agent" = String, Query, description = "An Agent as JSON"),
        ("profileId" = String, Query, description = "Id of the document"),
        ("If-Match" = Option<String>, Header, description = "* or entity tags: the document must be one of these"),
        ("If-None-Match" = Option<String>, Header, description = "* or entity tags: the document must be none of these"),
    ),
    responses(
        (status = 204, description = "it is not there (any more)"),
        (status = 400, description = "which parameter or header, which rule, which section", content_type = "application/problem+json"),
        (status = 412, description = "a precondition does not hold", content_type = "application/problem+json"),
    ),
)]
fn agent_profile_delete() {}

/// What is known of an agent, as a Person; also of one never seen.
#[utoipa::path(
    get,
    path = "/xapi/agents",
    tag = "xapi",
    params(
        ("X-Experience-API-Version" = String, Header, description = "1.0.x or 2.0.x"),
        ("agent" = String, Query, description = "An Agent as JSON"),
        ("If-Match" = Option<String>, Header, description = "* or entity tags: it must be one of these"),
        ("If-None-Match" = Option<String>, Header, description = "* or entity tags: it must be none of these"),
    ),
    responses(
        (status = 200, body = Object, description = "a Person"),
        (status = 304, description = "the client has it already"),
        (status = 412, description = "a precondition does not hold", content_type = "application/problem+json"),
        (status = 400, description = "which parameter, which rule, which section", content_type = "application/problem+json"),
    ),
)]
fn agents() {}

/// An activity with its canonical definition; also one never seen.
#[utoipa::path(
    get,
    path = "/xapi/activities",
    tag = "xapi",
    params(
        ("X-Experience-API-Version" = String, Header, description = "1.0.x or 2.0.x"),
        ("activityId" = String, Query, description = "IRI of the activity"),
        ("If-Match" = Option<String>, Header, description = "* or entity tags: it must be one of these"),
        ("If-None-Match" = Option<String>, Header, description = "* or entity tags: it must be none of these"),
    ),
    responses(
        (status = 200, body = Object, description = "an Activity"),
        (status = 304, description = "the client has it already"),
        (status = 412, description = "a precondition does not hold", content_type = "application/problem+json"),
        (status = 400, description = "which parameter, which rule, which section", content_type = "application/problem+json"),
    ),
)]
fn activities() {}

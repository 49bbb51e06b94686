//! `/api/v1/credentials`: the credentials of applications, for an administrator.
//!
//! Each change leaves one line in the log: what was done to which credential by which. Keys name
//! applications; no line holds a secret.

use std::str::FromStr;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, CACHE_CONTROL, HeaderValue};
use actix_web::{HttpMessage, HttpRequest, HttpResponse, ResponseError, web};
use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::{OpenApi, ToSchema};

use super::body;
use crate::clock;
use crate::error::{Broken, Problem};
use crate::identity::{
    Action, Binding, Caller, Credentials, Grant, NewCredential, ProfileMode, Scope, fault_of_end,
};
use crate::store::credentials::{self, Change, Listed};

/// Where the rules of these resources stand.
const SECTION: &str = "Sillage API, credentials";

/// For how long the former secret may pass after a rotation, at most: 90 days.
const FORMER_MAX_S: u64 = 90 * 24 * 3600;

/// Bytes of a body: a grant is some hundred bytes.
const BODY_MAX_BYTES: usize = 64 * 1024;

/// The routes; the application gives `web::Data<Credentials>`.
pub fn routes(cfg: &mut web::ServiceConfig) {
    // Who may: all.
    cfg.service(
        web::resource("/api/v1/credentials")
            .route(web::get().to(list))
            .route(web::post().to(create))
            .default_service(web::to(|| method_not_allowed("GET, POST"))),
    )
    .service(
        web::resource("/api/v1/credentials/{key}/rotate")
            .route(web::post().to(rotate))
            .default_service(web::to(|| method_not_allowed("POST"))),
    )
    .service(
        web::resource("/api/v1/credentials/{key}")
            .route(web::patch().to(change))
            .route(web::delete().to(revoke))
            .default_service(web::to(|| method_not_allowed("DELETE, PATCH"))),
    );
}

/// What this part of `/api/openapi.json` says.
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    Documented::openapi()
}

#[derive(OpenApi)]
#[openapi(paths(list, create, rotate, change, revoke))]
struct Documented;

/// What a new credential is to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// What it may do.
    #[schema(value_type = Vec<Scope>)]
    scopes: Vec<String>,
    /// What it is for: the name of an application, of no person.
    #[serde(default)]
    label: String,
    /// Until when it passes; left out: without end.
    #[serde(default)]
    expires: Option<DateTime<Utc>>,
    /// UAI of the school that it works for.
    #[serde(default)]
    school: Option<String>,
    /// What the activities of its statements begin with.
    #[serde(default)]
    activity_prefix: Option<String>,
    /// What becomes of statements that break Sillage's own profile: off, warn, refuse; left out: as
    /// the setting says.
    #[serde(default)]
    #[schema(value_type = Option<ProfileMode>)]
    profile_mode: Option<String>,
}

/// A credential with its secret, shown this once.
#[derive(Serialize, ToSchema)]
struct Created {
    /// The user name of HTTP Basic.
    key: String,
    /// The password: only its hash is kept.
    secret: String,
    /// What it may do.
    #[schema(value_type = Vec<Scope>)]
    scopes: Vec<&'static str>,
    /// Until when it passes; null: without end.
    expires: Option<DateTime<Utc>>,
}

/// How a credential is rotated.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
struct Rotation {
    /// For how many seconds the former secret passes beside the new one; left out or 0: no more.
    former_passes_s: u64,
}

/// A new secret, shown this once.
#[derive(Serialize, ToSchema)]
struct Renewed {
    /// The user name of HTTP Basic, as before.
    key: String,
    /// The new password: only its hash is kept.
    secret: String,
    /// Until when the former one passes; null: it passes no more.
    former_until: Option<DateTime<Utc>>,
}

/// What is to change of a credential; what is left out stays as it is.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
struct Changes {
    /// Until when it passes; null: without end.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Option<DateTime<Utc>>)]
    expires: Option<Option<DateTime<Utc>>>,
    /// What becomes of statements that break Sillage's own profile: off, warn, refuse; null: as the
    /// setting says.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    profile_mode: Option<Option<String>>,
}

/// What is given, null too.
fn given<'de, D, T>(value: D) -> Result<Option<Option<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::<T>::deserialize(value).map(Some)
}

/// Every credential, the oldest first, without secrets.
#[utoipa::path(
    get, path = "/api/v1/credentials", tag = "credentials",
    responses((status = 200, body = [Listed])),
)]
async fn list(caller: Caller, known: web::Data<Credentials>) -> Result<HttpResponse, Problem> {
    caller.require(Action::Administer)?;
    Ok(HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "no-store"))
        .json(credentials::list(known.pool()).await?))
}

/// Makes a credential and shows its secret, this once.
#[utoipa::path(
    post, path = "/api/v1/credentials", tag = "credentials",
    request_body = Wanted,
    responses(
        (status = 201, body = Created),
        (status = 400, description = "which field, which rule", content_type = "application/problem+json"),
    ),
)]
async fn create(
    caller: Caller,
    known: web::Data<Credentials>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    caller.require(Action::Administer)?;
    let body = body::read(&request, payload, BODY_MAX_BYTES).await?;
    let grant = grant(json(&request, &body)?)?;
    let new = NewCredential::random();
    credentials::insert(known.pool(), &new, &grant).await?;
    tracing::info!(action = "create", credential = %new.key, by = %caller.key(), scopes = ?grant.scopes, "credentials changed");
    Ok(HttpResponse::Created()
        .insert_header((CACHE_CONTROL, "no-store"))
        .json(Created {
            secret: new.reveal_secret().to_owned(),
            key: new.key,
            scopes: grant.scopes.iter().map(|scope| scope.as_str()).collect(),
            expires: grant.expires,
        }))
}

/// Gives a credential a new secret and shows it, this once.
#[utoipa::path(
    post, path = "/api/v1/credentials/{key}/rotate", tag = "credentials",
    params(("key" = String, Path, description = "The user name of HTTP Basic")),
    request_body = Option<Rotation>,
    responses(
        (status = 200, body = Renewed),
        (status = 404, description = "no such credential, or it is revoked or expired", content_type = "application/problem+json"),
    ),
)]
async fn rotate(
    caller: Caller,
    known: web::Data<Credentials>,
    request: HttpRequest,
    key: web::Path<String>,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    caller.require(Action::Administer)?;
    let body = body::read(&request, payload, BODY_MAX_BYTES).await?;
    let rotation = rotation(&request, &body)?;
    let new = NewCredential::with_key(storable(key.into_inner())?);
    let former = Duration::from_secs(rotation.former_passes_s);
    let rotated = credentials::rotate(known.pool(), &new, former)
        .await?
        .ok_or_else(none_such)?;
    tracing::info!(action = "rotate", credential = %new.key, by = %caller.key(), former_passes_s = rotation.former_passes_s, "credentials changed");
    Ok(HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "no-store"))
        .json(Renewed {
            secret: new.reveal_secret().to_owned(),
            key: new.key,
            former_until: rotated.former_until,
        }))
}

/// Changes the end of a credential, or how its statements are checked against the profile.
#[utoipa::path(
    patch, path = "/api/v1/credentials/{key}", tag = "credentials",
    params(("key" = String, Path, description = "The user name of HTTP Basic")),
    request_body = Changes,
    responses(
        (status = 204, description = "changed"),
        (status = 400, description = "which field, which rule", content_type = "application/problem+json"),
        (status = 404, description = "no such credential, or it is revoked or expired", content_type = "application/problem+json"),
    ),
)]
async fn change(
    caller: Caller,
    known: web::Data<Credentials>,
    request: HttpRequest,
    key: web::Path<String>,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    caller.require(Action::Administer)?;
    let body = body::read(&request, payload, BODY_MAX_BYTES).await?;
    let change = changed(json(&request, &body)?)?;
    let key = storable(key.into_inner())?;
    if !credentials::change(known.pool(), &key, change).await? {
        return Err(none_such());
    }
    tracing::info!(action = "change", credential = %key, by = %caller.key(), expires = change.expires.is_some(), profile_mode = change.profile_mode.is_some(), "credentials changed");
    Ok(HttpResponse::NoContent().finish())
}

/// Revokes a credential: within a second it passes nowhere.
#[utoipa::path(
    delete, path = "/api/v1/credentials/{key}", tag = "credentials",
    params(("key" = String, Path, description = "The user name of HTTP Basic")),
    responses(
        (status = 204, description = "revoked"),
        (status = 404, description = "no such credential, or it is revoked already", content_type = "application/problem+json"),
    ),
)]
async fn revoke(
    caller: Caller,
    known: web::Data<Credentials>,
    key: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    caller.require(Action::Administer)?;
    let key = storable(key.into_inner())?;
    if !credentials::revoke(known.pool(), &key).await? {
        return Err(none_such());
    }
    tracing::info!(action = "revoke", credential = %key, by = %caller.key(), "credentials changed");
    Ok(HttpResponse::NoContent().finish())
}

/// Reads what is wanted; every fault is told.
fn grant(wanted: Wanted) -> Result<Grant, Problem> {
    let mut faults = Vec::new();
    let mut scopes = Vec::new();
    for (index, name) in wanted.scopes.iter().enumerate() {
        let place = format!("/scopes/{index}");
        let scope: Option<Scope> = read(Some(name), &place, "credential-scope", &mut faults);
        scopes.extend(scope);
    }
    let scopes = Scope::distinct(scopes);
    let read_at = |text: Option<String>, name: &str| (text, format!("/{name}"));
    let (school, at_school) = read_at(wanted.school, "school");
    let (prefix, at_prefix) = read_at(wanted.activity_prefix, "activity_prefix");
    let (check, at_check) = read_at(wanted.profile_mode, "profile_mode");
    let grant = Grant {
        scopes,
        label: wanted.label,
        expires: wanted.expires,
        binding: Binding {
            school: read(
                school.as_ref(),
                &at_school,
                "credential-school",
                &mut faults,
            ),
            activity_prefix: read(
                prefix.as_ref(),
                &at_prefix,
                "credential-activity-prefix",
                &mut faults,
            ),
        },
        profile_mode: read(
            check.as_ref(),
            &at_check,
            "credential-profile-mode",
            &mut faults,
        ),
    };
    if faults.is_empty() {
        for (field, rule, detail) in grant.faults(clock::now()) {
            faults.push(broken(format!("/{field}"), rule, detail));
        }
    }
    if faults.is_empty() {
        return Ok(grant);
    }
    Err(invalid("no credential was made: see errors", faults))
}

/// Reads what is to change; every fault is told.
fn changed(wanted: Changes) -> Result<Change, Problem> {
    let mut faults = Vec::new();
    let profile_mode = wanted.profile_mode.map(|mode| {
        let rule = "credential-profile-mode";
        read(mode.as_ref(), "/profile_mode", rule, &mut faults)
    });
    let end = wanted.expires.flatten();
    if let Some((field, rule, detail)) = end.and_then(|end| fault_of_end(end, clock::now())) {
        faults.push(broken(format!("/{field}"), rule, detail));
    }
    if faults.is_empty() {
        return Ok(Change {
            expires: wanted.expires,
            profile_mode,
        });
    }
    Err(invalid("nothing was changed: see errors", faults))
}

fn invalid(detail: &str, faults: Vec<Broken>) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "invalid", detail).with_errors(faults)
}

/// A field as its type, else one more fault.
fn read<T: FromStr<Err: std::fmt::Display>>(
    text: Option<&String>,
    place: &str,
    rule: &str,
    faults: &mut Vec<Broken>,
) -> Option<T> {
    match text?.parse() {
        Ok(value) => Some(value),
        Err(error) => {
            faults.push(broken(place.to_owned(), rule, error.to_string()));
            None
        }
    }
}

fn broken(pointer: String, rule: &str, detail: String) -> Broken {
    Broken {
        pointer: Some(pointer),
        rule: rule.to_owned(),
        section: Some(SECTION.to_owned()),
        detail,
    }
}

/// The body of a rotation, which may be left out.
fn rotation(request: &HttpRequest, body: &[u8]) -> Result<Rotation, Problem> {
    if body.is_empty() {
        return Ok(Rotation::default());
    }
    let rotation: Rotation = json(request, body)?;
    if rotation.former_passes_s > FORMER_MAX_S {
        return Err(Problem::bad_request(
            "/former_passes_s".to_owned(),
            "credential-former-passes",
            SECTION.to_owned(),
            format!("the former secret passes for at most {FORMER_MAX_S} seconds"),
        ));
    }
    Ok(rotation)
}

/// A body, read only once it is known that the caller may send it. Its type is asked for: a form of
/// another site can send no JSON.
fn json<T: DeserializeOwned>(request: &HttpRequest, body: &[u8]) -> Result<T, Problem> {
    if !request
        .content_type()
        .eq_ignore_ascii_case("application/json")
    {
        let detail = "the body is sent as application/json";
        return Err(
            Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "media_type", detail).broken(broken(
                "Content-Type".to_owned(),
                "content-type-json",
                detail.to_owned(),
            )),
        );
    }
    serde_json::from_slice(body).map_err(|error| {
        Problem::bad_request(
            String::new(),
            "json-body",
            SECTION.to_owned(),
            error.to_string(),
        )
    })
}

/// A key that a query can be asked for: PostgreSQL's text holds no U+0000.
fn storable(key: String) -> Result<String, Problem> {
    if key.contains('\0') {
        Err(none_such())
    } else {
        Ok(key)
    }
}

fn none_such() -> Problem {
    Problem::not_found("there is no such credential, or it is revoked or expired")
}

async fn method_not_allowed(allowed: &'static str) -> HttpResponse {
    let detail = format!("this resource takes {allowed}");
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        detail.clone(),
    )
    .broken(broken("method".to_owned(), "method", detail))
    .header(ALLOW, HeaderValue::from_static(allowed))
    .error_response()
}

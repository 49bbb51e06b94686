//! `PUT`, `GET` and `DELETE /api/v1/pupils/{key}/declared-profile`.

use std::collections::BTreeMap;

use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpRequest, HttpResponse, web};
use mastery::Degree;
use schemas::Fault;
use schemas::framework::Framework;
use serde_json::Value;
use service::error::Problem;
use service::identity::Caller;
use utoipa::ToSchema;

use super::{body, of_pupil, parameters, problems};
use crate::Analytics;
use crate::people::declared::{self, DeclaredProfile};
use crate::store::{self, frameworks};

/// What is sent, in problems.
const WHAT: &str = "declared profile";

/// What a pupil declares.
#[derive(Debug, ToSchema)]
#[expect(
    dead_code,
    reason = "the documentation of a body that is read by hand, to tell each fault"
)]
pub(super) struct Declaration {
    /// A degree, 1 to 6, by the URI of a domain of the framework in force; one at least. Nothing else
    /// is taken.
    degrees: BTreeMap<String, u8>,
}

/// Puts the degrees that a pupil declares, by domain, in the place of those declared before. Mastery
/// is folded again from them: a guess that fades as answers come. A person's token may for that person.
#[utoipa::path(
    put,
    path = "/api/v1/pupils/{key}/declared-profile",
    tag = "analytics",
    params(("key" = String, Path, description = "the pupil's key")),
    request_body = Declaration,
    responses(
        (status = 200, body = DeclaredProfile),
        (status = 400, description = "refused whole: each fault with its JSON pointer"),
        (status = 404, description = "no pupil has this key"),
    ),
)]
pub(super) async fn put(
    caller: Caller,
    analytics: web::Data<Analytics>,
    key: web::Path<String>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let key = parameters::key(&key)?;
    of_pupil::declare(&caller, &analytics, key).await?;
    let max = analytics.config().body_max_bytes;
    let value = body::json(&request, payload, WHAT, max).await?;
    let refused = |faults| problems::refused(WHAT, faults);
    let client = store::client(analytics.pool()).await?;
    let (_, framework) = frameworks::current(&client).await?;
    drop(client);
    let degrees = degrees(&value, &framework).map_err(refused)?;
    let profile = declared::replace(analytics.pool(), key, &degrees).await?;
    let profile = profile.ok_or_else(none)?;
    Ok(HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "no-store"))
        .json(profile))
}

/// The degrees that a pupil declared, by domain. A person's token may read its own, and those of the pupils whom
/// she teaches.
#[utoipa::path(
    get,
    path = "/api/v1/pupils/{key}/declared-profile",
    tag = "analytics",
    params(("key" = String, Path, description = "the pupil's key")),
    responses(
        (status = 200, body = DeclaredProfile),
        (status = 404, description = "no pupil has this key, or nothing is declared"),
    ),
)]
pub(super) async fn get(
    caller: Caller,
    analytics: web::Data<Analytics>,
    key: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let key = parameters::key(&key)?;
    of_pupil::read_profile(&caller, &analytics, key).await?;
    let profile = declared::read(analytics.pool(), key).await?;
    let profile = profile.ok_or_else(none)?;
    Ok(HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "no-store"))
        .json(profile))
}

/// Takes back what a pupil declared. Mastery is folded again without it. A person's token may for that person.
#[utoipa::path(
    delete,
    path = "/api/v1/pupils/{key}/declared-profile",
    tag = "analytics",
    params(("key" = String, Path, description = "the pupil's key")),
    responses(
        (status = 204, description = "nothing is declared any more"),
        (status = 404, description = "no pupil has this key, or nothing was declared"),
    ),
)]
pub(super) async fn delete(
    caller: Caller,
    analytics: web::Data<Analytics>,
    key: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let key = parameters::key(&key)?;
    of_pupil::declare(&caller, &analytics, key).await?;
    let was_there = declared::delete(analytics.pool(), key).await?;
    was_there.then_some(()).ok_or_else(none)?;
    Ok(HttpResponse::NoContent().finish())
}

fn none() -> Problem {
    problems::unknown_at(
        "key",
        "declared-profile-none",
        "this pupil has declared nothing",
        "a profile is declared by PUT",
    )
}

/// The degrees of a declaration, or every fault of it.
fn degrees(value: &Value, framework: &Framework) -> Result<Vec<(String, Degree)>, Vec<Fault>> {
    let fault = |pointer: String, rule: &'static str, detail: &str| Fault {
        pointer,
        rule,
        section: problems::SECTION,
        detail: detail.to_owned(),
    };
    let Some(object) = value.as_object() else {
        let detail = "a declared profile is an object with degrees";
        return Err(vec![fault(String::new(), "declared-object", detail)]);
    };
    let mut faults = Vec::new();
    for name in object.keys().filter(|name| *name != "degrees") {
        let detail = "a declared profile has degrees by domain, and nothing else of any test";
        faults.push(fault(pointer(&[name]), "declared-members", detail));
    }
    let given = object.get("degrees").and_then(Value::as_object);
    let Some(given) = given.filter(|given| !given.is_empty()) else {
        let detail = "degrees is an object of a degree by the URI of a domain, one at least";
        faults.push(fault(pointer(&["degrees"]), "declared-degrees", detail));
        return Err(faults);
    };
    let mut degrees = Vec::new();
    for (domain, degree) in given {
        let place = || pointer(&["degrees", domain]);
        if !framework.domains.iter().any(|known| known.uri == *domain) {
            let detail = "the framework in force has no domain of this URI";
            faults.push(fault(place(), "declared-domain", detail));
        }
        let number = degree.as_u64().and_then(|number| u8::try_from(number).ok());
        match number.and_then(Degree::new) {
            Some(degree) => degrees.push((domain.clone(), degree)),
            None => {
                let detail = "a degree is one of the integers 1 to 6";
                faults.push(fault(place(), "declared-degree", detail));
            }
        }
    }
    if faults.is_empty() {
        Ok(degrees)
    } else {
        Err(faults)
    }
}

/// A JSON pointer (RFC 6901).
fn pointer(steps: &[&str]) -> String {
    let escaped = steps
        .iter()
        .map(|step| step.replace('~', "~0").replace('/', "~1"));
    escaped.fold(String::new(), |pointer, step| format!("{pointer}/{step}"))
}

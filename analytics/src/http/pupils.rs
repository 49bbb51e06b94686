//! `GET /api/v1/pupils/{key}/mastery`, `POST /api/v1/pupils/resolve`.

use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpRequest, HttpResponse, web};
use schemas::ids::{AccountKey, PersonKey};
use schemas::ifi::Ifi;
use schemas::xapi::formats;
use serde::Serialize;
use serde_json::Value;
use service::error::Problem;
use service::identity::{Action, Caller};
use utoipa::ToSchema;

use super::parameters::{self, AsOf};
use super::{body, problems};
use crate::Analytics;
use crate::aggregates::pupil::{self, PupilMastery};
use crate::store::{self, account_person, classes};

/// An xAPI account.
#[derive(Debug, ToSchema)]
#[expect(
    dead_code,
    reason = "the documentation of a body that is read by hand, to tell each fault"
)]
pub(super) struct Account {
    /// IRI of the system on which the account is.
    #[schema(rename = "homePage")]
    home_page: String,
    /// The name of the account there.
    name: String,
}

/// Whose an account is.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Resolved {
    /// The pupil's key.
    key: PersonKeyText,
}

/// A key as text.
type PersonKeyText = String;

/// One pupil's mastery: subjects, domains, competencies.
#[utoipa::path(
    get,
    path = "/api/v1/pupils/{key}/mastery",
    tag = "analytics",
    params(
        ("key" = String, Path, description = "the pupil's key"),
        ("as_of" = Option<String>, Query, description = "the time at which mastery is evaluated (RFC 3339), later answers left out; now where it is left out"),
    ),
    responses(
        (status = 200, body = PupilMastery),
        (status = 400, description = "a parameter that cannot be taken"),
        (status = 404, description = "no pupil has this key"),
    ),
)]
pub(super) async fn mastery(
    caller: Caller,
    analytics: web::Data<Analytics>,
    key: web::Path<String>,
    parameters: web::Query<AsOf>,
) -> Result<HttpResponse, Problem> {
    caller.require(Action::ReadAll)?;
    let key = parameters::key(&key)?;
    let as_of = parameters.read()?;
    within_school(&caller, &analytics, key).await?;
    let mastery = pupil::mastery(analytics.pool(), analytics.models(), key, as_of).await?;
    let mastery = mastery.ok_or_else(problems::unknown_pupil)?;
    Ok(HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "no-store"))
        .json(mastery))
}

/// The key of the pupil whose account this is. The account stands in the body, in no URL.
#[utoipa::path(
    post,
    path = "/api/v1/pupils/resolve",
    tag = "analytics",
    request_body = Account,
    responses(
        (status = 200, body = Resolved),
        (status = 400, description = "not an account"),
        (status = 404, description = "no roster announced the account, and no answer came from it"),
    ),
)]
pub(super) async fn resolve(
    caller: Caller,
    analytics: web::Data<Analytics>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    caller.require(Action::ReadAll)?;
    let max = analytics.config().body_max_bytes;
    let value = body::json(&request, payload, "account", max).await?;
    let key = AccountKey::derive(analytics.secret().as_bytes(), &account(&value)?);
    let client = store::client(analytics.pool()).await?;
    let owners = account_person::of_accounts(&client, &[key]).await?;
    let person: &PersonKey = owners.get(&key).ok_or_else(problems::unknown_pupil)?;
    drop(client);
    within_school(&caller, &analytics, *person).await?;
    Ok(HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "no-store"))
        .json(Resolved {
            key: person.to_string(),
        }))
}

/// Who is bound to a school is told of a pupil of another what is told of nobody: 404.
pub(super) async fn within_school(
    caller: &Caller,
    analytics: &Analytics,
    person: PersonKey,
) -> Result<(), Problem> {
    let Some(school) = caller.school() else {
        return Ok(());
    };
    let client = store::client(analytics.pool()).await?;
    let is_its = classes::is_pupil_of_school(&client, person, &school.to_string()).await?;
    is_its.then_some(()).ok_or_else(problems::unknown_pupil)
}

fn account(value: &Value) -> Result<Ifi, Problem> {
    let Some(object) = value.as_object() else {
        let detail = "an account is an object with homePage and name";
        return Err(problems::bad("", "account-object", detail));
    };
    if object.keys().any(|key| key != "homePage" && key != "name") {
        let detail = "an account has homePage and name, nothing else";
        return Err(problems::bad("", "account-members", detail));
    }
    let text = |name: &str| object.get(name).and_then(Value::as_str);
    let home_page = text("homePage").filter(|iri| formats::is_iri(iri));
    let home_page = home_page.ok_or_else(|| {
        let detail = "homePage is the IRI of the system on which the account is";
        problems::bad("/homePage", "account-home-page", detail)
    })?;
    let name = text("name")
        .filter(|name| !name.is_empty())
        .ok_or_else(|| {
            let detail = "name is the name of the account on that system";
            problems::bad("/name", "account-name", detail)
        })?;
    Ok(Ifi::Account {
        home_page: home_page.to_owned(),
        name: name.to_owned(),
    })
}

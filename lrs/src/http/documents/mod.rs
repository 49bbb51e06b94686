//! `/xapi/activities/state`, `/xapi/activities/profile`, `/xapi/agents/profile` (xAPI 1.0.3
//! Communication 2.2, 2.3, 2.6, 2.7): the same handlers, told apart by the [`Kind`] that their route
//! gives.

pub(super) mod openapi;
mod sent;

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, HttpResponse, web};
use schemas::xapi::XapiVersion;
use service::error::Problem;
use service::identity::{Action, Caller};

use super::answer::{self, Content};
use super::version::Spoken;
use super::{access, params, problems};
use crate::Lrs;
use crate::documents::decide::{Change, Write};
use crate::documents::query::{self, Ask, Purpose};
use crate::documents::{Address, Kind};

impl FromRequest for Kind {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let kind = request.app_data::<Self>();
        ready(Ok(*kind.expect("each route of documents is given its kind")))
    }
}

/// GET: one document, or the ids of many.
pub(super) async fn get(
    request: HttpRequest,
    lrs: web::Data<Lrs>,
    caller: Caller,
    kind: Kind,
    Spoken(version): Spoken,
) -> Result<HttpResponse, Problem> {
    match asked(&request, &lrs, &caller, kind, Purpose::Read, version)? {
        Ask::One(address) => {
            let stored = lrs.document(&address).await?;
            let stored = stored.ok_or_else(|| problems::no_document(kind))?;
            answer::content(
                &request,
                Content {
                    content_type: &stored.document.content_type,
                    content: stored.document.content,
                    digest: stored.digest,
                    updated: Some(stored.updated),
                },
            )
        }
        Ask::Many(place, since) => {
            let found = lrs.document_names(&place, since).await?;
            answer::json(
                &request,
                serde_json::Value::from(found.names).to_string(),
                found.updated,
            )
        }
    }
}

/// PUT: the body becomes the document.
pub(super) async fn put(
    request: HttpRequest,
    payload: web::Payload,
    lrs: web::Data<Lrs>,
    caller: Caller,
    kind: Kind,
    Spoken(version): Spoken,
) -> Result<HttpResponse, Problem> {
    let ask = asked(&request, &lrs, &caller, kind, Purpose::Write, version)?;
    let address = one(ask)?;
    let max_bytes = lrs.config().body_max_bytes;
    let document = sent::document(&request, payload.into_inner(), max_bytes).await?;
    change(&request, &lrs, &address, Change::Put(document), version).await
}

/// POST: the members of the body, a JSON object, are set in the document.
pub(super) async fn post(
    request: HttpRequest,
    payload: web::Payload,
    lrs: web::Data<Lrs>,
    caller: Caller,
    kind: Kind,
    Spoken(version): Spoken,
) -> Result<HttpResponse, Problem> {
    let ask = asked(&request, &lrs, &caller, kind, Purpose::Write, version)?;
    let address = one(ask)?;
    let max_bytes = lrs.config().body_max_bytes;
    let document = sent::document(&request, payload.into_inner(), max_bytes).await?;
    change(&request, &lrs, &address, Change::Post(document), version).await
}

/// DELETE: one document, or every State of an activity and an agent.
pub(super) async fn delete(
    request: HttpRequest,
    lrs: web::Data<Lrs>,
    caller: Caller,
    kind: Kind,
    Spoken(version): Spoken,
) -> Result<HttpResponse, Problem> {
    match asked(&request, &lrs, &caller, kind, Purpose::Delete, version)? {
        Ask::One(address) => change(&request, &lrs, &address, Change::Delete, version).await,
        Ask::Many(place, _) => {
            if !answer::preconditions(&request)?.is_empty() {
                return Err(problems::precondition_of_many());
            }
            lrs.delete_documents(&place).await?;
            Ok(HttpResponse::NoContent().finish())
        }
    }
}

/// What the caller asks for, if the caller may: known before anything is read or written. Whose
/// documents they are is known here, `ask.place().agent`.
fn asked(
    request: &HttpRequest,
    lrs: &Lrs,
    caller: &Caller,
    kind: Kind,
    purpose: Purpose,
    version: XapiVersion,
) -> Result<Ask, Problem> {
    let action = action(kind, purpose);
    access::may_ask(caller, action)?;
    let parameters = params::decode(request.query_string())?;
    let ask = query::read(kind, purpose, &parameters, version, lrs.secret())
        .map_err(problems::invalid)?;
    access::may_use(caller, lrs, action, ask.place())?;
    Ok(ask)
}

fn action(kind: Kind, purpose: Purpose) -> Action {
    match (kind, purpose) {
        (Kind::State, Purpose::Read) => Action::ReadState,
        (Kind::State, Purpose::Write | Purpose::Delete) => Action::WriteState,
        (_, Purpose::Read) => Action::ReadProfiles,
        (_, Purpose::Write | Purpose::Delete) => Action::WriteProfiles,
    }
}

/// The address that every PUT and POST names.
fn one(ask: Ask) -> Result<Address, Problem> {
    match ask {
        Ask::One(address) => Ok(address),
        Ask::Many(place, _) => Err(problems::no_document(place.kind)),
    }
}

async fn change(
    request: &HttpRequest,
    lrs: &Lrs,
    address: &Address,
    change: Change,
    version: XapiVersion,
) -> Result<HttpResponse, Problem> {
    let kind = address.place.kind;
    let preconditions = answer::preconditions(request)?;
    let write = Write::check(change, kind, version, preconditions)
        .map_err(|fault| problems::invalid(vec![fault]))?;
    lrs.write_document(address, &write)
        .await?
        .map_err(problems::document)?;
    Ok(HttpResponse::NoContent().finish())
}

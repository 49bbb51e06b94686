//! PUT and POST of `/xapi/statements` (xAPI 1.0.3 Communication 2.1.1 and 2.1.2).

use actix_web::{HttpRequest, HttpResponse, web};
use schemas::ids::StatementId;
use service::error::Problem;
use service::identity::{Action, Caller};

use crate::Lrs;
use crate::http::profile_check::profile_check;
use crate::http::version::Spoken;
use crate::http::{access, params, problems};
use crate::ingest::postbox::Postbox;
use crate::statement::{Body, Parsed, Stamper};

use super::sent::Sent;

const PUT_SECTION: &str = "xAPI 1.0.3 Communication 2.1.1";
const POST_SECTION: &str = "xAPI 1.0.3 Communication 2.1.2";

/// PUT: one statement under the id in the query.
pub(in crate::http) async fn put(
    request: HttpRequest,
    payload: web::Payload,
    lrs: web::Data<Lrs>,
    caller: Caller,
    Spoken(version): Spoken,
) -> Result<HttpResponse, Problem> {
    caller.require(Action::WriteStatements)?;
    let id = id_of_put(&params::decode(request.query_string())?)?;
    let sent = Sent::read(&lrs, &request, payload.into_inner(), version).await?;
    let parsed = one(&sent.body)?;
    if parsed.id().is_some_and(|inside| inside != id) {
        return Err(problems::bad_request(
            "/id",
            "statement-id-of-query",
            PUT_SECTION,
            "the id of the statement is that of the query, or is left out",
        ));
    }
    access::may_write(&caller, std::slice::from_ref(parsed), false)?;
    profile_check(&lrs, &caller, std::slice::from_ref(parsed), false)?;
    let mut stamped = vec![stamper(&lrs, &caller).stamp_as(parsed, id)];
    access::keep_definitions(&caller, &mut stamped);
    let bytes = sent.bytes;
    sent.attach(&lrs, Some(id), &mut stamped).await?;
    lrs.store(stamped, bytes, postbox(&request))
        .await
        .map_err(|refusal| problems::refusal(&refusal, false))?;
    Ok(HttpResponse::NoContent().finish())
}

/// POST: one statement or an array of them, stored all or none; answers their ids in their order.
pub(in crate::http) async fn post(
    request: HttpRequest,
    payload: web::Payload,
    lrs: web::Data<Lrs>,
    caller: Caller,
    Spoken(version): Spoken,
) -> Result<HttpResponse, Problem> {
    caller.require(Action::WriteStatements)?;
    if let Some((name, _)) = params::decode(request.query_string())?.first() {
        return Err(problems::bad_request(
            name,
            "query-parameter-unknown",
            POST_SECTION,
            "a POST of statements has no parameters",
        ));
    }
    let sent = Sent::read(&lrs, &request, payload.into_inner(), version).await?;
    let is_array = matches!(sent.body, Body::Many(_));
    access::may_write(&caller, sent.body.statements(), is_array)?;
    profile_check(&lrs, &caller, sent.body.statements(), is_array)?;
    let stamper = stamper(&lrs, &caller);
    let mut stamped: Vec<_> = sent
        .body
        .statements()
        .iter()
        .map(|parsed| stamper.stamp(parsed))
        .collect();
    access::keep_definitions(&caller, &mut stamped);
    let ids: Vec<StatementId> = stamped.iter().map(|stamped| stamped.id).collect();
    let bytes = sent.bytes;
    sent.attach(&lrs, None, &mut stamped).await?;
    lrs.store(stamped, bytes, postbox(&request))
        .await
        .map_err(|refusal| problems::refusal(&refusal, is_array))?;
    Ok(HttpResponse::Ok().json(ids))
}

fn postbox(request: &HttpRequest) -> &Postbox {
    request
        .app_data()
        .expect("the routes give it to the application")
}

fn stamper<'a>(lrs: &'a Lrs, caller: &Caller) -> Stamper<'a> {
    Stamper {
        secret: lrs.secret(),
        authority: lrs.authority(caller),
        voids_others: caller.may(Action::VoidOthers),
        now: service::clock::now(),
        define: caller.may(Action::Define),
    }
}

fn id_of_put(parameters: &[(String, String)]) -> Result<StatementId, Problem> {
    let problem = |name: &str, rule, detail| problems::bad_request(name, rule, PUT_SECTION, detail);
    match parameters {
        [(name, value)] if name == "statementId" => value.parse().map_err(|_| {
            problem(
                "statementId",
                "query-id-not-uuid",
                "a statement's id is a UUID in standard string form",
            )
        }),
        _ => match parameters.iter().find(|(name, _)| name != "statementId") {
            Some((name, _)) => Err(problem(
                name,
                "query-parameter-unknown",
                "a PUT of a statement has the parameter statementId alone",
            )),
            None => Err(problem(
                "statementId",
                "query-id-required",
                "a PUT names the statement's id once, in statementId",
            )),
        },
    }
}

fn one(body: &Body) -> Result<&Parsed, Problem> {
    match body {
        Body::One(parsed) => Ok(parsed),
        Body::Many(_) => Err(problems::bad_request(
            "",
            "put-one-statement",
            PUT_SECTION,
            "a PUT holds one statement, not an array",
        )),
    }
}

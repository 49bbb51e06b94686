//! `/xapi/statements` (xAPI 1.0.3 Communication 2.1): PUT, POST, GET.

use std::time::SystemTime;

use actix_web::http::header::{HttpDate, LAST_MODIFIED};
use actix_web::{HttpRequest, HttpResponse, web};
use schemas::ids::StatementId;
use schemas::xapi::XapiVersion;
use service::error::Problem;
use service::identity::{Caller, Scope};

use super::version::Spoken;
use super::{body, params, problems};
use crate::Lrs;
use crate::query::cursor::Cursor;
use crate::query::filter::{self, Ask};
use crate::query::read::Page;
use crate::statement::{Body, Parsed, Stamper, format, parse, payload};
use crate::store::statements::StoredStatement;

const GET_SECTION: &str = "xAPI 1.0.3 Communication 2.1.3";
const PUT_SECTION: &str = "xAPI 1.0.3 Communication 2.1.1";
const POST_SECTION: &str = "xAPI 1.0.3 Communication 2.1.2";

/// PUT: one statement under the id in the query.
pub(super) async fn put(
    request: HttpRequest,
    payload: web::Payload,
    lrs: web::Data<Lrs>,
    caller: Caller,
    Spoken(version): Spoken,
) -> Result<HttpResponse, Problem> {
    caller.require(Scope::StatementsWrite)?;
    let id = id_of_put(&params::decode(request.query_string())?)?;
    let sent = body::json(&request, payload.into_inner(), lrs.config().body_max_bytes).await?;
    let parsed = one(parse(&sent, version).map_err(problems::invalid)?)?;
    if parsed.id().is_some_and(|inside| inside != id) {
        return Err(problems::bad_request(
            "/id",
            "statement-id-of-query",
            PUT_SECTION,
            "the id of the statement is that of the query, or is left out",
        ));
    }
    let stamped = stamper(&lrs, &caller).stamp_as(&parsed, id);
    drop(parsed);
    lrs.store(vec![stamped], sent.len())
        .await
        .map_err(|refusal| problems::refusal(&refusal, false))?;
    Ok(HttpResponse::NoContent().finish())
}

/// POST: one statement or an array of them, stored all or none; answers their ids in their order.
pub(super) async fn post(
    request: HttpRequest,
    payload: web::Payload,
    lrs: web::Data<Lrs>,
    caller: Caller,
    Spoken(version): Spoken,
) -> Result<HttpResponse, Problem> {
    caller.require(Scope::StatementsWrite)?;
    if let Some((name, _)) = params::decode(request.query_string())?.first() {
        let detail = if name == "method" {
            "the alternate request syntax is not taken yet: use the method itself"
        } else {
            "a POST of statements has no parameters"
        };
        return Err(problems::bad_request(
            name,
            "query-parameter-unknown",
            POST_SECTION,
            detail,
        ));
    }
    let sent = body::json(&request, payload.into_inner(), lrs.config().body_max_bytes).await?;
    let parsed = parse(&sent, version).map_err(problems::invalid)?;
    let is_array = matches!(parsed, Body::Many(_));
    let stamper = stamper(&lrs, &caller);
    let stamped: Vec<_> = parsed
        .into_statements()
        .iter()
        .map(|parsed| stamper.stamp(parsed))
        .collect();
    let ids: Vec<StatementId> = stamped.iter().map(|stamped| stamped.id).collect();
    lrs.store(stamped, sent.len())
        .await
        .map_err(|refusal| problems::refusal(&refusal, is_array))?;
    Ok(HttpResponse::Ok().json(ids))
}

/// GET: one statement, or a page of them.
pub(super) async fn get(
    request: HttpRequest,
    lrs: web::Data<Lrs>,
    caller: Caller,
    Spoken(version): Spoken,
) -> Result<HttpResponse, Problem> {
    caller.require(Scope::StatementsRead)?;
    let parameters = params::decode(request.query_string())?;
    match filter::read(&parameters, version).map_err(problems::invalid)? {
        Ask::One(id) => single(&lrs, id, false, version).await,
        Ask::Voided(id) => single(&lrs, id, true, version).await,
        Ask::More(text) => {
            let cursor = lrs.cursor(&text).map_err(|error| {
                problems::bad_request(
                    "more",
                    "query-more-unknown",
                    GET_SECTION,
                    &error.to_string(),
                )
            })?;
            page(&lrs, &lrs.next_page(cursor).await?, version)
        }
        Ask::Many(filter) => page(&lrs, &lrs.first_page(&filter).await?, version),
    }
}

fn stamper<'a>(lrs: &'a Lrs, caller: &Caller) -> Stamper<'a> {
    Stamper {
        secret: lrs.secret(),
        authority: lrs.authority(caller),
        now: service::clock::now(),
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

fn one(body: Body) -> Result<Parsed, Problem> {
    match body {
        Body::One(parsed) => Ok(*parsed),
        Body::Many(_) => Err(problems::bad_request(
            "",
            "put-one-statement",
            PUT_SECTION,
            "a PUT holds one statement, not an array",
        )),
    }
}

async fn single(
    lrs: &Lrs,
    id: StatementId,
    voided: bool,
    version: XapiVersion,
) -> Result<HttpResponse, Problem> {
    let parameter = if voided {
        "voidedStatementId"
    } else {
        "statementId"
    };
    let (statement, is_voided) = lrs
        .by_id(id)
        .await?
        .ok_or_else(|| problems::no_statement(parameter))?;
    if is_voided != voided {
        return Err(problems::no_statement(parameter));
    }
    let text = exact(&statement, version)?;
    Ok(HttpResponse::Ok()
        .content_type("application/json")
        .insert_header((
            LAST_MODIFIED,
            HttpDate::from(SystemTime::from(statement.stored)),
        ))
        .body(text))
}

/// `{"statements":[…],"more":"…"}` (Data 3: `StatementResult`).
fn page(lrs: &Lrs, page: &Page, version: XapiVersion) -> Result<HttpResponse, Problem> {
    let mut text = String::from("{\"statements\":[");
    for (index, statement) in page.statements.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        text.push_str(&exact(statement, version)?);
    }
    text.push_str("],\"more\":\"");
    if let Some(cursor) = &page.more {
        // Base64url: nothing to escape, in a URL or in JSON.
        text.push_str("/xapi/statements?more=");
        text.push_str(&more(lrs, cursor));
    }
    text.push_str("\"}");
    Ok(HttpResponse::Ok()
        .content_type("application/json")
        .body(text))
}

fn more(lrs: &Lrs, cursor: &Cursor) -> String {
    cursor.sign(lrs.secret())
}

fn exact(statement: &StoredStatement, version: XapiVersion) -> Result<String, Problem> {
    let sent =
        payload::decompress(&statement.payload).map_err(|error| Problem::internal(&error))?;
    let kept = format::Kept {
        sent: &sent,
        id: statement.id,
        stored: statement.stored,
        authority: &statement.authority,
        version: statement.version,
    };
    format::exact(&kept, version).map_err(|error| Problem::internal(&error))
}

//! GET of `/xapi/statements` (xAPI 1.0.3 Communication 2.1.3).

use std::time::SystemTime;

use actix_web::http::header::{HttpDate, LAST_MODIFIED};
use actix_web::{HttpRequest, HttpResponse, web};
use schemas::ids::StatementId;
use schemas::xapi::XapiVersion;
use service::error::Problem;
use service::identity::{Action, Caller};

use crate::Lrs;
use crate::http::version::Spoken;
use crate::http::{params, problems};
use crate::query::cursor::Cursor;
use crate::query::filter::{self, Ask};
use crate::query::read::Page;
use crate::statement::{format, payload};
use crate::store::statements::StoredStatement;

const SECTION: &str = "xAPI 1.0.3 Communication 2.1.3";

/// GET: one statement, or a page of them.
pub(in crate::http) async fn get(
    request: HttpRequest,
    lrs: web::Data<Lrs>,
    caller: Caller,
    Spoken(version): Spoken,
) -> Result<HttpResponse, Problem> {
    caller.require(Action::ReadStatements)?;
    let parameters = params::decode(request.query_string())?;
    match filter::read(&parameters, version).map_err(problems::invalid)? {
        Ask::One(id) => single(&lrs, id, false, version).await,
        Ask::Voided(id) => single(&lrs, id, true, version).await,
        Ask::More(text) => {
            let cursor = lrs.cursor(&text).map_err(|error| {
                problems::bad_request("more", "query-more-unknown", SECTION, &error.to_string())
            })?;
            page(&lrs, &lrs.next_page(cursor).await?, version)
        }
        Ask::Many(filter) => page(&lrs, &lrs.first_page(&filter).await?, version),
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

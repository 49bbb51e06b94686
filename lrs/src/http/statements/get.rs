//! GET of `/xapi/statements` (xAPI 1.0.3 Communication 2.1.3).

use std::time::SystemTime;

use actix_web::http::header::{ACCEPT_LANGUAGE, HeaderMap, HttpDate, LAST_MODIFIED, VARY};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};
use chrono::{DateTime, Utc};
use schemas::xapi::XapiVersion;
use service::error::Problem;
use service::identity::Caller;

use crate::Lrs;
use crate::http::version::Spoken;
use crate::http::{access, multipart, params, problems};
use crate::query::filter::{self, Ask, Shown};
use crate::query::read::Page;
use crate::query::show::Reader;
use crate::statement::format::{Format, Languages};
use crate::store::statements::StoredStatement;

const SECTION: &str = "xAPI 1.0.3 Communication 2.1.3";

/// GET: one statement, or a page of them.
pub(in crate::http) async fn get(
    request: HttpRequest,
    lrs: web::Data<Lrs>,
    caller: Caller,
    Spoken(version): Spoken,
) -> Result<HttpResponse, Problem> {
    let may_read = access::may_read(&caller, &lrs)?;
    let reader = Reader {
        version,
        languages: languages(request.headers()),
    };
    let parameters = params::decode(request.query_string())?;
    match filter::read(&parameters, version).map_err(problems::invalid)? {
        Ask::One(id, shown) => {
            let found = lrs.by_id(id, &may_read).await?;
            let found = found.filter(|(statement, _)| access::sees(&caller, statement));
            single(&lrs, found, false, shown, &reader).await
        }
        Ask::Voided(id, shown) => {
            let found = lrs.by_id(id, &may_read).await?;
            let found = found.filter(|(statement, _)| access::sees(&caller, statement));
            single(&lrs, found, true, shown, &reader).await
        }
        Ask::More(text) => {
            let cursor = lrs.cursor(&text).map_err(|error| {
                problems::bad_request("more", "query-more-unknown", SECTION, &error.to_string())
            })?;
            let mut found = lrs.next_page(cursor, &may_read).await?;
            found.statements.retain(|one| access::sees(&caller, one));
            page(&lrs, &found, &reader).await
        }
        Ask::Many(filter) => {
            let mut found = lrs.first_page(&filter, &may_read).await?;
            found.statements.retain(|one| access::sees(&caller, one));
            page(&lrs, &found, &reader).await
        }
    }
}

async fn single(
    lrs: &Lrs,
    found: Option<(StoredStatement, bool)>,
    voided: bool,
    shown: Shown,
    reader: &Reader,
) -> Result<HttpResponse, Problem> {
    let parameter = if voided {
        "voidedStatementId"
    } else {
        "statementId"
    };
    let statement = found
        .filter(|(_, is_voided)| *is_voided == voided)
        .map(|(statement, _)| statement)
        .ok_or_else(|| problems::no_statement(parameter))?;
    let (stored, seq) = (statement.stored, statement.seq);
    let texts = lrs.show(&[statement], shown.format, reader).await?;
    let answer = answer(shown, Some(stored));
    give(lrs, answer, shown, texts.concat(), &[seq]).await
}

/// `{"statements":[…],"more":"…"}` (Data 3: `StatementResult`).
async fn page(lrs: &Lrs, page: &Page, reader: &Reader) -> Result<HttpResponse, Problem> {
    let texts = lrs
        .show(&page.statements, page.shown.format, reader)
        .await?;
    // A path, which clients put behind the origin. Nothing of it is to be escaped, in a URL or in JSON:
    // base64url, and a prefix that was looked at when it was read.
    let more = page
        .more
        .as_ref()
        .map(|cursor| {
            let prefix = &lrs.config().public_path;
            format!(
                "{prefix}/xapi/statements?more={}",
                cursor.sign(lrs.secret())
            )
        })
        .unwrap_or_default();
    let text = format!(
        "{{\"statements\":[{}],\"more\":\"{more}\"}}",
        texts.join(",")
    );
    let answer = answer(page.shown, last_modified(page, reader.version));
    let positions: Vec<i64> = page.statements.iter().map(|one| one.seq).collect();
    give(lrs, answer, page.shown, text, &positions).await
}

/// The JSON, with the contents of the attachments of the statements at these positions if they are
/// asked for.
async fn give(
    lrs: &Lrs,
    mut answer: HttpResponseBuilder,
    shown: Shown,
    text: String,
    positions: &[i64],
) -> Result<HttpResponse, Problem> {
    if shown.attachments {
        multipart::respond(lrs, answer, text, positions).await
    } else {
        Ok(answer.body(text))
    }
}

/// Of a page only 2.0 tells when it was last changed: when its newest statement was stored
/// (IEEE 9274.1.1 4.1.6.1).
fn last_modified(page: &Page, version: XapiVersion) -> Option<DateTime<Utc>> {
    match version {
        XapiVersion::V1_0_3 => None,
        XapiVersion::V2_0_0 => page.statements.iter().map(|one| one.stored).max(),
    }
}

fn answer(shown: Shown, last_modified: Option<DateTime<Utc>>) -> HttpResponseBuilder {
    let mut answer = HttpResponse::Ok();
    answer.content_type("application/json");
    if let Some(at) = last_modified {
        answer.insert_header((LAST_MODIFIED, HttpDate::from(SystemTime::from(at))));
    }
    if shown.format == Format::Canonical {
        answer.append_header((VARY, ACCEPT_LANGUAGE.as_str()));
    }
    answer
}

/// `Accept-Language`, which may stand in several lines.
fn languages(headers: &HeaderMap) -> Languages {
    let lines: Vec<&str> = headers
        .get_all(ACCEPT_LANGUAGE)
        .filter_map(|line| line.to_str().ok())
        .collect();
    Languages::read(&lines.join(","))
}

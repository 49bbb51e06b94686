//! POST of `/api/v1/statements/validate`: what the LRS would say of statements. Nothing is stored.

use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpRequest, HttpResponse, web};
use schemas::profile::Profile;
use schemas::strict_json::MAX_DEPTH;
use schemas::xapi::XapiVersion;
use service::error::Problem;
use service::identity::{Action, Caller};

use super::body::{self, Kind};
use super::{params, problems};
use crate::Lrs;
use crate::shape::{self, Shape};
use crate::statement::Report;

const SECTION: &str = "Sillage API, statements/validate";

/// POST: a report on one statement or an array. Who may write statements or read everything may ask.
pub(super) async fn post(
    request: HttpRequest,
    payload: web::Payload,
    lrs: web::Data<Lrs>,
    caller: Caller,
) -> Result<HttpResponse, Problem> {
    if !caller.may(Action::ReadAll) {
        caller.require(Action::WriteStatements)?;
    }
    let version = version(&request)?;
    if body::kind(request.headers())? != Kind::Json {
        return Err(problems::media_type(
            "statements to be looked at are sent as application/json, without the contents of attachments",
        ));
    }
    let config = lrs.config();
    let sent = body::read(&request, payload.into_inner(), config.body_max_bytes).await?;
    let (most, deepest) = (config.xapi.request_max_statements, config.xapi.nesting_max);
    // A body of many statements is the work of a tenth of a second: others are answered meanwhile.
    let report = web::block(move || report(&sent, version, most, deepest))
        .await
        .map_err(|error| Problem::internal(&error))?;
    Ok(HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "no-store"))
        .json(report))
}

/// Of at most so many statements, no deeper than is set: at its own depth the parser stops by itself.
fn report(sent: &[u8], version: XapiVersion, most: usize, deepest: usize) -> Report {
    let profile = Profile::sillage();
    if deepest < MAX_DEPTH && Shape::of(sent).depth > deepest {
        return Report::of_fault(shape::too_deep(deepest), version, profile);
    }
    Report::of_body(sent, version, profile, most)
}

/// The parameter `version`, else the header of xAPI, else 1.0.3: the verdict on a statement does not
/// depend on how this server is set.
fn version(request: &HttpRequest) -> Result<XapiVersion, Problem> {
    let parameters = params::decode(request.query_string())?;
    let given = match parameters.as_slice() {
        [] => request
            .headers()
            .get("x-experience-api-version")
            .map(|value| {
                (
                    "X-Experience-API-Version",
                    value.to_str().unwrap_or_default(),
                )
            }),
        [(name, value)] if name == "version" => Some(("version", value.as_str())),
        [.., (name, _)] => {
            return Err(problems::bad_request(
                name,
                "query-parameter-unknown",
                SECTION,
                "the one parameter is version, once",
            ));
        }
    };
    let Some((place, text)) = given else {
        return Ok(XapiVersion::V1_0_3);
    };
    text.parse().map_err(|_| {
        problems::bad_request(
            place,
            "version-header-supported",
            SECTION,
            "1.0, 1.0.x, 2.0 and 2.0.x are spoken here",
        )
    })
}

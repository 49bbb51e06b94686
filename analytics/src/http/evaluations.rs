//! `POST` and `GET /api/v1/pupils/{key}/evaluations`, `DELETE …/evaluations/{evaluation}`.

use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, SubsecRound, Utc};
use mastery::{Degree, Finding};
use schemas::Fault;
use schemas::framework::Framework;
use serde_json::{Map, Value};
use service::error::Problem;
use service::identity::{Action, Caller};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{body, of_pupil, parameters, problems};
use crate::Analytics;
use crate::people::evaluations::{self, EvaluationOf, Evaluations, Outcome};
use crate::store::evaluations::Entered;
use crate::store::{self, frameworks};

/// What is sent, in problems.
const WHAT: &str = "evaluation";

/// An evaluation that a teacher enters: `share` or `degree`, not both.
#[derive(Debug, ToSchema)]
#[expect(
    dead_code,
    reason = "the documentation of a body that is read by hand, to tell each fault"
)]
pub(super) struct NewEvaluation {
    /// A UUID that its maker chose: the same again is entered once.
    #[schema(format = "uuid")]
    id: String,
    /// URI of a competency of the framework in force.
    competency: String,
    /// When it took place (RFC 3339), not in the future.
    #[schema(format = "date-time")]
    at: String,
    /// The share of success, 0 to 1.
    share: Option<f64>,
    /// The degree, 1 to 6.
    degree: Option<u8>,
}

/// Enters an evaluation that was made outside. Mastery is folded again with it: as one answer to an
/// ordinary exercise of the competency, at its time. A person's token may for the pupils of the classes that
/// she teaches, a credential of a school for that school's.
#[utoipa::path(
    post,
    path = "/api/v1/pupils/{key}/evaluations",
    tag = "analytics",
    params(("key" = String, Path, description = "the pupil's key")),
    request_body = NewEvaluation,
    responses(
        (status = 200, description = "the same was entered before: nothing changed", body = EvaluationOf),
        (status = 201, description = "entered", body = EvaluationOf),
        (status = 400, description = "refused: each fault with its JSON pointer"),
        (status = 404, description = "no pupil has this key"),
        (status = 409, description = "this id is another evaluation's"),
    ),
)]
pub(super) async fn post(
    caller: Caller,
    analytics: web::Data<Analytics>,
    key: web::Path<String>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let key = parameters::key(&key)?;
    let enter = Action::EnterEvaluations;
    let person = of_pupil::evaluate(&caller, &analytics, key, enter).await?;
    let max = analytics.config().body_max_bytes;
    let value = body::json(&request, payload, WHAT, max).await?;
    let refused = |faults| problems::refused(WHAT, faults);
    let client = store::client(analytics.pool()).await?;
    let (_, framework) = frameworks::current(&client).await?;
    drop(client);
    let given = Given::read(&value, &framework, service::clock::now()).map_err(refused)?;
    let new = Entered {
        id: given.id,
        key: key.as_uuid(),
        competency: given.competency,
        at: given.at,
        finding: given.finding,
        entered: None,
        entered_by: caller.key().to_owned(),
        entered_by_person: person.map(|person| person.as_uuid()),
    };
    let (mut answer, evaluation) = match evaluations::enter(analytics.pool(), &new).await? {
        Outcome::Entered(evaluation) => (HttpResponse::Created(), evaluation),
        Outcome::Same(evaluation) => (HttpResponse::Ok(), evaluation),
    };
    Ok(answer
        .insert_header((CACHE_CONTROL, "no-store"))
        .json(evaluation))
}

/// The evaluations of a pupil that were entered. A person's token may read those of the pupils whom she teaches.
#[utoipa::path(
    get,
    path = "/api/v1/pupils/{key}/evaluations",
    tag = "analytics",
    params(("key" = String, Path, description = "the pupil's key")),
    responses(
        (status = 200, body = Evaluations),
        (status = 404, description = "no pupil has this key"),
    ),
)]
pub(super) async fn list(
    caller: Caller,
    analytics: web::Data<Analytics>,
    key: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let key = parameters::key(&key)?;
    of_pupil::evaluate(&caller, &analytics, key, Action::ReadAll).await?;
    let evaluations = evaluations::read(analytics.pool(), key).await?;
    Ok(HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "no-store"))
        .json(evaluations))
}

/// Takes back an evaluation. Mastery is folded again without it. Who may enter one may take one back.
#[utoipa::path(
    delete,
    path = "/api/v1/pupils/{key}/evaluations/{evaluation}",
    tag = "analytics",
    params(
        ("key" = String, Path, description = "the pupil's key"),
        ("evaluation" = String, Path, description = "the id of the evaluation"),
    ),
    responses(
        (status = 204, description = "taken back"),
        (status = 404, description = "no pupil has this key, or no such evaluation"),
    ),
)]
pub(super) async fn delete(
    caller: Caller,
    analytics: web::Data<Analytics>,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    let (key, id) = path.into_inner();
    let key = parameters::key(&key)?;
    let take_back = Action::EnterEvaluations;
    of_pupil::evaluate(&caller, &analytics, key, take_back).await?;
    let id = parameters::uuid(&id)
        .ok_or_else(|| problems::bad("evaluation", "evaluation-id", "an id is a UUID"))?;
    let was_there = evaluations::delete(analytics.pool(), key, id).await?;
    was_there.then_some(()).ok_or_else(|| {
        problems::unknown_at(
            "evaluation",
            "evaluation-unknown",
            "this pupil has no evaluation of this id",
            "ids come from GET /api/v1/pupils/{key}/evaluations",
        )
    })?;
    Ok(HttpResponse::NoContent().finish())
}

/// What was sent, read.
struct Given {
    id: Uuid,
    competency: String,
    at: DateTime<Utc>,
    finding: Finding,
}

/// The members of an evaluation.
const MEMBERS: [&str; 5] = ["id", "competency", "at", "share", "degree"];

impl Given {
    /// An evaluation, or every fault of it.
    fn read(value: &Value, framework: &Framework, now: DateTime<Utc>) -> Result<Self, Vec<Fault>> {
        let Some(object) = value.as_object() else {
            let detail = "an evaluation is an object";
            return Err(vec![fault("", "evaluation-object", detail)]);
        };
        let unknown = object
            .keys()
            .filter(|name| !MEMBERS.contains(&name.as_str()));
        let mut faults: Vec<Fault> = unknown
            .map(|name| {
                let place = format!("/{}", name.replace('~', "~0").replace('/', "~1"));
                let detail = "an evaluation has id, competency, at, and share or degree";
                fault(&place, "evaluation-members", detail)
            })
            .collect();
        let text = |name: &str| object.get(name).and_then(Value::as_str);
        let id = text("id").and_then(parameters::uuid);
        if id.is_none() {
            faults.push(fault("/id", "evaluation-id", "id is a UUID"));
        }
        let known = |uri: &&str| framework.competencies().any(|(_, c)| c.uri == **uri);
        let competency = text("competency").filter(known);
        if competency.is_none() {
            let detail = "competency is the URI of a competency of the framework in force";
            faults.push(fault("/competency", "evaluation-competency", detail));
        }
        let at = text("at").and_then(|text| DateTime::parse_from_rfc3339(text).ok());
        let at = at
            .map(|at| at.to_utc().trunc_subsecs(6))
            .filter(|at| *at <= now);
        if at.is_none() {
            let detail = "at is a time of RFC 3339 with its offset, and not in the future";
            faults.push(fault("/at", "evaluation-at", detail));
        }
        let finding = finding(object).map_err(|fault| faults.push(fault)).ok();
        match (id, competency, at, finding) {
            (Some(id), Some(competency), Some(at), Some(finding)) if faults.is_empty() => {
                Ok(Self {
                    id,
                    competency: competency.to_owned(),
                    at,
                    finding,
                })
            }
            _ => Err(faults),
        }
    }
}

fn finding(object: &Map<String, Value>) -> Result<Finding, Fault> {
    match (object.get("share"), object.get("degree")) {
        (Some(share), None) => share
            .as_f64()
            .filter(|share| (0.0..=1.0).contains(share))
            .map(Finding::Share)
            .ok_or_else(|| {
                let detail = "share is a number from 0 to 1";
                fault("/share", "evaluation-share", detail)
            }),
        (None, Some(degree)) => degree
            .as_u64()
            .and_then(|number| u8::try_from(number).ok())
            .and_then(Degree::new)
            .map(Finding::Degree)
            .ok_or_else(|| {
                let detail = "a degree is one of the integers 1 to 6";
                fault("/degree", "evaluation-degree", detail)
            }),
        _ => {
            let detail = "an evaluation has either share or degree";
            Err(fault("", "evaluation-finding", detail))
        }
    }
}

fn fault(pointer: &str, rule: &'static str, detail: &str) -> Fault {
    Fault {
        pointer: pointer.to_owned(),
        rule,
        section: problems::SECTION,
        detail: detail.to_owned(),
    }
}

//! `GET /api/v1/pupils/{key}/odd-answers`.

use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use schemas::ids::AccountKey;
use serde::Serialize;
use service::error::Problem;
use service::identity::{Action, Caller};
use utoipa::ToSchema;
use uuid::Uuid;

use super::pupils::within_school;
use super::{parameters, problems};
use crate::Analytics;
use crate::store::{self, account_person, inputs, odd_answers};

/// The most that are listed.
const MOST: i64 = 100;

/// Answers of a pupil that look as if nobody had read and thought.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct OddAnswers {
    /// The pupil's key.
    key: String,
    /// How many there are.
    count: i64,
    /// The newest first, a hundred at most: where `count` is more, the older ones are not listed.
    answers: Vec<OddAnswer>,
}

/// An answer that looks odd.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct OddAnswer {
    /// Id of its statement.
    statement: Uuid,
    /// What was answered.
    activity: String,
    /// When, as far as is known.
    at: DateTime<Utc>,
    /// Why it looks odd: `too_fast`, `clicking`, `shared_device`.
    signs: Vec<String>,
    /// Whether it is left out of mastery for that.
    left_out: bool,
}

/// The answers of a pupil that the last recomputation found odd, and whether they count.
#[utoipa::path(
    get,
    path = "/api/v1/pupils/{key}/odd-answers",
    tag = "analytics",
    params(("key" = String, Path, description = "the pupil's key")),
    responses(
        (status = 200, body = OddAnswers),
        (status = 404, description = "no pupil has this key"),
    ),
)]
pub(super) async fn list(
    caller: Caller,
    analytics: web::Data<Analytics>,
    key: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    caller.require(Action::ReadAll)?;
    let key = parameters::key(&key)?;
    within_school(&caller, &analytics, key).await?;
    let client = store::client(analytics.pool()).await?;
    if !inputs::is_known(&client, key).await? {
        return Err(problems::unknown_pupil());
    }
    let owners = account_person::of_persons(&client, &[key]).await?;
    let accounts: Vec<AccountKey> = owners.into_keys().collect();
    let (answers, count) = odd_answers::of_accounts(&client, &accounts, MOST).await?;
    let answers = answers.into_iter().map(|answer| OddAnswer {
        statement: answer.statement.as_uuid(),
        activity: answer.activity,
        at: answer.answered_at,
        signs: answer.signs,
        left_out: answer.is_left_out,
    });
    Ok(HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "no-store"))
        .json(OddAnswers {
            key: key.to_string(),
            count,
            answers: answers.collect(),
        }))
}

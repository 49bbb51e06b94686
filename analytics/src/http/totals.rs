//! `GET /api/v1/totals`.

use std::collections::BTreeMap;

use actix_web::{HttpResponse, web};
use serde::Serialize;
use service::error::Problem;
use service::identity::{Action, Caller};
use utoipa::ToSchema;

use crate::Analytics;
use crate::jobs::mastery::JobError;
use crate::store::{self, left_out, odd_answers, totals};

/// Why an answer counts in the totals, and not in mastery.
const NOT_IN_CATALOGUE: &str = "item_not_in_catalogue";

/// Why an answer counts neither in the totals nor in mastery.
const ODD: &str = "odd";

/// Sums over everything.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Totals {
    /// Valid answers, those to items that the catalogue lacks included.
    answers: i64,
    /// Persons with a valid answer.
    pupils: i64,
    /// Right answers.
    correct: i64,
    /// Items with a valid answer.
    items: i64,
    /// What does not count for mastery, by reason.
    left_out: BTreeMap<String, i64>,
    /// Answers that look odd, by sign: left out only where the settings say so.
    odd: BTreeMap<String, i64>,
}

/// How many answers, pupils, right answers and items, and what was left out of mastery and why.
#[utoipa::path(
    get,
    path = "/api/v1/totals",
    tag = "analytics",
    responses((status = 200, body = Totals)),
)]
pub(super) async fn get(
    caller: Caller,
    analytics: web::Data<Analytics>,
) -> Result<HttpResponse, Problem> {
    caller.require_for_every_school(Action::ReadAll)?;
    let client = store::client(analytics.pool()).await?;
    let totals = totals::read(&client).await?.ok_or(JobError::NotReady)?;
    let mut left_out = left_out::read(&client).await?;
    if totals.unknown_items > 0 {
        left_out.insert(NOT_IN_CATALOGUE.to_owned(), totals.unknown_items);
    }
    let odd = odd_answers::counts(&client).await?;
    if odd.left_out > 0 {
        left_out.insert(ODD.to_owned(), odd.left_out);
    }
    Ok(HttpResponse::Ok().json(Totals {
        answers: totals.answers,
        pupils: totals.pupils,
        correct: totals.correct,
        items: totals.items,
        left_out,
        odd: odd.signs,
    }))
}

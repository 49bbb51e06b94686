//! `GET /api/v1/checks/last`, `GET /api/v1/checks/last/reliability`.

use actix_web::http::header::CONTENT_TYPE;
use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use service::error::Problem;
use service::identity::{Action, Caller};
use utoipa::ToSchema;

use super::{parameters, problems};
use crate::Analytics;
use crate::checks::plot;
use crate::store::{self, checks};

/// The last check whether predictions come true.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LastCheck {
    /// When it was done.
    done: DateTime<Utc>,
    /// What it found: the last day that was looked at, each slice in each window, alerts.
    #[schema(value_type = Object)]
    report: Value,
}

/// What the last daily check found.
#[utoipa::path(
    get,
    path = "/api/v1/checks/last",
    tag = "analytics",
    responses(
        (status = 200, body = LastCheck),
        (status = 404, description = "nothing was checked yet"),
    ),
)]
pub(super) async fn last(
    caller: Caller,
    analytics: web::Data<Analytics>,
) -> Result<HttpResponse, Problem> {
    caller.require_for_every_school(Action::ReadAll)?;
    let (done, report) = read(&analytics).await?;
    Ok(HttpResponse::Ok().json(LastCheck { done, report }))
}

/// The reliability plot of a subject by the last check, in SVG: success expected against success that came.
#[utoipa::path(
    get,
    path = "/api/v1/checks/last/reliability",
    tag = "analytics",
    params(
        ("subject" = String, Query, description = "the subject, as the framework names it"),
        ("days" = Option<u32>, Query, description = "days of the window: 1, 7 or 28; 28 where it is left out"),
    ),
    responses(
        (status = 200, content_type = "image/svg+xml", body = String),
        (status = 404, description = "nothing was checked yet, or the subject had no answers in the window"),
    ),
)]
pub(super) async fn reliability(
    caller: Caller,
    analytics: web::Data<Analytics>,
    query: web::Query<parameters::PlotOf>,
) -> Result<HttpResponse, Problem> {
    caller.require_for_every_school(Action::ReadAll)?;
    let (subject, days) = query.into_inner().read()?;
    let (_, report) = read(&analytics).await?;
    let svg = plot::of(&report, &subject, days).ok_or_else(problems::no_window)?;
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "image/svg+xml"))
        .body(svg))
}

async fn read(analytics: &Analytics) -> Result<(DateTime<Utc>, Value), Problem> {
    let client = store::client(analytics.pool()).await?;
    let last = checks::last(&client).await?;
    last.ok_or_else(problems::no_check)
}

//! `GET /api/v1/status`.

use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use serde::Serialize;
use service::error::Problem;
use service::identity::{Caller, Scope};
use utoipa::ToSchema;

use crate::Analytics;
use crate::jobs::mastery::JobError;
use crate::lake;
use crate::store::{self, feed, totals};

/// How far the line is. Positions are places in the final order of all statements.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Status {
    /// Position of the last statement stored.
    stored_seq: i64,
    /// Up to where the order is final.
    horizon: DateTime<Utc>,
    /// Position of the last statement up to the horizon.
    horizon_seq: i64,
    /// Position up to which answers are folded into mastery.
    folded_seq: i64,
    /// Fingerprint of the model that is served.
    model: String,
    /// Whether states are being made again, or must be: a new framework or catalogue is not served
    /// yet.
    rebuilding: bool,
    /// Positions up to which the lake's tables were shipped.
    lake: Lake,
}

/// Positions of the lake's tables.
#[derive(Debug, Serialize, ToSchema)]
struct Lake {
    /// Of `statements`.
    statements: i64,
    /// Of `answers`.
    answers: i64,
}

/// How far statements are stored, folded and shipped.
#[utoipa::path(
    get,
    path = "/api/v1/status",
    tag = "analytics",
    responses((status = 200, body = Status), (status = 503, description = "a service is not up yet")),
)]
pub(super) async fn get(
    caller: Caller,
    analytics: web::Data<Analytics>,
) -> Result<HttpResponse, Problem> {
    caller.require(Scope::AllRead)?;
    let client = store::client(analytics.pool()).await?;
    if !feed::neighbours(&client).await?.feed {
        return Err(JobError::NotReady.into());
    }
    let horizon = feed::horizon(&client).await?;
    let progress = totals::progress(&client, horizon).await?;
    let progress = progress.ok_or(JobError::NotReady)?;
    drop(client);
    let wanted = analytics.models().wanted(analytics.pool()).await?;
    let positions = lake::positions(&analytics).await.map_err(JobError::from)?;
    Ok(HttpResponse::Ok().json(Status {
        stored_seq: progress.stored_seq,
        horizon,
        horizon_seq: progress.horizon_seq,
        folded_seq: progress.folded_seq,
        rebuilding: progress.building || progress.model != wanted,
        model: progress.model,
        lake: Lake {
            statements: positions.statements,
            answers: positions.answers,
        },
    }))
}

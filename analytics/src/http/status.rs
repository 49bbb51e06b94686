//! `GET /api/v1/status`.

use std::collections::BTreeMap;

use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use serde::Serialize;
use service::error::Problem;
use service::identity::{Action, Caller};
use utoipa::ToSchema;

use crate::Analytics;
use crate::jobs::mastery::JobError;
use crate::lake::{self, LakeError, Positions};
use crate::store::{self, calibrations, checks, feed, totals};

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
    /// Whether states are being made again, or must be: a new framework, catalogue or calibration is not
    /// served yet.
    rebuilding: bool,
    /// The calibration that the served states were made with, by subject; a subject without one goes by the
    /// catalogue and the defaults.
    calibrations: BTreeMap<String, i64>,
    /// How many alerts of the last check concern what is served.
    alerts: i64,
    /// Positions up to which the lake's tables were shipped.
    lake: Lake,
}

/// Positions of the lake's tables.
#[derive(Debug, Serialize, ToSchema)]
struct Lake {
    /// Of `statements`; null when it cannot be told.
    statements: Option<i64>,
    /// Of `answers`; null when it cannot be told.
    answers: Option<i64>,
    /// Why it cannot be told: the lake cannot be read, or belongs to another history of the database.
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<String>,
}

impl From<Result<Positions, LakeError>> for Lake {
    fn from(positions: Result<Positions, LakeError>) -> Self {
        match positions {
            Ok(positions) => Self {
                statements: Some(positions.statements),
                answers: Some(positions.answers),
                fault: None,
            },
            Err(error) => Self {
                statements: None,
                answers: None,
                fault: Some(service::error::chain(&error)),
            },
        }
    }
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
    caller.require_for_every_school(Action::ReadAll)?;
    let client = store::client(analytics.pool()).await?;
    if !feed::neighbours(&client).await?.feed {
        return Err(JobError::NotReady.into());
    }
    let horizon = feed::horizon(&client).await?;
    let progress = totals::progress(&client, horizon).await?;
    let progress = progress.ok_or(JobError::NotReady)?;
    let calibrations = calibrations::served(&client).await?;
    let alerts = checks::open_alerts(&client).await?;
    drop(client);
    let wanted = analytics.models().wanted(analytics.pool()).await?;
    // The rest of the status is most wanted when the lake is at fault.
    let positions = lake::positions(&analytics).await;
    Ok(HttpResponse::Ok().json(Status {
        stored_seq: progress.stored_seq,
        horizon,
        horizon_seq: progress.horizon_seq,
        folded_seq: progress.folded_seq,
        rebuilding: progress.building || progress.model != wanted,
        model: progress.model,
        calibrations,
        alerts,
        lake: positions.into(),
    }))
}

//! `GET /api/v1/fits`, `GET /api/v1/fits/{fit}`.

use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use service::error::Problem;
use service::identity::{Action, Caller};
use utoipa::ToSchema;

use super::{parameters, problems};
use crate::Analytics;
use crate::calibration;
use crate::store::calibrations::Listed;

/// Every fit.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Fits {
    /// The newest first.
    fits: Vec<FitSummary>,
}

/// A fit.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FitSummary {
    /// Its number: the `version` that `sillage analytics accept` takes.
    version: i64,
    /// The subject.
    subject: String,
    /// What became of it: `running`, `given-up`, `proposed`, `accepted`, `refused`, `rolled-back`.
    status: &'static str,
    /// Whether its subject goes by it now.
    in_force: bool,
    /// Fingerprint of the model that it was compared with.
    model: String,
    /// Version of the lake's table of answers at its beginning.
    lake_version: i64,
    /// Position of the lake up to which answers count.
    lake_seq: i64,
    /// When it began.
    begun: DateTime<Utc>,
    /// When it was done.
    done: Option<DateTime<Utc>>,
    /// How it predicted pupils whom no fit sees, beside what was in force: figures, gain in log loss and its
    /// standard error. Null before it is done.
    #[schema(value_type = Option<Object>)]
    held_out: Option<Value>,
}

/// A fit with all that it found.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FitInFull {
    #[serde(flatten)]
    summary: FitSummary,
    /// What it found: answers, constants that were searched, items that are odd. Null before it is done.
    #[schema(value_type = Option<Object>)]
    report: Option<Value>,
}

/// The fits of the model, done and under way, and how they predicted.
#[utoipa::path(
    get,
    path = "/api/v1/fits",
    tag = "analytics",
    responses((status = 200, body = Fits)),
)]
pub(super) async fn list(
    caller: Caller,
    analytics: web::Data<Analytics>,
) -> Result<HttpResponse, Problem> {
    caller.require_for_every_school(Action::ReadAll)?;
    let fits = calibration::list(analytics.pool()).await?;
    let fits = fits.into_iter().map(FitSummary::from).collect();
    Ok(HttpResponse::Ok().json(Fits { fits }))
}

/// A fit with its diagnostics and its comparison with what was in force.
#[utoipa::path(
    get,
    path = "/api/v1/fits/{fit}",
    tag = "analytics",
    params(("fit" = i64, Path, description = "the fit's number, its `version` in the list")),
    responses(
        (status = 200, body = FitInFull),
        (status = 404, description = "no fit has this number"),
    ),
)]
pub(super) async fn get(
    caller: Caller,
    analytics: web::Data<Analytics>,
    fit: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    caller.require_for_every_school(Action::ReadAll)?;
    let number = parameters::number("fit", &fit)?;
    let found = calibration::show(analytics.pool(), number).await?;
    let found = found.ok_or_else(problems::unknown_fit)?;
    let report = found.report.clone();
    let summary = FitSummary::from(found);
    Ok(HttpResponse::Ok().json(FitInFull { summary, report }))
}

impl From<Listed> for FitSummary {
    fn from(listed: Listed) -> Self {
        let report = listed.report.as_ref();
        Self {
            version: listed.calibration,
            subject: listed.subject,
            status: listed.status.as_str(),
            in_force: listed.in_force,
            model: listed.model,
            lake_version: listed.lake_version,
            lake_seq: listed.lake_seq,
            begun: listed.started,
            done: listed.finished,
            held_out: report.and_then(|report| report.get("held_out")).cloned(),
        }
    }
}

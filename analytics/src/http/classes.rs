//! `GET /api/v1/classes`, `GET /api/v1/classes/{key}/mastery`.

use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpResponse, web};
use serde::Serialize;
use service::error::Problem;
use service::identity::{Action, Caller};
use utoipa::ToSchema;
use uuid::Uuid;

use super::parameters::{self, AsOf};
use super::problems;
use crate::Analytics;
use crate::aggregates::class::{self, ClassMastery};
use crate::store::{self, classes};

/// The classes of the roster.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Classes {
    /// By label.
    classes: Vec<ClassSummary>,
}

/// A class.
#[derive(Debug, Serialize, ToSchema)]
struct ClassSummary {
    /// Its key.
    key: Uuid,
    /// What it is called.
    label: String,
    /// Its school, where the roster names it.
    school: Option<String>,
    /// How many pupils it has.
    pupils: i64,
}

/// The classes of the roster; for a credential that is bound to a school, its classes.
#[utoipa::path(
    get,
    path = "/api/v1/classes",
    tag = "analytics",
    responses((status = 200, body = Classes)),
)]
pub(super) async fn list(
    caller: Caller,
    analytics: web::Data<Analytics>,
) -> Result<HttpResponse, Problem> {
    caller.require(Action::ReadAll)?;
    let client = store::client(analytics.pool()).await?;
    let school = caller.school().map(ToString::to_string);
    let classes = classes::list(&client, school.as_deref()).await?;
    let classes = classes.into_iter().map(|(class, pupils)| ClassSummary {
        key: class.key,
        label: class.title,
        school: class.school,
        pupils,
    });
    Ok(HttpResponse::Ok().json(Classes {
        classes: classes.collect(),
    }))
}

/// A class as pupils by domains: degree, niveau, M, answers.
#[utoipa::path(
    get,
    path = "/api/v1/classes/{key}/mastery",
    tag = "analytics",
    params(
        ("key" = String, Path, description = "the class's key"),
        ("as_of" = Option<String>, Query, description = "the time at which mastery is evaluated (RFC 3339), later answers left out; now where it is left out"),
    ),
    responses(
        (status = 200, body = ClassMastery),
        (status = 400, description = "a parameter that cannot be taken"),
        (status = 404, description = "no class has this key"),
    ),
)]
pub(super) async fn mastery(
    caller: Caller,
    analytics: web::Data<Analytics>,
    key: web::Path<String>,
    parameters: web::Query<AsOf>,
) -> Result<HttpResponse, Problem> {
    caller.require(Action::ReadAll)?;
    let key = parameters::class(&key)?;
    let as_of = parameters.read()?;
    if let Some(school) = caller.school() {
        let client = store::client(analytics.pool()).await?;
        let is_its = classes::is_of_school(&client, key, &school.to_string()).await?;
        is_its.then_some(()).ok_or_else(unknown)?;
    }
    let mastery = class::mastery(analytics.pool(), analytics.models(), key, as_of).await?;
    let mastery = mastery.ok_or_else(unknown)?;
    Ok(HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "no-store"))
        .json(mastery))
}

fn unknown() -> Problem {
    problems::unknown(
        "class-unknown",
        "no class has this key",
        "keys come from GET /api/v1/classes",
    )
}

//! `GET /health/live`, `GET /health/ready`: open to everybody.

use std::time::Duration;

use actix_web::http::header::{CACHE_CONTROL, RETRY_AFTER};
use actix_web::{HttpResponse, web};
use serde::Serialize;
use service::pg::Pool;

use super::{Open, Site, read_only};

/// A database that takes longer to say yes is one that nobody should be sent to.
const PATIENCE: Duration = Duration::from_secs(2);

/// What health is asked of.
#[derive(Debug)]
pub(super) struct Health {
    pool: Pool,
    open: Open,
}

impl Health {
    pub(super) fn new(site: &Site) -> Self {
        Self {
            pool: site.context.pool.clone(),
            open: site.open.clone(),
        }
    }

    async fn database_answers(&self) -> bool {
        let asked = async {
            let client = self.pool.get().await.ok()?;
            client.simple_query("select 1").await.ok()
        };
        matches!(tokio::time::timeout(PATIENCE, asked).await, Ok(Some(_)))
    }
}

/// The body of both.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct Told {
    /// `live`, `ready` or `not_ready`.
    status: &'static str,
    /// Why it is not ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

pub(super) fn routes(cfg: &mut web::ServiceConfig) {
    cfg.service(read_only("/health/live", web::get().to(live)))
        .service(read_only("/health/ready", web::get().to(ready)));
}

/// Whether the process runs.
#[utoipa::path(
    get, path = "/health/live", tag = "health", security(()),
    responses((status = 200, description = "The process runs.", body = Told)),
)]
pub(super) async fn live() -> HttpResponse {
    told(&Told {
        status: "live",
        reason: None,
    })
}

/// Whether requests are wanted: the start is over, the stop has not begun, the database answers.
#[utoipa::path(
    get, path = "/health/ready", tag = "health", security(()),
    responses(
        (status = 200, description = "Requests are wanted.", body = Told),
        (status = 503, description = "Not now.", body = Told),
    ),
)]
pub(super) async fn ready(health: web::Data<Health>) -> HttpResponse {
    let reason = if !health.open.is() {
        Some("the service is stopping")
    } else if !health.database_answers().await {
        Some("the database does not answer")
    } else {
        None
    };
    let status = match reason {
        None => "ready",
        Some(_) => "not_ready",
    };
    told(&Told { status, reason })
}

fn told(told: &Told) -> HttpResponse {
    let mut answer = match told.reason {
        None => HttpResponse::Ok(),
        Some(_) => HttpResponse::ServiceUnavailable(),
    };
    if told.reason.is_some() {
        answer.insert_header((RETRY_AFTER, "1"));
    }
    answer.insert_header((CACHE_CONTROL, "no-store")).json(told)
}

//! Every route of the recommender.

use actix_web::{HttpResponse, ResponseError, web};

use super::{catalogue, next, problems};

/// The resources of the recommender under `/api/v1`. The application gives
/// `web::Data<Recommender>` and `web::Data<service::identity::Credentials>`.
pub fn routes(cfg: &mut web::ServiceConfig) {
    // Who reads: all, all/read. Who writes: all.
    cfg.service(
        web::resource("/api/v1/catalogue")
            .route(web::put().to(catalogue::put))
            .route(web::get().to(catalogue::get))
            .default_service(web::to(|| method_not_allowed("GET, PUT"))),
    )
    .service(
        web::resource("/api/v1/pupils/{key}/next-activities")
            .route(web::get().to(next::get))
            .default_service(web::to(|| method_not_allowed("GET"))),
    );
}

async fn method_not_allowed(allowed: &'static str) -> HttpResponse {
    problems::method(allowed).error_response()
}

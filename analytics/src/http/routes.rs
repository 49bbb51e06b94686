//! Every route of analytics.

use actix_web::{HttpResponse, ResponseError, web};

use super::{
    checks, classes, declared_profile, evaluations, fits, framework, jobs, odd_answers, problems,
    pupils, roster, status, totals, why,
};

/// The resources of analytics under `/api/v1`. The application gives `web::Data<Analytics>` and
/// `web::Data<service::identity::Credentials>`.
pub fn routes(cfg: &mut web::ServiceConfig) {
    // Who reads: all, all/read. Who writes: all.
    cfg.service(
        web::resource("/api/v1/framework")
            .route(web::put().to(framework::put))
            .route(web::get().to(framework::get))
            .default_service(web::to(|| method_not_allowed("GET, PUT"))),
    )
    .service(
        web::resource("/api/v1/roster")
            .route(web::put().to(roster::put))
            .default_service(web::to(|| method_not_allowed("PUT"))),
    )
    .service(
        web::resource("/api/v1/classes")
            .route(web::get().to(classes::list))
            .default_service(web::to(|| method_not_allowed("GET"))),
    )
    .service(
        web::resource("/api/v1/classes/{key}/mastery")
            .route(web::get().to(classes::mastery))
            .default_service(web::to(|| method_not_allowed("GET"))),
    )
    .service(
        // Reads, though it is a POST: an account stands in no URL.
        web::resource("/api/v1/pupils/resolve")
            .route(web::post().to(pupils::resolve))
            .default_service(web::to(|| method_not_allowed("POST"))),
    )
    .service(
        web::resource("/api/v1/pupils/{key}/mastery")
            .route(web::get().to(pupils::mastery))
            .default_service(web::to(|| method_not_allowed("GET"))),
    )
    .service(
        web::resource("/api/v1/pupils/{key}/mastery/{competency}/why")
            .route(web::get().to(why::get))
            .default_service(web::to(|| method_not_allowed("GET"))),
    )
    .service(
        web::resource("/api/v1/pupils/{key}/declared-profile")
            .route(web::put().to(declared_profile::put))
            .route(web::get().to(declared_profile::get))
            .route(web::delete().to(declared_profile::delete))
            .default_service(web::to(|| method_not_allowed("DELETE, GET, PUT"))),
    )
    .service(
        web::resource("/api/v1/pupils/{key}/evaluations")
            .route(web::post().to(evaluations::post))
            .route(web::get().to(evaluations::list))
            .default_service(web::to(|| method_not_allowed("GET, POST"))),
    )
    .service(
        web::resource("/api/v1/pupils/{key}/evaluations/{evaluation}")
            .route(web::delete().to(evaluations::delete))
            .default_service(web::to(|| method_not_allowed("DELETE"))),
    )
    .service(
        web::resource("/api/v1/pupils/{key}/odd-answers")
            .route(web::get().to(odd_answers::list))
            .default_service(web::to(|| method_not_allowed("GET"))),
    )
    .service(
        web::resource("/api/v1/fits")
            .route(web::get().to(fits::list))
            .default_service(web::to(|| method_not_allowed("GET"))),
    )
    .service(
        web::resource("/api/v1/fits/{fit}")
            .route(web::get().to(fits::get))
            .default_service(web::to(|| method_not_allowed("GET"))),
    )
    .service(
        web::resource("/api/v1/checks/last")
            .route(web::get().to(checks::last))
            .default_service(web::to(|| method_not_allowed("GET"))),
    )
    .service(
        web::resource("/api/v1/checks/last/reliability")
            .route(web::get().to(checks::reliability))
            .default_service(web::to(|| method_not_allowed("GET"))),
    )
    .service(
        web::resource("/api/v1/totals")
            .route(web::get().to(totals::get))
            .default_service(web::to(|| method_not_allowed("GET"))),
    )
    .service(
        web::resource("/api/v1/status")
            .route(web::get().to(status::get))
            .default_service(web::to(|| method_not_allowed("GET"))),
    )
    .service(
        web::resource("/api/v1/jobs/mastery")
            .route(web::post().to(jobs::mastery))
            .default_service(web::to(|| method_not_allowed("POST"))),
    )
    .service(
        web::resource("/api/v1/jobs/mastery-as-of")
            .route(web::post().to(jobs::mastery_as_of))
            .default_service(web::to(|| method_not_allowed("POST"))),
    );
}

async fn method_not_allowed(allowed: &'static str) -> HttpResponse {
    problems::method(allowed).error_response()
}

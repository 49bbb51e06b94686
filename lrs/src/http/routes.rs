//! Every route of the LRS.

use actix_web::middleware::from_fn;
use actix_web::{HttpResponse, ResponseError, web};

use super::{about, problems, profile_check, statements, validate, version};

/// The resources under `/xapi`, and those of statements under `/api/v1`. The application gives `web::Data<Lrs>` and
/// `web::Data<service::identity::Credentials>`.
pub fn routes(cfg: &mut web::ServiceConfig) {
    cfg.service(
        // Who asks: all, all/read, statements/write.
        web::resource("/api/v1/statements/validate")
            .route(web::post().to(validate::post))
            .default_service(web::to(|| method_not_allowed("POST"))),
    )
    .service(
        // Who reads: all, all/read.
        web::resource("/api/v1/statements/profile-warnings")
            .route(web::get().to(profile_check::warnings))
            .default_service(web::to(|| method_not_allowed("GET"))),
    )
    .service(
        web::scope("/xapi")
            .wrap(from_fn(version::headers))
            .service(
                // Who reads: all, all/read, statements/read. Who writes: all, statements/write.
                web::resource("/statements")
                    .wrap(from_fn(version::required))
                    .route(web::get().to(statements::get))
                    .route(web::head().to(statements::get))
                    .route(web::put().to(statements::put))
                    .route(web::post().to(statements::post))
                    .default_service(web::to(|| method_not_allowed("GET, HEAD, POST, PUT"))),
            )
            .service(
                // Open to everybody.
                web::resource("/about")
                    .route(web::get().to(about::get))
                    .route(web::head().to(about::get))
                    .default_service(web::to(|| method_not_allowed("GET, HEAD"))),
            ),
    );
}

async fn method_not_allowed(allowed: &'static str) -> HttpResponse {
    problems::method(allowed).error_response()
}

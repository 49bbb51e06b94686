//! Every route of the LRS.

use actix_web::middleware::from_fn;
use actix_web::{HttpResponse, ResponseError, web};

use super::{about, alternate, problems, statements, version};

/// The resources under `/xapi`. The application gives `web::Data<Lrs>` and
/// `web::Data<service::identity::Credentials>`.
pub fn routes(cfg: &mut web::ServiceConfig) {
    cfg.service(
        web::scope("/xapi")
            // The last one is the outermost.
            .wrap(from_fn(alternate::syntax))
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

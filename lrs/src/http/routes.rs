//! Every route of the LRS.

use actix_web::dev::HttpServiceFactory;
use actix_web::middleware::from_fn;
use actix_web::{HttpResponse, ResponseError, web};

use super::{
    about, activities, agents, alternate, documents, problems, profile_check, statements, validate,
    version,
};
use crate::documents::Kind;
use crate::ingest::postbox::Postbox;

const STATEMENTS: &str = "GET, HEAD, POST, PUT";
const DOCUMENTS: &str = "DELETE, GET, HEAD, POST, PUT";
const READ_ALONE: &str = "GET, HEAD";

/// The resources under `/xapi`, and those of statements under `/api/v1`.
///
/// The application gives `web::Data<Lrs>` and `web::Data<service::identity::Credentials>`, and calls this
/// on the thread that is to answer, as actix-web calls the factory of an application.
pub fn routes(cfg: &mut web::ServiceConfig) {
    cfg.app_data(Postbox::of_this_thread());
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
            // The last one is the outermost.
            .wrap(from_fn(alternate::syntax))
            .wrap(from_fn(version::headers))
            .service(
                // Who reads: all, all/read, statements/read. Who writes: all, statements/write.
                web::resource("/statements")
                    .wrap(from_fn(|request, next| {
                        version::required(STATEMENTS, request, next)
                    }))
                    .route(web::get().to(statements::get))
                    .route(web::head().to(statements::get))
                    .route(web::put().to(statements::put))
                    .route(web::post().to(statements::post))
                    .default_service(web::to(|| method_not_allowed(STATEMENTS))),
            )
            // Who reads: all, all/read, state. Who writes: all, state.
            .service(document("/activities/state", Kind::State))
            // Who reads: all, all/read, profile. Who writes: all, profile.
            .service(document("/activities/profile", Kind::ActivityProfile))
            .service(document("/agents/profile", Kind::AgentProfile))
            .service(
                // Who reads: all, all/read.
                web::resource("/agents")
                    .wrap(from_fn(|request, next| {
                        version::required(READ_ALONE, request, next)
                    }))
                    .route(web::get().to(agents::get))
                    .route(web::head().to(agents::get))
                    .default_service(web::to(|| method_not_allowed(READ_ALONE))),
            )
            .service(
                // Who reads: all, all/read.
                web::resource("/activities")
                    .wrap(from_fn(|request, next| {
                        version::required(READ_ALONE, request, next)
                    }))
                    .route(web::get().to(activities::get))
                    .route(web::head().to(activities::get))
                    .default_service(web::to(|| method_not_allowed(READ_ALONE))),
            )
            .service(
                // Open to everybody.
                web::resource("/about")
                    .route(web::get().to(about::get))
                    .route(web::head().to(about::get))
                    .default_service(web::to(|| method_not_allowed(READ_ALONE))),
            ),
    );
}

/// A resource of documents.
fn document(path: &'static str, kind: Kind) -> impl HttpServiceFactory + 'static {
    web::resource(path)
        .app_data(kind)
        .wrap(from_fn(|request, next| {
            version::required(DOCUMENTS, request, next)
        }))
        .route(web::get().to(documents::get))
        .route(web::head().to(documents::get))
        .route(web::put().to(documents::put))
        .route(web::post().to(documents::post))
        .route(web::delete().to(documents::delete))
        .default_service(web::to(|| method_not_allowed(DOCUMENTS)))
}

async fn method_not_allowed(allowed: &'static str) -> HttpResponse {
    problems::method(allowed).error_response()
}

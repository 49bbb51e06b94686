//! Cross-origin requests of front-ends in browsers: an allow-list of origins.

use actix_cors::Cors;
use actix_web::http::header::{
    ACCEPT, ACCEPT_LANGUAGE, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderName, IF_MATCH,
    IF_NONE_MATCH,
};
use service::config::HttpSettings;

/// How long a browser may remember the answer to a preflight, in seconds; they take two hours at most.
const PREFLIGHT_MAX_AGE_S: usize = 7_200;

const VERSION: HeaderName = HeaderName::from_static("x-experience-api-version");

/// What a page may read of an answer besides what browsers show anyway.
const EXPOSED: [&str; 12] = [
    "Allow",
    "Content-Encoding",
    "Content-Language",
    "Date",
    "ETag",
    "Last-Modified",
    "Location",
    "Retry-After",
    "WWW-Authenticate",
    "X-Experience-API-Consistent-Through",
    "X-Experience-API-Version",
    "X-Request-Id",
];

/// The middleware. An origin that is not allowed gets answers without the headers of CORS, which its
/// browser then keeps from it. No cookie is ever used, so `*` gives nothing away: who asks still
/// needs a credential.
pub(super) fn cors(settings: &HttpSettings) -> Cors {
    let allowed: Vec<String> = settings.cors_origins().map(str::to_owned).collect();
    let every = allowed.iter().any(|origin| origin == "*");
    let cors = if every {
        Cors::default().allow_any_origin().send_wildcard()
    } else {
        Cors::default().allowed_origin_fn(move |origin, _| {
            origin
                .to_str()
                .is_ok_and(|origin| allowed.iter().any(|one| one == origin))
        })
    };
    cors.allowed_methods(["GET", "HEAD", "POST", "PUT", "DELETE"])
        .allowed_headers([
            ACCEPT,
            ACCEPT_LANGUAGE,
            AUTHORIZATION,
            CONTENT_ENCODING,
            CONTENT_TYPE,
            IF_MATCH,
            IF_NONE_MATCH,
            VERSION,
        ])
        .expose_headers(EXPOSED)
        .max_age(PREFLIGHT_MAX_AGE_S)
}

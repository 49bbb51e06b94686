//! `/xapi/about` (xAPI 1.0.3 Communication 2.8): which versions are spoken.

use actix_web::HttpResponse;
use serde_json::json;

/// Every version that a request may name.
const VERSIONS: [&str; 5] = ["2.0.0", "1.0.3", "1.0.2", "1.0.1", "1.0.0"];

pub(super) async fn get() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "version": VERSIONS }))
}

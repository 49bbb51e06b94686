//! `/xapi/about` (xAPI 1.0.3 Communication 2.8): which versions are spoken.

use actix_web::HttpResponse;
use schemas::xapi::XapiVersion;
use serde_json::json;

use super::version::Spoken;

/// Every version that a request may name, the newest first.
const VERSIONS: [&str; 5] = ["2.0.0", "1.0.3", "1.0.2", "1.0.1", "1.0.0"];

/// A request that names 1.0.x is told those alone: clients written for them take another version in
/// the list for a fault (`docs/api/clients.md`). Any other request is told them all.
pub(super) async fn get(spoken: Option<Spoken>) -> HttpResponse {
    let is_1_0 = matches!(spoken, Some(Spoken(XapiVersion::V1_0_3)));
    let versions = if is_1_0 { &VERSIONS[1..] } else { &VERSIONS };
    HttpResponse::Ok().json(json!({ "version": versions }))
}

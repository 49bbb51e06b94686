//! The profile at the door: in the mode of the caller's credential, and what the operator sees of it.

use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpResponse, web};
use schemas::profile::Profile;
use serde_json::json;
use service::error::Problem;
use service::identity::{Action, Caller, ProfileMode};

use super::problems;
use crate::Lrs;
use crate::statement::Parsed;

/// How many faults a refusal tells at most.
const MOST_FAULTS: usize = 100;

/// Checks statements that xAPI accepts against the profile, in the mode of the caller's credential:
/// off, counted, or refused whole. `is_array` says how they are pointed at.
pub(in crate::http) fn profile_check(
    lrs: &Lrs,
    caller: &Caller,
    parsed: &[Parsed],
    is_array: bool,
) -> Result<(), Problem> {
    let mode = caller.profile_mode().unwrap_or(lrs.config().profile.mode);
    if mode == ProfileMode::Off {
        return Ok(());
    }
    let now = service::clock::now();
    let mut refused = Vec::new();
    for (index, one) in parsed.iter().enumerate() {
        let faults = Profile::sillage().check(one.value()).faults;
        if mode == ProfileMode::Warn {
            lrs.warnings().count(caller.key(), &faults, now);
            continue;
        }
        let prefix = if is_array {
            format!("/{index}")
        } else {
            String::new()
        };
        refused.extend(faults.into_iter().map(|fault| fault.under(&prefix)));
        if refused.len() >= MOST_FAULTS {
            break;
        }
    }
    if refused.is_empty() {
        return Ok(());
    }
    refused.truncate(MOST_FAULTS);
    Err(problems::not_by_profile(refused))
}

/// GET of `/api/v1/statements/profile-warnings`: what was counted, the latest first.
pub(super) async fn warnings(lrs: web::Data<Lrs>, caller: Caller) -> Result<HttpResponse, Problem> {
    caller.require_for_every_school(Action::ReadAll)?;
    let warnings = lrs.profile_warnings().await?;
    Ok(HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "no-store"))
        .json(json!({ "profile": Profile::sillage().version(), "warnings": warnings })))
}

//! `/xapi/activities` (xAPI 1.0.3 Communication 2.5).

use actix_web::{HttpRequest, HttpResponse, web};
use service::error::Problem;
use service::identity::{Action, Caller};

use super::{answer, params, problems};
use crate::Lrs;
use crate::documents::query;

/// GET: the activity with its canonical definition; one never seen with its id alone.
pub(super) async fn get(
    request: HttpRequest,
    lrs: web::Data<Lrs>,
    caller: Caller,
) -> Result<HttpResponse, Problem> {
    caller.require(Action::ReadAll)?;
    let parameters = params::decode(request.query_string())?;
    let activity = query::activities(&parameters).map_err(problems::invalid)?;
    answer::json(&request, lrs.activity(&activity).await?, None)
}

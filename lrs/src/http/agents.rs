//! `/xapi/agents` (xAPI 1.0.3 Communication 2.4).

use actix_web::{HttpRequest, HttpResponse, web};
use service::error::Problem;
use service::identity::{Action, Caller};

use super::version::Spoken;
use super::{answer, params, problems};
use crate::Lrs;
use crate::documents::query;

/// GET: the Person of an Agent, known or not.
pub(super) async fn get(
    request: HttpRequest,
    lrs: web::Data<Lrs>,
    caller: Caller,
    Spoken(version): Spoken,
) -> Result<HttpResponse, Problem> {
    // A Person is what every school's statements say.
    caller.require_for_every_school(Action::ReadAll)?;
    let parameters = params::decode(request.query_string())?;
    let asked = query::agents(&parameters, version).map_err(problems::invalid)?;
    let person = lrs.person(&asked).await?;
    answer::json(&request, person.to_string(), None)
}

//! The table of what goes wrong: status, code and words for outside.

use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, HeaderValue};
use schemas::Fault;
use service::error::{Broken, Problem};

use crate::aggregates::why::WhyError;
use crate::jobs::mastery::JobError;
use crate::people::import::ImportError;
use crate::people::{InputError, RosterFault};

/// Where the rules of the parameters stand.
pub(super) const SECTION: &str = "Sillage API, analytics";

/// 400: a parameter of the query or the path, or a member of a body, that cannot be taken.
pub(super) fn bad(place: &str, rule: &str, detail: &str) -> Problem {
    Problem::bad_request(place.to_owned(), rule, SECTION.to_owned(), detail)
}

/// 404, with where keys come from.
pub(super) fn unknown(rule: &str, detail: &str, hint: &str) -> Problem {
    unknown_at("key", rule, detail, hint)
}

/// 404, of another part of the path.
pub(super) fn unknown_at(pointer: &str, rule: &str, detail: &str, hint: &str) -> Problem {
    Problem::not_found(detail).broken(Broken {
        pointer: Some(pointer.to_owned()),
        rule: rule.to_owned(),
        section: Some(SECTION.to_owned()),
        detail: hint.to_owned(),
    })
}

/// 404: nobody has this key.
pub(super) fn unknown_pupil() -> Problem {
    unknown(
        "pupil-unknown",
        "no pupil has this key or account",
        "keys come from POST /api/v1/pupils/resolve and from the classes",
    )
}

/// 404: no fit has this number.
pub(super) fn unknown_fit() -> Problem {
    unknown_at(
        "fit",
        "fit-unknown",
        "no fit has this number",
        "numbers come from GET /api/v1/fits",
    )
}

/// 404: nothing was checked yet.
pub(super) fn no_check() -> Problem {
    let hint = "the service checks once a day; sillage analytics check does at once";
    Problem::not_found("nothing was checked yet").broken(Broken {
        pointer: None,
        rule: "check-none".to_owned(),
        section: Some(SECTION.to_owned()),
        detail: hint.to_owned(),
    })
}

/// 404: the last check has no answers of the subject in this window.
pub(super) fn no_window() -> Problem {
    unknown_at(
        "subject",
        "check-no-answers",
        "the last check has no answers of this subject in this window",
        "GET /api/v1/checks/last lists what it has",
    )
}

/// 405, with what is allowed.
pub(super) fn method(allowed: &'static str) -> Problem {
    let detail = format!("this resource knows {allowed}");
    let status = StatusCode::METHOD_NOT_ALLOWED;
    http(status, "method_not_allowed", "method", "method", detail)
        .header(ALLOW, HeaderValue::from_static(allowed))
}

/// 415.
pub(super) fn media_type(header: &str, detail: &str) -> Problem {
    let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
    http(
        status,
        "media_type",
        header,
        "content-type",
        detail.to_owned(),
    )
}

/// 400: a document was refused, nothing changed.
pub(super) fn refused(what: &str, faults: Vec<Fault>) -> Problem {
    let detail = format!("the {what} was refused whole, nothing changed");
    Problem::new(StatusCode::BAD_REQUEST, "bad_request", detail)
        .with_errors(faults.into_iter().map(Broken::from))
}

/// 400: the roster was refused, nothing changed.
pub(super) fn roster(faults: Vec<RosterFault>) -> Problem {
    let detail = "the roster was refused whole, nothing changed";
    Problem::new(StatusCode::BAD_REQUEST, "bad_request", detail)
        .with_errors(faults.into_iter().map(Broken::from))
}

fn http(
    status: StatusCode,
    code: &'static str,
    pointer: &str,
    rule: &str,
    detail: String,
) -> Problem {
    Problem::new(status, code, detail.clone()).broken(Broken {
        pointer: Some(pointer.to_owned()),
        rule: rule.to_owned(),
        section: Some("RFC 9110".to_owned()),
        detail,
    })
}

impl From<ImportError> for Problem {
    fn from(error: ImportError) -> Self {
        match error {
            ImportError::Faults(faults) => roster(faults),
            ImportError::Store(error) => error.into(),
        }
    }
}

impl From<WhyError> for Problem {
    fn from(error: WhyError) -> Self {
        match error {
            WhyError::UnknownPupil => unknown_pupil(),
            WhyError::UnknownCompetency => unknown_at(
                "competency",
                "competency-unknown",
                "the framework in force has no competency of this URI",
                "URIs come from GET /api/v1/pupils/{key}/mastery, and are percent-encoded in a path",
            ),
            WhyError::Behind => {
                let detail = "mastery is about to be made again for this pupil: ask again soon";
                Self::new(StatusCode::CONFLICT, "mastery_behind", detail)
                    .broken(Broken {
                        pointer: None,
                        rule: "explains-what-is-served".to_owned(),
                        section: Some(SECTION.to_owned()),
                        detail: detail.to_owned(),
                    })
                    .retry_after_s(1)
            }
            WhyError::Store(error) => error.into(),
            WhyError::Mismatch => Self::internal(&error),
        }
    }
}

impl From<InputError> for Problem {
    fn from(error: InputError) -> Self {
        match error {
            InputError::UnknownPupil => unknown_pupil(),
            InputError::Conflict => {
                let detail = "this id is another evaluation's: nothing changed";
                Self::new(StatusCode::CONFLICT, "conflict", detail).broken(Broken {
                    pointer: Some("/id".to_owned()),
                    rule: "evaluation-id-taken".to_owned(),
                    section: Some(SECTION.to_owned()),
                    detail: detail.to_owned(),
                })
            }
            InputError::NotReady => Self::unavailable(&error),
            InputError::Store(error) => error.into(),
        }
    }
}

impl From<JobError> for Problem {
    fn from(error: JobError) -> Self {
        match error {
            JobError::Busy => {
                let detail = "a recomputation is running already: ask again when it is done";
                Self::new(StatusCode::CONFLICT, "job_running", detail).broken(Broken {
                    pointer: None,
                    rule: "one-job-at-a-time".to_owned(),
                    section: Some(SECTION.to_owned()),
                    detail: detail.to_owned(),
                })
            }
            JobError::Store(error) => error.into(),
            JobError::NotReady | JobError::Broken(_) | JobError::Lake(_) => {
                Self::unavailable(&error)
            }
            JobError::Gone | JobError::Recompute(_) => Self::internal(&error),
        }
    }
}

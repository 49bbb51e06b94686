//! The table of what goes wrong: status, code and words for outside.

use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, HeaderValue};
use service::error::{Broken, Problem};

use crate::store::edition::ContentError;
use crate::store::pupils::PupilError;
use crate::{NoList, NotReplaced};

/// Where the rules of the parameters stand.
const LIST_SECTION: &str = "Sillage API, next-activities";

/// A parameter of the query or the path that cannot be taken.
pub(super) fn parameter(name: &str, rule: &str, detail: &str) -> Problem {
    Problem::bad_request(name.to_owned(), rule, LIST_SECTION.to_owned(), detail)
}

/// 405, with what is allowed.
pub(super) fn method(allowed: &'static str) -> Problem {
    let detail = format!("this resource knows {allowed}");
    problem(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "method",
        "method",
        detail,
    )
    .header(ALLOW, HeaderValue::from_static(allowed))
}

/// 415.
pub(super) fn media_type(header: &str, detail: &str) -> Problem {
    let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
    problem(
        status,
        "media_type",
        header,
        "content-type-json",
        detail.to_owned(),
    )
}

fn problem(
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

impl From<NoList> for Problem {
    fn from(error: NoList) -> Self {
        match error {
            NoList::Unknown => Self::not_found("no pupil has this key").broken(Broken {
                pointer: Some("key".to_owned()),
                rule: "pupil-unknown".to_owned(),
                section: Some(LIST_SECTION.to_owned()),
                detail: "keys come from POST /api/v1/pupils/resolve and from the classes"
                    .to_owned(),
            }),
            NoList::Past => past(),
            NoList::Content(error) => content(&error),
            NoList::Pupil(PupilError::Store(error)) => Self::unavailable(&error),
            NoList::Pupil(error @ PupilError::State(_)) => Self::internal(&error),
        }
    }
}

impl From<NotReplaced> for Problem {
    fn from(error: NotReplaced) -> Self {
        match error {
            NotReplaced::Faults(faults) => Self::new(
                StatusCode::BAD_REQUEST,
                "bad_request",
                "the catalogue was refused whole, nothing changed",
            )
            .with_errors(faults.into_iter().map(Broken::from)),
            NotReplaced::Content(error) => content(&error),
            NotReplaced::Store(error) => Self::unavailable(&error),
        }
    }
}

/// 409: the list cannot be taken back in time.
fn past() -> Problem {
    let detail = "the pupil answered after as_of: a list is made from the state after the last \
                  answer; GET /api/v1/pupils/{key}/mastery folds again as of an earlier time";
    Problem::new(StatusCode::CONFLICT, "as_of_before_last_answer", detail).broken(Broken {
        pointer: Some("as_of".to_owned()),
        rule: "as_of-after-last-answer".to_owned(),
        section: Some(LIST_SECTION.to_owned()),
        detail: "as_of must not lie before the pupil's last answer".to_owned(),
    })
}

fn content(error: &ContentError) -> Problem {
    match error {
        ContentError::Store(error) => Problem::unavailable(error),
        error => Problem::internal(error),
    }
}

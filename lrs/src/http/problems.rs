//! The table of answers: what goes wrong, its status, its code and its section.

use actix_web::http::StatusCode;
use actix_web::http::header::{ACCEPT_ENCODING, ALLOW, HeaderValue};
use schemas::profile::ProfileFault;
use schemas::xapi::Fault;
use service::error::{Broken, Problem};
use service::telemetry::Often;

use crate::Refusal;
use crate::attachments::KeepError;
use crate::documents::Kind;
use crate::documents::decide;
use crate::documents::precondition::Header;
use crate::ingest::Rejection;
use crate::ingest::queue::Refused;
use crate::query::show::NotShown;
use crate::store::StoreError;

static ATTACHMENTS_REFUSED: Often = Often::new();
static REFUSED: Often = Often::new();
static WAITED: Often = Often::new();

const CONCURRENCY: &str = "xAPI 1.0.3 Communication 3.1";

/// One broken rule under a status of its own.
fn one(
    status: StatusCode,
    code: &'static str,
    pointer: &str,
    rule: &str,
    section: &str,
    detail: impl Into<String>,
) -> Problem {
    let detail = detail.into();
    Problem::new(status, code, detail.clone()).broken(Broken {
        pointer: Some(pointer.to_owned()),
        rule: rule.to_owned(),
        section: Some(section.to_owned()),
        detail,
    })
}

/// 400: what was sent breaks rules of the specification.
pub(super) fn invalid(faults: Vec<Fault>) -> Problem {
    let detail = match faults.as_slice() {
        [only] => only.detail.clone(),
        many => format!("{} rules are broken; nothing was stored", many.len()),
    };
    Problem::new(StatusCode::BAD_REQUEST, "invalid", detail)
        .with_errors(faults.into_iter().map(Broken::from))
}

/// 400: xAPI accepts it, and this credential's statements must follow the profile, too.
pub(super) fn not_by_profile(faults: Vec<ProfileFault>) -> Problem {
    let detail = format!(
        "{} rules of the profile are not followed, which this credential must; nothing was stored",
        faults.len()
    );
    let broken = faults.into_iter().map(|fault| Broken {
        pointer: Some(fault.pointer),
        rule: fault.rule.to_owned(),
        section: Some(fault.template.unwrap_or_else(|| fault.section.to_owned())),
        detail: fault.detail,
    });
    Problem::new(StatusCode::BAD_REQUEST, "profile", detail).with_errors(broken)
}

/// 400: one rule of the query or of a header.
pub(super) fn bad_request(pointer: &str, rule: &str, section: &str, detail: &str) -> Problem {
    one(
        StatusCode::BAD_REQUEST,
        "bad_request",
        pointer,
        rule,
        section,
        detail,
    )
}

/// 404: no such statement, or it is voided (or not, when a voided one was asked for).
pub(super) fn no_statement(parameter: &str) -> Problem {
    one(
        StatusCode::NOT_FOUND,
        "not_found",
        parameter,
        "statement-exists",
        "xAPI 1.0.3 Communication 2.1.3",
        "no statement with this id can be read here: voided ones by voidedStatementId, others by statementId",
    )
}

/// 403: a statement that its sender may not write. `pointer` is what it may not say.
pub(super) fn forbidden_statement(pointer: &str, rule: &'static str, detail: &str) -> Problem {
    one(
        StatusCode::FORBIDDEN,
        "forbidden",
        pointer,
        rule,
        "xAPI 1.0.3 Communication 4.0 Authentication",
        format!("{detail}; nothing of this request was stored"),
    )
}

/// 405.
pub(super) fn method(allowed: &'static str) -> Problem {
    one(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "method",
        "method-of-resource",
        "xAPI 1.0.3 Communication 2.0",
        format!("this resource takes {allowed}"),
    )
    .header(ALLOW, HeaderValue::from_static(allowed))
}

/// 413: more statements than a request may have.
pub(super) fn too_many_statements(most: usize) -> Problem {
    one(
        StatusCode::PAYLOAD_TOO_LARGE,
        "too_large",
        "",
        "statements-limit",
        "xAPI 1.0.3 Communication 3.2",
        format!("a request has at most {most} statements: more go in several requests"),
    )
}

/// 404: no document has this address.
pub(super) fn no_document(kind: Kind) -> Problem {
    one(
        StatusCode::NOT_FOUND,
        "not_found",
        kind.id_parameter(),
        "document-exists",
        kind.section(),
        "there is no document with this id here",
    )
}

/// 400: a header that is neither `*` nor a list of entity tags.
pub(super) fn malformed_precondition(header: Header) -> Problem {
    bad_request(
        header.as_str(),
        "precondition-entity-tags",
        "RFC 9110 13.1",
        "* or entity tags in quotes, as the header ETag of a GET gives them",
    )
}

/// 400: which of many documents a precondition is about cannot be told.
pub(super) fn precondition_of_many() -> Problem {
    bad_request(
        "If-Match",
        "precondition-of-one-document",
        CONCURRENCY,
        "a precondition goes with the id of a document, not with the deletion of many",
    )
}

/// 412: the document is not as the client believes.
pub(super) fn precondition(header: Header) -> Problem {
    let detail = match header {
        Header::IfMatch => {
            "the document is not the one that If-Match names: it was changed, or is not there; GET it, decide again, and send its ETag in If-Match"
        }
        Header::IfNoneMatch => {
            "the document is there already: GET it, decide again, and send its ETag in If-Match"
        }
    };
    one(
        StatusCode::PRECONDITION_FAILED,
        "precondition_failed",
        header.as_str(),
        "precondition-holds",
        CONCURRENCY,
        detail,
    )
}

/// Why a document was not changed.
pub(super) fn document(refused: decide::Refused) -> Problem {
    match refused {
        decide::Refused::Precondition(header) => precondition(header),
        decide::Refused::NotMergeable(fault) => invalid(vec![fault]),
        decide::Refused::Exists => one(
            StatusCode::CONFLICT,
            "conflict",
            "If-Match",
            "document-overwritten-unasked",
            CONCURRENCY,
            "there is a document already, and the request does not say which one it replaces: check its current state by a GET, then set If-Match to the ETag of that answer",
        ),
        decide::Refused::Unconditional => bad_request(
            "If-None-Match",
            "profile-put-precondition",
            CONCURRENCY,
            "a PUT of a profile says what it expects: If-None-Match: * for a new document, If-Match with the ETag of a GET for one that is there",
        ),
    }
}

/// 400: the specification's status for statements of another type.
pub(super) fn media_type(detail: &str) -> Problem {
    one(
        StatusCode::BAD_REQUEST,
        "media_type",
        "Content-Type",
        "content-type-statements",
        "xAPI 1.0.3 Communication 1.5",
        detail,
    )
}

/// 415: a coding of the content that is not known here.
pub(super) fn content_encoding() -> Problem {
    one(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "media_type",
        "Content-Encoding",
        "content-encoding",
        "RFC 9110 8.4",
        "one of gzip, deflate and zstd is understood",
    )
    .header(
        ACCEPT_ENCODING,
        HeaderValue::from_static("gzip, deflate, zstd"),
    )
}

/// 400: a rule of `multipart/mixed` is broken. `pointer` is a header, or a part: `part 2`.
pub(super) fn multipart(pointer: &str, rule: &str, detail: &str) -> Problem {
    bad_request(pointer, rule, "xAPI 1.0.3 Communication 1.5.2", detail)
}

/// 413: an attachment, or all of a request, are larger than may be.
pub(super) fn attachments_too_large(pointer: &str, rule: &str, detail: String) -> Problem {
    one(
        StatusCode::PAYLOAD_TOO_LARGE,
        "too_large",
        pointer,
        rule,
        "xAPI 1.0.3 Communication 1.5.2",
        detail,
    )
}

/// 503: as much arrives as may arrive at the same time.
pub(super) fn attachments_busy() -> Problem {
    if let Some(requests) = ATTACHMENTS_REFUSED.happened() {
        tracing::warn!(
            requests,
            "refused: too many attachments arrive at the same time"
        );
    }
    no_room(
        "attachments-arriving-limit",
        "too many attachments arrive now; nothing was stored: try again",
    )
    .retry_after_s(2)
}

/// 503: what waits is as much as may wait, or the service stops.
fn refused(refused: Refused) -> Problem {
    if let Some(requests) = REFUSED.happened() {
        tracing::warn!(requests, reason = %refused, "refused");
    }
    let rule = match refused {
        Refused::Full => "queue-limit",
        Refused::Closed => "service-stopping",
    };
    no_room(rule, &format!("{refused}: try again")).retry_after_s(1)
}

/// 503: the wait for the commit was longer than set.
fn waited() -> Problem {
    if let Some(requests) = WAITED.happened() {
        tracing::warn!(requests, "waited too long for the commit");
    }
    no_room(
        "commit-timeout",
        "no commit in time; it may yet be stored: send it again with the same ids",
    )
    .retry_after_s(2)
}

/// 503, and why.
fn no_room(rule: &str, detail: &str) -> Problem {
    one(
        StatusCode::SERVICE_UNAVAILABLE,
        "unavailable",
        "",
        rule,
        "RFC 9110 15.6.4",
        detail,
    )
}

/// Why a request was not stored. `is_array` says how its statements are pointed at.
fn rejected(rejection: &Rejection, is_array: bool) -> Problem {
    match rejection {
        Rejection::Conflict { index, id } => one(
            StatusCode::CONFLICT,
            "conflict",
            &if is_array {
                format!("/{index}/id")
            } else {
                "/id".to_owned()
            },
            "statement-id-conflict",
            "xAPI 1.0.3 Communication 2.1.1",
            format!(
                "another statement is stored under the id {id}; nothing of this request was stored"
            ),
        ),
        Rejection::Voiding { index } => one(
            StatusCode::FORBIDDEN,
            "forbidden",
            &if is_array {
                format!("/{index}/object/id")
            } else {
                "/object/id".to_owned()
            },
            "voiding-own-only",
            "xAPI 1.0.3 Data 2.3.2",
            "without the scope `all` only statements that are stored under the caller's own authority are voided; nothing of this request was stored",
        ),
        Rejection::Value(cause) => {
            tracing::warn!(error = %service::error::chain(cause), "a value was refused");
            one(
                StatusCode::BAD_REQUEST,
                "invalid",
                "",
                "value-storable",
                "xAPI 1.0.3 Data 2.2",
                "a value of the request cannot be stored",
            )
        }
        Rejection::Unavailable(cause) => Problem::unavailable(cause),
        Rejection::Failed(cause) => Problem::internal(cause),
    }
}

/// Why statements were not stored.
pub(super) fn refusal(refusal: &Refusal, is_array: bool) -> Problem {
    match refusal {
        Refusal::Queue(refused) => self::refused(*refused),
        Refusal::Waited => waited(),
        Refusal::Rejected(rejection) => rejected(rejection, is_array),
    }
}

/// Object storage that cannot keep a content now is 503.
impl From<KeepError> for Problem {
    fn from(error: KeepError) -> Self {
        match error {
            KeepError::Store(error) => error.into(),
            KeepError::Objects(error) => Self::unavailable(&error),
        }
    }
}

/// A database that cannot answer now is 503; one that refuses what we ask is our fault.
impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Refused(_) | StoreError::Vanished => Self::internal(&error),
            _ => Self::unavailable(&error),
        }
    }
}

/// What is stored and cannot be shown is our fault.
impl From<NotShown> for Problem {
    fn from(error: NotShown) -> Self {
        match error {
            NotShown::Store(error) => error.into(),
            NotShown::Payload(_) | NotShown::Json(_) => Self::internal(&error),
        }
    }
}

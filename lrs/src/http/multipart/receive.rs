//! A request in `multipart/mixed`, read as it arrives: the first part decides what may follow.

use actix_web::HttpRequest;
use actix_web::dev::Payload;
use bytes::Bytes;
use futures::StreamExt;
use schemas::xapi::XapiVersion;
use service::error::Problem;
use service::http::body::{Gathered, announced};

use super::parser::{Broken, Event, Header, Parser};
use crate::Lrs;
use crate::attachments::intake::{Incoming, Intake, NotTaken, Wanted};
use crate::attachments::objects::ObjectsError;
use crate::http::body;
use crate::http::decode::{self, Content};
use crate::http::media::{self, Media};
use crate::http::problems;
use crate::statement::{Body, parse_mixed};

/// Bytes that the headers and delimiters of a part may take on average, when a length is announced.
const OVERHEAD_BYTES: u64 = 1024;

/// Statements, and the contents that came with them.
#[derive(Debug)]
pub(in crate::http) struct Received<'a> {
    /// The statements.
    pub(in crate::http) body: Body,
    /// Bytes of the first part.
    pub(in crate::http) bytes: usize,
    /// The contents, not kept yet.
    pub(in crate::http) intake: Intake<'a>,
}

/// Reads a request whose parts are told apart by `boundary`.
pub(in crate::http) async fn receive<'a>(
    lrs: &'a Lrs,
    request: &HttpRequest,
    payload: Payload,
    boundary: &str,
    version: XapiVersion,
) -> Result<Received<'a>, Problem> {
    let limits = lrs.attachments().limits();
    let most = (lrs.config().body_max_bytes as u64)
        .saturating_add(limits.request_bytes)
        .saturating_add(OVERHEAD_BYTES.saturating_mul(limits.request_count as u64 + 2));
    if announced(request.headers()).is_some_and(|bytes| bytes as u64 > most) {
        return Err(too_large(&NotTaken::AllTooLarge(limits.request_bytes), ""));
    }
    let mut parts = Parts {
        content: decode::content(request.headers(), payload)?,
        parser: Parser::new(boundary),
        left: most,
        number: 0,
    };
    let statements = Gathered::new(request, lrs.config().body_max_bytes);
    let statements = first(&mut parts, statements).await?;
    body::bounded(&statements, &lrs.config().xapi)?;
    let body = parse_mixed(&statements, version).map_err(problems::invalid)?;
    let mut intake = lrs.attachments().intake(&body);
    if intake.declared() > limits.request_count {
        return Err(too_many(limits.request_count));
    }
    while let Some(header) = parts.begin().await? {
        attachment(&mut parts, &header, &mut intake).await?;
    }
    Ok(Received {
        body,
        bytes: statements.len(),
        intake,
    })
}

/// The parts of a body.
struct Parts {
    content: Content,
    parser: Parser,
    /// Bytes that may still come, all included: what is before the first part and after the last one
    /// counts, too.
    left: u64,
    /// Of the part that is being read; the first is 1.
    number: usize,
}

impl Parts {
    async fn next(&mut self) -> Result<Option<Event>, Problem> {
        loop {
            let event = self.parser.next().map_err(|broken| self.broken(broken))?;
            if event.is_some() {
                return Ok(event);
            }
            let Some(chunk) = self.content.next().await else {
                self.parser.finish().map_err(|broken| self.broken(broken))?;
                return Ok(None);
            };
            let chunk = chunk?;
            self.left = self.left.checked_sub(chunk.len() as u64).ok_or_else(|| {
                let detail = "the body is larger than its statements and attachments may be";
                problems::attachments_too_large("", "multipart-limit", detail.to_owned())
            })?;
            self.parser.feed(&chunk);
        }
    }

    /// The header of the next part; none after the last.
    async fn begin(&mut self) -> Result<Option<Header>, Problem> {
        match self.next().await? {
            Some(Event::Part(header)) => {
                self.number += 1;
                Ok(Some(header))
            }
            _ => Ok(None),
        }
    }

    /// More of the content of this part; none at its end.
    async fn data(&mut self) -> Result<Option<Bytes>, Problem> {
        match self.next().await? {
            Some(Event::Data(data)) => Ok(Some(data)),
            _ => Ok(None),
        }
    }

    fn place(&self) -> String {
        format!("part {}", self.number)
    }

    /// A rule that this part breaks.
    fn wrong(&self, rule: &str, detail: &str) -> Problem {
        problems::multipart(&self.place(), rule, detail)
    }

    fn broken(&self, broken: Broken) -> Problem {
        match broken {
            Broken::NoDelimiter => problems::multipart(
                "",
                "multipart-delimiter",
                "the boundary of the Content-Type is nowhere in the body as a line of its own",
            ),
            Broken::Unclosed => self.wrong(
                "multipart-closed",
                "the body ends without the closing delimiter: two dashes, the boundary, two dashes",
            ),
            Broken::Header => self.wrong(
                "multipart-header",
                "the header of a part has one `name: value` a line, each name once, and an empty line after it",
            ),
            Broken::HeaderTooLong => self.wrong(
                "multipart-header-limit",
                "the header of a part is too long",
            ),
        }
    }
}

/// The statements: the first part.
async fn first(parts: &mut Parts, mut statements: Gathered<'_>) -> Result<Bytes, Problem> {
    let media = parts
        .begin()
        .await?
        .and_then(|header| Media::read(header.get("content-type")?));
    if !media.is_some_and(|media| media.essence == "application/json" && media.is_utf8()) {
        return Err(problems::multipart(
            "part 1",
            "multipart-first-json",
            "the first part holds the statements, with `Content-Type: application/json`",
        ));
    }
    while let Some(data) = parts.data().await? {
        statements.take(&data)?;
    }
    Ok(statements.whole())
}

/// The content of an attachment: any other part.
async fn attachment(
    parts: &mut Parts,
    header: &Header,
    intake: &mut Intake<'_>,
) -> Result<(), Problem> {
    let (hash, length) = heading(parts, header, intake)?;
    if let Some(declared) = intake.wanted(&hash).and_then(Wanted::length) {
        parts.parser.declare(declared);
    }
    let place = parts.place();
    let mut incoming = intake.begin(&hash);
    while let Some(data) = parts.data().await? {
        write(&mut incoming, data)
            .await
            .map_err(|not_taken| refused(not_taken, &place))?;
    }
    if length.is_some_and(|length| length != incoming.length()) {
        return Err(parts.wrong(
            "attachment-content-length",
            "the content is not as long as the Content-Length of its part says",
        ));
    }
    incoming
        .finish()
        .await
        .map_err(|not_taken| refused(not_taken, &place))
}

async fn write(incoming: &mut Incoming<'_, '_>, data: Bytes) -> Result<(), NotTaken> {
    incoming.write(data).await
}

/// Checks the header of a part against what the statements say; tells the hash of its content, and the
/// length where the header has one.
fn heading(
    parts: &Parts,
    header: &Header,
    intake: &Intake<'_>,
) -> Result<(String, Option<u64>), Problem> {
    let wrong = |rule, detail| Err(parts.wrong(rule, detail));
    let Some(hash) = header.get("x-experience-api-hash") else {
        return wrong(
            "attachment-hash-header",
            "each part after the first has a header X-Experience-API-Hash",
        );
    };
    let encoding = header.get("content-transfer-encoding");
    if !encoding.is_some_and(|encoding| encoding.eq_ignore_ascii_case("binary")) {
        return wrong(
            "attachment-transfer-encoding",
            "each part after the first has a header Content-Transfer-Encoding: binary",
        );
    }
    let Some(wanted) = intake.wanted(hash) else {
        return wrong(
            "attachment-unknown",
            "no attachment of the statements has the sha2 of this part's X-Experience-API-Hash",
        );
    };
    // All before it were declared, too: with more parts than attachments one came twice too often.
    if parts.number > intake.declared() + 1 {
        return wrong(
            "attachment-parts",
            "there are more parts than the statements have attachments",
        );
    }
    if let Some(given) = header.get("content-type")
        && !wanted
            .content_types
            .iter()
            .any(|one| media::same(one, given))
    {
        return wrong(
            "attachment-content-type-matches",
            "the Content-Type of a part is the contentType of its attachment",
        );
    }
    let Some(given) = header.get("content-length") else {
        return Ok((hash.to_owned(), None));
    };
    match given.parse::<u64>() {
        Ok(length) if wanted.lengths.contains(&length) => Ok((hash.to_owned(), Some(length))),
        _ => wrong(
            "attachment-length-matches",
            "the Content-Length of a part is the length of its attachment",
        ),
    }
}

fn refused(not_taken: NotTaken, place: &str) -> Problem {
    match not_taken {
        NotTaken::OneTooLarge(_) | NotTaken::AllTooLarge(_) | NotTaken::SignaturesTooLarge(_) => {
            too_large(&not_taken, place)
        }
        NotTaken::Busy | NotTaken::Objects(ObjectsError::Busy) => problems::attachments_busy(),
        NotTaken::OtherHash => problems::multipart(
            place,
            "attachment-hash",
            "the content of this part has another hash than its X-Experience-API-Hash says",
        ),
        NotTaken::Objects(error) => Problem::unavailable(&error),
    }
}

fn too_large(not_taken: &NotTaken, place: &str) -> Problem {
    let rule = match not_taken {
        NotTaken::OneTooLarge(_) => "attachment-limit",
        NotTaken::SignaturesTooLarge(_) => "signature-limit",
        _ => "attachments-limit",
    };
    problems::attachments_too_large(place, rule, not_taken.to_string())
}

fn too_many(most: usize) -> Problem {
    let detail = format!("the statements of a request have at most {most} attachments");
    problems::attachments_too_large("", "attachments-count-limit", detail)
}

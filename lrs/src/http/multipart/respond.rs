//! An answer in `multipart/mixed`: the JSON, then each content once, streamed from where it is kept.

use actix_web::{HttpResponse, HttpResponseBuilder};
use bytes::Bytes;
use futures::stream::{self, Stream, StreamExt};
use service::error::Problem;
use uuid::Uuid;

use crate::Lrs;
use crate::attachments::objects::{Objects, ObjectsError};
use crate::store::attachments::Named;

/// Contents that are looked up at the same time.
const TOGETHER: usize = 8;

/// The answer, headers given, with the contents that the statements at these positions name.
///
/// That every content is here is seen before the answer begins; one that breaks off later ends the
/// connection, so that nobody takes half an answer for a whole one.
pub(in crate::http) async fn respond(
    lrs: &Lrs,
    mut answer: HttpResponseBuilder,
    json: String,
    positions: &[i64],
) -> Result<HttpResponse, Problem> {
    let contents = lrs.contents_of(positions).await?;
    let objects = lrs.attachments().objects().clone();
    all_here(&objects, &contents).await?;
    // 122 random bits: no content holds them, and none could be made to.
    let boundary = format!("sillage-{}", Uuid::new_v4().simple());
    let body = body(&boundary, json, objects, contents);
    let content_type = format!("multipart/mixed; boundary={boundary}");
    Ok(answer.content_type(content_type).streaming(body))
}

async fn all_here(objects: &Objects, contents: &[Named]) -> Result<(), Problem> {
    let mut lengths = stream::iter(contents)
        .map(|content| objects.length(&content.sha256))
        .buffer_unordered(TOGETHER);
    while let Some(length) = lengths.next().await {
        length.map_err(problem)?;
    }
    Ok(())
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the shape that map_err asks for"
)]
fn problem(error: ObjectsError) -> Problem {
    if error.is_missing() {
        Problem::internal(&error)
    } else {
        Problem::unavailable(&error)
    }
}

fn body(
    boundary: &str,
    json: String,
    objects: Objects,
    contents: Vec<Named>,
) -> impl Stream<Item = Result<Bytes, ObjectsError>> + use<> {
    let first = format!("--{boundary}\r\nContent-Type: application/json\r\n\r\n");
    let last = format!("\r\n--{boundary}--\r\n");
    let between = format!("\r\n--{boundary}\r\n");
    let parts = stream::iter(contents).flat_map(move |content| {
        let head = Bytes::from(format!("{between}{}", header(&content)));
        let objects = objects.clone();
        // Opened when it is its turn, not before.
        let data = stream::once(async move {
            objects.read(&content.sha256).await.unwrap_or_else(|error| {
                tracing::error!(error = %service::error::chain(&error), "an attachment could not be read");
                stream::once(async { Err(error) }).boxed()
            })
        })
        .flatten();
        one(head).chain(data)
    });
    one(Bytes::from(first))
        .chain(one(Bytes::from(json)))
        .chain(parts)
        .chain(one(Bytes::from(last)))
}

fn one(bytes: Bytes) -> impl Stream<Item = Result<Bytes, ObjectsError>> {
    stream::once(async { Ok(bytes) })
}

fn header(content: &Named) -> String {
    format!(
        "Content-Type: {}\r\nContent-Transfer-Encoding: binary\r\nX-Experience-API-Hash: {}\r\n\r\n",
        content_type(&content.content_type),
        content.sha2
    )
}

/// The media type as it was declared, if it can stand in a header: its parameters were never read, and
/// a line break in one would be a header of the client's own making.
fn content_type(declared: &str) -> &str {
    let is_printable = |c: u8| (b' '..=b'~').contains(&c);
    if declared.bytes().all(is_printable) {
        declared
    } else {
        declared.split(';').next().unwrap_or_default().trim()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_declared_type_makes_no_header_of_its_own() {
        assert_eq!(
            content_type("text/plain; charset=ascii"),
            "text/plain; charset=ascii"
        );
        assert_eq!(content_type("text/plain; x=\r\nX: y"), "text/plain");
        assert_eq!(content_type("text/plain; x=é"), "text/plain");
    }
}

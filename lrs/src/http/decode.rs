//! Compressed bodies: gzip, deflate and zstd, a little at a time, so that a small body that becomes a
//! giant one is noticed while it is still small.

use actix_web::dev::{Decompress, Payload};
use actix_web::error::PayloadError;
use actix_web::http::header::{CONTENT_ENCODING, ContentEncoding, HeaderMap};
use bytes::{Buf, Bytes};
use futures::stream::{self, LocalBoxStream};
use futures::{Stream, StreamExt};
use service::error::Problem;
use service::http::body::{broken, unreadable};
use zstd::stream::raw::{DParameter, Decoder, InBuffer, Operation, OutBuffer};

use super::problems;

/// A body as it was before it was compressed.
pub(super) type Content = LocalBoxStream<'static, Result<Bytes, Problem>>;

/// What gzip is given at once: a thousand times as much may come out.
const PIECE_BYTES: usize = 1024;

/// What zstd gives back at once.
const OUTPUT_BYTES: usize = 64 * 1024;

/// The largest window that a sender of zstd may ask for: 8 MB (RFC 9659).
const WINDOW_LOG_MAX: u32 = 23;

/// The content of a body, by its `Content-Encoding`.
pub(super) fn content(headers: &HeaderMap, payload: Payload) -> Result<Content, Problem> {
    let given = headers
        .get(CONTENT_ENCODING)
        .map(|value| value.to_str().unwrap_or("?").trim().to_ascii_lowercase());
    match given.as_deref() {
        None | Some("" | "identity") => {
            let chunks = payload.map(|chunk| chunk.map_err(|error| broken(&error)));
            Ok(chunks.boxed_local())
        }
        Some("gzip" | "x-gzip") => Ok(inflate(payload, ContentEncoding::Gzip)),
        Some("deflate") => Ok(inflate(payload, ContentEncoding::Deflate)),
        Some("zstd") => unzstd(payload),
        Some(_) => Err(problems::content_encoding()),
    }
}

fn inflate(payload: Payload, encoding: ContentEncoding) -> Content {
    let pieces = payload.flat_map(|chunk| stream::iter(pieces(chunk)));
    Decompress::new(pieces, encoding)
        .map(|chunk| chunk.map_err(|error| broken(&error)))
        .boxed_local()
}

fn pieces(chunk: Result<Bytes, PayloadError>) -> Vec<Result<Bytes, PayloadError>> {
    match chunk {
        Ok(mut chunk) => {
            let mut pieces = Vec::with_capacity(chunk.len() / PIECE_BYTES + 1);
            while chunk.len() > PIECE_BYTES {
                pieces.push(Ok(chunk.split_to(PIECE_BYTES)));
            }
            pieces.push(Ok(chunk));
            pieces
        }
        Err(error) => vec![Err(error)],
    }
}

/// Frames of zstd on their way.
struct Frames<S> {
    payload: S,
    decoder: Decoder<'static>,
    input: Bytes,
    /// Whether a frame has begun and not ended.
    inside: bool,
    /// Whether more may come out of what was put in.
    full: bool,
}

fn unzstd(payload: Payload) -> Result<Content, Problem> {
    let mut decoder = Decoder::new().map_err(|error| Problem::internal(&error))?;
    decoder
        .set_parameter(DParameter::WindowLogMax(WINDOW_LOG_MAX))
        .map_err(|error| Problem::internal(&error))?;
    let frames = Frames {
        payload,
        decoder,
        input: Bytes::new(),
        inside: false,
        full: false,
    };
    Ok(stream::try_unfold(frames, Frames::next).boxed_local())
}

impl<S: Stream<Item = Result<Bytes, PayloadError>> + Unpin> Frames<S> {
    async fn next(mut self) -> Result<Option<(Bytes, Self)>, Problem> {
        loop {
            if self.input.is_empty() && !self.full {
                match self.payload.next().await {
                    Some(chunk) => self.input = chunk.map_err(|error| broken(&error))?,
                    None if self.inside => return Err(unreadable()),
                    None => return Ok(None),
                }
            }
            let output = self.step().map_err(|error| {
                tracing::debug!(%error, "a frame could not be read");
                unreadable()
            })?;
            if !output.is_empty() {
                return Ok(Some((output, self)));
            }
        }
    }

    fn step(&mut self) -> std::io::Result<Bytes> {
        if self.input.is_empty() && !self.full {
            return Ok(Bytes::new());
        }
        let mut output = vec![0; OUTPUT_BYTES];
        let mut from = InBuffer::around(&self.input);
        let mut to = OutBuffer::around(&mut output[..]);
        let hint = self.decoder.run(&mut from, &mut to)?;
        let (read, written) = (from.pos, to.pos());
        self.input.advance(read);
        self.inside = hint != 0;
        self.full = self.inside && written == OUTPUT_BYTES;
        output.truncate(written);
        Ok(output.into())
    }
}

#[cfg(test)]
mod tests {
    use futures::TryStreamExt;

    use super::*;

    async fn decoded(encoding: &str, body: &[u8], piece: usize) -> Option<Vec<u8>> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_ENCODING, encoding.parse().expect("a value"));
        let chunks: Vec<_> = body
            .chunks(piece)
            .map(|chunk| Ok(Bytes::copy_from_slice(chunk)))
            .collect();
        let payload = Payload::Stream {
            payload: stream::iter(chunks).boxed_local(),
        };
        let content = content(&headers, payload).ok()?;
        content
            .map_ok(|chunk| {
                assert!(chunk.len() <= 2 << 20, "a little at a time");
                chunk.to_vec()
            })
            .try_concat()
            .await
            .ok()
    }

    #[actix_web::test]
    async fn zstd_is_read_however_it_arrives() {
        let plain: Vec<u8> = (0..300_000_u32)
            .flat_map(|n| (n / 7).to_le_bytes())
            .collect();
        let frame = zstd::bulk::compress(&plain, 3).expect("compressed");
        let two = [&frame[..], &frame[..]].concat();
        for piece in [1_000, 65_536, usize::MAX] {
            assert_eq!(
                decoded("zstd", &frame, piece).await.as_deref(),
                Some(&plain[..])
            );
            assert_eq!(decoded("ZSTD", &two, piece).await, Some(plain.repeat(2)));
            assert_eq!(
                decoded("zstd", &frame[..frame.len() - 3], piece).await,
                None
            );
        }
        assert_eq!(decoded("zstd", b"{}", 9).await, None);
        assert_eq!(decoded("br", b"{}", 9).await, None);
        assert_eq!(decoded("gzip, zstd", b"{}", 9).await, None);
        assert_eq!(decoded("identity", b"{}", 1).await, Some(b"{}".to_vec()));
    }

    #[actix_web::test]
    async fn a_small_body_that_becomes_a_giant_one_comes_a_little_at_a_time() {
        let plain = vec![b' '; 64 << 20];
        let frame = zstd::bulk::compress(&plain, 3).expect("compressed");
        assert!(frame.len() < 10_000);
        let read = decoded("zstd", &frame, usize::MAX).await.expect("read");
        assert_eq!(read.len(), plain.len());
    }
}

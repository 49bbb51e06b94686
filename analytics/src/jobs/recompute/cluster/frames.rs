//! What crosses a connection between the service and a worker: frames, each a letter, a length and bytes.
//!
//! The worker begins with random bytes. Whoever asks sends one request, under an HMAC of these bytes and itself whose
//! key is the token, so that the token does not cross. Then come answers, and one that says it is the last:
//! a connection that ends without it has failed, whatever came before. While there is nothing to say, the worker says so.

use std::io;
use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use rand::RngCore as _;
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Time between two signs of life.
pub(super) const BEAT_EVERY: Duration = Duration::from_secs(3);

/// How long nothing at all may come: a worker that was stopped, or whose machine has gone, is given up then.
pub(super) const BEAT_WITHIN: Duration = Duration::from_secs(15);

/// Bytes of a request, and of an answer, at most.
const ASKED_BYTES: u32 = 64 << 20;
const TOLD_BYTES: u32 = 1 << 30;

const NONCE: usize = 32;

/// What is asked.
#[derive(Debug, Deserialize, Serialize)]
pub(super) enum Ask {
    /// Who are you?
    Version,
    /// Make this task ready; it is over when the connection ends.
    Prepare {
        task: Task,
        tasks: usize,
        /// Headers of the library's and of ours.
        headers: Vec<(String, Vec<u8>)>,
        /// A physical plan, as `datafusion-proto` says it.
        plan: Vec<u8>,
        worker: String,
        started_ns: usize,
    },
    /// Give the rows of a task that is ready, or soon will be.
    Execute { task: Task },
}

/// What the library knows a task by.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(super) struct Task {
    pub(super) query: u128,
    pub(super) stage: usize,
    pub(super) number: usize,
}

/// What is answered.
#[derive(Debug)]
pub(super) enum Told {
    /// A sign of life.
    Beat,
    /// The answer to [`Ask::Version`].
    Version(String),
    /// The task is ready.
    Ready,
    /// Rows, as a stream of Arrow's IPC.
    Rows(Vec<u8>),
    /// That was all: so many rows.
    End(u64),
    /// It failed.
    Failed(String),
}

/// The key of requests.
#[derive(Clone)]
pub(super) struct Token(Hmac<Sha256>);

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token")
    }
}

impl Token {
    pub(super) fn new(token: &[u8]) -> Option<Self> {
        Hmac::new_from_slice(token).ok().map(Self)
    }

    fn over(&self, nonce: &[u8], request: &[u8]) -> Hmac<Sha256> {
        let mut hmac = self.0.clone();
        hmac.update(nonce);
        hmac.update(request);
        hmac
    }
}

/// Sends a request to whoever has just taken the connection.
pub(super) async fn ask(stream: &mut TcpStream, token: &Token, ask: &Ask) -> io::Result<()> {
    let mut nonce = [0; NONCE];
    stream.read_exact(&mut nonce).await?;
    let request = bincode::serialize(ask).map_err(io::Error::other)?;
    let signed = token.over(&nonce, &request).finalize().into_bytes();
    let length = u32::try_from(request.len()).unwrap_or(u32::MAX);
    if length > ASKED_BYTES {
        return Err(io::Error::other("the plan of a part is too large"));
    }
    stream.write_all(&signed).await?;
    stream.write_u32(length).await?;
    stream.write_all(&request).await?;
    stream.flush().await
}

/// Takes a request; none from whoever has not the token.
pub(super) async fn asked(stream: &mut TcpStream, token: &Token) -> io::Result<Option<Ask>> {
    let mut nonce = [0; NONCE];
    rand::rng().fill_bytes(&mut nonce);
    stream.write_all(&nonce).await?;
    let mut signed = [0; 32];
    stream.read_exact(&mut signed).await?;
    let length = stream.read_u32().await?;
    if length > ASKED_BYTES {
        return Ok(None);
    }
    // No room is made for what somebody says that he will send.
    let mut request = Vec::new();
    let mut limited = stream.take(u64::from(length));
    limited.read_to_end(&mut request).await?;
    if token.over(&nonce, &request).verify_slice(&signed).is_err() {
        return Ok(None);
    }
    bincode::deserialize(&request)
        .map(Some)
        .map_err(io::Error::other)
}

/// Sends an answer.
pub(super) async fn tell(
    stream: &mut (impl tokio::io::AsyncWrite + Unpin),
    told: Told,
) -> io::Result<()> {
    let (letter, bytes) = match told {
        Told::Beat => (b'B', Vec::new()),
        Told::Version(text) => (b'V', text.into_bytes()),
        Told::Ready => (b'R', Vec::new()),
        Told::Rows(bytes) => (b'A', bytes),
        Told::End(rows) => (b'E', rows.to_be_bytes().to_vec()),
        Told::Failed(text) => (b'F', text.into_bytes()),
    };
    let length = u32::try_from(bytes.len()).map_err(io::Error::other)?;
    stream.write_u8(letter).await?;
    stream.write_u32(length).await?;
    stream.write_all(&bytes).await?;
    stream.flush().await
}

/// Waits for an answer.
pub(super) async fn told(stream: &mut (impl tokio::io::AsyncRead + Unpin)) -> io::Result<Told> {
    let frame = async {
        let letter = stream.read_u8().await?;
        let length = stream.read_u32().await?;
        if length > TOLD_BYTES {
            return Err(io::Error::other("an answer is too large"));
        }
        let mut bytes = vec![0; usize::try_from(length).map_err(io::Error::other)?];
        stream.read_exact(&mut bytes).await?;
        Ok((letter, bytes))
    };
    let frame = tokio::time::timeout(BEAT_WITHIN, frame).await;
    let (letter, bytes) = frame.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    match letter {
        b'B' => Ok(Told::Beat),
        b'V' => Ok(Told::Version(text(&bytes))),
        b'R' => Ok(Told::Ready),
        b'A' => Ok(Told::Rows(bytes)),
        b'E' => {
            let rows = bytes
                .try_into()
                .map_err(|_| io::Error::other("no number"))?;
            Ok(Told::End(u64::from_be_bytes(rows)))
        }
        b'F' => Ok(Told::Failed(text(&bytes))),
        _ => Err(io::Error::other("an answer of no known kind")),
    }
}

//! Posts over one connection kept open: as little HTTP/1.1 as our own server needs, because the load
//! runs on the processors that it measures. Loopback only.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context as _, bail, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::bodies::Bodies;
use crate::load::{Reply, Sender};

/// The rules by which nothing of a request is stored; a 503 by another leaves that open.
const NOTHING_STORED: [&str; 4] = [
    "queue-limit",
    "requests-late",
    "bodies-limit",
    "service-stopping",
];

/// An answer's head is shorter than this, or it is not one of ours.
pub(crate) const HEAD_MAX: usize = 16 * 1024;

/// Where to post, and as whom.
#[derive(Clone)]
pub struct Target {
    address: SocketAddr,
    head: Arc<str>,
}

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Target")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl Target {
    /// A resource of a server on this machine. `authorization` is the header's value.
    pub fn new(address: SocketAddr, path: &str, authorization: &str) -> anyhow::Result<Self> {
        ensure!(
            address.ip().is_loopback(),
            "{address} is not on this machine: the load is for loopback only"
        );
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: {authorization}\r\n\
             x-experience-api-version: 1.0.3\r\ncontent-type: application/json\r\ncontent-length: "
        );
        Ok(Self {
            address,
            head: head.into(),
        })
    }
}

/// Posts the body of each number.
#[derive(Debug)]
pub struct Poster {
    target: Target,
    bodies: Arc<Bodies>,
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Poster {
    /// A poster on a connection of its own.
    pub async fn connect(target: &Target, bodies: &Arc<Bodies>) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(target.address)
            .await
            .context("could not connect to the server under load")?;
        stream.set_nodelay(true)?;
        Ok(Self {
            target: target.clone(),
            bodies: Arc::clone(bodies),
            stream,
            buffer: Vec::with_capacity(4 * 1024),
        })
    }

    /// Sends a body in one write and reads its answer whole.
    async fn post(&mut self, number: usize) -> anyhow::Result<Reply> {
        self.buffer.clear();
        self.buffer.extend_from_slice(self.target.head.as_bytes());
        let length = self.bodies.length(number);
        self.buffer.extend_from_slice(length.to_string().as_bytes());
        self.buffer.extend_from_slice(b"\r\n\r\n");
        self.bodies.write(number, &mut self.buffer);
        self.stream.write_all(&self.buffer).await?;
        self.buffer.clear();
        let (head_end, head) = loop {
            ensure!(
                self.stream.read_buf(&mut self.buffer).await? > 0,
                "the server closed the connection"
            );
            if let Some(head) = Head::parse(&self.buffer)? {
                break head;
            }
            ensure!(
                self.buffer.len() < HEAD_MAX,
                "the head of an answer does not end"
            );
        };
        while self.buffer.len() < head_end + head.length {
            ensure!(
                self.stream.read_buf(&mut self.buffer).await? > 0,
                "the server closed the connection in an answer"
            );
        }
        let said = || String::from_utf8_lossy(&self.buffer[head_end..]);
        match head {
            Head { status: 200, .. } => Ok(Reply::Stored),
            Head {
                status: 503,
                tells_when: true,
                ..
            } => Ok(refusal(&said())),
            _ => bail!("the server answered {}: {}", head.status, said()),
        }
    }
}

/// What a 503 with `Retry-After` says, by its rule.
fn refusal(said: &str) -> Reply {
    let is = |rule: &&str| said.contains(&format!("\"{rule}\""));
    if NOTHING_STORED.iter().any(is) {
        Reply::Refused
    } else {
        Reply::Undecided
    }
}

impl Sender for Poster {
    async fn send(&mut self, number: usize) -> anyhow::Result<Reply> {
        self.post(number).await
    }
}

/// What must be known of an answer's head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) status: u16,
    pub(crate) length: usize,
    /// Whether it has `Retry-After`.
    pub(crate) tells_when: bool,
}

impl Head {
    /// The head and where it ends; none while it is not there whole.
    pub(crate) fn parse(bytes: &[u8]) -> anyhow::Result<Option<(usize, Self)>> {
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
            return Ok(None);
        };
        let text = std::str::from_utf8(&bytes[..end]).context("an answer's head is not text")?;
        let mut lines = text.split("\r\n");
        let status = lines
            .next()
            .and_then(|line| line.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok())
            .context("an answer does not start as one of HTTP/1.1")?;
        let (mut length, mut tells_when) = (None, false);
        for (name, value) in lines.filter_map(|line| line.split_once(':')) {
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().ok();
            }
            tells_when |= name.eq_ignore_ascii_case("retry-after");
        }
        let head = Self {
            status,
            length: length.context("an answer does not tell its length")?,
            tells_when,
        };
        Ok(Some((end + 4, head)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_once_it_is_whole() {
        let bytes = b"HTTP/1.1 204 No Content\r\nContent-Length: 12\r\nx: y\r\n\r\nbody";
        let head = Head {
            status: 204,
            length: 12,
            tells_when: false,
        };
        assert_eq!(Head::parse(bytes).unwrap(), Some((bytes.len() - 4, head)));
        assert_eq!(Head::parse(&bytes[..30]).unwrap(), None);
        for bad in [
            "SSH-2.0\r\n\r\n",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
        ] {
            assert!(Head::parse(bad.as_bytes()).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_refusal_says_whether_something_may_be_stored() {
        let head =
            b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\ncontent-length: 0\r\n\r\n";
        let (_, head) = Head::parse(head).unwrap().unwrap();
        assert!(head.status == 503 && head.tells_when);
        let said = |rule: &str| refusal(&format!(r#"{{"errors":[{{"rule":"{rule}"}}]}}"#));
        assert_eq!(said("queue-limit"), Reply::Refused);
        assert_eq!(said("commit-timeout"), Reply::Undecided);
        assert_eq!(refusal("{}"), Reply::Undecided);
    }

    #[test]
    fn only_this_machine_is_put_under_load() {
        let target = |text: &str| Target::new(text.parse().unwrap(), "/", "");
        assert!(target("127.0.0.1:1").is_ok() && target("[::1]:1").is_ok());
        assert!(target("192.0.2.1:1").is_err());
    }
}

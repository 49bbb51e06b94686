//! One request after another over a connection kept open: as little HTTP/1.1 as our own server needs,
//! since the load runs on the processors that it measures. Loopback only.

use std::net::SocketAddr;

use anyhow::{Context as _, bail, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::http::{HEAD_MAX, Head};
use crate::load::AGAIN_AFTER;
use crate::server::Server;

/// A connection of a client of the Statement Resource.
pub struct Talk {
    stream: TcpStream,
    common: String,
    buffer: Vec<u8>,
}

// The credential stands in no log.
impl std::fmt::Debug for Talk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Talk").finish_non_exhaustive()
    }
}

impl Talk {
    /// A connection to a server of this process.
    pub async fn with(server: &Server) -> anyhow::Result<Self> {
        Self::at(server.address(), &server.authorization()).await
    }

    /// A connection. `authorization` is the header's value.
    pub async fn at(address: SocketAddr, authorization: &str) -> anyhow::Result<Self> {
        ensure!(
            address.ip().is_loopback(),
            "{address} is not on this machine"
        );
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let common = format!(
            " HTTP/1.1\r\nhost: {address}\r\nauthorization: {authorization}\r\n\
             x-experience-api-version: 1.0.3\r\n"
        );
        Ok(Self {
            stream,
            common,
            buffer: Vec::with_capacity(256 * 1024),
        })
    }

    /// The body of the answer to a GET, which must be 200. `path` stands as it is on the wire.
    pub async fn get(&mut self, path: &str) -> anyhow::Result<&[u8]> {
        self.buffer.clear();
        self.buffer
            .extend_from_slice(format!("GET {path}{}\r\n", self.common).as_bytes());
        self.exchange().await
    }

    /// Posts statements, which must be stored: again, where it is told to come back.
    pub async fn post(&mut self, body: &[u8]) -> anyhow::Result<()> {
        let head = format!(
            "POST /xapi/statements{}content-type: application/json\r\ncontent-length: {}\r\n\r\n",
            self.common,
            body.len()
        );
        loop {
            self.buffer.clear();
            self.buffer.extend_from_slice(head.as_bytes());
            self.buffer.extend_from_slice(body);
            let (begin, head) = self.answer().await?;
            if !(head.status == 503 && head.tells_when) {
                return self.good(begin, &head).map(drop);
            }
            tokio::time::sleep(AGAIN_AFTER).await;
        }
    }

    /// The body of the answer to what is in the buffer, which must be 200.
    async fn exchange(&mut self) -> anyhow::Result<&[u8]> {
        let (begin, head) = self.answer().await?;
        self.good(begin, &head)
    }

    /// Sends what is in the buffer, in one write, and reads the answer into it: its head, and where its
    /// body begins.
    async fn answer(&mut self) -> anyhow::Result<(usize, Head)> {
        self.stream.write_all(&self.buffer).await?;
        self.buffer.clear();
        let (begin, head) = loop {
            self.read().await?;
            if let Some(head) = Head::parse(&self.buffer)? {
                break head;
            }
            ensure!(
                self.buffer.len() < HEAD_MAX,
                "the head of an answer does not end"
            );
        };
        while self.buffer.len() < begin + head.length {
            self.read().await?;
        }
        Ok((begin, head))
    }

    /// The body of an answer, which must be 200.
    fn good(&self, begin: usize, head: &Head) -> anyhow::Result<&[u8]> {
        let body = self
            .buffer
            .get(begin..)
            .context("an answer ends before it begins")?;
        if head.status != 200 {
            bail!(
                "the server answered {}: {}",
                head.status,
                String::from_utf8_lossy(body)
            );
        }
        Ok(body)
    }

    async fn read(&mut self) -> anyhow::Result<()> {
        let read = self.stream.read_buf(&mut self.buffer).await?;
        ensure!(read > 0, "the server closed the connection");
        Ok(())
    }
}

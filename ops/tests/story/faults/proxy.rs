//! Between Sillage and its bucket: a proxy that passes requests on, or does to them what networks and
//! object stores do.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// What becomes of requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// They are answered.
    None,
    /// With this status.
    Status(u16),
    /// Not at all, and the connection stays.
    Silence,
    /// Slowly.
    Slow,
    /// With half of the answer.
    HalfAnswer,
    /// Half of the request arrives.
    HalfRequest,
    /// They are done, and nobody is told.
    LostAnswer,
}

impl Fault {
    /// All that is one.
    pub(super) const EVERY: [Self; 7] = [
        Self::Status(500),
        Self::Status(503),
        Self::Silence,
        Self::Slow,
        Self::HalfAnswer,
        Self::HalfRequest,
        Self::LostAnswer,
    ];
}

/// Pieces of what goes slowly, and the pause between two.
const PIECES: usize = 8;
const PAUSE: Duration = Duration::from_millis(40);

/// The proxy. It serves until the process ends.
pub(super) struct Proxy {
    port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    to: String,
    fault: Mutex<Fault>,
    requests: AtomicUsize,
    hit: AtomicUsize,
}

impl Proxy {
    /// In front of the server at `to` (host and port).
    pub(super) fn start(to: &str) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            to: to.to_owned(),
            fault: Mutex::new(Fault::None),
            requests: AtomicUsize::new(0),
            hit: AtomicUsize::new(0),
        });
        let serving = Arc::clone(&shared);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let serving = Arc::clone(&serving);
                // Whoever went away needs no answer.
                std::thread::spawn(move || drop(serving.serve(client)));
            }
        });
        Self { port, shared }
    }

    pub(super) fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// From now on three requests of five meet this.
    pub(super) fn set(&self, fault: Fault) {
        *self.shared.lock() = fault;
    }

    /// How many requests met a fault so far.
    pub(super) fn hit(&self) -> usize {
        self.shared.hit.load(Ordering::Relaxed)
    }
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, Fault> {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What this request meets.
    fn next(&self) -> Fault {
        let fault = *self.lock();
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        if fault == Fault::None || number % 5 >= 3 {
            return Fault::None;
        }
        self.hit.fetch_add(1, Ordering::Relaxed);
        fault
    }

    /// One request of a connection, which ends with it.
    fn serve(&self, mut client: TcpStream) -> std::io::Result<()> {
        let Some(request) = Request::read(&mut client)? else {
            return Ok(());
        };
        let fault = self.next();
        match fault {
            Fault::Status(status) => write!(
                client,
                "HTTP/1.1 {status} -\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            ),
            Fault::Silence => {
                while *self.lock() == Fault::Silence {
                    std::thread::sleep(PAUSE);
                }
                Ok(())
            }
            Fault::HalfRequest => {
                let mut server = TcpStream::connect(&self.to)?;
                server.write_all(&request.head)?;
                server.write_all(&request.body[..request.body.len() / 2])
            }
            Fault::None | Fault::Slow | Fault::HalfAnswer | Fault::LostAnswer => {
                let mut server = TcpStream::connect(&self.to)?;
                server.write_all(&request.head)?;
                write(&mut server, &request.body, fault == Fault::Slow)?;
                let mut answer = Vec::new();
                server.read_to_end(&mut answer)?;
                match fault {
                    Fault::LostAnswer => Ok(()),
                    Fault::HalfAnswer => client.write_all(&answer[..answer.len() / 2]),
                    _ => write(&mut client, &answer, fault == Fault::Slow),
                }
            }
        }
    }
}

fn write(to: &mut TcpStream, bytes: &[u8], slowly: bool) -> std::io::Result<()> {
    if !slowly {
        return to.write_all(bytes);
    }
    for piece in bytes.chunks(bytes.len().div_ceil(PIECES).max(1)) {
        to.write_all(piece)?;
        std::thread::sleep(PAUSE);
    }
    Ok(())
}

/// A request whose head asks for a connection of its own.
struct Request {
    head: Vec<u8>,
    body: Vec<u8>,
}

impl Request {
    /// None when the client says nothing.
    fn read(client: &mut TcpStream) -> std::io::Result<Option<Self>> {
        let mut read = Vec::new();
        let mut buffer = [0; 16 * 1024];
        let end = loop {
            if let Some(at) = read.windows(4).position(|four| four == b"\r\n\r\n") {
                break at;
            }
            let count = client.read(&mut buffer)?;
            if count == 0 {
                return Ok(None);
            }
            read.extend_from_slice(&buffer[..count]);
        };
        let head = String::from_utf8_lossy(&read[..end]).into_owned();
        let named = |line: &str, name: &str| {
            let (key, value) = line.split_once(':')?;
            let is = key.eq_ignore_ascii_case(name);
            is.then(|| value.trim().to_owned())
        };
        assert!(
            !head
                .lines()
                .any(|line| named(line, "transfer-encoding").is_some()),
            "the length of a body is told: {head}"
        );
        let length = head.lines().find_map(|line| named(line, "content-length"));
        let length: usize = length.map_or(0, |length| length.parse().unwrap());
        let mut body = read.split_off(end + 4);
        while body.len() < length {
            let count = client.read(&mut buffer)?;
            if count == 0 {
                return Ok(None);
            }
            body.extend_from_slice(&buffer[..count]);
        }
        let kept = head
            .lines()
            .filter(|line| named(line, "connection").is_none());
        let mut head: String = kept.map(|line| format!("{line}\r\n")).collect();
        head.push_str("Connection: close\r\n\r\n");
        Ok(Some(Self {
            head: head.into_bytes(),
            body,
        }))
    }
}

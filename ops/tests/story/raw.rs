//! Bytes over a socket to the real binary, from a few connections at once: requests with some bytes
//! changed, chunks and lengths that do not fit, floods of headers, requests one after the other in one
//! write. Whatever comes, there is no 5xx but 503 with `Retry-After`, nothing panics, no memory stays
//! taken, and the service answers at the end.
//!
//! `LRS_FUZZ_S` in the environment makes the long run as long. What fails tells its seed, which can be
//! given in `LRS_FUZZ_SEED`.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::harness::{Installation, told};

/// Connections at the same time.
const CONNECTIONS: u64 = 8;

/// How long an answer is waited for: a request whose end never comes has none.
const PATIENCE: Duration = Duration::from_millis(400);

/// What breaks readers of HTTP and of JSON.
const TOKENS: [&[u8]; 22] = [
    b"\0",
    b"\r\n",
    b"\r\n\r\n",
    b"\n",
    b" ",
    b":",
    b"\xff\xfe",
    b"HTTP/0.9",
    b"HTTP/2.0",
    b"Transfer-Encoding: chunked\r\n",
    b"Content-Length: 18446744073709551616\r\n",
    b"Content-Length: -1\r\n",
    b"Expect: 100-continue\r\n",
    b"Connection: upgrade\r\nUpgrade: h2c\r\n",
    b"Content-Encoding: zstd\r\n",
    b"%00",
    b"%",
    b"../",
    b"{\"a\":",
    b"[[[[[[[[[[",
    b"\\ud800",
    b"1e999",
];

/// A request before it is written.
#[derive(Clone)]
struct Parts {
    method: &'static str,
    target: String,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

impl Parts {
    fn new(
        authorization: &str,
        method: &'static str,
        target: &str,
        body: impl Into<Vec<u8>>,
    ) -> Self {
        Self {
            method,
            target: target.to_owned(),
            headers: vec![
                ("Host", "localhost".to_owned()),
                ("Connection", "close".to_owned()),
                ("Authorization", authorization.to_owned()),
                ("X-Experience-API-Version", "2.0.0".to_owned()),
                ("Content-Type", "application/json".to_owned()),
            ],
            body: body.into(),
        }
    }

    fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.retain(|(known, _)| *known != name);
        self.headers.push((name, value.to_owned()));
        self
    }

    fn head(&self) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method, self.target);
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.into_bytes()
    }

    /// As it should be.
    fn sound(&self) -> Vec<u8> {
        let length = format!("Content-Length: {}\r\n\r\n", self.body.len());
        [&self.head(), length.as_bytes(), &self.body].concat()
    }

    /// As it should be, and another one may follow.
    fn open(&self) -> Vec<u8> {
        self.clone().header("Connection", "keep-alive").sound()
    }

    /// With a length that is not that of the body.
    fn other_length(&self, random: &mut StdRng) -> Vec<u8> {
        let lengths = match random.random_range(0..5) {
            0 => format!("Content-Length: {}\r\n", self.body.len() + 7),
            1 => format!("Content-Length: {}\r\n", self.body.len() / 2),
            2 => "Content-Length: 1\r\nContent-Length: 2\r\n".to_owned(),
            3 => "Content-Length: x\r\n".to_owned(),
            _ => "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n".to_owned(),
        };
        [&self.head(), lengths.as_bytes(), b"\r\n", &self.body].concat()
    }

    /// In chunks, one of which may be broken.
    fn chunked(&self, random: &mut StdRng) -> Vec<u8> {
        let mut bytes = self.head();
        bytes.extend(b"Transfer-Encoding: chunked\r\n\r\n");
        for piece in self.body.chunks(random.random_range(1..200)) {
            let size = match random.random_range(0..40) {
                0 => "zz".to_owned(),
                1 => format!("{:x}", piece.len() + 3),
                2 => "-1".to_owned(),
                3 => "ffffffffffffffffff".to_owned(),
                4 => format!("{:x};{}", piece.len(), "e".repeat(5_000)),
                _ => format!("{:x}", piece.len()),
            };
            bytes.extend(size.as_bytes());
            bytes.extend(b"\r\n");
            bytes.extend(piece);
            bytes.extend(b"\r\n");
        }
        if random.random_range(0..4) > 0 {
            bytes.extend(b"0\r\n\r\n");
        }
        bytes
    }

    /// With more headers, longer ones or a longer target than any client has.
    fn flooded(mut self, random: &mut StdRng) -> Vec<u8> {
        match random.random_range(0..4) {
            0 => self.target.push_str(&format!(
                "?x={}",
                "a".repeat(random.random_range(1..100_000))
            )),
            1 => self
                .headers
                .push(("X-Long", "b".repeat(random.random_range(1..300_000)))),
            2 => {
                let many = random.random_range(50..3_000);
                self.headers
                    .extend((0..many).map(|n| ("X-Many", n.to_string())));
            }
            _ => {
                let twice = self.headers.clone();
                self.headers.extend(twice);
            }
        }
        self.sound()
    }
}

fn requests(authorization: &str) -> Vec<Parts> {
    let statement = json!({
        "actor": { "account": { "homePage": "https://example.org", "name": "raw" } },
        "verb": { "id": "http://adlnet.gov/expapi/verbs/answered", "display": { "fr": "a répondu" } },
        "object": { "id": "https://example.org/activities/raw" },
        "result": { "success": true, "score": { "scaled": 0.5 }, "duration": "PT1.5S" },
        "timestamp": "2026-03-05T18:42:11.250+01:00",
    });
    let one = statement.to_string();
    let many = json!(vec![statement; 30]).to_string();
    let multipart = format!(
        "--x\r\nContent-Type: application/json\r\n\r\n{one}\r\n--x\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: binary\r\nX-Experience-API-Hash: 2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae\r\n\r\nfoo\r\n--x--\r\n"
    );
    let state = "/xapi/activities/state?activityId=https%3A%2F%2Fexample.org%2Fa&stateId=s&agent=%7B%22mbox%22%3A%22mailto%3Araw%40example.org%22%7D";
    let new = |method, target: &str, body: &str| Parts::new(authorization, method, target, body);
    let nobody = "3c0ffee0-1111-4222-8333-444455556666";
    vec![
        new("POST", "/xapi/statements", &one),
        new("POST", "/xapi/statements", &many),
        new("POST", "/xapi/statements", &multipart)
            .header("Content-Type", "multipart/mixed; boundary=x"),
        new(
            "POST",
            "/xapi/statements?method=GET",
            "limit=1&X-Experience-API-Version=1.0.3",
        )
        .header("Content-Type", "application/x-www-form-urlencoded"),
        new("GET", "/xapi/statements?limit=2&attachments=true", ""),
        new("HEAD", "/xapi/statements?limit=1", ""),
        new("GET", "/xapi/about", ""),
        new("PUT", state, "anything").header("Content-Type", "text/plain"),
        new("POST", state, r#"{"a":1}"#),
        new("GET", state, ""),
        new("DELETE", state, ""),
        new("POST", "/api/v1/statements/validate", &many),
        new("GET", "/api/v1/credentials", ""),
        new(
            "POST",
            "/api/v1/credentials",
            r#"{"scopes":["statements/write"],"label":"raw"}"#,
        ),
        new("DELETE", "/api/v1/credentials/nobody", ""),
        new("POST", "/api/v1/credentials/nobody/rotate", "{}"),
        new("PUT", "/api/v1/framework", "{}"),
        new("PUT", "/api/v1/catalogue", "{}"),
        new("PUT", "/api/v1/roster", "PK\u{3}\u{4}").header("Content-Type", "application/zip"),
        new(
            "POST",
            "/api/v1/pupils/resolve",
            r#"{"homePage":"https://example.org","name":"raw"}"#,
        ),
        new("GET", &format!("/api/v1/pupils/{nobody}/mastery"), ""),
        new(
            "GET",
            &format!("/api/v1/pupils/{nobody}/next-activities?limit=3"),
            "",
        ),
        new("GET", "/api/v1/status", "").header("Accept-Encoding", "gzip, zstd"),
        new("GET", "/api/openapi.json", "").header("Accept-Encoding", "zstd"),
        new("OPTIONS", "/xapi/statements", "")
            .header("Origin", "https://app.example.org")
            .header("Access-Control-Request-Method", "PUT"),
    ]
}

/// What goes over one connection.
fn drawn(requests: &[Parts], random: &mut StdRng) -> Vec<u8> {
    let mut parts = requests[random.random_range(0..requests.len())].clone();
    if random.random_range(0..3) == 0 {
        change(&mut parts.body, random);
    }
    let mut bytes = match random.random_range(0..8) {
        0 | 1 => parts.chunked(random),
        2 => parts.other_length(random),
        3 => parts.flooded(random),
        4 => {
            let next = &requests[random.random_range(0..requests.len())];
            [parts.open(), next.open(), next.sound()].concat()
        }
        _ => parts.sound(),
    };
    for _ in 0..random.random_range(0..3) {
        change(&mut bytes, random);
    }
    bytes
}

fn change(bytes: &mut Vec<u8>, random: &mut StdRng) {
    let token = TOKENS[random.random_range(0..TOKENS.len())];
    if bytes.is_empty() {
        bytes.extend(token);
        return;
    }
    // Mostly in the first bytes, where the head is.
    let reach = if random.random() {
        bytes.len().min(300)
    } else {
        bytes.len()
    };
    let place = random.random_range(0..reach);
    match random.random_range(0..5) {
        0 => bytes.truncate(place),
        1 => bytes[place] = random.random(),
        2 => drop(bytes.splice(place..place, token.iter().copied())),
        3 => {
            let end = bytes.len().min(place + token.len());
            drop(bytes.splice(place..end, token.iter().copied()));
        }
        _ => {
            let end = random.random_range(place..bytes.len());
            let again = bytes[place..end].to_vec();
            bytes.splice(place..place, again);
        }
    }
}

/// Sends the bytes; what came back before the end or the end of patience.
async fn exchange(port: u16, bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut socket = TcpStream::connect(("127.0.0.1", port)).await?;
    let mut answer = Vec::new();
    let talk = async {
        let (mut from, mut to) = socket.split();
        // Read while it is written: a server that has seen enough answers before the end.
        let write = async {
            // One that closes has answered, or has nothing to say to this.
            let _ = to.write_all(bytes).await;
        };
        let read = async {
            let mut piece = vec![0; 16 * 1024];
            while let Ok(Ok(some @ 1..)) = timeout(PATIENCE, from.read(&mut piece)).await {
                answer.extend(&piece[..some]);
            }
        };
        tokio::join!(write, read);
    };
    // A server that reads no more keeps the writer waiting.
    let _ = timeout(Duration::from_secs(10), talk).await;
    Ok(answer)
}

/// The first answer that is a 5xx other than 503 with `Retry-After`.
fn wrong(answer: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(answer);
    text.match_indices("HTTP/1.").find_map(|(at, _)| {
        let head = text[at..].split("\r\n\r\n").next().unwrap_or_default();
        let status: u16 = head.get(9..12)?.parse().ok()?;
        let waits = head.to_ascii_lowercase().contains("\r\nretry-after:");
        let good = status < 500 || (status == 503 && waits);
        (!good).then(|| head.to_owned())
    })
}

/// Talks over one connection after the other until `end`; how many there were, or what was wrong.
async fn talk(port: u16, requests: Vec<Parts>, seed: u64, end: Instant) -> Result<u64, String> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut count = 0;
    while Instant::now() < end {
        let bytes = drawn(&requests, &mut random);
        let wrong = match exchange(port, &bytes).await {
            Ok(answer) => wrong(&answer),
            Err(error) => Some(format!("no connection: {error}")),
        };
        if let Some(wrong) = wrong {
            let sent = &bytes[..bytes.len().min(4_000)];
            let sent = sent.escape_ascii();
            return Err(format!("{wrong}\n--- after {count} others, to\n{sent}"));
        }
        count += 1;
    }
    Ok(count)
}

async fn all_talk(installation: &Installation, seed: u64, time: Duration) -> u64 {
    let (key, secret) = installation.credential();
    let authorization = format!("Basic {}", STANDARD.encode(format!("{key}:{secret}")));
    let (port, end) = (installation.port(), Instant::now() + time);
    let mut talks = JoinSet::new();
    for connection in 0..CONNECTIONS {
        let seed = seed.wrapping_mul(CONNECTIONS).wrapping_add(connection);
        talks.spawn(talk(port, requests(&authorization), seed, end));
    }
    let told = talks.join_all().await;
    let counts: Result<Vec<u64>, String> = told.into_iter().collect();
    let log = || {
        installation
            .log()
            .lines()
            .rev()
            .take(40)
            .collect::<Vec<_>>()
            .join("\n")
    };
    counts
        .unwrap_or_else(|wrong| panic!("seed {seed}: {wrong}\n--- the log, backwards\n{}", log()))
        .iter()
        .sum()
}

async fn fuzz(seed: u64, time: Duration) {
    let installation = Installation::new().await;
    // A quarter of the time fills every cache; what is taken after it stays within a margin.
    let before = all_talk(&installation, seed, time / 4).await;
    let warm = installation.resident_kib();
    let after = all_talk(&installation, seed.wrapping_add(1), time - time / 4).await;
    let end = installation.resident_kib();
    assert!(
        before + after > 50,
        "seed {seed}: {} connections in {time:?}",
        before + after
    );
    assert!(
        end < warm + warm / 2 + 65_536,
        "seed {seed}: {warm} KiB became {end} KiB in {after} connections"
    );
    let log = installation.log();
    assert!(
        !log.contains("panicked"),
        "seed {seed}: something panicked:\n{log}"
    );
    installation.get("/xapi/statements?limit=1").await;
}

#[tokio::test]
async fn whatever_bytes_come_the_service_goes_on() {
    fuzz(1, Duration::from_secs(8)).await;
}

#[tokio::test]
#[ignore = "as long as LRS_FUZZ_S says, an hour by default"]
async fn whatever_bytes_come_for_long_the_service_goes_on() {
    let seed = told("LRS_FUZZ_SEED").unwrap_or_else(rand::random);
    let time = told("LRS_FUZZ_S").unwrap_or(3_600);
    fuzz(seed, Duration::from_secs(time)).await;
}

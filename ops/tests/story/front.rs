//! What stands between a front-end and the services: origins, encodings, TLS.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::{Value, json};

use crate::attached;
use crate::harness::Installation;

const APP: &str = "https://app.example.org";

#[actix_web::test]
async fn a_page_of_an_allowed_origin_posts_and_reads_and_no_other_does() {
    let sillage = Installation::with(|_| {
        vec![(
            "SILLAGE_HTTP_CORS_ORIGINS",
            format!("{APP}, https://tablette.example.org"),
        )]
    })
    .await;
    let preflight = |origin: &'static str| {
        sillage
            .anonymous(Method::OPTIONS, "/xapi/statements")
            .header("Origin", origin)
            .header("Access-Control-Request-Method", "PUT")
            .header(
                "Access-Control-Request-Headers",
                "authorization, content-type, if-none-match, x-experience-api-version",
            )
    };
    let allowed = preflight(APP).send().await.unwrap();
    assert_eq!(allowed.status(), 200);
    let header = |name: &str| allowed.headers()[name].to_str().unwrap().to_lowercase();
    assert_eq!(header("access-control-allow-origin"), APP);
    assert!(header("access-control-allow-methods").contains("put"));
    for name in ["x-experience-api-version", "if-none-match", "authorization"] {
        assert!(
            header("access-control-allow-headers").contains(name),
            "{name}"
        );
    }
    let refused = preflight("https://elsewhere.example.org")
        .send()
        .await
        .unwrap();
    assert!(
        !refused
            .headers()
            .contains_key("access-control-allow-origin")
    );

    let about = sillage
        .anonymous(Method::GET, "/xapi/about")
        .header("Origin", APP)
        .send()
        .await
        .unwrap();
    let exposed = about.headers()["access-control-expose-headers"]
        .to_str()
        .unwrap()
        .to_lowercase();
    for name in [
        "etag",
        "last-modified",
        "x-experience-api-consistent-through",
        "retry-after",
    ] {
        assert!(exposed.contains(name), "{name} in {exposed}");
    }
    assert_eq!(about.headers()["access-control-allow-origin"], APP);
}

#[actix_web::test]
async fn an_answer_comes_in_the_encoding_that_the_client_prefers() {
    let sillage = Installation::new().await;
    let plain = sillage
        .request(Method::GET, "/api/openapi.json")
        .send()
        .await
        .unwrap();
    assert!(!plain.headers().contains_key("content-encoding"));
    let plain = plain.bytes().await.unwrap();
    for (accepted, encoding) in [
        ("gzip", "gzip"),
        ("zstd", "zstd"),
        ("gzip;q=0.5, zstd", "zstd"),
        ("gzip, zstd;q=0.5", "gzip"),
        ("identity", ""),
        ("br", ""),
    ] {
        let answer = sillage
            .request(Method::GET, "/api/openapi.json")
            .header("Accept-Encoding", accepted)
            .send()
            .await
            .unwrap();
        let told = answer
            .headers()
            .get("content-encoding")
            .map_or("", |value| value.to_str().unwrap())
            .to_owned();
        assert_eq!(told, encoding, "{accepted}");
        let body = answer.bytes().await.unwrap();
        match encoding {
            "zstd" => assert_eq!(zstd::bulk::decompress(&body, plain.len()).unwrap(), plain),
            "gzip" => assert_eq!(body[..2], [0x1f, 0x8b]),
            _ => assert_eq!(body, plain),
        }
    }
}

/// An installation that speaks TLS, and where its certificate is.
async fn with_tls() -> (Installation, PathBuf) {
    let sillage = Installation::with(|folder| {
        let (certificate, key) = (folder.join("certificate.pem"), folder.join("key.pem"));
        self_signed(&certificate, &key);
        vec![
            (
                "SILLAGE_HTTP_TLS_CERTIFICATE",
                certificate.display().to_string(),
            ),
            ("SILLAGE_HTTP_TLS_KEY", key.display().to_string()),
        ]
    })
    .await;
    let certificate = sillage.scratch().join("certificate.pem");
    (sillage, certificate)
}

#[actix_web::test]
async fn sillage_speaks_tls_itself() {
    let (sillage, certificate) = with_tls().await;
    let port = sillage.port();
    let (key, secret) = sillage.credential();
    let credential = STANDARD.encode(format!("{key}:{secret}"));
    let id = attached::id(1);
    let statement = json!({ "id": id, "actor": { "mbox": "mailto:one@example.org" },
        "verb": { "id": "https://example.org/verbs/tried" }, "object": { "id": "https://example.org/activities/tls" } })
    .to_string();
    let post = format!(
        "POST /xapi/statements HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Basic {credential}\r\nX-Experience-API-Version: 1.0.3\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{statement}",
        statement.len()
    );
    let (told, about) = tokio::task::spawn_blocking(move || {
        let told = told(connect(port, &certificate, b"http/1.1"), &post);
        (told, about_in_http2(connect(port, &certificate, b"h2")))
    })
    .await
    .unwrap();
    assert!(told.starts_with("HTTP/1.1 200"), "{told}");
    let body: Value = serde_json::from_str(told.rsplit("\r\n\r\n").next().unwrap()).unwrap();
    assert_eq!(body, json!([id]));
    let about: Value = serde_json::from_slice(&about).unwrap();
    assert!(about["version"].is_array(), "{about}");
    // What is not TLS is no request.
    let plain = sillage.anonymous(Method::GET, "/health/live").send().await;
    assert!(plain.is_err(), "{plain:?}");
}

/// A certificate for `localhost` and its key.
fn self_signed(certificate: &Path, key: &Path) {
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
        ])
        .args([
            "-subj",
            "/CN=localhost",
            "-addext",
            "subjectAltName=DNS:localhost",
        ])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .arg("-keyout")
        .arg(key)
        .arg("-out")
        .arg(certificate)
        .output()
        .unwrap();
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
}

/// A connection over TLS on which one protocol is offered, and taken.
fn connect(
    port: u16,
    certificate: &Path,
    protocol: &[u8],
) -> StreamOwned<ClientConnection, TcpStream> {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_file(certificate).unwrap())
        .unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![protocol.to_vec()];
    let name = ServerName::try_from("localhost").unwrap();
    let mut session = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut socket = TcpStream::connect(("127.0.0.1", port)).unwrap();
    while session.is_handshaking() {
        session.complete_io(&mut socket).unwrap();
    }
    assert_eq!(session.alpn_protocol(), Some(protocol));
    StreamOwned::new(session, socket)
}

/// The answer to a request of HTTP/1.1, after which the server closes.
fn told(mut stream: impl Read + Write, request: &str) -> String {
    stream.write_all(request.as_bytes()).unwrap();
    let mut told = String::new();
    // A server that closes without a goodbye has said all that it had to say.
    let _ = stream.read_to_string(&mut told);
    told
}

/// The body of `/xapi/about`, asked for in HTTP/2 (RFC 9113) as simply as can be.
fn about_in_http2(mut stream: impl Read + Write) -> Vec<u8> {
    const DATA: u8 = 0;
    const HEADERS: u8 = 1;
    const END_STREAM: u8 = 1;
    // GET, https, a path and an authority: two of the static table, two of them with values of ours.
    let mut block = vec![0x82, 0x87];
    for (index, value) in [(4, "/xapi/about"), (1, "localhost")] {
        block.extend([index, u8::try_from(value.len()).unwrap()]);
        block.extend(value.bytes());
    }
    let length = u8::try_from(block.len()).unwrap();
    stream
        .write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        .unwrap();
    // No settings.
    stream.write_all(&[0, 0, 0, 4, 0, 0, 0, 0, 0]).unwrap();
    // The whole request, on stream 1.
    stream
        .write_all(&[0, 0, length, HEADERS, 0b101, 0, 0, 0, 1])
        .unwrap();
    stream.write_all(&block).unwrap();
    stream.flush().unwrap();
    let mut body = Vec::new();
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).unwrap();
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; length as usize];
        stream.read_exact(&mut payload).unwrap();
        match head[3] {
            // 200, by its place in the static table.
            HEADERS => assert_eq!(payload.first(), Some(&0x88)),
            DATA => {
                body.extend(payload);
                if head[4] & END_STREAM != 0 {
                    return body;
                }
            }
            _ => {}
        }
    }
}

//! What stands between a front-end and the services: origins, encodings, TLS.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use reqwest::Method;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::{Value, json};

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

#[actix_web::test]
async fn sillage_speaks_tls_itself() {
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
    let port = sillage.port();
    let certificate = sillage.scratch().join("certificate.pem");
    let told = tokio::task::spawn_blocking(move || get_over_tls(port, &certificate))
        .await
        .unwrap();
    assert!(told.starts_with("HTTP/1.1 200"), "{told}");
    let body: Value = serde_json::from_str(told.rsplit("\r\n\r\n").next().unwrap()).unwrap();
    assert_eq!(body, json!({ "status": "live" }));
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

fn get_over_tls(port: u16, certificate: &Path) -> String {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_file(certificate).unwrap())
        .unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    let session = ClientConnection::new(Arc::new(config), name).unwrap();
    let socket = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let mut stream = StreamOwned::new(session, socket);
    stream
        .write_all(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        .unwrap();
    let mut told = String::new();
    // A server that closes without a goodbye has said all that it had to say.
    let _ = stream.read_to_string(&mut told);
    told
}

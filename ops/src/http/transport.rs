//! How requests reach us: TLS by ourselves, or by a proxy that is named as trusted.

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use actix_web::body::{BoxBody, EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::middleware::Next;
use actix_web::{Error, ResponseError, web};
use ipnet::IpNet;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use service::config::HttpSettings;
use service::error::{Broken, Problem};

use crate::exit::{Code, Failure};

/// The certificate and key that the settings name; none where they name none.
pub(crate) fn tls(settings: &HttpSettings) -> Result<Option<ServerConfig>, Failure> {
    match (settings.tls_certificate.as_str(), settings.tls_key.as_str()) {
        ("", "") => Ok(None),
        ("", _) | (_, "") => Err(Failure::new(
            Code::Settings,
            "http.tls_certificate and http.tls_key go together".to_owned(),
        )),
        (certificate, key) => server(Path::new(certificate), Path::new(key)).map(Some),
    }
}

fn server(certificate: &Path, key: &Path) -> Result<ServerConfig, Failure> {
    let unreadable = |path: &Path, error: anyhow::Error| {
        let message = format!("{} cannot be used for TLS", path.display());
        Failure::because(Code::Settings, message, error)
    };
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| unreadable(certificate, error.into()))?;
    let private =
        PrivateKeyDer::from_pem_file(key).map_err(|error| unreadable(key, error.into()))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| {
            builder
                .with_no_client_auth()
                .with_single_cert(chain, private)
        })
        .map_err(|error| unreadable(certificate, error.into()))
}

/// Who may speak to us without TLS: this machine, and proxies that are named.
#[derive(Clone, Debug)]
pub(crate) struct Plain {
    /// Whether the listener speaks TLS, so that nothing comes in plain.
    encrypted: bool,
    every: bool,
    trusted: Arc<[IpNet]>,
}

impl Plain {
    /// Reads the setting: addresses and networks (`10.0.0.0/8`), or `*`.
    pub(crate) fn of(settings: &HttpSettings) -> Result<Self, Failure> {
        let named: Vec<&str> = settings.trusted_proxies().collect();
        let trusted = named
            .iter()
            .filter(|name| **name != "*")
            .map(|name| {
                name.parse::<IpNet>()
                    .or_else(|_| name.parse::<IpAddr>().map(IpNet::from))
                    .map_err(|_| {
                        let message =
                            format!("http.trusted_proxies: {name:?} is no address and no network");
                        Failure::new(Code::Settings, message)
                    })
            })
            .collect::<Result<_, _>>()?;
        Ok(Self {
            encrypted: !settings.tls_certificate.is_empty(),
            every: named.contains(&"*"),
            trusted,
        })
    }

    fn takes(&self, peer: Option<IpAddr>) -> bool {
        self.encrypted
            || self.every
            || peer.map(|peer| peer.to_canonical()).is_some_and(|peer| {
                peer.is_loopback() || self.trusted.iter().any(|known| known.contains(&peer))
            })
    }
}

/// Middleware: what comes in plain from elsewhere than a trusted proxy is refused, since a credential
/// stands in it. Probes of the health are let through: there is nothing in them.
pub(super) async fn encrypted<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B, BoxBody>>, Error> {
    let plain = request
        .app_data::<web::Data<Plain>>()
        .expect("the application is given it");
    let peer = request.peer_addr().map(|address| address.ip());
    if plain.takes(peer) || request.path().starts_with("/health/") {
        return Ok(next.call(request).await?.map_into_left_body());
    }
    Ok(request
        .into_response(refused().error_response())
        .map_into_right_body())
}

fn refused() -> Problem {
    let detail = "this server is spoken to over TLS, or through a proxy that it trusts";
    Problem::new(StatusCode::FORBIDDEN, "tls_required", detail).broken(Broken {
        pointer: None,
        rule: "tls-required".to_owned(),
        section: Some("xAPI 1.0.3 Communication 5.0".to_owned()),
        detail: detail.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use service::config::Settings;

    use super::*;

    fn plain(proxies: &str) -> Result<Plain, Failure> {
        let mut settings: HttpSettings = Settings::defaults().section("http").expect("[http]");
        proxies.clone_into(&mut settings.trusted_proxies);
        Plain::of(&settings)
    }

    #[test]
    fn only_this_machine_and_named_proxies_speak_plain() {
        for (proxies, peer, taken) in [
            ("", "127.0.0.1", true),
            ("", "::1", true),
            ("", "::ffff:127.0.0.1", true),
            ("", "192.0.2.7", false),
            ("192.0.2.7", "192.0.2.7", true),
            ("192.0.2.7", "192.0.2.8", false),
            ("10.0.0.0/8, 2001:db8::/32", "10.1.2.3", true),
            ("10.0.0.0/8, 2001:db8::/32", "2001:db8::1", true),
            ("*", "192.0.2.7", true),
        ] {
            let plain = plain(proxies).expect("good proxies");
            let peer = Some(peer.parse().expect("an address"));
            assert_eq!(plain.takes(peer), taken, "{proxies:?} {peer:?}");
        }
        assert!(!plain("").expect("none").takes(None));
        assert!(plain("proxy.example.org").is_err());
    }

    #[actix_web::test]
    async fn what_comes_in_plain_from_elsewhere_is_told_why_it_is_refused() {
        use actix_web::{App, HttpResponse, middleware, test};
        let app = App::new()
            .wrap(middleware::from_fn(encrypted))
            .app_data(web::Data::new(plain("192.0.2.1").expect("a proxy")))
            .default_service(web::to(|| async { HttpResponse::Ok().finish() }));
        let app = test::init_service(app).await;
        for (peer, path, status) in [
            ("192.0.2.7:50000", "/xapi/statements", 403),
            ("192.0.2.7:50000", "/health/live", 200),
            ("192.0.2.1:50000", "/xapi/statements", 200),
            ("127.0.0.1:50000", "/xapi/statements", 200),
        ] {
            // Who sends it can write what it likes into it.
            let request = test::TestRequest::get()
                .uri(path)
                .peer_addr(peer.parse().expect("an address"))
                .insert_header(("X-Forwarded-For", "127.0.0.1"))
                .insert_header(("X-Forwarded-Proto", "https"))
                .to_request();
            let answer = test::call_service(&app, request).await;
            assert_eq!(answer.status().as_u16(), status, "{peer} {path}");
            if status == 403 {
                let body: serde_json::Value = test::read_body_json(answer).await;
                assert_eq!(
                    (&body["code"], &body["rule"]),
                    (&"tls_required".into(), &"tls-required".into())
                );
            }
        }
    }
}

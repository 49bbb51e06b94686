//! The HTTP server: every service's routes, and what belongs to none of them.

mod cors;
mod documentation;
mod encoding;
mod head;
mod health;
mod patience;
mod published;
pub(crate) mod transport;

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, HeaderValue};
use actix_web::middleware::{Compress, from_fn};
use actix_web::{App, HttpResponse, HttpServer, Resource, ResponseError, Route, web};
use service::Context;
use service::config::HttpSettings;
use service::error::{Broken, Problem};
use service::http::Limits;
use tokio::task::JoinHandle;

use self::head::Heads;
use self::patience::Patience;
use self::transport::Plain;
use crate::exit::{Code, Failure};
use crate::services::Services;

/// How long an idle connection is kept: front-ends come back within a page.
const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// What the server answers with.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    pub(crate) context: Context,
    pub(crate) services: Services,
    pub(crate) open: Open,
}

/// Whether requests are wanted: no longer once the stop has begun.
#[derive(Clone, Debug, Default)]
pub(crate) struct Open(Arc<AtomicBool>);

impl Open {
    pub(crate) fn set(&self, open: bool) {
        self.0.store(open, Ordering::Relaxed);
    }

    fn is(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Takes the address, before anything that takes time: one that is taken is told at once.
pub(crate) fn bind(listen: &str) -> Result<TcpListener, Failure> {
    let refused = |error: std::io::Error| {
        let why = match error.kind() {
            std::io::ErrorKind::AddrInUse => " is taken: another process listens there",
            std::io::ErrorKind::InvalidInput => " is no address: expected ADDR:PORT",
            _ => " cannot be listened on",
        };
        Failure::because(Code::Address, format!("{listen}{why}"), error)
    };
    let listener = TcpListener::bind(listen).map_err(refused)?;
    listener.set_nonblocking(true).map_err(refused)?;
    Ok(listener)
}

/// The base address for a client on this machine.
pub(crate) fn endpoint(listener: &TcpListener, encrypted: bool) -> std::io::Result<String> {
    let mut address = listener.local_addr()?;
    if address.ip().is_unspecified() {
        let loopback: std::net::IpAddr = match address {
            SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        };
        address.set_ip(loopback);
    }
    let scheme = if encrypted { "https" } else { "http" };
    Ok(format!("{scheme}://{address}"))
}

/// A server that answers.
pub(crate) struct Server {
    handle: ServerHandle,
    task: JoinHandle<std::io::Result<()>>,
}

impl Server {
    /// Starts to answer.
    pub(crate) fn start(
        site: Site,
        listener: TcpListener,
        settings: &HttpSettings,
    ) -> Result<Self, Failure> {
        let tls = transport::tls(settings)?;
        let plain = web::Data::new(Plain::of(settings)?);
        let patience = web::Data::new(Patience(Duration::from_secs(settings.body_timeout_s)));
        let heads = web::Data::new(Heads(settings.headers_max_bytes));
        let limits = Limits::new(settings);
        let fronts = settings.clone();
        let server = HttpServer::new(move || {
            let site = site.clone();
            App::new()
                // The last one is the outermost.
                .wrap(from_fn(encoding::zstd))
                .wrap(from_fn(patience::with_bodies))
                .wrap(Compress::default())
                .wrap(from_fn(encoding::entity_tag))
                .wrap(from_fn(head::bounded))
                .wrap(from_fn(service::http::turn_away))
                .wrap(cors::cors(&fronts))
                .wrap(from_fn(transport::encrypted))
                .wrap(from_fn(service::http::trace))
                .app_data(plain.clone())
                .app_data(patience.clone())
                .app_data(heads.clone())
                .configure(|cfg| limits.give(cfg))
                .configure(service::http::defaults)
                .configure(move |cfg| routes(&site, cfg))
        })
        .workers(workers(settings))
        .keep_alive(KEEP_ALIVE)
        .shutdown_timeout(settings.drain_s)
        // Signals are the process's business: the services stop after the server.
        .disable_signals();
        let server = match tls {
            Some(tls) => server.listen_rustls_0_23(listener, tls),
            None => server.listen(listener),
        }
        .map_err(|error| Failure::because(Code::Address, "could not start the HTTP server", error))?
        .run();
        Ok(Self {
            handle: server.handle(),
            task: tokio::spawn(server),
        })
    }

    /// Ends when the server does, which it should not by itself.
    pub(crate) async fn ended(&mut self) -> std::io::Result<()> {
        (&mut self.task).await.map_err(std::io::Error::other)?
    }

    /// Stops: takes nothing new, and with `drain` answers what is under way.
    pub(crate) async fn stop(&self, drain: bool) {
        self.handle.stop(drain).await;
    }
}

fn workers(settings: &HttpSettings) -> usize {
    match settings.workers {
        0 => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        some => some,
    }
}

/// A resource that is read, and nothing else.
fn read_only(path: &str, get: Route) -> Resource {
    web::resource(path)
        .route(get)
        .default_service(web::to(only_get))
}

async fn only_get() -> HttpResponse {
    let detail = "this resource takes GET";
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail)
        .broken(Broken {
            pointer: Some("method".to_owned()),
            rule: "method".to_owned(),
            section: Some("RFC 9110".to_owned()),
            detail: detail.to_owned(),
        })
        .header(ALLOW, HeaderValue::from_static("GET"))
        .error_response()
}

/// Every route of this process.
fn routes(site: &Site, cfg: &mut web::ServiceConfig) {
    cfg.app_data(web::Data::new(site.context.credentials.clone()))
        .app_data(web::Data::new(health::Health::new(site)))
        .configure(service::http::credentials::routes)
        .configure(health::routes)
        .configure(published::routes)
        .configure(|cfg| documentation::routes(&site.services, cfg));
    let services = &site.services;
    if let Some(lrs) = &services.lrs {
        cfg.app_data(web::Data::from(Arc::clone(lrs)))
            .configure(lrs::routes);
    }
    if let Some(analytics) = &services.analytics {
        cfg.app_data(web::Data::from(Arc::clone(analytics)))
            .configure(analytics::routes);
    }
    if let Some(recommender) = &services.recommender {
        cfg.app_data(web::Data::from(Arc::clone(recommender)))
            .configure(recommender::routes);
    }
}

//! The LRS of this process, with the same routes, middleware and settings as `sillage lrs`.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::middleware::{Compress, from_fn};
use actix_web::{App, HttpServer, web};
use anyhow::Context as _;
use lrs::{Lrs, LrsConfig};
use service::background::Background;
use service::config::{DatabaseSettings, HttpSettings, Settings};
use service::context::Context;
use service::identity::{Grant, NewCredential, Scope};
use service::store::credentials;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio_util::sync::CancellationToken;

use crate::cpu::LOAD_THREADS;
use crate::neighbours::Neighbours;

/// How long an idle connection is kept, as `sillage` has it.
const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// A server that answers.
pub struct Server {
    address: SocketAddr,
    credential: (String, String),
    handle: ServerHandle,
    shutdown: CancellationToken,
    background: Background,
}

// The secret stands in no log.
impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl Server {
    /// Starts it on a migrated database, on a port of its own, at the default settings. With a folder for
    /// the `lake`, statements are shipped there.
    pub async fn start(database: &str, lake: Option<&Path>) -> anyhow::Result<Self> {
        Self::of(database, lake, false).await
    }

    /// The same with its neighbours, as `sillage up` has them.
    pub async fn start_whole(database: &str, lake: &Path) -> anyhow::Result<Self> {
        Self::of(database, Some(lake), true).await
    }

    async fn of(database: &str, lake: Option<&Path>, whole: bool) -> anyhow::Result<Self> {
        let settings = Settings::defaults();
        let database_settings: DatabaseSettings = settings.section("database")?;
        let http: HttpSettings = settings.section("http")?;
        let pool = service::pg::pool(database, database_settings.pool_max)?;
        let credential = NewCredential::random();
        credentials::insert(&pool, &credential, &Grant::of(&[Scope::All], "bench")).await?;
        let remember = Duration::from_millis(http.credential_cache_ms);
        let context = Context::open(pool, remember).await?;
        let credentials = web::Data::new(context.credentials.clone());
        let mut config = LrsConfig::load(&settings)?;
        if let Some(lake) = lake {
            config.lake_root = lake.display().to_string();
        }
        let shutdown = CancellationToken::new();
        let mut background = Background::start()?;
        let neighbours = match lake.filter(|_| whole) {
            Some(lake) => Some(Neighbours::start(&context, &settings, lake).await?),
            None => None,
        };
        if let Some(neighbours) = &neighbours {
            neighbours.work(&mut background, &shutdown);
        }
        let lrs = Arc::new(Lrs::new(context, config)?);
        background.spawn(lrs::run_background(Arc::clone(&lrs), shutdown.clone()));
        if lake.is_some() {
            let relay = lrs::run_relay(Arc::clone(&lrs), shutdown.clone());
            background.spawn_beside(async {
                relay.await;
                Ok(())
            });
        }
        let limits = service::http::Limits::new(&http);
        let server = HttpServer::new(move || {
            App::new()
                .wrap(Compress::default())
                .wrap(from_fn(service::http::turn_away))
                .wrap(from_fn(service::http::trace))
                .configure(|cfg| limits.give(cfg))
                .configure(service::http::defaults)
                .app_data(credentials.clone())
                .app_data(web::Data::from(Arc::clone(&lrs)))
                .configure(lrs::routes)
                .configure(|cfg| neighbours.iter().for_each(|all| all.routes(cfg)))
        })
        .workers(cores())
        .keep_alive(KEEP_ALIVE)
        .disable_signals()
        .bind(("127.0.0.1", 0))
        .context("no free port on 127.0.0.1")?;
        let address = *server
            .addrs()
            .first()
            .context("the server has no address")?;
        let server = server.run();
        let handle = server.handle();
        tokio::spawn(server);
        Ok(Self {
            address,
            credential: (
                credential.key.clone(),
                credential.reveal_secret().to_owned(),
            ),
            handle,
            shutdown,
            background,
        })
    }

    /// Where it answers.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The value of the header `Authorization`.
    #[must_use]
    pub fn authorization(&self) -> String {
        use base64::Engine as _;
        let (key, secret) = &self.credential;
        let pair = base64::engine::general_purpose::STANDARD.encode(format!("{key}:{secret}"));
        format!("Basic {pair}")
    }

    /// Stops it: what waits is stored first.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        self.handle.stop(true).await;
        self.shutdown.cancel();
        while let Some(ended) = self.background.ended().await {
            ended??;
        }
        Ok(())
    }
}

/// A runtime on all processors, whose threads have this name.
pub fn runtime(threads: &str) -> anyhow::Result<Runtime> {
    Ok(Builder::new_multi_thread()
        .worker_threads(cores())
        .thread_name(threads)
        .enable_all()
        .build()?)
}

/// Runs a measurement on the threads of the server, and gives it those of the load.
///
/// Each side of the wire has threads of its own, so that the kernel shares out the
/// processors as it would between processes, and tells who used them.
pub fn on_two_runtimes<T, F: Future<Output = anyhow::Result<T>>>(
    measure: impl FnOnce(Handle) -> F,
) -> anyhow::Result<T> {
    let load = runtime(LOAD_THREADS)?;
    let server = runtime("server")?;
    let measured = measure(load.handle().clone());
    server.block_on(async {
        tokio::select! {
            measured = measured => measured,
            _ = tokio::signal::ctrl_c() => anyhow::bail!("interrupted"),
        }
    })
}

/// Processors that this process may use.
#[must_use]
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

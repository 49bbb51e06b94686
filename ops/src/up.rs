//! `sillage up` and the services one by one: start, answer, stop.
//!
//! The order of the stop is the reverse of the start's: requests drain while the committers still
//! work; then the services store and ship what waits; then PostgreSQL stops.

use std::net::TcpListener;
use std::path::Path;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use service::background::Background;
use service::config::{HttpSettings, LakeSettings, Settings};
use service::identity::oidc::Issuer;
use service::identity::watch;
use service::pg::Channel;
use service::pg::cluster::{ClusterError, DataFolder};
use service::{Context, telemetry};
use tokio_util::sync::CancellationToken;

use crate::admin::{self, Admin};
use crate::announce::Ready;
use crate::cli::{ServiceArgs, UpArgs};
use crate::database::{self, Database};
use crate::exit::{Code, Failure};
use crate::http::{self, Open, Server, Site};
use crate::play::{self, Demo};
use crate::services::{Services, Which};
use crate::stop::Stop;

/// How long the services may take to store and ship what waits. What is not shipped by then is
/// shipped after the next start.
const FLUSH_WITHIN: Duration = Duration::from_secs(60);

/// `sillage up`.
pub(crate) async fn up(args: UpArgs) -> anyhow::Result<()> {
    let settings = args.place.settings(&args.common)?;
    telemetry::init(&settings.section("log")?);
    let stop = Stop::on_signals().context("could not listen to signals")?;
    let data = settings.data();
    let folder = database::lock(&data, "sillage up").await?;
    let listener = http::bind(&settings.listen())?;
    let lake: LakeSettings = settings.section("lake")?;
    if lake.url.is_empty() {
        make_private(&data.join("lake"))?;
    }
    let database = match Database::start(&folder, &settings, stop.token()).await {
        Err(error) if was_broken_off(&error) => return Ok(()),
        other => other?,
    };
    let plan = Plan {
        which: Which::ALL,
        settings,
        stop,
        listener,
        folder: Some(folder),
        demo: play::Plan::of(&args),
        json: args.common.json,
    };
    run(plan, database).await
}

/// Whether the operator stopped the start, which is no failure.
fn was_broken_off(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(ClusterError::Cancelled))
}

/// `sillage lrs`, `analytics`, `recommender`.
pub(crate) async fn one(args: ServiceArgs, which: Which) -> anyhow::Result<()> {
    let settings = args.place.settings(&args.common)?;
    telemetry::init(&settings.section("log")?);
    let stop = Stop::on_signals().context("could not listen to signals")?;
    let listener = http::bind(&settings.listen())?;
    let database = Database::running(&settings).await?;
    let plan = Plan {
        which,
        settings,
        stop,
        listener,
        folder: None,
        demo: None,
        json: args.common.json,
    };
    run(plan, database).await
}

/// What is to run.
struct Plan {
    which: Which,
    settings: Settings,
    stop: Stop,
    listener: TcpListener,
    /// The data folder, where the administrator's credential is kept.
    folder: Option<Arc<DataFolder>>,
    demo: Option<play::Plan>,
    json: bool,
}

/// What runs.
struct Running {
    server: Server,
    open: Open,
    background: Background,
    shutdown: CancellationToken,
    drain: Duration,
}

async fn run(plan: Plan, mut database: Database) -> anyhow::Result<()> {
    let served = serve(plan, &mut database).await;
    let stopped = database.stop().await;
    served.and(stopped)
}

async fn serve(plan: Plan, database: &mut Database) -> anyhow::Result<()> {
    let http: HttpSettings = plan.settings.section("http")?;
    http.check()?;
    let cache = Duration::from_millis(http.credential_cache_ms);
    let mut context = Context::open(database.pool().clone(), cache).await?;
    let issuer = Issuer::new(plan.settings.section("oidc")?)
        .map_err(|error| Failure::new(Code::Settings, error.to_string()))?;
    context.credentials = context.credentials.accepting(issuer);
    let endpoint = http::endpoint(&plan.listener, !http.tls_certificate.is_empty())?;
    // The folder stays locked until the end, with a cluster in it or not.
    let (fresh, demo) = match &plan.folder {
        Some(folder) => prepare(&context, folder.path(), plan.demo, &endpoint).await?,
        None => (None, None),
    };
    let services = Services::new(plan.which, &context, &plan.settings)?;
    services.prepare().await?;
    let channel = database.channel().clone();
    let mut running = Running::start(context, services, plan.listener, &http, channel)?;
    let ready = Ready {
        endpoint: &endpoint,
        data: &plan.settings.data(),
        cluster: database.cluster_folder(),
        fresh: fresh.as_ref(),
    };
    let ended = match ready.announce(plan.json) {
        Ok(()) => until_the_end(&mut running, database, &plan.stop, demo).await,
        Err(error) => Err(anyhow::Error::from(error).context("could not write to standard output")),
    };
    running.stop(&plan.stop).await;
    ended
}

/// The administrator's credential if it is new, and the demo if there is to be one.
async fn prepare(
    context: &Context,
    data: &Path,
    plan: Option<play::Plan>,
    endpoint: &str,
) -> anyhow::Result<(Option<Admin>, Option<Demo>)> {
    let fresh = admin::first(&context.pool, data).await?;
    let Some(plan) = plan else {
        return Ok((fresh, None));
    };
    let demo = Demo {
        plan,
        endpoint: endpoint.to_owned(),
        data: data.to_owned(),
        admin: admin::for_the_demo(context, data).await?,
    };
    Ok((fresh, Some(demo)))
}

/// Waits for whatever ends it first: the operator, the demo with `--once`, or something that should
/// not end.
async fn until_the_end(
    running: &mut Running,
    database: &mut Database,
    stop: &Stop,
    demo: Option<Demo>,
) -> anyhow::Result<()> {
    tokio::select! {
        () = stop.asked() => Ok(()),
        played = play::play(demo) => played,
        ended = running.background.ended() => Err(background_end(ended)),
        ended = running.server.ended() => Err(server_end(ended)),
        status = database.ended() => Err(postgres_end(status)),
    }
}

fn server_end(ended: std::io::Result<()>) -> anyhow::Error {
    let message = "the HTTP server stopped";
    match ended {
        Ok(()) => anyhow::anyhow!(message),
        Err(error) => anyhow::Error::from(error).context(message),
    }
}

fn background_end(
    ended: Option<Result<anyhow::Result<()>, tokio::task::JoinError>>,
) -> anyhow::Error {
    match ended {
        Some(Ok(Err(error))) => error,
        Some(Err(error)) => anyhow::Error::from(error).context("a service broke off"),
        Some(Ok(Ok(()))) | None => anyhow::anyhow!("a service stopped without being asked to"),
    }
}

fn postgres_end(status: ExitStatus) -> anyhow::Error {
    let message = format!("PostgreSQL ended ({status}); postgres.log in the data folder says why");
    Failure::new(Code::PostgreSql, message).into()
}

impl Running {
    /// Starts what the services do besides answering, then answers.
    fn start(
        context: Context,
        services: Services,
        listener: TcpListener,
        http: &HttpSettings,
        channel: Channel,
    ) -> anyhow::Result<Self> {
        let shutdown = CancellationToken::new();
        let mut background = services
            .start(&shutdown)
            .context("could not start the threads of the services")?;
        let hearing = watch(context.credentials.clone(), channel, shutdown.clone());
        background.spawn(async {
            hearing.await;
            Ok(())
        });
        let open = Open::default();
        let site = Site {
            context,
            services,
            open: open.clone(),
        };
        let server = Server::start(site, listener, http)?;
        open.set(true);
        Ok(Self {
            server,
            open,
            background,
            shutdown,
            drain: Duration::from_secs(http.drain_s),
        })
    }

    /// Drains the requests, then has the services store and ship what waits.
    async fn stop(mut self, stop: &Stop) {
        tracing::info!("stopping");
        self.open.set(false);
        tokio::select! {
            () = self.server.stop(true) => {}
            // The server counts its own time; this is for one that does not come to its end.
            () = tokio::time::sleep(self.drain + Duration::from_secs(5)) => {}
            () = stop.asked_again() => self.server.stop(false).await,
        }
        self.shutdown.cancel();
        let flushed = async {
            while let Some(ended) = self.background.ended().await {
                if let Err(error) = ended.map_err(anyhow::Error::from).and_then(|result| result) {
                    tracing::error!(error = %format!("{error:#}"), "a service did not end well");
                }
            }
        };
        tokio::select! {
            () = flushed => {}
            () = tokio::time::sleep(FLUSH_WITHIN) => {
                tracing::warn!("not everything was shipped in time; the next start goes on with it");
            }
            () = stop.asked_again() => {}
        }
    }
}

/// Makes a folder that only its owner enters; fine when it is there already.
fn make_private(folder: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .with_context(|| format!("{} is not writable", folder.display()))
}

//! `sillage worker`: folds parts of recomputations for an analytics service on another machine.
//!
//! It needs the lake and the token, and neither a database nor a data folder of its own.

use analytics::config::AnalyticsConfig;
use analytics::jobs::recompute::cluster::{Worker, WorkerError};
use anyhow::Context as _;
use service::telemetry;

use crate::cli::WorkerArgs;
use crate::exit::{Code, Failure};
use crate::output;
use crate::stop::Stop;

/// Runs the command.
pub(crate) async fn run(args: WorkerArgs) -> anyhow::Result<()> {
    let settings = args.settings()?;
    telemetry::init(&settings.section("log")?);
    let stop = Stop::on_signals().context("could not listen to signals")?;
    let config = AnalyticsConfig::load(&settings)?;
    let worker = Worker::listen(&config, &args.listen).await;
    let worker = worker.map_err(|error| match error {
        WorkerError::Token(error) => Failure::new(Code::Settings, error.to_string()).into(),
        WorkerError::Listen(..) => Failure::because(Code::Address, error.to_string(), error).into(),
        other => anyhow::Error::from(other),
    })?;
    let address = worker.address();
    if args.common.json {
        output::json(&serde_json::json!({ "status": "ready", "listen": address.to_string() }))?;
    } else {
        output::lines(&format!("A worker listens on {address}"))?;
    }
    worker.serve(stop.token().clone()).await;
    Ok(())
}

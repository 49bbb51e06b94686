//! `sillage analytics mastery --as-of`: everybody's mastery as it was at a time, into the lake.

use std::sync::Arc;
use std::time::Duration;

use analytics::{Analytics, AnalyticsConfig};
use service::{Context, telemetry};

use crate::cli::MasteryArgs;
use crate::database::Database;
use crate::output;

/// Runs the command.
pub(crate) async fn run(args: MasteryArgs) -> anyhow::Result<()> {
    let settings = args.installation.settings()?;
    telemetry::init(&settings.section("log")?);
    let config = AnalyticsConfig::load(&settings)?;
    let database = Database::for_a_moment(&settings).await?;
    let computed = async {
        let context = Context::open(database.pool().clone(), Duration::ZERO).await?;
        let analytics = Arc::new(Analytics::new(context, config));
        anyhow::Ok(analytics.mastery_as_of(args.as_of).await?)
    };
    let computed = computed.await;
    database.stop().await?;
    let report = computed?;
    if args.installation.common.json {
        return Ok(output::json(&report)?);
    }
    output::lines(&format!(
        "run {}: mastery as of {}, {} answers of {} pupils, {} rows in mastery_as_of, {:.1} s",
        report.run,
        report.as_of.to_rfc3339(),
        report.answers,
        report.pupils,
        report.mastery_rows,
        report.duration_s,
    ))?;
    Ok(())
}

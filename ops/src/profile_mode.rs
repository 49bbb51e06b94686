//! `sillage credential profile-mode` and `profile-warnings`: the profile at the door.

use comfy_table::{Table, presets};
use lrs::store::profile_warnings;
use service::identity::ProfileMode;
use service::store::credentials::{self, Change};
use service::telemetry;

use crate::cli::{ListArgs, ProfileModeArgs};
use crate::database::Database;
use crate::exit::{Code, Failure};
use crate::output;

/// `sillage credential profile-warnings`.
pub(crate) async fn warnings(args: ListArgs) -> anyhow::Result<()> {
    let settings = args.installation.settings()?;
    telemetry::init(&settings.section("log")?);
    let database = Database::for_a_moment(&settings).await?;
    let listed = profile_warnings::list(database.pool()).await;
    database.stop().await?;
    let listed = listed?;
    if args.installation.common.json {
        output::json(&listed)?;
        return Ok(());
    }
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    table.set_header([
        "credential",
        "rule",
        "template",
        "location",
        "statements",
        "last",
    ]);
    for one in listed {
        table.add_row([
            one.credential,
            one.rule,
            one.template,
            one.location,
            one.statements.to_string(),
            one.last.format("%Y-%m-%d %H:%M").to_string(),
        ]);
    }
    output::lines(&table.to_string())?;
    Ok(())
}

/// `sillage credential profile-mode`.
pub(crate) async fn set(args: ProfileModeArgs) -> anyhow::Result<()> {
    let settings = args.installation.settings()?;
    telemetry::init(&settings.section("log")?);
    let database = Database::for_a_moment(&settings).await?;
    let change = Change {
        profile_mode: Some(args.mode.0),
        ..Change::default()
    };
    let set = credentials::change(database.pool(), &args.key, change).await;
    database.stop().await?;
    if !set? {
        let message = format!("there is no credential {} that passes", args.key);
        return Err(Failure::new(Code::Failed, message).into());
    }
    let mode = args.mode.0.map_or("default", ProfileMode::as_str);
    if args.installation.common.json {
        output::json(&serde_json::json!({ "key": args.key, "profile_mode": mode }))?;
    } else {
        output::lines(&format!("statements of {} are checked: {mode}", args.key))?;
    }
    Ok(())
}

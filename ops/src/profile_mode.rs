//! `sillage credential profile-mode`: the profile at the door.

use service::identity::ProfileMode;
use service::store::credentials;
use service::telemetry;

use crate::cli::ProfileModeArgs;
use crate::database::Database;
use crate::exit::{Code, Failure};
use crate::output;

/// Runs the command.
pub(crate) async fn set(args: ProfileModeArgs) -> anyhow::Result<()> {
    let settings = args.installation.settings()?;
    telemetry::init(&settings.section("log")?);
    let database = Database::for_a_moment(&settings).await?;
    let set = credentials::set_profile_mode(database.pool(), &args.key, args.mode.0).await;
    database.stop().await?;
    if !set? {
        let message = format!("there is no credential {} that is not revoked", args.key);
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

//! `sillage credential`: who may call.

use comfy_table::{Table, presets};
use serde::Serialize;
use service::identity::NewCredential;
use service::store::credentials;
use service::telemetry;

use crate::cli::{CreateArgs, Installation, ListArgs, RevokeArgs};
use crate::database::Database;
use crate::exit::{Code, Failure};
use crate::output;

/// What `credential create --json` prints.
#[derive(Serialize)]
struct Created<'a> {
    key: &'a str,
    secret: &'a str,
    scopes: Vec<&'static str>,
}

/// `sillage credential create`.
pub(crate) async fn create(args: CreateArgs) -> anyhow::Result<()> {
    let database = open(&args.installation).await?;
    let new = NewCredential::random();
    let stored = credentials::insert(database.pool(), &new, &args.scopes, &args.label).await;
    database.stop().await?;
    stored?;
    let created = Created {
        key: &new.key,
        secret: new.reveal_secret(),
        scopes: args.scopes.iter().map(|scope| scope.as_str()).collect(),
    };
    if args.installation.common.json {
        output::json(&created)?;
        return Ok(());
    }
    output::lines(&format!(
        "key     {}\nsecret  {}\nscope   {}\nThe secret is shown this once: only its hash is kept.",
        created.key,
        created.secret,
        created.scopes.join(", ")
    ))?;
    Ok(())
}

/// `sillage credential list`.
pub(crate) async fn list(args: ListArgs) -> anyhow::Result<()> {
    let database = open(&args.installation).await?;
    let listed = credentials::list(database.pool()).await;
    database.stop().await?;
    let listed = listed?;
    if args.installation.common.json {
        output::json(&listed)?;
        return Ok(());
    }
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    table.set_header(["key", "scope", "label", "created", "revoked"]);
    let day = |time: chrono::DateTime<chrono::Utc>| time.format("%Y-%m-%d %H:%M").to_string();
    for one in listed {
        let revoked = one.revoked.map(day).unwrap_or_default();
        table.add_row([
            one.key,
            one.scopes.join(", "),
            one.label,
            day(one.created),
            revoked,
        ]);
    }
    output::lines(&table.to_string())?;
    Ok(())
}

/// `sillage credential revoke`.
pub(crate) async fn revoke(args: RevokeArgs) -> anyhow::Result<()> {
    let database = open(&args.installation).await?;
    let revoked = credentials::revoke(database.pool(), &args.key).await;
    database.stop().await?;
    if !revoked? {
        let message = format!("there is no credential {} to revoke", args.key);
        return Err(Failure::new(Code::Failed, message).into());
    }
    if args.installation.common.json {
        output::json(&serde_json::json!({ "key": args.key, "revoked": true }))?;
    } else {
        output::lines(&format!("{} is revoked", args.key))?;
    }
    Ok(())
}

async fn open(installation: &Installation) -> anyhow::Result<Database> {
    let settings = installation.settings()?;
    telemetry::init(&settings.section("log")?);
    Database::for_a_moment(&settings).await
}

//! `sillage credential`: who may call.

use std::time::Duration;

use chrono::{DateTime, Utc};
use comfy_table::{Table, presets};
use serde::Serialize;
use service::identity::{Binding, Grant, NewCredential, Scope, fault_of_end};
use service::store::credentials::{self, Change};
use service::{clock, telemetry};

use crate::cli::{CreateArgs, ExpireArgs, Installation, ListArgs, RevokeArgs, RotateArgs};
use crate::database::Database;
use crate::exit::{Code, Failure};
use crate::output;

/// What `credential create --json` prints.
#[derive(Serialize)]
struct Created<'a> {
    key: &'a str,
    secret: &'a str,
    scopes: Vec<&'static str>,
    expires: Option<DateTime<Utc>>,
}

/// What `credential rotate --json` prints.
#[derive(Serialize)]
struct Renewed<'a> {
    key: &'a str,
    secret: &'a str,
    former_until: Option<DateTime<Utc>>,
}

/// `sillage credential create`.
pub(crate) async fn create(args: CreateArgs) -> anyhow::Result<()> {
    let grant = Grant {
        scopes: Scope::distinct(args.scopes),
        label: args.label,
        expires: args.expires,
        binding: Binding {
            school: args.school,
            activity_prefix: args.activity_prefix,
        },
        profile_mode: args.profile_mode,
    };
    let faults = grant.faults(clock::now());
    if !faults.is_empty() {
        let lines: Vec<String> = faults.into_iter().map(|(.., detail)| detail).collect();
        return Err(Failure::new(Code::Failed, lines.join("\n")).into());
    }
    let database = open(&args.installation).await?;
    let new = NewCredential::random();
    let stored = credentials::insert(database.pool(), &new, &grant).await;
    database.stop().await?;
    stored?;
    let created = Created {
        key: &new.key,
        secret: new.reveal_secret(),
        scopes: grant.scopes.iter().map(|scope| scope.as_str()).collect(),
        expires: grant.expires,
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
    table.set_header([
        "key", "scope", "label", "bound to", "profile", "created", "expires", "revoked",
    ]);
    let day = |time: DateTime<Utc>| time.format("%Y-%m-%d %H:%M").to_string();
    for one in listed {
        let bound: Vec<String> = one.school.into_iter().chain(one.activity_prefix).collect();
        table.add_row([
            one.key,
            one.scopes.join(", "),
            one.label,
            bound.join(", "),
            one.profile_mode.unwrap_or_else(|| "default".to_owned()),
            day(one.created),
            one.expires.map(day).unwrap_or_default(),
            one.revoked.map(day).unwrap_or_default(),
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

/// `sillage credential expire`.
pub(crate) async fn expire(args: ExpireArgs) -> anyhow::Result<()> {
    let end = args.at.0;
    if let Some((.., words)) = end.and_then(|end| fault_of_end(end, clock::now())) {
        let message = format!("{words}: to end it now, revoke it");
        return Err(Failure::new(Code::Failed, message).into());
    }
    let database = open(&args.installation).await?;
    let change = Change {
        expires: Some(end),
        ..Change::default()
    };
    let changed = credentials::change(database.pool(), &args.key, change).await;
    database.stop().await?;
    if !changed? {
        let message = format!("there is no credential {} that passes", args.key);
        return Err(Failure::new(Code::Failed, message).into());
    }
    if args.installation.common.json {
        output::json(&serde_json::json!({ "key": args.key, "expires": end }))?;
    } else {
        let until = end.map_or_else(
            || "without end".to_owned(),
            |end| format!("until {}", end.to_rfc3339()),
        );
        output::lines(&format!("{} passes {until}", args.key))?;
    }
    Ok(())
}

/// `sillage credential rotate`.
pub(crate) async fn rotate(args: RotateArgs) -> anyhow::Result<()> {
    let database = open(&args.installation).await?;
    let new = NewCredential::with_key(args.key);
    let former = Duration::from_secs(args.former_passes_s);
    let rotated = credentials::rotate(database.pool(), &new, former).await;
    database.stop().await?;
    let Some(rotated) = rotated? else {
        let message = format!("there is no credential {} to rotate", new.key);
        return Err(Failure::new(Code::Failed, message).into());
    };
    let renewed = Renewed {
        key: &new.key,
        secret: new.reveal_secret(),
        former_until: rotated.former_until,
    };
    if args.installation.common.json {
        output::json(&renewed)?;
        return Ok(());
    }
    let former = match renewed.former_until {
        Some(until) => format!("passes until {}", until.to_rfc3339()),
        None => "passes no more".to_owned(),
    };
    output::lines(&format!(
        "key     {}\nsecret  {}\nThe secret is shown this once: only its hash is kept. The former one {former}.",
        renewed.key, renewed.secret
    ))?;
    Ok(())
}

async fn open(installation: &Installation) -> anyhow::Result<Database> {
    let settings = installation.settings()?;
    telemetry::init(&settings.section("log")?);
    Database::for_a_moment(&settings).await
}

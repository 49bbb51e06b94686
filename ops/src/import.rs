//! `sillage roster|catalogue|framework import`: a file for a running service, through the same
//! resources that the demo uses.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use serde_json::Value;

use crate::cli::ImportArgs;
use crate::client::{Body, Client, Credential};
use crate::output;

/// How long a service that is just starting is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a file replaces.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Resource {
    Roster,
    Catalogue,
    Framework,
}

impl Resource {
    fn path(self) -> &'static str {
        match self {
            Self::Roster => "/api/v1/roster",
            Self::Catalogue => "/api/v1/catalogue",
            Self::Framework => "/api/v1/framework",
        }
    }

    fn body(self, bytes: Vec<u8>) -> Body {
        match self {
            Self::Roster => Body::zip(bytes),
            Self::Catalogue | Self::Framework => Body::json_bytes(bytes),
        }
    }
}

/// Runs the command.
pub(crate) async fn run(args: ImportArgs, resource: Resource) -> anyhow::Result<()> {
    let client = Client::new(&args.service.endpoint, Credential::from_env()?, PATIENCE)?;
    let bytes = read(&args.file).await?;
    let answer = client.put(resource.path(), resource.body(bytes)).await?;
    if args.json {
        output::json(&answer)?;
    } else {
        output::lines(&summary(&args.file, &answer))?;
    }
    Ok(())
}

async fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    tokio::fs::read(file)
        .await
        .with_context(|| format!("{} is not readable", file.display()))
}

/// What the service answered, a line for each thing it told.
fn summary(file: &Path, answer: &Value) -> String {
    let told: String = answer
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, value)| match value {
            Value::String(text) => format!("\n  {name}: {text}"),
            other => format!("\n  {name}: {other}"),
        })
        .collect();
    format!("{} is loaded{told}", file.display())
}

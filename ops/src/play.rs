//! The demo of `sillage up --demo`: a process of its own, which knows the address and a credential,
//! and nothing else of the service.

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::Context as _;
use tokio::process::{Child, Command};

use crate::admin::Admin;
use crate::cli::UpArgs;
use crate::exit::{Code, Failure};

/// The arguments of the demo.
pub(crate) struct Plan {
    once: bool,
    arguments: Vec<OsString>,
}

impl Plan {
    /// The demo that the command line asks for, if it does.
    pub(crate) fn of(args: &UpArgs) -> Option<Self> {
        let mut arguments = Vec::new();
        let mut add = |name: &str, value: OsString| arguments.extend([name.into(), value]);
        if let Some(as_of) = &args.as_of {
            add("--as-of", as_of.into());
        }
        if let Some(seed) = args.seed {
            add("--seed", seed.to_string().into());
        }
        if let Some(answers) = &args.answers {
            add("--answers", answers.into());
            // The demo then counts the lake, too.
            add("--data", OsString::new());
        }
        if args.common.json {
            arguments.push("--json".into());
        }
        args.demo.then_some(Self {
            once: args.once,
            arguments,
        })
    }
}

/// The demo, ready to be played.
pub(crate) struct Demo {
    pub(crate) plan: Plan,
    pub(crate) endpoint: String,
    pub(crate) data: PathBuf,
    pub(crate) admin: Admin,
}

/// Plays the demo, if there is one. Ends with `--once` alone: the service is left running otherwise.
pub(crate) async fn play(demo: Option<Demo>) -> anyhow::Result<()> {
    let Some(demo) = demo else {
        return std::future::pending().await;
    };
    let ended = demo.run().await;
    if demo.plan.once {
        return ended;
    }
    match ended {
        Ok(()) => tracing::info!("the service goes on; Ctrl-C stops it"),
        Err(error) => tracing::error!(error = %format!("{error:#}"), "the service goes on"),
    }
    std::future::pending().await
}

impl Demo {
    async fn run(&self) -> anyhow::Result<()> {
        let mut child = self.start().context("could not start the demo")?;
        let status = child.wait().await.context("could not wait for the demo")?;
        if status.success() {
            return Ok(());
        }
        Err(Failure::new(Code::Failed, format!("the demo ended early ({status})")).into())
    }

    fn start(&self) -> anyhow::Result<Child> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("demo").args(["--endpoint", &self.endpoint]);
        for argument in &self.plan.arguments {
            match argument.is_empty() {
                true => command.arg(&self.data),
                false => command.arg(argument),
            };
        }
        command
            .env("SILLAGE_KEY", &self.admin.key)
            .env("SILLAGE_SECRET", &self.admin.secret)
            .env_remove("DATABASE_URL")
            .kill_on_drop(true);
        Ok(command.spawn()?)
    }
}

#![doc = include_str!("../README.md")]

mod admin;
mod announce;
mod cli;
mod client;
mod config;
mod credential;
mod database;
mod demo;
mod exit;
mod fit;
mod http;
mod import;
mod lake_check;
mod loadtest;
mod mastery_as_of;
mod model_check;
mod output;
mod play;
mod profile_mode;
mod services;
mod sql;
mod stop;
mod up;
mod validate;
#[cfg(feature = "cluster")]
mod worker;

use std::process::ExitCode;

use clap::Parser as _;

use cli::{
    AnalyticsArgs, AnalyticsCommand, CatalogueCommand, Cli, Command, CredentialCommand, FitCommand,
    FrameworkCommand, LakeCommand, RosterCommand,
};
use import::Resource;
use services::Which;

/// Not glibc's: it kept three quarters of what the lake's commits took for a moment, for good
/// (docs/decisions/0025).
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// What it is told: few arenas, and what was not used for a second goes back to the system. jemalloc reads
/// it from a symbol of this name, which is a pointer to text that ends with a zero.
#[expect(
    unsafe_code,
    reason = "the name is jemalloc's own, which leaves it to its user"
)]
#[unsafe(export_name = "malloc_conf")]
#[used]
static ALLOCATOR_SETTINGS: &[u8; 47] = b"narenas:4,dirty_decay_ms:1000,muzzy_decay_ms:0\0";

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let json = wants_json(&cli.command);
    match Box::pin(run(cli.command)).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let code = exit::code(&error);
            output::error(&error, code as u8, json);
            code.into()
        }
    }
}

async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Up(args) => up::up(args).await,
        Command::Lrs(args) => up::one(args, Which::LRS).await,
        Command::Analytics(args) => analytics(args).await,
        Command::Recommender(args) => up::one(args, Which::RECOMMENDER).await,
        #[cfg(feature = "cluster")]
        Command::Worker(args) => worker::run(args).await,
        Command::Credential(CredentialCommand::Create(args)) => credential::create(args).await,
        Command::Credential(CredentialCommand::List(args)) => credential::list(args).await,
        Command::Credential(CredentialCommand::Revoke(args)) => credential::revoke(args).await,
        Command::Credential(CredentialCommand::Rotate(args)) => credential::rotate(args).await,
        Command::Credential(CredentialCommand::Expire(args)) => credential::expire(args).await,
        Command::Credential(CredentialCommand::ProfileMode(args)) => profile_mode::set(args).await,
        Command::Credential(CredentialCommand::ProfileWarnings(args)) => {
            profile_mode::warnings(args).await
        }
        Command::Roster(RosterCommand::Import(args)) => import::run(args, Resource::Roster).await,
        Command::Catalogue(CatalogueCommand::Import(args)) => {
            import::run(args, Resource::Catalogue).await
        }
        Command::Framework(FrameworkCommand::Import(args)) => {
            import::run(args, Resource::Framework).await
        }
        Command::Demo(args) => demo::run(args).await,
        Command::Loadtest(args) => loadtest::run(args).await,
        Command::Validate(args) => validate::run(&args),
        Command::Lake(LakeCommand::Verify(args)) => lake_check::verify(args).await,
        Command::Lake(LakeCommand::Rebuild(args)) => lake_check::rebuild(args).await,
        Command::Sql(args) => sql::run(args).await,
        Command::Config(args) => config::run(&args),
    }
}

/// The service, or what is done to its model.
async fn analytics(args: AnalyticsArgs) -> anyhow::Result<()> {
    match args.command {
        None => up::one(args.service, Which::ANALYTICS).await,
        Some(AnalyticsCommand::Fit(args)) => fit::run(args).await,
        Some(AnalyticsCommand::Accept(args)) => fit::accept(args).await,
        Some(AnalyticsCommand::Refuse(args)) => fit::refuse(args).await,
        Some(AnalyticsCommand::Rollback(args)) => fit::roll_back(args).await,
        Some(AnalyticsCommand::Check(args)) => model_check::run(args).await,
        Some(AnalyticsCommand::Mastery(args)) => mastery_as_of::run(args).await,
    }
}

/// Whether an error of `sillage analytics` is told as JSON, too.
fn analytics_wants_json(args: &AnalyticsArgs) -> bool {
    let installation = match &args.command {
        None => return args.service.common.json,
        Some(AnalyticsCommand::Fit(args)) => match &args.command {
            None => &args.installation,
            Some(FitCommand::List(args)) => &args.installation,
            Some(FitCommand::Show(args)) => &args.installation,
        },
        Some(AnalyticsCommand::Accept(args) | AnalyticsCommand::Refuse(args)) => &args.installation,
        Some(AnalyticsCommand::Rollback(args)) => &args.installation,
        Some(AnalyticsCommand::Check(args)) => &args.installation,
        Some(AnalyticsCommand::Mastery(args)) => &args.installation,
    };
    installation.common.json
}

/// Whether an error is told as JSON, too.
fn wants_json(command: &Command) -> bool {
    match command {
        Command::Up(args) => args.common.json,
        Command::Lrs(args) | Command::Recommender(args) => args.common.json,
        #[cfg(feature = "cluster")]
        Command::Worker(args) => args.common.json,
        Command::Analytics(args) => analytics_wants_json(args),
        Command::Credential(command) => {
            let installation = match command {
                CredentialCommand::Create(args) => &args.installation,
                CredentialCommand::List(args) => &args.installation,
                CredentialCommand::Revoke(args) => &args.installation,
                CredentialCommand::Rotate(args) => &args.installation,
                CredentialCommand::Expire(args) => &args.installation,
                CredentialCommand::ProfileMode(args) => &args.installation,
                CredentialCommand::ProfileWarnings(args) => &args.installation,
            };
            installation.common.json
        }
        Command::Roster(RosterCommand::Import(args))
        | Command::Catalogue(CatalogueCommand::Import(args))
        | Command::Framework(FrameworkCommand::Import(args)) => args.json,
        Command::Demo(args) => args.json,
        Command::Loadtest(args) => args.json,
        Command::Validate(args) => args.json,
        Command::Lake(LakeCommand::Verify(args) | LakeCommand::Rebuild(args)) => {
            args.installation.common.json
        }
        Command::Sql(args) => args.installation.common.json,
        Command::Config(args) => args.common.json,
    }
}

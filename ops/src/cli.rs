//! The command line.

use std::path::PathBuf;

use chrono::{DateTime, NaiveDate, Utc};
use clap::{Args, Parser, Subcommand, ValueEnum};
use schemas::tables::{Table, accounts, answers, catalogue, roster, statements, usage};
use schemas::xapi::XapiVersion;
use service::config::{ConfigError, Settings};
use service::identity::{ActivityPrefix, ProfileMode, School, Scope};

use crate::demo::DemoArgs;
use crate::exit;
use crate::loadtest::LoadtestArgs;

/// An xAPI Learning Record Store with analytics and recommendations.
#[derive(Debug, Parser)]
#[command(name = "sillage", version, after_help = exit::HELP, propagate_version = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Runs everything on this machine: PostgreSQL, the lake, all services
    #[command(after_help = exit::HELP)]
    Up(UpArgs),
    /// Runs the Learning Record Store alone
    #[command(after_help = exit::HELP)]
    Lrs(ServiceArgs),
    /// Runs analytics alone; with a further word: fits the model, and says which fit is in force
    #[command(after_help = exit::HELP, args_conflicts_with_subcommands = true)]
    Analytics(AnalyticsArgs),
    /// Runs the recommender alone
    #[command(after_help = exit::HELP)]
    Recommender(ServiceArgs),
    /// Folds parts of recomputations for an analytics service that names it in analytics.workers
    #[cfg(feature = "cluster")]
    #[command(after_help = exit::HELP)]
    Worker(WorkerArgs),
    /// Makes, lists, rotates, ends and revokes the credentials of applications
    #[command(subcommand)]
    Credential(CredentialCommand),
    /// Loads a roster
    #[command(subcommand)]
    Roster(RosterCommand),
    /// Loads a catalogue of activities
    #[command(subcommand)]
    Catalogue(CatalogueCommand),
    /// Loads a framework of competencies
    #[command(subcommand)]
    Framework(FrameworkCommand),
    /// Plays two weeks at an invented lycée, or replays a file of answers, to a running Sillage
    #[command(after_help = exit::HELP)]
    Demo(DemoArgs),
    /// Puts a running Sillage under the load of a Monday morning and checks that nothing is lost
    #[command(after_help = exit::HELP)]
    Loadtest(LoadtestArgs),
    /// Checks statements without a server: whether xAPI accepts them and whether they follow the profile
    // Here --version names the version of xAPI.
    #[command(after_help = exit::HELP, disable_version_flag = true)]
    Validate(ValidateArgs),
    /// Compares the lake with the database, or makes it anew
    #[command(subcommand)]
    Lake(LakeCommand),
    /// Answers a question in SQL over the tables of the lake, and changes nothing
    #[command(after_help = exit::HELP)]
    Sql(SqlArgs),
    /// Shows every setting with its source
    #[command(after_help = exit::HELP)]
    Config(ConfigArgs),
}

/// What most commands take.
#[derive(Args, Debug)]
pub(crate) struct Common {
    /// File of settings (TOML), over the defaults and under the environment
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// JSON on standard output and standard error, for programs
    #[arg(long)]
    pub(crate) json: bool,
}

/// Where the service keeps what it keeps, and where it listens.
#[derive(Args, Debug)]
pub(crate) struct Place {
    /// Folder of everything kept on this machine [default: ./var] [env: `SILLAGE_DATA`]
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<String>,
    /// Address and port of the HTTP server [default: 127.0.0.1:8080] [env: `SILLAGE_LISTEN`]
    #[arg(long, value_name = "ADDR:PORT")]
    pub(crate) listen: Option<String>,
}

/// `sillage up`.
#[derive(Args, Debug)]
pub(crate) struct UpArgs {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(flatten)]
    pub(crate) place: Place,
    /// Plays the demo once the service is ready, and leaves the service running
    #[arg(long)]
    pub(crate) demo: bool,
    /// With --demo: stops when the demo is over
    #[arg(long, requires = "demo")]
    pub(crate) once: bool,
    /// With --demo: end of the two weeks
    #[arg(long, value_name = "RFC3339", requires = "demo")]
    pub(crate) as_of: Option<String>,
    /// With --demo: what the pupils and their answers are drawn from
    #[arg(long, value_name = "N", requires = "demo")]
    pub(crate) seed: Option<u64>,
    /// With --demo: replay this file of answers
    #[arg(long, value_name = "FILE", requires = "demo")]
    pub(crate) answers: Option<PathBuf>,
}

/// One service.
#[derive(Args, Debug)]
pub(crate) struct ServiceArgs {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(flatten)]
    pub(crate) place: Place,
}

/// `sillage worker`.
#[cfg(feature = "cluster")]
#[derive(Args, Debug)]
pub(crate) struct WorkerArgs {
    #[command(flatten)]
    pub(crate) common: Common,
    /// Folder that the lake lies in, unless `lake.url` names another place [default: ./var] [env: `SILLAGE_DATA`]
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<String>,
    /// Address and port; port 0: any
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:8090")]
    pub(crate) listen: String,
}

/// `sillage analytics`: the service alone, unless something else is asked for.
#[derive(Args, Debug)]
pub(crate) struct AnalyticsArgs {
    #[command(flatten)]
    pub(crate) service: ServiceArgs,
    #[command(subcommand)]
    pub(crate) command: Option<AnalyticsCommand>,
}

/// What is done to the model of mastery.
#[derive(Debug, Subcommand)]
pub(crate) enum AnalyticsCommand {
    /// Fits items and constants to the answers of the lake, by subject, and proposes what came out
    #[command(after_help = exit::HELP, args_conflicts_with_subcommands = true)]
    Fit(FitArgs),
    /// Puts a proposed version in force
    #[command(after_help = exit::HELP)]
    Accept(DecisionArgs),
    /// Refuses a proposed version
    #[command(after_help = exit::HELP)]
    Refuse(DecisionArgs),
    /// Takes the version in force back: the one before is in force again
    #[command(after_help = exit::HELP)]
    Rollback(RollbackArgs),
    /// Says whether predictions come true, by slices, and whether items stay as hard as they were
    #[command(after_help = exit::HELP)]
    Check(CheckArgs),
    /// Computes everybody's mastery as it was at a time, into the lake's table `mastery_as_of`
    #[command(after_help = exit::HELP)]
    Mastery(MasteryArgs),
}

/// `sillage analytics mastery`.
#[derive(Args, Debug)]
pub(crate) struct MasteryArgs {
    #[command(flatten)]
    pub(crate) installation: Installation,
    /// The time: answers given later are left out
    #[arg(long, value_name = "RFC3339")]
    pub(crate) as_of: DateTime<Utc>,
}

/// `sillage analytics check`.
#[derive(Args, Debug)]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    pub(crate) installation: Installation,
    /// The last day of answers that is looked at, in UTC [default: yesterday]
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub(crate) day: Option<NaiveDate>,
    /// A folder for reliability plots (SVG), one a subject and window
    #[arg(long, value_name = "FOLDER")]
    pub(crate) plots: Option<PathBuf>,
}

/// `sillage analytics fit`.
#[derive(Args, Debug)]
pub(crate) struct FitArgs {
    #[command(flatten)]
    pub(crate) installation: Installation,
    /// Which subjects, as the framework names them [default: all that have answers]
    #[arg(long = "subject", value_name = "NAME", value_delimiter = ',')]
    pub(crate) subjects: Vec<String>,
    /// Begins anew, in place of going on with a fit that was stopped
    #[arg(long)]
    pub(crate) anew: bool,
    /// Answers read at most, all in memory; beyond, a sample of the pupils
    #[arg(long, value_name = "N", default_value_t = 5_000_000,
        value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) answers_max: u64,
    #[command(subcommand)]
    pub(crate) command: Option<FitCommand>,
}

/// What is asked of the fits that were made.
#[derive(Debug, Subcommand)]
pub(crate) enum FitCommand {
    /// Lists the versions, newest first
    #[command(after_help = exit::HELP)]
    List(ListArgs),
    /// Shows what a version found
    #[command(after_help = exit::HELP)]
    Show(FitShowArgs),
}

/// `sillage analytics fit show`.
#[derive(Args, Debug)]
pub(crate) struct FitShowArgs {
    #[command(flatten)]
    pub(crate) installation: Installation,
    /// Its number
    pub(crate) version: i64,
}

/// `sillage analytics accept`, `sillage analytics refuse`.
#[derive(Args, Debug)]
pub(crate) struct DecisionArgs {
    #[command(flatten)]
    pub(crate) installation: Installation,
    /// Its number
    pub(crate) version: i64,
}

/// `sillage analytics rollback`.
#[derive(Args, Debug)]
pub(crate) struct RollbackArgs {
    #[command(flatten)]
    pub(crate) installation: Installation,
    /// Of which subject; needed where several have a version in force
    #[arg(long, value_name = "NAME")]
    pub(crate) subject: Option<String>,
}

/// `sillage credential`.
#[derive(Debug, Subcommand)]
pub(crate) enum CredentialCommand {
    /// Makes a credential and shows its secret, this once
    #[command(after_help = exit::HELP)]
    Create(CreateArgs),
    /// Lists the credentials, without their secrets
    #[command(after_help = exit::HELP)]
    List(ListArgs),
    /// Revokes a credential
    #[command(after_help = exit::HELP)]
    Revoke(RevokeArgs),
    /// Gives a credential a new secret and shows it, this once
    #[command(after_help = exit::HELP)]
    Rotate(RotateArgs),
    /// Sets until when a credential passes
    #[command(after_help = exit::HELP)]
    Expire(ExpireArgs),
    /// Sets how a credential's statements are checked against the profile
    #[command(after_help = exit::HELP)]
    ProfileMode(ProfileModeArgs),
    /// Lists what credentials in the mode warn sent against the profile, up to some seconds ago
    #[command(after_help = exit::HELP)]
    ProfileWarnings(ListArgs),
}

/// Which installation.
#[derive(Args, Debug)]
pub(crate) struct Installation {
    #[command(flatten)]
    pub(crate) common: Common,
    /// Data folder of the installation, running or not [default: ./var] [env: `SILLAGE_DATA`]
    ///
    /// Not looked at where `DATABASE_URL` is set.
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<String>,
}

/// `sillage credential create`.
#[derive(Args, Debug)]
pub(crate) struct CreateArgs {
    #[command(flatten)]
    pub(crate) installation: Installation,
    /// What it may do: all, all/read, statements/write, statements/read, statements/read/mine,
    /// state, profile, define (several: commas)
    #[arg(
        long = "scope",
        value_name = "SCOPE",
        required = true,
        value_delimiter = ','
    )]
    pub(crate) scopes: Vec<Scope>,
    /// What it is for, in your words: the name of an application, of no person
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(crate) label: String,
    /// Until when it passes [default: without end]
    #[arg(long, value_name = "RFC3339")]
    pub(crate) expires: Option<DateTime<Utc>>,
    /// The school whose classes and pupils alone it sees
    #[arg(long, value_name = "UAI")]
    pub(crate) school: Option<School>,
    /// The IRI under which the activities lie that it writes about
    #[arg(long, value_name = "IRI")]
    pub(crate) activity_prefix: Option<ActivityPrefix>,
    /// What becomes of its statements that break Sillage's own profile: off, warn, refuse
    /// [default: as the setting says]
    #[arg(long, value_name = "MODE")]
    pub(crate) profile_mode: Option<ProfileMode>,
}

/// `sillage credential list`, `sillage credential profile-warnings`, `sillage analytics fit list`.
#[derive(Args, Debug)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    pub(crate) installation: Installation,
}

/// `sillage credential revoke`.
#[derive(Args, Debug)]
pub(crate) struct RevokeArgs {
    #[command(flatten)]
    pub(crate) installation: Installation,
    /// Its key
    pub(crate) key: String,
}

/// `sillage credential rotate`.
#[derive(Args, Debug)]
pub(crate) struct RotateArgs {
    #[command(flatten)]
    pub(crate) installation: Installation,
    /// Its key
    pub(crate) key: String,
    /// For how many seconds the former secret passes beside the new one, at most 90 days
    #[arg(long, value_name = "SECONDS", default_value_t = 0,
        value_parser = clap::value_parser!(u64).range(..=7_776_000))]
    pub(crate) former_passes_s: u64,
}

/// `sillage credential expire`.
#[derive(Args, Debug)]
pub(crate) struct ExpireArgs {
    #[command(flatten)]
    pub(crate) installation: Installation,
    /// Its key
    pub(crate) key: String,
    /// Until when it passes: a time in the future, or never: it has no end
    #[arg(long, value_name = "RFC3339", value_parser = end)]
    pub(crate) at: End,
}

/// The end of a credential; none: it has none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct End(pub(crate) Option<DateTime<Utc>>);

fn end(text: &str) -> Result<End, chrono::ParseError> {
    match text {
        "never" => Ok(End(None)),
        text => text.parse().map(|end| End(Some(end))),
    }
}

/// `sillage credential profile-mode`.
#[derive(Args, Debug)]
pub(crate) struct ProfileModeArgs {
    #[command(flatten)]
    pub(crate) installation: Installation,
    /// Its key
    pub(crate) key: String,
    /// off, warn (counted), refuse, or default: as the setting `profile.mode` says
    #[arg(value_parser = mode)]
    pub(crate) mode: Mode,
}

/// A mode of a credential; none for the setting's.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mode(pub(crate) Option<ProfileMode>);

fn mode(text: &str) -> Result<Mode, service::identity::UnknownMode> {
    match text {
        "default" => Ok(Mode(None)),
        text => text.parse().map(|mode| Mode(Some(mode))),
    }
}

/// `sillage validate`.
#[derive(Args, Debug)]
pub(crate) struct ValidateArgs {
    /// A statement, an array of statements or a statement a line (NDJSON); - for standard input
    pub(crate) file: PathBuf,
    /// Version of xAPI: 1.0.3 or 2.0.0
    #[arg(long, value_name = "VERSION", default_value = "1.0.3")]
    pub(crate) version: XapiVersion,
    /// Fails also where a statement does not follow the profile
    #[arg(long)]
    pub(crate) profile: bool,
    /// JSON on standard output and standard error, for programs
    #[arg(long)]
    pub(crate) json: bool,
}

/// `sillage roster`.
#[derive(Debug, Subcommand)]
pub(crate) enum RosterCommand {
    /// Replaces the roster by a OneRoster 1.2 archive (zip of CSV files)
    #[command(after_help = exit::HELP)]
    Import(ImportArgs),
}

/// `sillage catalogue`.
#[derive(Debug, Subcommand)]
pub(crate) enum CatalogueCommand {
    /// Replaces the catalogue by a file (JSON)
    #[command(after_help = exit::HELP)]
    Import(ImportArgs),
}

/// `sillage framework`.
#[derive(Debug, Subcommand)]
pub(crate) enum FrameworkCommand {
    /// Replaces the framework of competencies by a file (JSON)
    #[command(after_help = exit::HELP)]
    Import(ImportArgs),
}

/// Where a running service is.
#[derive(Args, Debug)]
pub(crate) struct Service {
    /// Address of the service, without /xapi
    #[arg(
        long,
        value_name = "URL",
        env = "SILLAGE_ENDPOINT",
        default_value = "http://127.0.0.1:8080"
    )]
    pub(crate) endpoint: String,
}

/// A file for a running service. The credential comes from the variables `SILLAGE_KEY` and
/// `SILLAGE_SECRET`.
#[derive(Args, Debug)]
pub(crate) struct ImportArgs {
    /// The file
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) service: Service,
    /// JSON on standard output and standard error, for programs
    #[arg(long)]
    pub(crate) json: bool,
}

/// `sillage lake`.
#[derive(Debug, Subcommand)]
pub(crate) enum LakeCommand {
    /// Says whether the lake holds what the database holds, day by day, up to the lake's position
    #[command(after_help = exit::HELP)]
    Verify(LakeArgs),
    /// Makes tables anew from the database, beside ingest; readers see the old one, then the new one
    #[command(after_help = exit::HELP)]
    Rebuild(LakeArgs),
}

/// `sillage lake verify`, `sillage lake rebuild`.
#[derive(Args, Debug)]
pub(crate) struct LakeArgs {
    #[command(flatten)]
    pub(crate) installation: Installation,
    /// Which tables
    #[arg(long, value_enum, default_value_t = LakeTables::All)]
    pub(crate) table: LakeTables,
}

/// Tables that come from the database; `mastery` is made by each recomputation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LakeTables {
    /// All of them
    All,
    /// Every statement
    Statements,
    /// The answers that nobody voided
    Answers,
    /// Items of the catalogues
    Catalogue,
    /// Who was in which class
    Roster,
    /// Whose accounts were
    Accounts,
    /// Usage of the service, counted from the lake's statements (rebuild alone)
    Usage,
}

impl LakeTables {
    /// Whether a table is among them.
    pub(crate) fn has(self, table: &Table) -> bool {
        let wanted = match self {
            Self::All => return true,
            Self::Statements => &statements::TABLE,
            Self::Answers => &answers::TABLE,
            Self::Catalogue => &catalogue::TABLE,
            Self::Roster => &roster::TABLE,
            Self::Accounts => &accounts::TABLE,
            Self::Usage => &usage::TABLE,
        };
        table.name == wanted.name
    }
}

/// `sillage sql`.
#[derive(Args, Debug)]
pub(crate) struct SqlArgs {
    #[command(flatten)]
    pub(crate) installation: Installation,
    /// The question: SELECT, EXPLAIN, DESCRIBE, SHOW TABLES. docs/data-dictionary.md tells the tables
    pub(crate) query: String,
    /// How the answer is written [default: table; with --json: json, an object a line]
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// A file for the answer, in place of standard output
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Memory of sorts, groups and joins at most; beyond, they spill to disk as far as they can
    #[arg(long, value_name = "MIB", default_value_t = 512)]
    pub(crate) memory_max_mb: usize,
    /// What may be spilled to the folder of temporary files
    #[arg(long, value_name = "MIB", default_value_t = 4096)]
    pub(crate) spill_max_mb: u64,
    /// How long it may take
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    pub(crate) time_max_s: u64,
}

impl SqlArgs {
    /// How the answer is written.
    pub(crate) fn format(&self) -> Format {
        let usual = if self.installation.common.json {
            Format::Json
        } else {
            Format::Table
        };
        self.format.unwrap_or(usual)
    }
}

/// How rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// A table for people: the first 1000 rows
    Table,
    /// Comma-separated values, their names in the first line
    Csv,
    /// A JSON object a line
    Json,
    /// A Parquet file
    Parquet,
}

/// `sillage config`.
#[derive(Args, Debug)]
pub(crate) struct ConfigArgs {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(flatten)]
    pub(crate) place: Place,
}

impl Place {
    /// The settings with these flags over them.
    pub(crate) fn settings(&self, common: &Common) -> Result<Settings, ConfigError> {
        load(common, self.data.as_ref(), self.listen.as_ref())
    }
}

#[cfg(feature = "cluster")]
impl WorkerArgs {
    /// The settings with these flags over them. Where the HTTP server listens is no business of a worker.
    pub(crate) fn settings(&self) -> Result<Settings, ConfigError> {
        load(&self.common, self.data.as_ref(), None)
    }
}

impl Installation {
    /// The settings with these flags over them.
    pub(crate) fn settings(&self) -> Result<Settings, ConfigError> {
        load(&self.common, self.data.as_ref(), None)
    }
}

fn load(
    common: &Common,
    data: Option<&String>,
    listen: Option<&String>,
) -> Result<Settings, ConfigError> {
    let flags: Vec<(&str, String)> = [("data", data), ("listen", listen)]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?.clone())))
        .collect();
    Settings::load(common.config.as_deref(), &flags)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_has_json_and_says_what_its_exit_codes_mean() {
        fn look(command: &clap::Command, path: &str) {
            let mut leaves = command.get_subcommands().peekable();
            if leaves.peek().is_none() {
                let has = |name: &str| command.get_arguments().any(|arg| arg.get_id() == name);
                assert!(has("json"), "{path} has no --json");
                let help = command.get_after_help().map(ToString::to_string);
                assert_eq!(help.as_deref(), Some(exit::HELP), "{path}");
            }
            for leaf in leaves {
                look(leaf, &format!("{path} {}", leaf.get_name()));
            }
        }
        look(&Cli::command(), "sillage");
    }
}

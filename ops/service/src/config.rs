//! Settings: defaults → file → `SILLAGE_*` → flags, checked whole, every fault told together.
//!
//! `ops/sillage.default.toml` is compiled in and is the register: a key that is not in it does not
//! exist, and a value has the type of its default. The environment is read here and nowhere else.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use toml::{Table, Value};

/// Every setting with its default and meaning.
pub const DEFAULTS: &str = include_str!("../../sillage.default.toml");

/// Variables that start with `SILLAGE_` and are not settings: what clients, tests and benches are
/// given.
const NOT_SETTINGS: [&str; 6] = [
    "SILLAGE_KEY",
    "SILLAGE_SECRET",
    "SILLAGE_ENDPOINT",
    "SILLAGE_CONFIG",
    "SILLAGE_REFERENCE_DATA",
    "SILLAGE_LAKE_PYTHON",
];

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// `ops/sillage.default.toml`.
    Default,
    /// The configuration file.
    File,
    /// The environment.
    Environment,
    /// The command line.
    Flag,
}

/// Why the settings cannot be used: every fault found, a line each.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct ConfigError(Vec<String>);

impl ConfigError {
    /// A fault that a section's own check found; it names the setting.
    #[must_use]
    pub fn fault(fault: String) -> Self {
        Self(vec![fault])
    }
}

/// A setting as `sillage config` shows it.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Shown {
    /// `section.name`, or a name.
    pub name: String,
    /// The value; an address that may hold a password is not shown.
    pub value: serde_json::Value,
    /// Where it comes from.
    pub source: Source,
}

/// The settings of this process.
#[derive(Clone, Debug)]
pub struct Settings {
    values: BTreeMap<String, (Value, Source)>,
}

/// `[database]`.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseSettings {
    /// Address of a PostgreSQL to use in place of the private cluster; empty: none.
    pub url: String,
    /// Folder of PostgreSQL's programs; empty: found by itself.
    pub bin: String,
    /// Connections at most.
    pub pool_max: usize,
}

impl std::fmt::Debug for DatabaseSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DatabaseSettings")
            .field("pool_max", &self.pool_max)
            .finish_non_exhaustive()
    }
}

/// `[http]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpSettings {
    /// Threads that answer requests; 0: one per core.
    pub workers: usize,
    /// Largest body of a request, in bytes.
    pub body_max_bytes: usize,
    /// Bytes of bodies that may be in memory at the same time; beyond, 503.
    pub bodies_max_bytes: u64,
    /// Largest head of a request, in bytes.
    pub headers_max_bytes: usize,
    /// How long a body may take to arrive, in seconds; what arrives earns more.
    pub body_timeout_s: u64,
    /// How late a thread that answers requests may be, again and again, in milliseconds; later, 503; 0:
    /// no limit.
    pub late_max_ms: u64,
    /// How long requests under way may take at a stop, in seconds.
    pub drain_s: u64,
    /// How long a credential is remembered while the database tells of changes, in milliseconds.
    pub credential_cache_ms: u64,
    /// Requests a second of one credential, or of one person by token, in this process; 0: no limit.
    pub credential_requests_per_s: u32,
    /// Requests that it may make at once after a pause.
    pub credential_burst: u32,
    /// Origins of front-ends in browsers, separated by commas; `*`: every one.
    pub cors_origins: String,
    /// Addresses and networks of proxies that speak TLS for us, separated by commas.
    pub trusted_proxies: String,
    /// File of the certificate chain, PEM; empty: no TLS by ourselves.
    pub tls_certificate: String,
    /// File of the private key, PEM.
    pub tls_key: String,
    /// The address under which clients find `/`, of which links in answers have the path; empty: they
    /// find it where it is.
    pub public_url: String,
}

impl HttpSettings {
    /// Refuses what cannot go together: a form of xAPI's alternate request syntax is in memory twice.
    pub fn check(&self) -> Result<(), ConfigError> {
        let least = (self.body_max_bytes as u64).saturating_mul(2);
        if self.bodies_max_bytes >= least {
            return Ok(());
        }
        Err(ConfigError(vec![format!(
            "http.bodies_max_bytes: must be at least {least}, twice http.body_max_bytes"
        )]))
    }

    /// The origins that are allowed, one by one.
    pub fn cors_origins(&self) -> impl Iterator<Item = &str> {
        listed(&self.cors_origins)
    }

    /// The proxies that are trusted, one by one.
    pub fn trusted_proxies(&self) -> impl Iterator<Item = &str> {
        listed(&self.trusted_proxies)
    }
}

fn listed(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|one| !one.is_empty())
}

/// `[log]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogSettings {
    /// A level, or `tracing` directives.
    #[serde(deserialize_with = "directives")]
    pub level: String,
    /// How a line is written.
    pub format: LogFormat,
}

/// How a line of the log is written.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object.
    Json,
}

fn directives<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    match tracing_subscriber::EnvFilter::try_new(&text) {
        Ok(_) => Ok(text),
        Err(error) => Err(serde::de::Error::custom(format!("level: {error}"))),
    }
}

/// `[lake]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LakeSettings {
    /// Where the Delta tables are; empty: the folder `lake` under `data`.
    pub url: String,
    /// Time between two commits, in milliseconds.
    pub commit_every_ms: u64,
    /// Rows in one commit at most.
    pub commit_max_rows: usize,
    /// Commits after which small files are put together; 0: never.
    pub compact_every_commits: u64,
}

impl Settings {
    /// The defaults alone.
    ///
    /// # Panics
    /// Never with the compiled-in defaults: a test reads them.
    #[must_use]
    pub fn defaults() -> Self {
        let table: Table = DEFAULTS.parse().expect("a test reads the defaults");
        let values = flatten(&table)
            .into_iter()
            .map(|(name, value)| (name, (value, Source::Default)))
            .collect();
        Self { values }
    }

    /// Defaults, then `file` (or the one that `SILLAGE_CONFIG` names), then the environment, then
    /// `flags` (`("listen", "…")`).
    pub fn load(file: Option<&Path>, flags: &[(&str, String)]) -> Result<Self, ConfigError> {
        #[expect(
            clippy::disallowed_methods,
            reason = "this is the one place where the environment is read"
        )]
        let environment: Vec<(String, String)> = std::env::vars().collect();
        let named = environment
            .iter()
            .find(|(name, _)| name == "SILLAGE_CONFIG")
            .map(|(_, path)| PathBuf::from(path));
        let file = file.map(Path::to_owned).or(named);
        Self::layer(file.as_deref(), &environment, flags)
    }

    fn layer(
        file: Option<&Path>,
        environment: &[(String, String)],
        flags: &[(&str, String)],
    ) -> Result<Self, ConfigError> {
        let mut settings = Self::defaults();
        let mut faults = Vec::new();
        if let Some(path) = file {
            match read(path) {
                Ok(table) => settings.take_file(path, &table, &mut faults),
                Err(fault) => faults.push(fault),
            }
        }
        settings.take_environment(environment, &mut faults);
        for (name, text) in flags {
            settings.take_text(
                name,
                text,
                Source::Flag,
                &format!("flag --{name}"),
                &mut faults,
            );
        }
        if faults.is_empty() {
            Ok(settings)
        } else {
            Err(ConfigError(faults))
        }
    }

    fn take_file(&mut self, path: &Path, table: &Table, faults: &mut Vec<String>) {
        for (name, value) in flatten(table) {
            let place = format!("{}: {name}", path.display());
            match self.values.get_mut(&name) {
                None => faults.push(format!("{place}: no such setting")),
                Some((known, _)) if !same_type(known, &value) => {
                    faults.push(format!("{place}: must be {}", type_name(known)));
                }
                Some(entry) => *entry = (value, Source::File),
            }
        }
    }

    fn take_environment(&mut self, environment: &[(String, String)], faults: &mut Vec<String>) {
        let by_variable: BTreeMap<String, String> = self
            .values
            .keys()
            .map(|name| (variable(name), name.clone()))
            .collect();
        // A DATABASE_URL is how the platform says it; SILLAGE_DATABASE_URL is ours and goes over it.
        if let Some((_, url)) = environment.iter().find(|(name, _)| name == "DATABASE_URL") {
            self.values.insert(
                "database.url".to_owned(),
                (Value::String(url.clone()), Source::Environment),
            );
        }
        for (name, text) in environment {
            if !name.starts_with("SILLAGE_") || NOT_SETTINGS.contains(&name.as_str()) {
                continue;
            }
            match by_variable.get(name) {
                None => faults.push(format!("environment {name}: no such setting")),
                Some(key) => {
                    let place = format!("environment {name}");
                    self.take_text(key, text, Source::Environment, &place, faults);
                }
            }
        }
    }

    fn take_text(
        &mut self,
        name: &str,
        text: &str,
        source: Source,
        place: &str,
        faults: &mut Vec<String>,
    ) {
        let Some((known, _)) = self.values.get(name) else {
            faults.push(format!("{place}: no such setting"));
            return;
        };
        match parse_as(known, text) {
            Some(value) => {
                self.values.insert(name.to_owned(), (value, source));
            }
            None => faults.push(format!("{place}: must be {}", type_name(known))),
        }
    }

    /// A section (`"lake"`) as its struct. A section must fit its struct exactly.
    pub fn section<T: DeserializeOwned>(&self, section: &str) -> Result<T, ConfigError> {
        let prefix = format!("{section}.");
        let table: Table = self
            .values
            .iter()
            .filter_map(|(name, (value, _))| {
                let name = name.strip_prefix(&prefix)?;
                Some((name.to_owned(), value.clone()))
            })
            .collect();
        Value::Table(table)
            .try_into()
            .map_err(|error: toml::de::Error| {
                ConfigError(vec![format!("[{section}]: {}", error.message())])
            })
    }

    /// The folder of everything kept on this machine.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        PathBuf::from(self.text("data"))
    }

    /// Where the lake's tables are: the setting, or the folder `lake` under `data`.
    #[must_use]
    pub fn lake_root(&self) -> String {
        let url = self.text("lake.url");
        if url.is_empty() {
            self.data().join("lake").to_string_lossy().into_owned()
        } else {
            url
        }
    }

    /// Where the contents of attachments are: the setting, or the folder `attachments` under `data`.
    #[must_use]
    pub fn attachments_root(&self) -> String {
        let url = self.text("attachments.url");
        if url.is_empty() {
            let folder = self.data().join("attachments");
            folder.to_string_lossy().into_owned()
        } else {
            url
        }
    }

    /// Address and port of the HTTP server.
    #[must_use]
    pub fn listen(&self) -> String {
        self.text("listen")
    }

    fn text(&self, name: &str) -> String {
        self.values
            .get(name)
            .and_then(|(value, _)| value.as_str())
            .unwrap_or_default()
            .to_owned()
    }

    /// Every setting with its source, by name. A database's address is not shown.
    #[must_use]
    pub fn shown(&self) -> Vec<Shown> {
        self.values
            .iter()
            .map(|(name, (value, source))| Shown {
                name: name.clone(),
                value: match value {
                    Value::String(text) if name == "database.url" && !text.is_empty() => {
                        "(hidden)".into()
                    }
                    other => serde_json::to_value(other).unwrap_or_default(),
                },
                source: *source,
            })
            .collect()
    }
}

fn read(path: &Path) -> Result<Table, String> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| format!("{}: could not read: {error}", path.display()))?;
    text.parse()
        .map_err(|error: toml::de::Error| format!("{}: {}", path.display(), error.message()))
}

/// `[lake] url` → `lake.url`.
fn flatten(table: &Table) -> Vec<(String, Value)> {
    table
        .iter()
        .flat_map(|(name, value)| match value {
            Value::Table(inner) => flatten(inner)
                .into_iter()
                .map(|(key, value)| (format!("{name}.{key}"), value))
                .collect(),
            other => vec![(name.clone(), other.clone())],
        })
        .collect()
}

/// `lake.commit_every_ms` → `SILLAGE_LAKE_COMMIT_EVERY_MS`.
fn variable(name: &str) -> String {
    format!("SILLAGE_{}", name.replace('.', "_").to_uppercase())
}

fn same_type(a: &Value, b: &Value) -> bool {
    a.type_str() == b.type_str() && !matches!(b.as_integer(), Some(number) if number < 0)
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Integer(_) => "a whole number of at least 0",
        Value::Float(_) => "a number",
        Value::Boolean(_) => "true or false",
        _ => "text",
    }
}

fn parse_as(known: &Value, text: &str) -> Option<Value> {
    match known {
        Value::Integer(_) => text
            .parse::<i64>()
            .ok()
            .filter(|number| *number >= 0)
            .map(Value::Integer),
        Value::Float(_) => text.parse().ok().map(Value::Float),
        Value::Boolean(_) => text.parse().ok().map(Value::Boolean),
        _ => Some(Value::String(text.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn env(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn the_defaults_fill_their_structs() {
        let settings = Settings::defaults();
        let lake: LakeSettings = settings.section("lake").expect("[lake]");
        assert_eq!(lake.commit_every_ms, 15_000);
        let http: HttpSettings = settings.section("http").expect("[http]");
        http.check().expect("room for a body");
        settings.section::<LogSettings>("log").expect("[log]");
        settings
            .section::<DatabaseSettings>("database")
            .expect("[database]");
    }

    #[test]
    fn each_layer_goes_over_the_one_before() {
        let mut file = tempfile_toml("listen = \"127.0.0.1:1\"\n[lake]\ncommit_every_ms = 7\n");
        file.flush().expect("flushed");
        let settings = Settings::layer(
            Some(file.path()),
            &env(&[("SILLAGE_LISTEN", "127.0.0.1:2"), ("SILLAGE_KEY", "k")]),
            &[("data", "/tmp/x".to_owned())],
        )
        .expect("good settings");
        assert_eq!(settings.listen(), "127.0.0.1:2");
        assert_eq!(settings.data(), PathBuf::from("/tmp/x"));
        let lake: LakeSettings = settings.section("lake").expect("[lake]");
        assert_eq!(lake.commit_every_ms, 7);
        let sources: BTreeMap<_, _> = settings
            .shown()
            .into_iter()
            .map(|shown| (shown.name, shown.source))
            .collect();
        assert_eq!(sources["listen"], Source::Environment);
        assert_eq!(sources["lake.commit_every_ms"], Source::File);
        assert_eq!(sources["data"], Source::Flag);
        assert_eq!(sources["http.drain_s"], Source::Default);
    }

    #[test]
    fn every_fault_is_told_at_once() {
        let file = tempfile_toml("[lake]\ncommit_evry_ms = 7\nurl = 3\n");
        let error = Settings::layer(
            Some(file.path()),
            &env(&[("SILLAGE_HTTP_DRAIN_S", "-1"), ("SILLAGE_NOPE", "1")]),
            &[],
        )
        .expect_err("four faults");
        assert_eq!(error.0.len(), 4, "{error}");
    }

    #[test]
    fn a_database_address_is_not_shown() {
        let settings = Settings::layer(
            None,
            &env(&[("DATABASE_URL", "postgres://u:hush@h/d")]),
            &[],
        )
        .expect("good settings");
        let shown = serde_json::to_string(&settings.shown()).expect("JSON");
        assert!(!shown.contains("hush"));
        let database: DatabaseSettings = settings.section("database").expect("[database]");
        assert!(!format!("{database:?}").contains("hush"));
    }

    #[test]
    fn what_a_section_cannot_mean_is_refused() {
        for (name, value) in [
            ("SILLAGE_LOG_FORMAT", "xml"),
            ("SILLAGE_LOG_LEVEL", "a=b=c"),
        ] {
            let settings = Settings::layer(None, &env(&[(name, value)]), &[]).expect("text");
            settings
                .section::<LogSettings>("log")
                .expect_err("neither a format nor a level");
        }
    }

    #[test]
    fn a_budget_that_no_body_fits_in_is_refused() {
        let pairs = env(&[("SILLAGE_HTTP_BODIES_MAX_BYTES", "33554431")]);
        let settings = Settings::layer(None, &pairs, &[]).expect("a number");
        let http: HttpSettings = settings.section("http").expect("[http]");
        let told = http.check().expect_err("too little").to_string();
        assert!(told.contains("http.bodies_max_bytes"), "{told}");
    }

    fn tempfile_toml(text: &str) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
        file.write_all(text.as_bytes()).expect("written");
        file
    }
}

//! What the LRS needs to be told: the sections `[xapi]`, `[attachments]` and `[ingest]` of the
//! settings.

use std::time::Duration;

use schemas::strict_json::MAX_DEPTH;
use schemas::xapi::XapiVersion;
use serde::{Deserialize, Deserializer};
use service::config::{ConfigError, HttpSettings, LakeSettings, Settings};
use service::identity::ProfileMode;

use crate::statement::signature::{Anchors, BadAnchors};

/// The least that `xapi.nesting_max` may be: what statements without extensions need.
///
/// An array, a statement, its `SubStatement`, `context`,
/// `contextActivities`, a list of them, an activity, its definition, its choices, one of them, its
/// description.
const NESTING_MIN: usize = 11;

/// `[xapi]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct XapiSettings {
    /// Version told in answers to requests that carry none.
    #[serde(deserialize_with = "version")]
    pub default_version: XapiVersion,
    /// `homePage` of the accounts that stand as authority of statements.
    pub authority_home_page: String,
    /// Statements in a page when the client asks for no limit, and at most.
    pub page_max: u32,
    /// How long a page looks for the statements of an activity with a verb that it hardly meets, in
    /// milliseconds; then it ends, and `more` goes on.
    pub page_look_ms: u64,
    /// Statements in one request at most; beyond, 413.
    pub request_max_statements: usize,
    /// Arrays and objects in each other, in the JSON of statements, at most; beyond, 400.
    pub nesting_max: usize,
    /// File of the certificates that the chains of signatures must lead to; empty: none.
    pub signature_anchors: String,
}

/// `[attachments]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttachmentSettings {
    /// Where the contents are; empty: the folder `attachments` under `data`.
    pub url: String,
    /// Bytes of one attachment at most.
    pub attachment_max_bytes: u64,
    /// Bytes of all attachments of a request at most.
    pub request_max_bytes: u64,
    /// Attachments of a request at most.
    pub request_max_attachments: usize,
    /// Bytes that may be on their way at the same time; beyond, 503.
    pub arriving_max_bytes: u64,
    /// Time between two sweeps, in seconds; 0: none.
    pub sweep_every_s: u64,
}

/// `[profile]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProfileSettings {
    /// What becomes of statements that xAPI accepts and the profile does not, where their credential
    /// has no mode of its own.
    pub mode: ProfileMode,
}

/// `[ingest]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IngestSettings {
    /// Transactions that write statements at the same time.
    pub committers: usize,
    /// Statements in one transaction at most (a single larger request still goes whole).
    pub group_max_statements: usize,
    /// Longest time that statements may have to wait, by how fast they were written lately, in
    /// milliseconds; beyond, 503 at once.
    pub queue_max_ms: u64,
    /// Bytes of bodies that may wait; beyond, 503.
    pub queue_max_bytes: usize,
    /// Longest wait of a request for its commit, in milliseconds; beyond, 503.
    pub wait_max_ms: u64,
}

/// Everything the LRS is told.
#[derive(Clone, Debug)]
pub struct LrsConfig {
    /// `[xapi]`.
    pub xapi: XapiSettings,
    /// `[profile]`.
    pub profile: ProfileSettings,
    /// `[ingest]`.
    pub ingest: IngestSettings,
    /// `[attachments]`.
    pub attachments: AttachmentSettings,
    /// Folder or address under which the contents of attachments are.
    pub attachments_root: String,
    /// The certificates of `xapi.signature_anchors`.
    pub anchors: Anchors,
    /// `[lake]`.
    pub lake: LakeSettings,
    /// Folder or address under which the lake's tables are.
    pub lake_root: String,
    /// Largest body of a request, in bytes.
    pub body_max_bytes: usize,
    /// The path of `http.public_url`, under which clients find `/`; no slash at its end.
    pub public_path: String,
}

/// Why the settings do not make an LRS.
#[derive(Debug, thiserror::Error)]
pub enum BadConfig {
    /// A section does not fit.
    #[error(transparent)]
    Settings(#[from] ConfigError),
    /// Statements cannot be held to this depth.
    #[error("xapi.nesting_max: must be {min} to {max}", min = NESTING_MIN, max = MAX_DEPTH)]
    Nesting,
    /// The file of anchors cannot be read.
    #[error("xapi.signature_anchors: could not read the file")]
    AnchorsFile(#[source] std::io::Error),
    /// It does not hold certificates.
    #[error("xapi.signature_anchors")]
    Anchors(#[source] BadAnchors),
    /// The address of clients is none.
    #[error(
        "http.public_url: {0:?} is no address such as https://lrs.example.org/prefix (letters, digits and -._~ in the path)"
    )]
    PublicUrl(String),
}

impl LrsConfig {
    /// Reads the sections, and the file of anchors.
    pub fn load(settings: &Settings) -> Result<Self, BadConfig> {
        let http: HttpSettings = settings.section("http")?;
        let xapi: XapiSettings = settings.section("xapi")?;
        if !(NESTING_MIN..=MAX_DEPTH).contains(&xapi.nesting_max) {
            return Err(BadConfig::Nesting);
        }
        Ok(Self {
            anchors: anchors(&xapi.signature_anchors)?,
            xapi,
            profile: settings.section("profile")?,
            ingest: settings.section("ingest")?,
            attachments: settings.section("attachments")?,
            attachments_root: settings.attachments_root(),
            lake: settings.section("lake")?,
            lake_root: settings.lake_root(),
            body_max_bytes: http.body_max_bytes,
            public_path: public_path(&http.public_url)?,
        })
    }

    pub(crate) fn queue_max(&self) -> Duration {
        Duration::from_millis(self.ingest.queue_max_ms)
    }

    pub(crate) fn wait_max(&self) -> Duration {
        Duration::from_millis(self.ingest.wait_max_ms)
    }
}

/// The path of the address under which clients reach us. It stands in answers as it is, before paths
/// of ours, so it has only characters that mean nothing in a URL or in JSON, and never begins like
/// another host.
fn public_path(url: &str) -> Result<String, BadConfig> {
    let bad = || BadConfig::PublicUrl(url.to_owned());
    if url.is_empty() {
        return Ok(String::new());
    }
    let rest = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"))
        .ok_or_else(bad)?;
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let is_made_of = |text: &str, besides: &[u8]| {
        text.bytes()
            .all(|c| c.is_ascii_alphanumeric() || besides.contains(&c))
    };
    if host.is_empty()
        || !is_made_of(host, b"-.:[]_")
        || !is_made_of(path, b"/-._~")
        || path.contains("//")
    {
        return Err(bad());
    }
    Ok(path.strip_suffix('/').unwrap_or(path).to_owned())
}

fn anchors(file: &str) -> Result<Anchors, BadConfig> {
    if file.is_empty() {
        return Ok(Anchors::default());
    }
    let pem = std::fs::read(file).map_err(BadConfig::AnchorsFile)?;
    Anchors::read(&pem).map_err(BadConfig::Anchors)
}

fn version<'de, D: Deserializer<'de>>(deserializer: D) -> Result<XapiVersion, D::Error> {
    String::deserialize(deserializer)?
        .parse()
        .map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_fill_it() {
        let config = LrsConfig::load(&Settings::defaults()).expect("the defaults are whole");
        assert_eq!(config.xapi.default_version, XapiVersion::V1_0_3);
        assert_eq!(config.profile.mode, ProfileMode::Off);
        assert_eq!(config.xapi.request_max_statements, 10_000);
        assert_eq!(config.ingest.committers, 2);
        assert_eq!(config.attachments.attachment_max_bytes, 100 << 20);
        assert!(config.attachments_root.ends_with("attachments"));
        assert_eq!(config.public_path, "");
    }

    #[test]
    fn of_the_public_address_the_path_is_kept() {
        for (url, path) in [
            ("", ""),
            ("https://lrs.example.org", ""),
            ("http://127.0.0.1:8080/", ""),
            ("https://[2001:db8::1]:8443/traces", "/traces"),
            ("https://example.org/a-b/c_d.e~f/", "/a-b/c_d.e~f"),
        ] {
            assert_eq!(public_path(url).expect("an address"), path, "{url}");
        }
        for bad in [
            "lrs.example.org",
            "/traces",
            "ftp://example.org/",
            "https://",
            "https:///traces",
            "https://example.org//elsewhere.example.org",
            "https://example.org/traces//",
            "https://example.org/?x=1",
            "https://example.org?x=1",
            "https://example.org/#x",
            "https://user@example.org/",
            "https://example.org/\"",
            "https://example.org/é",
            "https://example.org/a b",
            "https://example.org/%2F",
        ] {
            assert!(
                matches!(public_path(bad), Err(BadConfig::PublicUrl(_))),
                "{bad}"
            );
        }
    }

    #[test]
    fn anchors_that_are_none_are_refused() {
        assert!(matches!(
            anchors("/nowhere.pem"),
            Err(BadConfig::AnchorsFile(_))
        ));
        let file = tempfile::NamedTempFile::new().expect("a file");
        let path = file.path().to_string_lossy().into_owned();
        assert!(matches!(
            anchors(&path),
            Err(BadConfig::Anchors(BadAnchors::Empty))
        ));
    }

    #[test]
    fn a_depth_that_statements_cannot_be_held_to_is_refused() {
        for (depth, is_good) in [("10", false), ("11", true), ("100", true), ("101", false)] {
            let flags = [("xapi.nesting_max", depth.to_owned())];
            let settings = Settings::load(None, &flags).expect("a number");
            let loaded = LrsConfig::load(&settings);
            assert_eq!(loaded.is_ok(), is_good, "{depth}");
            assert!(is_good || matches!(loaded, Err(BadConfig::Nesting)));
        }
    }

    #[test]
    fn a_version_that_is_not_spoken_is_refused() {
        let xapi = |version: &str| {
            let text = format!(
                "default_version = \"{version}\"\nauthority_home_page = \"\"\npage_max = 1\npage_look_ms = 1\nrequest_max_statements = 1\nnesting_max = 100\nsignature_anchors = \"\""
            );
            toml::from_str::<XapiSettings>(&text)
        };
        assert!(xapi("2.0.0").is_ok());
        assert!(xapi("0.95").is_err());
    }
}

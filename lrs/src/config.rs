//! What the LRS needs to be told: the sections `[xapi]` and `[ingest]` of the settings.

use std::time::Duration;

use schemas::xapi::XapiVersion;
use serde::{Deserialize, Deserializer};
use service::config::{ConfigError, HttpSettings, LakeSettings, Settings};
use service::identity::ProfileMode;

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
    /// Statements that may wait; beyond, 503.
    pub queue_max_statements: usize,
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
    /// `[lake]`.
    pub lake: LakeSettings,
    /// Folder or address under which the lake's tables are.
    pub lake_root: String,
    /// Largest body of a request, in bytes.
    pub body_max_bytes: usize,
}

impl LrsConfig {
    /// Reads the sections.
    pub fn load(settings: &Settings) -> Result<Self, ConfigError> {
        let http: HttpSettings = settings.section("http")?;
        Ok(Self {
            xapi: settings.section("xapi")?,
            profile: settings.section("profile")?,
            ingest: settings.section("ingest")?,
            lake: settings.section("lake")?,
            lake_root: settings.lake_root(),
            body_max_bytes: http.body_max_bytes,
        })
    }

    pub(crate) fn wait_max(&self) -> Duration {
        Duration::from_millis(self.ingest.wait_max_ms)
    }
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
        assert_eq!(config.ingest.committers, 2);
    }

    #[test]
    fn a_version_that_is_not_spoken_is_refused() {
        let xapi = |version: &str| {
            let text = format!(
                "default_version = \"{version}\"\nauthority_home_page = \"\"\npage_max = 1"
            );
            toml::from_str::<XapiSettings>(&text)
        };
        assert!(xapi("2.0.0").is_ok());
        assert!(xapi("0.95").is_err());
    }
}

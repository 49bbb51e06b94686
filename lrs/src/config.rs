//! What the LRS needs to be told: the sections `[xapi]` and `[ingest]` of the settings.

use std::time::Duration;

use schemas::xapi::XapiVersion;
use serde::Deserialize;
use service::config::{ConfigError, HttpSettings, LakeSettings, Settings};

/// `[xapi]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct XapiSettings {
    /// Version told in answers to requests that carry none.
    pub default_version: String,
    /// `homePage` of the accounts that stand as authority of statements.
    pub authority_home_page: String,
    /// Statements in a page when the client asks for no limit, and at most.
    pub page_max: u32,
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
            ingest: settings.section("ingest")?,
            lake: settings.section("lake")?,
            lake_root: settings.lake_root(),
            body_max_bytes: http.body_max_bytes,
        })
    }

    /// The version told in answers to requests that carry none; 1.0.3 unless it is set to another
    /// version that is spoken.
    #[must_use]
    pub fn default_version(&self) -> XapiVersion {
        self.xapi
            .default_version
            .parse()
            .unwrap_or(XapiVersion::V1_0_3)
    }

    pub(crate) fn wait_max(&self) -> Duration {
        Duration::from_millis(self.ingest.wait_max_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_fill_it() {
        let config = LrsConfig::load(&Settings::defaults()).expect("the defaults are whole");
        assert_eq!(config.default_version(), XapiVersion::V1_0_3);
        assert_eq!(config.ingest.committers, 2);
    }
}

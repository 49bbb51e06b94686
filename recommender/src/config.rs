//! What the recommender needs to be told: the section `[recommender]` of the settings.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use service::config::{ConfigError, HttpSettings, Settings};

use crate::policy::{self, Policy};

/// `[recommender]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecommenderSettings {
    /// Name of the policy that makes next-activity lists.
    pub policy: String,
    /// Activities in a list when the client asks for no limit.
    pub list_default: usize,
    /// How long the catalogue is remembered before its version is looked at again.
    pub catalogue_cache_ms: u64,
}

/// Everything the recommender is told, checked.
#[derive(Clone, Debug)]
pub struct RecommenderConfig {
    /// The policy that makes next-activity lists.
    pub policy: Arc<dyn Policy>,
    /// Activities in a list when the client asks for no limit.
    pub list_default: usize,
    /// How long the catalogue is remembered before its version is looked at again.
    pub catalogue_cache: Duration,
    /// Largest body of a request, in bytes.
    pub body_max_bytes: usize,
}

/// Why the settings do not make a recommender.
#[derive(Debug, thiserror::Error)]
pub enum BadConfig {
    /// A section does not fit.
    #[error(transparent)]
    Settings(#[from] ConfigError),
    /// There is no such policy.
    #[error("recommender.policy: no policy is called {given:?}; there is {known}")]
    Policy {
        /// The name in the settings.
        given: String,
        /// The names that there are.
        known: String,
    },
    /// The default length of a list is longer than a list may be, or nothing.
    #[error("recommender.list_default: must be 1 to {max}", max = crate::LIST_MAX)]
    ListDefault,
}

impl RecommenderConfig {
    /// Reads the sections `[recommender]` and `[http]`.
    ///
    /// # Errors
    ///
    /// When a section does not fit, or names a policy that does not exist.
    pub fn load(settings: &Settings) -> Result<Self, BadConfig> {
        let http: HttpSettings = settings.section("http")?;
        let ours: RecommenderSettings = settings.section("recommender")?;
        let policy = policy::by_name(&ours.policy).ok_or_else(|| BadConfig::Policy {
            known: policy::NAMES.join(", "),
            given: ours.policy,
        })?;
        if !(1..=crate::LIST_MAX).contains(&ours.list_default) {
            return Err(BadConfig::ListDefault);
        }
        Ok(Self {
            policy,
            list_default: ours.list_default,
            catalogue_cache: Duration::from_millis(ours.catalogue_cache_ms),
            body_max_bytes: http.body_max_bytes,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_fill_it() {
        let config =
            RecommenderConfig::load(&Settings::defaults()).expect("the defaults are whole");
        assert_eq!(config.policy.name(), "zone-proximale");
        assert_eq!(config.list_default, 5);
    }

    #[test]
    fn a_policy_that_does_not_exist_is_told_with_those_that_do() {
        let flags = [("recommender.policy", "oracle".to_owned())];
        let settings = Settings::load(None, &flags).expect("a text for a text");
        let error = RecommenderConfig::load(&settings).expect_err("no such policy");
        let told = error.to_string();
        assert!(
            told.contains("\"oracle\"") && told.contains("zone-proximale, seuil"),
            "{told}"
        );
    }
}

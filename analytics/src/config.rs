//! What analytics needs to be told: the section `[analytics]` of the settings, and where the lake is.

use std::time::Duration;

use mastery::VoieWeight;
use serde::Deserialize;
use service::config::{ConfigError, HttpSettings, LakeSettings, Settings};
use service::threads;

use crate::store::odd_answers::Sign;

/// `[analytics]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnalyticsSettings {
    /// Time between two looks at the feed of answers, in milliseconds.
    pub fold_every_ms: u64,
    /// Rows of the feed folded in one transaction at most.
    pub fold_batch_rows: u32,
    /// Time between two full recomputations from the lake, in seconds; 0: only when asked or needed.
    pub recompute_every_s: u64,
    /// Memory that a recomputation sorts in, in bytes; beyond, it spills to disk.
    pub recompute_memory_bytes: usize,
    /// Threads that a recomputation runs on; 0: one per core.
    pub recompute_threads: usize,
    /// Addresses of workers that a recomputation is handed out to, separated by commas; empty: none.
    pub workers: String,
    /// File of the token that workers ask for; empty: none.
    pub worker_token_file: String,
    /// How long a worker may send nothing of what it was given, in seconds.
    pub worker_silence_max_s: u64,
    /// An answer in less time looks odd, in milliseconds.
    pub odd_fast_ms: u32,
    /// Answers in less time than this, one after another, may be clicks, in milliseconds.
    pub odd_clicking_ms: u32,
    /// How many of them in a row.
    pub odd_clicking_run: u32,
    /// The share of them that is right at most, 0 to 1.
    pub odd_clicking_right: f64,
    /// Pupils from whom a device may have answers on one day (UTC) without looking odd.
    pub odd_device_pupils: u32,
    /// Signs for which answers are left out of mastery.
    pub odd_left_out: Vec<Sign>,
    /// How much the *voie* weighs in where a pupil starts who declared no profile, 0 to 1; 0: not at all.
    pub voie_weight: VoieWeight,
    /// Time between two checks whether predictions come true, in seconds; 0: only when asked.
    pub check_every_s: u64,
    /// Time between two counts of the usage of the service, in seconds; 0: never.
    pub usage_every_s: u64,
}

/// Everything analytics is told.
#[derive(Clone, Debug)]
pub struct AnalyticsConfig {
    /// `[analytics]`.
    pub analytics: AnalyticsSettings,
    /// `[lake]`.
    pub lake: LakeSettings,
    /// Folder or address under which the lake's tables are.
    pub lake_root: String,
    /// Largest body of a request, in bytes.
    pub body_max_bytes: usize,
}

impl AnalyticsConfig {
    /// Reads the sections.
    pub fn load(settings: &Settings) -> Result<Self, ConfigError> {
        let http: HttpSettings = settings.section("http")?;
        let analytics: AnalyticsSettings = settings.section("analytics")?;
        odd(&analytics)?;
        workers(&analytics)?;
        Ok(Self {
            analytics,
            lake: settings.section("lake")?,
            lake_root: settings.lake_root(),
            body_max_bytes: http.body_max_bytes,
        })
    }

    pub(crate) fn fold_every(&self) -> Duration {
        Duration::from_millis(self.analytics.fold_every_ms.max(1))
    }

    pub(crate) fn fold_batch_rows(&self) -> i64 {
        i64::from(self.analytics.fold_batch_rows.max(1))
    }

    /// None: only when asked or needed.
    pub(crate) fn recompute_every(&self) -> Option<Duration> {
        let seconds = self.analytics.recompute_every_s;
        (seconds > 0).then(|| Duration::from_secs(seconds))
    }

    /// None: only when asked.
    pub(crate) fn check_every(&self) -> Option<Duration> {
        let seconds = self.analytics.check_every_s;
        (seconds > 0).then(|| Duration::from_secs(seconds))
    }

    /// None: never.
    pub(crate) fn usage_every(&self) -> Option<Duration> {
        let seconds = self.analytics.usage_every_s;
        (seconds > 0).then(|| Duration::from_secs(seconds))
    }

    /// Threads that jobs run on.
    #[must_use]
    pub fn recompute_threads(&self) -> usize {
        threads::count(self.analytics.recompute_threads)
    }
}

/// Whether the bounds of odd answers are bounds: a row of no answers would take in any wrong one.
fn odd(settings: &AnalyticsSettings) -> Result<(), ConfigError> {
    let mut faults = Vec::new();
    if settings.odd_clicking_run == 0 {
        faults.push(
            "analytics.odd_clicking_run: a row has an answer at least; odd_clicking_ms = 0 finds none",
        );
    }
    if !(0.0..=1.0).contains(&settings.odd_clicking_right) {
        faults.push("analytics.odd_clicking_right: a share is a number from 0 to 1");
    }
    if faults.is_empty() {
        Ok(())
    } else {
        Err(ConfigError::fault(faults.join("\n")))
    }
}

/// Whether the workers can be asked, as far as the settings tell.
#[cfg(feature = "cluster")]
fn workers(settings: &AnalyticsSettings) -> Result<(), ConfigError> {
    crate::jobs::recompute::cluster::check(settings)
        .map_err(|error| ConfigError::fault(error.to_string()))
}

#[cfg(not(feature = "cluster"))]
fn workers(settings: &AnalyticsSettings) -> Result<(), ConfigError> {
    if settings.workers.trim().is_empty() {
        return Ok(());
    }
    let fault = "analytics.workers: this program was built without workers (the feature cluster)";
    Err(ConfigError::fault(fault.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_of_odd_answers_that_are_none_are_refused_all_at_once() {
        let told = |run, right| {
            let config = AnalyticsConfig::load(&Settings::defaults()).expect("the defaults");
            let mut settings = config.analytics;
            (settings.odd_clicking_run, settings.odd_clicking_right) = (run, right);
            odd(&settings).map_err(|error| error.to_string())
        };
        assert_eq!(told(1, 0.0), Ok(()));
        assert_eq!(told(8, 1.0), Ok(()));
        let both = told(0, 1.5).expect_err("two faults");
        assert!(both.contains("odd_clicking_run") && both.contains("odd_clicking_right"));
        for right in [-0.1, f64::NAN, f64::INFINITY] {
            assert!(told(8, right).is_err(), "{right}");
        }
    }

    #[test]
    fn the_defaults_fill_it() {
        let config = AnalyticsConfig::load(&Settings::defaults()).expect("the defaults are whole");
        assert_eq!(config.fold_every(), Duration::from_millis(300));
        assert!(config.lake_root.ends_with("lake"));
        assert!(config.recompute_every().is_some());
        assert_eq!(config.check_every(), Some(Duration::from_secs(86_400)));
        assert_eq!(config.usage_every(), Some(Duration::from_secs(3_600)));
        assert_eq!(f64::from(config.analytics.voie_weight), 0.5);
        assert_eq!(config.analytics.recompute_threads, 0);
        assert!(config.recompute_threads() >= 1);
        assert!(config.analytics.workers.is_empty());
        assert_eq!(config.analytics.worker_silence_max_s, 600);
    }
}

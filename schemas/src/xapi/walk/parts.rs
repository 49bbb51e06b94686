//! The result and its score (Data 2.4.5), and attachments (Data 2.4.11).

use serde_json::Value;

use super::{At, Walk};
use crate::time::Duration;
use crate::xapi::{formats, rules};

impl Walk {
    pub(super) fn result(&mut self, at: At<'_>, value: &Value) {
        let Some(map) = self.object(at, value) else {
            return;
        };
        for (key, value) in map {
            let at = at.key(key);
            match key.as_str() {
                "score" => self.score(at, value),
                "success" | "completion" => self.boolean(at, value),
                "response" => {
                    self.string(at, value);
                }
                "duration" => self.text(at, value, &rules::DURATION_NOT_ISO8601, |text| {
                    Duration::parse(text).is_some()
                }),
                "extensions" => self.extensions(at, value),
                _ => self.unknown(
                    at,
                    key,
                    &[
                        "score",
                        "success",
                        "completion",
                        "response",
                        "duration",
                        "extensions",
                    ],
                ),
            }
        }
    }

    fn score(&mut self, at: At<'_>, value: &Value) {
        let Some(map) = self.object(at, value) else {
            return;
        };
        for (key, value) in map {
            let at = at.key(key);
            match key.as_str() {
                "scaled" => {
                    if self
                        .number(at, value)
                        .is_some_and(|scaled| !(-1.0..=1.0).contains(&scaled))
                    {
                        self.tell(at, &rules::SCALED_OUT_OF_RANGE);
                    }
                }
                "raw" | "min" | "max" => {
                    self.number(at, value);
                }
                _ => self.unknown(at, key, &["scaled", "raw", "min", "max"]),
            }
        }
        let number = |key: &str| map.get(key).and_then(Value::as_f64);
        let (raw, min, max) = (number("raw"), number("min"), number("max"));
        if let (Some(min), Some(max)) = (min, max)
            && min >= max
        {
            self.tell(at.key("min"), &rules::MIN_NOT_BELOW_MAX);
        }
        let below = |low: Option<f64>, high: Option<f64>| matches!((low, high), (Some(low), Some(high)) if low > high);
        if below(min, raw) || below(raw, max) {
            self.tell(at.key("raw"), &rules::RAW_OUT_OF_RANGE);
        }
    }

    pub(super) fn attachment(&mut self, at: At<'_>, value: &Value) {
        let Some(map) = self.object(at, value) else {
            return;
        };
        for (key, value) in map {
            let at = at.key(key);
            match key.as_str() {
                "usageType" => self.iri(at, value, &rules::ATTACHMENT_USAGE_TYPE_NOT_IRI),
                "display" | "description" => self.language_map(at, value),
                "contentType" => self.text(
                    at,
                    value,
                    &rules::ATTACHMENT_CONTENT_TYPE,
                    formats::is_media_type,
                ),
                "length" => self.length(at, value),
                "sha2" => self.text(
                    at,
                    value,
                    &rules::ATTACHMENT_SHA2_NOT_HEX,
                    formats::is_sha2_hex,
                ),
                "fileUrl" => self.iri(at, value, &rules::ATTACHMENT_FILE_URL_NOT_IRI),
                _ => self.unknown(at, key, ATTACHMENT_KEYS),
            }
        }
        for key in ["usageType", "display", "contentType", "length", "sha2"] {
            if !map.contains_key(key) {
                let words = || format!("an attachment has `{key}`");
                self.tell_in_words(at, &rules::ATTACHMENT_PROPERTY_MISSING, words);
            }
        }
    }

    /// A whole number from 0, which some languages write `27.0`.
    fn length(&mut self, at: At<'_>, value: &Value) {
        if self
            .number(at, value)
            .is_some_and(|length| length < 0.0 || length.fract() != 0.0)
        {
            self.tell(at, &rules::ATTACHMENT_LENGTH);
        }
    }
}

const ATTACHMENT_KEYS: &[&str] = &[
    "usageType",
    "display",
    "description",
    "contentType",
    "length",
    "sha2",
    "fileUrl",
];

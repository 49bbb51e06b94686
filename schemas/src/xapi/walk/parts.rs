//! The result and its score (Data 2.4.5), and attachments (Data 2.4.11).

use std::cmp::Ordering;

use serde_json::{Map, Value};

use super::{At, Walk};
use crate::time::Duration;
use crate::xapi::{formats, rules};

impl Walk<'_> {
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
                        .is_some_and(|scaled| self.is_beyond_one(at, value, scaled))
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
        if self
            .order(at, map, "min", "max")
            .is_some_and(Ordering::is_ge)
        {
            self.tell(at.key("min"), &rules::MIN_NOT_BELOW_MAX);
        }
        let too_low = self
            .order(at, map, "raw", "min")
            .is_some_and(Ordering::is_lt);
        if too_low
            || self
                .order(at, map, "raw", "max")
                .is_some_and(Ordering::is_gt)
        {
            self.tell(at.key("raw"), &rules::RAW_OUT_OF_RANGE);
        }
    }

    /// Only what a float may not tell is read again: most answers are `1` and `0`.
    fn is_beyond_one(&self, at: At<'_>, value: &Value, scaled: f64) -> bool {
        let is_open = whole(value).is_none() && near(scaled.abs(), 1.0);
        let written = is_open.then(|| self.decimal(at)).flatten();
        written.map_or(scaled.abs() > 1.0, |written| written.is_beyond_one())
    }

    /// How two numbers of a score compare, when both are there.
    fn order(
        &self,
        at: At<'_>,
        score: &Map<String, Value>,
        one: &str,
        other: &str,
    ) -> Option<Ordering> {
        let (a, b) = (score.get(one)?, score.get(other)?);
        if let (Some(a), Some(b)) = (whole(a), whole(b)) {
            return Some(a.cmp(&b));
        }
        let (a, b) = (a.as_f64()?, b.as_f64()?);
        let written = near(a, b)
            .then(|| self.decimal(at.key(one)).zip(self.decimal(at.key(other))))
            .flatten();
        match written {
            Some((a, b)) => Some(a.cmp(&b)),
            None => a.partial_cmp(&b),
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

/// Whether two floats are too near to each other to say which of the numbers that they were read
/// from is less: each may be a unit of its last place away from what was written.
fn near(a: f64, b: f64) -> bool {
    (a - b).abs() <= 4.0 * f64::EPSILON * a.abs().max(b.abs()) + f64::MIN_POSITIVE
}

/// A number that the value keeps to its last digit.
fn whole(number: &Value) -> Option<i128> {
    let signed = number.as_i64().map(i128::from);
    signed.or_else(|| number.as_u64().map(i128::from))
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

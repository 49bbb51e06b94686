//! Statements given back: the formats `exact`, `ids` and `canonical` (xAPI 1.0.3 Communication 2.1.3).
//!
//! [`exact`]: what comes back is the JSON that was sent, numbers digit for digit and keys as sent, but for what
//! the specification makes the LRS set or change: `id`, `stored`, `authority`, `version`, a missing
//! `timestamp`; single context activities become arrays (Data 2.4.6.2); in answers under 2.0,
//! timestamps are told in UTC. The other formats are made from it: [`ids()`], [`canonical()`].

mod canonical;
mod ids;
mod language;

use std::fmt;

use chrono::{DateTime, Utc};
use schemas::ids::StatementId;
use schemas::xapi::XapiVersion;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::timestamp;

pub use canonical::{activities, canonical};
pub use ids::ids;
pub use language::Languages;

/// How Agents, Activities and Verbs of statements are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Format {
    /// As they were sent.
    #[default]
    #[serde(rename = "exact")]
    Exact,
    /// What identifies them, nothing else.
    #[serde(rename = "ids")]
    Ids,
    /// Activities with the definitions that the LRS keeps, texts in one language.
    #[serde(rename = "canonical")]
    Canonical,
}

impl Format {
    /// The format of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "exact" => Some(Self::Exact),
            "ids" => Some(Self::Ids),
            "canonical" => Some(Self::Canonical),
            _ => None,
        }
    }
}

/// A statement as it is kept.
#[derive(Clone, Copy, Debug)]
pub struct Kept<'a> {
    /// The bytes that were sent.
    pub sent: &'a [u8],
    /// Its id.
    pub id: StatementId,
    /// When it was stored.
    pub stored: DateTime<Utc>,
    /// Who vouches for it: an Agent as JSON.
    pub authority: &'a str,
    /// The version of the request that sent it.
    pub version: XapiVersion,
}

/// The statement as JSON, for an answer under the given version.
///
/// Fails only when what is kept is not the object that was once accepted.
pub fn exact(kept: &Kept<'_>, answer: XapiVersion) -> Result<String, serde_json::Error> {
    let members = Members::read(kept.sent)?;
    let mut object = Object::with_capacity(kept.sent.len() + kept.authority.len() + 256);
    for (key, value) in &members.0 {
        match key.as_str() {
            // The client's word on these does not count (Data 2.4.8, 2.4.9).
            "stored" | "authority" => {}
            _ => object.member(key, &statement_member(key, value, answer)?),
        }
    }
    if !members.has("id") {
        object.text("id", &kept.id.to_string());
    }
    let stored = timestamp::of_lrs(kept.stored);
    if !members.has("timestamp") {
        object.text("timestamp", &stored);
    }
    object.text("stored", &stored);
    object.member("authority", kept.authority);
    if !members.has("version") {
        object.text("version", set_version(kept.version));
    }
    Ok(object.close())
}

/// Whether [`exact`] gives this member to a statement that has none.
#[must_use]
pub fn was_set(
    name: &str,
    value: &serde_json::Value,
    stored: DateTime<Utc>,
    version: XapiVersion,
) -> bool {
    match name {
        "stored" => true,
        "timestamp" => value.as_str() == Some(&timestamp::of_lrs(stored)),
        "version" => value.as_str() == Some(set_version(version)),
        _ => false,
    }
}

/// The version of a statement sent without one (Data 2.4.10; IEEE 9274.1.1 4.2.4.2).
fn set_version(request: XapiVersion) -> &'static str {
    match request {
        XapiVersion::V1_0_3 => "1.0.0",
        XapiVersion::V2_0_0 => "2.0.0",
    }
}

/// A member of a Statement or `SubStatement` as it is given back.
fn statement_member(
    key: &str,
    value: &RawValue,
    answer: XapiVersion,
) -> Result<String, serde_json::Error> {
    match key {
        "context" => rewrite(value, |key, value| {
            if key == "contextActivities" {
                rewrite(value, as_array)
            } else {
                verbatim(value)
            }
        }),
        "object" if is_sub_statement(value)? => {
            rewrite(value, |key, value| statement_member(key, value, answer))
        }
        "timestamp" if answer == XapiVersion::V2_0_0 => match timestamp::in_utc(value) {
            Some(utc) => Ok(quoted(&utc)),
            None => verbatim(value),
        },
        _ => verbatim(value),
    }
}

fn is_sub_statement(object: &RawValue) -> Result<bool, serde_json::Error> {
    Ok(object_type(object)? == "SubStatement")
}

/// The `objectType` of an object; an Activity when it does not say (Data 2.4.4).
fn object_type(object: &RawValue) -> Result<String, serde_json::Error> {
    let members = Members::read(object.get().as_bytes())?;
    let kind = members.0.iter().find(|(key, _)| key == "objectType");
    kind.map_or_else(
        || Ok("Activity".to_owned()),
        |(_, kind)| serde_json::from_str(kind.get()),
    )
}

fn as_array(_: &str, value: &RawValue) -> Result<String, serde_json::Error> {
    if value.get().starts_with('{') {
        Ok(format!("[{}]", value.get()))
    } else {
        verbatim(value)
    }
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "one shape for all that gives back a member"
)]
fn verbatim(value: &RawValue) -> Result<String, serde_json::Error> {
    Ok(value.get().to_owned())
}

/// An object again, each member given back by `member`.
fn rewrite(
    object: &RawValue,
    member: impl Fn(&str, &RawValue) -> Result<String, serde_json::Error>,
) -> Result<String, serde_json::Error> {
    let mut out = Object::with_capacity(object.get().len() + 16);
    for (key, value) in &Members::read(object.get().as_bytes())?.0 {
        out.member(key, &member(key, value)?);
    }
    Ok(out.close())
}

/// An array again, each element given back by `element`; what is no array, as the element that it is.
fn each(
    array: &RawValue,
    element: impl Fn(&RawValue) -> Result<String, serde_json::Error>,
) -> Result<String, serde_json::Error> {
    if !array.get().starts_with('[') {
        return element(array);
    }
    let elements: Vec<&RawValue> = serde_json::from_str(array.get())?;
    let elements: Result<Vec<String>, _> = elements.into_iter().map(element).collect();
    Ok(format!("[{}]", elements?.join(",")))
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A JSON object as it is written.
struct Object(String);

impl Object {
    fn with_capacity(bytes: usize) -> Self {
        let mut text = String::with_capacity(bytes);
        text.push('{');
        Self(text)
    }

    fn member(&mut self, key: &str, json: &str) {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        self.0.push_str(&quoted(key));
        self.0.push(':');
        self.0.push_str(json);
    }

    fn text(&mut self, key: &str, text: &str) {
        self.member(key, &quoted(text));
    }

    fn close(mut self) -> String {
        self.0.push('}');
        self.0
    }
}

/// The members of an object in their order, values as they were written.
pub(super) struct Members<'a>(pub(super) Vec<(String, &'a RawValue)>);

impl<'a> Members<'a> {
    pub(super) fn read(json: &'a [u8]) -> Result<Self, serde_json::Error> {
        let mut deserializer = serde_json::Deserializer::from_slice(json);
        let members = deserializer.deserialize_map(InOrder)?;
        deserializer.end()?;
        Ok(Self(members))
    }

    fn has(&self, wanted: &str) -> bool {
        self.0.iter().any(|(key, _)| key == wanted)
    }
}

struct InOrder;

impl<'de> Visitor<'de> for InOrder {
    type Value = Vec<(String, &'de RawValue)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::with_capacity(12);
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "7d0c1f3e-5b2a-4f6e-9c51-2f3b8f0a1c22";

    fn given_back(sent: &str, version: XapiVersion) -> String {
        let kept = Kept {
            sent: sent.as_bytes(),
            id: ID.parse().expect("a UUID"),
            stored: DateTime::from_timestamp_micros(1_780_000_000_000_500).expect("in range"),
            authority: r#"{"mbox":"mailto:lrs@example.org"}"#,
            version,
        };
        exact(&kept, version).expect("an object")
    }

    #[test]
    fn what_was_sent_comes_back_digit_for_digit() {
        let sent = r#"{ "result":{"score":{"raw":1.50,"max":1e2, "min": -0.0}},"é\u0041":12345678901234567890123 }"#;
        assert_eq!(
            given_back(sent, XapiVersion::V1_0_3),
            r#"{"result":{"score":{"raw":1.50,"max":1e2, "min": -0.0}},"éA":12345678901234567890123,"id":"7d0c1f3e-5b2a-4f6e-9c51-2f3b8f0a1c22","timestamp":"2026-05-28T20:26:40.000500Z","stored":"2026-05-28T20:26:40.000500Z","authority":{"mbox":"mailto:lrs@example.org"},"version":"1.0.0"}"#
        );
    }

    #[test]
    fn the_clients_word_on_stored_and_authority_does_not_count() {
        let sent = r#"{"id":"7D0C1F3E-5B2A-4F6E-9C51-2F3B8F0A1C22","stored":"x","authority":{},"version":"1.0.2","timestamp":"2026-10-05T18:42:11.250+02:00"}"#;
        assert_eq!(
            given_back(sent, XapiVersion::V1_0_3),
            r#"{"id":"7D0C1F3E-5B2A-4F6E-9C51-2F3B8F0A1C22","version":"1.0.2","timestamp":"2026-10-05T18:42:11.250+02:00","stored":"2026-05-28T20:26:40.000500Z","authority":{"mbox":"mailto:lrs@example.org"}}"#
        );
    }

    #[test]
    fn single_context_activities_become_arrays_in_a_sub_statement_too() {
        let context = r#"{"contextActivities":{"parent":{"id":"https://example.org/p"},"other":[]},"language":"fr"}"#;
        let array = r#"{"contextActivities":{"parent":[{"id":"https://example.org/p"}],"other":[]},"language":"fr"}"#;
        let sent = format!(
            r#"{{"object":{{"objectType":"SubStatement","context":{context}}},"context":{context}}}"#
        );
        let back = given_back(&sent, XapiVersion::V1_0_3);
        assert_eq!(back.matches(array).count(), 2, "{back}");
    }

    #[test]
    fn under_2_0_times_are_told_in_utc() {
        let sent = r#"{"timestamp":"2026-10-05T18:42:11.25+02:00","object":{"objectType":"SubStatement","timestamp":"2026-10-05T18:42:11-01:00"}}"#;
        let back = given_back(sent, XapiVersion::V2_0_0);
        assert!(
            back.contains(r#""timestamp":"2026-10-05T16:42:11.25Z""#),
            "{back}"
        );
        assert!(
            back.contains(r#""timestamp":"2026-10-05T19:42:11Z""#),
            "{back}"
        );
        for (sent, told) in [
            (
                "00:42:11.1234567891230+01:00",
                "2026-10-04T23:42:11.1234567891230Z",
            ),
            ("18:42:11.000+00:00", "2026-10-05T18:42:11.000Z"),
            ("18:42:11,5", "2026-10-05T18:42:11.5Z"),
            ("00:59:60.70+01:00", "2026-10-04T23:59:60.70Z"),
        ] {
            let sent = format!(r#"{{"timestamp":"2026-10-05T{sent}"}}"#);
            let back = given_back(&sent, XapiVersion::V2_0_0);
            let told = format!(r#""timestamp":"{told}""#);
            assert!(back.contains(&told), "{told} in {back}");
        }
        assert!(back.contains(r#""version":"2.0.0""#), "{back}");
        let utc = r#"{"timestamp":"2026-10-05T18:42:11.1Z"}"#;
        assert!(
            given_back(utc, XapiVersion::V2_0_0)
                .contains(r#""timestamp":"2026-10-05T18:42:11.1Z""#)
        );
    }
}

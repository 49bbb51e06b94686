//! What a credential is given: scopes, an end, what it is bound to.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use schemas::xapi::formats;

use super::{ProfileMode, Scope};

/// Characters in a label at most.
const LABEL_MAX: usize = 200;

/// Characters in an activity prefix at most.
const PREFIX_MAX: usize = 2000;

/// Everything about a new credential but its key and secret.
#[derive(Clone, Debug, Default)]
pub struct Grant {
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// What it is for, in the operator's words.
    pub label: String,
    /// Until when it passes; none: without end.
    pub expires: Option<DateTime<Utc>>,
    /// What it is bound to.
    pub binding: Binding,
    /// How its statements are checked against the profile; none: as the setting says.
    pub profile_mode: Option<ProfileMode>,
}

impl Grant {
    /// Scopes and a label: no end, bound to nothing.
    #[must_use]
    pub fn of(scopes: &[Scope], label: &str) -> Self {
        Self {
            scopes: scopes.to_vec(),
            label: label.to_owned(),
            ..Self::default()
        }
    }

    /// What is wrong with it, by the name of the field; nothing when it can be stored.
    #[must_use]
    pub fn faults(&self, now: DateTime<Utc>) -> Vec<(&'static str, &'static str, String)> {
        let mut faults = Vec::new();
        if self.scopes.is_empty() {
            faults.push((
                "scopes",
                "credential-scopes",
                "a credential has at least one scope".to_owned(),
            ));
        }
        if self.label.chars().count() > LABEL_MAX || self.label.chars().any(char::is_control) {
            faults.push((
                "label",
                "credential-label",
                format!("a label has at most {LABEL_MAX} characters, no control character"),
            ));
        }
        faults.extend(self.expires.and_then(|expires| fault_of_end(expires, now)));
        faults
    }
}

/// What is wrong with the end of a credential, if anything is, as [`Grant::faults`] tells it.
#[must_use]
pub fn fault_of_end(
    expires: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Option<(&'static str, &'static str, String)> {
    let words = "a credential expires in the future";
    (expires <= now).then(|| ("expires", "credential-expires", words.to_owned()))
}

/// What a credential is bound to; nothing by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Binding {
    /// The school that it works for: it reads that school's classes and pupils, and the statements
    /// that it vouched for, since a statement names no school (docs/decisions/0021).
    pub school: Option<School>,
    /// The activities that it may write statements about.
    pub activity_prefix: Option<ActivityPrefix>,
}

/// The code of a school (UAI): seven digits and a capital letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct School(String);

/// A text that is no UAI.
#[derive(Debug, thiserror::Error)]
#[error("a school is named by its UAI: seven digits and a capital letter")]
pub struct NotASchool;

impl FromStr for School {
    type Err = NotASchool;

    fn from_str(text: &str) -> Result<Self, NotASchool> {
        let bytes = text.as_bytes();
        let is_uai = bytes.len() == 8
            && bytes[..7].iter().all(u8::is_ascii_digit)
            && bytes[7].is_ascii_uppercase();
        is_uai.then(|| Self(text.to_owned())).ok_or(NotASchool)
    }
}

impl fmt::Display for School {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The IRI that activities lie under.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActivityPrefix(String);

/// A text under which no activity can lie.
#[derive(Debug, thiserror::Error)]
#[error("an activity prefix is an IRI of at most {PREFIX_MAX} characters")]
pub struct NotAPrefix;

impl ActivityPrefix {
    /// Whether an activity lies under it: it is the prefix, or goes on after a `/`, `#`, `?` or `:`
    /// that ends the prefix or follows it, so that `https://example.org/a` does not hold
    /// `https://example.org/ab`, nor `https://example.org` the host `example.org.other`. IRIs are
    /// compared as they are written: xAPI knows no other equality of them.
    #[must_use]
    pub fn covers(&self, activity: &str) -> bool {
        let Some(rest) = activity.strip_prefix(&self.0) else {
            return false;
        };
        rest.is_empty()
            || self.0.ends_with(['/', '#', '?', ':'])
            || rest.starts_with(['/', '#', '?'])
    }
}

impl FromStr for ActivityPrefix {
    type Err = NotAPrefix;

    fn from_str(text: &str) -> Result<Self, NotAPrefix> {
        let good = formats::is_iri(text) && text.chars().count() <= PREFIX_MAX;
        good.then(|| Self(text.to_owned())).ok_or(NotAPrefix)
    }
}

impl fmt::Display for ActivityPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_school_is_a_uai() {
        assert_eq!(
            "0750655E".parse::<School>().expect("one").to_string(),
            "0750655E"
        );
        for bad in [
            "",
            "0750655e",
            "750655E",
            "07506555E",
            "0750655É",
            "ABCDEFGH",
        ] {
            assert!(bad.parse::<School>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_prefix_ends_where_a_part_of_the_iri_ends() {
        let prefix = |text: &str| text.parse::<ActivityPrefix>().expect("a prefix");
        for (text, activity, covered) in [
            ("https://example.org/a", "https://example.org/a", true),
            ("https://example.org/a", "https://example.org/a/1", true),
            ("https://example.org/a", "https://example.org/a#1", true),
            ("https://example.org/a", "https://example.org/ab", false),
            ("https://example.org/a/", "https://example.org/a/1", true),
            ("https://example.org/a/", "https://example.org/a", false),
            ("https://example.org", "https://example.org/a", true),
            ("https://example.org", "https://example.org.other/a", false),
            ("https://example.org", "https://example.org@other/a", false),
            ("https://example.org", "https://example.org:8080/a", false),
            ("urn:example:", "urn:example:1", true),
            ("https://example.org/a", "HTTPS://example.org/a", false),
        ] {
            assert_eq!(prefix(text).covers(activity), covered, "{text} {activity}");
        }
        assert!("example.org".parse::<ActivityPrefix>().is_err());
    }

    #[test]
    fn what_is_wrong_with_a_grant_is_told_by_field() {
        let now = DateTime::from_timestamp(1_780_000_000, 0).expect("in range");
        let fields = |grant: &Grant| {
            let faults = grant.faults(now);
            faults
                .into_iter()
                .map(|(field, ..)| field)
                .collect::<Vec<_>>()
        };
        assert!(fields(&Grant::of(&[Scope::State], "a label")).is_empty());
        let mut bad = Grant::of(&[], "a\0b");
        bad.expires = Some(now);
        assert_eq!(fields(&bad), ["scopes", "label", "expires"]);
    }
}

//! Parameters of paths and queries.

use std::str::FromStr;

use chrono::{DateTime, Utc};
use schemas::ids::PersonKey;
use serde::Deserialize;
use service::error::Problem;
use uuid::Uuid;

use super::problems;
use crate::aggregates::why::Audience;
use crate::checks::findings::WINDOWS_DAYS;

/// The time of an evaluation, as text: it is read here, so that what is wrong is told by its name.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AsOf {
    as_of: Option<String>,
}

impl AsOf {
    /// Now where it is left out.
    pub(super) fn read(&self) -> Result<DateTime<Utc>, Problem> {
        match &self.as_of {
            Some(text) => Self::time(text),
            None => Ok(service::clock::now()),
        }
    }

    /// It may not be left out.
    pub(super) fn required(&self) -> Result<DateTime<Utc>, Problem> {
        Self::time(self.as_of.as_deref().unwrap_or_default())
    }

    fn time(text: &str) -> Result<DateTime<Utc>, Problem> {
        let read = DateTime::parse_from_rfc3339(text).map(|time| time.to_utc());
        read.map_err(|_| {
            let detail = "as_of is a time of RFC 3339 with its offset, such as \
                          2026-01-31T17:00:00Z; a + in it is written %2B in a query";
            problems::bad("as_of", "as_of-rfc3339", detail)
        })
    }
}

/// For whom something is explained, and as of when.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WhyOf {
    audience: Option<String>,
    as_of: Option<String>,
}

impl WhyOf {
    /// Both; the time is now where it is left out.
    pub(super) fn read(self) -> Result<(Audience, DateTime<Utc>), Problem> {
        let given = self.audience.as_deref();
        let known = Audience::ALL.into_iter();
        let audience = known.clone().find(|one| Some(one.as_str()) == given);
        let audience = audience.ok_or_else(|| {
            let names: Vec<&str> = known.map(Audience::as_str).collect();
            let detail = format!("audience is one of {}", names.join(", "));
            problems::bad("audience", "audience-known", &detail)
        })?;
        let as_of = AsOf { as_of: self.as_of };
        Ok((audience, as_of.read()?))
    }
}

/// Which plot.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PlotOf {
    subject: Option<String>,
    days: Option<String>,
}

impl PlotOf {
    /// The subject, and the days of the window: the longest where they are left out.
    pub(super) fn read(self) -> Result<(String, u32), Problem> {
        let subject = self.subject.filter(|subject| !subject.is_empty());
        let subject = subject.ok_or_else(|| {
            problems::bad("subject", "subject-required", "a plot is of a subject")
        })?;
        let longest = WINDOWS_DAYS.into_iter().max().unwrap_or_default();
        let days = match self.days {
            None => longest,
            Some(text) => {
                let known = WINDOWS_DAYS.into_iter();
                let found = known.into_iter().find(|days| days.to_string() == text);
                let detail = "days is 1, 7 or 28";
                found.ok_or_else(|| problems::bad("days", "days-window", detail))?
            }
        };
        Ok((subject, days))
    }
}

/// A number of a path.
pub(super) fn number(name: &str, text: &str) -> Result<i64, Problem> {
    let number = text.parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| {
        let detail = format!("{name} is a whole number above 0");
        problems::bad(name, &format!("{name}-number"), &detail)
    })
}

/// A key of a path.
pub(super) fn key(text: &str) -> Result<PersonKey, Problem> {
    PersonKey::from_str(text)
        .map_err(|_| problems::bad("key", "key-uuid", "a key is a UUID of 36 characters"))
}

/// A UUID of 36 characters, as everywhere in a path or a body of ours.
pub(super) fn uuid(text: &str) -> Option<Uuid> {
    PersonKey::from_str(text).ok().map(|key| key.as_uuid())
}

/// The key of a class in a path.
pub(super) fn class(text: &str) -> Result<Uuid, Problem> {
    key(text).map(|key| key.as_uuid())
}

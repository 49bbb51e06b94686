//! The parameters of a GET, read strictly: what is not understood is refused, never ignored.

use chrono::{DateTime, Utc};
use schemas::ids::{AccountKey, Registration, StatementId};
use schemas::ifi::Ifi;
use schemas::xapi::{self, Fault, XapiVersion, formats};
use schemas::{strict_json, time};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::statement::format::Format;

const SECTION: &str = "xAPI 1.0.3 Communication 2.1.3";

/// What a GET asks for.
#[derive(Debug)]
pub enum Ask {
    /// The statement with this id, unless it is voided.
    One(StatementId, Shown),
    /// The voided statement with this id.
    Voided(StatementId, Shown),
    /// The next page; the text of a cursor, not read yet.
    More(String),
    /// A page of statements.
    Many(Filter),
}

/// How statements are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// As they were sent, or made shorter.
    #[serde(rename = "f", default)]
    pub format: Format,
    /// With the contents of their attachments.
    #[serde(rename = "a", default)]
    pub attachments: bool,
}

/// What a caller may read at all; everything that is given must hold, of a statement and of what it
/// inherits from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Restriction {
    /// Only what this authority vouches for: its key, [`crate::statement::Authority::hash`].
    pub authority: Option<Uuid>,
    /// Only statements whose actor is one of these accounts.
    pub actors: Option<Vec<AccountKey>>,
}

impl Restriction {
    /// Whether a statement of this authority and this actor may be read.
    #[must_use]
    pub fn allows(&self, authority: Uuid, actor: Option<AccountKey>) -> bool {
        self.authority.is_none_or(|only| only == authority)
            && self
                .actors
                .as_ref()
                .is_none_or(|only| actor.is_some_and(|actor| only.contains(&actor)))
    }
}

/// Which statements; everything that is given must hold.
#[derive(Debug, Default)]
pub struct Filter {
    /// Actor, object or member of either.
    pub agent: Option<Ifi>,
    /// The agent may also be authority, instructor, in a team, in a context list or in a
    /// `SubStatement`.
    pub related_agents: bool,
    /// IRI of the verb.
    pub verb: Option<String>,
    /// IRI of the object, an Activity.
    pub activity: Option<String>,
    /// The activity may also be in the context or in a `SubStatement`.
    pub related_activities: bool,
    /// The registration.
    pub registration: Option<Registration>,
    /// Stored after this.
    pub since: Option<DateTime<Utc>>,
    /// Stored at this or before.
    pub until: Option<DateTime<Utc>>,
    /// Statements a page; none or 0: as many as the LRS gives at most.
    pub limit: Option<u32>,
    /// Oldest first.
    pub ascending: bool,
    /// How they are shown.
    pub shown: Shown,
}

/// Reads the decoded parameters of a GET; every fault is told, its pointer is the parameter's name.
pub fn read(parameters: &[(String, String)], version: XapiVersion) -> Result<Ask, Vec<Fault>> {
    let mut reader = Reader {
        version,
        filter: Filter::default(),
        single: None,
        faults: Vec::new(),
    };
    for (index, (name, value)) in parameters.iter().enumerate() {
        if parameters[..index]
            .iter()
            .any(|(earlier, _)| earlier == name)
        {
            reader.fault(
                name,
                "query-parameter-once",
                "a parameter stands once in a query",
            );
        } else {
            reader.take(name, value);
        }
    }
    reader.finish(parameters)
}

struct Reader {
    version: XapiVersion,
    filter: Filter,
    single: Option<Single>,
    faults: Vec<Fault>,
}

/// What is asked for in place of a page of a filter.
enum Single {
    One(StatementId),
    Voided(StatementId),
    More(String),
}

impl Reader {
    fn take(&mut self, name: &str, value: &str) {
        match name {
            "statementId" => self.single = self.id(name, value).map(Single::One),
            "voidedStatementId" => self.single = self.id(name, value).map(Single::Voided),
            "more" => self.single = Some(Single::More(value.to_owned())),
            "agent" => self.filter.agent = self.agent(value),
            "verb" => self.filter.verb = self.iri(name, value),
            "activity" => self.filter.activity = self.iri(name, value),
            "registration" => {
                self.filter.registration = value.parse().ok();
                if self.filter.registration.is_none() {
                    self.fault(
                        name,
                        "query-registration-not-uuid",
                        "registration is a UUID in standard string form",
                    );
                }
            }
            "since" => self.filter.since = self.time(name, value),
            "until" => self.filter.until = self.time(name, value),
            "limit" => self.filter.limit = self.limit(value),
            "ascending" => self.filter.ascending = self.boolean(name, value).unwrap_or_default(),
            "related_activities" => {
                self.filter.related_activities = self.boolean(name, value).unwrap_or_default();
            }
            "related_agents" => {
                self.filter.related_agents = self.boolean(name, value).unwrap_or_default();
            }
            "attachments" => {
                self.filter.shown.attachments = self.boolean(name, value).unwrap_or_default();
            }
            "format" => self.filter.shown.format = self.format(value).unwrap_or_default(),
            _ => self.fault(
                name,
                "query-parameter-unknown",
                "the resource has no such parameter (names are written as in the specification)",
            ),
        }
    }

    fn finish(mut self, parameters: &[(String, String)]) -> Result<Ask, Vec<Fault>> {
        // `more` says which page it is whatever stands beside it: a client in use (Ralph) sends the
        // query again with it.
        for alone in ["statementId", "voidedStatementId"] {
            let allowed = |name: &str| name == alone || matches!(name, "attachments" | "format");
            if parameters.iter().any(|(name, _)| name == alone)
                && let Some((other, _)) = parameters.iter().find(|(name, _)| !allowed(name))
            {
                let words = format!("{alone} does not go with this parameter");
                self.fault(other, "query-parameter-combination", &words);
                break;
            }
        }
        if !self.faults.is_empty() {
            return Err(self.faults);
        }
        let shown = self.filter.shown;
        Ok(match self.single {
            Some(Single::One(id)) => Ask::One(id, shown),
            Some(Single::Voided(id)) => Ask::Voided(id, shown),
            Some(Single::More(text)) => Ask::More(text),
            None => Ask::Many(self.filter),
        })
    }

    fn id(&mut self, name: &str, value: &str) -> Option<StatementId> {
        let id = value.parse().ok();
        if id.is_none() {
            self.fault(
                name,
                "query-id-not-uuid",
                "a statement's id is a UUID in standard string form",
            );
        }
        id
    }

    fn agent(&mut self, value: &str) -> Option<Ifi> {
        let faults = match strict_json::parse(value.as_bytes()) {
            Ok(actor) => {
                let faults = xapi::validate_actor(&actor, self.version);
                let ifi = Ifi::from_actor(&actor);
                if faults.is_empty() && ifi.is_none() {
                    self.fault(
                        "agent",
                        "query-agent-anonymous",
                        "a Group here has an identifier",
                    );
                }
                if faults.is_empty() {
                    return ifi;
                }
                faults
            }
            Err(fault) => vec![fault],
        };
        self.faults
            .extend(faults.into_iter().map(|fault| fault.under("agent")));
        None
    }

    fn iri(&mut self, name: &str, value: &str) -> Option<String> {
        if formats::is_iri(value) {
            return Some(value.to_owned());
        }
        self.fault(name, "query-not-iri", "an IRI with a scheme is required");
        None
    }

    fn time(&mut self, name: &str, value: &str) -> Option<DateTime<Utc>> {
        // A + that was not percent-encoded arrives as a space; no timestamp holds one.
        let at = time::parse_timestamp(&value.replace(' ', "+"));
        if at.is_none() {
            self.fault(
                name,
                "query-timestamp-not-iso8601",
                "a date and time of ISO 8601 is required",
            );
        }
        at.map(|at| at.utc)
    }

    fn limit(&mut self, value: &str) -> Option<u32> {
        let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
        if !digits {
            self.fault(
                "limit",
                "query-limit-not-integer",
                "limit is a whole number of at least 0",
            );
            return None;
        }
        // More digits than fit: as many as the LRS gives at most.
        Some(value.parse().unwrap_or(u32::MAX))
    }

    fn boolean(&mut self, name: &str, value: &str) -> Option<bool> {
        let read = value.parse().ok();
        if read.is_none() {
            self.fault(name, "query-not-boolean", "true or false is required");
        }
        read
    }

    fn format(&mut self, value: &str) -> Option<Format> {
        let format = Format::named(value);
        if format.is_none() {
            self.fault(
                "format",
                "query-format-unknown",
                "format is ids, exact or canonical",
            );
        }
        format
    }

    fn fault(&mut self, name: &str, rule: &'static str, detail: &str) {
        self.faults.push(Fault {
            pointer: name.to_owned(),
            rule,
            section: SECTION,
            detail: detail.to_owned(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(parameters: &[(&str, &str)]) -> Result<Ask, Vec<(String, &'static str)>> {
        let parameters: Vec<_> = parameters
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        read(&parameters, XapiVersion::V1_0_3).map_err(|faults| {
            faults
                .into_iter()
                .map(|fault| (fault.pointer, fault.rule))
                .collect()
        })
    }

    #[test]
    fn everything_asked_is_read() {
        let Ok(Ask::Many(filter)) = asked(&[
            ("agent", r#"{"mbox":"mailto:a@example.org"}"#),
            ("verb", "https://example.org/v"),
            ("since", "2026-10-05T18:42:11 02:00"),
            ("limit", "0"),
            ("ascending", "true"),
            ("format", "ids"),
            ("attachments", "true"),
            ("related_agents", "true"),
            ("related_activities", "false"),
        ]) else {
            panic!("a page is asked for")
        };
        assert_eq!(
            filter.agent,
            Some(Ifi::Mbox("mailto:a@example.org".to_owned()))
        );
        assert_eq!(
            filter.since.map(|at| at.to_rfc3339()),
            Some("2026-10-05T16:42:11+00:00".to_owned())
        );
        assert_eq!((filter.limit, filter.ascending), (Some(0), true));
        assert_eq!(
            (filter.related_agents, filter.related_activities),
            (true, false)
        );
        let shown = Shown {
            format: Format::Ids,
            attachments: true,
        };
        assert_eq!(filter.shown, shown);
        let id = "7d0c1f3e-5b2a-4f6e-9c51-2f3b8f0a1c22";
        let one = asked(&[
            ("attachments", "true"),
            ("statementId", id),
            ("format", "ids"),
        ]);
        assert!(
            matches!(one, Ok(Ask::One(_, given)) if given == shown),
            "{one:?}"
        );
    }

    #[test]
    fn more_may_stand_beside_its_query() {
        let with_more = asked(&[
            ("verb", "https://example.org/v"),
            ("limit", "10"),
            ("more", "x"),
        ]);
        assert!(matches!(with_more, Ok(Ask::More(text)) if text == "x"));
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        let id = "7d0c1f3e-5b2a-4f6e-9c51-2f3b8f0a1c22";
        for (parameters, name, rule) in [
            (
                &[("Verb", "https://example.org/v")][..],
                "Verb",
                "query-parameter-unknown",
            ),
            (&[("verb", "v")], "verb", "query-not-iri"),
            (&[("limit", "-1")], "limit", "query-limit-not-integer"),
            (
                &[("limit", "1"), ("limit", "1")],
                "limit",
                "query-parameter-once",
            ),
            (
                &[("statementId", id), ("voidedStatementId", id)],
                "voidedStatementId",
                "query-parameter-combination",
            ),
            (
                &[("statementId", id), ("limit", "1")],
                "limit",
                "query-parameter-combination",
            ),
            (
                &[("statementId", id), ("more", "x")],
                "more",
                "query-parameter-combination",
            ),
            (&[("statementId", "x")], "statementId", "query-id-not-uuid"),
            (&[("agent", "{")], "agent", "json-syntax"),
            (
                &[("agent", r#"{"mbox":"a@example.org"}"#)],
                "agent/mbox",
                "mbox-not-mailto",
            ),
            (&[("ascending", "yes")], "ascending", "query-not-boolean"),
            (&[("format", "Canonical")], "format", "query-format-unknown"),
            (
                &[("related_agents", "1")],
                "related_agents",
                "query-not-boolean",
            ),
            (&[("attachments", "")], "attachments", "query-not-boolean"),
            (
                &[("until", "yesterday")],
                "until",
                "query-timestamp-not-iso8601",
            ),
        ] {
            assert_eq!(
                asked(parameters).expect_err(rule),
                [(name.to_owned(), rule)]
            );
        }
    }
}

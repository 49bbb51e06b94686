//! The parameters of a GET, read strictly: what is not understood is refused, never ignored.

use chrono::{DateTime, Utc};
use schemas::ids::{Registration, StatementId};
use schemas::ifi::Ifi;
use schemas::xapi::{self, Fault, XapiVersion, formats};
use schemas::{strict_json, time};

const SECTION: &str = "xAPI 1.0.3 Communication 2.1.3";

/// What a GET asks for.
#[derive(Debug)]
pub enum Ask {
    /// The statement with this id, unless it is voided.
    One(StatementId),
    /// The voided statement with this id.
    Voided(StatementId),
    /// The next page; the text of a cursor, not read yet.
    More(String),
    /// A page of statements.
    Many(Filter),
}

/// Which statements; everything that is given must hold.
#[derive(Debug, Default)]
pub struct Filter {
    /// Actor, object or member of either.
    pub agent: Option<Ifi>,
    /// IRI of the verb.
    pub verb: Option<String>,
    /// IRI of the object, an Activity.
    pub activity: Option<String>,
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
    single: Option<Ask>,
    faults: Vec<Fault>,
}

impl Reader {
    fn take(&mut self, name: &str, value: &str) {
        match name {
            "statementId" => self.single = self.id(name, value).map(Ask::One),
            "voidedStatementId" => self.single = self.id(name, value).map(Ask::Voided),
            "more" => self.single = Some(Ask::More(value.to_owned())),
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
            "related_activities" | "related_agents" | "attachments" => {
                if self.boolean(name, value) == Some(true) {
                    self.fault(
                        name,
                        "query-not-supported",
                        "this LRS knows false alone here, so far",
                    );
                }
            }
            "format" => self.format(value),
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
        Ok(self.single.unwrap_or(Ask::Many(self.filter)))
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

    fn format(&mut self, value: &str) {
        match value {
            "exact" => {}
            "ids" | "canonical" => self.fault(
                "format",
                "query-not-supported",
                "this LRS knows exact alone, so far",
            ),
            _ => self.fault(
                "format",
                "query-format-unknown",
                "format is ids, exact or canonical",
            ),
        }
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
            ("format", "exact"),
            ("related_agents", "false"),
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
            (&[("format", "canonical")], "format", "query-not-supported"),
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

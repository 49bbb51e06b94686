//! The parameters of the document resources, of Agents and of Activities, read strictly: what is not
//! understood is refused, never ignored.

use chrono::{DateTime, Utc};
use schemas::ids::{AccountKey, Registration};
use schemas::ifi::Ifi;
use schemas::xapi::{self, Fault, XapiVersion, formats};
use schemas::{strict_json, time};
use serde_json::{Map, Value};

use super::{Address, Kind, Place};
use crate::statement::keys::{Identified, Iri};

/// What a request is about to do: it decides which parameters there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// GET: one document, or the ids of many.
    Read,
    /// PUT, POST: one document.
    Write,
    /// DELETE: one document; of State, many.
    Delete,
}

/// What a request asks for.
#[derive(Debug, PartialEq, Eq)]
pub enum Ask {
    /// One document.
    One(Address),
    /// The documents of a place: all, or those that changed after an instant.
    Many(Place, Option<DateTime<Utc>>),
}

impl Ask {
    /// What the documents belong to; its agent is whose they are.
    #[must_use]
    pub fn place(&self) -> &Place {
        match self {
            Self::One(address) => &address.place,
            Self::Many(place, _) => place,
        }
    }
}

/// An agent that a request names.
#[derive(Clone, PartialEq)]
pub struct NamedAgent {
    /// As it was sent.
    pub agent: Value,
    /// Its identifier.
    pub ifi: Ifi,
}

// The name and the identifier stand in no log.
impl std::fmt::Debug for NamedAgent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("NamedAgent").field(&self.ifi).finish()
    }
}

impl NamedAgent {
    /// Its key, and its identifier alone as JSON.
    #[must_use]
    pub fn identified(&self, secret: &[u8]) -> Identified {
        let kind = self.ifi.kind();
        let identifier = self.agent.get(kind).cloned().unwrap_or_default();
        Identified {
            account: AccountKey::derive(secret, &self.ifi),
            ifi: Value::Object(Map::from_iter([(kind.to_owned(), identifier)])).to_string(),
        }
    }
}

/// Reads the decoded parameters of a document resource. Every fault is told, its pointer is the
/// parameter's name. `secret` is what account keys are derived from.
pub fn read(
    kind: Kind,
    purpose: Purpose,
    parameters: &[(String, String)],
    version: XapiVersion,
    secret: &[u8],
) -> Result<Ask, Vec<Fault>> {
    let mut reader = Reader {
        kind,
        purpose,
        version,
        secret,
        place: Place {
            kind,
            activity: None,
            agent: None,
            registration: None,
        },
        id: None,
        since: None,
        faults: repeated(parameters, kind.section()),
    };
    for (name, value) in parameters {
        reader.take(name, value);
    }
    reader.finish(parameters)
}

/// The agent that the Agents resource is asked for: an Agent, not a Group (Communication 2.4).
pub fn agents(
    parameters: &[(String, String)],
    version: XapiVersion,
) -> Result<NamedAgent, Vec<Fault>> {
    const SECTION: &str = "xAPI 1.0.3 Communication 2.4";
    only("agent", parameters, SECTION)
        .and_then(|value| agent(value, version, Groups::Refused, SECTION))
}

/// The activity that the Activities resource is asked for.
pub fn activities(parameters: &[(String, String)]) -> Result<Iri, Vec<Fault>> {
    const SECTION: &str = "xAPI 1.0.3 Communication 2.5";
    only("activityId", parameters, SECTION).and_then(|value| activity(value, SECTION))
}

struct Reader<'a> {
    kind: Kind,
    purpose: Purpose,
    version: XapiVersion,
    secret: &'a [u8],
    place: Place,
    id: Option<String>,
    since: Option<DateTime<Utc>>,
    faults: Vec<Fault>,
}

impl Reader<'_> {
    fn take(&mut self, name: &str, value: &str) {
        let section = self.kind.section();
        match name {
            "activityId" if self.kind != Kind::AgentProfile => {
                let read = activity(value, section);
                self.place.activity = self.kept(read);
            }
            "agent" if self.kind != Kind::ActivityProfile => {
                let groups = match self.kind {
                    Kind::State => Groups::Identified,
                    Kind::ActivityProfile | Kind::AgentProfile => Groups::Refused,
                };
                let read = agent(value, self.version, groups, section);
                self.place.agent = self.kept(read).map(|named| named.identified(self.secret));
            }
            "registration" if self.kind == Kind::State => {
                let read = registration(value, section);
                self.place.registration = self.kept(read);
            }
            "since" if self.purpose == Purpose::Read => {
                let read = since(value, section);
                self.since = self.kept(read);
            }
            _ if name == self.kind.id_parameter() => self.id = Some(value.to_owned()),
            _ => self.faults.push(unknown(name, section)),
        }
    }

    fn kept<T>(&mut self, read: Result<T, Vec<Fault>>) -> Option<T> {
        read.map_err(|faults| self.faults.extend(faults)).ok()
    }

    fn finish(mut self, parameters: &[(String, String)]) -> Result<Ask, Vec<Fault>> {
        let section = self.kind.section();
        let is_given = |wanted: &str| parameters.iter().any(|(name, _)| name == wanted);
        let id = self.kind.id_parameter();
        let one_document = match self.purpose {
            Purpose::Read => false,
            Purpose::Write => true,
            Purpose::Delete => self.kind != Kind::State,
        };
        let required = [
            ("activityId", self.kind != Kind::AgentProfile),
            ("agent", self.kind != Kind::ActivityProfile),
            (id, one_document),
        ];
        for (name, _) in required.iter().filter(|(name, is)| *is && !is_given(name)) {
            self.faults.push(missing(name, section));
        }
        if is_given(id) && is_given("since") && self.purpose == Purpose::Read {
            self.faults.push(fault(
                "since",
                "query-parameter-combination",
                section,
                "since is for the ids of many documents, not for one document",
            ));
        }
        if !self.faults.is_empty() {
            return Err(self.faults);
        }
        let place = self.place;
        Ok(match self.id {
            Some(id) => Ask::One(Address { place, id }),
            None => Ask::Many(place, self.since),
        })
    }
}

/// The value of the one parameter that there is.
fn only<'a>(
    wanted: &str,
    parameters: &'a [(String, String)],
    section: &'static str,
) -> Result<&'a str, Vec<Fault>> {
    let mut faults = repeated(parameters, section);
    let others = parameters.iter().filter(|(name, _)| name != wanted);
    faults.extend(others.map(|(name, _)| unknown(name, section)));
    match parameters.iter().find(|(name, _)| name == wanted) {
        Some((_, value)) if faults.is_empty() => return Ok(value),
        Some(_) => {}
        None => faults.push(missing(wanted, section)),
    }
    Err(faults)
}

fn repeated(parameters: &[(String, String)], section: &'static str) -> Vec<Fault> {
    parameters
        .iter()
        .enumerate()
        .filter(|(index, (name, _))| {
            parameters[..*index]
                .iter()
                .any(|(earlier, _)| earlier == name)
        })
        .map(|(_, (name, _))| {
            fault(
                name,
                "query-parameter-once",
                section,
                "a parameter stands once in a query",
            )
        })
        .collect()
}

fn unknown(name: &str, section: &'static str) -> Fault {
    fault(
        name,
        "query-parameter-unknown",
        section,
        "the resource has no such parameter for this method (names are written as in the specification)",
    )
}

fn missing(name: &str, section: &'static str) -> Fault {
    fault(
        name,
        "query-parameter-required",
        section,
        "this parameter is required",
    )
}

fn fault(name: &str, rule: &'static str, section: &'static str, detail: &str) -> Fault {
    Fault {
        pointer: name.to_owned(),
        rule,
        section,
        detail: detail.to_owned(),
    }
}

fn activity(value: &str, section: &'static str) -> Result<Iri, Vec<Fault>> {
    if formats::is_iri(value) {
        return Ok(Iri::new(value));
    }
    Err(vec![fault(
        "activityId",
        "query-not-iri",
        section,
        "an IRI with a scheme is required",
    )])
}

/// Whether a Group may stand where an Agent is asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Groups {
    /// One that has an identifier.
    Identified,
    /// None.
    Refused,
}

fn agent(
    value: &str,
    version: XapiVersion,
    groups: Groups,
    section: &'static str,
) -> Result<NamedAgent, Vec<Fault>> {
    let agent = strict_json::parse(value.as_bytes()).map_err(|fault| vec![fault.under("agent")])?;
    let faults = xapi::validate_actor(&agent, version);
    if !faults.is_empty() {
        return Err(faults
            .into_iter()
            .map(|fault| fault.under("agent"))
            .collect());
    }
    let one = |rule, detail| vec![fault("agent", rule, section, detail)];
    let is_group = agent.get("objectType").and_then(Value::as_str) == Some("Group");
    if is_group && groups == Groups::Refused {
        return Err(one(
            "query-agent-group",
            "an Agent is required here; a Group's identifier may stand in an Agent",
        ));
    }
    match Ifi::from_actor(&agent) {
        Some(ifi) => Ok(NamedAgent { agent, ifi }),
        None => Err(one(
            "query-agent-anonymous",
            "a Group here has an identifier",
        )),
    }
}

fn registration(value: &str, section: &'static str) -> Result<Registration, Vec<Fault>> {
    value.parse().map_err(|_| {
        vec![fault(
            "registration",
            "query-registration-not-uuid",
            section,
            "registration is a UUID in standard string form",
        )]
    })
}

fn since(value: &str, section: &'static str) -> Result<DateTime<Utc>, Vec<Fault>> {
    // A + that was not percent-encoded arrives as a space; no timestamp holds one.
    time::parse_timestamp(&value.replace(' ', "+"))
        .map(|at| at.utc)
        .ok_or_else(|| {
            vec![fault(
                "since",
                "query-timestamp-not-iso8601",
                section,
                "a date and time of ISO 8601 is required",
            )]
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACTIVITY: (&str, &str) = ("activityId", "https://example.org/a");
    const AGENT: (&str, &str) = ("agent", r#"{"mbox":"mailto:a@example.org","name":"A"}"#);

    fn owned(parameters: &[(&str, &str)]) -> Vec<(String, String)> {
        parameters
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    fn told(faults: Vec<Fault>) -> Vec<(String, &'static str)> {
        faults
            .into_iter()
            .map(|fault| (fault.pointer, fault.rule))
            .collect()
    }

    fn asked(
        kind: Kind,
        purpose: Purpose,
        parameters: &[(&str, &str)],
    ) -> Result<Ask, Vec<(String, &'static str)>> {
        read(
            kind,
            purpose,
            &owned(parameters),
            XapiVersion::V1_0_3,
            b"secret",
        )
        .map_err(told)
    }

    #[test]
    fn a_state_is_named_by_activity_agent_registration_and_id() {
        let registration = "7d0c1f3e-5b2a-4f6e-9c51-2f3b8f0a1c22";
        let ask = asked(
            Kind::State,
            Purpose::Write,
            &[
                ACTIVITY,
                AGENT,
                ("registration", registration),
                ("stateId", "é/\" "),
            ],
        );
        let Ok(Ask::One(address)) = ask else {
            panic!("one document")
        };
        assert_eq!(address.id, "é/\" ");
        assert_eq!(address.place.registration, registration.parse().ok());
        let agent = address.place.agent.expect("an agent");
        assert_eq!(agent.ifi, r#"{"mbox":"mailto:a@example.org"}"#);
        assert_eq!(
            address.place.activity,
            Some(Iri::new("https://example.org/a"))
        );
    }

    #[test]
    fn many_are_asked_for_without_an_id() {
        let since = ("since", "2026-10-05T18:42:11.5 02:00");
        let Ok(Ask::Many(place, Some(at))) =
            asked(Kind::AgentProfile, Purpose::Read, &[AGENT, since])
        else {
            panic!("many documents")
        };
        assert_eq!((place.activity, place.kind), (None, Kind::AgentProfile));
        assert_eq!(at.to_rfc3339(), "2026-10-05T16:42:11.500+00:00");
        assert!(asked(Kind::State, Purpose::Delete, &[ACTIVITY, AGENT]).is_ok());
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        use Kind as K;
        use Purpose as P;
        let state = ("stateId", "s");
        let profile = ("profileId", "p");
        let group = r#"{"objectType":"Group","mbox":"mailto:g@example.org"}"#;
        let anonymous = r#"{"objectType":"Group","member":[{"mbox":"mailto:a@example.org"}]}"#;
        for (kind, purpose, parameters, name, rule) in [
            (
                K::State,
                P::Write,
                &[AGENT, state][..],
                "activityId",
                "query-parameter-required",
            ),
            (
                K::State,
                P::Read,
                &[ACTIVITY, state],
                "agent",
                "query-parameter-required",
            ),
            (
                K::State,
                P::Write,
                &[ACTIVITY, AGENT],
                "stateId",
                "query-parameter-required",
            ),
            (
                K::AgentProfile,
                P::Delete,
                &[AGENT],
                "profileId",
                "query-parameter-required",
            ),
            (
                K::ActivityProfile,
                P::Delete,
                &[ACTIVITY],
                "profileId",
                "query-parameter-required",
            ),
            (
                K::State,
                P::Read,
                &[ACTIVITY, AGENT, ("StateId", "s")],
                "StateId",
                "query-parameter-unknown",
            ),
            (
                K::State,
                P::Read,
                &[ACTIVITY, AGENT, profile],
                "profileId",
                "query-parameter-unknown",
            ),
            (
                K::AgentProfile,
                P::Read,
                &[AGENT, ACTIVITY],
                "activityId",
                "query-parameter-unknown",
            ),
            (
                K::ActivityProfile,
                P::Read,
                &[ACTIVITY, AGENT],
                "agent",
                "query-parameter-unknown",
            ),
            (
                K::AgentProfile,
                P::Read,
                &[AGENT, ("registration", "x")],
                "registration",
                "query-parameter-unknown",
            ),
            (
                K::State,
                P::Write,
                &[ACTIVITY, AGENT, state, ("since", "x")],
                "since",
                "query-parameter-unknown",
            ),
            (
                K::State,
                P::Delete,
                &[ACTIVITY, AGENT, ("since", "x")],
                "since",
                "query-parameter-unknown",
            ),
            (
                K::State,
                P::Read,
                &[ACTIVITY, AGENT, state, state],
                "stateId",
                "query-parameter-once",
            ),
            (
                K::State,
                P::Read,
                &[ACTIVITY, AGENT, ("since", "not a timestamp")],
                "since",
                "query-timestamp-not-iso8601",
            ),
            (
                K::State,
                P::Read,
                &[ACTIVITY, AGENT, state, ("since", "2026-10-05T18:42:11Z")],
                "since",
                "query-parameter-combination",
            ),
            (
                K::State,
                P::Read,
                &[ACTIVITY, AGENT, ("registration", "true")],
                "registration",
                "query-registration-not-uuid",
            ),
            (
                K::State,
                P::Read,
                &[("activityId", "true"), AGENT],
                "activityId",
                "query-not-iri",
            ),
            (
                K::State,
                P::Read,
                &[ACTIVITY, ("agent", "not JSON")],
                "agent",
                "json-syntax",
            ),
            (
                K::State,
                P::Read,
                &[ACTIVITY, ("agent", r#"{"mbox":"a"}"#)],
                "agent/mbox",
                "mbox-not-mailto",
            ),
            (
                K::State,
                P::Read,
                &[ACTIVITY, ("agent", anonymous)],
                "agent",
                "query-agent-anonymous",
            ),
            (
                K::AgentProfile,
                P::Read,
                &[("agent", group)],
                "agent",
                "query-agent-group",
            ),
        ] {
            assert_eq!(
                asked(kind, purpose, parameters),
                Err(vec![(name.to_owned(), rule)]),
                "{kind:?} {purpose:?}"
            );
        }
        assert!(asked(K::State, P::Read, &[ACTIVITY, ("agent", group)]).is_ok());
        assert_eq!(
            asked(K::State, P::Write, &[("x", "")])
                .expect_err("many")
                .len(),
            4,
            "every fault is told"
        );
    }

    #[test]
    fn agents_and_activities_have_one_parameter() {
        let agents = |parameters: &[(&str, &str)]| {
            agents(&owned(parameters), XapiVersion::V2_0_0)
                .map(|named| named.ifi.kind())
                .map_err(told)
        };
        assert_eq!(agents(&[AGENT]), Ok("mbox"));
        let told_one = |name: &str, rule| vec![(name.to_owned(), rule)];
        assert_eq!(
            agents(&[]),
            Err(told_one("agent", "query-parameter-required"))
        );
        assert_eq!(
            agents(&[AGENT, ("x", "")]),
            Err(told_one("x", "query-parameter-unknown"))
        );
        let activities = |parameters: &[(&str, &str)]| activities(&owned(parameters)).map_err(told);
        assert_eq!(
            activities(&[ACTIVITY]).map(|iri| iri.text),
            Ok("https://example.org/a".to_owned())
        );
        assert_eq!(
            activities(&[("activityId", "a")]).map(|iri| iri.text),
            Err(told_one("activityId", "query-not-iri"))
        );
        assert_eq!(
            activities(&[ACTIVITY, ACTIVITY]).map(|iri| iri.text),
            Err(told_one("activityId", "query-parameter-once"))
        );
    }
}

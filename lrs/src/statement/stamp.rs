//! What the LRS adds at the door: id and authority; and what is read out of a statement for its
//! row. After this only the database can refuse.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use schemas::ids::{Registration, StatementId};
use schemas::profile::{self, Candidate, verbs};
use schemas::xapi::XapiVersion;
use serde_json::Value;
use uuid::{Builder, NoContext, Timestamp, Uuid, Version};

use super::attachments::Attached;
use super::definition::{self, Definition};
use super::keys::{self, Agents, Iri};
use super::parse::Parsed;
use super::payload;

/// Who vouches for a statement (xAPI 1.0.3 Data 2.4.9), as it is shown. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Authority {
    hash: Uuid,
    document: Arc<str>,
}

impl Authority {
    /// The authority that an Agent is.
    #[must_use]
    pub fn new(agent: &Value) -> Self {
        let document: Arc<str> = agent.to_string().into();
        Self {
            hash: keys::hash(&document),
            document,
        }
    }

    /// Its key in the dictionary.
    #[must_use]
    pub fn hash(&self) -> Uuid {
        self.hash
    }

    /// The Agent as JSON.
    #[must_use]
    pub fn document(&self) -> &str {
        &self.document
    }
}

/// A statement as its row will be. Only [`Stamper::stamp`] makes one.
#[derive(Debug)]
pub struct Stamped {
    /// Its id, sent or minted.
    pub id: StatementId,
    /// The version of the request.
    pub version: XapiVersion,
    /// What the filters `agent` and `related_agents` find it by.
    pub agents: Agents,
    /// The IRI of the verb.
    pub verb: Iri,
    /// The IRI of the object, when it is an Activity.
    pub activity: Option<Iri>,
    /// The further activities that `related_activities` finds it by.
    pub related_activities: Vec<Iri>,
    /// The target, when its object is a `StatementRef`; a voiding's, too.
    pub refers_to: Option<StatementId>,
    /// `context.registration`.
    pub registration: Option<Registration>,
    /// The target, when it is a voiding.
    pub voids: Option<StatementId>,
    /// What it is to mastery.
    pub candidate: Candidate,
    /// Who vouches for it.
    pub authority: Authority,
    /// Whether its sender may void what another authority wrote.
    pub voids_others: bool,
    /// The bytes that were sent, compressed.
    pub payload: Vec<u8>,
    /// What it says of activities, if its sender may define them.
    pub definitions: Vec<Definition>,
    /// The attachments whose content was sent along; empty until they are matched.
    pub attachments: Vec<Attached>,
}

/// Stamps the statements of one request.
#[derive(Debug)]
pub struct Stamper<'a> {
    /// The installation's secret, from which account keys are derived.
    pub secret: &'a [u8],
    /// Who vouches.
    pub authority: Authority,
    /// Whether the sender may void what another authority wrote.
    pub voids_others: bool,
    /// Minted ids start with this time, so that they lie together in the index.
    pub now: DateTime<Utc>,
    /// Whether the sender may define activities.
    pub define: bool,
}

impl Stamper<'_> {
    /// Stamps a statement; one without an id gets a UUID that starts with the time.
    #[must_use]
    pub fn stamp(&self, parsed: &Parsed) -> Stamped {
        let statement = parsed.value();
        Stamped {
            id: parsed.id().unwrap_or_else(|| self.mint()),
            version: parsed.version(),
            agents: keys::agents(self.secret, statement),
            verb: Iri::new(text(statement, ["verb", "id"]).unwrap_or_default()),
            activity: keys::activity(statement).map(Iri::new),
            related_activities: keys::related_activities(statement)
                .into_iter()
                .map(Iri::new)
                .collect(),
            refers_to: keys::refers_to(statement),
            registration: text(statement, ["context", "registration"])
                .and_then(|text| text.parse().ok()),
            voids: voids(statement),
            candidate: profile::classify(statement),
            authority: self.authority.clone(),
            voids_others: self.voids_others,
            payload: payload::compress(parsed.sent()),
            definitions: if self.define {
                definition::definitions(parsed)
            } else {
                Vec::new()
            },
            attachments: Vec::new(),
        }
    }

    /// Stamps a statement that was sent without an id under an id that was sent beside it (PUT).
    #[must_use]
    pub fn stamp_as(&self, parsed: &Parsed, id: StatementId) -> Stamped {
        Stamped {
            id,
            ..self.stamp(parsed)
        }
    }

    /// The layout of version 7, told as version 4: clients in use know the versions of RFC 4122 alone,
    /// and do not read a statement under any other.
    fn mint(&self) -> StatementId {
        let seconds = u64::try_from(self.now.timestamp()).unwrap_or_default();
        let time = Timestamp::from_unix(NoContext, seconds, self.now.timestamp_subsec_nanos());
        let uuid =
            Builder::from_bytes(Uuid::new_v7(time).into_bytes()).with_version(Version::Random);
        StatementId::from_uuid(uuid.into_uuid())
    }
}

/// The target of a voiding (Data 2.3.2): the verb `voided` on a `StatementRef`.
fn voids(statement: &Value) -> Option<StatementId> {
    (text(statement, ["verb", "id"])? == verbs::VOIDED).then_some(())?;
    text(statement, ["object", "id"])?.parse().ok()
}

fn text<'a>(statement: &'a Value, [outer, inner]: [&str; 2]) -> Option<&'a str> {
    statement.get(outer)?.get(inner)?.as_str()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use serde_json::json;
    use uuid::Variant;

    use super::*;
    use crate::statement::parse;

    fn stamped(statement: &Value) -> Stamped {
        let body = Bytes::from(statement.to_string());
        let parsed = parse(&body, XapiVersion::V1_0_3)
            .expect("a good statement")
            .into_statements();
        let stamper = Stamper {
            secret: b"secret",
            authority: Authority::new(&json!({ "mbox": "mailto:lrs@example.org" })),
            voids_others: true,
            now: DateTime::from_timestamp(1_780_000_000, 0).expect("in range"),
            define: true,
        };
        stamper.stamp(&parsed[0])
    }

    #[test]
    fn a_missing_id_is_minted_from_the_time() {
        let bare = json!({ "actor": { "mbox": "mailto:a@example.org" }, "verb": { "id": "https://example.org/v" },
            "object": { "id": "https://example.org/o" } });
        let (one, two) = (stamped(&bare), stamped(&bare));
        assert_ne!(one.id, two.id);
        for minted in [one.id.as_uuid(), two.id.as_uuid()] {
            assert_eq!(minted.as_u128() >> 80, 1_780_000_000_000, "milliseconds");
            assert_eq!(
                (minted.get_version_num(), minted.get_variant()),
                (4, Variant::RFC4122)
            );
        }
        assert_eq!(one.activity, Some(Iri::new("https://example.org/o")));
        assert_eq!(one.candidate, Candidate::Other);
    }

    #[test]
    fn a_voiding_knows_its_target() {
        let target = "7d0c1f3e-5b2a-4f6e-9c51-2f3b8f0a1c22";
        let voiding = stamped(&json!({ "actor": { "mbox": "mailto:a@example.org" },
            "verb": { "id": verbs::VOIDED }, "object": { "objectType": "StatementRef", "id": target } }));
        assert_eq!(voiding.voids, target.parse().ok());
        assert_eq!(voiding.activity, None);
        let reference = stamped(&json!({ "actor": { "mbox": "mailto:a@example.org" },
            "verb": { "id": "https://example.org/v" }, "object": { "objectType": "StatementRef", "id": target } }));
        assert_eq!(reference.voids, None);
        assert_eq!(reference.refers_to, target.parse().ok());
        assert_eq!(voiding.refers_to, voiding.voids);
    }
}

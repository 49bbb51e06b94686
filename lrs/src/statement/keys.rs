//! What a statement can be found by (xAPI 1.0.3 Communication 2.1.3): agents, verb, activity,
//! registration.

use schemas::ids::AccountKey;
use schemas::ifi::Ifi;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// The key of a long text in a dictionary: the first 16 bytes of its SHA-256.
#[must_use]
pub fn hash(text: &str) -> Uuid {
    let digest = Sha256::digest(text.as_bytes());
    let mut first = [0; 16];
    first.copy_from_slice(&digest[..16]);
    Uuid::from_bytes(first)
}

/// A long text with its key in a dictionary, found once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Iri {
    /// [`hash`] of the text.
    pub hash: Uuid,
    /// The IRI as it was written.
    pub text: String,
}

impl Iri {
    /// An IRI with its key.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self {
            hash: hash(text),
            text: text.to_owned(),
        }
    }
}

/// An Agent or identified Group: its key, and the identifier behind it as JSON.
#[derive(Clone, PartialEq, Eq)]
pub struct Identified {
    /// The key that all services know it by.
    pub account: AccountKey,
    /// The identifier alone, as the specification writes it.
    pub ifi: String,
}

impl Identified {
    fn of(secret: &[u8], actor: &Value) -> Option<Self> {
        let ifi = Ifi::from_actor(actor)?;
        Some(Self {
            account: AccountKey::derive(secret, &ifi),
            ifi: ifi_json(&ifi),
        })
    }
}

// The identifier stands in no log.
impl std::fmt::Debug for Identified {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identified")
            .field("account", &self.account)
            .finish_non_exhaustive()
    }
}

fn ifi_json(ifi: &Ifi) -> String {
    match ifi {
        Ifi::Mbox(mbox) => json!({ "mbox": mbox }),
        Ifi::MboxSha1Sum(sum) => json!({ "mbox_sha1sum": sum }),
        Ifi::OpenId(uri) => json!({ "openid": uri }),
        Ifi::Account { home_page, name } => {
            json!({ "account": { "homePage": home_page, "name": name } })
        }
    }
    .to_string()
}

/// The agents that the filter `agent` finds a valid statement by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Agents {
    /// The actor; none for an anonymous Group.
    pub actor: Option<Identified>,
    /// The others, each once: members of the actor, the object when it is an Agent or Group, and
    /// its members.
    pub others: Vec<Identified>,
}

/// Reads the agents of a valid statement.
#[must_use]
pub fn agents(secret: &[u8], statement: &Value) -> Agents {
    let actor = statement.get("actor");
    let object = statement.get("object").filter(|object| is_actor(object));
    let mut found = Agents {
        actor: actor.and_then(|actor| Identified::of(secret, actor)),
        others: Vec::new(),
    };
    let others = [actor, object]
        .into_iter()
        .flatten()
        .flat_map(members)
        .chain(object);
    for other in others.filter_map(|other| Identified::of(secret, other)) {
        let known = found
            .actor
            .iter()
            .chain(&found.others)
            .any(|known| known.account == other.account);
        if !known {
            found.others.push(other);
        }
    }
    found
}

fn is_actor(object: &Value) -> bool {
    matches!(object_type(object), "Agent" | "Group")
}

fn members(actor: &Value) -> &[Value] {
    actor
        .get("member")
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

/// The type of an object; an Activity when it does not say (Data 2.4.4).
fn object_type(object: &Value) -> &str {
    object
        .get("objectType")
        .and_then(Value::as_str)
        .unwrap_or("Activity")
}

/// The IRI of the object, when it is an Activity.
#[must_use]
pub fn activity(statement: &Value) -> Option<&str> {
    let object = statement
        .get("object")
        .filter(|object| object_type(object) == "Activity")?;
    object.get("id")?.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(agents: &Agents) -> (Option<&str>, Vec<&str>) {
        let actor = agents.actor.as_ref().map(|one| one.ifi.as_str());
        (
            actor,
            agents.others.iter().map(|one| one.ifi.as_str()).collect(),
        )
    }

    #[test]
    fn a_group_is_found_by_its_members_and_an_agent_as_object_too() {
        let found = agents(
            b"secret",
            &json!({
                "actor": { "objectType": "Group", "member": [
                    { "mbox": "mailto:a@example.org" }, { "mbox": "mailto:b@example.org" },
                    { "mbox": "mailto:a@EXAMPLE.org" }] },
                "object": { "objectType": "Agent", "openid": "https://example.org/c" },
            }),
        );
        assert_eq!(
            names(&found),
            (
                None,
                vec![
                    r#"{"mbox":"mailto:a@example.org"}"#,
                    r#"{"mbox":"mailto:b@example.org"}"#,
                    r#"{"openid":"https://example.org/c"}"#
                ]
            )
        );
    }

    #[test]
    fn the_actor_is_not_found_twice() {
        let agent = json!({ "objectType": "Agent", "mbox": "mailto:a@example.org" });
        let found = agents(b"secret", &json!({ "actor": agent, "object": agent }));
        assert_eq!(
            names(&found),
            (Some(r#"{"mbox":"mailto:a@example.org"}"#), vec![])
        );
    }

    #[test]
    fn an_object_is_an_activity_unless_it_says_otherwise() {
        assert_eq!(
            activity(&json!({ "object": { "id": "https://example.org/1" } })),
            Some("https://example.org/1")
        );
        let reference = json!({ "object": { "objectType": "StatementRef", "id": "x" } });
        assert_eq!(activity(&reference), None);
    }
}

//! What a statement can be found by (xAPI 1.0.3 Communication 2.1.3): agents, verb, activity,
//! registration.

use std::collections::HashSet;

use schemas::ids::{AccountKey, StatementId};
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

/// The agents that a valid statement is found by, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Agents {
    /// The actor; none for an anonymous Group.
    pub actor: Option<Identified>,
    /// The others that the filter `agent` finds it by: members of the actor, the object when it is
    /// an Agent or Group, and its members.
    pub others: Vec<Identified>,
    /// Those that only `related_agents` finds it by: instructor, team, context agents and groups,
    /// and all of a `SubStatement`'s. The authority is not the statement's own word and not here.
    pub related: Vec<Identified>,
}

/// Reads the agents of a valid statement.
#[must_use]
pub fn agents(secret: &[u8], statement: &Value) -> Agents {
    let actor = statement.get("actor");
    let object = statement.get("object").filter(|object| is_actor(object));
    let mut found = Agents {
        actor: actor.and_then(|actor| Identified::of(secret, actor)),
        others: Vec::new(),
        related: Vec::new(),
    };
    let mut known: HashSet<AccountKey> = found.actor.iter().map(|actor| actor.account).collect();
    let others = [actor, object]
        .into_iter()
        .flatten()
        .flat_map(members)
        .chain(object);
    let mut new =
        |other: &Value| Identified::of(secret, other).filter(|other| known.insert(other.account));
    found.others = others.filter_map(&mut new).collect();
    let mut related = context_actors(statement);
    if let Some(sub) = sub_statement(statement) {
        related.extend(sub.get("actor"));
        related.extend(sub.get("object").filter(|object| is_actor(object)));
        related.extend(context_actors(sub));
    }
    found.related = related
        .into_iter()
        .flat_map(|actor| std::iter::once(actor).chain(members(actor)))
        .filter_map(new)
        .collect();
    found
}

/// The Agent or Group, as far as it is identified, and its members.
#[must_use]
pub fn identified(secret: &[u8], actor: &Value) -> Vec<Identified> {
    std::iter::once(actor)
        .chain(members(actor))
        .filter_map(|one| Identified::of(secret, one))
        .collect()
}

/// The Agents and Groups of a context (Data 2.4.6; IEEE 9274.1.1 4.2.2.5).
fn context_actors(statement: &Value) -> Vec<&Value> {
    let Some(context) = statement.get("context") else {
        return Vec::new();
    };
    let listed = |list, member| {
        let list = context.get(list).and_then(Value::as_array);
        list.into_iter()
            .flatten()
            .filter_map(move |entry: &Value| entry.get(member))
    };
    ["instructor", "team"]
        .into_iter()
        .filter_map(|name| context.get(name))
        .chain(listed("contextAgents", "agent"))
        .chain(listed("contextGroups", "group"))
        .collect()
}

/// The object, when it is a `SubStatement`.
fn sub_statement(statement: &Value) -> Option<&Value> {
    statement
        .get("object")
        .filter(|object| object_type(object) == "SubStatement")
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

/// The activities that only `related_activities` finds a statement by, each once: those of its
/// context, and the object and context activities of a `SubStatement`.
#[must_use]
pub fn related_activities(statement: &Value) -> Vec<&str> {
    let mut found: Vec<&str> = context_iris(statement).collect();
    if let Some(sub) = sub_statement(statement) {
        found.extend(activity(sub));
        found.extend(context_iris(sub));
    }
    let mut known: HashSet<&str> = activity(statement).into_iter().collect();
    found.retain(|iri| known.insert(iri));
    found
}

/// The activities of a context, in each of their four places.
pub(super) fn context_activities(statement: &Value) -> impl Iterator<Item = &Value> {
    let context = statement.get("context");
    let kinds = context.and_then(|context| context.get("contextActivities"));
    ["parent", "grouping", "category", "other"]
        .into_iter()
        .filter_map(move |kind| kinds?.get(kind))
        // One alone may stand without an array (Data 2.4.6.2).
        .flat_map(|activities| match activities {
            Value::Array(activities) => activities.as_slice(),
            one => std::slice::from_ref(one),
        })
}

fn context_iris(statement: &Value) -> impl Iterator<Item = &str> {
    context_activities(statement).filter_map(|one| one.get("id")?.as_str())
}

/// The id of the statement that a statement refers to: its object is a `StatementRef`.
#[must_use]
pub fn refers_to(statement: &Value) -> Option<StatementId> {
    let object = statement
        .get("object")
        .filter(|object| object_type(object) == "StatementRef")?;
    object.get("id")?.as_str()?.parse().ok()
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

    fn agent(name: &str) -> Value {
        json!({ "mbox": format!("mailto:{name}@example.org") })
    }

    #[test]
    fn agents_of_context_and_sub_statement_are_related_each_once() {
        let context = |n: u8| {
            json!({
                "instructor": agent(&format!("instructor{n}")),
                "team": { "objectType": "Group", "member": [agent(&format!("team{n}"))] },
                "contextAgents": [{ "objectType": "contextAgent", "agent": agent(&format!("context{n}")) }],
                "contextGroups": [{ "objectType": "contextGroup", "group":
                    { "objectType": "Group", "mbox": format!("mailto:group{n}@example.org"),
                      "member": [agent(&format!("member{n}")), agent("actor")] } }],
            })
        };
        let found = agents(
            b"secret",
            &json!({
                "actor": agent("actor"),
                "context": context(1),
                "object": { "objectType": "SubStatement", "actor": agent("sub"), "context": context(2),
                    "object": { "objectType": "Group", "member": [agent("object"), agent("instructor1")] } },
            }),
        );
        let related: Vec<_> = found.related.iter().map(|one| one.ifi.as_str()).collect();
        let wanted: Vec<_> = [
            "instructor1",
            "team1",
            "context1",
            "group1",
            "member1",
            "sub",
            "object",
            "instructor2",
            "team2",
            "context2",
            "group2",
            "member2",
        ]
        .map(|name| agent(name).to_string())
        .to_vec();
        assert_eq!(related, wanted);
        assert!(found.others.is_empty());
    }

    #[test]
    fn context_activities_are_related_alone_or_in_an_array() {
        let object = |id: &str| json!({ "id": format!("https://example.org/{id}") });
        let statement = json!({
            "object": { "objectType": "SubStatement", "object": object("sub"),
                "context": { "contextActivities": { "category": [object("c"), object("p")] } } },
            "context": { "contextActivities": { "parent": object("p"), "other": [object("x"), object("x")],
                "grouping": [] } },
        });
        assert_eq!(
            related_activities(&statement),
            [
                "https://example.org/p",
                "https://example.org/x",
                "https://example.org/sub",
                "https://example.org/c"
            ]
        );
        let plain = json!({ "object": object("o"), "context": { "contextActivities": { "parent": object("o") } } });
        assert!(
            related_activities(&plain).is_empty(),
            "found already as the object"
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

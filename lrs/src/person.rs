//! The Person of the Agents resource (xAPI 1.0.3 Communication 2.4): what is known of an agent.
//!
//! It has the identifier that was asked for and no other (docs/decisions/0015), with the names that
//! the agent has in the request and in its newest statements.

use schemas::ifi::Ifi;
use serde_json::{Value, json};

use crate::documents::query::NamedAgent;

/// How many statements are looked into for names: a name that has changed shows beside the one
/// before, and the cost stays that of a small page.
pub const STATEMENTS: i64 = 20;

/// The Person of an agent; `statements` are those in which it is the actor, as they were sent,
/// newest first.
#[must_use]
pub fn person(asked: &NamedAgent, statements: &[Vec<u8>]) -> Value {
    let canonical = asked.ifi.canonical();
    let mut names: Vec<String> = name(&asked.agent).into_iter().collect();
    for statement in statements {
        let read: Option<Value> = serde_json::from_slice(statement).ok();
        let actor = read.as_ref().and_then(|statement| statement.get("actor"));
        let named = actor
            .filter(|actor| Ifi::from_actor(actor).is_some_and(|ifi| ifi.canonical() == canonical))
            .and_then(name);
        names.extend(named.filter(|name| !names.contains(name)));
    }
    let kind = asked.ifi.kind();
    let identifier = asked.agent.get(kind).cloned().unwrap_or_default();
    let mut person = json!({ "objectType": "Person", kind: [identifier] });
    if !names.is_empty() {
        person["name"] = json!(names);
    }
    person
}

fn name(agent: &Value) -> Option<String> {
    agent.get("name")?.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(agent: Value) -> NamedAgent {
        let ifi = Ifi::from_actor(&agent).expect("an identifier");
        NamedAgent { agent, ifi }
    }

    fn by(actor: &Value) -> Vec<u8> {
        json!({ "actor": actor }).to_string().into_bytes()
    }

    #[test]
    fn names_come_from_the_request_and_the_newest_statements_each_once() {
        let statements = [
            by(&json!({ "mbox": "mailto:a@EXAMPLE.org", "name": "New" })),
            by(&json!({ "mbox": "mailto:a@example.org" })),
            by(&json!({ "mbox": "mailto:other@example.org", "name": "Other" })),
            by(&json!({ "mbox": "mailto:a@example.org", "name": "Old" })),
            by(&json!({ "mbox": "mailto:a@example.org", "name": "New" })),
            b"{".to_vec(),
        ];
        let asked = asked(json!({ "mbox": "mailto:a@example.org", "name": "Asked" }));
        assert_eq!(
            person(&asked, &statements),
            json!({ "objectType": "Person", "name": ["Asked", "New", "Old"], "mbox": ["mailto:a@example.org"] })
        );
    }

    #[test]
    fn an_agent_never_seen_is_a_person_too() {
        for identifier in [
            json!({ "mbox_sha1sum": "a9993e364706816aba3e25717850c26c9cd0d89d" }),
            json!({ "openid": "https://example.org/a" }),
            json!({ "account": { "homePage": "https://example.org", "name": "a" } }),
        ] {
            let person = person(&asked(identifier.clone()), &[]);
            let (kind, value) = identifier
                .as_object()
                .and_then(|object| object.iter().next())
                .expect("one member");
            assert_eq!(person, json!({ "objectType": "Person", kind: [value] }));
        }
    }
}

//! A statement without who: every actor's identifier becomes the key of its account.

use schemas::ids::AccountKey;
use schemas::ifi::Ifi;
use serde_json::{Map, Value, json};

/// The `homePage` that says: what follows is the key of an account of this installation.
pub(super) const HOME_PAGE: &str = "urn:sillage:account";

/// Replaces the identifier of every actor by its account's key and drops their names: actor,
/// object, instructor, team, context agents and groups, authority, members, and the same in a
/// `SubStatement`. Gives each key with the actor as it was.
pub(super) fn pseudonymise(
    statement: &mut Value,
    secret: &[u8],
    mut of: impl FnMut(AccountKey, &Value),
) {
    each_actor(statement, &mut |actor| {
        let hidden = without_who(actor, secret, &mut of);
        *actor = hidden;
    });
}

/// Visits every actor of a statement, members after their group.
pub(super) fn each_actor(statement: &mut Value, visit: &mut impl FnMut(&mut Value)) {
    let Some(members) = statement.as_object_mut() else {
        return;
    };
    for place in ["actor", "authority"] {
        actor_at(members, place, visit);
    }
    match members
        .get("object")
        .and_then(|object| object["objectType"].as_str())
    {
        Some("Agent" | "Group") => actor_at(members, "object", visit),
        Some("SubStatement") => {
            if let Some(inner) = members.get_mut("object") {
                each_actor(inner, visit);
            }
        }
        _ => {}
    }
    if let Some(Value::Object(context)) = members.get_mut("context") {
        for place in ["instructor", "team"] {
            actor_at(context, place, visit);
        }
        for (list, place) in [("contextAgents", "agent"), ("contextGroups", "group")] {
            let entries = context.get_mut(list).and_then(Value::as_array_mut);
            for entry in entries.into_iter().flatten() {
                if let Some(entry) = entry.as_object_mut() {
                    actor_at(entry, place, visit);
                }
            }
        }
    }
}

fn actor_at(members: &mut Map<String, Value>, place: &str, visit: &mut impl FnMut(&mut Value)) {
    if let Some(actor) = members.get_mut(place) {
        visit(actor);
        let group = actor.get_mut("member").and_then(Value::as_array_mut);
        for member in group.into_iter().flatten() {
            visit(member);
        }
    }
}

/// An actor of which only the kind, the account's key and the members remain.
fn without_who(actor: &Value, secret: &[u8], of: &mut impl FnMut(AccountKey, &Value)) -> Value {
    let mut kept = Map::new();
    if let Some(kind) = actor.get("objectType") {
        kept.insert("objectType".to_owned(), kind.clone());
    }
    if let Some(ifi) = Ifi::from_actor(actor) {
        let key = AccountKey::derive(secret, &ifi);
        of(key, actor);
        kept.insert(
            "account".to_owned(),
            json!({ "homePage": HOME_PAGE, "name": key.to_string() }),
        );
    }
    if let Some(members) = actor.get("member") {
        kept.insert("member".to_owned(), members.clone());
    }
    Value::Object(kept)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_said_stays_and_who_goes() {
        let mut statement = json!({
            "actor": {"objectType": "Agent", "name": "N", "mbox": "mailto:a@example.org"},
            "verb": {"id": "http://adlnet.gov/expapi/verbs/answered"},
            "object": {"id": "https://example.org/item"},
            "result": {"success": true, "score": {"scaled": 0.25}},
        });
        pseudonymise(&mut statement, b"secret", |_, _| {});
        assert_eq!(statement["actor"]["account"]["homePage"], HOME_PAGE);
        assert_eq!(statement["actor"]["objectType"], "Agent");
        assert_eq!(statement["result"]["score"]["scaled"], 0.25);
        assert_eq!(statement["object"]["id"], "https://example.org/item");
    }

    fn agent() -> impl Strategy<Value = Value> {
        let who = "[a-z]{12}";
        (who, 0..4_u8).prop_map(|(who, kind)| {
            let mut agent = json!({ "objectType": "Agent", "name": format!("WHO-{who}") });
            match kind {
                0 => agent["mbox"] = format!("mailto:WHO-{who}@example.org").into(),
                1 => agent["mbox_sha1sum"] = format!("WHO-{who}").into(),
                2 => agent["openid"] = format!("https://WHO-{who}.example.org/").into(),
                _ => {
                    agent["account"] =
                        json!({ "homePage": "https://example.org/", "name": format!("WHO-{who}") });
                }
            }
            agent
        })
    }

    fn group() -> impl Strategy<Value = Value> {
        (agent(), prop::collection::vec(agent(), 0..3)).prop_map(|(mut group, members)| {
            group["objectType"] = "Group".into();
            group["member"] = members.into();
            group
        })
    }

    fn statement() -> impl Strategy<Value = Value> {
        (agent(), group(), agent(), group(), agent(), agent()).prop_map(
            |(actor, team, instructor, object, one, other)| {
                json!({
                    "actor": actor,
                    "verb": { "id": "https://example.org/verb" },
                    "object": {
                        "objectType": "SubStatement",
                        "actor": group_of(&one),
                        "verb": { "id": "https://example.org/verb" },
                        "object": object,
                        "context": { "instructor": instructor.clone() },
                    },
                    "context": {
                        "instructor": instructor,
                        "team": team.clone(),
                        "contextAgents": [{ "objectType": "contextAgent", "agent": other }],
                        "contextGroups": [{ "objectType": "contextGroup", "group": team }],
                    },
                    "authority": one,
                })
            },
        )
    }

    fn group_of(agent: &Value) -> Value {
        json!({ "objectType": "Group", "member": [agent] })
    }

    proptest! {
        #[test]
        fn nobody_is_left(statement in statement()) {
            let mut hidden = statement;
            pseudonymise(&mut hidden, b"secret", |_, _| {});
            let text = hidden.to_string();
            prop_assert!(!text.contains("WHO-"), "{text}");
        }
    }
}

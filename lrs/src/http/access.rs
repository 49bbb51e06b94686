//! What a caller may do with whose statements and documents, beyond the scopes (docs/decisions/0018
//! and 0019): a person's token is for her own alone, `statements/read/mine` for what the caller
//! vouched for, a bound credential for the activities that it is bound to, and where that is a school
//! for what it vouched for (0021).

use schemas::ids::AccountKey;
use schemas::ifi::Ifi;
use schemas::profile::verbs;
use serde_json::Value;
use service::error::Problem;
use service::identity::{Action, ActivityPrefix, Caller, Person};

use super::problems;
use crate::Lrs;
use crate::documents::{Kind, Place};
use crate::query::filter::Restriction;
use crate::statement::{Parsed, Stamped, payload};
use crate::store::statements::StoredStatement;

/// 403 unless the caller may write these statements: a person those of her own accounts, a credential
/// that is bound to activities those about them.
pub(super) fn may_write(
    caller: &Caller,
    statements: &[Parsed],
    is_array: bool,
) -> Result<(), Problem> {
    for (index, parsed) in statements.iter().enumerate() {
        let at = |place: &str| {
            if is_array {
                format!("/{index}{place}")
            } else {
                place.to_owned()
            }
        };
        if let Some(person) = caller.as_person()
            && !is_hers(person, parsed.value())
        {
            return Err(problems::forbidden_statement(
                &at("/actor"),
                "actor-own-only",
                "with a person's token the actor is an Agent that is one of that person's accounts",
            ));
        }
        if let Some(prefix) = caller.activity_prefix()
            && !is_about(parsed.value(), prefix)
        {
            return Err(problems::forbidden_statement(
                &at("/object"),
                "activity-prefix",
                "this credential is bound to activities of a prefix, and the object is none of them",
            ));
        }
    }
    Ok(())
}

/// Leaves out what the statements say of activities that a bound credential does not write about: an
/// activity of their context, say.
pub(super) fn keep_definitions(caller: &Caller, stamped: &mut [Stamped]) {
    if let Some(prefix) = caller.activity_prefix() {
        for one in stamped {
            one.definitions
                .retain(|definition| prefix.covers(&definition.activity.text));
        }
    }
}

/// What of the statements the caller may read; 403 when nothing. No statement says of which school it
/// is: who is bound to one reads what it vouched for.
pub(super) fn may_read(caller: &Caller, lrs: &Lrs) -> Result<Restriction, Problem> {
    caller.require(Action::ReadOwnStatements)?;
    if let Some(person) = caller.as_person() {
        return Ok(Restriction {
            actors: Some(keys(person, lrs)),
            ..Restriction::default()
        });
    }
    if caller.may(Action::ReadStatements) && caller.school().is_none() {
        return Ok(Restriction::default());
    }
    Ok(Restriction {
        authority: Some(lrs.authority(caller).hash()),
        ..Restriction::default()
    })
}

/// Whether a statement that [`may_read`] leaves is for the caller indeed: for a person its actor is
/// an Agent. A Group may have the same identifier, and names its members.
pub(super) fn sees(caller: &Caller, stored: &StoredStatement) -> bool {
    let Some(person) = caller.as_person() else {
        return true;
    };
    let sent = payload::decompress(&stored.payload).ok();
    let statement = sent.and_then(|sent| serde_json::from_slice::<Value>(&sent).ok());
    statement.is_some_and(|statement| is_hers(person, &statement))
}

/// 403 unless the caller may do this with documents of a kind, whosever they are; a person may with
/// State, as far as [`may_use`] says that it is hers.
pub(super) fn may_ask(caller: &Caller, action: Action) -> Result<(), Problem> {
    match action {
        Action::ReadState | Action::WriteState if caller.as_person().is_some() => Ok(()),
        _ => caller.require(action),
    }
}

/// 403 unless the caller may do this with the documents of this place: a person with her own State, a
/// credential that is bound to activities with theirs, where it writes.
pub(super) fn may_use(
    caller: &Caller,
    lrs: &Lrs,
    action: Action,
    place: &Place,
) -> Result<(), Problem> {
    may_ask(caller, action)?;
    if let (Some(prefix), Some(activity)) = (caller.activity_prefix(), &place.activity)
        && matches!(action, Action::WriteState | Action::WriteProfiles)
        && !prefix.covers(&activity.text)
    {
        return Err(Problem::forbidden(
            "activityId",
            "activity-prefix",
            "this credential is bound to activities of a prefix, and this is none of them",
        ));
    }
    let Some(person) = caller.as_person() else {
        return Ok(());
    };
    let is_own = place.kind == Kind::State
        && place
            .agent
            .as_ref()
            .is_some_and(|agent| keys(person, lrs).contains(&agent.account));
    if is_own {
        return Ok(());
    }
    Err(Problem::forbidden(
        "agent",
        "state-own-only",
        "a person's token reads and writes the state of that person's own accounts",
    ))
}

/// The keys of a person's accounts.
fn keys(person: &Person, lrs: &Lrs) -> Vec<AccountKey> {
    let accounts = person.accounts().iter();
    accounts
        .map(|account| AccountKey::derive(lrs.secret(), account))
        .collect()
}

/// Whether the actor is an Agent that is one of the person's accounts.
fn is_hers(person: &Person, statement: &Value) -> bool {
    let actor = &statement["actor"];
    let is_agent = actor
        .get("objectType")
        .is_none_or(|kind| kind.as_str() == Some("Agent"));
    is_agent
        && actor.get("member").is_none()
        && Ifi::from_actor(actor).is_some_and(|ifi| person.is(&ifi))
}

/// Whether the object, or that of its `SubStatement`, is an activity under the prefix. A voiding is
/// about a statement: which one may be voided is decided where it is stored, and what is bound voids
/// what its own authority wrote, which is about its activities.
fn is_about(statement: &Value, prefix: &ActivityPrefix) -> bool {
    let object = &statement["object"];
    match object.get("objectType").and_then(Value::as_str) {
        Some("SubStatement") => is_covered(&object["object"], prefix),
        Some("StatementRef") => statement["verb"]["id"].as_str() == Some(verbs::VOIDED),
        _ => is_covered(object, prefix),
    }
}

/// Whether it is an activity under the prefix.
fn is_covered(object: &Value, prefix: &ActivityPrefix) -> bool {
    let is_activity = object
        .get("objectType")
        .is_none_or(|kind| kind.as_str() == Some("Activity"));
    is_activity && object["id"].as_str().is_some_and(|id| prefix.covers(id))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use service::identity::Consumer;

    use super::*;

    fn caller() -> Caller {
        let account = |name: &str| Ifi::Account {
            home_page: "https://school.example.org".to_owned(),
            name: name.to_owned(),
        };
        let consumer = Consumer {
            home_page: "https://issuer.example.org".to_owned(),
            id: "app".to_owned(),
        };
        let mail = Ifi::Mbox("mailto:p@Example.org".to_owned());
        Caller::person(consumer, account("p"), vec![mail])
    }

    #[test]
    fn a_statement_is_hers_when_its_actor_is_an_agent_with_her_identifier() {
        let caller = caller();
        let person = caller.as_person().expect("a person");
        let account =
            |name: &str| json!({ "homePage": "https://school.example.org", "name": name });
        for (actor, hers) in [
            (json!({ "account": account("p") }), true),
            (
                json!({ "objectType": "Agent", "account": account("p"), "name": "P" }),
                true,
            ),
            (json!({ "mbox": "mailto:p@EXAMPLE.org" }), true),
            (json!({ "account": account("q") }), false),
            (json!({ "account": account("P") }), false),
            (json!({ "mbox": "mailto:P@example.org" }), false),
            (
                json!({ "objectType": "Group", "account": account("p") }),
                false,
            ),
            (
                json!({ "objectType": "Group", "member": [{ "account": account("p") }] }),
                false,
            ),
            (
                json!({ "objectType": "Group", "account": account("q"), "member": [{ "account": account("p") }] }),
                false,
            ),
        ] {
            assert_eq!(is_hers(person, &json!({ "actor": actor })), hers, "{actor}");
        }
    }

    #[test]
    fn a_bound_credential_writes_about_its_activities() {
        let prefix: ActivityPrefix = "https://example.org/a/".parse().expect("a prefix");
        let voiding =
            json!({ "verb": { "id": verbs::VOIDED }, "object": { "objectType": "StatementRef" } });
        for (statement, about) in [
            (
                json!({ "object": { "id": "https://example.org/a/1" } }),
                true,
            ),
            (
                json!({ "object": { "id": "https://example.org/b/1" } }),
                false,
            ),
            (
                json!({ "object": { "objectType": "SubStatement", "object": { "id": "https://example.org/a/1" } } }),
                true,
            ),
            (
                json!({ "object": { "objectType": "SubStatement", "object": { "id": "https://example.org/b/1" } } }),
                false,
            ),
            (
                json!({ "object": { "objectType": "Agent", "mbox": "mailto:a@example.org" } }),
                false,
            ),
            (
                json!({ "object": { "objectType": "StatementRef" }, "verb": { "id": "https://example.org/v" } }),
                false,
            ),
            (
                json!({ "object": { "objectType": "SubStatement", "verb": voiding["verb"], "object": voiding["object"] } }),
                false,
            ),
            (voiding, true),
        ] {
            assert_eq!(is_about(&statement, &prefix), about, "{statement}");
        }
    }
}

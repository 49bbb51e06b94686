//! The format `ids`: of Agents, Groups, Verbs and Activities only what identifies them.

use serde_json::value::RawValue;

use super::{Members, Object, each, object_type, rewrite, verbatim};

/// A statement with identifiers alone, from the statement as it is given back exactly.
///
/// Fails only when that is not the object that was once accepted.
pub fn ids(exact: &str) -> Result<String, serde_json::Error> {
    statement(serde_json::from_str(exact)?)
}

/// A Statement or `SubStatement`.
fn statement(value: &RawValue) -> Result<String, serde_json::Error> {
    rewrite(value, |key, value| match key {
        "actor" | "authority" => actor(value),
        "verb" => id_alone(value),
        "object" => object(value),
        "context" => rewrite(value, context_member),
        _ => verbatim(value),
    })
}

fn object(value: &RawValue) -> Result<String, serde_json::Error> {
    match object_type(value)?.as_str() {
        "Activity" => id_alone(value),
        "Agent" | "Group" => actor(value),
        "SubStatement" => statement(value),
        _ => verbatim(value),
    }
}

fn context_member(key: &str, value: &RawValue) -> Result<String, serde_json::Error> {
    let inside = |name: &'static str| {
        move |entry: &RawValue| {
            rewrite(entry, |key, value| {
                if key == name {
                    actor(value)
                } else {
                    verbatim(value)
                }
            })
        }
    };
    match key {
        "instructor" | "team" => actor(value),
        "contextActivities" => rewrite(value, |_, activities| each(activities, id_alone)),
        "contextAgents" => each(value, inside("agent")),
        "contextGroups" => each(value, inside("group")),
        _ => verbatim(value),
    }
}

/// An Agent or identified Group by its identifier; an anonymous Group by its members.
fn actor(value: &RawValue) -> Result<String, serde_json::Error> {
    const IDENTIFIERS: [&str; 4] = ["mbox", "mbox_sha1sum", "openid", "account"];
    let members = Members::read(value.get().as_bytes())?;
    let is_identified = IDENTIFIERS.iter().any(|name| members.has(name));
    let mut out = Object::with_capacity(value.get().len());
    for (key, value) in &members.0 {
        match key.as_str() {
            "objectType" => out.member(key, value.get()),
            "member" if !is_identified => out.member(key, &each(value, actor)?),
            name if IDENTIFIERS.contains(&name) => out.member(key, value.get()),
            _ => {}
        }
    }
    Ok(out.close())
}

fn id_alone(value: &RawValue) -> Result<String, serde_json::Error> {
    let mut out = Object::with_capacity(value.get().len());
    for (key, value) in &Members::read(value.get().as_bytes())?.0 {
        if key == "id" {
            out.member(key, value.get());
        }
    }
    Ok(out.close())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_identifies_is_left() {
        let exact = concat!(
            r#"{"id":"x","actor":{"objectType":"Group","name":"n","member":[{"name":"a","mbox":"mailto:a@example.org"}]},"#,
            r#""verb":{"id":"https://example.org/v","display":{"fr":"v"}},"#,
            r#""object":{"objectType":"SubStatement","actor":{"name":"b","openid":"https://example.org/b"},"#,
            r#""verb":{"display":{},"id":"https://example.org/w"},"object":{"objectType":"Activity","id":"https://example.org/o","definition":{"name":{"fr":"o"}}}},"#,
            r#""result":{"score":{"raw":1.50}},"#,
            r#""context":{"instructor":{"name":"i","account":{"homePage":"https://example.org","name":"7"}},"#,
            r#""team":{"objectType":"Group","mbox":"mailto:t@example.org","member":[{"mbox":"mailto:a@example.org"}]},"#,
            r#""contextActivities":{"parent":[{"id":"https://example.org/p","definition":{}}]},"#,
            r#""contextAgents":[{"objectType":"contextAgent","agent":{"mbox":"mailto:c@example.org","name":"c"},"relevantTypes":["https://example.org/t"]}],"#,
            r#""contextGroups":[{"group":{"objectType":"Group","member":[{"name":"d","mbox":"mailto:d@example.org"}]}}],"#,
            r#""language":"fr"},"authority":{"objectType":"Agent","name":"lrs","mbox":"mailto:lrs@example.org"}}"#,
        );
        let wanted = concat!(
            r#"{"id":"x","actor":{"objectType":"Group","member":[{"mbox":"mailto:a@example.org"}]},"#,
            r#""verb":{"id":"https://example.org/v"},"#,
            r#""object":{"objectType":"SubStatement","actor":{"openid":"https://example.org/b"},"#,
            r#""verb":{"id":"https://example.org/w"},"object":{"id":"https://example.org/o"}},"#,
            r#""result":{"score":{"raw":1.50}},"#,
            r#""context":{"instructor":{"account":{"homePage":"https://example.org","name":"7"}},"#,
            r#""team":{"objectType":"Group","mbox":"mailto:t@example.org"},"#,
            r#""contextActivities":{"parent":[{"id":"https://example.org/p"}]},"#,
            r#""contextAgents":[{"objectType":"contextAgent","agent":{"mbox":"mailto:c@example.org"},"relevantTypes":["https://example.org/t"]}],"#,
            r#""contextGroups":[{"group":{"objectType":"Group","member":[{"mbox":"mailto:d@example.org"}]}}],"#,
            r#""language":"fr"},"authority":{"objectType":"Agent","mbox":"mailto:lrs@example.org"}}"#,
        );
        assert_eq!(ids(exact).expect("an object"), wanted);
    }

    #[test]
    fn a_reference_and_an_agent_as_object_keep_their_type() {
        for (object, wanted) in [
            (
                r#"{"objectType":"StatementRef","id":"x"}"#,
                r#"{"objectType":"StatementRef","id":"x"}"#,
            ),
            (
                r#"{"objectType":"Agent","name":"a","mbox_sha1sum":"0"}"#,
                r#"{"objectType":"Agent","mbox_sha1sum":"0"}"#,
            ),
            (
                r#"{"id":"https://example.org/o","definition":{}}"#,
                r#"{"id":"https://example.org/o"}"#,
            ),
        ] {
            let shown = ids(&format!(r#"{{"object":{object}}}"#)).expect("an object");
            assert_eq!(shown, format!(r#"{{"object":{wanted}}}"#));
        }
    }
}

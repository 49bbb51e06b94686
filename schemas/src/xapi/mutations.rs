//! Any valid statement is accepted, and any single change that the specification forbids is refused
//! with its rule named: a table of changes, and three changes that may be made anywhere.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Map, Value, json};

use super::{RULES, XapiVersion, validate, validate_sent};
use crate::profile::verbs;
use crate::testkit::{self, Dice};

/// Kinds of places in a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// The statement itself.
    Whole,
    /// The statement and its `SubStatement`.
    Statement,
    SubStatement,
    /// A Statement or `SubStatement` whose object is no Activity; no `StatementRef`.
    NotOfActivity,
    NotOfReference,
    /// Agents and Groups, wherever they stand, members included.
    Actor,
    /// Those with an identifier.
    Identified,
    /// Those that are Agents.
    Agent,
    Group,
    Activity,
    /// Activities of the context.
    ContextActivity,
    Definition,
    /// Definitions without an `interactionType`; with another one than `likert`.
    NoInteraction,
    NotLikert,
    ContextAgent,
    ContextGroup,
}

enum Change {
    Set(Value),
    Remove,
    /// A member that is not there yet.
    Insert(&'static str, Value),
}

use Change::{Insert, Remove, Set};

/// Where, the way on from there, what is done, the rule that it breaks.
type Row = (Place, &'static str, Change, &'static str);

fn rows(version: XapiVersion) -> Vec<Row> {
    let mut rows = statements();
    rows.extend(actors());
    rows.extend(activities());
    rows.extend(results());
    rows.extend(contexts());
    rows.extend(attachments());
    rows.extend(times(version));
    rows.extend(of_version(version));
    rows
}

#[rustfmt::skip]
fn statements() -> Vec<Row> {
    use Place::{NotOfReference, Statement, SubStatement, Whole};
    let sub = json!({ "objectType": "SubStatement", "actor": { "mbox": "mailto:a@example.org" },
        "verb": { "id": "https://example.org/v" }, "object": { "id": "https://example.org/o" } });
    vec![
        (Statement, "/actor", Remove, "actor-missing"),
        (Statement, "/verb", Remove, "verb-missing"),
        (Statement, "/object", Remove, "object-missing"),
        (Statement, "", Insert("extra", json!(1)), "unknown-property"),
        (Statement, "", Insert("Timestamp", json!("2026-10-05T18:42:11Z")), "property-case"),
        (Whole, "", Set(json!([])), "statement-not-object"),
        (Whole, "", Set(json!(null)), "statement-not-object"),
        (Whole, "/id", Set(json!("")), "id-not-uuid"),
        (Whole, "/id", Set(json!("{e05aa883-acaf-40ad-bf54-02c8ce485fb0}")), "id-not-uuid"),
        (Whole, "/id", Set(json!("e05aa883acaf40adbf5402c8ce485fb0")), "id-not-uuid"),
        (Whole, "/id", Set(json!("e05aa883-acaf-40ad-bf54-02c8ce485fbg")), "id-not-uuid"),
        (Whole, "/id", Set(json!(1)), "wrong-type"),
        (Statement, "/verb", Set(json!("https://example.org/v")), "wrong-type"),
        (Statement, "/verb/id", Remove, "verb-id-missing"),
        (Statement, "/verb/id", Set(json!("answered")), "verb-id-not-iri"),
        (Statement, "/verb/id", Set(json!("https://example.org/a b")), "verb-id-not-iri"),
        (Statement, "/verb/display", Set(json!("x")), "wrong-type"),
        (Statement, "/verb/display", Set(json!({ "français": "x" })), "language-map-key"),
        (Statement, "/verb/display", Set(json!({ "fr": 1 })), "wrong-type"),
        (Statement, "/object", Set(json!([])), "wrong-type"),
        (Statement, "/object", Set(json!({ "objectType": "Thing", "id": "https://example.org/o" })), "object-type-unknown"),
        (Statement, "/object", Set(json!({ "objectType": "activity", "id": "https://example.org/o" })), "object-type-unknown"),
        (Statement, "/object", Set(json!({ "mbox": "mailto:a@example.org" })), "object-type-missing"),
        (Statement, "/object", Set(json!({ "objectType": "StatementRef" })), "statement-ref-id-missing"),
        (Statement, "/object", Set(json!({ "objectType": "StatementRef", "id": "x" })), "statement-ref-id-not-uuid"),
        (NotOfReference, "/verb/id", Set(json!(verbs::VOIDED)), "voiding-object"),
        (SubStatement, "", Insert("id", json!("e05aa883-acaf-40ad-bf54-02c8ce485fb0")), "sub-statement-property"),
        (SubStatement, "", Insert("stored", json!("2026-10-05T18:42:11Z")), "sub-statement-property"),
        (SubStatement, "", Insert("version", json!("1.0.0")), "sub-statement-property"),
        (SubStatement, "", Insert("authority", json!({ "mbox": "mailto:a@example.org" })), "sub-statement-property"),
        (SubStatement, "/object", Set(sub), "sub-statement-nested"),
        (Whole, "/version", Set(json!("1.1.0")), "version-unsupported"),
        (Whole, "/version", Set(json!("0.95")), "version-unsupported"),
        (Whole, "/version", Set(json!("1.0.foo")), "version-unsupported"),
        (Whole, "/version", Set(json!("1.0.3.1")), "version-unsupported"),
        (Whole, "/version", Set(json!(1.0)), "wrong-type"),
    ]
}

#[rustfmt::skip]
fn actors() -> Vec<Row> {
    use Place::{Actor, Agent, Group, Identified, Statement, Whole};
    let agent = json!({ "mbox": "mailto:a@example.org" });
    let application = json!({ "account": { "homePage": "https://example.org/oauth", "name": "app" } });
    let three = json!({ "objectType": "Group", "member": [application, agent, agent] });
    let named = json!({ "objectType": "Group", "openid": "https://example.org/", "member": [application, agent] });
    let mails = json!({ "objectType": "Group", "member": [agent, agent] });
    vec![
        (Statement, "/actor", Set(json!("mailto:a@example.org")), "wrong-type"),
        (Statement, "/actor", Set(json!({ "objectType": "Agent", "name": "x" })), "ifi-missing"),
        (Statement, "/actor", Set(json!({ "objectType": "Group", "name": "x" })), "group-unidentified"),
        (Statement, "/actor/objectType", Set(json!("Person")), "actor-object-type"),
        (Statement, "/context/instructor/objectType", Set(json!("agent")), "actor-object-type"),
        (Statement, "/context/team", Set(agent.clone()), "group-required"),
        (Statement, "/context/team/objectType", Remove, "group-required"),
        (Identified, "", Insert("mbox_sha1sum", json!("0".repeat(40))), "ifi-several"),
        (Identified, "", Insert("openid", json!("https://example.org/")), "ifi-several"),
        (Actor, "", Insert("age", json!(15)), "unknown-property"),
        (Agent, "", Insert("member", json!([])), "unknown-property"),
        (Actor, "/name", Set(json!(["x"])), "wrong-type"),
        (Actor, "/mbox", Set(json!("a@example.org")), "mbox-not-mailto"),
        (Actor, "/mbox", Set(json!("mailto:a")), "mbox-not-mailto"),
        (Actor, "/mbox", Set(json!("mailto:a@b@example.org")), "mbox-not-mailto"),
        (Actor, "/mbox", Set(json!("mailto:a@exa<mple.org")), "mbox-not-iri"),
        (Actor, "/mbox_sha1sum", Set(json!("0".repeat(39))), "mbox-sha1sum-not-hex"),
        (Actor, "/mbox_sha1sum", Set(json!("g".repeat(40))), "mbox-sha1sum-not-hex"),
        (Actor, "/openid", Set(json!("example.org/a")), "openid-not-uri"),
        (Actor, "/openid", Set(json!("https://example.org/é")), "openid-not-uri"),
        (Actor, "/account", Set(json!("x")), "wrong-type"),
        (Actor, "/account/homePage", Remove, "account-home-page-missing"),
        (Actor, "/account/homePage", Set(json!("/ent")), "account-home-page-not-iri"),
        (Actor, "/account/name", Remove, "account-name-missing"),
        (Actor, "/account/name", Set(json!(12)), "wrong-type"),
        (Actor, "/account", Insert("id", json!("x")), "unknown-property"),
        (Group, "/member", Set(json!({})), "wrong-type"),
        (Group, "/member/0", Set(json!({ "objectType": "Group", "member": [] })), "member-not-agent"),
        (Group, "/member/0", Set(json!({ "objectType": "Person", "openid": "https://example.org/" })), "agent-required"),
        (Group, "/member/0", Set(json!({ "name": "x" })), "ifi-missing"),
        (Whole, "/authority", Set(three), "authority-group"),
        (Whole, "/authority", Set(named), "authority-group"),
        (Whole, "/authority", Set(mails), "authority-group"),
    ]
}

#[rustfmt::skip]
fn activities() -> Vec<Row> {
    use Place::{Activity, ContextActivity, Definition, NoInteraction, NotLikert};
    let twice = json!([{ "id": "a" }, { "id": "b" }, { "id": "a" }]);
    let mut rows = vec![
        (Activity, "/id", Remove, "activity-id-missing"),
        (Activity, "/id", Set(json!("maths/1")), "activity-id-not-iri"),
        (Activity, "/id", Set(json!("https://example.org/<1>")), "activity-id-not-iri"),
        (Activity, "", Insert("name", json!({ "fr": "x" })), "unknown-property"),
        (Activity, "/definition", Set(json!([])), "wrong-type"),
        (ContextActivity, "/objectType", Set(json!("Agent")), "activity-required"),
        (ContextActivity, "", Set(json!("https://example.org/o")), "wrong-type"),
        (Definition, "", Insert("title", json!({})), "unknown-property"),
        (Definition, "/name", Set(json!("x")), "wrong-type"),
        (Definition, "/name", Set(json!({ "": "x" })), "language-map-key"),
        (Definition, "/description", Set(json!({ "fr_FR": "x" })), "language-map-key"),
        (Definition, "/type", Set(json!("question")), "activity-type-not-iri"),
        (Definition, "/moreInfo", Set(json!("")), "more-info-not-iri"),
        (Definition, "/extensions", Set(json!([])), "wrong-type"),
        (Definition, "/extensions", Set(json!({ "level": 1 })), "extension-key-not-iri"),
        (Definition, "/interactionType", Set(json!("Choice")), "interaction-type-unknown"),
        (Definition, "/interactionType", Set(json!("")), "interaction-type-unknown"),
        (NoInteraction, "", Insert("correctResponsesPattern", json!([])), "interaction-type-missing"),
        (NoInteraction, "", Insert("choices", json!([])), "interaction-type-missing"),
        (NotLikert, "", Insert("scale", json!([])), "components-of-other-type"),
        (Definition, "/correctResponsesPattern", Set(json!("true")), "wrong-type"),
        (Definition, "/correctResponsesPattern", Set(json!([true])), "wrong-type"),
    ];
    for list in ["/choices", "/scale", "/source", "/target", "/steps"] {
        rows.push((Definition, list, Set(json!({})), "wrong-type"));
        rows.push((Definition, list, Set(json!([{}])), "component-id-missing"));
        rows.push((Definition, list, Set(json!([{ "id": 1 }])), "wrong-type"));
        rows.push((
            Definition,
            list,
            Set(twice.clone()),
            "component-id-repeated",
        ));
        rows.push((
            Definition,
            list,
            Set(json!([{ "id": "a", "text": "x" }])),
            "unknown-property",
        ));
        rows.push((
            Definition,
            list,
            Set(json!([{ "id": "a", "description": { "-": "x" } }])),
            "language-map-key",
        ));
    }
    rows
}

#[rustfmt::skip]
fn results() -> Vec<Row> {
    use Place::Statement;
    let mut rows = vec![
        (Statement, "/result", Set(json!([])), "wrong-type"),
        (Statement, "/result", Insert("grade", json!("A")), "unknown-property"),
        (Statement, "/result/success", Set(json!("true")), "wrong-type"),
        (Statement, "/result/completion", Set(json!(1)), "wrong-type"),
        (Statement, "/result/response", Set(json!(42)), "wrong-type"),
        (Statement, "/result/extensions", Set(json!({ "é": 1 })), "extension-key-not-iri"),
        (Statement, "/result/score", Set(json!(0.5)), "wrong-type"),
        (Statement, "/result/score", Set(json!({ "scaled": "0.5" })), "wrong-type"),
        (Statement, "/result/score", Set(json!({ "percent": 50 })), "unknown-property"),
        (Statement, "/result/score", Set(json!({ "scaled": 1.000_000_000_000_000_2 })), "scaled-out-of-range"),
        (Statement, "/result/score", Set(json!({ "scaled": -1.000_000_000_000_000_2 })), "scaled-out-of-range"),
        (Statement, "/result/score", Set(json!({ "min": 1, "max": 1 })), "min-not-below-max"),
        (Statement, "/result/score", Set(json!({ "min": 0.5, "max": 0.25 })), "min-not-below-max"),
        (Statement, "/result/score", Set(json!({ "raw": 2.1, "max": 2 })), "raw-out-of-range"),
        (Statement, "/result/score", Set(json!({ "raw": -1, "min": -0.5 })), "raw-out-of-range"),
        (Statement, "/result/duration", Set(json!(12)), "wrong-type"),
    ];
    for bad in [
        "",
        "12",
        "PT",
        "P1S",
        "PT1",
        "PT1.5H30M",
        "P4W1D",
        "-PT1S",
        "PT1,S",
        "P0003-01-29T04:35:59",
        "pt1s",
    ] {
        rows.push((
            Statement,
            "/result/duration",
            Set(json!(bad)),
            "duration-not-iso8601",
        ));
    }
    rows
}

#[rustfmt::skip]
fn contexts() -> Vec<Row> {
    use Place::{NotOfActivity, Statement};
    let mut rows = vec![
        (Statement, "/context", Set(json!([])), "wrong-type"),
        (Statement, "/context", Insert("course", json!("x")), "unknown-property"),
        (Statement, "/context/registration", Set(json!("42")), "registration-not-uuid"),
        (NotOfActivity, "/context", Insert("revision", json!("1")), "revision-without-activity"),
        (NotOfActivity, "/context", Insert("platform", json!("web")), "platform-without-activity"),
        (Statement, "/context/platform", Set(json!(1)), "wrong-type"),
        (Statement, "/context/contextActivities", Set(json!([])), "wrong-type"),
        (Statement, "/context/contextActivities", Insert("sibling", json!([])), "context-activities-key"),
        (Statement, "/context/contextActivities", Insert("Parent", json!([])), "context-activities-key"),
        (Statement, "/context/contextActivities/parent", Set(json!("https://example.org/p")), "wrong-type"),
        (Statement, "/context/statement", Set(json!({ "objectType": "StatementRef" })), "statement-ref-id-missing"),
        (Statement, "/context/statement/objectType", Remove, "statement-ref-required"),
        (Statement, "/context/statement/objectType", Set(json!("Statement")), "statement-ref-required"),
        (Statement, "/context/statement/id", Set(json!("x")), "statement-ref-id-not-uuid"),
        (Statement, "/context/extensions", Set(json!({ "": 1 })), "extension-key-not-iri"),
    ];
    for bad in [
        "",
        "français",
        "fr_FR",
        "f",
        "fr-",
        "en-a-bbb-a-ccc",
        "abcdefghi",
    ] {
        rows.push((
            Statement,
            "/context/language",
            Set(json!(bad)),
            "language-not-tag",
        ));
    }
    rows
}

#[rustfmt::skip]
fn attachments() -> Vec<Row> {
    use Place::Statement;
    let mut rows = vec![
        (Statement, "/attachments", Set(json!({})), "wrong-type"),
        (Statement, "/attachments/0", Set(json!(1)), "wrong-type"),
        (Statement, "/attachments/0", Insert("name", json!("x")), "unknown-property"),
        (Statement, "/attachments/0/usageType", Set(json!("signature")), "attachment-usage-type-not-iri"),
        (Statement, "/attachments/0/contentType", Set(json!("text")), "attachment-content-type"),
        (Statement, "/attachments/0/length", Set(json!(-1)), "attachment-length"),
        (Statement, "/attachments/0/length", Set(json!(1.5)), "attachment-length"),
        (Statement, "/attachments/0/length", Set(json!("27")), "wrong-type"),
        (Statement, "/attachments/0/sha2", Set(json!("0".repeat(40))), "attachment-sha2-not-hex"),
        (Statement, "/attachments/0/sha2", Set(json!("z".repeat(64))), "attachment-sha2-not-hex"),
        (Statement, "/attachments/0/fileUrl", Set(json!("file.txt")), "attachment-file-url-not-iri"),
        (Statement, "/attachments/0/display", Set(json!("x")), "wrong-type"),
        (Statement, "/attachments/0/description", Set(json!({ "1": "x" })), "language-map-key"),
    ];
    for key in ["usageType", "display", "contentType", "length", "sha2"] {
        let place = format!("/attachments/0/{key}");
        rows.push((
            Statement,
            String::leak(place),
            Remove,
            "attachment-property-missing",
        ));
    }
    rows
}

#[rustfmt::skip]
fn times(version: XapiVersion) -> Vec<Row> {
    use Place::{Statement, Whole};
    let format = "timestamp-not-iso8601";
    let mut rows = Vec::new();
    for bad in [
        "",
        "hier",
        "2026-10-05",
        "2026-02-29T12:00:00Z",
        "2026-04-31T12:00:00Z",
        "1900-02-29T12:00:00Z",
        "2026-10-05T24:00:00Z",
        "2026-10-05T18:42:60Z",
        "2026-10-05T18:42:11+24:00",
        "2026-10-05 18:42:11Z",
        "20261005T184211Z",
        "2026-W41-1T18:42:11Z",
        "2026-10-05T18:42:11.Z",
        "1780000000",
    ] {
        rows.push((Statement, "/timestamp", Set(json!(bad)), format));
        rows.push((Whole, "/stored", Set(json!(bad)), format));
    }
    for bad in ["2008-09-15T15:53:00.601-00:00", "2008-09-15T15:53:00-0000"] {
        rows.push((
            Statement,
            "/timestamp",
            Set(json!(bad)),
            "timestamp-minus-zero-offset",
        ));
    }
    rows.push((
        Statement,
        "/timestamp",
        Set(json!(1_780_000_000)),
        "wrong-type",
    ));
    if version == XapiVersion::V2_0_0 {
        for bad in [
            "2026-10-05T18:42:11",
            "2026-10-05T18:42:11+02",
            "2026-10-05T18:42:11+0200",
        ] {
            rows.push((
                Statement,
                "/timestamp",
                Set(json!(bad)),
                "timestamp-not-rfc3339",
            ));
        }
    }
    rows
}

#[rustfmt::skip]
fn of_version(version: XapiVersion) -> Vec<Row> {
    use Place::{ContextAgent, ContextGroup, Statement, Whole};
    match version {
        XapiVersion::V1_0_3 => vec![
            (Statement, "/context", Insert("contextAgents", json!([])), "unknown-property"),
            (Statement, "/context", Insert("contextGroups", json!([])), "unknown-property"),
            (Whole, "/version", Set(json!("2.0.0")), "version-unsupported"),
        ],
        XapiVersion::V2_0_0 => vec![
            (Statement, "/context/contextAgents", Set(json!({})), "wrong-type"),
            (ContextAgent, "/objectType", Set(json!("Agent")), "context-agent-object-type"),
            (ContextAgent, "/objectType", Remove, "context-agent-object-type"),
            (ContextAgent, "/agent", Remove, "context-agent-missing"),
            (ContextAgent, "/agent", Set(json!({ "objectType": "Group", "member": [] })), "agent-required"),
            (ContextAgent, "/relevantTypes", Set(json!([])), "relevant-types-empty"),
            (ContextAgent, "/relevantTypes", Set(json!(["x"])), "relevant-type-not-iri"),
            (ContextAgent, "", Insert("group", json!({})), "unknown-property"),
            (ContextGroup, "/objectType", Set(json!("contextAgent")), "context-group-object-type"),
            (ContextGroup, "/objectType", Remove, "context-group-object-type"),
            (ContextGroup, "/group", Remove, "context-group-missing"),
            (ContextGroup, "/group", Set(json!({ "mbox": "mailto:a@example.org" })), "group-required"),
            (ContextGroup, "/relevantTypes", Set(json!([])), "relevant-types-empty"),
            (ContextGroup, "/relevantTypes", Set(json!([1])), "wrong-type"),
        ],
    }
}

/// Pointers to the places of a kind.
fn places(kind: Place, statement: &Value) -> Vec<String> {
    let is = |at: &str, wanted: &[&str]| {
        let kind = statement
            .pointer(at)
            .and_then(|object| object.get("objectType"));
        wanted.contains(&kind.and_then(Value::as_str).unwrap_or("Activity"))
    };
    let subs: Vec<String> = ["/object"]
        .into_iter()
        .filter(|at| is(at, &["SubStatement"]))
        .map(str::to_owned)
        .collect();
    let both: Vec<String> = std::iter::once(String::new()).chain(subs.clone()).collect();
    let has = |at: &str, key: &str| {
        statement
            .pointer(at)
            .is_some_and(|value| value.get(key).is_some())
    };
    let found: Vec<String> = match kind {
        Place::Whole => vec![String::new()],
        Place::Statement => both,
        Place::SubStatement => subs,
        Place::NotOfActivity => filter(both, |at| !is(&format!("{at}/object"), &["Activity"])),
        Place::NotOfReference => filter(both, |at| !is(&format!("{at}/object"), &["StatementRef"])),
        Place::Actor => actors_of(&both, statement),
        Place::Identified => filter(actors_of(&both, statement), |at| {
            ["mbox", "account"].iter().any(|key| has(at, key))
        }),
        Place::Agent => filter(actors_of(&both, statement), |at| {
            statement.pointer(&format!("{at}/objectType")) != Some(&json!("Group"))
        }),
        Place::Group => filter(actors_of(&both, statement), |at| has(at, "member")),
        Place::Activity => {
            let mut all = activities_of_context(&both, statement);
            all.extend(
                filter(both, |at| is(&format!("{at}/object"), &["Activity"]))
                    .into_iter()
                    .map(|at| at + "/object"),
            );
            all
        }
        Place::ContextActivity => activities_of_context(&both, statement),
        Place::Definition | Place::NoInteraction | Place::NotLikert => {
            let definitions = places(Place::Activity, statement)
                .into_iter()
                .map(|at| at + "/definition");
            definitions
                .filter(|at| {
                    let interaction = statement.pointer(&format!("{at}/interactionType"));
                    match kind {
                        Place::NoInteraction => interaction.is_none(),
                        Place::NotLikert => interaction.is_some_and(|kind| kind != "likert"),
                        _ => true,
                    }
                })
                .collect()
        }
        Place::ContextAgent => elements(&both, "/context/contextAgents", statement),
        Place::ContextGroup => elements(&both, "/context/contextGroups", statement),
    };
    filter(found, |at| statement.pointer(at).is_some())
}

fn filter(all: Vec<String>, is: impl Fn(&str) -> bool) -> Vec<String> {
    all.into_iter().filter(|at| is(at)).collect()
}

fn elements(bases: &[String], list: &str, statement: &Value) -> Vec<String> {
    let of_base = |base: &String| {
        let list = format!("{base}{list}");
        let length = statement
            .pointer(&list)
            .and_then(Value::as_array)
            .map_or(0, Vec::len);
        (0..length).map(move |n| format!("{list}/{n}"))
    };
    bases.iter().flat_map(of_base).collect()
}

fn actors_of(statements: &[String], statement: &Value) -> Vec<String> {
    let mut all = vec!["/authority".to_owned()];
    for at in statements {
        for way in ["/actor", "/context/instructor", "/context/team"] {
            all.push(format!("{at}{way}"));
        }
        let object = format!("{at}/object");
        let kind = statement.pointer(&format!("{object}/objectType"));
        if kind.is_some_and(|kind| kind == "Agent" || kind == "Group") {
            all.push(object);
        }
    }
    all.extend(
        elements(statements, "/context/contextAgents", statement)
            .into_iter()
            .map(|at| at + "/agent"),
    );
    all.extend(
        elements(statements, "/context/contextGroups", statement)
            .into_iter()
            .map(|at| at + "/group"),
    );
    let members = elements(&all, "/member", statement);
    all.extend(members);
    all
}

fn activities_of_context(statements: &[String], statement: &Value) -> Vec<String> {
    let mut all = Vec::new();
    for key in ["parent", "grouping", "category", "other"] {
        let way = format!("/context/contextActivities/{key}");
        all.extend(elements(statements, &way, statement));
        let single = statements.iter().map(|at| format!("{at}{way}"));
        all.extend(single.filter(|at| statement.pointer(at).is_some_and(Value::is_object)));
    }
    all
}

/// The statement with the change made at one of the places where it can be.
fn changed(statement: &Value, row: &Row, dice: &mut Dice) -> Option<Value> {
    let (kind, way, change, _) = row;
    let ways = places(*kind, statement).into_iter().map(|at| at + way);
    let possible: Vec<String> = ways
        .filter(|at| match (statement.pointer(at), change) {
            (Some(value), Insert(key, _)) => value.is_object() && value.get(key).is_none(),
            (Some(_), Set(_) | Remove) => true,
            (None, _) => false,
        })
        .collect();
    if possible.is_empty() {
        return None;
    }
    let at = &possible[dice.below(possible.len())];
    let mut changed = statement.clone();
    match change {
        Set(value) => *changed.pointer_mut(at)? = value.clone(),
        Insert(key, value) => changed.pointer_mut(at)?[*key] = value.clone(),
        Remove => {
            let (parent, key) = at.rsplit_once('/')?;
            changed.pointer_mut(parent)?.as_object_mut()?.remove(key)?;
        }
    }
    Some(changed)
}

fn told(statement: &Value, version: XapiVersion) -> Vec<&'static str> {
    validate(statement, version)
        .into_iter()
        .map(|fault| fault.rule)
        .collect()
}

#[test]
fn any_valid_statement_is_accepted_and_any_forbidden_change_is_refused_by_its_rule() {
    for version in XapiVersion::ALL {
        let rows = rows(version);
        let mut made = vec![0; rows.len()];
        let statements = testkit::statement(version);
        let mut runner = TestRunner::deterministic();
        for seed in 0..600 {
            let statement = statements.new_tree(&mut runner).unwrap().current();
            assert_eq!(
                validate(&statement, version),
                [],
                "{version}: {statement:#}"
            );
            let mut dice = Dice::new(seed);
            for (row, made) in rows.iter().zip(&mut made) {
                let Some(changed) = changed(&statement, row, &mut dice) else {
                    continue;
                };
                let told = told(&changed, version);
                assert!(
                    told.contains(&row.3),
                    "{version}, {:?}{}: {} not in {told:?}\n{changed:#}",
                    row.0,
                    row.1,
                    row.3
                );
                *made += 1;
            }
        }
        for (row, made) in rows.iter().zip(made) {
            assert!(
                made > 0,
                "{version}: {:?}{}, {} was never tried",
                row.0,
                row.1,
                row.3
            );
        }
    }
}

/// Scores as they are written, and the rule that they break.
const SCORES: [(&str, Option<&str>); 12] = [
    (r#"{"scaled":1.00000000000000000000}"#, None),
    (r#"{"scaled":-0.99999999999999999999}"#, None),
    (
        r#"{"scaled":1.00000000000000000001}"#,
        Some("scaled-out-of-range"),
    ),
    (
        r#"{"scaled":-100000000000000000001e-20}"#,
        Some("scaled-out-of-range"),
    ),
    (r#"{"min":9007199254740992,"max":9007199254740993}"#, None),
    (r#"{"min":0.1,"max":0.10000000000000000001}"#, None),
    (
        r#"{"min":0.10000000000000000001,"max":0.1}"#,
        Some("min-not-below-max"),
    ),
    (r#"{"min":1.0,"max":10e-1}"#, Some("min-not-below-max")),
    (r#"{"raw":20.0,"min":0,"max":2e1}"#, None),
    (r#"{"raw":0.3,"min":0.30,"max":0.4}"#, None),
    (
        r#"{"raw":20.00000000000000000001,"max":20}"#,
        Some("raw-out-of-range"),
    ),
    (
        r#"{"raw":9007199254740992,"min":9007199254740993.0}"#,
        Some("raw-out-of-range"),
    ),
];

#[test]
fn digits_that_no_float_holds_count_wherever_a_score_stands() {
    for version in XapiVersion::ALL {
        let statements = testkit::statement(version);
        let mut runner = TestRunner::deterministic();
        let mut inner = 0;
        for _ in 0..300 {
            let statement = statements.new_tree(&mut runner).unwrap().current();
            for at in places(Place::Statement, &statement) {
                let mut marked = statement.clone();
                let Some(score) = marked.pointer_mut(&format!("{at}/result/score")) else {
                    continue;
                };
                *score = json!("SCORE");
                for (score, rule) in SCORES {
                    let text = marked.to_string().replace(r#""SCORE""#, score);
                    let value: Value = serde_json::from_str(&text).unwrap();
                    let told = validate_sent(&value, &text, version).into_iter();
                    let told: Vec<_> = told.map(|fault| fault.rule).collect();
                    assert_eq!(told, Vec::from_iter(rule), "{version}: {text}");
                }
                inner += usize::from(!at.is_empty());
            }
        }
        assert!(inner > 0, "{version}: none of a SubStatement");
    }
}

#[test]
fn the_table_breaks_every_rule() {
    let all: Vec<Row> = XapiVersion::ALL.into_iter().flat_map(rows).collect();
    for rule in RULES {
        let is_broken = all.iter().any(|row| row.3 == rule.name);
        // Nulls may be anywhere: below. The schema is the net under the walk.
        let elsewhere = ["null-value", "schema"].contains(&rule.name);
        assert_eq!(is_broken, !elsewhere, "{}", rule.name);
    }
}

/// Pointers to every value outside extensions; `maps` says whether those of language maps, too.
fn inside(value: &Value, at: &str, maps: bool, found: &mut Vec<String>) {
    let children: Vec<(String, &Value)> = match value {
        Value::Array(values) => values
            .iter()
            .enumerate()
            .map(|(n, value)| (n.to_string(), value))
            .collect(),
        Value::Object(map) => map
            .iter()
            .map(|(key, value)| (key.clone(), value))
            .collect(),
        _ => Vec::new(),
    };
    for (key, child) in children {
        let is_map = ["display", "description"].contains(&key.as_str())
            || (key == "name" && child.is_object());
        if key == "extensions" || (is_map && !maps) {
            continue;
        }
        let at = format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
        found.push(at.clone());
        inside(child, &at, maps, found);
    }
}

fn any_statement() -> impl Strategy<Value = (XapiVersion, Value)> {
    prop_oneof![
        testkit::statement(XapiVersion::V1_0_3)
            .prop_map(|statement| (XapiVersion::V1_0_3, statement)),
        testkit::statement(XapiVersion::V2_0_0)
            .prop_map(|statement| (XapiVersion::V2_0_0, statement)),
    ]
}

proptest! {
    #![proptest_config(Config::with_cases(1024))]

    #[test]
    fn null_is_allowed_inside_extensions_only((version, statement) in any_statement(), place: prop::sample::Index) {
        let mut places = Vec::new();
        inside(&statement, "", true, &mut places);
        let mut changed = statement;
        let at: &String = place.get(&places);
        *changed.pointer_mut(at).unwrap() = Value::Null;
        prop_assert!(told(&changed, version).contains(&"null-value"), "{:#}", changed);
    }

    #[test]
    fn keys_are_written_in_one_case((version, statement) in any_statement(), place: prop::sample::Index) {
        let mut places = Vec::new();
        inside(&statement, "", false, &mut places);
        let at: &String = place.get(&places);
        let (parent, key) = at.rsplit_once('/').unwrap();
        let mut changed = statement.clone();
        let Some(map) = changed.pointer_mut(parent).and_then(Value::as_object_mut) else { return Ok(()) };
        let value = map.remove(key).unwrap();
        map.insert(key.to_uppercase(), value);
        let told = told(&changed, version);
        // Without its type an object is told what it would have to be, which may be another rule.
        let named = ["property-case", "context-activities-key"];
        let is_named = told.iter().any(|rule| named.contains(rule) || (key == "objectType" && *rule == "object-type-missing"));
        prop_assert!(is_named, "{:?}\n{:#}", told, changed);
    }

    #[test]
    fn an_unknown_key_stands_nowhere((version, statement) in any_statement(), place: prop::sample::Index) {
        let mut places = vec![String::new()];
        inside(&statement, "", false, &mut places);
        places.retain(|at| statement.pointer(at).is_some_and(Value::is_object));
        let mut changed = statement.clone();
        let at: &String = place.get(&places);
        let map: &mut Map<String, Value> = changed.pointer_mut(at).unwrap().as_object_mut().unwrap();
        map.insert("unknown".to_owned(), json!("x"));
        let told = told(&changed, version);
        prop_assert!(told.iter().any(|rule| ["unknown-property", "context-activities-key"].contains(rule)), "{:?}\n{:#}", told, changed);
    }
}

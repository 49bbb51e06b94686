use std::path::Path;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::profile::{PROFILE_RULES, PROFILE_VERSION, extensions};

fn sample() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/valid/answer.json");
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// A profile of one template.
fn profile(template: Value) -> Profile {
    let mut template = template;
    template["id"] = json!("https://example.org/t");
    Profile::read(&json!({
        "versions": [{ "id": "https://example.org/p/v1" }],
        "templates": [template],
    }))
    .unwrap()
}

/// Pointer and rule of each fault.
fn told(verdict: &ProfileVerdict) -> Vec<(&str, &str)> {
    verdict
        .faults
        .iter()
        .map(|fault| (fault.pointer.as_str(), fault.rule))
        .collect()
}

/// What one rule says of a statement.
fn ruled(rule: &Value, statement: &Value) -> Vec<(String, &'static str)> {
    let verdict = profile(json!({ "rules": [rule] })).check(statement);
    assert_eq!(verdict.templates, ["https://example.org/t"]);
    verdict
        .faults
        .into_iter()
        .map(|fault| (fault.pointer, fault.rule))
        .collect()
}

#[test]
fn the_sample_follows_the_profile() {
    let verdict = Profile::sillage().check(&sample());
    assert!(verdict.follows(), "{:#?}", verdict.faults);
    assert_eq!(
        verdict.templates,
        ["https://w3id.org/sillage/profile/templates/answered"]
    );
    assert_eq!(verdict.advice, []);
    assert_eq!(Profile::sillage().version(), PROFILE_VERSION);
}

/// A statement for each template of the profile, with nothing but what it asks for.
fn bare(verb: &str, kind: &str) -> Value {
    json!({
        "actor": { "account": { "homePage": "https://ent.example.org", "name": "x" } },
        "verb": { "id": verb },
        "object": { "id": "https://example.org/o", "definition": { "type": kind } },
        "result": { "success": verb != verbs::FAILED, "completion": true },
        "context": { "contextActivities": {
            "category": [{ "id": PROFILE_VERSION }],
            "parent": [{ "id": "https://example.org/q" }],
        } },
        "timestamp": "2026-10-05T18:42:11.250+02:00",
    })
}

#[test]
fn each_template_is_matched_and_followed_by_a_statement_of_its_own() {
    let sillage = Profile::sillage();
    for template in &sillage.templates {
        let statement = bare(
            template.verb.as_deref().unwrap(),
            template.object_activity_type.as_deref().unwrap(),
        );
        let verdict = sillage.check(&statement);
        assert!(verdict.follows(), "{}: {:#?}", template.id, verdict.faults);
        assert_eq!(verdict.templates, std::slice::from_ref(&template.id));
        assert!(!verdict.advice.is_empty(), "{}", template.id);
        assert!(
            verdict
                .advice
                .iter()
                .all(|advice| advice.rule == "profile-recommended")
        );
    }
    assert_eq!(sillage.templates().count(), sillage.templates.len());
}

#[test]
fn each_rule_of_the_answer_is_told_where_it_is_broken() {
    let category = "/context/contextActivities/category";
    for (what, pointer, value, wanted) in [
        (
            "no category",
            category,
            None,
            ("/context/contextActivities", "profile-included"),
        ),
        (
            "another version of the profile",
            category,
            Some(json!([{ "id": "https://w3id.org/sillage/profile/v0" }])),
            (category, "profile-any"),
        ),
        (
            "a name",
            "/actor/name",
            Some(json!("A. Pupil")),
            ("/actor/name", "profile-excluded"),
        ),
        (
            "a mail",
            "/actor",
            Some(json!({ "mbox": "mailto:a@example.org" })),
            ("/actor/mbox", "profile-excluded"),
        ),
        (
            "a group",
            "/actor",
            Some(json!({ "objectType": "Group", "member": [] })),
            ("/actor/member", "profile-excluded"),
        ),
        ("no timestamp", "/timestamp", None, ("", "profile-included")),
        (
            "no outcome",
            "/result",
            Some(json!({ "score": { "raw": 3 } })),
            ("/result", "profile-included"),
        ),
        (
            "another origin",
            "/context/extensions/https:~1~1w3id.org~1sillage~1ext~1origin",
            Some(json!("chance")),
            (
                "/context/extensions/https:~1~1w3id.org~1sillage~1ext~1origin",
                "profile-extension-value",
            ),
        ),
    ] {
        let mut statement = sample();
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        let key = key.replace("~1", "/");
        let parent = statement
            .pointer_mut(parent)
            .unwrap()
            .as_object_mut()
            .unwrap();
        match value {
            Some(value) => drop(parent.insert(key, value)),
            None => drop(parent.remove(&key).unwrap()),
        }
        let verdict = Profile::sillage().check(&statement);
        assert_eq!(told(&verdict), [wanted], "{what}");
        if wanted.1 != "profile-extension-value" {
            assert!(
                verdict.faults[0]
                    .template
                    .as_deref()
                    .unwrap()
                    .ends_with("/answered")
            );
        }
    }
}

#[test]
fn a_fault_says_what_the_profile_says_of_it_and_no_value() {
    let mut statement = sample();
    statement["actor"]["name"] = json!("Alice Secret");
    let verdict = Profile::sillage().check(&statement);
    let fault = &verdict.faults[0];
    assert_eq!(
        fault.location.as_deref(),
        Some("$.actor.name | $.actor.mbox")
    );
    assert_eq!(fault.section, "xAPI Profiles 1.0 Structure 8.1");
    assert!(
        fault
            .detail
            .ends_with("known by an account with an opaque name."),
        "{}",
        fault.detail
    );
    assert!(!format!("{fault:?}").contains("Secret"));
    assert_eq!(fault.clone().under("/3").pointer, "/3/actor/name");
}

#[test]
fn a_statement_of_no_template_is_told_what_is_near() {
    let sillage = Profile::sillage();
    let other = json!({ "verb": { "id": "https://example.org/v" } });
    assert_eq!(told(&sillage.check(&other)), [("", "profile-no-template")]);
    let mut statement = sample();
    statement["object"]["definition"]["type"] = json!("http://adlnet.gov/expapi/activities/course");
    let verdict = sillage.check(&statement);
    assert_eq!(told(&verdict), [("", "profile-no-template")]);
    assert_eq!(verdict.templates, [""; 0]);
    assert!(
        verdict.faults[0]
            .detail
            .contains("templates/answered has this verb, and lacking is: objectActivityType"),
        "{}",
        verdict.faults[0].detail
    );
}

#[test]
fn a_voiding_belongs_to_xapi() {
    let voiding = json!({
        "actor": { "mbox": "mailto:a@example.org" },
        "verb": { "id": verbs::VOIDED },
        "object": { "objectType": "StatementRef", "id": "e05aa883-acaf-40ad-bf54-02c8ce485fb0" },
    });
    assert!(Profile::sillage().check(&voiding).follows());
}

#[test]
fn a_single_context_activity_is_an_array_of_one() {
    let mut statement = sample();
    statement["context"]["contextActivities"]["category"] = json!({ "id": PROFILE_VERSION });
    assert!(Profile::sillage().check(&statement).follows());
    let inner = json!({ "object": { "context": { "contextActivities": { "other": { "id": "https://example.org/x" } } } } });
    let rule = json!({ "location": "$.object.context.contextActivities.other[*].id", "presence": "included" });
    assert_eq!(ruled(&rule, &inner), []);
}

#[test]
fn presence_is_as_the_specification_says() {
    let there = json!({ "a": [{ "id": 1 }, { "id": 2 }] });
    let none = json!({});
    let half = json!({ "a": [{ "id": 1 }, {}] });
    let location = "$.a[*]";
    for (presence, selector, statement, wanted) in [
        ("included", None, &there, &[][..]),
        ("included", None, &none, &[("", "profile-included")]),
        ("included", Some("$.id"), &there, &[]),
        // One without an id is unmatchable.
        (
            "included",
            Some("$.id"),
            &half,
            &[("/a/1", "profile-included")],
        ),
        ("excluded", None, &none, &[]),
        (
            "excluded",
            None,
            &there,
            &[("/a/0", "profile-excluded"), ("/a/1", "profile-excluded")],
        ),
        (
            "excluded",
            Some("$.id"),
            &half,
            &[("/a/0/id", "profile-excluded")],
        ),
        ("excluded", Some("$.name"), &half, &[]),
        ("recommended", None, &none, &[]),
        ("recommended", None, &there, &[]),
    ] {
        let mut rule = json!({ "location": location, "presence": presence });
        if let Some(selector) = selector {
            rule["selector"] = json!(selector);
        }
        let wanted: Vec<_> = wanted
            .iter()
            .map(|(at, rule)| ((*at).to_owned(), *rule))
            .collect();
        assert_eq!(ruled(&rule, statement), wanted, "{rule} on {statement}");
    }
}

#[test]
fn any_all_and_none_are_as_the_specification_says() {
    let there = json!({ "a": [1, 2] });
    let nothing = json!({});
    let mixed = json!({ "a": [{ "id": 1 }, {}] });
    let (any, all, none) = ("profile-any", "profile-all", "profile-none");
    for (rule, statement, wanted) in [
        (json!({ "any": [2.0, 3] }), &there, &[][..]),
        (json!({ "any": [3] }), &there, &[("", any)]),
        // Without a presence the requirement stands by itself.
        (json!({ "any": [3] }), &nothing, &[("", any)]),
        (
            json!({ "any": [3], "presence": "recommended" }),
            &nothing,
            &[],
        ),
        (
            json!({ "any": [3], "presence": "recommended" }),
            &there,
            &[("", any)],
        ),
        (json!({ "all": [1, 2, 3] }), &there, &[]),
        (json!({ "all": [1] }), &there, &[("/a/1", all)]),
        (json!({ "all": [1] }), &nothing, &[]),
        (
            json!({ "all": [1], "presence": "recommended" }),
            &there,
            &[("/a/1", all)],
        ),
        (
            json!({ "all": [1], "selector": "$.id" }),
            &mixed,
            &[("/a/1", all)],
        ),
        (
            json!({ "all": [1], "selector": "$.id", "presence": "included" }),
            &mixed,
            &[("/a/1", "profile-included")],
        ),
        (json!({ "none": [3] }), &there, &[]),
        (json!({ "none": [2] }), &there, &[("/a/1", none)]),
        (
            json!({ "none": [2], "presence": "recommended" }),
            &there,
            &[("/a/1", none)],
        ),
        (json!({ "any": [1], "presence": "excluded" }), &nothing, &[]),
    ] {
        let mut rule = rule;
        rule["location"] = json!("$.a[*]");
        // The path stops at the list: what is missing is missing in it.
        let wanted: Vec<_> = wanted
            .iter()
            .map(|(at, name)| {
                let near = if *name == any && statement.get("a").is_some() {
                    "/a"
                } else {
                    at
                };
                (near.to_owned(), *name)
            })
            .collect();
        assert_eq!(ruled(&rule, statement), wanted, "{rule} on {statement}");
    }
}

#[test]
fn determining_properties_are_equal_or_a_superset() {
    let activity =
        |kind: &str| json!({ "id": "https://example.org/a", "definition": { "type": kind } });
    let lists = |kinds: &[&str]| kinds.iter().map(|kind| activity(kind)).collect::<Vec<_>>();
    let statement = json!({
        "object": activity("k"),
        "context": { "contextActivities": {
            "grouping": lists(&["a", "b"]), "parent": lists(&["c"]), "other": activity("d"), "category": lists(&["e"]),
        } },
        "attachments": [{ "usageType": "u" }, { "usageType": "v" }],
    });
    for (property, inside, outside) in [
        ("objectActivityType", json!("k"), json!("x")),
        (
            "contextGroupingActivityType",
            json!(["b", "a"]),
            json!(["a", "x"]),
        ),
        ("contextParentActivityType", json!(["c"]), json!(["a"])),
        ("contextOtherActivityType", json!(["d"]), json!(["c"])),
        ("contextCategoryActivityType", json!(["e"]), json!(["d"])),
        ("attachmentUsageType", json!(["v"]), json!(["w"])),
    ] {
        let check = |wanted: Value| profile(json!({ property: wanted })).check(&statement);
        assert!(check(inside).follows(), "{property}");
        let verdict = check(outside);
        assert_eq!(told(&verdict), [("", "profile-no-template")], "{property}");
        assert!(
            verdict.faults[0].detail.ends_with(property),
            "{}",
            verdict.faults[0].detail
        );
    }
}

#[test]
fn a_template_may_ask_for_references() {
    let by_object = profile(json!({ "objectStatementRefTemplate": ["https://example.org/u"] }));
    let by_context = profile(json!({ "contextStatementRefTemplate": ["https://example.org/u"] }));
    let reference =
        json!({ "objectType": "StatementRef", "id": "e05aa883-acaf-40ad-bf54-02c8ce485fb0" });
    assert!(
        by_object
            .check(&json!({ "object": reference.clone() }))
            .follows()
    );
    assert!(
        by_context
            .check(&json!({ "context": { "statement": reference } }))
            .follows()
    );
    assert_eq!(
        told(&by_object.check(&json!({ "object": { "id": "https://example.org/o" } }))),
        [("/object", "profile-statement-ref")]
    );
    assert_eq!(
        told(&by_context.check(&json!({}))),
        [("/context/statement", "profile-statement-ref")]
    );
}

#[test]
fn an_extension_stands_where_it_belongs() {
    let mut statement = sample();
    statement["result"]["extensions"] =
        json!({ extensions::HINTS: 1, "https://example.org/own": {} });
    statement["context"]["contextActivities"]["parent"][0]["definition"] =
        json!({ "extensions": { extensions::SEQ: 1 } });
    let place = "profile-extension-place";
    assert_eq!(
        told(&Profile::sillage().check(&statement)),
        [
            (
                "/result/extensions/https:~1~1w3id.org~1sillage~1ext~1hints",
                place
            ),
            (
                "/context/contextActivities/parent/0/definition/extensions/https:~1~1w3id.org~1sillage~1ext~1seq",
                place
            ),
        ]
    );
}

#[test]
fn a_profile_that_is_none_is_told_where() {
    let read = |profile: Value| {
        Profile::read(&profile)
            .unwrap_err()
            .into_iter()
            .map(|fault| (fault.pointer, fault.rule))
            .collect::<Vec<_>>()
    };
    let versions = json!([{ "id": "https://example.org/p/v1" }]);
    let of = |template: Value| json!({ "versions": versions.clone(), "templates": [template] });
    let id = "https://example.org/t";
    for (profile, pointer, rule) in [
        (json!([]), "", "document-shape"),
        (json!({ "versions": [] }), "/versions", "profile-version"),
        (of(json!({ "verb": "v" })), "/templates/0", "document-shape"),
        (
            of(
                json!({ "id": id, "rules": [{ "location": "$.a[?(@.b)]", "presence": "included" }] }),
            ),
            "/templates/0",
            "document-shape",
        ),
        (
            of(json!({ "id": id, "rules": [{ "location": "$.a" }] })),
            "/templates/0/rules/0",
            "template-rule-asks",
        ),
        (
            of(json!({ "id": id, "objectActivityType": "k", "objectStatementRefTemplate": [id] })),
            "/templates/0",
            "template-object",
        ),
        (
            json!({ "versions": versions.clone(), "concepts": [
                { "id": "https://example.org/e", "type": "ContextExtension", "inlineSchema": "{\"type\": 3}" },
            ] }),
            "/concepts/0/inlineSchema",
            "extension-schema",
        ),
    ] {
        assert_eq!(read(profile), [(pointer.to_owned(), rule)]);
    }
}

#[test]
fn a_statement_that_is_wrong_everywhere_gets_a_short_answer() {
    let rules: Vec<_> = (0..200)
        .map(|n| json!({ "location": format!("$.a{n}"), "presence": "included" }))
        .collect();
    let verdict = profile(json!({ "rules": rules })).check(&json!({}));
    assert_eq!(verdict.faults.len(), MAX_TOLD);
}

proptest! {
    /// Whatever is asked, the answer is one: no panic, pointers that are inside, rules that are known.
    #[test]
    fn any_json_is_answered(text in "[\\[\\]{}a-z\":,0-9]{0,60}", key in "[a-z]{1,8}") {
        let mut statement = sample();
        statement[&key] = serde_json::from_str(&text).unwrap_or_else(|_| json!(text));
        let verdict = Profile::sillage().check(&statement);
        for fault in verdict.faults.iter().chain(&verdict.advice) {
            prop_assert!(PROFILE_RULES.iter().any(|rule| rule.name == fault.rule));
            prop_assert!(fault.pointer.is_empty() || statement.pointer(&fault.pointer).is_some());
        }
        prop_assert_eq!(verdict.follows(), verdict.faults.is_empty());
    }
}

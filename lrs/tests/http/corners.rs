//! What is allowed and rarely sent, and what is forbidden and nearly right: over HTTP, stored or not.

use std::collections::HashSet;

use futures::future::join_all;
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::TestRunner;
use reqwest::Method;
use schemas::testkit::{self, spelled};
use schemas::xapi::XapiVersion;
use serde_json::{Value, json};

use crate::app::{Answer, App, id, statement};

/// A statement with one member set.
fn with(n: u32, pointer: &str, value: Value) -> Value {
    let mut changed = statement(id(n), "a", "v", "o");
    let mut place = &mut changed;
    for key in pointer.split('/').skip(1) {
        place = &mut place[key];
    }
    *place = value;
    changed
}

/// All of them in one request: stored, and given back as they were sent.
async fn accepted(app: &App, members: &[(&str, Value)]) {
    let all: Vec<Value> = (1..)
        .zip(members)
        .map(|(n, (pointer, value))| with(n, pointer, value.clone()))
        .collect();
    app.post(&json!(all)).await.is(200);
    for ((pointer, value), n) in members.iter().zip(1..) {
        let got = app
            .get(&[("statementId", &id(n).to_string())])
            .await
            .is(200);
        assert_eq!(got.body.pointer(pointer), Some(value), "{pointer}");
    }
}

/// Each by itself: refused by its rule, nothing stored.
async fn refused(app: &App, members: &[(&str, Value, &str)]) {
    let stored = app.count().await;
    let mut faults = Vec::new();
    for (pointer, value, rule) in members {
        let answer = app.post(&with(900, pointer, value.clone())).await;
        if answer.status != 400 || answer.body["rule"] != *rule {
            faults.push(format!(
                "{pointer} {value}: {} {}",
                answer.status, answer.text
            ));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert_eq!(app.count().await, stored);
}

#[actix_web::test]
async fn every_interaction_with_every_form_of_pattern() {
    let app = App::start().await;
    let components = json!([{ "id": "a", "description": { "fr": "A", "en": "A" } }, { "id": "b c" }, { "id": "" }]);
    let lists = |kind: &str| -> &[&str] {
        match kind {
            "choice" | "sequencing" => &["choices"],
            "likert" => &["scale"],
            "matching" => &["source", "target"],
            "performance" => &["steps"],
            _ => &[],
        }
    };
    let patterns: [(&str, &[&str]); 10] = [
        ("true-false", &["true", "false"]),
        ("choice", &["golf[,]tetris", "golf"]),
        (
            "fill-in",
            &[
                "Bob's your uncle",
                "{lang=fr}un[,]{lang=en}one",
                "{case_matters=true}x",
            ],
        ),
        (
            "long-fill-in",
            &[
                "{case_matters=false}{lang=en}To store and provide access to learning experiences.",
                &"x".repeat(5_000),
            ],
        ),
        ("matching", &["ben[.]3[,]chris[.]2[,]troy[.]4"]),
        (
            "performance",
            &[
                "pong[.]1:[,]dg[.]:10[,]lunch[.]",
                "{order_matters=false}s[.]4[:]5",
            ],
        ),
        ("sequencing", &["tim[,]mike[,]ells[,]ben"]),
        ("likert", &["likert_3"]),
        ("numeric", &["4[:]", "[:]4", "4[:]5", "4", "-1.5e3", "[:]"]),
        ("other", &["(35.937432,-86.868896)", ""]),
    ];
    let mut definitions = Vec::new();
    for (kind, patterns) in patterns {
        let mut definition = json!({ "type": "http://adlnet.gov/expapi/activities/cmi.interaction",
            "interactionType": kind, "correctResponsesPattern": patterns });
        for list in lists(kind) {
            definition[*list] = components.clone();
        }
        definitions.push(("/object/definition", definition));
        // No answer is right; any is.
        definitions.push((
            "/object/definition",
            json!({ "interactionType": kind, "correctResponsesPattern": [] }),
        ));
        definitions.push(("/object/definition", json!({ "interactionType": kind })));
    }
    accepted(&app, &definitions).await;

    let of = |definition: Value, rule: &'static str| ("/object/definition", definition, rule);
    let mut bad = vec![
        of(
            json!({ "interactionType": "multiple-choice" }),
            "interaction-type-unknown",
        ),
        of(
            json!({ "interactionType": "TRUE-FALSE" }),
            "interaction-type-unknown",
        ),
        of(
            json!({ "interactionType": "choice", "choices": [{ "id": "a" }, { "id": "a" }] }),
            "component-id-repeated",
        ),
        of(
            json!({ "interactionType": "choice", "choices": [{ "description": {} }] }),
            "component-id-missing",
        ),
        of(
            json!({ "correctResponsesPattern": [] }),
            "interaction-type-missing",
        ),
    ];
    for kind in patterns.map(|(kind, _)| kind) {
        for pattern in [json!("a"), json!({}), json!([1]), json!([["a"]])] {
            let definition = json!({ "interactionType": kind, "correctResponsesPattern": pattern });
            bad.push(of(definition, "wrong-type"));
        }
        for list in ["choices", "scale", "source", "target", "steps"] {
            if !lists(kind).contains(&list) {
                let mut definition = json!({ "interactionType": kind });
                definition[list] = json!([]);
                bad.push(of(definition, "components-of-other-type"));
            }
        }
    }
    refused(&app, &bad).await;
}

/// Data 2.4.4.1: an LRS may look at what a pattern says. This one keeps it as it was sent.
#[actix_web::test]
async fn a_pattern_of_another_form_than_its_interaction_is_kept() {
    let app = App::start().await;
    let patterns = [
        ("true-false", "yes"),
        ("choice", "[,]"),
        ("fill-in", "{lang=}{case_matters=maybe}x"),
        ("long-fill-in", "{order_matters"),
        ("matching", "ben[,]3"),
        ("performance", "[:]4[.]pong"),
        ("sequencing", ""),
        ("likert", "likert_1[,]likert_2"),
        ("numeric", "four[:]three"),
        ("other", "\n"),
    ];
    let definitions = patterns.map(|(kind, pattern)| {
        let pattern = json!([pattern, pattern]);
        let definition = json!({ "interactionType": kind, "correctResponsesPattern": pattern });
        ("/object/definition", definition)
    });
    accepted(&app, &definitions).await;
}

#[actix_web::test]
async fn scores_reach_their_bounds_and_no_further() {
    let app = App::start().await;
    let score = |score: Value| ("/result", json!({ "score": score }));
    accepted(
        &app,
        &[
            score(json!({ "scaled": 1 })),
            score(json!({ "scaled": -1.0 })),
            score(json!({ "scaled": 0.999_999_999_999_999_9 })),
            score(json!({ "raw": 0, "min": 0, "max": 20 })),
            score(json!({ "raw": 20.0, "min": 0, "max": 20 })),
            score(json!({ "raw": -5, "max": 0 })),
            score(json!({ "raw": 1e300, "min": 1 })),
            score(json!({ "min": -0.1, "max": 0 })),
            score(json!({ "raw": -3 })),
            score(json!({})),
        ],
    )
    .await;
    let score = |score: Value, rule| ("/result", json!({ "score": score }), rule);
    refused(
        &app,
        &[
            score(
                json!({ "scaled": 1.000_000_000_000_000_2 }),
                "scaled-out-of-range",
            ),
            score(json!({ "scaled": -1.1 }), "scaled-out-of-range"),
            score(
                json!({ "raw": 20.000_000_000_000_004, "min": 0, "max": 20 }),
                "raw-out-of-range",
            ),
            score(json!({ "raw": -1, "min": 0 }), "raw-out-of-range"),
            score(json!({ "raw": 1, "max": 0 }), "raw-out-of-range"),
            score(json!({ "min": 1, "max": 1 }), "min-not-below-max"),
            score(json!({ "min": 2, "max": 1 }), "min-not-below-max"),
            score(json!({ "scaled": "1" }), "wrong-type"),
            score(json!({ "raw": null }), "null-value"),
        ],
    )
    .await;
}

#[actix_web::test]
async fn timestamps_with_any_offset_leap_days_and_leap_seconds() {
    let app = App::start().await;
    let at = |text: &str| ("/timestamp", json!(text));
    accepted(
        &app,
        &[
            at("2026-10-05T18:42:11.250+02:00"),
            at("2026-10-05T18:42:11.123456789-03:30"),
            at("2026-10-05T18:42:11+14:00"),
            at("2026-10-05T18:42:11-12:00"),
            at("2026-10-05T18:42:11+23:59"),
            at("2026-10-05t18:42:11z"),
            at("2026-10-05T18:42:11"),
            at("2026-10-05T18:42:11+02"),
            at("2026-10-05T18:42:11+0545"),
            at("2024-02-29T23:59:59.999Z"),
            at("2000-02-29T00:00:00Z"),
            at("2016-12-31T23:59:60Z"),
            at("2017-01-01T00:59:60.5+01:00"),
            at("2015-06-30T16:59:60-07:00"),
            at("0001-01-01T00:00:00+14:00"),
            at("9999-12-31T23:59:59.999999-12:00"),
            at("2017-01-01T05:29:60.250+05:30"),
            at("1972-06-30T23:59:60Z"),
            at("2026-10-05T18:42:11.1234567891230+02:00"),
        ],
    )
    .await;
    let bad = |text: &str| ("/timestamp", json!(text), "timestamp-not-iso8601");
    refused(
        &app,
        &[
            bad("2026-02-29T12:00:00Z"),
            bad("1900-02-29T12:00:00Z"),
            bad("2026-04-31T12:00:00Z"),
            bad("2026-00-10T12:00:00Z"),
            bad("2026-10-05T24:00:00Z"),
            bad("2026-10-05T23:60:00Z"),
            bad("2026-10-05T18:42:60Z"),
            bad("2016-12-31T23:59:60+01:00"),
            bad("2016-12-31T23:59:61Z"),
            bad("2026-10-05T18:42:11+24:00"),
            bad("2026-10-05T18:42:11+02:60"),
            bad("2026-10-05 18:42:11Z"),
            bad("2026-10-05T18:42:11 Z"),
            bad("2026-10-05T18:42Z"),
            bad("2026-10-05"),
            bad("20261005T184211Z"),
            bad("-2026-10-05T18:42:11Z"),
            bad("12026-10-05T18:42:11Z"),
            bad("２０２６-10-05T18:42:11Z"),
            (
                "/timestamp",
                json!("2026-10-05T18:42:11-00:00"),
                "timestamp-minus-zero-offset",
            ),
            (
                "/timestamp",
                json!("2026-10-05T18:42:11-0000"),
                "timestamp-minus-zero-offset",
            ),
            ("/timestamp", json!(1_780_000_000), "wrong-type"),
        ],
    )
    .await;
    // In answers under 2.0 an instant is told in UTC, and never in a year that RFC 3339 has not.
    let app = app.speaking("2.0.0");
    for (n, told) in [
        (1, "2026-10-05T16:42:11.250Z"),
        (2, "2026-10-05T22:12:11.123456789Z"),
        (6, "2026-10-05T18:42:11Z"),
        (13, "2016-12-31T23:59:60.5Z"),
        (16, "9999-12-31T23:59:59.999999-12:00"),
        (17, "2016-12-31T23:59:60.250Z"),
        (18, "1972-06-30T23:59:60Z"),
        (19, "2026-10-05T16:42:11.1234567891230Z"),
    ] {
        let got = app
            .get(&[("statementId", &id(n).to_string())])
            .await
            .is(200);
        assert_eq!(got.body["timestamp"], told, "{n}");
    }
}

#[actix_web::test]
async fn language_tags_of_every_shape() {
    let app = App::start().await;
    let tags = [
        "fr",
        "fr-FR",
        "FR-fr",
        "zh-Hant-TW",
        "es-419",
        "sl-rozaj-biske",
        "de-CH-1996",
        "sr-Latn-RS",
        "x-private",
        "en-a-bbb-x-a-ccc",
        "i-klingon",
        "art-lojban",
        "und",
        "mul",
        "gsw",
        "zh-cmn-Hans-CN",
        "de-DE-u-co-phonebk",
        // Grandfathered, of either kind.
        "i-default",
        "en-GB-oed",
        "sgn-BE-FR",
        "zh-min-nan",
        "cel-gaulish",
        // Private use, alone and at the end.
        "x-a-b-12345678",
        "fr-x-classe-2nde",
        "qaa-Qaaa-QM-x-southern",
    ];
    let mut good: Vec<_> = tags
        .iter()
        .map(|tag| ("/context/language", json!(tag)))
        .collect();
    let map: Value = tags
        .iter()
        .map(|tag| ((*tag).to_owned(), json!("x")))
        .collect::<serde_json::Map<_, _>>()
        .into();
    good.push(("/verb/display", map));
    good.push(("/verb/display", json!({})));
    accepted(&app, &good).await;
    let tags = [
        "",
        "f",
        "français",
        "fr_FR",
        "fr-",
        "-fr",
        "fr--FR",
        "abcdefghi",
        "en-a-bbb-a-ccc",
        "fr FR",
        "x",
        "123",
        "i-unknown",
        "x-",
        "x-123456789",
        "fr-x",
        "fr-x-classe_2nde",
    ];
    let mut bad: Vec<_> = tags
        .iter()
        .map(|tag| ("/context/language", json!(tag), "language-not-tag"))
        .collect();
    bad.extend(
        tags.iter()
            .map(|tag| ("/verb/display", json!({ *tag: "x" }), "language-map-key")),
    );
    bad.push(("/verb/display", json!({ "fr": null }), "null-value"));
    bad.push(("/verb/display", json!({ "fr": ["x"] }), "wrong-type"));
    refused(&app, &bad).await;
}

#[actix_web::test]
async fn iris_with_letters_of_any_script() {
    let app = App::start().await;
    let iris = [
        "https://example.org/élève/été?q=ça#là",
        "http://例え.jp/道/問題",
        "https://مثال.إختبار/س",
        "https://example.org/%C3%A9",
        "https://example.org/\u{10000}",
        "urn:uuid:e05aa883-acaf-40ad-bf54-02c8ce485fb0",
        "tag:example.org,2026:maths/1",
        "act:maths",
        "HTTPS://EXAMPLE.ORG/A",
        "https://[2001:db8::1]:8443/",
        "https://example.org:/a//b/../c",
    ];
    let mut good: Vec<_> = iris.iter().map(|iri| ("/object/id", json!(iri))).collect();
    good.extend(
        iris.iter()
            .map(|iri| ("/context/extensions", json!({ *iri: null }))),
    );
    accepted(&app, &good).await;
    for (n, iri) in (1..).zip(iris) {
        // Each is found by itself alone: no form is taken for another.
        assert_eq!(
            app.all(&[("activity", iri)]).await,
            [id(n).to_string()],
            "{iri}"
        );
    }
    let no_iris = [
        "",
        "maths",
        "/maths",
        "//example.org/a",
        "example.org/a",
        "https://example.org/a b",
        "https://example.org/<a>",
        "https://example.org/{a}",
        "https://exa mple.org/",
        "1http://example.org/",
        "https://example.org/a\\b",
        "https://example.org/%zz",
        "https://example.org/\"",
        "https://example.org/\n",
        " https://example.org/",
        ":a",
    ];
    let mut bad: Vec<_> = no_iris
        .iter()
        .map(|iri| ("/object/id", json!(iri), "activity-id-not-iri"))
        .collect();
    bad.extend(
        no_iris
            .iter()
            .map(|iri| ("/verb/id", json!(iri), "verb-id-not-iri")),
    );
    bad.extend(no_iris.iter().map(|iri| {
        (
            "/context/extensions",
            json!({ *iri: 1 }),
            "extension-key-not-iri",
        )
    }));
    refused(&app, &bad).await;
}

#[actix_web::test]
async fn keys_have_one_case_and_nulls_one_place() {
    let app = App::start().await;
    let nulls = json!({ "https://example.org/e": null, "https://example.org/f": [null, { "": null, "ACTOR": null }] });
    accepted(
        &app,
        &[
            ("/context/extensions", nulls.clone()),
            ("/result/extensions", nulls.clone()),
            ("/object/definition", json!({ "extensions": nulls })),
        ],
    )
    .await;
    let mut bad = Vec::new();
    for (pointer, rule) in [
        ("/Actor", "property-case"),
        ("/TIMESTAMP", "property-case"),
        ("/verb/ID", "property-case"),
        ("/actor/account/homepage", "property-case"),
        ("/actor/ObjectType", "property-case"),
        ("/context/ContextActivities", "property-case"),
        (
            "/context/contextActivities/Parent",
            "context-activities-key",
        ),
        ("/result/Score", "property-case"),
        ("/result/score/Scaled", "property-case"),
        ("/object/definition/Name", "property-case"),
    ] {
        bad.push((pointer, json!({}), rule));
    }
    for pointer in [
        "/id",
        "/actor",
        "/actor/objectType",
        "/actor/account/name",
        "/verb",
        "/verb/id",
        "/verb/display",
        "/object",
        "/object/definition",
        "/result",
        "/result/score",
        "/result/response",
        "/context",
        "/context/registration",
        "/context/contextActivities",
        "/context/extensions",
        "/timestamp",
        "/version",
        "/attachments",
        "/stored",
    ] {
        bad.push((pointer, Value::Null, "null-value"));
    }
    refused(&app, &bad).await;
}

/// The JSON itself: what no JSON library would send.
#[actix_web::test]
async fn json_is_read_strictly() {
    let app = App::start().await;
    let good = statement(id(1), "a", "v", "o").to_string();
    let extension = |json: &str| {
        let context =
            format!(r#""context":{{"extensions":{{"https://example.org/e":{json}}}}},"actor""#);
        good.replacen(r#""actor""#, &context, 1)
    };
    let nested =
        |levels: usize| extension(&format!("{}{}", "[".repeat(levels), "]".repeat(levels)));
    let send = |body: String| {
        Answer::of(
            app.request(Method::POST, "/statements")
                .header("Content-Type", "application/json")
                .body(body),
        )
    };
    for (what, body, rule) in [
        ("U+0000 in a value", extension(r#""a\u0000b""#), "json-nul"),
        ("U+0000 in a key", extension(r#"{"a\u0000":1}"#), "json-nul"),
        (
            "a bare control character",
            extension("\"a\u{1}\""),
            "json-syntax",
        ),
        (
            "a high surrogate",
            extension(r#""\ud83d""#),
            "json-lone-surrogate",
        ),
        (
            "a low surrogate",
            extension(r#""\ude00""#),
            "json-lone-surrogate",
        ),
        (
            "surrogates the wrong way round",
            extension(r#""\ude00\ud83d""#),
            "json-lone-surrogate",
        ),
        (
            "a high surrogate and a letter",
            extension(r#""\ud83dx""#),
            "json-lone-surrogate",
        ),
        (
            "two high surrogates",
            extension(r#""\ud83d\ud83d""#),
            "json-lone-surrogate",
        ),
        (
            "a lone surrogate as a key",
            extension(r#"{"\ud83d":1}"#),
            "json-lone-surrogate",
        ),
        (
            "a key twice in an extension",
            extension(r#"{"a":1,"a":1}"#),
            "json-duplicate-key",
        ),
        (
            "a key twice, once escaped",
            extension(r#"{"a":1,"\u0061":1}"#),
            "json-duplicate-key",
        ),
        (
            "the actor twice",
            good.replacen('{', r#"{"actor":{"mbox":"mailto:a@example.org"},"#, 1),
            "json-duplicate-key",
        ),
        ("a hundred and one levels", nested(98), "json-depth"),
        ("a hundred thousand levels", nested(100_000), "json-depth"),
        ("NaN", extension("NaN"), "json-syntax"),
        ("Infinity", extension("-Infinity"), "json-syntax"),
        ("a plus", extension("+1"), "json-syntax"),
        ("a leading zero", extension("01"), "json-syntax"),
        ("a bare point", extension(".5"), "json-syntax"),
        ("hexadecimal", extension("0x1f"), "json-syntax"),
        ("a comment", extension("1 /* one */"), "json-syntax"),
        ("a comma too many", extension("[1,]"), "json-syntax"),
        ("single quotes", extension("'a'"), "json-syntax"),
        (
            "a byte order mark",
            format!("\u{feff}{good}"),
            "json-syntax",
        ),
        (
            "too large a number",
            extension("1e400"),
            "json-number-range",
        ),
    ] {
        let answer = send(body).await;
        assert_eq!(
            (answer.status.as_u16(), answer.body["rule"].as_str()),
            (400, Some(rule)),
            "{what}: {}",
            answer.text
        );
    }
    assert_eq!(app.count().await, 0);
    for (n, json) in (1..).zip([
        r#""\ud83d\ude00 😀""#,
        r#"{"":{"":[]}}"#,
        "1E+2",
        "-0.0",
        "123456789012345678901234567890",
        "0.1000000000000000055511151231257827",
        "1e-400",
        r#""\u2028\u007f\/""#,
    ]) {
        send(extension(json).replacen(&id(1).to_string(), &id(n).to_string(), 1))
            .await
            .is(200);
        let got = app
            .get(&[("statementId", &id(n).to_string())])
            .await
            .is(200);
        assert!(got.text.contains(json), "{json} in {}", got.text);
    }
    send(nested(97).replacen(&id(1).to_string(), &id(50).to_string(), 1))
        .await
        .is(200);
}

#[actix_web::test]
async fn an_array_is_stored_whole_or_not_at_all() {
    let app = App::start().await;
    let batch = |bad_at: u32| -> Value {
        (1..=50)
            .map(|n| {
                if n == bad_at {
                    with(n, "/verb/id", json!("v"))
                } else {
                    statement(id(n), "a", "v", "o")
                }
            })
            .collect()
    };
    for bad_at in [1, 25, 50] {
        let answer = app.post(&batch(bad_at)).await.is(400);
        assert_eq!(answer.body["pointer"], format!("/{}/verb/id", bad_at - 1));
    }
    assert_eq!(app.count().await, 0);
    app.post(&statement(id(50), "a", "other", "o"))
        .await
        .is(200);
    let conflict = app.post(&batch(0)).await.is(409);
    assert_eq!(conflict.body["pointer"], "/49/id");
    assert_eq!(app.count().await, 1);
    app.post(&json!([])).await.is(200);
    assert_eq!(app.count().await, 1);
}

#[actix_web::test]
async fn of_fifty_clients_with_one_id_the_equal_ones_succeed_and_the_others_are_told() {
    let one = App::start().await;
    let two = one.another().await;
    for round in 1..=6_u32 {
        let shared = id(round);
        let posts = (0..50_u64).map(|client| {
            let app = if client % 2 == 0 { &one } else { &two };
            // Three of five say the same, each in other words; the rest say two other things.
            let verb = ["v", "v", "v", "w", "x"][usize::try_from(client % 5).expect("small")];
            let body = spelled(&statement(shared, "a", verb, "o"), client);
            let request = app
                .request(Method::POST, "/statements")
                .header("Content-Type", "application/json")
                .body(body);
            async move { (verb, Answer::of(request).await) }
        });
        let answers = join_all(posts).await;
        let won: HashSet<&str> = answers
            .iter()
            .filter(|(_, answer)| answer.status == 200)
            .map(|(verb, _)| *verb)
            .collect();
        assert_eq!(won.len(), 1, "one statement is stored");
        for (verb, answer) in answers {
            answer.is(if won.contains(verb) { 200 } else { 409 });
        }
        let got = one
            .get(&[("statementId", &shared.to_string())])
            .await
            .is(200);
        let stored = got.body["verb"]["id"]
            .as_str()
            .and_then(|iri| iri.rsplit('/').next());
        assert_eq!(stored, won.into_iter().next());
        assert_eq!(one.count().await, i64::from(round));
    }
}

#[actix_web::test]
async fn any_valid_statement_is_stored_and_given_back() {
    for version in XapiVersion::ALL {
        let app = App::start().await.speaking(version.as_str());
        let statements = testkit::statement(version);
        let mut runner = TestRunner::deterministic();
        let sent: Vec<String> = (0..120)
            .map(|seed| {
                let statement = statements
                    .new_tree(&mut runner)
                    .expect("a statement")
                    .current();
                spelled(&statement, seed)
            })
            .collect();
        let body = format!("[{}]", sent.join(","));
        let post = app
            .request(Method::POST, "/statements")
            .header("Content-Type", "application/json")
            .body(body);
        let ids = Answer::of(post).await.is(200).body;
        let ids = ids.as_array().expect("ids");
        assert_eq!(ids.len(), sent.len());
        for (sent, id) in sent.iter().zip(ids) {
            let id = id.as_str().expect("an id");
            let mut got = app.get(&[("statementId", id)]).await;
            if got.status == 404 {
                got = app.get(&[("voidedStatementId", id)]).await;
            }
            let mut back = got.is(200).body;
            let mut sent: Value = serde_json::from_str(sent).expect("JSON");
            for value in [&mut sent, &mut back] {
                leveled(value, version);
            }
            assert_eq!(back, sent);
        }
        // The same again, by ids that the LRS gave where there were none.
        let again: Vec<String> = sent
            .iter()
            .zip(ids)
            .map(|(sent, id)| {
                let value: Value = serde_json::from_str(sent).expect("JSON");
                let rest = sent.trim_start().strip_prefix('{').expect("an object");
                match value.get("id") {
                    Some(_) => sent.clone(),
                    None => format!("{{\"id\":{id},{rest}"),
                }
            })
            .collect();
        let post = app
            .request(Method::POST, "/statements")
            .header("Content-Type", "application/json")
            .body(format!("[{}]", again.join(",")));
        Answer::of(post).await.is(200);
        assert_eq!(app.count().await, 120);
    }
}

/// Without what the LRS sets, and in one form what it may change.
fn leveled(statement: &mut Value, version: XapiVersion) {
    let members = statement.as_object_mut().expect("a statement");
    for key in ["id", "stored", "authority", "version", "timestamp"] {
        members.remove(key);
    }
    for context in ["/context", "/object/context"] {
        let lists = statement
            .pointer_mut(context)
            .and_then(|context| context.get_mut("contextActivities")?.as_object_mut());
        for list in lists.into_iter().flat_map(|lists| lists.values_mut()) {
            if list.is_object() {
                *list = json!([list.take()]);
            }
        }
    }
    if version == XapiVersion::V2_0_0
        && let Some(object) = statement["object"].as_object_mut()
        && object
            .get("objectType")
            .is_some_and(|kind| kind == "SubStatement")
    {
        object.remove("timestamp");
    }
}

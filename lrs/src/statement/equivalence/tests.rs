mod literal;
mod random;

use super::*;

const KEPT: &str = r#"{"id":"7d0c1f3e-5b2a-4f6e-9c51-2f3b8f0a1c22",
    "actor":{"objectType":"Group","member":[{"mbox":"mailto:a@example.org"},{"mbox":"mailto:b@example.org"}]},
    "verb":{"id":"https://example.org/v","display":{"fr":"a fait"}},
    "object":{"id":"https://example.org/o","definition":{"name":{"fr":"O"}}},
    "result":{"score":{"raw":10,"scaled":0.5},"extensions":{"https://example.org/definition":{"definition":1,"mbox":"mailto:x@example.org"}}},
    "context":{"registration":"6f0e5b8e-2f4c-4b0e-8a0f-1a1d0a4c9f10","contextActivities":{"parent":{"id":"https://example.org/p"}}},
    "timestamp":"2026-10-05T18:42:11.250+02:00"}"#;

fn sent_again(change: &[(&str, &str)]) -> bool {
    let mut again = KEPT.to_owned();
    for (from, to) in change {
        assert!(again.contains(from), "{from}");
        again = again.replacen(from, to, 1);
    }
    same(KEPT.as_bytes(), again.as_bytes())
}

#[test]
fn what_means_the_same_is_the_same() {
    for (what, from, to) in [
        ("an id in capitals", "7d0c1f3e", "7D0C1F3E"),
        ("another display", "a fait", "fit"),
        ("no display", r#","display":{"fr":"a fait"}"#, ""),
        (
            "another definition",
            r#"{"name":{"fr":"O"}}"#,
            r#"{"name":{"fr":"P"}}"#,
        ),
        ("no definition", r#","definition":{"name":{"fr":"O"}}"#, ""),
        (
            "an instant elsewhere",
            "2026-10-05T18:42:11.250+02:00",
            "2026-10-05T16:42:11.25Z",
        ),
        (
            "no timestamp",
            ",\n    \"timestamp\":\"2026-10-05T18:42:11.250+02:00\"",
            "",
        ),
        (
            "a number written otherwise",
            r#""raw":10"#,
            r#""raw":1.0e1"#,
        ),
        ("a decimal written otherwise", "0.5", "0.50"),
        ("a domain in capitals", "a@example.org", "a@EXAMPLE.org"),
        ("a registration in capitals", "6f0e5b8e", "6F0E5B8E"),
        (
            "members in another order",
            r#"[{"mbox":"mailto:a@example.org"},{"mbox":"mailto:b@example.org"}]"#,
            r#"[{"mbox":"mailto:b@example.org"},{"mbox":"mailto:a@example.org"}]"#,
        ),
        (
            "an array of one",
            r#"{"id":"https://example.org/p"}"#,
            r#"[{"id":"https://example.org/p"}]"#,
        ),
        (
            "what the LRS sets",
            r#"{"id""#,
            r#"{"stored":"2026-10-05T18:42:11Z","authority":{"mbox":"mailto:l@example.org"},"version":"1.0.0","id""#,
        ),
        (
            "an escaped letter",
            "https://example.org/v",
            "https://example.org/\\u0076",
        ),
    ] {
        assert!(sent_again(&[(from, to)]), "{what}");
    }
}

#[test]
fn what_means_something_else_is_a_conflict() {
    for (what, from, to) in [
        ("another score", r#""raw":10"#, r#""raw":11"#),
        ("the 20th digit", "0.5", "0.50000000000000000001"),
        ("another instant", "11.250", "11.251"),
        (
            "the local part in capitals",
            "a@example.org",
            "A@example.org",
        ),
        (
            "another verb",
            "https://example.org/v",
            "https://example.org/V",
        ),
        ("one member less", r#",{"mbox":"mailto:b@example.org"}"#, ""),
        (
            "one more field",
            r#""result":{"#,
            r#""result":{"success":true,"#,
        ),
        (
            "one field less",
            r#"{"raw":10,"scaled":0.5}"#,
            r#"{"raw":10}"#,
        ),
        (
            "a key of an extension that is named like a definition",
            r#""definition":1"#,
            r#""definition":2"#,
        ),
        ("a mail in an extension", "x@example.org", "x@EXAMPLE.org"),
        ("another type", r#""raw":10"#, r#""raw":"10""#),
    ] {
        assert!(!sent_again(&[(from, to)]), "{what}");
    }
}

#[test]
fn timestamps_count_when_both_told_one() {
    let with = |timestamp: &str| format!(r#"{{"timestamp":"{timestamp}"}}"#);
    let same = |a: &str, b: &str| same(a.as_bytes(), b.as_bytes());
    for (one, other, wanted) in [
        ("2026-05-28T20:26:40Z", "2026-05-28T20:26:40.000Z", true),
        ("2026-05-28T20:26:40Z", "2026-05-28t22:26:40+02:00", true),
        (
            "2026-05-28T20:26:40.123456789Z",
            "2026-05-28T22:26:40.123456789+02",
            true,
        ),
        (
            "2026-05-28T20:26:40.123456789",
            "2026-05-28T20:26:40.123456788",
            false,
        ),
        (
            "2026-05-28T20:26:40.1234567891Z",
            "2026-05-28T20:26:40.1234567892Z",
            false,
        ),
        (
            "2026-05-28T20:26:40.1234567890000Z",
            "2026-05-28T22:26:40.123456789+02:00",
            true,
        ),
        (
            "2026-05-28T20:26:40,0000000001",
            "2026-05-28T20:26:40.00000000010+00",
            true,
        ),
        (
            "2026-05-28T20:26:40,5Z",
            "2026-05-28T20:26:40.50+0000",
            true,
        ),
        ("2026-05-28T20:26:40Z", "2026-05-28T20:26:40.001Z", false),
        // A leap second is neither the second before nor the one after.
        ("2016-12-31T23:59:60Z", "2017-01-01T00:59:60.0+01:00", true),
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z", false),
        ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59Z", false),
    ] {
        let (one, other) = (with(one), with(other));
        assert_eq!(same(&one, &other), wanted, "{one} {other}");
        assert_eq!(same(&other, &one), wanted, "{other} {one}");
        // An LRS may have set it.
        assert!(same(&one, "{}") && same("{}", &one));
    }
    // That of a SubStatement is the client's alone.
    let sub = |inner: &str| format!(r#"{{"object":{{"objectType":"SubStatement"{inner}}}}}"#);
    let (without, with) = (sub(""), sub(r#","timestamp":"2026-05-28T20:26:40Z""#));
    assert!(!same(&without, &with));
    assert!(same(
        &with,
        &sub(r#","timestamp":"2026-05-28T22:26:40+02:00""#)
    ));
}

#[test]
fn a_duration_is_a_string_cut_to_a_hundredth_of_a_second() {
    for (one, other, wanted) in [
        ("PT1.004S", "PT1.00S", true),
        ("PT1.009S", "PT1.00S", true),
        ("PT1.2345S", "PT1.23S", true),
        ("P1DT2H1,2345S", "P1DT2H1,23S", true),
        ("PT1.004S", "PT1S", false),
        ("PT1.0S", "PT1.00S", false),
        ("PT1.01S", "PT1.02S", false),
        ("PT1.23S", "PT1,23S", false),
        ("PT60S", "PT1M", false),
        ("PT1.234M", "PT1.23M", false),
        ("P7D", "P1W", false),
    ] {
        let with = |duration: &str| format!(r#"{{"result":{{"duration":"{duration}"}}}}"#);
        let inner = |duration: &str| {
            format!(
                r#"{{"object":{{"objectType":"SubStatement","result":{{"duration":"{duration}"}}}}}}"#
            )
        };
        for write in [&with as &dyn Fn(&str) -> String, &inner] {
            let (one, other) = (write(one), write(other));
            assert_eq!(
                same(one.as_bytes(), other.as_bytes()),
                wanted,
                "{one} {other}"
            );
            assert_eq!(
                same(other.as_bytes(), one.as_bytes()),
                wanted,
                "{other} {one}"
            );
        }
    }
    // Elsewhere it is a text like any other.
    let response = |text: &str| format!(r#"{{"result":{{"response":"{text}"}}}}"#);
    assert!(!same(
        response("PT1.004S").as_bytes(),
        response("PT1.00S").as_bytes()
    ));
}

#[test]
fn what_attachments_say_counts() {
    let with = |display: &str, sha2: &str| {
        format!(r#"{{"attachments":[{{"display":{{"fr":"{display}"}},"sha2":"{sha2}"}}]}}"#)
    };
    let same = |a: &str, b: &str| same(a.as_bytes(), b.as_bytes());
    assert!(same(&with("x", "00ab"), &with("x", "00AB")));
    assert!(!same(&with("x", "00ab"), &with("y", "00ab")));
    assert!(!same(&with("x", "00ab"), &with("x", "00ac")));
    assert!(!same(&with("x", "00ab"), "{}"));
}

#[test]
fn an_object_is_what_it_says_however_it_is_escaped() {
    let kept = r#"{"object":{"objectType":"SubStatement","verb":{"id":"https://example.org/v","display":{"fr":"x"}}}}"#;
    let again =
        r#"{"object":{"objectType":"Sub\u0053tatement","verb":{"id":"https://example.org/v"}}}"#;
    assert!(same(kept.as_bytes(), again.as_bytes()));
}

#[test]
fn a_group_of_thousands_is_compared_in_no_time() {
    let member = |n: u32| format!(r#"{{"mbox":"mailto:a@example.org","name":"{n}"}}"#);
    let group = |members: Vec<String>| {
        format!(
            r#"{{"actor":{{"objectType":"Group","member":[{}]}}}}"#,
            members.join(",")
        )
    };
    let there: Vec<String> = (0..20_000).map(member).collect();
    let mut back = there.clone();
    back.reverse();
    assert!(same(
        group(there.clone()).as_bytes(),
        group(back.clone()).as_bytes()
    ));
    back[0] = member(0);
    assert!(!same(group(there).as_bytes(), group(back).as_bytes()));
}

//! Valid statements at random, for the tests of every crate: each property of the specification, each
//! form that a value may take; and the same statement written in other ways.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

use crate::xapi::XapiVersion;

type Any = BoxedStrategy<Value>;

/// Statements that are valid under a version, and that an LRS takes as `application/json`: each
/// attachment has a `fileUrl`.
pub fn statement(version: XapiVersion) -> Any {
    let plain = of_object(version, statement_object(version), whole(version));
    let voiding = (plain.clone(), statement_ref()).prop_map(|(mut statement, target)| {
        statement["verb"] = json!({ "id": crate::profile::verbs::VOIDED });
        statement["object"] = target;
        without_activity(statement)
    });
    prop_oneof![12 => plain, 1 => voiding].boxed()
}

/// What a Statement has and a `SubStatement` has not.
fn whole(version: XapiVersion) -> Vec<(&'static str, f64, Any)> {
    let versions = match version {
        XapiVersion::V1_0_3 => vec!["1.0", "1.0.0", "1.0.3"],
        XapiVersion::V2_0_0 => vec!["2.0.0", "1.0.3"],
    };
    let pair = (account(), agent(false), any::<bool>()).prop_map(|(app, user, app_first)| {
        let app = json!({ "account": app });
        let pair = if app_first { [app, user] } else { [user, app] };
        json!({ "objectType": "Group", "member": pair })
    });
    vec![
        ("id", 0.7, uuid()),
        ("stored", 0.2, timestamp(version)),
        ("authority", 0.2, prop_oneof![agent(false), pair].boxed()),
        ("version", 0.3, of(&versions)),
    ]
}

/// A Statement or `SubStatement` about this object, with these members besides.
fn of_object(version: XapiVersion, target: Any, more: Vec<(&'static str, f64, Any)>) -> Any {
    let mut members = vec![
        ("actor", 1.0, actor()),
        ("verb", 1.0, verb()),
        ("object", 1.0, target),
        ("result", 0.7, result()),
        ("context", 0.7, context(version)),
        ("timestamp", 0.7, timestamp(version)),
        (
            "attachments",
            0.3,
            vec(attachment(), 0..3).prop_map(Value::from).boxed(),
        ),
    ];
    members.extend(more);
    object(members).prop_map(without_activity).boxed()
}

/// `revision` and `platform` are for activities only (Data 2.4.6).
fn without_activity(mut statement: Value) -> Value {
    let kind = statement["object"]["objectType"].as_str();
    if kind.is_some_and(|kind| kind != "Activity")
        && let Some(context) = statement.get_mut("context").and_then(Value::as_object_mut)
    {
        context.remove("revision");
        context.remove("platform");
    }
    statement
}

fn statement_object(version: XapiVersion) -> Any {
    let inner = prop_oneof![activity(), statement_ref(), agent(true), group()].boxed();
    let sub = of_object(version, inner, Vec::new()).prop_map(|mut sub| {
        sub["objectType"] = json!("SubStatement");
        sub
    });
    prop_oneof![
        6 => activity(),
        1 => agent(true),
        1 => group(),
        1 => statement_ref(),
        2 => sub,
    ]
    .boxed()
}

/// An object: each member with how often it is there.
fn object(members: Vec<(&'static str, f64, Any)>) -> Any {
    let (keys, values): (Vec<_>, Vec<_>) = members
        .into_iter()
        .map(|(key, often, value)| (key, there(often, value)))
        .unzip();
    values
        .prop_map(move |values| {
            let members = keys.iter().zip(values);
            let there = members.filter_map(|(key, value)| Some(((*key).to_owned(), value?)));
            Value::Object(there.collect())
        })
        .boxed()
}

/// A value that is there so often: always with 1.
fn there(often: f64, value: Any) -> BoxedStrategy<Option<Value>> {
    if often < 1.0 {
        option::weighted(often, value).boxed()
    } else {
        value.prop_map(Some).boxed()
    }
}

fn of(texts: &[&'static str]) -> Any {
    select(texts.to_vec()).prop_map(Value::from).boxed()
}

/// Any text without U+0000.
fn text() -> Any {
    let any = "[^\\x00]{0,12}".prop_map(Value::from);
    prop_oneof![3 => any, 1 => of(&["", "é", "\u{10ffff}", "a\n\"b\\c\u{7f}", "3x+6", "\u{2028}<!--"])].boxed()
}

fn flag() -> Any {
    any::<bool>().prop_map(Value::from).boxed()
}

fn number() -> Any {
    prop_oneof![
        any::<i32>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-1000.0..1000.0).prop_map(Value::from),
        select(vec![0.5, -0.25, 1e-7, 1e21, 0.1]).prop_map(Value::from),
    ]
    .boxed()
}

fn uuid() -> Any {
    (any::<u128>(), prop::bool::weighted(0.2))
        .prop_map(|(bits, capitals)| {
            let text = uuid::Uuid::from_u128(bits).to_string();
            Value::from(if capitals { text.to_uppercase() } else { text })
        })
        .boxed()
}

fn iri() -> Any {
    let odd = of(&[
        "https://example.org/é/élève?q=ç#ü",
        "http://例え.jp/道",
        "urn:uuid:e05aa883-acaf-40ad-bf54-02c8ce485fb0",
        "tag:example.org,2026:x",
        "act:o",
        "mailto:a@example.org",
        "https://[2001:db8::1]:8443/a%20b",
        "HTTPS://EXAMPLE.ORG/",
        "https://user@example.org/~a(b)!$&'*+,;=:@/?/?",
        "https://xn--r8jz45g.jp/",
    ]);
    let plain = "https://example\\.org/[a-zA-Z0-9._~/-]{0,10}".prop_map(Value::from);
    prop_oneof![3 => plain, 1 => odd].boxed()
}

fn tag() -> BoxedStrategy<&'static str> {
    select(vec![
        "fr",
        "fr-FR",
        "en",
        "zh-Hant-TW",
        "de-CH-1996",
        "sl-rozaj-biske",
        "es-419",
        "x-private",
        "en-a-bbb-x-a-ccc",
        "i-klingon",
        "und",
        "FR-fr",
        "sr-Latn",
    ])
    .boxed()
}

fn language_map() -> Any {
    vec((tag(), text()), 0..3)
        .prop_map(|entries| {
            let entries = entries
                .into_iter()
                .map(|(tag, text)| (tag.to_owned(), text));
            Value::Object(entries.collect())
        })
        .boxed()
}

/// Any value under any IRI. No key of the specification stands inside, so that a path such as
/// `$..mbox` finds mails only.
fn extensions() -> Any {
    let leaf = prop_oneof![Just(Value::Null), flag(), number(), text()];
    let value = leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Value::from),
            vec(("x[a-z]{0,3}", inner), 0..3)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    });
    vec((iri(), value), 0..3)
        .prop_map(|entries| {
            let entries = entries
                .into_iter()
                .filter_map(|(iri, value)| Some((iri.as_str()?.to_owned(), value)));
            Value::Object(entries.collect())
        })
        .boxed()
}

/// One of the four identifiers (Data 2.4.2.3), as the member of an object.
fn identifier() -> BoxedStrategy<Map<String, Value>> {
    let mail = "mailto:[a-zA-Z0-9.+_-]{1,8}@[a-z]{1,6}\\.(org|EXAMPLE|fr)";
    prop_oneof![
        mail.prop_map(|mail| json!({ "mbox": mail })),
        "[0-9a-f]{40}|[0-9A-F]{40}".prop_map(|sum| json!({ "mbox_sha1sum": sum })),
        of(&[
            "https://openid.example.org/a",
            "http://a.example.org/",
            "xri:=a"
        ])
        .prop_map(|openid| json!({ "openid": openid })),
        account().prop_map(|account| json!({ "account": account })),
    ]
    .prop_map(members)
    .boxed()
}

fn account() -> Any {
    object(vec![("homePage", 1.0, iri()), ("name", 1.0, text())])
}

fn members(object: Value) -> Map<String, Value> {
    match object {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

fn agent(says_so: bool) -> Any {
    let kind = there(if says_so { 1.0 } else { 0.5 }, of(&["Agent"]));
    (identifier(), kind, option::of(text()))
        .prop_map(|(mut agent, kind, name)| {
            agent.extend(kind.map(|kind| ("objectType".to_owned(), kind)));
            agent.extend(name.map(|name| ("name".to_owned(), name)));
            Value::Object(agent)
        })
        .boxed()
}

fn group() -> Any {
    let anonymous = (vec(agent(false), 1..4), option::of(text())).prop_map(|(members, name)| {
        let mut group = json!({ "objectType": "Group", "member": members });
        if let Some(name) = name {
            group["name"] = name;
        }
        group
    });
    let identified =
        (identifier(), option::of(vec(agent(false), 0..3))).prop_map(|(mut group, members)| {
            group.insert("objectType".to_owned(), "Group".into());
            group.extend(members.map(|members| ("member".to_owned(), members.into())));
            Value::Object(group)
        });
    prop_oneof![anonymous, identified].boxed()
}

fn actor() -> Any {
    prop_oneof![3 => agent(false), 1 => group()].boxed()
}

fn verb() -> Any {
    object(vec![("id", 1.0, iri()), ("display", 0.5, language_map())])
}

fn activity() -> Any {
    object(vec![
        ("objectType", 0.5, of(&["Activity"])),
        ("id", 1.0, iri()),
        (
            "definition",
            0.6,
            prop_oneof![described(Vec::new()), interaction()].boxed(),
        ),
    ])
}

/// A definition with these members besides what any has.
fn described(more: Vec<(&'static str, f64, Any)>) -> Any {
    let mut members = vec![
        ("name", 0.5, language_map()),
        ("description", 0.3, language_map()),
        ("type", 0.5, iri()),
        ("moreInfo", 0.3, iri()),
        ("extensions", 0.3, extensions()),
    ];
    members.extend(more);
    object(members)
}

/// The ten types of interaction, the forms of their patterns, their lists of components.
fn interaction() -> Any {
    let of_type = |kind: &'static str, patterns: &[&'static str], lists: &[&'static str]| {
        let patterns = vec(of(patterns), 0..3).prop_map(Value::from).boxed();
        let mut members = vec![
            ("interactionType", 1.0, of(&[kind])),
            ("correctResponsesPattern", 0.7, patterns),
        ];
        members.extend(lists.iter().map(|list| (*list, 0.7, components())));
        described(members)
    };
    prop_oneof![
        of_type("true-false", &["true", "false"], &[]),
        of_type("choice", &["a", "a[,]b", ""], &["choices"]),
        of_type(
            "fill-in",
            &["Bob's your uncle", "{case_matters=true}{lang=fr}x[,]y"],
            &[]
        ),
        of_type(
            "long-fill-in",
            &["{order_matters=false}{lang=en}one[,]{lang=fr}deux", ""],
            &[]
        ),
        of_type(
            "matching",
            &["a[.]1[,]b[.]2", "a[.]1"],
            &["source", "target"]
        ),
        of_type(
            "performance",
            &["s1[.]3[:]4[,]s2[.]{lang=fr}x", "s1[.][:]4"],
            &["steps"]
        ),
        of_type("sequencing", &["a[,]b[,]c"], &["choices"]),
        of_type("likert", &["a"], &["scale"]),
        of_type("numeric", &["4", "4[:]", "[:]4", "3.5[:]4.5", "-1e2"], &[]),
        of_type("other", &["anything", "[,][.][:]{}"], &[]),
    ]
    .boxed()
}

/// Components whose ids differ.
fn components() -> Any {
    vec((text(), option::of(language_map())), 0..4)
        .prop_map(|all| {
            let numbered = all.into_iter().enumerate().map(|(n, (id, description))| {
                let id = format!("{}{n}", id.as_str().unwrap_or_default());
                match description {
                    Some(description) => json!({ "id": id, "description": description }),
                    None => json!({ "id": id }),
                }
            });
            numbered.collect()
        })
        .boxed()
}

fn statement_ref() -> Any {
    object(vec![
        ("objectType", 1.0, of(&["StatementRef"])),
        ("id", 1.0, uuid()),
    ])
}

fn result() -> Any {
    object(vec![
        ("score", 0.5, score()),
        ("success", 0.5, flag()),
        ("completion", 0.5, flag()),
        ("response", 0.5, text()),
        ("duration", 0.5, duration()),
        ("extensions", 0.3, extensions()),
    ])
}

/// Scores up to their bounds.
fn score() -> Any {
    let scaled = prop_oneof![
        (-1.0..=1.0).prop_map(Value::from),
        select(vec![json!(-1), json!(1), json!(0), json!(1.0)])
    ];
    let bounds = (any::<i16>(), 1..1000_u16, 0.0..=1.0_f64);
    let raw = bounds.prop_map(|(min, span, part)| {
        let (min, span) = (f64::from(min), f64::from(span));
        let raw = (min + span * part).clamp(min, min + span);
        json!({ "raw": raw, "min": min, "max": min + span })
    });
    (option::of(scaled), raw, any::<[bool; 3]>())
        .prop_map(|(scaled, mut score, keep)| {
            for (key, keep) in ["raw", "min", "max"].iter().zip(keep) {
                if let (false, Some(score)) = (keep, score.as_object_mut()) {
                    score.remove(*key);
                }
            }
            if let Some(scaled) = scaled {
                score["scaled"] = scaled;
            }
            score
        })
        .boxed()
}

fn duration() -> Any {
    let seconds = (0..100_000_u32, "(\\.[0-9]{1,5})?")
        .prop_map(|(s, fraction)| json!(format!("PT{s}{fraction}S")));
    let odd = of(&[
        "P4W",
        "P3Y1M29DT4H35M59.14S",
        "PT0S",
        "P1DT0,5H",
        "P0Y",
        "PT16559.14S",
        "P1Y",
        "PT1.0M",
    ]);
    prop_oneof![2 => seconds, 1 => odd].boxed()
}

fn context(version: XapiVersion) -> Any {
    let list = || {
        let many = vec(activity(), 0..3).prop_map(Value::from);
        prop_oneof![3 => many, 1 => activity()].boxed()
    };
    let mut members = vec![
        ("registration", 0.4, uuid()),
        ("instructor", 0.3, actor()),
        ("team", 0.3, group()),
        (
            "contextActivities",
            0.5,
            object(vec![
                ("parent", 0.5, list()),
                ("grouping", 0.5, list()),
                ("category", 0.5, list()),
                ("other", 0.3, list()),
            ]),
        ),
        ("revision", 0.3, text()),
        ("platform", 0.3, text()),
        ("language", 0.4, tag().prop_map(Value::from).boxed()),
        ("statement", 0.2, statement_ref()),
        ("extensions", 0.4, extensions()),
    ];
    if version == XapiVersion::V2_0_0 {
        members.extend([
            (
                "contextAgents",
                0.4,
                vec(of_context("contextAgent", "agent", agent(false)), 0..3)
                    .prop_map(Value::from)
                    .boxed(),
            ),
            (
                "contextGroups",
                0.4,
                vec(of_context("contextGroup", "group", group()), 0..3)
                    .prop_map(Value::from)
                    .boxed(),
            ),
        ]);
    }
    object(members)
}

fn of_context(kind: &'static str, key: &'static str, who: Any) -> Any {
    object(vec![
        ("objectType", 1.0, of(&[kind])),
        (key, 1.0, who),
        (
            "relevantTypes",
            0.5,
            vec(iri(), 1..3).prop_map(Value::from).boxed(),
        ),
    ])
}

/// Any day of ten thousand years, leap days included, leap seconds where they fall; any offset. Under
/// 1.0.3 short offsets and none, too.
fn timestamp(version: XapiVersion) -> Any {
    let offsets = match version {
        XapiVersion::V1_0_3 => {
            "Z|z|[+-](0[1-9]|1[0-9]|2[0-3]):[0-5][0-9]|\\+00:00||[+-]1[0-9][0-5][0-9]|\\+02"
        }
        XapiVersion::V2_0_0 => "Z|z|[+-](0[1-9]|1[0-9]|2[0-3]):[0-5][0-9]|\\+00:00",
    };
    let date = (1..=9999_u16, 1..=12_u8, 1..=28_u8);
    let time = (0..24_u8, 0..60_u8, 0..60_u8, "(\\.[0-9]{1,12})?", "[Tt]");
    let plain = (date, time, offsets).prop_map(|((y, m, d), (h, min, s, fraction, t), offset)| {
        json!(format!(
            "{y:04}-{m:02}-{d:02}{t}{h:02}:{min:02}:{s:02}{fraction}{offset}"
        ))
    });
    let odd = of(&[
        "2024-02-29T12:00:00Z",
        "2000-02-29T23:59:59.999+14:00",
        "2016-12-31T23:59:60Z",
        "2017-01-01T00:59:60.5+01:00",
        "2026-10-05T18:42:11.250+02:00",
        "2026-10-05T16:42:11.25Z",
        "1969-12-31T23:59:59-12:00",
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-23:59",
    ]);
    prop_oneof![4 => plain, 1 => odd].boxed()
}

fn attachment() -> Any {
    let sum = prop_oneof![
        "[0-9a-f]{56}".prop_map(Value::from),
        "[0-9A-F]{64}".prop_map(Value::from),
        "[0-9a-f]{96}".prop_map(Value::from),
        "[0-9a-f]{128}".prop_map(Value::from),
    ];
    object(vec![
        ("usageType", 1.0, iri()),
        ("display", 1.0, language_map()),
        ("description", 0.5, language_map()),
        (
            "contentType",
            1.0,
            of(&[
                "text/plain",
                "application/vnd.x+json; charset=utf-8",
                "video/MP4",
            ]),
        ),
        ("length", 1.0, any::<u32>().prop_map(Value::from).boxed()),
        ("sha2", 1.0, sum.boxed()),
        ("fileUrl", 1.0, iri()),
    ])
}

/// Writes a value in one of the many ways of JSON that mean the same: order of keys, white space,
/// escapes, zeros and powers of ten. Equal seeds write equal texts.
#[must_use]
pub fn spelled(value: &Value, seed: u64) -> String {
    let mut speller = Speller {
        dice: Dice::new(seed),
        out: String::new(),
    };
    speller.value(value);
    speller.out
}

/// Numbers that a seed tells, one after the other (`SplitMix64`).
#[derive(Clone, Debug)]
pub struct Dice {
    state: u64,
}

impl Dice {
    /// The numbers of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The next one, below `n`; 0 when there is none.
    pub fn below(&mut self, n: usize) -> usize {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let n = u64::try_from(n).unwrap_or(u64::MAX).max(1);
        usize::try_from((z ^ (z >> 31)) % n).unwrap_or_default()
    }
}

struct Speller {
    dice: Dice,
    out: String,
}

impl Speller {
    fn space(&mut self) {
        let space = ["", "", "", " ", "\n", "\t\r\n "][self.dice.below(6)];
        self.out.push_str(space);
    }

    fn value(&mut self, value: &Value) {
        self.space();
        match value {
            Value::Null | Value::Bool(_) => self.out.push_str(&value.to_string()),
            Value::Number(number) => self.number(&number.to_string()),
            Value::String(text) => self.text(text),
            Value::Array(values) => {
                self.out.push('[');
                for (index, value) in values.iter().enumerate() {
                    if index > 0 {
                        self.out.push(',');
                    }
                    self.value(value);
                }
                self.out.push(']');
            }
            Value::Object(map) => self.object(map),
        }
        self.space();
    }

    fn object(&mut self, map: &Map<String, Value>) {
        let mut members: Vec<_> = map.iter().collect();
        for last in (1..members.len()).rev() {
            let other = self.dice.below(last + 1);
            members.swap(last, other);
        }
        self.out.push('{');
        for (index, (key, value)) in members.into_iter().enumerate() {
            if index > 0 {
                self.out.push(',');
            }
            self.space();
            self.text(key);
            self.space();
            self.out.push(':');
            self.value(value);
        }
        self.out.push('}');
    }

    fn number(&mut self, plain: &str) {
        let digits = plain.trim_start_matches('-');
        let sign = &plain[..plain.len() - digits.len()];
        let is_whole = !plain.contains(['.', 'e', 'E']);
        let power = plain.split_once('e');
        // More digits than a float holds, but for long whole numbers: where they are counted, as in
        // the length of an attachment, one that is read as a float must still be whole.
        let most = if is_whole && digits.len() > 3 { 8 } else { 60 };
        let most = if self.dice.below(4) == 0 { most } else { 3 };
        let count = self.dice.below(most) + 1;
        let zeros = "0".repeat(count);
        let written = match (self.dice.below(5), power) {
            (0, None) if is_whole => format!("{plain}.{zeros}"),
            (0, None) => format!("{plain}{zeros}"),
            (1, None) => format!("{plain}E+0"),
            (2, None) if is_whole && digits != "0" => format!("{plain}{zeros}e-{count}"),
            (3, None) if is_whole => {
                format!("{sign}0.{zeros}{digits}e{}", count + digits.len())
            }
            (3, Some((mantissa, power))) if !mantissa.contains('.') => {
                format!("{mantissa}.{zeros}e{power}")
            }
            _ => plain.to_owned(),
        };
        self.out.push_str(&written);
    }

    fn text(&mut self, text: &str) {
        self.out.push('"');
        for c in text.chars() {
            let must = c < ' ' || c == '"' || c == '\\';
            if must || self.dice.below(8) == 0 {
                let mut units = [0; 2];
                for unit in c.encode_utf16(&mut units) {
                    self.out.push_str(&format!("\\u{unit:04x}"));
                }
            } else {
                self.out.push(c);
            }
        }
        self.out.push('"');
    }
}

//! The door: a body becomes [`Parsed`] statements, or every broken rule with its place.

use std::collections::HashMap;

use bytes::Bytes;
use schemas::ids::StatementId;
use schemas::strict_json;
use schemas::xapi::{self, Fault, XapiVersion};
use serde_json::Value;
use serde_json::value::RawValue;

use super::attachments;

/// How many broken rules are told at most: a body of 16 MB that is wrong everywhere must not become
/// an answer of 100 MB.
const MOST_FAULTS: usize = 100;

/// What the sections are named after in faults that this crate finds.
const BATCH: &str = "xAPI 1.0.3 Communication 2.1.2";
const NUMBERS: &str = "RFC 8259 6";

/// A statement that obeys every rule of its version. Only [`parse`] makes one.
#[derive(Debug)]
pub struct Parsed {
    sent: Bytes,
    value: Value,
    version: XapiVersion,
    id: Option<StatementId>,
}

impl Parsed {
    /// The bytes that were sent, without the white space around.
    #[must_use]
    pub fn sent(&self) -> &Bytes {
        &self.sent
    }

    /// The statement, numbers as floats where they are not integers.
    #[must_use]
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// The version of the request.
    #[must_use]
    pub fn version(&self) -> XapiVersion {
        self.version
    }

    /// Its id, when it was sent with one.
    #[must_use]
    pub fn id(&self) -> Option<StatementId> {
        self.id
    }
}

/// The body of a PUT or POST.
#[derive(Debug)]
pub enum Body {
    /// A statement.
    One(Box<Parsed>),
    /// An array of statements, in their order.
    Many(Vec<Parsed>),
}

impl Body {
    /// The statements, in their order.
    #[must_use]
    pub fn statements(&self) -> &[Parsed] {
        match self {
            Self::One(parsed) => std::slice::from_ref(parsed),
            Self::Many(parsed) => parsed,
        }
    }

    /// How faults of the statement at an index are pointed at.
    #[must_use]
    pub fn pointer(&self, index: usize) -> String {
        match self {
            Self::One(_) => String::new(),
            Self::Many(_) => format!("/{index}"),
        }
    }

    /// The statements, in their order.
    #[must_use]
    pub fn into_statements(self) -> Vec<Parsed> {
        match self {
            Self::One(parsed) => vec![*parsed],
            Self::Many(parsed) => parsed,
        }
    }
}

/// The rules of a body besides those of its statements.
#[derive(Clone, Copy)]
struct Rules {
    version: XapiVersion,
    /// Whether parts with the contents of attachments may follow it.
    mixed: bool,
}

/// Reads a body, an object or an array of objects, under the rules of a version.
///
/// The faults of all statements are told together (at most a hundred); in an array the pointers
/// start with the statement's index.
pub fn parse(body: &Bytes, version: XapiVersion) -> Result<Body, Vec<Fault>> {
    let mixed = false;
    read(body, Rules { version, mixed })
}

/// Reads the first part of a multipart/mixed body: as [`parse()`], but the contents of attachments may
/// follow.
pub fn parse_mixed(body: &Bytes, version: XapiVersion) -> Result<Body, Vec<Fault>> {
    let mixed = true;
    read(body, Rules { version, mixed })
}

fn read(body: &Bytes, rules: Rules) -> Result<Body, Vec<Fault>> {
    let value = strict_json::parse(body).map_err(|fault| vec![fault])?;
    match value {
        Value::Array(values) => parse_many(body, values, rules).map(Body::Many),
        value => parse_one(body, value, rules).map(|parsed| Body::One(Box::new(parsed))),
    }
}

fn parse_one(body: &Bytes, value: Value, rules: Rules) -> Result<Parsed, Vec<Fault>> {
    let raw: &RawValue = serde_json::from_slice(body).map_err(|_| vec![unreadable()])?;
    let faults = faults_of(&value, raw.get(), rules);
    if !faults.is_empty() {
        return Err(faults);
    }
    Ok(parsed(body, raw, value, rules.version))
}

fn parse_many(body: &Bytes, values: Vec<Value>, rules: Rules) -> Result<Vec<Parsed>, Vec<Fault>> {
    let raws = elements(body).map_err(|fault| vec![fault])?;
    let mut faults = Vec::new();
    for (index, (value, raw)) in values.iter().zip(&raws).enumerate() {
        let prefix = format!("/{index}");
        faults.extend(
            faults_of(value, raw.get(), rules)
                .into_iter()
                .map(|fault| fault.under(&prefix)),
        );
        if faults.len() >= MOST_FAULTS {
            break;
        }
    }
    if faults.is_empty() {
        faults.extend(repeated_ids(&values).into_iter().map(|(_, fault)| fault));
    }
    if !faults.is_empty() {
        faults.truncate(MOST_FAULTS);
        return Err(faults);
    }
    Ok(raws
        .into_iter()
        .zip(values)
        .map(|(raw, value)| parsed(body, raw, value, rules.version))
        .collect())
}

/// The texts of the elements of an array that [`strict_json`] has accepted.
pub(super) fn elements(body: &[u8]) -> Result<Vec<&RawValue>, Fault> {
    serde_json::from_slice(body).map_err(|_| unreadable())
}

fn parsed(body: &Bytes, raw: &RawValue, value: Value, version: XapiVersion) -> Parsed {
    let id = id_of(&value);
    Parsed {
        sent: body.slice_ref(raw.get().as_bytes()),
        value,
        version,
        id,
    }
}

fn id_of(statement: &Value) -> Option<StatementId> {
    statement.get("id")?.as_str()?.parse().ok()
}

/// Every fault of a statement by itself, read from the text `sent`: the contents of attachments may
/// follow.
pub(super) fn faults_alone(statement: &Value, sent: &str, version: XapiVersion) -> Vec<Fault> {
    let mixed = true;
    faults_of(statement, sent, Rules { version, mixed })
}

fn faults_of(statement: &Value, sent: &str, rules: Rules) -> Vec<Fault> {
    let mut faults = xapi::validate_sent(statement, sent, rules.version);
    if faults.is_empty() {
        faults.extend(attachments::signatures_of_other_types(statement));
        if !rules.mixed {
            faults.extend(attachments::without_url(statement));
        }
    }
    faults
}

/// The second of two equal ids in one array, with its index.
pub(super) fn repeated_ids(statements: &[Value]) -> Vec<(usize, Fault)> {
    let mut seen = HashMap::with_capacity(statements.len());
    let mut faults = Vec::new();
    for (index, id) in statements
        .iter()
        .enumerate()
        .filter_map(|(index, one)| Some((index, id_of(one)?)))
    {
        if let Some(first) = seen.insert(id, index) {
            let fault = Fault {
                pointer: format!("/{index}/id"),
                rule: "statement-id-once-in-batch",
                section: BATCH,
                detail: format!("the statement at index {first} of this array has the same id"),
            };
            faults.push((index, fault));
        }
    }
    faults
}

/// What [`strict_json`] accepts and serde's raw values do not: nothing known; told, never a panic.
fn unreadable() -> Fault {
    Fault {
        pointer: String::new(),
        rule: "json-syntax",
        section: NUMBERS,
        detail: "the body cannot be read again as it was sent".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{"actor":{"mbox":"mailto:a@example.org"},"verb":{"id":"https://example.org/v"},"object":{"id":"https://example.org/o"}}"#;

    fn faults(body: &str) -> Vec<(String, &'static str)> {
        match parse(
            &Bytes::copy_from_slice(body.as_bytes()),
            XapiVersion::V1_0_3,
        ) {
            Ok(_) => Vec::new(),
            Err(faults) => faults
                .into_iter()
                .map(|fault| (fault.pointer, fault.rule))
                .collect(),
        }
    }

    #[test]
    fn each_statement_keeps_its_bytes() {
        let body = Bytes::from(format!(" [ {GOOD} ,\n{GOOD}\t] "));
        let statements = parse(&body, XapiVersion::V1_0_3)
            .expect("two good ones")
            .into_statements();
        assert_eq!(statements.len(), 2);
        assert!(statements.iter().all(|one| one.sent() == GOOD.as_bytes()));
        let alone = parse(&Bytes::from(format!("\n{GOOD} ")), XapiVersion::V1_0_3).expect("one");
        assert!(matches!(alone, Body::One(one) if one.sent() == GOOD.as_bytes()));
    }

    #[test]
    fn faults_of_a_batch_start_with_the_index() {
        let bad = GOOD.replace("mailto:a@example.org", "a@example.org");
        let found = faults(&format!("[{GOOD},{bad},{bad}]"));
        assert_eq!(found.len(), 2, "{found:?}");
        assert_eq!(found[0].0, "/1/actor/mbox");
        assert_eq!(found[1].0, "/2/actor/mbox");
    }

    #[test]
    fn an_id_stands_once_in_a_batch_in_whatever_case() {
        let with = |id: &str| GOOD.replacen('{', &format!(r#"{{"id":"{id}","#), 1);
        let lower = with("7d0c1f3e-5b2a-4f6e-9c51-2f3b8f0a1c22");
        let upper = with("7D0C1F3E-5B2A-4F6E-9C51-2F3B8F0A1C22");
        assert_eq!(
            faults(&format!("[{lower},{upper}]")),
            [("/1/id".to_owned(), "statement-id-once-in-batch")]
        );
    }

    #[test]
    fn an_attachment_must_say_where_it_is() {
        let attachment = r#""attachments":[{"usageType":"https://example.org/u","display":{"fr":"x"},"contentType":"text/plain","length":1,"sha2":"2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"}]"#;
        let body = GOOD.replacen('{', &format!("{{{attachment},"), 1);
        assert_eq!(
            faults(&body),
            [("/attachments/0".to_owned(), "attachment-file-url")]
        );
    }

    #[test]
    fn scores_are_compared_by_all_their_digits() {
        for (score, rule) in [
            (r#""scaled":1.0"#, None),
            (r#""scaled":-10e-1"#, None),
            (r#""scaled":0.99999999999999999999"#, None),
            (
                r#""scaled":1.00000000000000000001"#,
                Some("scaled-out-of-range"),
            ),
            (
                r#""scaled":-1.00000000000000000001"#,
                Some("scaled-out-of-range"),
            ),
            (r#""min":9007199254740992,"max":9007199254740993"#, None),
            (r#""min":0.1,"max":0.10000000000000000001"#, None),
            (r#""min":1e-400,"max":2e-400"#, None),
            (r#""min":0.1,"max":1e-1"#, Some("min-not-below-max")),
            (r#""min":1.0,"max":1"#, Some("min-not-below-max")),
            (
                r#""min":0.10000000000000000001,"max":0.1"#,
                Some("min-not-below-max"),
            ),
            (r#""raw":0.30,"min":0.3,"max":0.4"#, None),
            (r#""raw":100.0,"max":1e2"#, None),
            (
                r#""raw":100.00000000000000000001,"max":100"#,
                Some("raw-out-of-range"),
            ),
            (
                r#""raw":9007199254740992.5,"min":9007199254740993"#,
                Some("raw-out-of-range"),
            ),
            (
                r#""raw":-0.00000000000000000001,"min":0"#,
                Some("raw-out-of-range"),
            ),
        ] {
            let result = format!(r#""result":{{"score":{{{score}}}}}"#);
            let outer = GOOD.replacen('{', &format!("{{{result},"), 1);
            let inner = GOOD.replace(
                r#"{"id":"https://example.org/o"}"#,
                &format!(r#"{{"objectType":"SubStatement",{result},{}"#, &GOOD[1..]),
            );
            for body in [outer, inner] {
                for body in [body.clone(), format!(" [{GOOD}, {body}]")] {
                    let found = faults(&body).first().map(|(_, rule)| *rule);
                    assert_eq!(found, rule, "{body}");
                }
            }
        }
    }

    #[test]
    fn a_body_that_is_wrong_everywhere_gets_a_short_answer() {
        let body = format!("[{}]", vec!["{}"; 10_000].join(","));
        assert!(faults(&body).len() <= MOST_FAULTS);
    }
}

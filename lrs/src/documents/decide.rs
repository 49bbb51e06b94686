//! What becomes of a document: decided while it is held, before anything is written.

use bytes::Bytes;
use schemas::xapi::{Fault, XapiVersion};

use super::precondition::Header;
use super::{Digest, Kind, Preconditions};
use crate::ordered::Members;

const MERGE_SECTION: &str = "xAPI 1.0.3 Communication 2.2";

/// A content with its type, as it was sent and as it is given back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// `Content-Type`.
    pub content_type: String,
    /// The bytes.
    pub content: Bytes,
}

impl Document {
    /// Whether it says of itself that it is JSON.
    #[must_use]
    pub fn is_json(&self) -> bool {
        is_json(&self.content_type)
    }
}

fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("application/json")
}

/// What a request does to a document.
#[derive(Clone, Debug)]
pub enum Change {
    /// PUT: this takes its place.
    Put(Document),
    /// POST: the members of this JSON object are set in it.
    Post(Document),
    /// DELETE.
    Delete,
}

/// A change with what it demands. Only [`Write::check`] makes one.
#[derive(Debug)]
pub struct Write {
    change: Change,
    kind: Kind,
    version: XapiVersion,
    preconditions: Preconditions,
}

/// The document that is there.
#[derive(Clone, Copy, Debug)]
pub struct Existing<'a> {
    /// Of its content.
    pub digest: Digest,
    /// Its `Content-Type`.
    pub content_type: &'a str,
    /// Its bytes; empty where [`Write::reads_content`] says that they are not asked for.
    pub content: &'a [u8],
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It becomes this.
    Store(Document),
    /// It is no more, if it ever was.
    Remove,
}

/// Why nothing is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// A precondition does not hold.
    Precondition(Header),
    /// A PUT without precondition would overwrite.
    Exists,
    /// A PUT of a profile without precondition, which 1.0.3 forbids.
    Unconditional,
    /// A POST that cannot be merged.
    NotMergeable(Fault),
}

impl Write {
    /// A change, if what it holds is what it says to be: JSON where the type says so (xAPI 1.0.3
    /// Communication 3.2), a JSON object where it is to be merged (2.2).
    pub fn check(
        change: Change,
        kind: Kind,
        version: XapiVersion,
        preconditions: Preconditions,
    ) -> Result<Self, Fault> {
        match &change {
            Change::Put(sent) if sent.is_json() => valid_json(&sent.content)?,
            Change::Post(sent) if !sent.is_json() => {
                return Err(merge_fault(
                    "Content-Type",
                    "document-post-json",
                    "a POST sets members of a JSON object: send application/json, or PUT the document",
                ));
            }
            Change::Post(sent) => {
                members(&sent.content, "", "document-post-object", "what is posted")?;
            }
            Change::Put(_) | Change::Delete => {}
        }
        Ok(Self {
            change,
            kind,
            version,
            preconditions,
        })
    }

    /// Whether the content of the document that is there counts: only where it is merged with.
    #[must_use]
    pub fn reads_content(&self) -> bool {
        matches!(self.change, Change::Post(_))
    }
}

/// What becomes of the document that is there (or is not).
pub fn decide(write: &Write, existing: Option<&Existing<'_>>) -> Result<Outcome, Refused> {
    write
        .preconditions
        .check(existing.map(|existing| existing.digest))
        .map_err(Refused::Precondition)?;
    match &write.change {
        Change::Put(sent) => {
            may_put(write, existing.is_some())?;
            Ok(Outcome::Store(sent.clone()))
        }
        Change::Post(sent) => match existing {
            None => Ok(Outcome::Store(sent.clone())),
            Some(existing) => merged(existing, sent)
                .map(Outcome::Store)
                .map_err(Refused::NotMergeable),
        },
        Change::Delete => Ok(Outcome::Remove),
    }
}

/// The rules for a PUT that demands nothing (xAPI 1.0.3 Communication 3.1; IEEE 9274.1.1 4.1.4):
/// under 1.0.3 State is exempt, and a profile must always demand something; under 2.0 nothing is
/// overwritten unasked, State included, and what is new is taken.
fn may_put(write: &Write, exists: bool) -> Result<(), Refused> {
    if !write.preconditions.is_empty() {
        return Ok(());
    }
    match (write.version, write.kind, exists) {
        (XapiVersion::V1_0_3, Kind::State, _) | (XapiVersion::V2_0_0, _, false) => Ok(()),
        (_, _, true) => Err(Refused::Exists),
        (XapiVersion::V1_0_3, _, false) => Err(Refused::Unconditional),
    }
}

/// The members of what is there, those of what was sent set in it: top level only.
fn merged(existing: &Existing<'_>, sent: &Document) -> Result<Document, Fault> {
    if !is_json(existing.content_type) {
        return Err(merge_fault(
            "",
            "document-merge-json",
            "the document that is there is not application/json: PUT takes its place",
        ));
    }
    let mut all = members(
        existing.content,
        "",
        "document-merge-object",
        "the document that is there",
    )?;
    all.set_all(members(
        &sent.content,
        "",
        "document-post-object",
        "what is posted",
    )?);
    Ok(Document {
        content_type: sent.content_type.clone(),
        content: all.write().into(),
    })
}

fn members<'a>(
    json: &'a [u8],
    pointer: &str,
    rule: &'static str,
    what: &str,
) -> Result<Members<'a>, Fault> {
    Members::read(json).map_err(|error| {
        let place = format!("line {}, column {}", error.line(), error.column());
        merge_fault(
            pointer,
            rule,
            format!("{what} is not a JSON object ({place})"),
        )
    })
}

/// Read, not kept: what is stored is what was sent, byte for byte.
fn valid_json(content: &[u8]) -> Result<(), Fault> {
    match serde_json::from_slice::<&serde_json::value::RawValue>(content) {
        Ok(_) => Ok(()),
        Err(error) => Err(Fault {
            pointer: String::new(),
            rule: "document-json",
            section: "xAPI 1.0.3 Communication 3.2",
            detail: format!(
                "the document is said to be application/json and is not JSON (line {}, column {})",
                error.line(),
                error.column()
            ),
        }),
    }
}

fn merge_fault(pointer: &str, rule: &'static str, detail: impl Into<String>) -> Fault {
    Fault {
        pointer: pointer.to_owned(),
        rule,
        section: MERGE_SECTION,
        detail: detail.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(content_type: &str, content: &str) -> Document {
        Document {
            content_type: content_type.to_owned(),
            content: Bytes::copy_from_slice(content.as_bytes()),
        }
    }

    fn write(change: Change, kind: Kind, version: XapiVersion) -> Write {
        Write::check(change, kind, version, Preconditions::default()).expect("good")
    }

    fn post(existing: &Document, sent: &str) -> Result<Outcome, Refused> {
        let there = Existing {
            digest: Digest::of(&existing.content),
            content_type: &existing.content_type,
            content: &existing.content,
        };
        let change = Change::Post(document("application/json; charset=utf-8", sent));
        decide(
            &write(change, Kind::State, XapiVersion::V1_0_3),
            Some(&there),
        )
    }

    #[test]
    fn members_of_the_top_level_are_set() {
        let there = document(
            "Application/JSON",
            r#"{ "x": 1.50, "deep": {"a":1}, "y":"bar" }"#,
        );
        let merged = post(&there, r#"{"y":2e1,"z":"faz","deep":{"b":[ 2 ]}}"#).expect("merged");
        assert_eq!(
            merged,
            Outcome::Store(document(
                "application/json; charset=utf-8",
                r#"{"x":1.50,"deep":{"b":[ 2 ]},"y":2e1,"z":"faz"}"#
            ))
        );
    }

    #[test]
    fn only_json_objects_are_merged() {
        for (content_type, content, rule) in [
            ("text/plain", "{}", "document-merge-json"),
            ("application/json5", "{}", "document-merge-json"),
            ("application/json", "[]", "document-merge-object"),
        ] {
            match post(&document(content_type, content), "{}") {
                Err(Refused::NotMergeable(fault)) => assert_eq!(fault.rule, rule),
                other => panic!("{content_type} {content}: {other:?}"),
            }
        }
    }

    #[test]
    fn what_is_sent_is_what_it_says_to_be() {
        let check = |change| {
            Write::check(
                change,
                Kind::State,
                XapiVersion::V1_0_3,
                Preconditions::default(),
            )
            .map(|write| write.reads_content())
            .map_err(|fault| fault.rule)
        };
        let put = |kind, content| check(Change::Put(document(kind, content)));
        let post = |kind, content| check(Change::Post(document(kind, content)));
        assert_eq!(put("application/json", "[1]"), Ok(false));
        assert_eq!(put("application/json", "{"), Err("document-json"));
        assert_eq!(put("application/json", ""), Err("document-json"));
        assert_eq!(put("text/plain", "{"), Ok(false));
        assert_eq!(post("application/json", r#"{"a":1}"#), Ok(true));
        assert_eq!(post("application/json", "[1]"), Err("document-post-object"));
        assert_eq!(
            post("application/json", "{} {"),
            Err("document-post-object")
        );
        assert_eq!(post("text/plain", "{}"), Err("document-post-json"));
        assert_eq!(check(Change::Delete), Ok(false));
        let deep = "[".repeat(100_000) + &"]".repeat(100_000);
        assert_eq!(
            put("application/json", &deep),
            Ok(false),
            "read without recursion"
        );
    }

    #[test]
    fn a_put_that_demands_nothing_follows_its_version() {
        use Kind as K;
        use XapiVersion::{V1_0_3, V2_0_0};
        let there = Existing {
            digest: Digest::of(b"x"),
            content_type: "text/plain",
            content: b"",
        };
        let put = |kind, version, existing: Option<&Existing<'_>>| {
            let change = Change::Put(document("text/plain", "y"));
            decide(&write(change, kind, version), existing).map(|_| ())
        };
        for kind in [K::ActivityProfile, K::AgentProfile] {
            assert_eq!(put(kind, V1_0_3, None), Err(Refused::Unconditional));
            assert_eq!(put(kind, V1_0_3, Some(&there)), Err(Refused::Exists));
            assert_eq!(put(kind, V2_0_0, None), Ok(()));
            assert_eq!(put(kind, V2_0_0, Some(&there)), Err(Refused::Exists));
        }
        assert_eq!(put(K::State, V1_0_3, None), Ok(()));
        assert_eq!(put(K::State, V1_0_3, Some(&there)), Ok(()));
        assert_eq!(put(K::State, V2_0_0, None), Ok(()));
        assert_eq!(put(K::State, V2_0_0, Some(&there)), Err(Refused::Exists));
    }

    #[test]
    fn a_precondition_comes_before_everything() {
        let there = Existing {
            digest: Digest::of(b"x"),
            content_type: "text/plain",
            content: b"x",
        };
        for change in [
            Change::Put(document("text/plain", "y")),
            Change::Post(document("application/json", "{}")),
            Change::Delete,
        ] {
            let none = Preconditions::read(None, Some(b"*")).expect("good");
            let write = Write::check(change, Kind::State, XapiVersion::V1_0_3, none).expect("good");
            assert_eq!(
                decide(&write, Some(&there)),
                Err(Refused::Precondition(Header::IfNoneMatch))
            );
            assert!(decide(&write, None).is_ok());
        }
    }
}

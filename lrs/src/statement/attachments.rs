//! The attachments that a statement declares (xAPI 1.0.3 Data 2.4.11).

use schemas::xapi::Fault;
use serde_json::Value;

use super::signature::Standing;

/// The usage type of a signature (Data 2.6).
pub const SIGNATURE: &str = "http://adlnet.gov/expapi/attachments/signature";

const FILE_URL: &str = "xAPI 1.0.3 Communication 1.5.1";
const SIGNED: &str = "xAPI 1.0.3 Data 2.6";

/// An attachment as a valid statement declares it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declared<'a> {
    /// Where it stands in the statement.
    pub pointer: String,
    /// The hash of its content in hexadecimal, as it was written.
    pub sha2: &'a str,
    /// Its media type, as it was written.
    pub content_type: &'a str,
    /// Its length in octets.
    pub length: Option<u64>,
    /// Whether its content may be elsewhere.
    pub has_url: bool,
    /// Whether it is a signature.
    pub is_signature: bool,
}

impl Declared<'_> {
    /// Whether it is the signature of the statement itself, not one inside a `SubStatement`.
    #[must_use]
    pub fn signs_the_statement(&self) -> bool {
        self.is_signature && self.pointer.starts_with("/attachments/")
    }

    /// The hash as hashes are compared: letters in lower case.
    #[must_use]
    pub fn key(&self) -> String {
        self.sha2.to_ascii_lowercase()
    }
}

/// An attachment whose content is kept here, as its row will be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attached {
    /// Which one of the statement: those of a `SubStatement` after its own.
    pub place: i32,
    /// The hash that was declared.
    pub sha2: String,
    /// Our own hash of the content: its name in object storage.
    pub sha256: [u8; 32],
    /// The length of the content.
    pub length: i64,
    /// The media type that was declared.
    pub content_type: String,
    /// What is known of it, when it is a signature.
    pub signature: Option<Standing>,
}

/// The attachments of a statement, those of its `SubStatement` after its own.
#[must_use]
pub fn declared(statement: &Value) -> Vec<Declared<'_>> {
    ["/attachments", "/object/attachments"]
        .into_iter()
        .filter_map(|place| Some((place, statement.pointer(place)?.as_array()?)))
        .flat_map(|(place, attachments)| {
            attachments
                .iter()
                .enumerate()
                .map(move |(index, one)| read(format!("{place}/{index}"), one))
        })
        .collect()
}

fn read(pointer: String, attachment: &Value) -> Declared<'_> {
    let text = |key: &str| attachment.get(key).and_then(Value::as_str);
    Declared {
        pointer,
        sha2: text("sha2").unwrap_or_default(),
        content_type: text("contentType").unwrap_or_default(),
        length: attachment.get("length").and_then(whole),
        has_url: attachment.get("fileUrl").is_some(),
        is_signature: text("usageType") == Some(SIGNATURE),
    }
}

/// A whole number, which some languages write `27.0`.
fn whole(number: &Value) -> Option<u64> {
    number.as_u64().or_else(|| {
        // 2^53: beyond, a double is no longer exact, and no attachment is that long.
        let float = number.as_f64()?;
        let is_whole = float.fract() == 0.0 && (0.0..9_007_199_254_740_992.0).contains(&float);
        is_whole.then(|| format!("{float:.0}").parse().ok())?
    })
}

/// In a JSON body an attachment is at its `fileUrl` or nowhere: what lies beside the statement needs
/// multipart/mixed.
#[must_use]
pub fn without_url(statement: &Value) -> Vec<Fault> {
    declared(statement)
        .into_iter()
        .filter(|attachment| !attachment.has_url)
        .map(|attachment| Fault {
            pointer: attachment.pointer,
            rule: "attachment-file-url",
            section: FILE_URL,
            detail: "an attachment of a statement sent as application/json must have a fileUrl"
                .to_owned(),
        })
        .collect()
}

/// A signature has one media type.
#[must_use]
pub fn signatures_of_other_types(statement: &Value) -> Vec<Fault> {
    declared(statement)
        .into_iter()
        .filter(|attachment| attachment.is_signature && !is_octets(attachment.content_type))
        .map(|attachment| Fault {
            pointer: format!("{}/contentType", attachment.pointer),
            rule: "signature-content-type",
            section: SIGNED,
            detail: "the contentType of a signature is application/octet-stream".to_owned(),
        })
        .collect()
}

fn is_octets(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default();
    essence
        .trim()
        .eq_ignore_ascii_case("application/octet-stream")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn attachments_of_a_sub_statement_come_after_its_own() {
        let one = |sha2: &str| json!({ "usageType": "https://example.org/u", "sha2": sha2, "contentType": "text/plain", "length": 3.0 });
        let mut second = one("B");
        second["fileUrl"] = json!("https://example.org/f");
        let statement = json!({ "attachments": [one("A"), second],
            "object": { "objectType": "SubStatement", "attachments": [one("C")] } });
        let found = declared(&statement);
        let shown: Vec<_> = found
            .iter()
            .map(|one| (one.pointer.as_str(), one.key(), one.length, one.has_url))
            .collect();
        assert_eq!(
            shown,
            [
                ("/attachments/0", "a".to_owned(), Some(3), false),
                ("/attachments/1", "b".to_owned(), Some(3), true),
                ("/object/attachments/0", "c".to_owned(), Some(3), false),
            ]
        );
        let places: Vec<_> = without_url(&statement)
            .into_iter()
            .map(|fault| fault.pointer)
            .collect();
        assert_eq!(places, ["/attachments/0", "/object/attachments/0"]);
    }

    #[test]
    fn a_signature_is_of_octets() {
        let signed = |content_type: &str| {
            let statement =
                json!({ "attachments": [{ "usageType": SIGNATURE, "contentType": content_type }] });
            signatures_of_other_types(&statement).len()
        };
        assert_eq!(signed("application/octet-stream"), 0);
        assert_eq!(signed("Application/Octet-Stream; x=y"), 0);
        assert_eq!(signed("text/plain; charset=ascii"), 1);
    }
}

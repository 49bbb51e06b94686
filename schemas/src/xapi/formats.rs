//! What a string must look like: hand-written walks that allocate nothing.

use iri_string::types::{IriStr, UriStr};
use uuid::Uuid;

/// Whether a text is an IRI with a scheme (RFC 3987; xAPI 1.0.3 Data 4.3).
#[must_use]
pub fn is_iri(text: &str) -> bool {
    is_plain_iri(text.as_bytes()) || <&IriStr>::try_from(text).is_ok()
}

/// Whether a text is a URI with a scheme (RFC 3986).
#[must_use]
pub fn is_uri(text: &str) -> bool {
    is_plain_iri(text.as_bytes()) || <&UriStr>::try_from(text).is_ok()
}

/// What a byte may be part of in the plain form of an IRI.
const ALPHA: u8 = 1;
const DIGIT: u8 = 2;
/// `.` and `-`: with letters and digits, a host name.
const HOST: u8 = 4;
/// The rest of what may stand in a path, a query or a fragment, but for `%`, `#`.
const PATH: u8 = 8;

const CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut c = 0;
    while c < 256 {
        classes[c] = match c as u8 {
            b'A'..=b'Z' | b'a'..=b'z' => ALPHA,
            b'0'..=b'9' => DIGIT,
            b'.' | b'-' => HOST,
            b'_' | b'~' | b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b';'
            | b'=' | b':' | b'@' | b'/' | b'?' => PATH,
            _ => 0,
        };
        c += 1;
    }
    classes
};

/// The form of nearly every IRI of a statement, recognised in one pass: a scheme, a host name with
/// perhaps a port, ASCII, no percent sign. What has another form is left to the full grammar.
fn is_plain_iri(text: &[u8]) -> bool {
    let class = |c: u8| CLASSES[usize::from(c)];
    let Some(colon) = text.iter().position(|c| *c == b':') else {
        return false;
    };
    let (scheme, rest) = (&text[..colon], &text[colon + 1..]);
    let scheme_is_good = scheme.first().is_some_and(|c| class(*c) == ALPHA)
        && scheme
            .iter()
            .all(|c| class(*c) & (ALPHA | DIGIT | HOST) != 0 || *c == b'+');
    if !scheme_is_good {
        return false;
    }
    let path = match rest.strip_prefix(b"//") {
        None => rest,
        Some(rest) => {
            let end = rest
                .iter()
                .position(|c| matches!(c, b'/' | b'?' | b'#'))
                .unwrap_or(rest.len());
            let authority = &rest[..end];
            let host_end = authority
                .iter()
                .position(|c| *c == b':')
                .unwrap_or(authority.len());
            let (host, port) = authority.split_at(host_end);
            let good = host.iter().all(|c| class(*c) & (ALPHA | DIGIT | HOST) != 0)
                && port.iter().skip(1).all(|c| class(*c) == DIGIT);
            if !good {
                return false;
            }
            &rest[end..]
        }
    };
    let mut fragment = false;
    path.iter().all(|c| {
        if *c == b'#' {
            return !std::mem::replace(&mut fragment, true);
        }
        class(*c) != 0
    })
}

/// Reads a UUID in standard string form: 36 characters, of any version (xAPI 1.0.3 Data 4.4).
/// Braces, `urn:uuid:` and the form without hyphens are refused.
#[must_use]
pub fn parse_uuid(text: &str) -> Option<Uuid> {
    if text.len() != 36 {
        return None;
    }
    Uuid::try_parse(text).ok()
}

/// Whether a text is a well-formed language tag (RFC 5646; xAPI 1.0.3 Data 4.2). Whether its parts
/// are registered is not asked.
#[must_use]
pub fn is_language_tag(text: &str) -> bool {
    oxilangtag::LanguageTag::parse(text).is_ok() && !repeats_a_singleton(text)
}

/// RFC 5646 2.2.6: each single-letter subtag introduces its extension once.
fn repeats_a_singleton(tag: &str) -> bool {
    let mut seen = 0_u64;
    for subtag in tag.split('-').skip(1) {
        let [c] = subtag.as_bytes() else { continue };
        if c.eq_ignore_ascii_case(&b'x') {
            return false;
        }
        let bit = 1_u64 << (c.to_ascii_lowercase() & 63);
        if seen & bit != 0 {
            return true;
        }
        seen |= bit;
    }
    false
}

/// Whether a text has the form `mailto:local@domain`, with one `@` and no space.
#[must_use]
pub fn is_mailto(text: &str) -> bool {
    let Some(address) = text.strip_prefix("mailto:") else {
        return false;
    };
    let Some((local, domain)) = address.split_once('@') else {
        return false;
    };
    !local.is_empty() && !domain.is_empty() && !domain.contains('@') && !address.contains(' ')
}

/// Whether a text is a SHA-1 in hexadecimal.
#[must_use]
pub fn is_sha1_hex(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|c| c.is_ascii_hexdigit())
}

/// Whether a text is a hash of the SHA-2 family (224, 256, 384 or 512 bits) in hexadecimal.
#[must_use]
pub fn is_sha2_hex(text: &str) -> bool {
    matches!(text.len(), 56 | 64 | 96 | 128) && text.bytes().all(|c| c.is_ascii_hexdigit())
}

/// Whether a text is an Internet Media Type: `type/subtype`, each a token of RFC 6838, and perhaps
/// parameters, which are not read.
#[must_use]
pub fn is_media_type(text: &str) -> bool {
    let essence = text.split(';').next().unwrap_or_default().trim_end();
    let Some((main, sub)) = essence.split_once('/') else {
        return false;
    };
    is_restricted_name(main) && is_restricted_name(sub)
}

/// RFC 6838 4.2.
fn is_restricted_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|c| c.is_ascii_alphanumeric())
        && text.len() <= 127
        && bytes.all(|c| c.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&c))
}

/// Whether a text is `base` or a version under it: `1.0` or `1.0.x` for the base `1.0`, where `x` is
/// the patch of Semantic Versioning 1.0.0: a number, and perhaps a pre-release after a hyphen.
#[must_use]
pub fn is_version_of(text: &str, base: &str) -> bool {
    match text.strip_prefix(base) {
        Some("") => true,
        Some(rest) => rest.strip_prefix('.').is_some_and(is_patch),
        None => false,
    }
}

fn is_patch(text: &str) -> bool {
    let (number, pre_release) = text.split_once('-').unwrap_or((text, "0"));
    let is_in = |text: &str, is: fn(u8) -> bool| !text.is_empty() && text.bytes().all(is);
    is_in(number, |c| c.is_ascii_digit())
        && is_in(pre_release, |c| c.is_ascii_alphanumeric() || c == b'-')
}

#[cfg(test)]
mod tests;

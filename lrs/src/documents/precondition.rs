//! `If-Match` and `If-None-Match` (RFC 9110 13.1; xAPI 1.0.3 Communication 3.1).

use super::Digest;

/// One of the two headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Header {
    /// The document must be one of these.
    IfMatch,
    /// The document must be none of these.
    IfNoneMatch,
}

impl Header {
    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::IfMatch => "If-Match",
            Self::IfNoneMatch => "If-None-Match",
        }
    }
}

/// What a request demands of the document that is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preconditions {
    if_match: Option<Tags>,
    if_none_match: Option<Tags>,
}

/// `*`, or a list of which those are kept that could be ours.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Tags {
    Any,
    These(Vec<Digest>),
}

impl Tags {
    fn hold(&self, current: Option<Digest>) -> bool {
        match (self, current) {
            (_, None) => false,
            (Self::Any, Some(_)) => true,
            (Self::These(tags), Some(current)) => tags.contains(&current),
        }
    }
}

impl Preconditions {
    /// Reads the values of the two headers, as they came; fails with the one that is malformed.
    pub fn read(if_match: Option<&[u8]>, if_none_match: Option<&[u8]>) -> Result<Self, Header> {
        let tags = |value: Option<&[u8]>, header| {
            value.map(|value| parse(value).ok_or(header)).transpose()
        };
        Ok(Self {
            if_match: tags(if_match, Header::IfMatch)?,
            if_none_match: tags(if_none_match, Header::IfNoneMatch)?,
        })
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.if_match.is_none() && self.if_none_match.is_none()
    }

    /// The header that does not hold for the document that is there, if one does not. In the order
    /// of RFC 9110 13.2.2.
    ///
    /// A weak tag, or one that was made for a compressed answer, stands for the document as well: it
    /// names the same content.
    pub fn check(&self, current: Option<Digest>) -> Result<(), Header> {
        if self
            .if_match
            .as_ref()
            .is_some_and(|tags| !tags.hold(current))
        {
            Err(Header::IfMatch)
        } else if self
            .if_none_match
            .as_ref()
            .is_some_and(|tags| tags.hold(current))
        {
            Err(Header::IfNoneMatch)
        } else {
            Ok(())
        }
    }
}

/// `*` or a list of entity tags; none when it is neither.
///
/// A bare SHA-1 without the quotes is taken too, as older clients that compute it send it.
fn parse(value: &[u8]) -> Option<Tags> {
    if value.trim_ascii() == b"*" {
        return Some(Tags::Any);
    }
    let mut digests = Vec::new();
    let mut any = false;
    let mut rest = value.trim_ascii_start();
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix(b",") {
            // An empty element of a list is passed over (RFC 9110 5.6.1.2).
            rest = after.trim_ascii_start();
            continue;
        }
        let (tag, after) = next_tag(rest)?;
        any = true;
        digests.extend(Digest::from_tag(tag));
        rest = after.trim_ascii_start();
        if !rest.is_empty() && rest[0] != b',' {
            return None;
        }
    }
    any.then_some(Tags::These(digests))
}

/// The next tag without its quotes, and what follows it.
fn next_tag(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let strong = text.strip_prefix(b"W/").unwrap_or(text);
    if let Some(quoted) = strong.strip_prefix(b"\"") {
        let end = quoted.iter().position(|byte| *byte == b'"')?;
        let (tag, after) = quoted.split_at(end);
        return tag
            .iter()
            .all(|byte| *byte > b' ' && *byte != 0x7f)
            .then_some((tag, &after[1..]));
    }
    let end = strong
        .iter()
        .position(|byte| matches!(byte, b',' | b' ' | b'\t'))
        .unwrap_or(strong.len());
    let (bare, after) = strong.split_at(end);
    Digest::from_tag(bare).map(|_| (bare, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(content: &str) -> String {
        Digest::of(content.as_bytes()).etag().replace('"', "")
    }

    fn matches(header: &str, content: &str) -> bool {
        Preconditions::read(Some(header.as_bytes()), None)
            .expect("well formed")
            .check(Some(Digest::of(content.as_bytes())))
            .is_ok()
    }

    #[test]
    fn a_tag_is_known_in_every_form_of_it() {
        let sum = sum("a");
        for header in [
            format!("\"{sum}\""),
            format!("W/\"{sum}\""),
            format!("\"{sum}-gzip\""),
            format!("W/\"{sum}-gzip\""),
            format!("\"{}\"", sum.to_uppercase()),
            format!("\"x,y\" , ,\"{sum}\""),
            format!(",\"{sum}\","),
            sum.clone(),
            format!("\"other\", {sum}"),
            " * ".to_owned(),
        ] {
            assert!(matches(&header, "a"), "{header}");
            assert!(header == " * " || !matches(&header, "b"), "{header}");
        }
        assert!(
            !matches("\"\"", "a"),
            "an empty tag is a tag, of nothing of ours"
        );
    }

    #[test]
    fn what_is_no_list_of_tags_is_told() {
        for bad in [
            "",
            " , ",
            "\"a",
            "a",
            "*, \"a\"",
            "\"a\" \"b\"",
            "w/\"a\"",
            "\"a b\"",
        ] {
            assert_eq!(
                Preconditions::read(Some(bad.as_bytes()), None),
                Err(Header::IfMatch),
                "{bad}"
            );
            assert_eq!(
                Preconditions::read(None, Some(bad.as_bytes())),
                Err(Header::IfNoneMatch),
                "{bad}"
            );
        }
    }

    #[test]
    fn each_header_holds_when_it_should() {
        let here = Some(Digest::of(b"a"));
        let tag = format!("\"{}\"", sum("a"));
        let read = |one: Option<&str>, none: Option<&str>| {
            Preconditions::read(one.map(str::as_bytes), none.map(str::as_bytes)).expect("good")
        };
        for (one, none, there, expected) in [
            (None, None, None, Ok(())),
            (None, None, here, Ok(())),
            (Some("*"), None, here, Ok(())),
            (Some("*"), None, None, Err(Header::IfMatch)),
            (Some(tag.as_str()), None, here, Ok(())),
            (Some(tag.as_str()), None, None, Err(Header::IfMatch)),
            (Some("\"b\""), None, here, Err(Header::IfMatch)),
            (None, Some("*"), None, Ok(())),
            (None, Some("*"), here, Err(Header::IfNoneMatch)),
            (None, Some(tag.as_str()), here, Err(Header::IfNoneMatch)),
            (None, Some("\"b\""), here, Ok(())),
            (Some("\"b\""), Some("*"), here, Err(Header::IfMatch)),
            (
                Some("*"),
                Some(tag.as_str()),
                here,
                Err(Header::IfNoneMatch),
            ),
        ] {
            let preconditions = read(one, none);
            assert_eq!(
                preconditions.check(there),
                expected,
                "{one:?} {none:?} {there:?}"
            );
            assert_eq!(preconditions.is_empty(), one.is_none() && none.is_none());
        }
    }
}

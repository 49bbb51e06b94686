//! The SHA-1 of a content: the entity tag of a document (xAPI 1.0.3 Communication 3.1).

use sha1::{Digest as _, Sha1};

/// A SHA-1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digest([u8; 20]);

impl Digest {
    /// Of these bytes.
    #[must_use]
    pub fn of(content: &[u8]) -> Self {
        Self(Sha1::digest(content).into())
    }

    /// The 20 bytes that were stored; none of another length.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The 20 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The entity tag: hexadecimal in lower case, in quotes.
    #[must_use]
    pub fn etag(&self) -> String {
        format!("\"{}\"", hex::encode(self.0))
    }

    /// What an entity tag without its quotes names: the hexadecimal, alone or with what stands
    /// after a hyphen or another sign, such as `-gzip` for a compressed answer.
    #[must_use]
    pub fn from_tag(tag: &[u8]) -> Option<Self> {
        let (digits, rest) = tag.split_at_checked(40)?;
        if rest.first().is_some_and(u8::is_ascii_alphanumeric) {
            return None;
        }
        let mut bytes = [0; 20];
        hex::decode_to_slice(digits, &mut bytes).ok()?;
        Some(Self(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tag_is_quoted_hexadecimal_in_lower_case() {
        let digest = Digest::of(b"abc");
        assert_eq!(
            digest.etag(),
            "\"a9993e364706816aba3e25717850c26c9cd0d89d\""
        );
        assert_eq!(Digest::from_bytes(digest.as_bytes()), Some(digest));
        assert_eq!(Digest::from_bytes(b"abc"), None);
    }

    #[test]
    fn a_tag_of_ours_is_known_with_what_follows_it() {
        let digest = Digest::of(b"abc");
        let sum = "a9993e364706816aba3e25717850c26c9cd0d89d";
        for known in [
            sum.to_owned(),
            format!("{sum}-gzip"),
            format!("{sum};zstd"),
            sum.to_uppercase(),
        ] {
            assert_eq!(Digest::from_tag(known.as_bytes()), Some(digest), "{known}");
        }
        for other in [
            "",
            "1234",
            &sum[1..],
            &format!("{sum}0"),
            &sum.replace('a', "x"),
        ] {
            assert_eq!(Digest::from_tag(other.as_bytes()), None, "{other}");
        }
    }
}

//! Media types, read strictly (RFC 9110 8.3.1).

/// A media type with its parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Media {
    /// `type/subtype` in lower case.
    pub(super) essence: String,
    /// Names in lower case, sorted; values without quotes.
    parameters: Vec<(String, String)>,
}

impl Media {
    /// Reads the value of a `Content-Type`; none when it is not one.
    pub(super) fn read(text: &str) -> Option<Self> {
        let (essence, mut rest) = match text.find(';') {
            Some(end) => (&text[..end], &text[end..]),
            None => (text, ""),
        };
        let essence = essence.trim_matches(BLANK).to_ascii_lowercase();
        let (main, sub) = essence.split_once('/')?;
        if !is_token(main) || !is_token(sub) {
            return None;
        }
        let mut parameters = Vec::new();
        while let Some(more) = rest.strip_prefix(';') {
            let more = more.trim_start_matches(BLANK);
            // Empty parameters are to be ignored.
            if more.is_empty() || more.starts_with(';') {
                rest = more;
                continue;
            }
            let (name, value) = more.split_once('=')?;
            let (value, after) = read_value(value)?;
            let name = name.to_ascii_lowercase();
            if !is_token(&name) || parameters.iter().any(|(known, _)| *known == name) {
                return None;
            }
            parameters.push((name, value));
            rest = after.trim_start_matches(BLANK);
        }
        if !rest.is_empty() {
            return None;
        }
        parameters.sort();
        Some(Self {
            essence,
            parameters,
        })
    }

    /// The value of a parameter; `name` is in lower case.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        let (_, value) = self.parameters.iter().find(|(known, _)| known == name)?;
        Some(value)
    }

    /// Whether text of this type is in UTF-8, as far as it says.
    pub(super) fn is_utf8(&self) -> bool {
        self.parameter("charset")
            .is_none_or(|charset| charset.eq_ignore_ascii_case("utf-8"))
    }
}

/// Whether two texts name one media type, however they are written.
pub(super) fn same(one: &str, other: &str) -> bool {
    match (Media::read(one), Media::read(other)) {
        (Some(one), Some(other)) => {
            one.essence == other.essence
                && one.parameters.len() == other.parameters.len()
                && one
                    .parameters
                    .iter()
                    .zip(&other.parameters)
                    .all(|(one, other)| {
                        one.0 == other.0
                            && (one.1 == other.1
                                || one.0 == "charset" && one.1.eq_ignore_ascii_case(&other.1))
                    })
        }
        _ => one.trim() == other.trim(),
    }
}

const BLANK: [char; 2] = [' ', '\t'];

fn is_token(text: &str) -> bool {
    let is_part = |c: u8| c.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&c);
    !text.is_empty() && text.bytes().all(is_part)
}

/// A token or quoted string, and what follows it. Unquoted values may hold what RFC 2046 lets a
/// boundary be made of, since clients forget the quotes.
fn read_value(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(';').unwrap_or(text.len());
        let value = text[..end].trim_end_matches(BLANK);
        let is_part = |c: u8| c.is_ascii_graphic() && c != b'"';
        return (!value.is_empty() && value.bytes().all(is_part))
            .then(|| (value.to_owned(), &text[end..]));
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((value, &quoted[at + 1..])),
            '\\' => value.push(characters.next()?.1),
            _ => value.push(character),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_media_type_is_read_with_its_parameters() {
        let read = |text| Media::read(text).expect("a media type");
        let mixed = read(r#"Multipart/Mixed ; boundary="abc'()+_,-./:=? \"x\"";; charset=utf-8 ;"#);
        assert_eq!(mixed.essence, "multipart/mixed");
        assert_eq!(mixed.parameter("boundary"), Some(r#"abc'()+_,-./:=? "x""#));
        assert!(mixed.is_utf8());
        let plain = read("multipart/mixed; boundary=-------314159265358979323846");
        assert_eq!(
            plain.parameter("boundary"),
            Some("-------314159265358979323846")
        );
        assert_eq!(read("multipart/mixed;").parameter("boundary"), None);
        assert!(!read("application/json; charset=latin1").is_utf8());
        for bad in [
            "",
            "text",
            "text/",
            "a b/c",
            "a/b; c",
            "a/b; c=",
            "a/b; c=\"d",
            "a/b; c=\"d\"e",
            "a/b; c=1; C=2",
            "a/b, c/d",
        ] {
            assert_eq!(Media::read(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn one_media_type_is_written_in_many_ways() {
        for (one, other, is_same) in [
            (
                "text/plain; charset=ASCII",
                "Text/Plain;charset=\"ascii\"",
                true,
            ),
            ("text/plain; a=1; b=2", "text/plain;b=2;a=1", true),
            ("text/plain; a=x", "text/plain; a=X", false),
            ("text/plain", "text/plain; charset=ascii", false),
            ("text/plain", "text/html", false),
            ("no type", " no type", true),
        ] {
            assert_eq!(same(one, other), is_same, "{one} {other}");
        }
    }
}

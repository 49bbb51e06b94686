//! The query string, decoded strictly.

use percent_encoding::percent_decode_str;
use service::error::Problem;

use super::problems;

/// The parameters, in their order. What is not UTF-8, or holds U+0000, is refused.
pub(super) fn decode(query: &str) -> Result<Vec<(String, String)>, Problem> {
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((text(name)?, text(value)?))
        })
        .collect()
}

fn text(encoded: &str) -> Result<String, Problem> {
    let spaced = encoded.replace('+', " ");
    let decoded = percent_decode_str(&spaced).decode_utf8();
    match decoded {
        Ok(text) if !text.contains('\0') => Ok(text.into_owned()),
        _ => Err(problems::bad_request(
            "query",
            "query-encoding",
            "RFC 3986 2.1",
            "a query is percent-encoded UTF-8 without U+0000",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_decoded_once() {
        let decoded = decode("verb=https%3A%2F%2Fexample.org%2Fa%252B&agent=%7B%7D&&ascending")
            .expect("good");
        let shown: Vec<_> = decoded
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        assert_eq!(
            shown,
            [
                ("verb", "https://example.org/a%2B"),
                ("agent", "{}"),
                ("ascending", "")
            ]
        );
        for bad in ["a=%FF", "a=%00", "%C3=1"] {
            assert!(decode(bad).is_err(), "{bad}");
        }
    }
}

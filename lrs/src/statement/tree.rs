//! JSON as it was written: numbers with all their digits, which `serde_json`'s values do not keep.

use std::collections::BTreeMap;

/// A JSON value; members by key, numbers as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Tree<'a> {
    /// `null`, `true`, `false` or a number.
    Plain(&'a str),
    Text(String),
    Array(Vec<Tree<'a>>),
    Object(BTreeMap<String, Tree<'a>>),
}

impl<'a> Tree<'a> {
    /// Reads what [`strict_json`](schemas::strict_json) has accepted, in one pass. None for what it
    /// would not accept; of that, not all is seen.
    pub(super) fn read(json: &'a str) -> Option<Self> {
        let mut reader = Reader { json, at: 0 };
        let tree = reader.value(0)?;
        reader.skip_space();
        (reader.at == json.len()).then_some(tree)
    }

    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => members.get(key),
            _ => None,
        }
    }
}

struct Reader<'a> {
    json: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn byte(&self) -> Option<u8> {
        self.json.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.byte(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn take(&mut self, wanted: u8) -> bool {
        self.skip_space();
        let is_there = self.byte() == Some(wanted);
        self.at += usize::from(is_there);
        is_there
    }

    fn value(&mut self, depth: usize) -> Option<Tree<'a>> {
        if depth > schemas::strict_json::MAX_DEPTH {
            return None;
        }
        self.skip_space();
        match self.byte()? {
            b'{' => self.object(depth),
            b'[' => self.array(depth),
            b'"' => self.string().map(Tree::Text),
            _ => self.plain(),
        }
    }

    fn object(&mut self, depth: usize) -> Option<Tree<'a>> {
        self.at += 1;
        let mut members = BTreeMap::new();
        if self.take(b'}') {
            return Some(Tree::Object(members));
        }
        loop {
            self.skip_space();
            let key = self.string()?;
            if !self.take(b':') {
                return None;
            }
            members.insert(key, self.value(depth + 1)?);
            if self.take(b'}') {
                return Some(Tree::Object(members));
            }
            if !self.take(b',') {
                return None;
            }
        }
    }

    fn array(&mut self, depth: usize) -> Option<Tree<'a>> {
        self.at += 1;
        let mut elements = Vec::new();
        if self.take(b']') {
            return Some(Tree::Array(elements));
        }
        loop {
            elements.push(self.value(depth + 1)?);
            if self.take(b']') {
                return Some(Tree::Array(elements));
            }
            if !self.take(b',') {
                return None;
            }
        }
    }

    fn string(&mut self) -> Option<String> {
        let start = self.at;
        if self.byte()? != b'"' {
            return None;
        }
        self.at += 1;
        let mut is_escaped = false;
        loop {
            match self.byte()? {
                b'"' => break,
                b'\\' => {
                    is_escaped = true;
                    self.at += 2;
                }
                _ => self.at += 1,
            }
        }
        self.at += 1;
        let written = self.json.get(start..self.at)?;
        if is_escaped {
            serde_json::from_str(written).ok()
        } else {
            Some(written[1..written.len() - 1].to_owned())
        }
    }

    fn plain(&mut self) -> Option<Tree<'a>> {
        let rest = self.json.get(self.at..)?;
        let end = rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.')))
            .unwrap_or(rest.len());
        let written = &rest[..end];
        self.at += end;
        serde_json::from_str::<serde_json::Value>(written)
            .is_ok()
            .then_some(Tree::Plain(written))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn value(tree: &Tree<'_>) -> Value {
        match tree {
            Tree::Plain(written) => serde_json::from_str(written).expect("a literal or number"),
            Tree::Text(text) => text.clone().into(),
            Tree::Array(elements) => elements.iter().map(value).collect(),
            Tree::Object(members) => members
                .iter()
                .map(|(key, member)| (key.clone(), value(member)))
                .collect(),
        }
    }

    #[test]
    fn digits_are_kept() {
        let tree = Tree::read(r#" {"a" : [1.50, -0e5 ,null], "\u0062\"":"c\\"} "#).expect("JSON");
        assert_eq!(
            tree.get("a"),
            Some(&Tree::Array(vec![
                Tree::Plain("1.50"),
                Tree::Plain("-0e5"),
                Tree::Plain("null")
            ]))
        );
        assert_eq!(tree.get("b\"").and_then(Tree::text), Some("c\\"));
        assert_eq!(tree.get("a").and_then(Tree::text), None);
    }

    #[test]
    fn what_is_no_json_is_none() {
        for bad in [
            "",
            "{",
            "[1",
            "[1,]",
            r#"{"a"}"#,
            r#"{"a":1,}"#,
            "nul",
            "\"",
            "\"\\",
            "1 2",
            "01",
            "{1:2}",
        ] {
            assert_eq!(Tree::read(bad), None, "{bad}");
        }
        assert_eq!(Tree::read(&"[".repeat(1_000_000)), None);
    }

    proptest! {
        #[test]
        fn it_reads_as_serde_does(texts in prop::collection::vec(any::<String>(), 0..6), numbers in prop::collection::vec(any::<f64>(), 0..6)) {
            let document = serde_json::json!({ "texts": texts, "numbers": numbers, "keys": texts.iter().map(|text| (text.clone(), Value::Null)).collect::<serde_json::Map<_, _>>() });
            for written in [document.to_string(), serde_json::to_string_pretty(&document).expect("JSON")] {
                prop_assert_eq!(Tree::read(&written).map(|tree| value(&tree)), Some(document.clone()));
            }
        }

        #[test]
        fn any_text_is_answered(text in "[\\[\\]{}\":,\\\\a-z0-9 .é-]{0,40}") {
            if let Ok(expected) = schemas::strict_json::parse(text.as_bytes()) {
                prop_assert_eq!(Tree::read(&text).map(|tree| value(&tree)), Some(expected));
            } else {
                let _ = Tree::read(&text);
            }
        }
    }
}

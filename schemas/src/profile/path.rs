//! The JSONPath of xAPI Profiles (1.0, Structure 8.1): names, strings, whole numbers, `*`, unions by
//! comma, descent by `..`, and several paths joined by `|`. Filters, scripts and slices are not of it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::fault::push_step;

/// A JSONPath that was read.
#[derive(Clone, PartialEq, Eq)]
pub struct Path {
    text: String,
    alternatives: Vec<Vec<Step>>,
}

/// A value that a path leads to.
#[derive(Clone, Debug, PartialEq)]
pub struct Found<'v> {
    /// RFC 6901 pointer to it.
    pub pointer: String,
    /// The value.
    pub value: &'v Value,
}

/// A text that is no path of xAPI Profiles.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a JSONPath of xAPI Profiles, from byte {at} on: {expected}")]
pub struct NotAPath {
    at: usize,
    expected: &'static str,
}

#[derive(Clone, PartialEq, Eq)]
struct Step {
    /// Whether anything may lie between: `..`.
    descend: bool,
    picks: Vec<Pick>,
}

#[derive(Clone, PartialEq, Eq)]
enum Pick {
    Key(String),
    Index(usize),
    All,
}

impl Path {
    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Everything that it leads to, path by path, in the order of the document.
    #[must_use]
    pub fn find<'v>(&self, root: &'v Value) -> Vec<Found<'v>> {
        let mut found = Vec::new();
        for steps in &self.alternatives {
            follow(steps, String::new(), root, &mut found);
        }
        found
    }

    /// The last place on the way of the first path that is there: where something is missing.
    #[must_use]
    pub fn nearest(&self, root: &Value) -> String {
        let (mut pointer, mut value) = (String::new(), root);
        for step in self.alternatives.first().into_iter().flatten() {
            let next = match step.picks.as_slice() {
                [Pick::Key(key)] if !step.descend => value.get(key).map(|next| (key, next)),
                _ => None,
            };
            let Some((key, next)) = next else { break };
            push_step(&mut pointer, key);
            value = next;
        }
        pointer
    }
}

fn follow<'v>(steps: &[Step], pointer: String, value: &'v Value, found: &mut Vec<Found<'v>>) {
    let Some((step, rest)) = steps.split_first() else {
        return found.push(Found { pointer, value });
    };
    for pick in &step.picks {
        match pick {
            Pick::Key(key) => {
                if let Some(child) = value.get(key.as_str()) {
                    follow(rest, under(&pointer, key), child, found);
                }
            }
            Pick::Index(index) => {
                if let Some(child) = value.get(*index) {
                    follow(rest, under(&pointer, &index.to_string()), child, found);
                }
            }
            Pick::All => each_child(&pointer, value, |pointer, child| {
                follow(rest, pointer, child, found);
            }),
        }
    }
    if step.descend {
        each_child(&pointer, value, |pointer, child| {
            follow(steps, pointer, child, found);
        });
    }
}

fn each_child<'v>(pointer: &str, value: &'v Value, mut take: impl FnMut(String, &'v Value)) {
    match value {
        Value::Array(values) => {
            for (index, child) in values.iter().enumerate() {
                take(under(pointer, &index.to_string()), child);
            }
        }
        Value::Object(map) => {
            for (key, child) in map {
                take(under(pointer, key), child);
            }
        }
        _ => {}
    }
}

fn under(pointer: &str, key: &str) -> String {
    let mut inner = pointer.to_owned();
    push_step(&mut inner, key);
    inner
}

impl FromStr for Path {
    type Err = NotAPath;

    fn from_str(text: &str) -> Result<Self, NotAPath> {
        let mut reader = Reader { text, at: 0 };
        let mut alternatives = Vec::new();
        loop {
            reader.skip_space();
            alternatives.push(reader.path()?);
            reader.skip_space();
            if reader.at == text.len() {
                break;
            }
            reader.expect('|', "`.`, `[`, `|` or the end")?;
        }
        Ok(Self {
            text: text.to_owned(),
            alternatives,
        })
    }
}

/// A text, and how far it was read.
struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn take(&mut self, wanted: &str) -> bool {
        let is_there = self.rest().starts_with(wanted);
        if is_there {
            self.at += wanted.len();
        }
        is_there
    }

    fn skip_space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    fn expected<T>(&self, expected: &'static str) -> Result<T, NotAPath> {
        Err(NotAPath {
            at: self.at,
            expected,
        })
    }

    fn expect(&mut self, wanted: char, words: &'static str) -> Result<(), NotAPath> {
        if self.peek() == Some(wanted) {
            self.at += wanted.len_utf8();
            return Ok(());
        }
        self.expected(words)
    }

    /// One path: `$` may be left out before a name.
    fn path(&mut self) -> Result<Vec<Step>, NotAPath> {
        let mut steps = Vec::new();
        if !self.take("$") && self.peek() != Some('[') {
            steps.push(Step {
                descend: false,
                picks: vec![self.name()?],
            });
        }
        loop {
            let descend = self.take("..");
            let picks = if self.peek() == Some('[') {
                self.brackets()?
            } else if descend || self.take(".") {
                vec![self.name()?]
            } else {
                return Ok(steps);
            };
            steps.push(Step { descend, picks });
        }
    }

    /// A name after a dot, or `*`.
    fn name(&mut self) -> Result<Pick, NotAPath> {
        if self.take("*") {
            return Ok(Pick::All);
        }
        let ends = |c: char| c.is_whitespace() || "$.[]()*?@|,:'\"".contains(c);
        let rest = self.rest();
        let name = rest[..rest.find(ends).unwrap_or(rest.len())].to_owned();
        if name.is_empty() {
            return self.expected("a name or `*`");
        }
        self.at += name.len();
        Ok(Pick::Key(name))
    }

    /// `[…]`: strings, whole numbers or `*`, with commas between.
    fn brackets(&mut self) -> Result<Vec<Pick>, NotAPath> {
        self.expect('[', "`[`")?;
        let mut picks = Vec::new();
        loop {
            self.skip_space();
            picks.push(self.pick()?);
            self.skip_space();
            if !self.take(",") {
                self.expect(']', "`,` or `]`")?;
                return Ok(picks);
            }
        }
    }

    fn pick(&mut self) -> Result<Pick, NotAPath> {
        match self.peek() {
            Some('*') => {
                self.at += 1;
                Ok(Pick::All)
            }
            Some(quote @ ('\'' | '"')) => self.string(quote).map(Pick::Key),
            _ => {
                let rest = self.rest();
                let end = rest
                    .find(|c: char| !c.is_ascii_digit())
                    .unwrap_or(rest.len());
                let Ok(index) = rest[..end].parse() else {
                    return self.expected("a string, a whole number or `*`");
                };
                self.at += end;
                Ok(Pick::Index(index))
            }
        }
    }

    /// A string in quotes; a backslash stands before a quote or a backslash.
    fn string(&mut self, quote: char) -> Result<String, NotAPath> {
        self.at += quote.len_utf8();
        let mut string = String::new();
        loop {
            let Some(c) = self.peek() else {
                return self.expected("the end of the string");
            };
            self.at += c.len_utf8();
            if c == quote {
                return Ok(string);
            }
            let escaped = if c == '\\' { self.peek() } else { None };
            if let Some(escaped) = escaped {
                self.at += escaped.len_utf8();
            }
            string.push(escaped.unwrap_or(c));
        }
    }
}

impl fmt::Debug for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Path({})", self.text)
    }
}

impl<'de> Deserialize<'de> for Path {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(path: &str) -> Vec<String> {
        let document = json!({
            "a": { "b": [{ "id": 1 }, { "id": 2 }, { "x": 3 }], "it's": { "id": 4 }, "c/d~e": null },
            "id": 5,
        });
        let path: Path = path.parse().unwrap();
        let found = path.find(&document);
        for one in &found {
            assert_eq!(document.pointer(&one.pointer), Some(one.value));
        }
        found.into_iter().map(|one| one.pointer).collect()
    }

    #[test]
    fn a_path_finds_what_it_says() {
        for (path, wanted) in [
            ("$", &[""][..]),
            ("$.id", &["/id"]),
            ("id", &["/id"]),
            ("a.b[0].id", &["/a/b/0/id"]),
            ("$['id']", &["/id"]),
            ("$[\"id\"]", &["/id"]),
            ("$.a.b[*].id", &["/a/b/0/id", "/a/b/1/id"]),
            ("$.a.b.*.x", &["/a/b/2/x"]),
            ("$.a.b[1,2]", &["/a/b/1", "/a/b/2"]),
            ("$.a.b[2].*", &["/a/b/2/x"]),
            (r"$.a['it\'s'].id", &["/a/it's/id"]),
            ("$.a['c/d~e']", &["/a/c~1d~0e"]),
            ("$.a[ 'x' , 'b' ][0]", &["/a/b/0"]),
            ("$.id | $.a.b[2].x|$.id", &["/id", "/a/b/2/x", "/id"]),
            ("$..id", &["/id", "/a/b/0/id", "/a/b/1/id", "/a/it's/id"]),
            ("$..['x',0]", &["/a/b/0", "/a/b/2/x"]),
            ("$.nothing.at.all", &[]),
            ("$.id.of.a.number", &[]),
            ("$.a[0]", &[]),
        ] {
            assert_eq!(found(path), wanted, "{path}");
        }
    }

    #[test]
    fn what_is_no_path_is_told_from_where() {
        for (path, at) in [
            ("", 0),
            ("$.", 2),
            ("$.a[", 4),
            ("$.a[b]", 4),
            ("$.a[?(@.b)]", 4),
            ("$.a[(@.length-1)]", 4),
            ("$.a[1:2]", 5),
            ("$.a[-1]", 4),
            ("$.a['b]", 7),
            ("$.a |", 5),
            ("$.a b", 4),
            ("$a", 1),
            ("$.a,b", 3),
        ] {
            let told = path.parse::<Path>().expect_err(path);
            assert_eq!(told.at, at, "{path}: {told}");
        }
    }

    #[test]
    fn where_something_is_missing() {
        let document = json!({ "context": { "contextActivities": { "parent": [] } } });
        for (path, wanted) in [
            (
                "$.context.contextActivities.parent[*].id",
                "/context/contextActivities/parent",
            ),
            (
                "$.context.contextActivities.other[*].id",
                "/context/contextActivities",
            ),
            ("$.result.success | $.context", ""),
            ("$..x", ""),
        ] {
            assert_eq!(path.parse::<Path>().unwrap().nearest(&document), wanted);
        }
    }
}

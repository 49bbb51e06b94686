//! JSON objects as they were written: members in their order, values with their digits.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The members of an object in the order in which they first came; of two with one name the last
/// counts, as wherever JSON is read.
#[derive(Debug, Default)]
pub(crate) struct Members<'a> {
    members: Vec<(String, Cow<'a, str>)>,
    place: HashMap<String, usize>,
}

impl<'a> Members<'a> {
    /// Reads an object; fails on what is not one.
    pub(crate) fn read(json: &'a [u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(json)
    }

    /// The value of a member, as JSON.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let place = *self.place.get(name)?;
        Some(&self.members[place].1)
    }

    /// Sets a member: in its place if it is there, else at the end.
    pub(crate) fn set(&mut self, name: &str, json: Cow<'a, str>) {
        if let Some(place) = self.place.get(name) {
            self.members[*place].1 = json;
        } else {
            self.place.insert(name.to_owned(), self.members.len());
            self.members.push((name.to_owned(), json));
        }
    }

    /// Keeps the members whose names are wanted.
    pub(crate) fn retain(&mut self, wanted: impl Fn(&str) -> bool) {
        self.members.retain(|(name, _)| wanted(name));
        self.place = self
            .members
            .iter()
            .enumerate()
            .map(|(place, (name, _))| (name.clone(), place))
            .collect();
    }

    /// The members, in their order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.members
            .iter()
            .map(|(name, json)| (name.as_str(), &**json))
    }

    /// Sets each member of `newer`.
    pub(crate) fn set_all(&mut self, newer: Self) {
        for (name, json) in newer.members {
            self.set(&name, json);
        }
    }

    /// The object as JSON.
    pub(crate) fn write(&self) -> String {
        let bytes: usize = self
            .members
            .iter()
            .map(|(n, v)| n.len() + v.len() + 4)
            .sum();
        let mut text = String::with_capacity(bytes + 2);
        text.push('{');
        for (name, json) in self.iter() {
            if text.len() > 1 {
                text.push(',');
            }
            text.push_str(&quoted(name));
            text.push(':');
            text.push_str(json);
        }
        text.push('}');
        text
    }
}

/// A text as JSON.
pub(crate) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(InOrder)
    }
}

struct InOrder;

impl<'de> Visitor<'de> for InOrder {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Members::default();
        while let Some((name, json)) = map.next_entry::<String, &'de RawValue>()? {
            members.set(&name, Cow::Borrowed(json.get()));
        }
        Ok(members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_and_digits_stay() {
        let json = br#" { "b": 1.50, "a" : {"x":1e2}, "b": [ 2.0 ] } "#;
        let mut members = Members::read(json).expect("an object");
        assert_eq!(members.get("b"), Some("[ 2.0 ]"));
        members.set("a\"", Cow::Borrowed("null"));
        assert_eq!(members.write(), r#"{"b":[ 2.0 ],"a":{"x":1e2},"a\"":null}"#);
        members.retain(|name| name != "b");
        members.set("a", Cow::Borrowed("0"));
        assert_eq!(members.write(), r#"{"a":0,"a\"":null}"#);
    }

    #[test]
    fn only_objects_are_read() {
        for bad in [
            "[]",
            "1",
            "\"x\"",
            "null",
            "",
            "{",
            "{} x",
            r#"{"\ud800":1}"#,
        ] {
            assert!(Members::read(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}

//! JSON as Sillage takes it from outside: read once, strictly.
//!
//! Beyond RFC 8259 it refuses what would be read differently by another program or can't be kept:
//! a key twice in an object, U+0000 (which PostgreSQL's text cannot hold), a lone surrogate, more
//! than [`MAX_DEPTH`] levels, anything after the value.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::fault::{Fault, push_step};

/// How deep arrays and objects may lie in each other.
pub const MAX_DEPTH: usize = 100;

/// Reads one JSON value.
///
/// # Errors
///
/// One fault: the first place where the text is not JSON or not strict JSON. Its pointer is the
/// place inside the value, and its detail names line and column.
pub fn parse(bytes: &[u8]) -> Result<Value, Fault> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let detail = format!("{} after {} bytes", UTF8.words, error.valid_up_to());
        Fault {
            pointer: String::new(),
            rule: UTF8.name,
            section: UTF8.section,
            detail,
        }
    })?;
    let mut broken = Broken::default();
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let parsed = Strict {
        depth: 0,
        broken: &mut broken,
    }
    .deserialize(&mut deserializer);
    let error = match parsed {
        Ok(value) => match deserializer.end() {
            Ok(()) => return Ok(value),
            Err(error) => {
                broken.rule.get_or_insert(TRAILING);
                error
            }
        },
        Err(error) => error,
    };
    Err(broken.into_fault(&error))
}

/// A way in which a text is not strict JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextRule {
    /// Stable name, in kebab-case.
    pub name: &'static str,
    /// Where it stands.
    pub section: &'static str,
    /// What is wrong, in words.
    pub words: &'static str,
}

macro_rules! rules {
    ($($konst:ident $name:literal, $section:literal, $words:literal;)*) => {
        $(const $konst: TextRule = TextRule {
            name: $name,
            section: $section,
            words: $words,
        };)*

        /// Every way in which a text is not strict JSON.
        pub const RULES: &[TextRule] = &[$($konst),*];
    };
}

rules! {
    UTF8 "json-utf8", "RFC 8259 8.1", "not UTF-8";
    SYNTAX "json-syntax", "RFC 8259 2", "not JSON";
    DUPLICATE_KEY "json-duplicate-key", "xAPI 1.0.3 Data 2.2", "a property occurs twice in an object";
    NUL "json-nul", "RFC 8259 9", "the character U+0000 is not accepted";
    SURROGATE "json-lone-surrogate", "RFC 8259 8.2", "a lone surrogate is not a character";
    DEPTH "json-depth", "RFC 8259 9", "more than 100 arrays and objects in each other";
    NUMBER_RANGE "json-number-range", "RFC 8259 6", "a number too large for 64-bit floating point";
    TRAILING "json-trailing", "RFC 8259 2", "something follows the JSON value";
}

/// What went wrong, and where: the steps are pushed while the error travels outwards, so that a
/// good text pays nothing for them.
#[derive(Debug, Default)]
struct Broken {
    rule: Option<TextRule>,
    inner_to_outer: Vec<String>,
}

impl Broken {
    fn into_fault(self, error: &serde_json::Error) -> Fault {
        let rule = self.rule.unwrap_or_else(|| told_by_serde(error));
        let mut pointer = String::new();
        for step in self.inner_to_outer.iter().rev() {
            push_step(&mut pointer, step);
        }
        let detail = format!(
            "{} (line {}, column {})",
            rule.words,
            error.line(),
            error.column()
        );
        Fault {
            pointer,
            rule: rule.name,
            section: rule.section,
            detail,
        }
    }
}

/// `serde_json` tells these by its message alone; a test holds each message to its rule.
fn told_by_serde(error: &serde_json::Error) -> TextRule {
    let message = error.to_string();
    let says = |part: &str| message.starts_with(part);
    if says("lone leading surrogate") || says("unexpected end of hex escape") {
        SURROGATE
    } else if says("number out of range") {
        NUMBER_RANGE
    } else if says("recursion limit exceeded") {
        DEPTH
    } else {
        SYNTAX
    }
}

struct Strict<'a> {
    depth: usize,
    broken: &'a mut Broken,
}

impl Strict<'_> {
    fn refuse<E: serde::de::Error>(&mut self, rule: TextRule) -> E {
        self.broken.rule = Some(rule);
        E::custom("")
    }

    fn deeper(&mut self) -> Strict<'_> {
        Strict {
            depth: self.depth + 1,
            broken: self.broken,
        }
    }

    fn no_nul<E: serde::de::Error>(&mut self, text: &str) -> Result<(), E> {
        if text.as_bytes().contains(&0) {
            Err(self.refuse(NUL))
        } else {
            Ok(())
        }
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(mut self, value: f64) -> Result<Value, E> {
        Number::from_f64(value)
            .map(Value::Number)
            .ok_or_else(|| self.refuse(NUMBER_RANGE))
    }

    fn visit_str<E: serde::de::Error>(mut self, value: &str) -> Result<Value, E> {
        self.no_nul(value)?;
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E: serde::de::Error>(mut self, value: String) -> Result<Value, E> {
        self.no_nul(&value)?;
        Ok(Value::String(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut sequence: A) -> Result<Value, A::Error> {
        if self.depth == MAX_DEPTH {
            return Err(self.refuse(DEPTH));
        }
        let mut values = Vec::new();
        loop {
            match sequence.next_element_seed(self.deeper()) {
                Ok(Some(value)) => values.push(value),
                Ok(None) => return Ok(Value::Array(values)),
                Err(error) => {
                    self.broken.inner_to_outer.push(values.len().to_string());
                    return Err(error);
                }
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut entries: A) -> Result<Value, A::Error> {
        if self.depth == MAX_DEPTH {
            return Err(self.refuse(DEPTH));
        }
        let mut map = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            self.no_nul(&key)?;
            if map.contains_key(&key) {
                self.broken.inner_to_outer.push(key);
                self.broken.rule = Some(DUPLICATE_KEY);
                return Err(A::Error::custom(""));
            }
            match entries.next_value_seed(self.deeper()) {
                Ok(value) => map.insert(key, value),
                Err(error) => {
                    self.broken.inner_to_outer.push(key);
                    return Err(error);
                }
            };
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests;

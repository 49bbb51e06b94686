//! The shape of a JSON text, seen before anything is made of it: an array of a million numbers
//! is two megabytes, and its values are many times as much.

use schemas::xapi::Fault;

/// How deep a text goes, and how much stands in its array. Of what is no JSON it is a guess, and
/// whoever reads it says more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Arrays and objects in each other.
    pub(crate) depth: usize,
    /// Elements of the outermost array; 1 where there is none.
    pub(crate) elements: usize,
}

impl Shape {
    /// Looks at brackets and commas outside of strings.
    pub(crate) fn of(json: &[u8]) -> Self {
        let is_array = json.trim_ascii_start().first() == Some(&b'[');
        let (mut depth, mut deepest, mut commas) = (0_usize, 0, 0);
        let mut bytes = json.iter();
        while let Some(byte) = bytes.next() {
            match byte {
                b'"' => skip_string(&mut bytes),
                b'[' | b'{' => {
                    depth += 1;
                    deepest = deepest.max(depth);
                }
                b']' | b'}' => depth = depth.saturating_sub(1),
                b',' if depth == 1 => commas += 1,
                _ => {}
            }
        }
        Self {
            depth: deepest,
            elements: if is_array { commas + 1 } else { 1 },
        }
    }
}

fn skip_string(bytes: &mut std::slice::Iter<'_, u8>) {
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => return,
            b'\\' => {
                bytes.next();
            }
            _ => {}
        }
    }
}

/// The fault of a text that goes deeper than `most`: that of
/// [`strict_json`](schemas::strict_json), for a limit below its own.
pub(crate) fn too_deep(most: usize) -> Fault {
    Fault {
        pointer: String::new(),
        rule: "json-depth",
        section: "RFC 8259 9",
        detail: format!("more than {most} arrays and objects in each other"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_and_commas_in_strings_do_not_count() {
        for (json, depth, elements) in [
            ("1", 0, 1),
            ("{}", 1, 1),
            (r#"{"a":1,"b":[1,2,3]}"#, 2, 1),
            ("[1]", 1, 1),
            (" \n[{\"a\":[1,2]},2 , 3]", 3, 3),
            (r#"["a,]\"[[[,",{"\\":"["}]"#, 2, 2),
            (r#"["\\",1]"#, 1, 2),
            ("[[[[", 4, 1),
            ("]]],[", 1, 1),
            (r#"["[,"#, 1, 1),
        ] {
            let wanted = Shape { depth, elements };
            assert_eq!(Shape::of(json.as_bytes()), wanted, "{json}");
        }
    }

    #[test]
    fn the_fault_is_that_of_the_parser() {
        let deep = "[".repeat(101);
        let theirs = schemas::strict_json::parse(deep.as_bytes()).expect_err("too deep");
        let ours = too_deep(schemas::strict_json::MAX_DEPTH);
        assert_eq!((ours.rule, ours.section), (theirs.rule, theirs.section));
        assert!(theirs.detail.starts_with(&ours.detail), "{}", theirs.detail);
        assert_eq!(Shape::of(deep.as_bytes()).depth, 101);
    }
}

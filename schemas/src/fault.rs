//! How a broken rule is told, whatever contract it belongs to.

use serde::Serialize;

/// One rule that a document breaks, and where.
///
/// Written for the person who made the document: `pointer` is an RFC 6901 JSON pointer into what
/// was sent, `rule` a stable name that programs may match on, `section` the place in the
/// specification where the rule stands, `detail` a lower-case sentence. A detail about
/// a statement never repeats a value, since that may be somebody's name or mail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// RFC 6901 pointer into the document; empty for the document itself.
    pub pointer: String,
    /// Stable name of the rule, in kebab-case.
    pub rule: &'static str,
    /// Where the rule stands, such as `xAPI 1.0.3 Data 2.4.3`.
    pub section: &'static str,
    /// What is wrong, in words.
    pub detail: String,
}

impl Fault {
    /// The same fault, seen from a document that holds this one at `prefix` (a JSON pointer, such
    /// as `/3` for the fourth statement of a batch).
    #[must_use]
    pub fn under(mut self, prefix: &str) -> Self {
        self.pointer.insert_str(0, prefix);
        self
    }
}

/// Adds one step to a JSON pointer, escaped as RFC 6901 asks.
pub(crate) fn push_step(pointer: &mut String, key: &str) {
    pointer.push('/');
    for c in key.chars() {
        match c {
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            c => pointer.push(c),
        }
    }
}

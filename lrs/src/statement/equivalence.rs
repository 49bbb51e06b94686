//! Whether a statement sent again under the same id is the same statement (xAPI 1.0.3 Data 2.3.1 and
//! Communication 2.1.1): if so it is accepted and not stored twice, if not it is a conflict.
//!
//! One rule for both versions (docs/decisions/0024). Everything counts, but for
//!
//! - what the LRS sets: `id`, `stored`, `authority`, `version`, and a `timestamp` that one of the two
//!   lacks;
//! - the definitions of activities and the display of verbs, which are not part of the statement, and
//!   the content of attachments, which is not in it;
//! - the order of the members of a group; white space, the order of keys and how characters are
//!   escaped, which mean nothing in JSON; a single context activity outside an array of one, since the
//!   LRS makes it one;
//! - how what is the same is written: timestamps are compared as instants, numbers by their decimal
//!   value with all digits, UUIDs and hashes in hexadecimal whatever their case, mails whatever the case
//!   of the domain.
//!
//! A duration is a string, cut to 0.01 s: of a fraction of seconds with more than two digits the first
//! two count. `PT1.004S` is `PT1.00S`; it is not `PT1S`, and `PT60S` is not `PT1M`.
//!
//! Both statements are brought to a normal form, and the forms compared: what is the same as itself and
//! the same both ways by construction, in a time that grows with the size alone.

use std::fmt::Write as _;

use schemas::decimal::Decimal;
use schemas::ids::Registration;
use schemas::ifi::Ifi;

use super::timestamp;
use super::tree::Tree;

/// Whether `again` says what `kept` says.
#[must_use]
pub fn same(kept: &[u8], again: &[u8]) -> bool {
    if kept == again {
        return true;
    }
    match (Normal::read(kept), Normal::read(again)) {
        (Some(kept), Some(again)) => kept.says(&again),
        // What cannot be read cannot be said to be the same.
        _ => false,
    }
}

/// A statement in its normal form.
struct Normal {
    /// Beside the rest: a timestamp that is missing may have been set by an LRS.
    timestamp: Option<String>,
    rest: String,
}

impl Normal {
    fn read(statement: &[u8]) -> Option<Self> {
        let Tree::Object(mut members) = Tree::read(std::str::from_utf8(statement).ok()?)? else {
            return None;
        };
        for set_by_lrs in ["id", "stored", "authority", "version"] {
            members.remove(set_by_lrs);
        }
        let timestamp = members.remove("timestamp").map(|timestamp| {
            let mut form = String::new();
            write(Place::Timestamp, &timestamp, &mut form);
            form
        });
        let mut rest = String::with_capacity(statement.len());
        write(Place::Statement, &Tree::Object(members), &mut rest);
        Some(Self { timestamp, rest })
    }

    fn says(&self, other: &Self) -> bool {
        let same_time = match (&self.timestamp, &other.timestamp) {
            (Some(one), Some(other)) => one == other,
            _ => true,
        };
        same_time && self.rest == other.rest
    }
}

/// Where in a statement a value stands, as far as its comparison depends on it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// A Statement or `SubStatement`.
    Statement,
    Verb,
    Actor,
    Members,
    Object,
    Activity,
    Reference,
    Result,
    Context,
    ContextActivities,
    Activities,
    /// `contextAgents` or `contextGroups` of 2.0: a list, or one of it.
    ContextActors,
    /// The attachments, or one of them.
    Attachments,
    Mbox,
    Uuid,
    Hex,
    Timestamp,
    Duration,
    /// Anything whose keys mean nothing to us.
    Plain,
}

impl Place {
    /// What stands under a key here; none for what does not count.
    fn under(self, key: &str) -> Option<Self> {
        Some(match (self, key) {
            (Self::Verb, "display") | (Self::Activity, "definition") => return None,
            (Self::Statement, "actor") | (Self::Context, "instructor" | "team") => Self::Actor,
            (Self::ContextActors, "agent" | "group") => Self::Actor,
            (Self::Statement, "verb") => Self::Verb,
            (Self::Statement, "object") => Self::Object,
            (Self::Statement, "result") => Self::Result,
            (Self::Statement, "context") => Self::Context,
            (Self::Statement, "timestamp") => Self::Timestamp,
            (Self::Statement, "attachments") => Self::Attachments,
            (Self::Actor, "member") => Self::Members,
            (Self::Actor, "mbox") => Self::Mbox,
            (Self::Actor, "mbox_sha1sum") | (Self::Attachments, "sha2") => Self::Hex,
            (Self::Result, "duration") => Self::Duration,
            (Self::Context, "registration") | (Self::Reference, "id") => Self::Uuid,
            (Self::Context, "statement") => Self::Reference,
            (Self::Context, "contextActivities") => Self::ContextActivities,
            (Self::Context, "contextAgents" | "contextGroups") => Self::ContextActors,
            (Self::ContextActivities, _) => Self::Activities,
            _ => Self::Plain,
        })
    }

    /// What an object of a statement is, by its `objectType`.
    fn of_object(object: &Tree<'_>) -> Self {
        match object.get("objectType").and_then(Tree::text) {
            Some("SubStatement") => Self::Statement,
            Some("Agent" | "Group") => Self::Actor,
            Some("StatementRef") => Self::Reference,
            _ => Self::Activity,
        }
    }

    /// The one form of a text here; none where it stands as it is.
    fn form(self, text: &str) -> Option<String> {
        match self {
            Self::Mbox => Some(Ifi::Mbox(text.to_owned()).canonical()),
            Self::Uuid => text.parse::<Registration>().ok().map(|id| id.to_string()),
            Self::Hex => Some(text.to_ascii_lowercase()),
            Self::Timestamp => timestamp::form(text),
            Self::Duration => Some(cut(text).into_owned()),
            _ => None,
        }
    }
}

/// Writes the normal form of a value: what counts of it, in one order, each thing in one way.
fn write(place: Place, tree: &Tree<'_>, out: &mut String) {
    match (place, tree) {
        (Place::Object, Tree::Object(_)) => write(Place::of_object(tree), tree, out),
        (Place::Activities, Tree::Object(_)) => list(Place::Activity, std::iter::once(tree), out),
        (Place::Activities, Tree::Array(all)) => list(Place::Activity, all.iter(), out),
        (Place::Members, Tree::Array(members)) => in_one_order(members, out),
        (_, Tree::Object(members)) => {
            out.push('{');
            for (key, member) in members {
                if let Some(under) = place.under(key) {
                    quote(key, out);
                    write(under, member, out);
                }
            }
            out.push('}');
        }
        (_, Tree::Array(elements)) => list(place, elements.iter(), out),
        (_, Tree::Text(text)) => quote(place.form(text).as_deref().unwrap_or(text), out),
        (_, Tree::Plain(written)) => plain(written, out),
    }
}

fn list<'t>(place: Place, elements: impl Iterator<Item = &'t Tree<'t>>, out: &mut String) {
    out.push('[');
    for element in elements {
        write(place, element, out);
        out.push(',');
    }
    out.push(']');
}

/// The members of a group, in the order of their normal forms.
fn in_one_order(members: &[Tree<'_>], out: &mut String) {
    let mut forms: Vec<String> = members
        .iter()
        .map(|member| {
            let mut form = String::new();
            write(Place::Actor, member, &mut form);
            form
        })
        .collect();
    forms.sort_unstable();
    out.push('[');
    for form in forms {
        out.push_str(&form);
        out.push(',');
    }
    out.push(']');
}

/// A text with its length before it, so that nothing in it is taken for what is around it.
fn quote(text: &str, out: &mut String) {
    // Writing into a String cannot fail.
    let _ = write!(out, "{}\"", text.len());
    out.push_str(text);
}

/// A literal as it is, a number by its value.
fn plain(written: &str, out: &mut String) {
    match Decimal::read(written) {
        Some(number) => {
            let _ = write!(out, "{number}");
        }
        None => out.push_str(written),
    }
    out.push(' ');
}

/// A duration cut to 0.01 s. Only the last unit has a fraction; that of another unit than seconds
/// counts whole.
fn cut(duration: &str) -> std::borrow::Cow<'_, str> {
    let point = duration
        .strip_suffix('S')
        .and_then(|number| Some((number, number.rfind(['.', ','])?)));
    match point {
        Some((number, point)) if number.len() - point > 3 => {
            format!("{}S", &number[..point + 3]).into()
        }
        _ => duration.into(),
    }
}

#[cfg(test)]
mod tests;

//! Which statement counts as an answer, and what is read from it.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::{extensions, verbs};
use crate::ids::{ActivityIri, Registration};
use crate::time;

/// What a statement is to mastery.
#[derive(Debug, Clone, PartialEq)]
pub enum Candidate {
    /// Not about answering: other events of a session, or a voiding.
    Other,
    /// Says `answered`, but cannot count; counted per reason.
    LeftOut(Reason),
    /// An answer of one pupil to one item.
    Answer(AnswerParts),
}

/// Why a statement with the verb `answered` does not count for mastery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// The actor is a Group: it counts for usage, and nobody knows whose answer it was.
    GroupActor,
    /// The object is not an Activity.
    ObjectNotActivity,
    /// Neither `result.success` nor `result.score.scaled` says how it went.
    NoOutcome,
}

impl Reason {
    /// Every reason, in the order in which the rules are tried.
    pub const ALL: [Self; 3] = [Self::GroupActor, Self::ObjectNotActivity, Self::NoOutcome];

    /// Its stable name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::GroupActor => "group_actor",
            Self::ObjectNotActivity => "object_not_activity",
            Self::NoOutcome => "no_outcome",
        }
    }
}

/// Why a pupil was at an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Origin {
    /// Sillage proposed it.
    Recommended,
    /// A teacher asked for it.
    Prescribed,
    /// The pupil's own choice.
    Free,
}

impl Origin {
    /// The value of the extension.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Recommended => "recommended",
            Self::Prescribed => "prescribed",
            Self::Free => "free",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Recommended, Self::Prescribed, Self::Free]
            .into_iter()
            .find(|origin| origin.as_str() == text)
    }
}

/// What is read from an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct AnswerParts {
    /// The item.
    pub activity: ActivityIri,
    /// `result.success`; without it, whether [`outcome`](Self::outcome) is at least one half.
    pub correct: bool,
    /// The y of the model, 0 to 1: `result.score.scaled` (negative: 0), else `result.success`.
    pub outcome: f64,
    /// When it happened by the device's clock, to the microsecond.
    pub timestamp: Option<DateTime<Utc>>,
    /// Whether the timestamp told its offset from UTC; without one it was read as UTC.
    pub has_offset: bool,
    /// What the device's clock lacks, in milliseconds.
    pub skew_ms: Option<i64>,
    /// Identifier of the installation.
    pub device_id: Option<String>,
    /// Counter of the installation.
    pub device_seq: Option<i64>,
    /// Whether the times were made up from the order of the answers.
    pub invented_time: bool,
    /// The attempt at the activity that it belongs to.
    pub registration: Option<Registration>,
    /// How long it took, in milliseconds.
    pub duration_ms: Option<i64>,
    /// Why the pupil was there.
    pub origin: Option<Origin>,
    /// Which attempt at the item, from 1.
    pub attempt: Option<i32>,
    /// How many hints were opened before.
    pub hints: Option<i32>,
    /// Whether the device was offline when it was answered.
    pub offline: Option<bool>,
}

/// What a valid statement is to mastery.
///
/// The verb is `answered`; the actor an Agent; the object an Activity; `result` tells the outcome.
/// Nothing else can leave an answer out: an extension of another shape than the profile's is read
/// as absent.
#[must_use]
pub fn classify(statement: &Value) -> Candidate {
    let verb = statement.get("verb").and_then(|verb| verb.get("id"));
    if verb.and_then(Value::as_str) != Some(verbs::ANSWERED) {
        return Candidate::Other;
    }
    if object_type(statement.get("actor"), "Agent") != "Agent" {
        return Candidate::LeftOut(Reason::GroupActor);
    }
    let Some(activity) = activity(statement) else {
        return Candidate::LeftOut(Reason::ObjectNotActivity);
    };
    let Some((correct, outcome)) = outcome(statement) else {
        return Candidate::LeftOut(Reason::NoOutcome);
    };
    Candidate::Answer(parts(statement, activity, correct, outcome))
}

fn object_type<'a>(object: Option<&'a Value>, default: &'a str) -> &'a str {
    object
        .and_then(|object| object.get("objectType"))
        .and_then(Value::as_str)
        .unwrap_or(default)
}

fn activity(statement: &Value) -> Option<ActivityIri> {
    let object = statement.get("object")?;
    if object_type(Some(object), "Activity") != "Activity" {
        return None;
    }
    object.get("id")?.as_str()?.parse().ok()
}

/// Whether it was right, and the y of the model.
fn outcome(statement: &Value) -> Option<(bool, f64)> {
    let result = statement.get("result")?;
    let success = result.get("success").and_then(Value::as_bool);
    let scaled = result
        .get("score")
        .and_then(|score| score.get("scaled"))
        .and_then(Value::as_f64)
        .map(|scaled| scaled.clamp(0.0, 1.0));
    let outcome = scaled.or(success.map(|success| if success { 1.0 } else { 0.0 }))?;
    Some((success.unwrap_or(outcome >= 0.5), outcome))
}

fn parts(statement: &Value, activity: ActivityIri, correct: bool, outcome: f64) -> AnswerParts {
    let context = statement.get("context");
    let extensions = context.and_then(|context| context.get("extensions"));
    let extension = |iri: &str| extensions?.get(iri);
    let text = |iri: &str| extension(iri).and_then(Value::as_str);
    let integer = |iri: &str| extension(iri).and_then(as_integer);
    let small = |iri: &str| {
        integer(iri)
            .filter(|n| *n >= 0)
            .and_then(|n| i32::try_from(n).ok())
    };
    let timestamp = statement
        .get("timestamp")
        .and_then(Value::as_str)
        .and_then(time::parse_timestamp);
    AnswerParts {
        activity,
        correct,
        outcome,
        timestamp: timestamp.map(|timestamp| timestamp.utc),
        has_offset: timestamp.is_some_and(|timestamp| timestamp.has_offset),
        skew_ms: integer(extensions::CLOCK_SKEW_MS),
        device_id: text(extensions::DEVICE_ID).map(str::to_owned),
        device_seq: integer(extensions::SEQ),
        invented_time: extension(extensions::INVENTED_TIME)
            .and_then(Value::as_bool)
            .unwrap_or(false),
        registration: context.and_then(registration),
        duration_ms: statement
            .get("result")
            .and_then(|result| result.get("duration"))
            .and_then(Value::as_str)
            .and_then(time::duration_ms),
        origin: text(extensions::ORIGIN).and_then(Origin::parse),
        attempt: small(extensions::ATTEMPT),
        hints: small(extensions::HINTS),
        offline: extension(extensions::OFFLINE).and_then(Value::as_bool),
    }
}

fn registration(context: &Value) -> Option<Registration> {
    context.get("registration")?.as_str()?.parse().ok()
}

/// An integer, also when it was written `3.0`: some languages write every number so.
fn as_integer(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| {
        let number = value.as_f64()?;
        // Beyond 2^53 a float no longer says which integer was meant.
        let exact = number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_992.0;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "checked: a whole number within 2^53"
        )]
        exact.then_some(number as i64)
    })
}

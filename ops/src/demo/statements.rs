//! The statements that the demo's front-end makes, by the *plan de marquage*.

use bytes::Bytes;
use chrono::{DateTime, FixedOffset, SecondsFormat};
use schemas::profile::{PROFILE_VERSION, activity_types, extensions, verbs};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::catalogue::{Exercise, Kind, Series};
use super::learner::Outcome;
use super::lycee::HOME_PAGE;
use super::seed::Seed;

/// cmi5's extension that names the session.
const SESSION_ID: &str = "https://w3id.org/xapi/cmi5/context/extensions/sessionid";

/// A statement ready to be posted: its id and its bytes, the same at every run.
#[derive(Clone, Debug)]
pub(crate) struct Ready {
    pub(crate) id: String,
    pub(crate) json: Bytes,
    /// True time of what it tells, in Unix milliseconds.
    pub(crate) at_ms: i64,
    pub(crate) is_answer: bool,
}

/// A device that a pupil works on, with a clock of its own and a counter.
#[derive(Clone, Debug)]
pub(crate) struct Device {
    pub(crate) id: Uuid,
    pub(crate) mobile: bool,
    /// What its clock lacks: true time minus its time.
    pub(crate) skew_ms: i64,
    pub(crate) seq: u32,
}

/// What the statements of one attempt at one series share.
#[derive(Debug)]
pub(crate) struct Attempt<'a> {
    pub(crate) seed: Seed,
    pub(crate) offset: FixedOffset,
    pub(crate) account: &'a str,
    pub(crate) series: &'a Series,
    pub(crate) registration: Uuid,
    pub(crate) session: Uuid,
    pub(crate) plan: &'a str,
    pub(crate) origin: &'static str,
    pub(crate) offline: bool,
    pub(crate) framework_version: &'a str,
}

impl Attempt<'_> {
    /// The series was opened.
    pub(crate) fn initialized(&self, device: &mut Device, at_ms: i64) -> Ready {
        let told = json!({
            "verb": verb(verbs::INITIALIZED, "a commencé"),
            "object": self.series_activity(),
        });
        self.ready(device, at_ms, told, &[])
    }

    /// An exercise was answered.
    pub(crate) fn answered(
        &self,
        device: &mut Device,
        at_ms: i64,
        exercise: &Exercise,
        attempt: u8,
        outcome: Outcome,
    ) -> Ready {
        let (definition, response) = interaction(exercise, outcome.scaled);
        let told = json!({
            "verb": verb(verbs::ANSWERED, "a répondu à"),
            "object": { "objectType": "Activity", "id": exercise.id, "definition": definition },
            "result": {
                "success": outcome.scaled >= 1.0,
                "score": { "scaled": (outcome.scaled * 100.0).round() / 100.0 },
                "response": response,
                "duration": duration(outcome.duration_ms),
            },
        });
        let own = [
            (extensions::ATTEMPT, json!(attempt)),
            (extensions::HINTS, json!(outcome.hints)),
        ];
        self.ready(device, at_ms, told, &own)
    }

    /// The series was finished.
    pub(crate) fn completed(&self, device: &mut Device, at_ms: i64, begun_ms: i64) -> Ready {
        let told = json!({
            "verb": verb(verbs::COMPLETED, "a terminé"),
            "object": self.series_activity(),
            "result": { "completion": true, "duration": duration(at_ms - begun_ms) },
        });
        self.ready(device, at_ms, told, &[])
    }

    fn series_activity(&self) -> Value {
        json!({
            "objectType": "Activity",
            "id": self.series.id,
            "definition": { "type": activity_types::ASSESSMENT, "name": { "fr-FR": self.series.title } },
        })
    }

    /// Adds to what is told who did it, where and when; `own` are extensions of this statement.
    fn ready(
        &self,
        device: &mut Device,
        at_ms: i64,
        mut told: Value,
        own: &[(&str, Value)],
    ) -> Ready {
        let is_answer = told["verb"]["id"] == verbs::ANSWERED;
        // A series is not its own parent.
        let parent = is_answer.then(|| json!([{ "id": self.series.id }]));
        told["actor"] = agent(self.account);
        told["context"] = self.context(device, parent, own);
        told["timestamp"] = json!(time(at_ms - device.skew_ms, self.offset));
        finish(self.seed, told, at_ms, is_answer)
    }

    fn context(&self, device: &mut Device, parent: Option<Value>, own: &[(&str, Value)]) -> Value {
        device.seq += 1;
        let mut told = Map::from_iter([
            (SESSION_ID.to_owned(), json!(self.session)),
            (extensions::ORIGIN.to_owned(), json!(self.origin)),
            (extensions::OFFLINE.to_owned(), json!(self.offline)),
            (
                extensions::DEVICE.to_owned(),
                json!(if device.mobile { "mobile" } else { "desktop" }),
            ),
            (extensions::DEVICE_ID.to_owned(), json!(device.id)),
            (extensions::SEQ.to_owned(), json!(device.seq)),
            (extensions::CLOCK_SKEW_MS.to_owned(), json!(device.skew_ms)),
            (
                extensions::FRAMEWORK_VERSION.to_owned(),
                json!(self.framework_version),
            ),
        ]);
        told.extend(
            own.iter()
                .map(|(name, value)| ((*name).to_owned(), value.clone())),
        );
        let mut activities =
            json!({ "grouping": [{ "id": self.plan }], "category": [{ "id": PROFILE_VERSION }] });
        if let Some(parent) = parent {
            activities["parent"] = parent;
        }
        json!({
            "registration": self.registration,
            "platform": "Sillage démonstration 0.1",
            "language": "fr-FR",
            "contextActivities": activities,
            "extensions": told,
        })
    }
}

/// A teacher voids a statement that should not have been posted.
pub(crate) fn voiding(
    seed: Seed,
    offset: FixedOffset,
    teacher: &str,
    target: &str,
    at_ms: i64,
) -> Ready {
    let statement = json!({
        "actor": agent(teacher),
        "verb": verb(verbs::VOIDED, "a annulé"),
        "object": { "objectType": "StatementRef", "id": target },
        "timestamp": time(at_ms, offset),
    });
    finish(seed, statement, at_ms, false)
}

/// Gives the statement its id.
fn finish(seed: Seed, mut statement: Value, at_ms: i64, is_answer: bool) -> Ready {
    let id = seed
        .statement_id(statement.to_string().as_bytes())
        .to_string();
    statement["id"] = json!(id);
    Ready {
        id,
        json: Bytes::from(statement.to_string()),
        at_ms,
        is_answer,
    }
}

fn agent(account: &str) -> Value {
    json!({ "objectType": "Agent", "account": { "homePage": HOME_PAGE, "name": account } })
}

fn verb(id: &str, display: &str) -> Value {
    json!({ "id": id, "display": { "fr-FR": display } })
}

/// The definition of an exercise, and the response that earned that score.
fn interaction(exercise: &Exercise, scaled: f64) -> (Value, &'static str) {
    let mut definition =
        json!({ "type": activity_types::INTERACTION, "name": { "fr-FR": exercise.title } });
    let response = match exercise.kind {
        Kind::Choice => {
            definition["interactionType"] = json!("choice");
            definition["choices"] =
                json!([{ "id": "a" }, { "id": "b" }, { "id": "c" }, { "id": "d" }]);
            definition["correctResponsesPattern"] = json!(["b"]);
            if scaled >= 1.0 { "b" } else { "d" }
        }
        Kind::Sequencing => {
            definition["interactionType"] = json!("sequencing");
            definition["choices"] = json!([{ "id": "1" }, { "id": "2" }, { "id": "3" }]);
            definition["correctResponsesPattern"] = json!(["1[,]2[,]3"]);
            sequence(scaled)
        }
    };
    (definition, response)
}

/// A sequence of which as many thirds are right; two thirds: the last step was left out.
fn sequence(scaled: f64) -> &'static str {
    match scaled {
        s if s >= 1.0 => "1[,]2[,]3",
        s if s > 0.5 => "1[,]2",
        s if s > 0.0 => "1[,]3[,]2",
        _ => "3[,]1[,]2",
    }
}

/// An instant as the pupil's clock shows it, with its offset.
fn time(ms: i64, offset: FixedOffset) -> String {
    let instant = DateTime::from_timestamp_millis(ms).unwrap_or_default();
    instant
        .with_timezone(&offset)
        .to_rfc3339_opts(SecondsFormat::Millis, false)
}

/// ISO 8601, to a tenth of a second.
fn duration(ms: i64) -> String {
    format!("PT{}.{}S", ms / 1_000, ms % 1_000 / 100)
}

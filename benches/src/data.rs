//! Made-up pupils' statements, by the *plan de marquage*: the same seed, the same bytes.
//!
//! Each pupil opens a series, answers its ten exercises, finishes it, opens another: ten answers in
//! twelve statements, of pupils and activities that many statements share.

use anyhow::anyhow;
use bytes::Bytes;
use chrono::{DateTime, Duration, SecondsFormat, Utc};
use lrs::statement::{Authority, Body, Parsed, Stamper, parse};
use rand::{Rng as _, RngCore as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use schemas::profile::{PROFILE_VERSION, activity_types, extensions, verbs};
use schemas::xapi::XapiVersion;
use serde_json::{Value, json};
use uuid::Uuid;

/// `homePage` of the pupils' accounts.
const HOME_PAGE: &str = "https://ent.example.org/ido";

/// Exercises in a series.
const EXERCISES: u32 = 10;

/// Where the activities are.
const ACTIVITIES: &str = "https://ent.example.org/activity/maths";

/// The rules by which the LRS reads what is made up.
pub const VERSION: XapiVersion = XapiVersion::V1_0_3;

/// The statements of a body, read by the LRS's own code.
pub fn parsed(body: &Bytes) -> anyhow::Result<Vec<Parsed>> {
    parse(body, VERSION)
        .map(Body::into_statements)
        .map_err(|faults| anyhow!("a statement that was made up breaks a rule: {faults:?}"))
}

/// What makes rows of them. Its keys are made and thrown away.
#[must_use]
pub fn stamper() -> Stamper<'static> {
    Stamper {
        secret: b"the rows of a bench are thrown away",
        authority: Authority::new(&json!({ "name": "bench" })),
        voids_others: true,
        now: DateTime::UNIX_EPOCH,
        define: true,
    }
}

/// How many of what.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Pupils who work at the same time.
    pub pupils: u32,
    /// Series to choose from, of ten exercises each.
    pub series: u32,
}

/// Some forty schools' evening, on a catalogue of 2,000 exercises.
impl Default for Size {
    fn default() -> Self {
        Self {
            pupils: 5_000,
            series: 200,
        }
    }
}

/// An endless supply of statements.
#[derive(Debug)]
pub struct Statements {
    random: ChaCha8Rng,
    size: Size,
    pupils: Vec<Pupil>,
    now: DateTime<Utc>,
}

#[derive(Clone, Debug)]
struct Pupil {
    account: String,
    device: Uuid,
    device_seq: u32,
    series: u32,
    registration: Uuid,
    /// 0: opens the series; 1 to [`EXERCISES`]: answers; then finishes it.
    step: u32,
}

impl Statements {
    /// A supply. Two seeds share no id and no account.
    #[must_use]
    pub fn new(seed: u64, size: Size) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let pupils = (0..size.pupils)
            .map(|_| Pupil::new(&mut random, size))
            .collect();
        Self {
            random,
            size,
            pupils,
            now: DateTime::UNIX_EPOCH + Duration::days(20_000),
        }
    }

    fn make(&mut self) -> Value {
        self.now += Duration::milliseconds(self.random.random_range(1..40));
        let at = self.random.random_range(0..self.pupils.len());
        let pupil = &mut self.pupils[at];
        let statement = pupil.statement(&mut self.random, self.now);
        pupil.device_seq += 1;
        pupil.step += 1;
        if pupil.step > EXERCISES + 1 {
            pupil.open(&mut self.random, self.size);
        }
        statement
    }
}

impl Iterator for Statements {
    type Item = Value;

    fn next(&mut self) -> Option<Value> {
        Some(self.make())
    }
}

impl Pupil {
    fn new(random: &mut ChaCha8Rng, size: Size) -> Self {
        let mut pupil = Self {
            account: format!("{:032x}", random.random::<u128>()),
            device: uuid(random),
            device_seq: 0,
            series: 0,
            registration: Uuid::nil(),
            step: 0,
        };
        pupil.open(random, size);
        // Somewhere on their way: or everybody would begin at once.
        pupil.step = random.random_range(0..=EXERCISES + 1);
        pupil
    }

    /// Another series. A few are chosen by many.
    fn open(&mut self, random: &mut ChaCha8Rng, size: Size) {
        let (one, other) = (
            random.random_range(0..size.series),
            random.random_range(0..size.series),
        );
        self.series = one.min(other);
        self.registration = uuid(random);
        self.step = 0;
    }

    fn statement(&self, random: &mut ChaCha8Rng, now: DateTime<Utc>) -> Value {
        let series = format!("{ACTIVITIES}/calcul-litteral/{:04}", self.series);
        let answers = (1..=EXERCISES).contains(&self.step);
        let mut statement = json!({
            "id": uuid(random),
            "actor": { "objectType": "Agent", "account": { "homePage": HOME_PAGE, "name": self.account } },
            "context": {
                "registration": self.registration,
                "platform": "Exerciseur 0.1",
                "language": "fr-FR",
                "contextActivities": {
                    "grouping": [{ "id": "https://ent.example.org/plan/42" }],
                    "category": [{ "id": PROFILE_VERSION }],
                },
                "extensions": self.extensions(random),
            },
            "timestamp": now.to_rfc3339_opts(SecondsFormat::Millis, true),
        });
        if answers {
            self.answer(random, &series, &mut statement);
        } else {
            let (verb, says) = match self.step {
                0 => (verbs::INITIALIZED, "a commencé"),
                _ => (verbs::COMPLETED, "a terminé"),
            };
            statement["verb"] = json!({ "id": verb, "display": { "fr-FR": says } });
            statement["object"] = json!({
                "objectType": "Activity", "id": series,
                "definition": { "type": activity_types::ASSESSMENT, "name": { "fr-FR": format!("Série {}", self.series) } },
            });
        }
        statement
    }

    fn answer(&self, random: &mut ChaCha8Rng, series: &str, statement: &mut Value) {
        let right = random.random_bool(0.68);
        // An exercise is the same for everybody: what is said of it does not change.
        let exercise = self.series * EXERCISES + self.step;
        let (a, b) = (2 + exercise % 8, 2 + exercise / 8 % 8);
        let pattern = format!("{a}x+{}", a * b);
        statement["verb"] = json!({ "id": verbs::ANSWERED, "display": { "fr-FR": "a répondu à" } });
        statement["object"] = json!({
            "objectType": "Activity",
            "id": format!("{series}/q/{}", self.step),
            "definition": {
                "type": activity_types::INTERACTION, "interactionType": "fill-in",
                "name": { "fr-FR": format!("Développer {a}(x+{b})") },
                "correctResponsesPattern": [pattern, format!("{}+{a}x", a * b)],
            },
        });
        statement["result"] = json!({
            "success": right,
            "score": { "scaled": u8::from(right) },
            "response": if right { pattern } else { format!("{a}x+{b}") },
            "duration": format!("PT{}.{}S", random.random_range(3..90), random.random_range(0..10)),
        });
        statement["context"]["contextActivities"]["parent"] = json!([{ "id": series }]);
    }

    fn extensions(&self, random: &mut ChaCha8Rng) -> Value {
        let origin = ["recommended", "prescribed", "free"][random.random_range(0..3)];
        json!({
            extensions::ORIGIN: origin,
            extensions::ATTEMPT: 1,
            extensions::HINTS: random.random_range(0..3),
            extensions::OFFLINE: false,
            extensions::DEVICE: "mobile",
            extensions::DEVICE_ID: self.device,
            extensions::SEQ: self.device_seq,
            extensions::CLOCK_SKEW_MS: random.random_range(-2_000..2_000),
            "https://w3id.org/xapi/cmi5/context/extensions/sessionid": self.registration,
        })
    }
}

/// A version 4 UUID from a seeded source.
pub(crate) fn uuid(random: &mut ChaCha8Rng) -> Uuid {
    let mut bytes = [0; 16];
    random.fill_bytes(&mut bytes);
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use schemas::profile::{Candidate, classify};

    use super::*;

    #[test]
    fn the_lrs_takes_each_of_them_and_most_are_answers() {
        let made: Vec<Value> = Statements::new(1, Size::default()).take(2_000).collect();
        let body = Bytes::from(Value::from(made.clone()).to_string());
        parsed(&body).expect("statements that break no rule");
        let answers = made
            .iter()
            .filter(|one| matches!(classify(one), Candidate::Answer(_)))
            .count();
        assert!((1_500..1_850).contains(&answers), "{answers} of 2,000");
        let ids: HashSet<String> = made.iter().map(|one| one["id"].to_string()).collect();
        assert_eq!(ids.len(), made.len());
    }

    #[test]
    fn a_seed_says_everything() {
        let text = |seed| {
            let size = Size {
                pupils: 20,
                series: 5,
            };
            let made: Vec<Value> = Statements::new(seed, size).take(50).collect();
            Value::from(made).to_string()
        };
        assert_eq!(text(7), text(7));
        assert_ne!(text(7), text(8));
    }
}

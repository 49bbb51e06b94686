//! What one pupil or teacher asks of the service, and when: planned whole before it begins, so that
//! a service that stalls changes nothing about when a request was due.

use std::time::Duration;

use chrono::{DateTime, FixedOffset, Utc};
use rand::Rng as _;
use rand_chacha::ChaCha8Rng;
use reqwest::Url;
use schemas::framework::Framework;
use serde::Serialize;
use serde_json::json;

use super::target::Target;
use crate::demo::api;
use crate::demo::catalogue::{Exercises, Kind as ExerciseKind, Series};
use crate::demo::delivery::Request;
use crate::demo::learner::Outcome;
use crate::demo::lycee::{HOME_PAGE, Lycee};
use crate::demo::seed::{Seed, chance, uuid};
use crate::demo::statements::{Attempt, Device, Ready};

/// Answers in a pupil's session: some series of the catalogue, exercise after exercise.
const ANSWERS: usize = 10;

/// Share of the pupils whose front-end sends each statement as it happens; the others' gathers some.
const ONE_BY_ONE: f64 = 0.7;

/// Statements that a front-end gathers, at least and at most.
const GATHERED: std::ops::RangeInclusive<usize> = 3..=5;

/// How often a teacher looks at the class in a session.
const LOOKS: u32 = 4;

/// Between two looks a pupil thinks so many times.
const LOOK_EVERY_THINKS: u32 = 3;

/// Chance that an answer is right.
const RIGHT: f64 = 0.68;

/// What is asked for: latencies are told of each kind apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// A pupil's state document, at the beginning.
    State,
    /// One statement.
    Statement,
    /// Several statements in one request.
    Statements,
    /// The pupil's next activities, at the end.
    NextActivities,
    /// The mastery of a class.
    ClassView,
}

impl Kind {
    /// As the report for people calls it.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::State => "state read",
            Self::Statement => "one statement",
            Self::Statements => "some statements",
            Self::NextActivities => "next activities",
            Self::ClassView => "class view",
        }
    }
}

/// A request and when it is due, counted from the start of the test.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) due: Duration,
    pub(crate) kind: Kind,
    pub(crate) ask: Ask,
}

/// What is sent.
#[derive(Debug)]
pub(crate) enum Ask {
    /// A resource is read.
    Read(String),
    /// Statements are stored.
    Store(Request),
}

/// What all sessions of a run share.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) seed: Seed,
    pub(crate) lycee: Lycee,
    pub(crate) exercises: Exercises,
    pub(crate) framework_version: String,
    pub(crate) target: Target,
    /// The activity that all statements of this run are grouped under.
    pub(crate) plan: String,
    /// When the test starts, on the clock of the statements.
    pub(crate) starts: DateTime<Utc>,
    /// Mean time between two answers of a pupil.
    pub(crate) think: Duration,
}

impl World {
    /// A world that starts at that time.
    pub(crate) fn new(
        seed: Seed,
        lycee: Lycee,
        framework: &Framework,
        target: Target,
        plan: String,
        think: Duration,
        starts: DateTime<Utc>,
    ) -> Self {
        Self {
            seed,
            exercises: Exercises::of(framework),
            framework_version: framework.version.clone(),
            lycee,
            target,
            plan,
            starts,
            think,
        }
    }

    /// A pupil who begins at that moment: reads the state, works on a series, asks what comes next.
    pub(crate) fn pupil(&self, rng: &mut ChaCha8Rng, begins: Duration) -> Vec<Call> {
        let class = rng.random_range(0..self.lycee.classes.len());
        let pupil = rng.random_range(0..self.lycee.classes[class].pupils.len());
        let account = &self.lycee.classes[class].pupils[pupil].account;
        let series = self.series_of(class);
        let mut calls = vec![Call {
            due: begins,
            kind: Kind::State,
            ask: Ask::Read(state_path(account, &series.id)),
        }];
        let told = self.work(rng, account, series, begins);
        let gathers = !chance(rng, ONE_BY_ONE);
        let mut rest = told.as_slice();
        let mut last = begins;
        while !rest.is_empty() {
            let size = if gathers {
                rng.random_range(GATHERED).min(rest.len())
            } else {
                1
            };
            let (now, later) = rest.split_at(size);
            rest = later;
            last = now[size - 1].0;
            calls.push(store(last, now));
        }
        if let Target::All { pupils, .. } = &self.target {
            calls.push(Call {
                due: last,
                kind: Kind::NextActivities,
                ask: Ask::Read(api::next_activities_path(&pupils[class][pupil], None)),
            });
        }
        calls
    }

    /// A teacher who looks at a class again and again; nothing where analytics are not asked.
    pub(crate) fn teacher(&self, rng: &mut ChaCha8Rng, begins: Duration) -> Vec<Call> {
        let Target::All { classes, .. } = &self.target else {
            return Vec::new();
        };
        let key = &classes[rng.random_range(0..classes.len())];
        (0..LOOKS)
            .map(|look| Call {
                due: begins + self.think * LOOK_EVERY_THINKS * look,
                kind: Kind::ClassView,
                ask: Ask::Read(api::class_mastery_path(key, None)),
            })
            .collect()
    }

    /// A class hour has one subject: all pupils of a class work on the same series.
    fn series_of(&self, class: usize) -> &Series {
        &self.exercises.series[class * 7 % self.exercises.series.len()]
    }

    /// The statements of one session, each with when it happens.
    fn work(
        &self,
        rng: &mut ChaCha8Rng,
        account: &str,
        series: &Series,
        begins: Duration,
    ) -> Vec<(Duration, Ready)> {
        let mut device = Device {
            id: uuid(rng),
            mobile: chance(rng, 0.5),
            skew_ms: 0,
            seq: 0,
        };
        let attempt = Attempt {
            seed: self.seed,
            offset: FixedOffset::east_opt(0).expect("no offset is one"),
            account,
            series,
            registration: uuid(rng),
            session: uuid(rng),
            plan: &self.plan,
            origin: "prescribed",
            offline: false,
            framework_version: &self.framework_version,
        };
        let mut at = begins + self.thinks(rng);
        let begun_ms = self.clock_ms(at);
        let mut told = vec![(at, attempt.initialized(&mut device, begun_ms))];
        for n in 0..ANSWERS {
            let exercise = &series.exercises[n % series.exercises.len()];
            let tried = u8::try_from(n / series.exercises.len() + 1).unwrap_or(u8::MAX);
            let thought = self.thinks(rng);
            at += thought;
            let outcome = outcome(rng, exercise.kind, thought);
            let ready = attempt.answered(&mut device, self.clock_ms(at), exercise, tried, outcome);
            told.push((at, ready));
        }
        at += self.thinks(rng);
        let done = attempt.completed(&mut device, self.clock_ms(at), begun_ms);
        told.push((at, done));
        told
    }

    /// Half to one and a half times the mean.
    fn thinks(&self, rng: &mut ChaCha8Rng) -> Duration {
        self.think.mul_f64(rng.random_range(0.5..1.5))
    }

    fn clock_ms(&self, at: Duration) -> i64 {
        self.starts.timestamp_millis() + i64::try_from(at.as_millis()).unwrap_or(i64::MAX)
    }
}

fn outcome(rng: &mut ChaCha8Rng, kind: ExerciseKind, thought: Duration) -> Outcome {
    let scaled = match kind {
        _ if chance(rng, RIGHT) => 1.0,
        ExerciseKind::Choice => 0.0,
        ExerciseKind::Sequencing => [0.0, 1.0 / 3.0, 2.0 / 3.0][rng.random_range(0..3)],
    };
    Outcome {
        scaled,
        duration_ms: i64::try_from(thought.as_millis()).unwrap_or(i64::MAX),
        hints: rng.random_range(0..3),
    }
}

fn store(due: Duration, statements: &[(Duration, Ready)]) -> Call {
    let (kind, request) = match statements {
        [(_, only)] => (Kind::Statement, Request::single(only)),
        some => (
            Kind::Statements,
            Request::of(some.iter().map(|(_, ready)| ready)),
        ),
    };
    Call {
        due,
        kind,
        ask: Ask::Store(request),
    }
}

/// Path of the document in which a front-end keeps where the pupil is in a series.
fn state_path(account: &str, series: &str) -> String {
    let agent = json!({ "account": { "homePage": HOME_PAGE, "name": account } });
    path(
        "/xapi/activities/state",
        &[
            ("activityId", series),
            ("agent", &agent.to_string()),
            ("stateId", "progression"),
        ],
    )
}

/// A path with parameters.
pub(crate) fn path(path: &str, parameters: &[(&str, &str)]) -> String {
    let url = Url::parse_with_params("http://localhost", parameters).expect("an address");
    format!("{path}?{}", url.query().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use schemas::framework::SECONDE_JSON;
    use schemas::profile::{Candidate, classify};
    use schemas::xapi::{XapiVersion, validate};
    use serde_json::Value;

    use super::*;

    const PLAN: &str = "https://w3id.org/sillage/loadtest/test";

    /// The series is opened, worked on, finished.
    const STATEMENTS: usize = ANSWERS + 2;
    const THINK: Duration = Duration::from_secs(4);

    fn world(target: Target) -> World {
        let framework = Framework::parse(SECONDE_JSON.as_bytes()).unwrap();
        let lycee = Lycee::new(Seed(1), 2, 3);
        let starts = DateTime::UNIX_EPOCH + Duration::from_secs(1_780_000_000);
        World::new(
            Seed(1),
            lycee,
            &framework,
            target,
            PLAN.to_owned(),
            THINK,
            starts,
        )
    }

    fn all() -> World {
        let key = |class: usize, pupil: usize| format!("key-{class}-{pupil}");
        world(Target::All {
            pupils: (0..2)
                .map(|class| (0..3).map(|pupil| key(class, pupil)).collect())
                .collect(),
            classes: vec!["class".to_owned()],
        })
    }

    fn statements(calls: &[Call]) -> Vec<Value> {
        calls
            .iter()
            .filter_map(|call| match &call.ask {
                Ask::Store(request) => Some(request),
                Ask::Read(_) => None,
            })
            .flat_map(|request| {
                let sent: Value = serde_json::from_slice(&request.body).unwrap();
                let sent = match sent {
                    Value::Array(some) => some,
                    one => vec![one],
                };
                let ids: Vec<&str> = sent.iter().map(|one| one["id"].as_str().unwrap()).collect();
                assert_eq!(ids, request.ids);
                sent
            })
            .collect()
    }

    #[test]
    fn a_pupil_reads_the_state_works_and_asks_what_comes_next() {
        let world = all();
        let mut rng = Seed(1).stream("test");
        let begins = Duration::from_secs(7);
        let mut ids = HashSet::new();
        let mut kinds = HashSet::new();
        for _ in 0..40 {
            let calls = world.pupil(&mut rng, begins);
            assert_eq!((calls[0].kind, calls[0].due), (Kind::State, begins));
            assert_eq!(calls[calls.len() - 1].kind, Kind::NextActivities);
            assert!(calls.is_sorted_by_key(|call| call.due));
            kinds.extend(calls.iter().map(|call| call.kind as u8));
            let told = statements(&calls);
            assert_eq!(told.len(), STATEMENTS);
            let mut answers = 0;
            for statement in &told {
                assert_eq!(validate(statement, XapiVersion::V2_0_0), [], "{statement}");
                let grouping = &statement["context"]["contextActivities"]["grouping"];
                assert_eq!(grouping[0]["id"], PLAN);
                answers += usize::from(matches!(classify(statement), Candidate::Answer(_)));
                assert!(ids.insert(statement["id"].to_string()), "an id twice");
            }
            assert_eq!(answers, ANSWERS);
        }
        assert_eq!(kinds.len(), 4, "singly and in small batches");
    }

    #[test]
    fn without_analytics_statements_are_all_there_is() {
        let world = world(Target::Statements);
        let mut rng = Seed(1).stream("test");
        let calls = world.pupil(&mut rng, Duration::ZERO);
        assert!(calls.iter().all(|call| call.kind != Kind::NextActivities));
        assert_eq!(statements(&calls).len(), STATEMENTS);
        assert!(world.teacher(&mut rng, Duration::ZERO).is_empty());
    }

    #[test]
    fn a_teacher_looks_again_and_again() {
        let calls = all().teacher(&mut Seed(1).stream("test"), THINK);
        assert_eq!(calls.len(), LOOKS as usize);
        assert!(
            calls
                .windows(2)
                .all(|two| two[1].due - two[0].due == THINK * 3)
        );
    }

    #[test]
    fn a_path_holds_what_is_asked_for_and_nothing_that_a_path_may_not() {
        let path = path(
            "/xapi/statements",
            &[("activity", "https://a/b?c=d&e"), ("x", "é \"")],
        );
        assert_eq!(
            path,
            "/xapi/statements?activity=https%3A%2F%2Fa%2Fb%3Fc%3Dd%26e&x=%C3%A9+%22"
        );
    }
}

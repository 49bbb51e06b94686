//! Two weeks at the lycée: what every pupil did, as the batches of statements that the pupil's
//! front-end sends, one for each attempt at a series.

use rand::Rng;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;
use uuid::Uuid;

use super::calendar::{DAYS, Fortnight, Place, Session};
use super::catalogue::Exercises;
use super::learner::{Asked, Difficulties, Learner};
use super::lycee::{Class, Lycee, Person};
use super::seed::{Seed, chance, normal, uuid};
use super::statements::{Attempt, Device, Ready};

/// One pupil in so many has a phone without a network in the second week.
const ONE_OFFLINE_IN: usize = 9;

/// Chance that a pupil tries again what went wrong, at the end of the series.
const RETRIES: f64 = 0.35;

/// What one device sends about one attempt at one series.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) device: Uuid,
    pub(crate) offline: bool,
    pub(crate) statements: Vec<Ready>,
}

/// The stage on which the pupils act.
#[derive(Debug)]
pub(crate) struct Stage<'a> {
    pub(crate) seed: Seed,
    pub(crate) fortnight: Fortnight,
    pub(crate) exercises: &'a Exercises,
    pub(crate) framework_version: &'a str,
}

/// What a class hour is about: the teacher's choice, the same for the whole class.
type Themes = Vec<(Session, Vec<usize>)>;

impl Stage<'_> {
    /// What all pupils did, class after class and pupil after pupil, each in order.
    pub(crate) fn play(&self, lycee: &Lycee) -> Vec<Batch> {
        let difficulties = Difficulties::draw(self.seed, self.exercises);
        let mut batches = Vec::new();
        for (number, class) in lycee.classes.iter().enumerate() {
            let themes = self.themes(number, class);
            for (place, pupil) in class.pupils.iter().enumerate() {
                let offline = place % ONE_OFFLINE_IN == ONE_OFFLINE_IN / 2;
                let mut actor = Actor::new(self, &difficulties, class, pupil, offline);
                actor.play(&themes);
                batches.append(&mut actor.batches);
            }
        }
        batches
    }

    fn themes(&self, number: usize, class: &Class) -> Themes {
        let mut rng = self.stream(&format!("themes {}", class.label));
        let hours = self.fortnight.class_hours(number, class.teachers.len());
        let theme = |hour: Session| {
            let Place::Class { subject, .. } = hour.place else {
                return (hour, Vec::new());
            };
            let subject = class.teachers[subject].subject;
            let taught: Vec<usize> = self.of_subject(subject).collect();
            (hour, taught.choose_multiple(&mut rng, 3).copied().collect())
        };
        hours.into_iter().map(theme).collect()
    }

    fn of_subject<'b>(&'b self, subject: &'b str) -> impl Iterator<Item = usize> + 'b {
        let numbered = self.exercises.competencies.iter().enumerate();
        numbered
            .filter(move |(_, practised)| practised.subject == subject)
            .map(|(number, _)| number)
    }

    /// A stream of this fortnight: as of another date, other things happen.
    fn stream(&self, name: &str) -> ChaCha8Rng {
        self.seed.stream(&format!(
            "{} {name}",
            self.fortnight.as_of.timestamp_micros()
        ))
    }
}

/// One pupil at work.
struct Actor<'a> {
    stage: &'a Stage<'a>,
    difficulties: &'a Difficulties,
    pupil: &'a Person,
    plan: String,
    rng: ChaCha8Rng,
    learner: Learner,
    school_device: Device,
    own_device: Device,
    offline: bool,
    batches: Vec<Batch>,
}

impl<'a> Actor<'a> {
    fn new(
        stage: &'a Stage<'a>,
        difficulties: &'a Difficulties,
        class: &Class,
        pupil: &'a Person,
        offline: bool,
    ) -> Self {
        let mut rng = stage.stream(&pupil.id);
        let learner = Learner::draw(&mut rng, stage.exercises, stage.fortnight.start_s());
        let school_device = Device {
            id: uuid(&mut rng),
            mobile: false,
            skew_ms: 0,
            seq: 0,
        };
        // A phone without a network has nobody to set its clock.
        let skew_s = if offline {
            normal(&mut rng, 0.0, 300.0)
        } else {
            normal(&mut rng, 0.0, 2.0)
        };
        let mobile = offline || chance(&mut rng, 0.6);
        let own_device = Device {
            id: uuid(&mut rng),
            mobile,
            skew_ms: whole_ms(skew_s),
            seq: 0,
        };
        let plan = format!("https://w3id.org/sillage/demo/plan/{}", class.label);
        Self {
            stage,
            difficulties,
            pupil,
            plan,
            rng,
            learner,
            school_device,
            own_device,
            offline,
            batches: Vec::new(),
        }
    }

    fn play(&mut self, themes: &Themes) {
        let hours: Vec<Session> = themes.iter().map(|(hour, _)| *hour).collect();
        let sessions = self
            .stage
            .fortnight
            .sessions(&mut self.rng, &hours, self.learner.diligence);
        for session in sessions {
            let chosen = themes
                .iter()
                .find(|(hour, _)| hour.place == session.place)
                .map(|(_, chosen)| chosen.as_slice());
            self.session(&session, chosen.unwrap_or_default());
        }
    }

    fn session(&mut self, session: &Session, chosen: &[usize]) {
        let id = uuid(&mut self.rng);
        let mut now_ms = session.begins_ms;
        for n in 0..usize::from(session.series) {
            if now_ms >= session.ends_ms {
                break;
            }
            let competency = if chosen.is_empty() {
                self.wish()
            } else {
                chosen[n % chosen.len()]
            };
            now_ms = self.series(session.place, id, competency, now_ms);
            now_ms += self.rng.random_range(15_000..60_000);
        }
    }

    /// A pupil at home works on anything.
    fn wish(&mut self) -> usize {
        self.rng
            .random_range(0..self.stage.exercises.competencies.len())
    }

    /// One attempt at one series; gives the time at its end.
    fn series(&mut self, place: Place, session: Uuid, competency: usize, begun_ms: i64) -> i64 {
        let level = self
            .learner
            .suiting_level(&mut self.rng, competency, begun_ms / 1_000);
        let exercises = self.stage.exercises;
        let Some(number) = exercises
            .series
            .iter()
            .position(|series| series.competency == competency && series.level == level)
        else {
            return begun_ms;
        };
        let at_home = matches!(place, Place::Home { .. });
        let offline = self.offline && matches!(place, Place::Home { day } if day >= DAYS / 2);
        let attempt = Attempt {
            seed: self.stage.seed,
            offset: *self.stage.fortnight.as_of.offset(),
            account: &self.pupil.account,
            series: &exercises.series[number],
            registration: uuid(&mut self.rng),
            session,
            plan: &self.plan,
            origin: if at_home { "free" } else { "prescribed" },
            offline,
            framework_version: self.stage.framework_version,
        };
        let device = if at_home {
            &mut self.own_device
        } else {
            &mut self.school_device
        };
        let mut work = Work {
            attempt: &attempt,
            device,
            rng: &mut self.rng,
            learner: &mut self.learner,
            now_ms: begun_ms,
            statements: Vec::new(),
        };
        work.series(self.difficulties, number);
        let (now_ms, mut statements) = (work.now_ms, work.statements);
        let as_of_ms = self.stage.fortnight.as_of.timestamp_millis();
        statements.retain(|statement| statement.at_ms <= as_of_ms);
        if !statements.is_empty() {
            self.batches.push(Batch {
                device: device.id,
                offline,
                statements,
            });
        }
        now_ms
    }
}

/// One attempt under way.
struct Work<'a> {
    attempt: &'a Attempt<'a>,
    device: &'a mut Device,
    rng: &'a mut ChaCha8Rng,
    learner: &'a mut Learner,
    now_ms: i64,
    statements: Vec<Ready>,
}

impl Work<'_> {
    fn series(&mut self, difficulties: &Difficulties, number: usize) {
        let begun_ms = self.now_ms;
        self.statements
            .push(self.attempt.initialized(self.device, begun_ms));
        let mut wrong = Vec::new();
        for exercise in 0..self.attempt.series.exercises.len() {
            let difficulty = difficulties.of(number, exercise);
            if !self.try_exercise(exercise, difficulty, 1) {
                wrong.push((exercise, difficulty));
            }
        }
        for (exercise, difficulty) in wrong {
            if chance(self.rng, RETRIES) {
                self.try_exercise(exercise, difficulty, 2);
            }
        }
        self.now_ms += self.rng.random_range(1_000..3_000);
        self.statements
            .push(self.attempt.completed(self.device, self.now_ms, begun_ms));
    }

    /// One answer; says whether it was right.
    fn try_exercise(&mut self, exercise: usize, difficulty: f64, attempt: u8) -> bool {
        let asked = &self.attempt.series.exercises[exercise];
        self.now_ms += self.rng.random_range(1_000..5_000);
        let question = Asked {
            competency: self.attempt.series.competency,
            kind: asked.kind,
            difficulty,
            attempt,
        };
        let outcome = self.learner.answer(self.rng, question, self.now_ms / 1_000);
        self.now_ms += outcome.duration_ms;
        self.statements.push(self.attempt.answered(
            self.device,
            self.now_ms,
            asked,
            attempt,
            outcome,
        ));
        outcome.scaled >= 1.0
    }
}

/// A clock is off by minutes at most: far from the ends of an `i64`.
fn whole_ms(span_s: f64) -> i64 {
    (span_s * 1_000.0).round() as i64
}

//! Statements of a whole country, for stores of millions: 750,000 pupils in classes of 36, 5,000
//! activities, twelve verbs, by the *plan de marquage*.
//!
//! They are written as text, since what makes them runs on the processors that are measured. Accounts are
//! 128 hexadecimal digits that look random, ids random UUIDs. A class works on one series at a time, so
//! that 36 pupils answer one exercise together; other pupils work by themselves. Series are chosen by
//! Zipf's law, so are verbs: with an exponent of 3 five statements in six are answers, as the plan has it.
//! The words are others than those of [`crate::data`], from which the compression dictionary is trained.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, Duration, SecondsFormat, Utc};
use rand::{Rng as _, RngCore as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use schemas::profile::{PROFILE_VERSION, activity_types, extensions, verbs};
use uuid::Uuid;

use crate::data::uuid;

/// Where the activities are.
pub const SEQUENCES: &str = "https://ressources.edu.example.net";

/// Pupils of the classes de seconde.
pub const PUPILS: u64 = 750_000;

/// Pupils of a class.
pub const CLASS: u64 = 36;

/// Classes of a school, and schools of an académie.
const CLASSES: u64 = 7;
const SCHOOLS: u64 = 100;

/// Series, and exercises in each. With a hint a series and the lessons they are 5,000 activities.
const SERIES: usize = 400;
const EXERCISES: usize = 10;
const LESSONS: usize = 200;

/// Classes, and pupils by themselves, that work at the same time.
const WORKING_CLASSES: usize = 40;
const WORKING_ALONE: usize = 400;

/// Statements of a pupil about a series.
const STATEMENTS: u64 = 12;

/// One statement in so many is of an account that many share, to show the service with.
const DEMONSTRATION: u32 = 500;

/// `homePage` of those accounts, who are in no class.
pub const DEMONSTRATION_PORTAL: &str = "https://demonstration.edu.example.net";

/// Ids that are remembered; what refers to a statement takes one of the older half: two batches of 500
/// ago, so it is stored.
const REMEMBERED: usize = 2_048;

/// The verbs, most frequent first. The profile has all but three of them.
const VERBS: [(&str, &str); 12] = [
    (verbs::ANSWERED, "a répondu"),
    (verbs::INITIALIZED, "a ouvert"),
    (verbs::COMPLETED, "a fini"),
    (verbs::EXPERIENCED, "a lu"),
    (verbs::INTERACTED, "a demandé de l’aide"),
    (verbs::PASSED, "a réussi"),
    (verbs::TERMINATED, "a quitté"),
    (verbs::FAILED, "a échoué"),
    ("http://adlnet.gov/expapi/verbs/suspended", "a interrompu"),
    ("http://adlnet.gov/expapi/verbs/resumed", "a repris"),
    ("http://adlnet.gov/expapi/verbs/commented", "a commenté"),
    (verbs::VOIDED, "a annulé"),
];

/// What all supplies of a run share.
#[derive(Debug)]
pub struct Country {
    pupils: u64,
    series: Vec<Series>,
    lessons: Vec<String>,
    verb: Zipf,
    one_series: Zipf,
}

/// Objects as JSON, each the same for everybody.
#[derive(Debug)]
struct Series {
    iri: String,
    subject: &'static str,
    whole: String,
    hint: String,
    exercises: Vec<Exercise>,
}

#[derive(Debug)]
struct Exercise {
    object: String,
    right: String,
    wrong: String,
}

impl Default for Country {
    fn default() -> Self {
        Self {
            pupils: PUPILS,
            series: (0..SERIES).map(Series::new).collect(),
            lessons: (0..LESSONS).map(lesson).collect(),
            verb: Zipf::new(VERBS.len(), 3.0),
            one_series: Zipf::new(SERIES, 1.0),
        }
    }
}

impl Country {
    /// A part of it: so many schools, on the same activities.
    #[must_use]
    pub fn schools(count: u64) -> Self {
        Self {
            pupils: count * CLASSES * CLASS,
            ..Self::default()
        }
    }

    /// Its classes, each with the number of its school and those of its pupils.
    pub fn classes(&self) -> impl Iterator<Item = (u64, Range<u64>)> + '_ {
        (0..self.pupils.div_ceil(CLASS)).map(|class| {
            let first = class * CLASS;
            (class / CLASSES, first..self.pupils.min(first + CLASS))
        })
    }

    /// What is answered: its IRI, and whether it is of mathematics.
    pub fn exercises(&self) -> impl Iterator<Item = (String, bool)> + '_ {
        self.series.iter().flat_map(|series| {
            let is_maths = series.subject == "mathematiques";
            (1..=EXERCISES).map(move |number| (exercise(&series.iri, number), is_maths))
        })
    }
}

/// The IRI of an exercise of a series.
fn exercise(series: &str, number: usize) -> String {
    format!("{series}/exercice/{number:02}")
}

impl Series {
    /// Every second one is of mathematics, the most chosen one too: half of what is done.
    fn new(number: usize) -> Self {
        let subject = if number.is_multiple_of(2) {
            "mathematiques"
        } else {
            "francais"
        };
        let iri = format!("{SEQUENCES}/{subject}/sequence/{number:03}");
        let whole = format!(
            r#"{{"objectType":"Activity","id":"{iri}","definition":{{"type":"{}","name":{{"fr-FR":"Séquence {number} : reprendre pas à pas les bases"}},"description":{{"fr-FR":"Dix exercices de difficulté croissante, avec une aide"}}}}}}"#,
            activity_types::ASSESSMENT
        );
        let hint = format!(
            r#"{{"objectType":"Activity","id":"{iri}/aide","definition":{{"type":"{}","name":{{"fr-FR":"Aide de la séquence {number}"}}}}}}"#,
            activity_types::HINT
        );
        let exercises = (1..=EXERCISES)
            .map(|exercise| Exercise::new(&iri, number, exercise))
            .collect();
        Self {
            iri,
            subject,
            whole,
            hint,
            exercises,
        }
    }
}

impl Exercise {
    fn new(series: &str, number: usize, in_series: usize) -> Self {
        let (a, b) = (3 + number % 17, 2 + in_series * 7 % 23);
        let iri = exercise(series, in_series);
        let right = format!("{}/{b}", a * b + 1);
        let object = format!(
            r#"{{"objectType":"Activity","id":"{iri}","definition":{{"type":"{}","interactionType":"fill-in","name":{{"fr-FR":"Écrire {a} + 1/{b} en une fraction"}},"correctResponsesPattern":["{right}"]}}}}"#,
            activity_types::INTERACTION
        );
        Self {
            object,
            right,
            wrong: format!("{}/{b}", a + 1),
        }
    }
}

fn lesson(number: usize) -> String {
    format!(
        r#"{{"objectType":"Activity","id":"{SEQUENCES}/fiche/{number:03}","definition":{{"type":"{}","name":{{"fr-FR":"Fiche {number} : ce qu’il faut savoir"}}}}}}"#,
        activity_types::LESSON
    )
}

/// Chances by Zipf's law: the n-th of some things has a share of n to the power of minus an exponent.
#[derive(Debug)]
pub(crate) struct Zipf(Vec<f64>);

impl Zipf {
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    pub(crate) fn new(things: usize, exponent: f64) -> Self {
        let mut sum = 0.0;
        let mut upto: Vec<f64> = (1..=things)
            .map(|n| {
                sum += (n as f64).powf(-exponent);
                sum
            })
            .collect();
        upto.iter_mut().for_each(|share| *share /= sum);
        Self(upto)
    }

    pub(crate) fn choose(&self, random: &mut ChaCha8Rng) -> usize {
        let at: f64 = random.random();
        self.0
            .partition_point(|upto| *upto < at)
            .min(self.0.len() - 1)
    }
}

/// Pupils who work on a series together: a class, or one alone.
#[derive(Debug)]
struct Session {
    first: u64,
    pupils: u64,
    series: usize,
    key: u64,
    said: u64,
}

impl Session {
    fn open(random: &mut ChaCha8Rng, country: &Country, alone: bool) -> Self {
        let (first, pupils) = if alone {
            (random.random_range(0..country.pupils), 1)
        } else {
            let class = random.random_range(0..country.pupils.div_ceil(CLASS));
            (class * CLASS, CLASS.min(country.pupils - class * CLASS))
        };
        let series = country.one_series.choose(random);
        Self {
            first,
            pupils,
            series,
            key: random.next_u64(),
            said: 0,
        }
    }

    fn is_over(&self) -> bool {
        self.said >= self.pupils * STATEMENTS
    }

    /// Where all are: they answer one exercise together.
    fn exercise(&self) -> usize {
        let at = self.said * EXERCISES as u64 / (self.pupils * STATEMENTS);
        usize::try_from(at).unwrap_or(0).min(EXERCISES - 1)
    }
}

/// An endless supply of statements: what one front-end sends.
#[derive(Debug)]
pub struct Statements {
    country: Arc<Country>,
    random: ChaCha8Rng,
    classes: Vec<Session>,
    alone: Vec<Session>,
    sent: VecDeque<Uuid>,
    last_comment: Option<Uuid>,
    number: u32,
    now: DateTime<Utc>,
}

/// Who says something, about what, in a statement.
struct Said<'a> {
    id: Uuid,
    pupil: u64,
    registration: Uuid,
    teacher: Option<u64>,
    verb: usize,
    object: &'a str,
    exercise: Option<&'a Exercise>,
    series: &'a Series,
    number: u32,
    at: DateTime<Utc>,
}

impl Statements {
    /// A supply. Two seeds share pupils and activities, and no statement.
    #[must_use]
    pub fn new(seed: u64, country: &Arc<Country>) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut open = |count, alone| {
            (0..count)
                .map(|_| {
                    let mut session = Session::open(&mut random, country, alone);
                    // Somewhere on their way: or everybody would begin at once.
                    session.said = random.random_range(0..session.pupils * STATEMENTS);
                    session
                })
                .collect()
        };
        let classes = open(WORKING_CLASSES, false);
        let alone = open(WORKING_ALONE, true);
        Self {
            country: Arc::clone(country),
            random,
            classes,
            alone,
            sent: VecDeque::with_capacity(REMEMBERED),
            last_comment: None,
            number: 0,
            now: DateTime::UNIX_EPOCH + Duration::days(20_700),
        }
    }

    /// So many of them, as an array.
    #[must_use]
    pub fn batch(&mut self, count: usize) -> Bytes {
        let mut text = String::with_capacity(count * 1_700);
        for n in 0..count {
            text.push(if n == 0 { '[' } else { ',' });
            self.write(&mut text);
        }
        text.push(']');
        text.into()
    }

    /// Appends the next one.
    pub fn write(&mut self, text: &mut String) {
        self.now += Duration::milliseconds(self.random.random_range(1..40));
        self.number += 1;
        let id = uuid(&mut self.random);
        let country = Arc::clone(&self.country);
        let verb = country.verb.choose(&mut self.random);
        let target = match VERBS[verb].0 {
            verbs::VOIDED => self.older(),
            "http://adlnet.gov/expapi/verbs/commented" => self.commented(id),
            _ => None,
        };
        if let Some(target) = target {
            self.refer(text, id, verb, target);
            return;
        }
        // Nothing is there yet to refer to: an answer instead.
        let verb = if verb >= VERBS.len() - 2 { 0 } else { verb };
        let in_class = self.random.random_bool(0.6);
        let sessions = if in_class {
            &mut self.classes
        } else {
            &mut self.alone
        };
        let at = self.random.random_range(0..sessions.len());
        if sessions[at].is_over() {
            sessions[at] = Session::open(&mut self.random, &country, !in_class);
        }
        let session = &mut sessions[at];
        let series = &country.series[session.series];
        let exercise = &series.exercises[session.exercise()];
        session.said += 1;
        let pupil = session.first + self.random.random_range(0..session.pupils);
        let said = Said {
            id,
            pupil,
            registration: registration(session.key, pupil),
            // Who set the series to the class is named where it begins and ends.
            teacher: (in_class && matches!(verb, 1 | 2)).then_some(session.first / CLASS),
            verb,
            object: match VERBS[verb].0 {
                verbs::ANSWERED => &exercise.object,
                verbs::EXPERIENCED => &country.lessons[session.series % LESSONS],
                verbs::INTERACTED => &series.hint,
                _ => &series.whole,
            },
            exercise: (verb == 0).then_some(exercise),
            series,
            number: self.number,
            at: self.now,
        };
        said.write(&mut self.random, text);
        if self.sent.len() == REMEMBERED {
            self.sent.pop_front();
        }
        self.sent.push_back(id);
    }

    /// A statement that was sent some time ago, and is voided or commented on once at most.
    fn older(&mut self) -> Option<Uuid> {
        let older = self.sent.len().checked_sub(REMEMBERED / 2)?;
        let at = self.random.random_range(0..=older);
        self.sent.swap_remove_front(at)
    }

    /// What is commented on: every fourth time the last comment, so that there are chains.
    fn commented(&mut self, id: Uuid) -> Option<Uuid> {
        let target = match self.last_comment {
            Some(last) if self.random.random_ratio(1, 4) => last,
            _ => self.older()?,
        };
        self.last_comment = Some(id);
        Some(target)
    }

    /// A statement about another.
    fn refer(&mut self, text: &mut String, id: Uuid, verb: usize, target: Uuid) {
        let _ = write!(text, r#"{{"id":"{id}","actor":"#);
        let classes = self.country.pupils.div_ceil(CLASS);
        teacher(text, self.random.random_range(0..classes));
        let (iri, says) = VERBS[verb];
        let _ = write!(
            text,
            r#","verb":{{"id":"{iri}","display":{{"fr-FR":"{says}"}}}},"object":{{"objectType":"StatementRef","id":"{target}"}},"timestamp":"{}"}}"#,
            self.now.to_rfc3339_opts(SecondsFormat::Millis, true)
        );
    }
}

impl Said<'_> {
    fn write(&self, random: &mut ChaCha8Rng, text: &mut String) {
        let _ = write!(text, r#"{{"id":"{}","actor":"#, self.id);
        if random.random_ratio(1, DEMONSTRATION) {
            // The first of four has half of it.
            let which = random.random_range(0_u64..8).leading_zeros() - 61;
            account(text, DEMONSTRATION_PORTAL, u64::MAX - u64::from(which));
        } else {
            pupil(text, self.pupil);
        }
        let (iri, says) = VERBS[self.verb];
        let _ = write!(
            text,
            r#","verb":{{"id":"{iri}","display":{{"fr-FR":"{says}"}}}},"object":{}"#,
            self.object
        );
        self.result(random, text);
        let _ = write!(
            text,
            r#","context":{{"registration":"{}","platform":"Ardoise 3.2","language":"fr-FR","contextActivities":{{"#,
            self.registration
        );
        if self.exercise.is_some() || self.verb == 4 {
            let _ = write!(text, r#""parent":[{{"id":"{}"}}],"#, self.series.iri);
        }
        let _ = write!(
            text,
            r#""grouping":[{{"id":"{SEQUENCES}/{}"}}],"category":[{{"id":"{PROFILE_VERSION}"}}]}},"#,
            self.series.subject
        );
        if let Some(class) = self.teacher {
            text.push_str(r#""instructor":"#);
            teacher(text, class);
            text.push(',');
        }
        self.extensions(random, text);
        let at = self.at.to_rfc3339_opts(SecondsFormat::Millis, true);
        let _ = write!(text, r#"}},"timestamp":"{at}"}}"#);
    }

    fn result(&self, random: &mut ChaCha8Rng, text: &mut String) {
        let (minutes, seconds) = (random.random_range(0..4), random.random_range(1..60));
        if let Some(exercise) = self.exercise {
            let right = random.random_bool(0.68);
            let response = if right {
                &exercise.right
            } else {
                &exercise.wrong
            };
            let _ = write!(
                text,
                r#","result":{{"success":{right},"score":{{"scaled":{}}},"response":"{response}","duration":"PT{minutes}M{seconds}S"}}"#,
                u8::from(right)
            );
            return;
        }
        match VERBS[self.verb].0 {
            verbs::COMPLETED => {
                let _ = write!(
                    text,
                    r#","result":{{"completion":true,"duration":"PT{minutes}M{seconds}S"}}"#
                );
            }
            verbs::PASSED => text.push_str(r#","result":{"success":true}"#),
            verbs::FAILED => text.push_str(r#","result":{"success":false}"#),
            _ => {}
        }
    }

    fn extensions(&self, random: &mut ChaCha8Rng, text: &mut String) {
        let origin = ["recommended", "prescribed", "free"][random.random_range(0..3)];
        let device = if self.pupil.is_multiple_of(3) {
            "desktop"
        } else {
            "mobile"
        };
        let _ = write!(
            text,
            r#""extensions":{{"{}":"{origin}","{}":{},"{}":{},"{}":{},"{}":"{device}","{}":"{}","{}":{},"{}":{}}}"#,
            extensions::ORIGIN,
            extensions::ATTEMPT,
            random.random_range(1..3),
            extensions::HINTS,
            random.random_range(0..3),
            extensions::OFFLINE,
            self.pupil.is_multiple_of(11),
            extensions::DEVICE,
            extensions::DEVICE_ID,
            registration(0, self.pupil),
            extensions::SEQ,
            self.number,
            extensions::CLOCK_SKEW_MS,
            random.random_range(-2_000..2_000),
        );
    }
}

/// A pupil, on the portal of the académie.
fn pupil(text: &mut String, number: u64) {
    account(text, &portal(number), number);
}

/// `homePage` of the accounts of a pupil's académie.
fn portal(pupil: u64) -> String {
    let portal = pupil / (CLASS * CLASSES * SCHOOLS);
    format!("https://ent-{portal:02}.example.net")
}

/// The account of a pupil: `homePage` and name.
#[must_use]
pub fn account_of(pupil: u64) -> (String, String) {
    let mut name = String::with_capacity(128);
    write_name(&mut name, pupil);
    (portal(pupil), name)
}

/// The teacher of a class.
fn teacher(text: &mut String, class: u64) {
    account(
        text,
        "https://portail.enseignants.example.net",
        PUPILS + class,
    );
}

/// An Agent whose account has a name of 128 digits, always the same for a number.
fn account(text: &mut String, home_page: &str, number: u64) {
    let _ = write!(
        text,
        r#"{{"objectType":"Agent","account":{{"homePage":"{home_page}","name":""#
    );
    write_name(text, number);
    text.push_str("\"}}");
}

/// The 128 digits of a number.
fn write_name(text: &mut String, number: u64) {
    for part in 0..8 {
        let _ = write!(
            text,
            "{:016x}",
            mixed(number.wrapping_mul(8).wrapping_add(part))
        );
    }
}

/// The same UUID for the same pupil and occasion.
fn registration(occasion: u64, pupil: u64) -> Uuid {
    let (high, low) = (
        mixed(occasion ^ pupil),
        mixed(occasion.wrapping_add(!pupil)),
    );
    uuid::Builder::from_random_bytes(((u128::from(high) << 64) | u128::from(low)).to_be_bytes())
        .into_uuid()
}

/// A number that looks random: the finaliser of `SplitMix64`.
fn mixed(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use schemas::profile::{Candidate, classify};
    use serde_json::Value;

    use super::*;

    fn some(seed: u64, count: usize) -> Bytes {
        Statements::new(seed, &Arc::new(Country::default())).batch(count)
    }

    #[test]
    fn the_lrs_takes_each_of_them_and_they_are_as_large_and_as_mixed_as_is_said() {
        let body = some(1, 30_000);
        crate::data::parsed(&body).expect("statements that break no rule");
        let bytes = body.len() / 30_000;
        assert!(
            (1_450..=1_550).contains(&bytes),
            "{bytes} bytes a statement"
        );
        let made: Vec<Value> = serde_json::from_slice(&body).unwrap();
        let answers = made
            .iter()
            .filter(|one| matches!(classify(one), Candidate::Answer(_)));
        let answers = answers.count();
        assert!((24_000..26_000).contains(&answers), "{answers} answers");
        let mut verbs: HashMap<&str, usize> = HashMap::new();
        for one in &made {
            *verbs
                .entry(one["verb"]["id"].as_str().unwrap())
                .or_default() += 1;
        }
        assert_eq!(verbs.len(), VERBS.len(), "{verbs:?}");
        let references = made
            .iter()
            .filter(|one| one["object"]["objectType"] == "StatementRef");
        assert!(references.count() > 5);
    }

    #[test]
    fn a_class_answers_one_exercise_together() {
        let made: Vec<Value> = serde_json::from_slice(&some(2, 5_000)).unwrap();
        let mut pupils: HashMap<String, Vec<String>> = HashMap::new();
        for one in &made {
            let name = one["actor"]["account"]["name"].to_string();
            pupils
                .entry(one["object"]["id"].to_string())
                .or_default()
                .push(name);
        }
        let most = pupils.values().map(|who| {
            let mut who = who.clone();
            who.sort_unstable();
            who.dedup();
            who.len()
        });
        assert!(most.max() > Some(20));
    }

    #[test]
    fn a_part_of_the_country_has_its_own_pupils_alone() {
        let country = Arc::new(Country::schools(2));
        let pupils: HashMap<String, u64> = country
            .classes()
            .flat_map(|(school, pupils)| pupils.map(move |pupil| (account_of(pupil).1, school)))
            .collect();
        assert_eq!(pupils.len() as u64, 2 * CLASSES * CLASS);
        let exercises: Vec<String> = country.exercises().map(|(iri, _)| iri).collect();
        assert_eq!(exercises.len(), SERIES * EXERCISES);
        let body = Statements::new(3, &country).batch(5_000);
        let made: Vec<Value> = serde_json::from_slice(&body).unwrap();
        let answered = made
            .iter()
            .filter(|one| one["verb"]["id"] == verbs::ANSWERED);
        for one in answered {
            let account = &one["actor"]["account"];
            let shown = account["homePage"] == DEMONSTRATION_PORTAL;
            assert!(shown || pupils.contains_key(account["name"].as_str().unwrap()));
            assert!(exercises.iter().any(|iri| one["object"]["id"] == **iri));
        }
    }

    #[test]
    fn a_seed_says_everything_and_shares_no_id() {
        assert_eq!(some(7, 50), some(7, 50));
        let ids = |seed| -> Vec<String> {
            let made: Vec<Value> = serde_json::from_slice(&some(seed, 50)).unwrap();
            made.iter().map(|one| one["id"].to_string()).collect()
        };
        let other = ids(8);
        assert!(ids(7).iter().all(|id| !other.contains(id)));
    }

    #[test]
    fn the_chances_are_those_of_the_law() {
        let zipf = Zipf::new(3, 1.0);
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let mut counts = [0; 3];
        (0..11_000).for_each(|_| counts[zipf.choose(&mut random)] += 1);
        for (count, wanted) in counts.iter().zip([6_000, 3_000, 2_000]) {
            assert!((wanted - 300..wanted + 300).contains(count), "{counts:?}");
        }
    }
}

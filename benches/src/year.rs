//! A school year of answers, for lakes of millions: what pupils of a country answer in 36 weeks, in the
//! order in which it is stored.
//!
//! A pupil works on a series of ten exercises for some minutes, while others work on theirs; some work
//! often and most do seldom; series are chosen by Zipf's law; a wrong answer is tried again at times; one
//! session in twenty was offline and comes up to three days late. Whether an answer is right depends on the
//! pupil and the exercise. Keys and ids look random, as those that are derived and drawn do.

use std::collections::BTreeMap;
use std::sync::Arc;

use analytics::store::lake_feed::ShippedAnswer;
use anyhow::Context as _;
use chrono::{DateTime, Duration, TimeZone as _, Utc};
use rand::{Rng as _, RngCore as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use schemas::catalogue::CatalogueItem;
use schemas::framework::Framework;
use schemas::ids::{AccountKey, Registration, StatementId};
use uuid::Uuid;

use crate::data::uuid;
use crate::national::Zipf;

/// Answers of a pupil in a year, in the mean.
pub const ANSWERS_OF_A_PUPIL: u64 = 200;

/// Series, and exercises in each.
const SERIES: usize = 400;
const EXERCISES: usize = 10;

/// School weeks, days of a week and seconds of a day; after every seven weeks two are holidays.
const WEEKS: u64 = 36;
const DAYS: u64 = 5;
const DAY_S: u64 = 10 * 3600;

/// Seconds between two answers of a pupil who is at work.
const ANSWER_S: u64 = 40;

/// How the most chosen series and the most diligent pupils stand out.
const ZIPF: f64 = 1.0;
const DILIGENCE: f64 = 1.5;

/// A year of so many answers.
#[derive(Debug)]
pub struct Year {
    answers: u64,
    pupils: u64,
    /// Whose keys the pupils have, where they are given.
    accounts: Option<Vec<AccountKey>>,
    made: u64,
    random: ChaCha8Rng,
    one_series: Zipf,
    activities: Vec<(Arc<str>, Vec<String>)>,
    at_work: Vec<Session>,
}

/// A pupil at a series.
#[derive(Clone, Debug)]
struct Session {
    pupil: u64,
    series: usize,
    exercise: usize,
    attempt: i32,
    registration: Registration,
    origin: &'static str,
    late: Duration,
    done: i64,
}

impl Session {
    /// What comes late was made without a network.
    fn is_offline(&self) -> bool {
        self.late > Duration::zero()
    }
}

impl Year {
    /// Its answers, none made yet.
    #[must_use]
    pub fn new(seed: u64, answers: u64) -> Self {
        let mut year = Self {
            answers,
            pupils: (answers / ANSWERS_OF_A_PUPIL).max(1),
            accounts: None,
            made: 0,
            random: ChaCha8Rng::seed_from_u64(seed),
            one_series: Zipf::new(SERIES, ZIPF),
            activities: activities(),
            at_work: Vec::new(),
        };
        let at_once = (ANSWER_S * answers / (WEEKS * DAYS * DAY_S)).max(1);
        year.at_work = (0..at_once).map(|_| year.session()).collect();
        year
    }

    /// The same by pupils who have these accounts.
    #[must_use]
    pub fn by(seed: u64, answers: u64, accounts: Vec<AccountKey>) -> Self {
        let mut year = Self::new(seed, answers);
        year.pupils = (accounts.len() as u64).max(1);
        year.accounts = Some(accounts);
        let at_once = year.at_work.len();
        year.at_work = (0..at_once).map(|_| year.session()).collect();
        year
    }

    /// The next answers, `most` of them unless the year is over.
    pub fn next(&mut self, most: usize) -> Vec<Box<ShippedAnswer>> {
        let left = usize::try_from(self.answers - self.made).unwrap_or(usize::MAX);
        (0..most.min(left))
            .map(|_| Box::new(self.answer()))
            .collect()
    }

    /// When it is over.
    #[must_use]
    pub fn end() -> DateTime<Utc> {
        time(1, 1)
    }

    /// The position of the last answer made.
    #[must_use]
    pub fn position(&self) -> i64 {
        self.made.cast_signed()
    }

    /// The account of a pupil who answers neither much nor little.
    #[must_use]
    pub fn some_account(&self) -> AccountKey {
        self.account(self.pupils / 3)
    }

    fn account(&self, pupil: u64) -> AccountKey {
        let given = self.accounts.as_ref();
        given
            .and_then(|accounts| accounts.get(usize::try_from(pupil).ok()?).copied())
            .unwrap_or_else(|| account(pupil))
    }

    fn session(&mut self) -> Session {
        let at: f64 = self.random.random();
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a number of a pupil is far below 2^53"
        )]
        let pupil = (at.powf(DILIGENCE) * self.pupils as f64) as u64;
        let late = if self.random.random_ratio(1, 20) {
            Duration::minutes(self.random.random_range(60..72 * 60))
        } else {
            Duration::zero()
        };
        Session {
            pupil: pupil.min(self.pupils - 1),
            series: self.one_series.choose(&mut self.random),
            exercise: 0,
            attempt: 1,
            registration: Registration::from_uuid(uuid(&mut self.random)),
            origin: ["recommended", "prescribed", "free"][self.random.random_range(0..3)],
            late,
            done: 0,
        }
    }

    fn answer(&mut self) -> ShippedAnswer {
        let place = self.random.random_range(0..self.at_work.len());
        if self.at_work[place].exercise >= EXERCISES {
            self.at_work[place] = self.session();
        }
        let stored = time(self.made, self.answers);
        let account = self.account(self.at_work[place].pupil);
        self.made += 1;
        let random = &mut self.random;
        let session = &mut self.at_work[place];
        let number = session.series * EXERCISES + session.exercise;
        let ability = spread(session.pupil) - spread(number as u64 ^ 0x5eed);
        let correct = random.random_bool(1.0 / (1.0 + (-4.0 * ability).exp()));
        let said = stored - session.late - Duration::milliseconds(random.random_range(200..3_000));
        let has_device = !session.pupil.is_multiple_of(4);
        session.done += 1;
        let answer = ShippedAnswer {
            seq: self.made.cast_signed(),
            id: StatementId::from_uuid(uuid(random)),
            stored,
            account,
            activity: self.activities[number].0.to_string(),
            correct,
            outcome: f64::from(u8::from(correct)),
            timestamp: Some(said),
            has_offset: true,
            skew_ms: has_device.then(|| random.random_range(-2_000..2_000)),
            device_id: has_device.then(|| key(session.pupil, 1).to_string()),
            device_seq: has_device.then(|| self.made.cast_signed() / 1_000 + session.done),
            invented_time: false,
            registration: Some(session.registration),
            duration_ms: Some(random.random_range(2_000..60_000)),
            origin: Some(session.origin.to_owned()),
            attempt: Some(session.attempt),
            hints: Some(i32::from(random.random_ratio(1, 10))),
            offline: session.is_offline().then_some(true),
            competencies: Some(self.activities[number].1.clone()),
        };
        if correct || random.random_bool(0.7) {
            session.exercise += 1;
            session.attempt = 1;
        } else {
            session.attempt += 1;
        }
        answer
    }
}

/// When the n-th answer of a year is stored.
fn time(number: u64, answers: u64) -> DateTime<Utc> {
    let micros = u128::from(WEEKS * DAYS * DAY_S) * 1_000_000 * u128::from(number);
    let micros = u64::try_from(micros / u128::from(answers.max(1))).unwrap_or(0);
    let (day, in_day) = (micros / (DAY_S * 1_000_000), micros % (DAY_S * 1_000_000));
    let (week, weekday) = (day / DAYS, day % DAYS);
    let days = (week + week / 7 * 2) * 7 + weekday;
    let start = Utc
        .with_ymd_and_hms(2025, 9, 1, 8, 0, 0)
        .single()
        .unwrap_or_default();
    start + Duration::days(days.cast_signed()) + Duration::microseconds(in_day.cast_signed())
}

/// An exercise's IRI, by its number.
fn activity(number: usize) -> String {
    let (series, exercise) = (number / EXERCISES, number % EXERCISES);
    format!("https://ressources.edu.example.net/sequence/{series:03}/exercice/{exercise:02}")
}

fn account(pupil: u64) -> AccountKey {
    AccountKey::from_uuid(key(pupil, 0))
}

/// What looks like a derived key: always the same of the same.
fn key(of: u64, kind: u64) -> Uuid {
    let mut random = ChaCha8Rng::seed_from_u64(of << 1 | kind);
    let mut bytes = [0; 16];
    random.fill_bytes(&mut bytes);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

/// A number from -1 to 1 that is always the same of the same.
fn spread(of: u64) -> f64 {
    let mixed = (of ^ (of >> 31)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    f64::from(u32::try_from(mixed >> 32).unwrap_or(0)) / f64::from(u32::MAX) * 2.0 - 1.0
}

/// What the exercises practise, by the framework: one competency, every third one two.
pub fn catalogue() -> anyhow::Result<Vec<CatalogueItem>> {
    let item = |(number, tagged): (usize, Tagged)| {
        Ok(CatalogueItem {
            id: activity(number).parse().context("an exercise's IRI")?,
            title: BTreeMap::from([("fr".to_owned(), format!("exercice {number}"))]),
            subject: tagged.subject,
            competencies: tagged.competencies,
            intent: None,
            item: None,
            level: None,
        })
    };
    tags().into_iter().enumerate().map(item).collect()
}

/// The IRI of each exercise, and what it practises.
fn activities() -> Vec<(Arc<str>, Vec<String>)> {
    let tags = tags().into_iter().enumerate();
    tags.map(|(number, tagged)| (activity(number).into(), tagged.competencies))
        .collect()
}

/// What an exercise is tagged with.
struct Tagged {
    subject: String,
    competencies: Vec<String>,
}

/// By the number of the exercise.
fn tags() -> Vec<Tagged> {
    let framework = Framework::seconde();
    let all: Vec<_> = framework
        .competencies()
        .map(|(domain, competency)| (domain.subject.clone(), competency.uri.clone()))
        .collect();
    let tagged = |number: usize| {
        let (subject, uri) = &all[number / EXERCISES % all.len()];
        let of_subject: Vec<_> = all.iter().filter(|(of, _)| of == subject).collect();
        let other = &of_subject[number % of_subject.len()].1;
        let mut competencies = vec![uri.clone()];
        if number.is_multiple_of(3) && other != uri {
            competencies.push(other.clone());
        }
        Tagged {
            subject: subject.clone(),
            competencies,
        }
    };
    (0..SERIES * EXERCISES).map(tagged).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use schemas::profile::answered_at;

    use super::*;

    #[test]
    fn a_year_has_its_answers_in_the_order_of_storing() {
        let mut year = Year::new(1, 5_000);
        let mut all = year.next(3_000);
        all.extend(year.next(3_000));
        assert_eq!((all.len(), year.position()), (5_000, 5_000));
        assert!(all.is_sorted_by_key(|answer| (answer.seq, answer.stored)));
        let span = all[4_999].stored - all[0].stored;
        assert!(span > Duration::weeks(40) && span < Duration::weeks(52));
        let late = |answer: &ShippedAnswer| {
            let at = answered_at(answer.timestamp, answer.skew_ms, answer.stored);
            answer.stored - at > Duration::minutes(30)
        };
        let late = all.iter().filter(|answer| late(answer)).count();
        assert!((50..1_000).contains(&late), "{late} are late");
        let ids: BTreeSet<_> = all.iter().map(|answer| answer.id).collect();
        assert_eq!(ids.len(), 5_000);
    }

    #[test]
    fn the_same_seed_gives_the_same_year() {
        let answers = |seed| format!("{:?}", Year::new(seed, 300).next(300));
        assert_eq!(answers(7), answers(7));
        assert_ne!(answers(7), answers(8));
    }

    #[test]
    fn every_exercise_is_in_the_catalogue_and_practises_what_the_framework_has() {
        let items = catalogue().unwrap();
        let model = mastery::Model::new(Framework::seconde(), &items);
        for answer in Year::new(1, 1_000).next(1_000) {
            let key = schemas::ids::key64(&answer.activity);
            assert!(model.item(key).is_some(), "{}", answer.activity);
        }
    }
}

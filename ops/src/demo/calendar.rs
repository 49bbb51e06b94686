//! When the pupils of the demo work: two weeks of class hours, evenings and week-ends.

use chrono::{DateTime, Datelike, Duration, FixedOffset, NaiveTime, Weekday};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::seed::chance;

/// Days that the demo plays, the last of which is the day of `--as-of`.
pub(crate) const DAYS: u32 = 14;

/// Share of a class that is there.
const PRESENT: f64 = 0.95;

/// A fortnight that ends at an instant, on the wall clock of the lycée.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fortnight {
    /// Nothing happens later. Its offset is the lycée's.
    pub(crate) as_of: DateTime<FixedOffset>,
}

/// A stretch of work.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Session {
    pub(crate) begins_ms: i64,
    pub(crate) ends_ms: i64,
    pub(crate) place: Place,
    /// Series that the pupil means to do.
    pub(crate) series: u8,
}

/// Where a pupil works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the class hour of that subject (its number), on that day: the teacher chooses.
    Class { subject: usize, day: u32 },
    /// On a device of one's own: the pupil chooses.
    Home { day: u32 },
}

impl Fortnight {
    /// Midnight of the first day, in Unix seconds.
    pub(crate) fn start_s(&self) -> i64 {
        self.wall(0, 0, 0) / 1_000
    }

    /// The class hours of a class, in which its pupils work: one a week and subject.
    pub(crate) fn class_hours(&self, class: usize, subjects: usize) -> Vec<Session> {
        let hours = (0..DAYS).flat_map(|day| (0..subjects).map(move |subject| (day, subject)));
        let hours = hours.filter(|(day, subject)| {
            self.weekday(*day).num_days_from_monday() as usize == (2 * class + 3 * subject) % 5
        });
        hours
            .map(|(day, subject)| self.class_hour(class, day, subject))
            .collect()
    }

    /// What one pupil does of them, and at home, in order.
    pub(crate) fn sessions(
        &self,
        rng: &mut ChaCha8Rng,
        class_hours: &[Session],
        diligence: f64,
    ) -> Vec<Session> {
        let mut sessions = Vec::new();
        for hour in class_hours {
            if chance(rng, PRESENT) {
                let late_ms = rng.random_range(0..240_000);
                sessions.push(Session {
                    begins_ms: hour.begins_ms + late_ms,
                    ..*hour
                });
            }
        }
        for day in 0..DAYS {
            sessions.extend(self.at_home(rng, day, diligence));
        }
        sessions.sort_by_key(|session| session.begins_ms);
        sessions
    }

    fn class_hour(&self, class: usize, day: u32, subject: usize) -> Session {
        // Nobody has class on a Wednesday afternoon.
        let morning = subject == 0 || self.weekday(day) == Weekday::Wed;
        let hour = if morning { 9 } else { 14 } + u32::try_from(class % 3).unwrap_or(0);
        let begins_ms = self.wall(day, hour, 8);
        Session {
            begins_ms,
            ends_ms: begins_ms + 40 * 60_000,
            place: Place::Class { subject, day },
            series: 4,
        }
    }

    fn at_home(&self, rng: &mut ChaCha8Rng, day: u32, diligence: f64) -> Option<Session> {
        let (likely, from, until) = match self.weekday(day) {
            Weekday::Sat => (0.5, (10, 0), (12, 0)),
            Weekday::Sun => (0.8, (14, 0), (19, 0)),
            Weekday::Wed => (1.1, (14, 0), (18, 0)),
            _ => (1.0, (17, 15), (20, 45)),
        };
        let works = chance(rng, likely * diligence);
        let begins_ms =
            rng.random_range(self.wall(day, from.0, from.1)..self.wall(day, until.0, until.1));
        let series = rng.random_range(2..=4);
        works.then_some(Session {
            begins_ms,
            ends_ms: begins_ms + 50 * 60_000,
            place: Place::Home { day },
            series,
        })
    }

    fn weekday(&self, day: u32) -> Weekday {
        self.date(day).weekday()
    }

    fn date(&self, day: u32) -> chrono::NaiveDate {
        self.as_of.date_naive() - Duration::days(i64::from(DAYS - 1 - day))
    }

    /// An instant of the lycée's wall clock, in Unix milliseconds.
    fn wall(&self, day: u32, hour: u32, minute: u32) -> i64 {
        let time = NaiveTime::from_hms_opt(hour, minute, 0).unwrap_or_default();
        // A fixed offset has no gaps and no repeated hours.
        self.date(day)
            .and_time(time)
            .and_local_timezone(*self.as_of.offset())
            .single()
            .map_or(0, |instant| instant.timestamp_millis())
    }
}

//! How many statements a second the database took lately: what the length of the queue is in time.

use std::time::{Duration, Instant};

/// Believed until a crowd was seen.
const AT_FIRST_PER_S: f64 = 10_000.0;

/// The time at work after which it is reckoned anew.
const WINDOW: Duration = Duration::from_millis(250);

/// Statements of a group, in the mean, from which on the time of a group says what the database takes: a
/// transaction of a few costs nearly what one of many does.
const TELLING: usize = 32;

/// The weight of what was seen last, where it is more, and where it is less than what was believed: a
/// checkpoint that holds up a few groups does not close the door.
const RISES: f64 = 0.5;
const FALLS: f64 = 0.25;

/// Statements a second, while any are being written.
#[derive(Debug)]
pub struct Throughput {
    per_s: f64,
    /// Since when groups have been under way without a pause.
    since: Option<Instant>,
    /// Of the present window: time at work before `since`, groups, statements.
    before: Duration,
    groups: usize,
    statements: usize,
}

impl Default for Throughput {
    fn default() -> Self {
        Self {
            per_s: AT_FIRST_PER_S,
            since: None,
            before: Duration::ZERO,
            groups: 0,
            statements: 0,
        }
    }
}

impl Throughput {
    /// A group is taken.
    pub fn begin(&mut self, now: Instant) {
        self.since.get_or_insert(now);
    }

    /// A group is written; `idle`: no other is under way.
    pub fn end(&mut self, statements: usize, idle: bool, now: Instant) {
        self.groups += 1;
        self.statements += statements;
        let at_work = self.before + self.since.map_or(Duration::ZERO, |since| now - since);
        self.since = (!idle).then_some(now);
        self.before = at_work;
        if at_work < WINDOW {
            return;
        }
        if self.statements >= self.groups * TELLING {
            #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
            let seen = self.statements as f64 / at_work.as_secs_f64();
            let weight = if seen > self.per_s { RISES } else { FALLS };
            self.per_s += weight * (seen - self.per_s);
        }
        (self.before, self.groups, self.statements) = (Duration::ZERO, 0, 0);
    }

    /// How long so many statements take.
    #[must_use]
    pub fn time_of(&self, statements: usize) -> Duration {
        #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
        let statements = statements as f64;
        Duration::from_secs_f64(statements / self.per_s)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What it believes after groups of so many statements, each so many milliseconds, one after another.
    fn after(groups: usize, statements: usize, millis: u64) -> Duration {
        let mut throughput = Throughput::default();
        let mut now = Instant::now();
        for _ in 0..groups {
            throughput.begin(now);
            now += Duration::from_millis(millis);
            throughput.end(statements, true, now);
            // Pauses are no work.
            now += Duration::from_secs(1);
        }
        throughput.time_of(1_000)
    }

    #[test]
    fn it_follows_what_is_written_in_crowds() {
        assert_eq!(after(0, 0, 0), Duration::from_millis(100));
        let slow = after(100, 100, 100);
        assert!(
            slow.abs_diff(Duration::from_secs(1)) < Duration::from_millis(10),
            "{slow:?}"
        );
        // Small groups say nothing of what the database takes.
        assert_eq!(after(1_000, 1, 10), Duration::from_millis(100));
    }

    #[test]
    fn groups_beside_each_other_share_their_time() {
        let mut throughput = Throughput::default();
        let mut now = Instant::now();
        throughput.begin(now);
        for _ in 0..200 {
            throughput.begin(now);
            now += Duration::from_millis(50);
            throughput.end(100, false, now);
        }
        let time = throughput.time_of(1_000);
        assert!(
            time.abs_diff(Duration::from_millis(500)) < Duration::from_millis(5),
            "{time:?}"
        );
    }

    #[test]
    fn one_slow_window_does_not_close_the_door() {
        assert!(after(1, 100, 1_000) < Duration::from_millis(200));
    }
}

//! When sessions begin: a rate that follows a profile, and moments drawn from it.

use std::time::Duration;

use clap::ValueEnum;
use rand::Rng as _;
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

/// What part of the full rate begins before and after a spike.
const QUIET: f64 = 0.1;

/// How the rate at which sessions begin changes over the test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Profile {
    /// From nothing to the full rate in the first half, then held
    Ramp,
    /// A tenth of the full rate, all of it in the middle third, then a tenth again
    Spike,
}

/// A part of the test, in which the rate changes evenly.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Phase {
    pub(crate) name: &'static str,
    /// From the start of the test.
    pub(crate) from: Duration,
    pub(crate) until: Duration,
    /// Sessions a second at both ends.
    rate: (f64, f64),
}

impl Profile {
    /// The phases of a test that long, one after another, with `rate` sessions a second at most.
    pub(crate) fn phases(self, length: Duration, rate: f64) -> Vec<Phase> {
        let parts: &[(&'static str, f64, f64)] = match self {
            Self::Ramp => &[("rise", 0.0, rate), ("full rate", rate, rate)],
            Self::Spike => &[
                ("before", QUIET * rate, QUIET * rate),
                ("spike", rate, rate),
                ("after", QUIET * rate, QUIET * rate),
            ],
        };
        let count = u32::try_from(parts.len()).unwrap_or(1);
        let phase = |(number, (name, first, last)): (u32, &(&'static str, f64, f64))| Phase {
            name,
            from: length * number / count,
            until: length * (number + 1) / count,
            rate: (*first, *last),
        };
        (0..).zip(parts).map(phase).collect()
    }
}

impl Phase {
    /// How many sessions are expected to begin.
    pub(crate) fn expected(&self) -> f64 {
        f64::midpoint(self.rate.0, self.rate.1) * self.length().as_secs_f64()
    }

    /// How long it takes.
    pub(crate) fn length(&self) -> Duration {
        self.until - self.from
    }

    /// The moments at which sessions begin, in order: of those that a Poisson process at the highest
    /// rate gives, each is kept with the part of that rate which holds then.
    fn arrivals(&self, rng: &mut ChaCha8Rng) -> Vec<Duration> {
        let (first, last) = self.rate;
        let highest = first.max(last);
        let length = self.length().as_secs_f64();
        let (mut at, mut kept) = (0.0, Vec::new());
        loop {
            // `random` may give 0 but never 1.
            at -= libm::log(1.0 - rng.random::<f64>()) / highest;
            if at >= length {
                return kept;
            }
            let rate = first + (last - first) * at / length;
            if rng.random::<f64>() * highest < rate {
                kept.push(self.from + Duration::from_secs_f64(at));
            }
        }
    }
}

/// The moments of all phases, in order.
pub(crate) fn arrivals(phases: &[Phase], rng: &mut ChaCha8Rng) -> Vec<Duration> {
    phases
        .iter()
        .flat_map(|phase| phase.arrivals(rng))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::seed::Seed;

    const LENGTH: Duration = Duration::from_secs(300);

    fn counted(profile: Profile) -> Vec<(f64, f64)> {
        let phases = profile.phases(LENGTH, 40.0);
        let moments = arrivals(&phases, &mut Seed(1).stream("arrivals"));
        assert!(moments.is_sorted());
        let within = |phase: &Phase| {
            moments
                .iter()
                .filter(|at| (phase.from..phase.until).contains(*at))
                .count() as f64
        };
        assert_eq!(
            phases.iter().map(within).sum::<f64>(),
            moments.len() as f64,
            "each moment lies in a phase"
        );
        phases
            .iter()
            .map(|phase| (within(phase), phase.expected()))
            .collect()
    }

    #[test]
    fn as_many_begin_as_the_profile_says() {
        for profile in [Profile::Ramp, Profile::Spike] {
            for (count, expected) in counted(profile) {
                // Six standard deviations of a Poisson count.
                assert!(
                    (count - expected).abs() < 6.0 * expected.sqrt(),
                    "{profile:?}: {count} for {expected}"
                );
            }
        }
    }

    #[test]
    fn phases_follow_each_other_to_the_end() {
        for profile in [Profile::Ramp, Profile::Spike] {
            let phases = profile.phases(LENGTH, 40.0);
            assert_eq!(phases[0].from, Duration::ZERO);
            assert_eq!(phases[phases.len() - 1].until, LENGTH);
            assert!(phases.windows(2).all(|two| two[0].until == two[1].from));
        }
    }

    #[test]
    fn a_ramp_rises() {
        let phases = Profile::Ramp.phases(LENGTH, 40.0);
        let moments = phases[0].arrivals(&mut Seed(1).stream("arrivals"));
        let half = LENGTH / 4;
        let early = moments.iter().filter(|at| **at < half).count();
        assert!(
            early * 2 < moments.len() - early,
            "{early} of {}",
            moments.len()
        );
    }
}

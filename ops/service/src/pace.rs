//! How many requests a caller may make: a bucket of tokens each, in this process.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Buckets that are kept before the full ones are looked for: some ten kilobytes.
const SWEEP_FROM: usize = 1024;

/// The buckets of all callers.
#[derive(Debug)]
pub struct Pace {
    /// The time in which a request is earned.
    every: Duration,
    /// The time in which an empty bucket is full.
    burst: Duration,
    /// Keys of its own: nobody can make the keys of two callers meet.
    hasher: RandomState,
    buckets: Mutex<Buckets>,
}

#[derive(Debug)]
struct Buckets {
    /// When a caller's bucket is full again. One that is full need not be here.
    full_at: HashMap<u64, Instant>,
    /// How many there are before the full ones are looked for.
    sweep_at: usize,
}

impl Pace {
    /// So many requests a second, and `burst` (at least one) at once after a pause. None where no
    /// request a second is set: no limit.
    #[must_use]
    pub fn new(requests_per_s: u32, burst: u32) -> Option<Self> {
        let every = Duration::from_secs(1).checked_div(requests_per_s)?;
        Some(Self {
            every,
            burst: every.saturating_mul(burst.max(1)),
            hasher: RandomState::new(),
            buckets: Mutex::new(Buckets {
                full_at: HashMap::new(),
                sweep_at: SWEEP_FROM,
            }),
        })
    }

    /// Takes a request out of the caller's bucket; where there is none, tells in what time there is.
    pub fn take(&self, caller: &str, now: Instant) -> Result<(), Duration> {
        let caller = self.hasher.hash_one(caller);
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let before = buckets.full_at.get(&caller).copied();
        let full_at = before.map_or(now, |before| before.max(now)) + self.every;
        let wait = (full_at - now).saturating_sub(self.burst);
        if !wait.is_zero() {
            return Err(wait);
        }
        buckets.full_at.insert(caller, full_at);
        buckets.sweep(now);
        Ok(())
    }
}

impl Buckets {
    /// Drops the full ones, when there are twice as many as the last time left.
    fn sweep(&mut self, now: Instant) {
        if self.full_at.len() >= self.sweep_at {
            self.full_at.retain(|_, full_at| *full_at > now);
            self.sweep_at = SWEEP_FROM.max(2 * self.full_at.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_caller_has_a_burst_and_then_the_rate() {
        let pace = Pace::new(10, 3).expect("a limit");
        let start = Instant::now();
        for (at, taken) in [
            (0, Ok(())),
            (0, Ok(())),
            (0, Ok(())),
            (0, Err(ms(100))),
            (60, Err(ms(40))),
            (100, Ok(())),
            (100, Err(ms(100))),
            // After a pause the burst again, and no more.
            (5_000, Ok(())),
            (5_000, Ok(())),
            (5_000, Ok(())),
            (5_000, Err(ms(100))),
        ] {
            assert_eq!(pace.take("a", start + ms(at)), taken, "after {at} ms");
        }
        assert_eq!(pace.take("b", start), Ok(()), "each caller has a bucket");
    }

    #[test]
    fn no_rate_is_no_limit_and_one_request_always_passes() {
        assert!(Pace::new(0, 5).is_none());
        let pace = Pace::new(1, 0).expect("a limit");
        assert_eq!(pace.take("a", Instant::now()), Ok(()));
    }

    #[test]
    fn full_buckets_are_dropped() {
        let pace = Pace::new(1_000, 1).expect("a limit");
        let start = Instant::now();
        for n in 0..100_000_u64 {
            pace.take(&n.to_string(), start + ms(n)).expect("the first");
        }
        let kept = pace.buckets.lock().expect("not poisoned").full_at.len();
        assert!(kept <= SWEEP_FROM, "{kept}");
    }
}

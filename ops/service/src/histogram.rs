//! Latencies: counted in buckets that are 3 % wide, so that any number of them takes a few kilobytes.

use std::time::Duration;

/// Buckets per doubling.
const PER_DOUBLING: u64 = 32;

/// Counts of latencies, from a microsecond on.
#[derive(Clone, Debug, Default)]
pub struct Histogram {
    counts: Vec<u64>,
    total: u64,
}

impl Histogram {
    /// Counts one.
    pub fn record(&mut self, latency: Duration) {
        let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        let bucket = bucket(micros);
        if self.counts.len() <= bucket {
            self.counts.resize(bucket + 1, 0);
        }
        self.counts[bucket] += 1;
        self.total += 1;
    }

    /// Counts those of another, too.
    pub fn add(&mut self, other: &Self) {
        if self.counts.len() < other.counts.len() {
            self.counts.resize(other.counts.len(), 0);
        }
        for (mine, theirs) in self.counts.iter_mut().zip(&other.counts) {
            *mine += theirs;
        }
        self.total += other.total;
    }

    /// How many were counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.total
    }

    /// The latency that so many of a thousand do not exceed (990: p99), in milliseconds, at most 3 %
    /// above the true one; 0 when nothing was counted.
    #[must_use]
    pub fn quantile_ms(&self, of_thousand: u64) -> f64 {
        let wanted = (self.total * of_thousand).div_ceil(1_000).max(1);
        let mut seen = 0;
        for (bucket, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= wanted {
                return Duration::from_micros(upper(bucket)).as_secs_f64() * 1e3;
            }
        }
        0.0
    }
}

/// Below 64 µs a bucket is a microsecond; then each doubling has 32.
fn bucket(micros: u64) -> usize {
    let shift = u64::from(micros.max(1).ilog2().saturating_sub(PER_DOUBLING.ilog2()));
    usize::try_from(shift * PER_DOUBLING + (micros >> shift)).unwrap_or(usize::MAX)
}

/// The longest latency of a bucket, in microseconds.
fn upper(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    let shift = (bucket / PER_DOUBLING).saturating_sub(1);
    ((bucket - shift * PER_DOUBLING + 1) << shift) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_latency_lies_in_a_bucket_that_is_hardly_wider() {
        for micros in (0..5_000).chain([65_535, 65_536, 1_000_000, 60_000_000]) {
            let top = upper(bucket(micros));
            assert!(top >= micros, "{micros} is above {top}");
            assert!(top - micros <= micros / 32, "{micros} is far below {top}");
        }
    }

    #[test]
    fn quantiles_are_those_of_what_was_counted() {
        let mut even = Histogram::default();
        let mut odd = Histogram::default();
        for micros in 1..=1_000 {
            let half = if micros % 2 == 0 { &mut even } else { &mut odd };
            half.record(Duration::from_micros(micros));
        }
        even.add(&odd);
        assert_eq!(even.count(), 1_000);
        for (of_thousand, wanted) in [(500, 0.5), (990, 0.99), (1_000, 1.0)] {
            let found = even.quantile_ms(of_thousand);
            assert!(
                (wanted..=wanted * 1.04).contains(&found),
                "{of_thousand}: {found}"
            );
        }
        assert_eq!(Histogram::default().quantile_ms(500), 0.0);
    }
}

//! Structured logs. A line holds stable field names and no personal data.

use std::io::{IsTerminal as _, stderr};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use tracing_subscriber::EnvFilter;

use crate::config::{LogFormat, LogSettings};

/// Sends `tracing` events to standard error, as text or as one JSON object a line. Text has colours where a person
/// reads it: on a terminal, unless `NO_COLOR` is set.
///
/// A second call in one process does nothing (tests start several services).
pub fn init(settings: &LogSettings) {
    let filter = EnvFilter::try_new(&settings.level).unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(stderr)
        // It would tell standard error that nothing can be written there, as with a full disk, and panic.
        .log_internal_errors(false);
    // On a terminal the subscriber asks `NO_COLOR`, unless it is told.
    let builder = if stderr().is_terminal() {
        builder
    } else {
        builder.with_ansi(false)
    };
    // An error means that a subscriber is set already, which is what was wanted.
    let _ = match settings.format {
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
        LogFormat::Text => builder.with_target(false).try_init(),
    };
}

/// What may happen a thousand times a second, and is worth one line.
#[derive(Debug)]
pub struct Often {
    /// What seconds are counted from.
    start: OnceLock<Instant>,
    /// The second of the next line.
    next: AtomicU64,
    /// How often it happened since the last.
    count: AtomicU64,
}

impl Often {
    /// It has not happened yet.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "it is for statics")]
    pub const fn new() -> Self {
        Self {
            start: OnceLock::new(),
            next: AtomicU64::new(0),
            count: AtomicU64::new(0),
        }
    }

    /// It happened; once a second it tells how often it did since it told last.
    pub fn happened(&self) -> Option<u64> {
        self.count.fetch_add(1, Ordering::Relaxed);
        let now = self.start.get_or_init(Instant::now).elapsed().as_secs();
        let next = self.next.load(Ordering::Relaxed);
        if now < next {
            return None;
        }
        // Of those who come at the same time one tells.
        self.next
            .compare_exchange(next, now + 1, Ordering::Relaxed, Ordering::Relaxed)
            .ok()
            .map(|_| self.count.swap(0, Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happens_often_is_told_once_and_counted() {
        let often = Often::new();
        assert_eq!(often.happened(), Some(1));
        let told: u64 = (0..100).filter_map(|_| often.happened()).sum();
        let left = often.count.load(Ordering::Relaxed);
        assert_eq!(told + left, 100);
        assert!(left > 0, "not every time");
    }
}

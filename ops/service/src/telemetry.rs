//! Structured logs. A line holds stable field names and no personal data.

use tracing_subscriber::EnvFilter;

use crate::config::{LogFormat, LogSettings};

/// Sends `tracing` events to standard error, as text or as one JSON object a line.
///
/// A second call in one process does nothing (tests start several services).
pub fn init(settings: &LogSettings) {
    let filter = EnvFilter::try_new(&settings.level).unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    // An error means that a subscriber is set already, which is what was wanted.
    let _ = match settings.format {
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
        LogFormat::Text => builder.with_target(false).try_init(),
    };
}

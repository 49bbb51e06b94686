//! The same plan on other machines: its parts are handed out to processes of ours, `sillage worker`, which read
//! the lake's files themselves and send folded persons back.
//!
//! A part is what it is here: all answers of some buckets, folded by [`FoldExec`](super::operator::FoldExec). It
//! crosses the wire as a physical plan of `datafusion-distributed`, in one stage of one task, with no exchange
//! between workers. What answers are folded with, `Known`, is the same for all parts and crosses apart
//! (`wire`). `schedule` hands parts out, again where a worker failed, and here at last; `channel` is how workers
//! are spoken to, in `frames`; `codec` says our operator as bytes; `worker` is the other end.
//!
//! Nothing is believed of a worker that is not checked here: that it is of the same code before it gets a part, that no
//! person comes twice, and, by [`Recompute::usage`](super::Recompute::usage), that all answers were folded.

mod channel;
mod codec;
mod frames;
mod schedule;
mod wire;
mod worker;

#[cfg(test)]
mod tests;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ::lake::Lake;
use ::mastery::Model;
use schemas::tables::BUCKETS;

use super::{Beside, Recompute, RecomputeError, plan};
use crate::config::{AnalyticsConfig, AnalyticsSettings};
use crate::jobs::rows::Run;
use crate::lake::Answers;
use channel::Channels;

pub use schedule::Progress;
pub use worker::{Worker, WorkerError};

/// Bytes of a token at least.
const TOKEN_BYTES: usize = 32;

/// Parts for each thread of the workers: what is lost with a worker, and what one that is slow holds up, is one
/// of them.
const PARTS_A_THREAD: usize = 2;

/// Why the workers of the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum WorkersError {
    /// One of them is no address.
    #[error("analytics.workers: {0} is not an address like host:port")]
    Address(String),
    /// No token is named.
    #[error("analytics.worker_token_file: workers need a token")]
    NoToken,
    /// The token is not there.
    #[error("analytics.worker_token_file: could not read {0}")]
    Token(PathBuf, #[source] io::Error),
    /// The token is none.
    #[error("analytics.worker_token_file: {0} must hold at least {TOKEN_BYTES} bytes")]
    BadToken(PathBuf),
}

/// Whether the settings can be used, as far as they tell by themselves.
pub(crate) fn check(settings: &AnalyticsSettings) -> Result<(), WorkersError> {
    let urls = channel::addresses(&settings.workers)?;
    if !urls.is_empty() && settings.worker_token_file.is_empty() {
        return Err(WorkersError::NoToken);
    }
    Ok(())
}

/// The workers of the settings.
#[derive(Debug)]
pub struct Workers {
    channels: Channels,
    silence_max: Duration,
}

impl Workers {
    /// Those of the settings; none where there are none.
    ///
    /// # Errors
    /// When one is no address, or their token cannot be read.
    pub fn of(config: &AnalyticsConfig) -> Result<Option<Self>, WorkersError> {
        let urls = channel::addresses(&config.analytics.workers)?;
        if urls.is_empty() {
            return Ok(None);
        }
        let token = channel::token(config)?;
        let silence = config.analytics.worker_silence_max_s.max(1);
        Ok(Some(Self {
            channels: Channels::new(urls, token),
            silence_max: Duration::from_secs(silence),
        }))
    }
}

impl Recompute {
    /// Starts the plan over a version of the table on those workers that answer and are of the same code; here
    /// where there is none. `lake` is where the table lies.
    ///
    /// # Errors
    /// As [`Recompute::start`], and when the lake cannot be written.
    pub async fn on_workers(
        answers: Answers,
        lake: &Lake,
        model: Arc<Model>,
        run: Run,
        beside: Beside,
        workers: Workers,
    ) -> Result<Self, RecomputeError> {
        let found = workers.channels.find().await;
        if found.is_empty() {
            tracing::warn!("no worker can be used: the recomputation runs here alone");
            return Self::start(answers, model, run, beside).await;
        }
        let Answers { session, table, .. } = answers;
        let (known, waiting) = super::known(&session, model, run, beside)?;
        let threads: usize = found.iter().map(|worker| worker.threads).sum();
        let parts = (threads * PARTS_A_THREAD).min(usize::try_from(BUCKETS).unwrap_or(1));
        let parts = plan::parts(&session, &table, &known, parts).await?;
        let shown = super::shown(&plan::together(parts.clone())?);
        let (stream, progress) =
            schedule::start(&session, lake, &known, parts, found, workers).await?;
        Ok(Self {
            progress: Some(progress),
            ..Self::of(session, stream, known, shown, waiting)
        })
    }

    /// Which parts were folded where; none where workers were not asked, or none could be used.
    #[must_use]
    pub fn progress(&self) -> Option<&Progress> {
        self.progress.as_deref()
    }
}

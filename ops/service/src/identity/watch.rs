//! Word of changed credentials, on a connection of its own per process.

use std::convert::Infallible;
use std::time::{Duration, Instant};

use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::Credentials;
use crate::error::chain;
use crate::pg::{Channel, ChannelError, Listening};

/// What `service.tell_credential` calls; its word is the key.
const CHANNEL: &str = "sillage_credentials";

/// Time between two looks whether the connection still hears, and how long an answer may take. A
/// connection that died in silence is found out by the second look at the latest, and until the
/// third at most what is remembered is trusted: within [`super::credentials::BLIND`].
const BEAT: Duration = Duration::from_secs(1);
const BEAT_WITHIN: Duration = Duration::from_secs(2);
const HEARS_FOR: Duration = Duration::from_secs(3);

/// Pauses before it tries again.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Hears of changed credentials and forgets them, until `shutdown`. A lost connection is made
/// again; meanwhile nothing is trusted for long.
pub async fn watch(credentials: Credentials, channel: Channel, shutdown: CancellationToken) {
    let mut pause = FIRST_PAUSE;
    loop {
        let began = Instant::now();
        let error = tokio::select! {
            () = shutdown.cancelled() => return,
            ended = hear(&credentials, &channel) => match ended {
                Ok(never) => match never {},
                Err(error) => error,
            },
        };
        credentials.is_deaf();
        tracing::warn!(error = %chain(&error), "changes of credentials are not heard of; they are read again every few seconds");
        if began.elapsed() > LONGEST_PAUSE {
            pause = FIRST_PAUSE;
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = sleep(pause) => pause = (pause * 2).min(LONGEST_PAUSE),
        }
    }
}

/// Hears until the connection is lost.
async fn hear(credentials: &Credentials, channel: &Channel) -> Result<Infallible, ChannelError> {
    let mut listening = channel.listen(CHANNEL).await?;
    credentials.hears(Instant::now() + HEARS_FOR);
    let Listening { client, words } = &mut listening;
    let hearing = async {
        while let Some(key) = words.recv().await {
            credentials.changed(&key);
        }
        ChannelError::Lost
    };
    let beating = async {
        let mut beat = interval(BEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            beat.tick().await;
            let asked = Instant::now();
            match timeout(BEAT_WITHIN, client.beat()).await {
                Ok(Ok(())) => credentials.hears_on(asked + HEARS_FOR),
                Ok(Err(error)) => return error,
                Err(_) => return ChannelError::Lost,
            }
        }
    };
    Err(tokio::select! {
        error = hearing => error,
        error = beating => error,
    })
}

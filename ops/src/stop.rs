//! How the operator says stop.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// The first SIGTERM, Ctrl-C or hang-up asks for an orderly stop, the second for a quick one.
#[derive(Clone, Debug)]
pub(crate) struct Stop {
    orderly: CancellationToken,
    quick: CancellationToken,
}

impl Stop {
    /// Listens to the signals from now on.
    pub(crate) fn on_signals() -> std::io::Result<Self> {
        let stop = Self {
            orderly: CancellationToken::new(),
            quick: CancellationToken::new(),
        };
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        // Under nohup the terminal's end is nobody's business: listening would undo that.
        let mut hangup = match ignores_hangup() {
            true => None,
            false => Some(signal(SignalKind::hangup())?),
        };
        let told = stop.clone();
        tokio::spawn(async move {
            for token in [told.orderly, told.quick] {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                    () = next(hangup.as_mut()) => {}
                }
                token.cancel();
            }
        });
        Ok(stop)
    }

    /// Ends when an orderly stop was asked for.
    pub(crate) async fn asked(&self) {
        self.orderly.cancelled().await;
    }

    /// Ends when nobody wants to wait any more.
    pub(crate) async fn asked_again(&self) {
        self.quick.cancelled().await;
    }

    /// The orderly stop, for those who look at it in between.
    pub(crate) fn token(&self) -> &CancellationToken {
        &self.orderly
    }
}

async fn next(signal: Option<&mut Signal>) {
    match signal {
        Some(signal) => {
            signal.recv().await;
        }
        None => std::future::pending().await,
    }
}

/// Whether this process was started to ignore SIGHUP, the first bit of the mask.
fn ignores_hangup() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .is_some_and(|mask| mask & 1 == 1)
}

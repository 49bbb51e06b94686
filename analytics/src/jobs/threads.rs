//! Threads of a job's own. What answers requests and drives the connections to the database has its
//! own ones, which no sort and no fold holds up; and a job takes no more processors than it was given.

use std::io;
use std::num::NonZero;
use std::thread::available_parallelism;

use tokio::runtime::{Builder, Handle, Runtime};

/// A runtime that may be dropped anywhere: within another one, tokio refuses to wait for it.
#[derive(Debug)]
pub(crate) struct Threads(Option<Runtime>);

impl Threads {
    /// So many threads.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(crate) fn start(count: usize) -> io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(count.max(1))
            .thread_name("recompute")
            .enable_all()
            .build()?;
        Ok(Self(Some(runtime)))
    }

    /// Where to spawn what runs on them; none once they are gone.
    pub(crate) fn handle(&self) -> Option<&Handle> {
        self.0.as_ref().map(Runtime::handle)
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// What the setting means: 0 is one per core.
pub(crate) fn count(setting: usize) -> usize {
    match setting {
        0 => available_parallelism().map_or(1, NonZero::get),
        some => some,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn there_are_as_many_as_were_asked_for_and_they_may_go_anywhere() {
        for wanted in [1, 3] {
            let threads = Threads::start(count(wanted)).unwrap();
            let handle = threads.handle().unwrap();
            assert_eq!(handle.metrics().num_workers(), wanted);
            let name = handle.spawn(async { std::thread::current().name().map(str::to_owned) });
            assert_eq!(name.await.unwrap().as_deref(), Some("recompute"));
        }
        assert!(count(0) >= 1);
    }
}

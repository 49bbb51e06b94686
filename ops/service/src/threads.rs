//! Threads for work that nobody waits for at the door.
//!
//! What answers requests and writes statements has threads of its own, which no sort and no fold holds up. The
//! others step back where processors are scarce.

use std::io;
use std::num::NonZero;
use std::thread::available_parallelism;

use rustix::process::setpriority_process;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::JoinError;

/// How far these threads step back (`nice(2)`; on Linux it is a thread's own): they get a tenth of a processor
/// that others want, and all of one that nobody wants.
const NICE: i32 = 10;

/// A runtime that may be dropped anywhere: within another one, tokio refuses to wait for it.
#[derive(Debug)]
pub struct Threads {
    handle: Handle,
    /// Taken when it is dropped.
    runtime: Option<Runtime>,
}

impl Threads {
    /// So many threads of this name.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(name: &str, count: usize) -> io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(count.max(1))
            .thread_name(name)
            .on_thread_start(|| {
                // Where that is refused they are in the way, and nothing worse.
                let _ = setpriority_process(None, NICE);
            })
            .enable_all()
            .build()?;
        Ok(Self {
            handle: runtime.handle().clone(),
            runtime: Some(runtime),
        })
    }

    /// Where to spawn what runs on them.
    #[must_use]
    pub fn handle(&self) -> &Handle {
        &self.handle
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Why nothing came of what was to run on threads of its own.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    /// The system gives no thread.
    #[error("could not start its threads")]
    Start(#[source] io::Error),
    /// It panicked, or the process ends.
    #[error("it was interrupted")]
    Interrupted(#[from] JoinError),
}

/// What came of a task, on so many threads of its own, which go with it.
pub async fn run<T: Send + 'static>(
    name: &str,
    count: usize,
    task: impl Future<Output = T> + Send + 'static,
) -> Result<T, Broken> {
    let threads = Threads::start(name, count).map_err(Broken::Start)?;
    Ok(threads.handle().spawn(task).await?)
}

/// What a setting means: 0 is one per core.
#[must_use]
pub fn count(setting: usize) -> usize {
    match setting {
        0 => available_parallelism().map_or(1, NonZero::get),
        some => some,
    }
}

#[cfg(test)]
mod tests {
    use rustix::process::getpriority_process;

    use super::*;

    #[tokio::test]
    async fn there_are_as_many_as_were_asked_for_and_they_step_back_and_may_go_anywhere() {
        for wanted in [1, 3] {
            let threads = Threads::start("beside", count(wanted)).unwrap();
            assert_eq!(threads.handle().metrics().num_workers(), wanted);
            let seen = threads.handle().spawn(async {
                let name = std::thread::current().name().map(str::to_owned);
                (name, getpriority_process(None).unwrap())
            });
            let (name, priority) = seen.await.unwrap();
            assert_eq!(name.as_deref(), Some("beside"));
            assert!(priority >= NICE, "{priority}");
        }
        assert!(count(0) >= 1);
    }

    #[tokio::test]
    async fn a_task_gives_what_it_came_to_or_that_it_broke_off() {
        let name = async || std::thread::current().name().map(str::to_owned);
        let ran_on = run("alone", 1, name()).await.unwrap();
        assert_eq!(ran_on.as_deref(), Some("alone"));
        let panicking = async { panic!("it was meant to") };
        let panicked: Result<(), _> = run("alone", 1, panicking).await;
        assert!(matches!(panicked, Err(Broken::Interrupted(_))));
    }
}

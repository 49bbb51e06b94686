//! What a process does besides answering: some of it waited for at the door, some not.

use std::future::Future;
use std::io;

use tokio::task::{JoinError, JoinSet};

use crate::threads::{Threads, count};

/// Tasks that run until they are told to end.
#[derive(Debug)]
pub struct Background {
    tasks: JoinSet<anyhow::Result<()>>,
    // Dropped after the tasks.
    beside: Threads,
}

impl Background {
    /// None yet.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start() -> io::Result<Self> {
        Ok(Self {
            tasks: JoinSet::new(),
            beside: Threads::start("beside", count(0))?,
        })
    }

    /// Runs what requests wait for, on the threads of the caller.
    pub fn spawn(&mut self, task: impl Future<Output = anyhow::Result<()>> + Send + 'static) {
        self.tasks.spawn(task);
    }

    /// Runs what no request waits for, on threads that step back.
    pub fn spawn_beside(
        &mut self,
        task: impl Future<Output = anyhow::Result<()>> + Send + 'static,
    ) {
        self.tasks.spawn_on(task, self.beside.handle());
    }

    /// The next one that ended; none when all have.
    pub async fn ended(&mut self) -> Option<Result<anyhow::Result<()>, JoinError>> {
        self.tasks.join_next().await
    }
}

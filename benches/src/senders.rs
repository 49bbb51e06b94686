//! Who sends what `sillage up` is asked at once: pupils who post, teachers and applications who read.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::ensure;
use futures::future::try_join_all;
use serde::Deserialize;
use tokio::runtime::Handle;

use crate::administration::Administration;
use crate::apart::Apart;
use crate::load::{Reply, Sender};
use crate::national::Statements;
use crate::talk::Talk;

/// All that is posted in a run, in the order of its times.
pub type Supply = Arc<Mutex<Statements>>;

/// Posts the next statement of all, whoever's it is.
#[derive(Debug)]
pub struct Pupil {
    talk: Talk,
    supply: Supply,
    text: String,
}

/// Reads one thing after another.
#[derive(Debug)]
pub struct Reader {
    talk: Talk,
    paths: Arc<Vec<String>>,
}

/// Pupils on so many connections, driven by the threads of the load.
pub async fn pupils(
    server: &Apart,
    load: &Handle,
    connections: usize,
    supply: &Supply,
) -> anyhow::Result<Vec<Pupil>> {
    let talks = (0..connections).map(|_| talk(server, load));
    let pupil = |talk| Pupil {
        talk,
        supply: Arc::clone(supply),
        text: String::with_capacity(4 * 1024),
    };
    Ok(try_join_all(talks).await?.into_iter().map(pupil).collect())
}

/// Readers of these paths on so many connections.
pub async fn readers(
    server: &Apart,
    load: &Handle,
    connections: usize,
    paths: Vec<String>,
) -> anyhow::Result<Vec<Reader>> {
    ensure!(!paths.is_empty(), "there is nothing to read");
    let paths = Arc::new(paths);
    let talks = (0..connections).map(|_| talk(server, load));
    let reader = |talk| Reader {
        talk,
        paths: Arc::clone(&paths),
    };
    Ok(try_join_all(talks).await?.into_iter().map(reader).collect())
}

/// A connection that is driven by the threads of the load.
async fn talk(server: &Apart, load: &Handle) -> anyhow::Result<Talk> {
    let (address, authorization) = (server.address(), server.authorization().to_owned());
    let talk = async move { Talk::at(address, &authorization).await };
    load.spawn(talk).await?
}

/// The views of all classes.
pub async fn class_views(administration: &Administration) -> anyhow::Result<Vec<String>> {
    #[derive(Deserialize)]
    struct Class {
        key: String,
    }
    #[derive(Deserialize)]
    struct Classes {
        classes: Vec<Class>,
    }
    let known: Classes = administration.get("/api/v1/classes").await?;
    let path = |class: Class| format!("/api/v1/classes/{}/mastery", class.key);
    Ok(known.classes.into_iter().map(path).collect())
}

/// The supply, for a moment.
pub fn lock(supply: &Supply) -> MutexGuard<'_, Statements> {
    supply.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Sender for Pupil {
    async fn send(&mut self, _number: usize) -> anyhow::Result<Reply> {
        self.text.clear();
        lock(&self.supply).write(&mut self.text);
        self.talk.post(self.text.as_bytes()).await?;
        Ok(Reply::Stored)
    }
}

impl Sender for Reader {
    async fn send(&mut self, number: usize) -> anyhow::Result<Reply> {
        self.talk
            .get(&self.paths[number % self.paths.len()])
            .await?;
        Ok(Reply::Stored)
    }
}

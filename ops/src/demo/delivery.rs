//! How the statements of the fortnight reach the service: who sends what, in which requests, over
//! which connection, and what comes late, out of order and twice.

use std::collections::HashMap;
use std::time::Instant;

use bytes::{BufMut, Bytes, BytesMut};
use futures::future::try_join_all;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use uuid::Uuid;

use super::play::Batch;
use super::seed::chance;
use super::statements::Ready;
use crate::client::{Body, Client, ClientError};

/// Connections that the demo keeps open, as a busy front-end's servers do.
const CONNECTIONS: usize = 8;

/// Share of the attempts whose statements are sent one by one, as they happen.
const ONE_BY_ONE: f64 = 0.25;

/// Most statements in one request of a device that comes back.
const SYNCHRONISED_AT_ONCE: usize = 50;

/// One request.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) ids: Vec<String>,
    pub(crate) body: Bytes,
    /// A single statement is put under its id; several are posted as an array.
    pub(crate) single: bool,
}

impl Request {
    pub(crate) fn single(statement: &Ready) -> Self {
        Self {
            ids: vec![statement.id.clone()],
            body: statement.json.clone(),
            single: true,
        }
    }

    /// An array of statements.
    pub(crate) fn array<'a>(statements: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Self {
        let mut ids = Vec::new();
        let mut body = BytesMut::new();
        for (id, json) in statements {
            body.put_u8(if ids.is_empty() { b'[' } else { b',' });
            body.put_slice(json);
            ids.push(id.to_owned());
        }
        body.put_u8(b']');
        Self {
            ids,
            body: body.freeze(),
            single: false,
        }
    }

    pub(crate) fn of<'a>(statements: impl IntoIterator<Item = &'a Ready>) -> Self {
        Self::array(
            statements
                .into_iter()
                .map(|statement| (statement.id.as_str(), statement.json.as_ref())),
        )
    }

    async fn send(self, client: &Client) -> Result<u64, ClientError> {
        let count = self.ids.len() as u64;
        let body = Body::json_bytes(self.body);
        match self.ids.as_slice() {
            [id] if self.single => client.put_statement(id, body).await?,
            ids => client.post_statements(ids, body).await?,
        }
        Ok(count)
    }
}

/// Requests in an order that each connection keeps. One device always uses the same connection.
#[derive(Debug)]
pub(crate) struct Queues(Vec<Vec<Request>>);

impl Queues {
    /// As many empty queues.
    pub(crate) fn new(connections: usize) -> Self {
        Self((0..connections).map(|_| Vec::new()).collect())
    }

    /// Puts a request at the end of the queue of `sender`.
    pub(crate) fn push(&mut self, sender: usize, request: Request) {
        let queues = self.0.len();
        self.0[sender % queues].push(request);
    }

    /// Sends everything and waits for every acknowledgement.
    pub(crate) async fn send(
        self,
        client: &Client,
        bar: &ProgressBar,
    ) -> Result<Sent, ClientError> {
        send_lanes(self.0, client, bar).await
    }
}

/// Sends each lane's requests in order, the lanes at the same time, and waits for every
/// acknowledgement.
pub(crate) async fn send_lanes<L>(
    lanes: impl IntoIterator<Item = L>,
    client: &Client,
    bar: &ProgressBar,
) -> Result<Sent, ClientError>
where
    L: IntoIterator<Item = Request>,
{
    let begun = Instant::now();
    let lane = |requests: L| async move {
        let mut sent = Sent::default();
        for request in requests {
            let count = request.send(client).await?;
            sent.statements += count;
            sent.requests += 1;
            bar.inc(count);
        }
        Ok::<_, ClientError>(sent)
    };
    let mut total = Sent::default();
    for sent in try_join_all(lanes.into_iter().map(lane)).await? {
        total.add(&sent);
    }
    total.seconds = begun.elapsed().as_secs_f64();
    Ok(total)
}

/// What was sent and acknowledged, repetitions by the front-end included, those by the client not.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sent {
    pub(crate) statements: u64,
    pub(crate) requests: u64,
    pub(crate) seconds: f64,
}

impl Sent {
    /// Adds what another stage sent.
    pub(crate) fn add(&mut self, other: &Self) {
        self.statements += other.statements;
        self.requests += other.requests;
        self.seconds += other.seconds;
    }
}

/// The fortnight as three stages, each of which begins when the one before is acknowledged.
#[derive(Debug)]
pub(crate) struct Stages {
    pub(crate) online: Queues,
    pub(crate) late: Queues,
    pub(crate) voiding: Queues,
    /// How many statements are sent, those sent twice counted twice.
    pub(crate) total: u64,
    /// How many of them are distinct.
    pub(crate) distinct: u64,
    /// How many come late, out of order and twice.
    pub(crate) late_count: u64,
}

impl Stages {
    /// Lays the batches out: at once from devices with a network; at the end, shuffled and twice,
    /// from those without; the voiding last.
    pub(crate) fn new(mut batches: Vec<Batch>, voiding: &Ready, rng: &mut ChaCha8Rng) -> Self {
        batches.sort_by_key(|batch| {
            batch
                .statements
                .last()
                .map_or(0, |statement| statement.at_ms)
        });
        let distinct = batches
            .iter()
            .map(|batch| batch.statements.len() as u64)
            .sum::<u64>()
            + 1;
        let mut senders = Senders::default();
        let mut online = Queues::new(CONNECTIONS);
        let mut waiting: Vec<(Uuid, Vec<Ready>)> = Vec::new();
        for batch in batches {
            let sender = senders.number(batch.device);
            if !batch.offline {
                push_online(&mut online, sender, &batch.statements, rng);
            } else if let Some((_, kept)) = waiting
                .iter_mut()
                .find(|(device, _)| *device == batch.device)
            {
                kept.extend(batch.statements);
            } else {
                waiting.push((batch.device, batch.statements));
            }
        }
        let late_count = waiting.iter().map(|(_, kept)| kept.len() as u64).sum();
        let late = synchronised(waiting, &mut senders, rng);
        let mut last = Queues::new(1);
        last.push(0, Request::single(voiding));
        Self {
            online,
            late,
            voiding: last,
            total: distinct + late_count,
            distinct,
            late_count,
        }
    }
}

/// Devices numbered in the order of their first statement.
#[derive(Default)]
struct Senders(HashMap<Uuid, usize>);

impl Senders {
    fn number(&mut self, device: Uuid) -> usize {
        let next = self.0.len();
        *self.0.entry(device).or_insert(next)
    }
}

fn push_online(queues: &mut Queues, sender: usize, statements: &[Ready], rng: &mut ChaCha8Rng) {
    if chance(rng, ONE_BY_ONE) {
        for statement in statements {
            queues.push(sender, Request::single(statement));
        }
    } else {
        queues.push(sender, Request::of(statements));
    }
}

/// A device that finds the network again sends what it kept, in any order, and, since it lost the
/// first acknowledgements, all of it once more in another cut.
fn synchronised(
    waiting: Vec<(Uuid, Vec<Ready>)>,
    senders: &mut Senders,
    rng: &mut ChaCha8Rng,
) -> Queues {
    let mut queues = Queues::new(CONNECTIONS);
    for (device, mut kept) in waiting {
        let sender = senders.number(device);
        for size in [SYNCHRONISED_AT_ONCE, SYNCHRONISED_AT_ONCE / 2 + 1] {
            kept.shuffle(rng);
            for part in kept.chunks(size) {
                queues.push(sender, Request::of(part));
            }
        }
    }
    queues
}

/// A bar on standard error where that is a terminal, and nothing elsewhere.
pub(crate) fn progress(total: u64, what: &'static str) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr_with_hz(10));
    let style = ProgressStyle::with_template(
        "{msg} {wide_bar} {human_pos}/{human_len} · {per_sec} · {elapsed}",
    );
    if let Ok(style) = style {
        bar.set_style(style);
    }
    bar.with_message(what)
}

/// A line on standard error that shows a position, where that is a terminal.
pub(crate) fn waiting(what: &'static str) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(10));
    if let Ok(style) = ProgressStyle::with_template("{msg} … {human_pos} · {elapsed}") {
        bar.set_style(style);
    }
    bar.with_message(what)
}

//! Whose accounts the keys are that stand in the lake's statements: written before the rows that need it,
//! to a place apart, and read when statements are put back.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

use ::lake::{Lake, LakeError, LakeTable, Sizes, register, session};
use anyhow::Context as _;
use arrow::array::{
    ArrayRef, AsArray as _, Int32Builder, Int64Builder, RecordBatch, StringBuilder,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use futures::StreamExt as _;
use schemas::ids::AccountKey;
use schemas::tables::{bucket, identities};
use serde_json::{Map, Value};
use tokio::sync::Mutex;

/// Memory of a look at the table.
const LOOK_BYTES: usize = 64 << 20;

/// Commits after which small files are put together.
const COMPACT_EVERY: usize = 50;

/// What of an actor tells who it is.
const TELLING: [&str; 5] = ["mbox", "mbox_sha1sum", "openid", "account", "name"];

/// An account as a statement wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    account: AccountKey,
    seq: i64,
    agent: String,
}

impl Identity {
    /// What an actor with this key says of itself.
    pub(super) fn of(account: AccountKey, seq: i64, actor: &Value) -> Self {
        let told = TELLING.iter().filter_map(|key| {
            let value = actor.get(key)?.clone();
            Some(((*key).to_owned(), value))
        });
        let agent = Value::Object(told.collect::<Map<_, _>>()).to_string();
        Self {
            account,
            seq,
            agent,
        }
    }

    /// What tells it from others; 64 bits, of which the same for two among a million come about once in
    /// forty million installations.
    fn hash(account: &str, agent: &str) -> u64 {
        let mut hasher = DefaultHasher::new();
        (account, agent).hash(&mut hasher);
        hasher.finish()
    }
}

/// The table, and what is known to be in it.
#[derive(Debug)]
pub(super) struct Identities {
    place: Lake,
    open: Mutex<Option<Open>>,
}

#[derive(Debug)]
struct Open {
    table: LakeTable,
    known: HashSet<u64>,
    commits: usize,
}

impl Identities {
    /// Those of a lake.
    pub(super) fn of(lake: &Lake) -> Self {
        Self {
            place: lake.restricted(),
            open: Mutex::default(),
        }
    }

    /// Makes sure that the table tells these. On `Ok` it does, durably.
    pub(super) async fn keep(&self, identities: Vec<Identity>) -> anyhow::Result<()> {
        let mut held = self.open.lock().await;
        // On an error it is dropped: the next look starts from what the table says.
        let mut open = match held.take() {
            Some(open) => open,
            None => self.open().await?,
        };
        let mut new = HashMap::new();
        for identity in identities {
            let hash = Identity::hash(&identity.account.to_string(), &identity.agent);
            if !open.known.contains(&hash) {
                new.insert(hash, identity);
            }
        }
        if !new.is_empty() {
            open.table.refresh().await?;
            open.table.add(rows(new.values())?).await?;
            open.known.extend(new.into_keys());
            open.commits += 1;
            if open.commits.is_multiple_of(COMPACT_EVERY) {
                open.upkeep().await?;
            }
        }
        *held = Some(open);
        Ok(())
    }

    async fn open(&self) -> anyhow::Result<Open> {
        let table = LakeTable::open(&self.place, &identities::TABLE).await?;
        let mut known = HashSet::new();
        each(&table, |account, _, agent| {
            known.insert(Identity::hash(account, agent));
        })
        .await?;
        Ok(Open {
            table,
            known,
            commits: 0,
        })
    }

    /// How these accounts were written last.
    pub(super) async fn find(
        &self,
        accounts: &HashSet<String>,
    ) -> anyhow::Result<HashMap<String, Map<String, Value>>> {
        let mut found: HashMap<String, (i64, String)> = HashMap::new();
        if let Some(table) = LakeTable::existing(&self.place, &identities::TABLE).await? {
            each(&table, |account, seq, agent| {
                let newer = found.get(account).is_none_or(|(known, _)| *known <= seq);
                if newer && accounts.contains(account) {
                    found.insert(account.to_owned(), (seq, agent.to_owned()));
                }
            })
            .await?;
        }
        let read = found.into_iter().map(|(account, (_, agent))| {
            let agent = serde_json::from_str(&agent)?;
            Ok((account, agent))
        });
        read.collect()
    }
}

impl Open {
    async fn upkeep(&mut self) -> Result<(), LakeError> {
        match self.table.compact(Sizes::default()).await {
            // Another process is at it: its turn.
            Ok(_) | Err(LakeError::Raced(_)) => {}
            Err(error) => return Err(error),
        }
        self.table.vacuum().await
    }
}

fn rows<'a>(identities: impl Iterator<Item = &'a Identity>) -> anyhow::Result<RecordBatch> {
    let mut buckets = Int32Builder::new();
    let mut accounts = StringBuilder::new();
    let mut seqs = Int64Builder::new();
    let mut agents = StringBuilder::new();
    for identity in identities {
        buckets.append_value(bucket(identity.account));
        accounts.append_value(identity.account.to_string());
        seqs.append_value(identity.seq);
        agents.append_value(&identity.agent);
    }
    let columns: Vec<ArrayRef> = vec![
        Arc::new(buckets.finish()),
        Arc::new(accounts.finish()),
        Arc::new(seqs.finish()),
        Arc::new(agents.finish()),
    ];
    Ok(RecordBatch::try_new(identities::schema(), columns)?)
}

/// Gives account, position and agent of each row.
async fn each(table: &LakeTable, mut row: impl FnMut(&str, i64, &str)) -> anyhow::Result<()> {
    let session = session(LOOK_BYTES)?;
    register(&session, table).await?;
    let rows = session.table(identities::TABLE.name).await?;
    let mut rows = rows.execute_stream().await?;
    while let Some(batch) = rows.next().await {
        let batch = batch?;
        let column = |name: &str| {
            batch
                .column_by_name(name)
                .with_context(|| format!("no {name}"))
        };
        // A file that was rewritten says that its texts are views.
        let accounts = cast(column("account")?, &DataType::Utf8)?;
        let agents = cast(column("agent")?, &DataType::Utf8)?;
        let (accounts, agents) = (accounts.as_string::<i32>(), agents.as_string::<i32>());
        let seqs = column("seq")?.as_primitive::<Int64Type>();
        for at in 0..batch.num_rows() {
            row(accounts.value(at), seqs.value(at), agents.value(at));
        }
    }
    Ok(())
}

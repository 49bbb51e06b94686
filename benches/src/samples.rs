//! Parameters for [`crate::shapes`], taken from the store that is asked.

use anyhow::{Context as _, ensure};
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use schemas::profile::{PROFILE_VERSION, verbs};
use tokio_postgres::{Client, Row};

use crate::national::SEQUENCES;
use crate::shapes::{Key, Sample, Samples};

/// What is chosen at random is chosen alike each time.
const SEED: u64 = 20_261_127;

/// The statement's keys with what they stand for; `k` is a row that has the keys.
const SAMPLE: &str = "
    k.actor, g.ifi::text, k.verb, v.iri, k.activity, a.iri, k.registration, k.stored";

/// Where they are looked up.
const LOOKED_UP: &str = "
    left join lrs.actors g on g.id = k.actor
    join lrs.verbs v on v.id = k.verb
    left join lrs.activities a on a.id = k.activity";

/// Takes so many parameters of a kind.
pub async fn take(client: &Client, count: usize) -> anyhow::Result<Samples> {
    Ok(Samples {
        any: any(client, count).await?,
        referred: referred(client, count).await?,
        teachers: teachers(client, count).await?,
        busy: busy(client).await?,
        authority: authority(client).await?,
        answered: named(client, "verbs", verbs::ANSWERED).await?,
        completed: named(client, "verbs", verbs::COMPLETED).await?,
        resumed: named(client, "verbs", "http://adlnet.gov/expapi/verbs/resumed").await?,
        commented: named(client, "verbs", "http://adlnet.gov/expapi/verbs/commented").await?,
        series: named(
            client,
            "activities",
            &format!("{SEQUENCES}/mathematiques/sequence/000"),
        )
        .await?,
        exercise: named(
            client,
            "activities",
            &format!("{SEQUENCES}/mathematiques/sequence/000/exercice/01"),
        )
        .await?,
        subject: named(client, "activities", &format!("{SEQUENCES}/mathematiques")).await?,
        category: named(client, "activities", PROFILE_VERSION).await?,
    })
}

/// Pupils' statements at random positions, not voided.
async fn any(client: &Client, count: usize) -> anyhow::Result<Vec<Sample>> {
    let row = client
        .query_one("select min(seq), max(seq) from lrs.statements", &[])
        .await?;
    let (first, last): (Option<i64>, Option<i64>) = (row.get(0), row.get(1));
    let (first, last) = first.zip(last).context("the store is empty")?;
    let mut random = ChaCha8Rng::seed_from_u64(SEED);
    // The last ones may be without a statement behind them that is wanted.
    let places: Vec<i64> = (0..count)
        .map(|_| random.random_range(first..=first + (last - first) * 9 / 10))
        .collect();
    let sql = format!(
        "select {SAMPLE} from unnest($1::bigint[]) n (seq), lateral (
             select s.* from lrs.statements s
              where s.seq >= n.seq and s.activity is not null and s.registration is not null
                and not exists (select from lrs.voidings d where d.target = s.id)
              order by s.seq limit 1) k {LOOKED_UP}"
    );
    let rows = client.query(&sql, &[&places]).await?;
    ensure!(!rows.is_empty(), "no statement has an activity");
    Ok(rows.iter().map(sample).collect())
}

/// What statements inherit from those that they refer to.
async fn referred(client: &Client, count: usize) -> anyhow::Result<Vec<Sample>> {
    let sql = format!(
        "select {SAMPLE} from (
             select i.actor, i.verb, i.activity, i.registration, s.stored
               from lrs.inherited i join lrs.statements s on s.seq = i.via
              where i.activity is not null order by hashint8(i.seq) limit $1) k {LOOKED_UP}"
    );
    let count = i64::try_from(count)?;
    Ok(client
        .query(&sql, &[&count])
        .await?
        .iter()
        .map(sample)
        .collect())
}

async fn teachers(client: &Client, count: usize) -> anyhow::Result<Vec<Key>> {
    // Every so many-th of the agents that there are, by a skip through the index.
    let sql = "
        with recursive agents (agent) as (
            (select agent from lrs.related_agents order by agent limit 1)
            union all
            select (select r.agent from lrs.related_agents r where r.agent > a.agent order by r.agent limit 1)
              from agents a where a.agent is not null)
        select g.id, g.ifi::text from agents a join lrs.actors g on g.id = a.agent
         order by hashint4(g.id) limit $1";
    let rows = client.query(sql, &[&i64::try_from(count)?]).await?;
    ensure!(!rows.is_empty(), "no statement has an instructor");
    Ok(rows.iter().map(|row| key(row, 0)).collect())
}

async fn busy(client: &Client) -> anyhow::Result<Key> {
    let sql = "
        select g.id, g.ifi::text
          from (select actor, count(*) n from lrs.statements where actor is not null
                 group by actor order by n desc limit 1) s
          join lrs.actors g on g.id = s.actor";
    Ok(key(&client.query_one(sql, &[]).await?, 0))
}

/// The Agent by whom all statements are vouched for, as it is asked for.
async fn authority(client: &Client) -> anyhow::Result<Key> {
    let sql = "
        select g.id, g.ifi::text from lrs.authority_agents a join lrs.actors g on g.id = a.agent
         order by (select count(*) from (select from lrs.statements s where s.authority = a.authority limit 10000) s) desc
         limit 1";
    Ok(key(&client.query_one(sql, &[]).await?, 0))
}

async fn named(client: &Client, dictionary: &str, iri: &str) -> anyhow::Result<Key> {
    let sql = format!("select id, iri from lrs.{dictionary} where iri = $1");
    let row = client.query_opt(&sql, &[&iri]).await?;
    let row =
        row.with_context(|| format!("no statement of the store has {iri}: it is too small"))?;
    Ok(key(&row, 0))
}

fn key(row: &Row, at: usize) -> Key {
    Key {
        id: row.get(at),
        text: row.get(at + 1),
    }
}

fn sample(row: &Row) -> Sample {
    let optional = |at: usize| row.get::<_, Option<i32>>(at).map(|_| key(row, at));
    Sample {
        agent: optional(0),
        verb: optional(2),
        activity: optional(4),
        registration: row.get(6),
        stored: row.get(7),
    }
}

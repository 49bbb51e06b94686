//! What some statements inherit from the chains behind them, written.

use std::collections::{BTreeMap, HashMap};

use schemas::strict_json;
use service::error::chain;
use uuid::Uuid;

use super::{Follower, STEPS_MAX};
use crate::statement::keys::{self, Agents, Iri};
use crate::statement::payload;
use crate::store::StoreError;
use crate::store::references::{Following, Inheritance};

/// Statements whose keys are in memory together.
const VIAS: usize = 256;

/// Rows in one transaction, more only where a single pair has more.
const ROWS: usize = 20_000;

/// What is read out of the payload of a statement that others refer to; the rest stands in columns.
struct Further {
    agents: Agents,
    activities: Vec<Iri>,
}

/// The same as integers of the dictionaries.
#[derive(Default)]
struct Keys {
    /// With whether only `related_agents` finds it by them.
    agents: Vec<(i32, bool)>,
    activities: Vec<i32>,
}

impl Follower {
    /// Lets statements inherit from the statements that they refer to, as far as those are stored up
    /// to a position, and they do not yet.
    pub(super) async fn inherit(
        &self,
        following: &Following,
        seqs: &[i64],
        upto: i64,
    ) -> Result<(), StoreError> {
        if seqs.is_empty() {
            return Ok(());
        }
        let mut pairs = following.chains(seqs, upto, STEPS_MAX).await?;
        pairs.sort_unstable_by_key(|(seq, via)| (*via, *seq));
        let by_via: Vec<&[(i64, i64)]> = pairs.chunk_by(|one, two| one.1 == two.1).collect();
        for some in by_via.chunks(VIAS) {
            let vias: Vec<i64> = some.iter().map(|pairs| pairs[0].1).collect();
            let keys = self.keys(following, &vias).await?;
            for inheritance in portions(some, &keys) {
                following.inherit(&inheritance).await?;
            }
        }
        Ok(())
    }

    /// The further keys of statements.
    async fn keys(
        &self,
        following: &Following,
        vias: &[i64],
    ) -> Result<HashMap<i64, Keys>, StoreError> {
        let secret = self.context.secret.as_bytes();
        let mut further = Vec::with_capacity(vias.len());
        following
            .payloads(vias, |via, payload| {
                further.push((via, read(secret, payload)));
            })
            .await?;
        let (mut actors, mut activities) = (BTreeMap::new(), BTreeMap::new());
        for (_, further) in &further {
            for agent in further.agents.others.iter().chain(&further.agents.related) {
                actors.insert(agent.account.as_uuid(), agent.ifi.as_str());
            }
            for activity in &further.activities {
                activities.insert(activity.hash, activity.text.as_str());
            }
        }
        let pool = &self.context.pool;
        // All were entered with the statement: usually remembered, else found.
        let actors = self.dictionaries.actors.enter(pool, &actors).await?;
        let activities = self
            .dictionaries
            .activities
            .enter(pool, &activities)
            .await?;
        Ok(further
            .into_iter()
            .map(|(via, further)| (via, further.keys(&actors, &activities)))
            .collect())
    }
}

impl Further {
    fn keys(&self, actors: &HashMap<Uuid, i32>, activities: &HashMap<Uuid, i32>) -> Keys {
        let agents = |list: &[keys::Identified], related| -> Vec<(i32, bool)> {
            list.iter()
                .map(|agent| (actors[&agent.account.as_uuid()], related))
                .collect()
        };
        Keys {
            agents: [
                agents(&self.agents.others, false),
                agents(&self.agents.related, true),
            ]
            .concat(),
            activities: self
                .activities
                .iter()
                .map(|activity| activities[&activity.hash])
                .collect(),
        }
    }
}

/// A payload that cannot be read was changed by another hand: what stands in columns is inherited.
fn read(secret: &[u8], compressed: &[u8]) -> Further {
    let sent = payload::decompress(compressed).unwrap_or_else(|error| {
        tracing::error!(error = %chain(&error), "a statement that others refer to cannot be read");
        Vec::new()
    });
    let statement = strict_json::parse(&sent).unwrap_or_default();
    Further {
        agents: keys::agents(secret, &statement),
        activities: keys::related_activities(&statement)
            .into_iter()
            .map(Iri::new)
            .collect(),
    }
}

/// Pairs with the keys of their `via`, in portions of a transaction each.
fn portions(by_via: &[&[(i64, i64)]], keys: &HashMap<i64, Keys>) -> Vec<Inheritance> {
    let none = Keys::default();
    let mut portions = vec![Inheritance::default()];
    let mut rows = 0;
    for pairs in by_via {
        let via = pairs[0].1;
        let keys = keys.get(&via).unwrap_or(&none);
        let each = 1 + keys.agents.len() + keys.activities.len();
        for some in pairs.chunks((ROWS / each).max(1)) {
            if rows > 0 && rows + some.len() * each > ROWS {
                portions.push(Inheritance::default());
                rows = 0;
            }
            rows += some.len() * each;
            if let Some(portion) = portions.last_mut() {
                portion.pairs.0.extend(some.iter().map(|(seq, _)| seq));
                portion.pairs.1.extend(some.iter().map(|_| via));
                for (agent, related) in &keys.agents {
                    portion.agents.0.push(via);
                    portion.agents.1.push(*agent);
                    portion.agents.2.push(*related);
                }
                for activity in &keys.activities {
                    portion.activities.0.push(via);
                    portion.activities.1.push(*activity);
                }
            }
        }
    }
    portions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_portion_holds_what_a_transaction_may() {
        let keys = |agents: usize| Keys {
            agents: (0..agents).map(|n| (n as i32, n % 2 == 0)).collect(),
            activities: vec![1],
        };
        let known = HashMap::from([(1, keys(3)), (2, keys(ROWS * 2))]);
        let one: Vec<(i64, i64)> = (0..8_000).map(|n| (10 + n, 1)).collect();
        let two = [(3, 2), (4, 2)];
        let portions = portions(&[&one, &two], &known);
        let shape: Vec<_> = portions
            .iter()
            .map(|portion| (portion.pairs.0.len(), portion.agents.0.len()))
            .collect();
        // 8,000 pairs of 5 rows each are two portions; a pair of 40,002 rows is one of its own.
        assert_eq!(
            shape,
            [(4_000, 3), (4_000, 3), (1, ROWS * 2), (1, ROWS * 2)]
        );
        assert!(portions.iter().all(|portion| {
            portion.activities.0.len() == 1 && portion.pairs.0.len() == portion.pairs.1.len()
        }));
    }
}

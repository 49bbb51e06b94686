//! The check at the end: is every statement that was acknowledged there, once?

use std::collections::BTreeSet;

use anyhow::Context as _;
use rand::seq::IteratorRandom as _;
use rand_chacha::ChaCha8Rng;
use reqwest::Url;
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::session::path;
use super::tally::Tally;
use crate::client::Client;

/// Statements asked for one by one, by their id, besides the walk.
const SAMPLE: usize = 200;

/// Ids named in the report at most.
const NAMED: usize = 10;

/// What is there of what was sent.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Check {
    /// Statements acknowledged.
    pub(crate) acknowledged: u64,
    /// Statements found by a walk through all that are grouped under this run.
    pub(crate) found: u64,
    /// Acknowledged and not found by the walk.
    pub(crate) missing: u64,
    /// Found more than once.
    pub(crate) twice: u64,
    /// Found though this run never sent them.
    pub(crate) foreign: u64,
    /// Sent and not acknowledged: their sender would have had to send them again.
    pub(crate) unacknowledged: u64,
    /// Of these, stored all the same.
    pub(crate) unacknowledged_found: u64,
    /// Acknowledged ones that were asked for by id.
    pub(crate) sampled: u64,
    /// Of these, not given under their id.
    pub(crate) sampled_missing: u64,
    /// Some of those that are missing or there twice.
    pub(crate) examples: Vec<Uuid>,
}

impl Check {
    /// Whether every acknowledged statement is there, once.
    pub(crate) fn holds(&self) -> bool {
        self.missing == 0 && self.twice == 0 && self.sampled_missing == 0
    }

    /// Walks and asks.
    pub(crate) async fn run(
        client: &Client,
        plan: &str,
        tally: &Tally,
        rng: &mut ChaCha8Rng,
    ) -> anyhow::Result<Self> {
        let found = walk(client, plan)
            .await
            .context("could not walk through the statements of the run")?;
        let sample = tally.acknowledged.iter().choose_multiple(rng, SAMPLE);
        let mut absent = Vec::new();
        for id in &sample {
            if !is_there(client, **id).await? {
                absent.push(**id);
            }
        }
        Ok(Self::of(&found, sample.len(), &absent, tally))
    }

    /// Compares; `found` as often as each was found, `absent` those of the sample that were not given.
    fn of(found: &[Uuid], sampled: usize, absent: &[Uuid], tally: &Tally) -> Self {
        let set: BTreeSet<Uuid> = found.iter().copied().collect();
        let missing: Vec<Uuid> = tally.acknowledged.difference(&set).copied().collect();
        let mut sorted = found.to_vec();
        sorted.sort_unstable();
        let mut twice: Vec<Uuid> = sorted
            .windows(2)
            .filter(|two| two[0] == two[1])
            .map(|two| two[0])
            .collect();
        twice.dedup();
        let sent =
            |id: &&Uuid| tally.acknowledged.contains(*id) || tally.unacknowledged.contains(*id);
        let examples = missing.iter().chain(&twice).chain(absent);
        Self {
            acknowledged: tally.acknowledged.len() as u64,
            found: set.len() as u64,
            missing: missing.len() as u64,
            twice: twice.len() as u64,
            foreign: (set.len() - set.iter().filter(sent).count()) as u64,
            unacknowledged: tally.unacknowledged.len() as u64,
            unacknowledged_found: tally.unacknowledged.intersection(&set).count() as u64,
            sampled: sampled as u64,
            sampled_missing: absent.len() as u64,
            examples: examples.take(NAMED).copied().collect(),
        }
    }
}

/// The ids of all statements that are grouped under the run, in their order.
async fn walk(client: &Client, plan: &str) -> anyhow::Result<Vec<Uuid>> {
    let parameters = [
        ("activity", plan),
        ("related_activities", "true"),
        ("ascending", "true"),
        ("format", "ids"),
        ("limit", "0"),
    ];
    // `more` begins at the origin, with the path that a proxy serves Sillage under.
    let base = Url::parse(client.endpoint()).context("the endpoint is no address")?;
    let prefix = base.path().trim_end_matches('/');
    let mut found = Vec::new();
    let mut next = Some(path("/xapi/statements", &parameters));
    while let Some(page) = next {
        let page = client.get(&page).await?;
        let statements = page["statements"]
            .as_array()
            .context("a page holds no statements")?;
        for statement in statements {
            let id = statement["id"].as_str().and_then(|id| id.parse().ok());
            found.push(id.context("a statement has no id")?);
        }
        next = page["more"]
            .as_str()
            .filter(|more| !more.is_empty())
            .map(|more| more.strip_prefix(prefix).unwrap_or(more).to_owned());
    }
    Ok(found)
}

/// Whether the statement is given under its id.
async fn is_there(client: &Client, id: Uuid) -> anyhow::Result<bool> {
    let path = format!("/xapi/statements?statementId={id}");
    match client.get(&path).await {
        Ok(statement) => Ok(statement["id"] == Value::String(id.to_string())),
        Err(error) if error.is_not_found() => Ok(false),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::loadtest::profile::Profile;

    fn id(n: u128) -> Uuid {
        Uuid::from_u128(n)
    }

    /// 1 to 3 acknowledged, 4 and 5 not.
    fn tally() -> Tally {
        let mut tally = Tally::new(Profile::Ramp.phases(Duration::from_secs(1), 1.0));
        tally.acknowledged.extend((1..=3).map(id));
        tally.unacknowledged.extend([id(4), id(5)]);
        tally
    }

    #[test]
    fn it_holds_where_each_is_there_once_acknowledged_or_not() {
        let check = Check::of(&[id(3), id(1), id(4), id(2)], 3, &[], &tally());
        assert!(check.holds(), "{check:?}");
        assert_eq!((check.acknowledged, check.found, check.foreign), (3, 4, 0));
        assert_eq!((check.unacknowledged, check.unacknowledged_found), (2, 1));
    }

    #[test]
    fn one_that_is_missing_or_there_twice_breaks_it() {
        let missing = Check::of(&[id(1), id(3)], 0, &[], &tally());
        assert_eq!((missing.missing, missing.holds()), (1, false));
        assert_eq!(missing.examples, [id(2)]);
        let twice = Check::of(&[id(1), id(2), id(3), id(2), id(2)], 0, &[], &tally());
        assert_eq!((twice.twice, twice.found, twice.holds()), (1, 3, false));
        let absent = Check::of(&[id(1), id(2), id(3)], 3, &[id(3)], &tally());
        assert_eq!((absent.sampled_missing, absent.holds()), (1, false));
    }

    #[test]
    fn what_the_run_did_not_send_is_told() {
        let check = Check::of(&[id(1), id(2), id(3), id(9)], 0, &[], &tally());
        assert_eq!((check.foreign, check.holds()), (1, true));
    }
}

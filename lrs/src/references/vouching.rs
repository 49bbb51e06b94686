//! Which authorities an agent is in, so that `related_agents` finds what it vouched for.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use serde_json::Value;
use service::context::InstallationSecret;
use service::pg::Pool;
use uuid::Uuid;

use crate::statement::keys::{self, Identified};
use crate::store::StoreError;
use crate::store::dictionaries::Dictionaries;
use crate::store::references;

/// How many authorities are remembered as entered; beyond, all are forgotten and entered again,
/// which changes nothing. An installation has some hundred credentials.
const REMEMBERED: usize = 100_000;

/// Enters the agents of authorities, before the first statement that each vouches for.
#[derive(Debug)]
pub struct Vouching {
    secret: InstallationSecret,
    entered: Mutex<HashSet<i32>>,
}

impl Vouching {
    /// Nothing entered yet, as far as is known.
    #[must_use]
    pub fn new(secret: InstallationSecret) -> Self {
        Self {
            secret,
            entered: Mutex::default(),
        }
    }

    /// Enters the agents of authorities: their documents and integers by their keys in the
    /// dictionary. Usually nothing to do.
    pub async fn enter(
        &self,
        pool: &Pool,
        dictionaries: &Dictionaries,
        documents: &BTreeMap<Uuid, &str>,
        ids: &HashMap<Uuid, i32>,
    ) -> Result<(), StoreError> {
        let new: Vec<(i32, &str)> = {
            let entered = self.entered();
            documents
                .iter()
                .filter_map(|(key, document)| Some((*ids.get(key)?, *document)))
                .filter(|(id, _)| !entered.contains(id))
                .collect()
        };
        if new.is_empty() {
            return Ok(());
        }
        self.enter_all(pool, dictionaries, &new).await
    }

    /// Enters the agents of authorities that were there before such entries were made.
    pub async fn complete(
        &self,
        pool: &Pool,
        dictionaries: &Dictionaries,
    ) -> Result<(), StoreError> {
        let missing = references::authorities_without_agents(pool).await?;
        let missing: Vec<(i32, &str)> = missing
            .iter()
            .map(|(id, document)| (*id, document.as_str()))
            .collect();
        self.enter_all(pool, dictionaries, &missing).await
    }

    async fn enter_all(
        &self,
        pool: &Pool,
        dictionaries: &Dictionaries,
        authorities: &[(i32, &str)],
    ) -> Result<(), StoreError> {
        let agents: Vec<(i32, Vec<Identified>)> = authorities
            .iter()
            .map(|(id, document)| (*id, self.agents(document)))
            .collect();
        let wanted: BTreeMap<Uuid, &str> = agents
            .iter()
            .flat_map(|(_, agents)| agents)
            .map(|agent| (agent.account.as_uuid(), agent.ifi.as_str()))
            .collect();
        let ids = dictionaries.actors.enter(pool, &wanted).await?;
        let (agents, of): (Vec<i32>, Vec<i32>) = agents
            .iter()
            .flat_map(|(id, agents)| agents.iter().map(move |agent| (agent, *id)))
            .map(|(agent, id)| (ids[&agent.account.as_uuid()], id))
            .unzip();
        references::enter_authority_agents(pool, &agents, &of).await?;
        let mut entered = self.entered();
        if entered.len() >= REMEMBERED {
            entered.clear();
        }
        entered.extend(authorities.iter().map(|(id, _)| id));
        Ok(())
    }

    fn agents(&self, document: &str) -> Vec<Identified> {
        let authority: Value = serde_json::from_str(document).unwrap_or_default();
        keys::identified(self.secret.as_bytes(), &authority)
    }

    fn entered(&self) -> std::sync::MutexGuard<'_, HashSet<i32>> {
        self.entered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

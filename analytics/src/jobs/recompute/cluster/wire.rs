//! What answers are folded with, as bytes: a file of the lake, which the parts of a run share.
//!
//! It is in no plan, because each part would bring it again: a nation's accounts are tens of megabytes. And it is not
//! read from PostgreSQL by workers, because they would have to see the very moment that the run saw; so they need
//! no database, and no credential of one. The file lies where the service alone reads, is known by its
//! digest, and goes with the run.

use std::collections::BTreeMap;
use std::sync::Arc;

use ::lake::{Lake, LakeError};
use ::mastery::{Finding, Model, Voie};
use chrono::DateTime;
use schemas::ids::{AccountKey, PersonKey, StatementId};
use schemas::profile::FoldKey;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::super::operator::Known;
use super::super::shared;
use crate::fold::{Evaluation, Inputs};
use crate::jobs::rows::{Run, Upto};

/// Why the file could not be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum WireError {
    #[error("the lake did not give the run's file")]
    Lake(#[source] Box<LakeError>),
    #[error("the run's file is not the one that the plan names")]
    Other,
    #[error("could not read the run's file")]
    Bytes(#[from] bincode::Error),
    #[error("the run's file holds a time that is none")]
    Time,
}

impl From<LakeError> for WireError {
    fn from(error: LakeError) -> Self {
        Self::Lake(Box::new(error))
    }
}

/// `Known` as it crosses: bits of numbers as they are, identifiers as 16 bytes.
#[derive(Deserialize, Serialize)]
struct Wire<M> {
    model: M,
    run: i64,
    as_of_micros: i64,
    upto: Upto,
    owners: Vec<(u128, u128)>,
    left_out: Vec<u128>,
    inputs: Vec<(u128, WireInputs)>,
}

#[derive(Deserialize, Serialize)]
struct WireInputs {
    declared: BTreeMap<u64, ::mastery::Degree>,
    voie: Option<Voie>,
    evaluations: Vec<WireEvaluation>,
}

#[derive(Deserialize, Serialize)]
struct WireEvaluation {
    answered_at: i64,
    device_id: Option<String>,
    device_seq: Option<i64>,
    id: u128,
    competency: u64,
    uri: String,
    finding: Finding,
}

fn encode(known: &Known) -> Result<Vec<u8>, WireError> {
    let inputs = known.inputs.iter().map(|(person, inputs)| {
        let evaluations = inputs.evaluations.iter().map(|one| WireEvaluation {
            answered_at: one.key.answered_at,
            device_id: one.key.device_id.clone(),
            device_seq: one.key.device_seq,
            id: one.key.id.as_uuid().as_u128(),
            competency: one.competency,
            uri: one.uri.to_string(),
            finding: one.finding,
        });
        let inputs = WireInputs {
            declared: inputs.declared.clone(),
            voie: inputs.voie,
            evaluations: evaluations.collect(),
        };
        (person.as_uuid().as_u128(), inputs)
    });
    let owners = known.owners.iter();
    let wire = Wire {
        model: &*known.model,
        run: known.run.run,
        as_of_micros: known.run.as_of.timestamp_micros(),
        upto: known.run.upto,
        owners: owners
            .map(|(account, person)| (account.as_uuid().as_u128(), person.as_uuid().as_u128()))
            .collect(),
        left_out: known
            .left_out
            .iter()
            .map(|id| id.as_uuid().as_u128())
            .collect(),
        inputs: inputs.collect(),
    };
    Ok(bincode::serialize(&wire)?)
}

fn decode(bytes: &[u8]) -> Result<Known, WireError> {
    let wire: Wire<Model> = bincode::deserialize(bytes)?;
    let person = |key: u128| PersonKey::from_uuid(Uuid::from_u128(key));
    let statement = |id: u128| StatementId::from_uuid(Uuid::from_u128(id));
    let evaluation = |one: WireEvaluation| Evaluation {
        key: FoldKey {
            answered_at: one.answered_at,
            device_id: one.device_id,
            device_seq: one.device_seq,
            id: statement(one.id),
        },
        competency: one.competency,
        uri: one.uri.into(),
        finding: one.finding,
    };
    let inputs = |inputs: WireInputs| Inputs {
        declared: inputs.declared,
        voie: inputs.voie,
        evaluations: inputs.evaluations.into_iter().map(evaluation).collect(),
    };
    let owners = wire.owners.into_iter().map(|(account, owner)| {
        let account = AccountKey::from_uuid(Uuid::from_u128(account));
        (account, person(owner))
    });
    let owners = owners.collect();
    Ok(Known {
        model: Arc::new(wire.model),
        run: Run {
            run: wire.run,
            as_of: DateTime::from_timestamp_micros(wire.as_of_micros).ok_or(WireError::Time)?,
            upto: wire.upto,
        },
        shared: shared(&owners),
        owners,
        left_out: wire.left_out.into_iter().map(statement).collect(),
        inputs: wire
            .inputs
            .into_iter()
            .map(|(key, of)| (person(key), inputs(of)))
            .collect(),
    })
}

/// Where a run's file is, and what it must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reference(String);

impl Reference {
    /// As it stands in a header.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (name, digest) = text.split_once('/')?;
        // It becomes a place in the lake.
        let hexadecimal = |text: &str, letters| {
            text.len() == letters && text.bytes().all(|byte| byte.is_ascii_hexdigit())
        };
        (hexadecimal(name, 32) && hexadecimal(digest, 64)).then(|| Self(text.to_owned()))
    }

    /// As it stands in a header.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    fn name(&self) -> &str {
        self.0.split('/').next().unwrap_or_default()
    }

    /// Reads the file.
    pub(super) async fn read(&self, lake: &Lake) -> Result<Known, WireError> {
        let bytes = lake.read_shared(self.name()).await?;
        let digest = hex::encode(Sha256::digest(&bytes));
        if self.0 != format!("{}/{digest}", self.name()) {
            return Err(WireError::Other);
        }
        decode(&bytes)
    }
}

/// A run's file.
#[derive(Debug)]
pub(super) struct Stored {
    lake: Lake,
    pub(super) reference: Reference,
}

impl Stored {
    /// Writes the file, and removes those of runs that died.
    pub(super) async fn write(lake: &Lake, known: &Known) -> Result<Self, WireError> {
        let bytes = encode(known)?;
        let name = Uuid::new_v4().simple().to_string();
        let digest = hex::encode(Sha256::digest(&bytes));
        lake.remove_shared().await?;
        lake.write_shared(&name, bytes).await?;
        Ok(Self {
            lake: lake.clone(),
            reference: Reference(format!("{name}/{digest}")),
        })
    }

    /// The run has ended. Where it could not be told, the next one removes the file.
    pub(super) async fn remove(self) -> Result<(), WireError> {
        Ok(self.lake.remove_shared().await?)
    }
}

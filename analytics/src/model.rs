//! Models: which one a version was made with, and which one should be made now.

use std::sync::{Arc, Mutex, PoisonError};

use mastery::{Calibration, Model, VoieWeight};
use serde_json::Value;
use service::pg::Pool;

use crate::store::frameworks::Inputs;
use crate::store::{self, StoreError, Transaction, calibrations, feed, frameworks, models};

/// Models remembered: the one that is served, the one that comes, and the one before.
const REMEMBERED: usize = 3;

/// The models of this process, by fingerprint.
#[derive(Debug, Default)]
pub struct Models {
    /// How much the *voie* weighs in the model that is wanted.
    voie_weight: VoieWeight,
    known: Mutex<Vec<(String, Arc<Model>)>>,
    wanted: Mutex<Option<(Inputs, String)>>,
}

impl Models {
    /// No models yet; those that are wanted have this weight of the *voie*.
    #[must_use]
    pub fn new(voie_weight: VoieWeight) -> Self {
        Self {
            voie_weight,
            ..Self::default()
        }
    }

    /// The model of a fingerprint, made again from what was kept of it.
    ///
    /// What another program version folded has a fingerprint that nobody here can make again: it
    /// is served with the model of its framework and catalogue until the recomputation, which
    /// [`Models::wanted`] then asks for, has replaced it.
    pub async fn get(
        &self,
        transaction: &Transaction<'_>,
        fingerprint: &str,
    ) -> Result<Arc<Model>, StoreError> {
        if let Some(model) = self.find(fingerprint) {
            return Ok(model);
        }
        let kept = models::read(transaction, fingerprint)
            .await?
            .ok_or(StoreError::Document("model"))?;
        let calibration = calibrations::read(transaction, &kept.calibrations).await?;
        let model = build(&kept.framework, kept.catalogue, &calibration)?;
        let model = model.weighing_voie(kept.voie_weight);
        Ok(self.keep(fingerprint, model))
    }

    /// The fingerprint of the model of the framework, the catalogue and the calibrations in force. What it is made of
    /// is kept in the database.
    pub async fn wanted(&self, pool: &Pool) -> Result<String, StoreError> {
        let mut client = store::client(pool).await?;
        let neighbours = feed::neighbours(&client).await?;
        let inputs = frameworks::inputs(&client, neighbours.catalogue).await?;
        let last = self
            .wanted
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        if let Some((_, fingerprint)) = last.filter(|(last, _)| *last == inputs) {
            return Ok(fingerprint);
        }
        let transaction = store::begin(&mut client).await?;
        let (number, framework) = frameworks::current(&transaction).await?;
        let catalogue = if neighbours.catalogue {
            frameworks::catalogue(&transaction).await?
        } else {
            Value::Array(Vec::new())
        };
        let items = frameworks::parse_items(catalogue.clone())?;
        let in_force = calibrations::in_force(&transaction).await?;
        let numbers: Vec<i64> = in_force.into_values().collect();
        let calibration = calibrations::read(&transaction, &numbers).await?;
        let model =
            Model::calibrated(&framework, &items, &calibration).weighing_voie(self.voie_weight);
        let fingerprint = model.fingerprint().to_owned();
        let made_of = models::MadeOf {
            framework: number,
            catalogue: &catalogue,
            calibrations: &numbers,
            voie_weight: self.voie_weight,
        };
        models::insert(&transaction, &fingerprint, &made_of).await?;
        store::commit(transaction).await?;
        self.keep(&fingerprint, model);
        // If any changed while we read, the next look sees other numbers and makes it again.
        *self.wanted.lock().unwrap_or_else(PoisonError::into_inner) =
            Some((inputs, fingerprint.clone()));
        Ok(fingerprint)
    }

    fn find(&self, fingerprint: &str) -> Option<Arc<Model>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known
            .iter()
            .find(|(known, _)| known == fingerprint)
            .map(|(_, model)| Arc::clone(model))
    }

    fn keep(&self, fingerprint: &str, model: Model) -> Arc<Model> {
        let model = Arc::new(model);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|(known, _)| known != fingerprint);
        known.insert(0, (fingerprint.to_owned(), Arc::clone(&model)));
        known.truncate(REMEMBERED);
        model
    }
}

fn build(
    framework: &Value,
    catalogue: Value,
    calibration: &Calibration,
) -> Result<Model, StoreError> {
    let framework = frameworks::parse(framework)?;
    let items = frameworks::parse_items(catalogue)?;
    Ok(Model::calibrated(&framework, &items, calibration))
}

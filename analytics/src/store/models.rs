//! What models are made of: `analytics.models`.

use deadpool_postgres::GenericClient;
use mastery::VoieWeight;
use serde_json::Value;

use super::StoreError;

/// What a model is made of, as it is kept.
#[derive(Clone, Copy, Debug)]
pub struct MadeOf<'a> {
    /// Number of the framework.
    pub framework: i64,
    /// Items of the catalogue.
    pub catalogue: &'a Value,
    /// Numbers of the calibrations.
    pub calibrations: &'a [i64],
    /// How much the *voie* weighs.
    pub voie_weight: VoieWeight,
}

/// What a model was made of, as it was kept.
#[derive(Clone, Debug)]
pub struct Kept {
    /// The framework's document.
    pub framework: Value,
    /// Items of the catalogue.
    pub catalogue: Value,
    /// Numbers of the calibrations.
    pub calibrations: Vec<i64>,
    /// How much the *voie* weighs.
    pub voie_weight: VoieWeight,
}

/// Keeps what a model is made of, if it is not kept already.
pub async fn insert(
    client: &impl GenericClient,
    fingerprint: &str,
    made_of: &MadeOf<'_>,
) -> Result<(), StoreError> {
    let sql = include_str!("sql/models_insert.sql");
    super::execute(
        client,
        sql,
        &[
            &fingerprint,
            &made_of.framework,
            made_of.catalogue,
            &made_of.calibrations,
            &f64::from(made_of.voie_weight),
        ],
    )
    .await?;
    Ok(())
}

/// What the model of a fingerprint is made of.
pub async fn read(
    client: &impl GenericClient,
    fingerprint: &str,
) -> Result<Option<Kept>, StoreError> {
    let row =
        super::query_opt(client, include_str!("sql/models_read.sql"), &[&fingerprint]).await?;
    let kept = row.map(|row| {
        let voie_weight = VoieWeight::try_from(row.get::<_, f64>(3));
        Ok(Kept {
            framework: row.get(0),
            catalogue: row.get(1),
            calibrations: row.get(2),
            voie_weight: voie_weight.map_err(|_| StoreError::Document("model"))?,
        })
    });
    kept.transpose()
}

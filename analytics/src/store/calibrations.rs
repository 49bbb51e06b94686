//! What was fitted, and which of it is in force: `analytics.calibrations` and what hangs on it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use deadpool_postgres::GenericClient;
use mastery::{Calibration, Hyper, ItemParams, ItemPriors};
use serde_json::Value;

use super::{StoreError, Transaction};

/// What a fit begins with.
#[derive(Clone, Debug, PartialEq)]
pub struct Begun {
    /// Its subject.
    pub subject: String,
    /// Fingerprint of the model that it is compared with.
    pub model: String,
    /// What was asked for: two that were asked for the same have the same text.
    pub asked: String,
    /// Share of the pupils that is read.
    pub sample: f64,
    /// Version of the lake's table of answers at its beginning.
    pub lake_version: i64,
    /// Position of the lake up to which answers count.
    pub lake_seq: i64,
}

/// A fit under way.
#[derive(Clone, Debug)]
pub struct Running {
    /// Its number.
    pub calibration: i64,
    /// What it began with.
    pub begun: Begun,
    /// How far it is; none before the first search.
    pub checkpoint: Option<Vec<u8>>,
}

/// What became of a fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It is under way, or was stopped and goes on.
    Running,
    /// Another was begun in its place.
    GivenUp,
    /// It is done and waits for a decision.
    Proposed,
    /// It was accepted; whether it is in force still is told apart.
    Accepted,
    /// It was refused.
    Refused,
    /// It was in force and was taken back.
    RolledBack,
}

/// A fit as it is listed.
#[derive(Clone, Debug)]
pub struct Listed {
    /// Its number.
    pub calibration: i64,
    /// Its subject.
    pub subject: String,
    /// What became of it.
    pub status: Status,
    /// Fingerprint of the model that it was compared with.
    pub model: String,
    /// Version of the lake's table of answers at its beginning.
    pub lake_version: i64,
    /// Position of the lake up to which answers count.
    pub lake_seq: i64,
    /// When it began.
    pub started: DateTime<Utc>,
    /// When it was done.
    pub finished: Option<DateTime<Utc>>,
    /// What it found; none before it is done.
    pub report: Option<Value>,
    /// Whether its subject goes by it now.
    pub in_force: bool,
}

/// Parameters of an item, with the answers that they rest on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FittedItem {
    /// `key64` of the activity.
    pub item: u64,
    /// The parameters.
    pub params: ItemParams,
    /// Answers.
    pub answers: u64,
}

/// What a fit found.
#[derive(Clone, Copy, Debug)]
pub struct Found<'a> {
    /// The constants.
    pub hyper: &'a Hyper,
    /// What is expected of items that nobody answered.
    pub priors: &'a ItemPriors,
    /// The items that somebody answered.
    pub items: &'a [FittedItem],
    /// What is told of it.
    pub report: &'a Value,
}

impl Status {
    /// Its stable name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::GivenUp => "given-up",
            Self::Proposed => "proposed",
            Self::Accepted => "accepted",
            Self::Refused => "refused",
            Self::RolledBack => "rolled-back",
        }
    }

    fn parse(text: &str) -> Result<Self, StoreError> {
        let all = [
            Self::Running,
            Self::GivenUp,
            Self::Proposed,
            Self::Accepted,
            Self::Refused,
            Self::RolledBack,
        ];
        let mut all = all.into_iter();
        all.find(|status| status.as_str() == text)
            .ok_or(StoreError::Document("status of a calibration"))
    }
}

/// A decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is in force from now on; before it was what is named, or nothing.
    Accept {
        /// What was in force.
        before: Option<i64>,
    },
    /// It never is.
    Refuse,
    /// It is in force no more.
    RollBack,
}

impl Verdict {
    fn as_str(self) -> &'static str {
        match self {
            Self::Accept { .. } => "accept",
            Self::Refuse => "refuse",
            Self::RollBack => "roll-back",
        }
    }

    fn status(self) -> Status {
        match self {
            Self::Accept { .. } => Status::Accepted,
            Self::Refuse => Status::Refused,
            Self::RollBack => Status::RolledBack,
        }
    }
}

/// Begins a fit. There is none of the subject under way.
pub async fn begin(client: &impl GenericClient, begun: &Begun) -> Result<i64, StoreError> {
    let sql = include_str!("sql/calibrations_begin.sql");
    let parameters: super::Parameters<'_> = &[
        &begun.subject,
        &begun.model,
        &begun.asked,
        &begun.sample,
        &begun.lake_version,
        &begun.lake_seq,
    ];
    let row = super::query_one(client, sql, parameters).await?;
    Ok(row.get(0))
}

/// Gives up every fit under way. The caller holds the lock of fitting.
pub async fn give_up(client: &impl GenericClient) -> Result<(), StoreError> {
    super::execute(client, include_str!("sql/calibrations_give_up.sql"), &[]).await?;
    Ok(())
}

/// The fits under way, by subject.
pub async fn running(client: &impl GenericClient) -> Result<Vec<Running>, StoreError> {
    let rows = super::query(client, include_str!("sql/calibrations_running.sql"), &[]).await?;
    let running = rows.iter().map(|row| Running {
        calibration: row.get(0),
        begun: Begun {
            subject: row.get(1),
            model: row.get(2),
            asked: row.get(3),
            sample: row.get(4),
            lake_version: row.get(5),
            lake_seq: row.get(6),
        },
        checkpoint: row.get(7),
    });
    Ok(running.collect())
}

/// Keeps how far a fit is.
pub async fn keep_checkpoint(
    client: &impl GenericClient,
    calibration: i64,
    checkpoint: &[u8],
) -> Result<(), StoreError> {
    let sql = include_str!("sql/calibrations_checkpoint.sql");
    super::execute(client, sql, &[&calibration, &checkpoint]).await?;
    Ok(())
}

/// A fit is done. False where it is not under way any more: nothing is kept then.
pub async fn propose(
    transaction: &Transaction<'_>,
    calibration: i64,
    found: &Found<'_>,
) -> Result<bool, StoreError> {
    let Found {
        hyper,
        priors,
        items,
        report,
    } = found;
    let hyper = serde_json::to_value(hyper).map_err(|_| StoreError::Document("constants"))?;
    let priors = serde_json::to_value(priors).map_err(|_| StoreError::Document("priors"))?;
    let sql = include_str!("sql/calibrations_propose.sql");
    if super::execute(transaction, sql, &[&calibration, &hyper, &priors, report]).await? == 0 {
        return Ok(false);
    }
    let keys: Vec<i64> = items.iter().map(|one| one.item.cast_signed()).collect();
    let column = |of: fn(&ItemParams) -> f64| -> Vec<f64> {
        items.iter().map(|one| of(&one.params)).collect()
    };
    let (a, b, s2) = (column(|p| p.a), column(|p| p.b), column(|p| p.s2));
    let answers = items
        .iter()
        .map(|one| i64::try_from(one.answers).unwrap_or(i64::MAX));
    let answers: Vec<i64> = answers.collect();
    let sql = include_str!("sql/calibration_items_insert.sql");
    super::execute(
        transaction,
        sql,
        &[&calibration, &keys, &a, &b, &s2, &answers],
    )
    .await?;
    Ok(true)
}

/// Every fit, newest first; or the one of a number.
pub async fn list(
    client: &impl GenericClient,
    calibration: Option<i64>,
) -> Result<Vec<Listed>, StoreError> {
    let sql = include_str!("sql/calibrations_list.sql");
    let rows = super::query(client, sql, &[&calibration]).await?;
    let listed = rows.iter().map(|row| {
        Ok(Listed {
            calibration: row.get(0),
            subject: row.get(1),
            status: Status::parse(row.get(2))?,
            model: row.get(3),
            lake_version: row.get(4),
            lake_seq: row.get(5),
            started: row.get(6),
            finished: row.get(7),
            report: row.get(8),
            in_force: row.get(9),
        })
    });
    listed.collect()
}

/// Lets nobody else decide until the end of the transaction.
pub async fn lock_decisions(transaction: &Transaction<'_>) -> Result<(), StoreError> {
    super::execute(transaction, include_str!("sql/calibrations_lock.sql"), &[]).await?;
    Ok(())
}

/// Which fits are in force, by subject.
pub async fn in_force(client: &impl GenericClient) -> Result<BTreeMap<String, i64>, StoreError> {
    let rows = super::query(client, include_str!("sql/calibrations_in_force.sql"), &[]).await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// Keeps a decision on a fit.
pub async fn decide(
    transaction: &Transaction<'_>,
    calibration: i64,
    verdict: Verdict,
) -> Result<(), StoreError> {
    let before = match verdict {
        Verdict::Accept { before } => before,
        Verdict::Refuse | Verdict::RollBack => None,
    };
    let sql = include_str!("sql/calibrations_decide.sql");
    super::execute(
        transaction,
        sql,
        &[
            &calibration,
            &verdict.status().as_str(),
            &verdict.as_str(),
            &before,
        ],
    )
    .await?;
    Ok(())
}

/// What was in force before a fit was accepted.
pub async fn before(
    client: &impl GenericClient,
    calibration: i64,
) -> Result<Option<i64>, StoreError> {
    let sql = include_str!("sql/calibrations_before.sql");
    let row = super::query_one(client, sql, &[&calibration]).await?;
    Ok(row.get(0))
}

/// Puts a fit in force for its subject; none: the catalogue and the defaults.
pub async fn put_in_force(
    transaction: &Transaction<'_>,
    subject: &str,
    calibration: Option<i64>,
) -> Result<(), StoreError> {
    if let Some(calibration) = calibration {
        let sql = include_str!("sql/calibrations_force.sql");
        super::execute(transaction, sql, &[&subject, &calibration]).await?;
    } else {
        let sql = include_str!("sql/calibrations_unforce.sql");
        super::execute(transaction, sql, &[&subject]).await?;
    }
    Ok(())
}

/// What the states that are served were made with, by subject.
pub async fn served(client: &impl GenericClient) -> Result<BTreeMap<String, i64>, StoreError> {
    let rows = super::query(client, include_str!("sql/calibrations_served.sql"), &[]).await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// Constants of some fits, each of another subject, parameters of the items that somebody answered, priors of the
/// others.
pub async fn read(
    client: &impl GenericClient,
    calibrations: &[i64],
) -> Result<Calibration, StoreError> {
    if calibrations.is_empty() {
        return Ok(Calibration::default());
    }
    let sql = include_str!("sql/calibrations_read.sql");
    let subjects = super::query(client, sql, &[&calibrations]).await?;
    let mut calibration = Calibration::default();
    for row in &subjects {
        let (subject, hyper): (String, Option<Value>) = (row.get(0), row.get(1));
        let hyper = hyper.unwrap_or_default();
        let hyper = serde_json::from_value(hyper).map_err(|_| StoreError::Document("constants"))?;
        // Fits of before they were kept have none.
        if let Some(priors) = row.get::<_, Option<Value>>(2) {
            let priors =
                serde_json::from_value(priors).map_err(|_| StoreError::Document("priors"))?;
            calibration.priors.insert(subject.clone(), priors);
        }
        calibration.hyper.insert(subject, hyper);
    }
    let sql = include_str!("sql/calibration_items_read.sql");
    let items = super::query(client, sql, &[&calibrations]).await?;
    let items = items.iter().map(|row| {
        let params = ItemParams {
            a: row.get(1),
            b: row.get(2),
            s2: row.get(3),
        };
        (row.get::<_, i64>(0).cast_unsigned(), params)
    });
    calibration.items = items.collect();
    Ok(calibration)
}

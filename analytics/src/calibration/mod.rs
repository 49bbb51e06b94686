//! Which fit is in force: proposals are accepted, refused, taken back.
//!
//! A fit ([`crate::jobs::fit`]) ends as a proposal. Accepted, it is in force for its subject; the model that is
//! wanted is then another one, and the states are made again by it ([`crate::jobs::mastery`]); until they are,
//! those before are served. So what is in force here is what will be served, and the model of the version says
//! what is.

pub mod report;

use service::pg::Pool;

use crate::store::calibrations::{self, Listed, Status, Verdict};
use crate::store::{self, StoreError, Transaction};

pub use report::FitReport;

/// Why a decision was not taken.
#[derive(Debug, thiserror::Error)]
pub enum DecisionError {
    /// There is no fit of this number.
    #[error("there is no fit {0}")]
    Unknown(i64),
    /// It is not one that this can be decided of.
    #[error("fit {calibration} is {status}, which cannot be {wanted}")]
    Status {
        /// Its number.
        calibration: i64,
        /// What became of it.
        status: &'static str,
        /// What was asked for.
        wanted: &'static str,
    },
    /// No fit is in force.
    #[error("no fit of {0} is in force")]
    NoneInForce(String),
    /// Several subjects have one in force, and none was named.
    #[error("fits of several subjects are in force: name one of {0}")]
    Several(String),
    /// The database did not answer.
    #[error("the database did not answer")]
    Store(#[from] StoreError),
}

/// What was decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided {
    /// The subject.
    pub subject: String,
    /// The fit that was decided of.
    pub calibration: i64,
    /// What is in force now; none: the catalogue and the defaults.
    pub in_force: Option<i64>,
}

/// Every fit, newest first.
pub async fn list(pool: &Pool) -> Result<Vec<Listed>, StoreError> {
    let client = store::client(pool).await?;
    calibrations::list(&client, None).await
}

/// One fit.
pub async fn show(pool: &Pool, calibration: i64) -> Result<Option<Listed>, StoreError> {
    let client = store::client(pool).await?;
    Ok(calibrations::list(&client, Some(calibration)).await?.pop())
}

/// Puts a fit in force that is proposed, or that was refused or taken back before.
pub async fn accept(pool: &Pool, calibration: i64) -> Result<Decided, DecisionError> {
    let mut client = store::client(pool).await?;
    let transaction = begin(&mut client).await?;
    let fit = find(&transaction, calibration).await?;
    match fit.status {
        Status::Proposed | Status::Refused | Status::RolledBack => {}
        status => return Err(status_error(calibration, status, "accepted")),
    }
    let in_force = calibrations::in_force(&transaction).await?;
    let before = in_force.get(&fit.subject).copied();
    let verdict = Verdict::Accept { before };
    calibrations::decide(&transaction, calibration, verdict).await?;
    calibrations::put_in_force(&transaction, &fit.subject, Some(calibration)).await?;
    store::commit(transaction).await?;
    Ok(Decided {
        subject: fit.subject,
        calibration,
        in_force: Some(calibration),
    })
}

/// Refuses a fit that is proposed.
pub async fn refuse(pool: &Pool, calibration: i64) -> Result<Decided, DecisionError> {
    let mut client = store::client(pool).await?;
    let transaction = begin(&mut client).await?;
    let fit = find(&transaction, calibration).await?;
    if fit.status != Status::Proposed {
        return Err(status_error(calibration, fit.status, "refused"));
    }
    calibrations::decide(&transaction, calibration, Verdict::Refuse).await?;
    let mut in_force = calibrations::in_force(&transaction).await?;
    store::commit(transaction).await?;
    Ok(Decided {
        in_force: in_force.remove(&fit.subject),
        subject: fit.subject,
        calibration,
    })
}

/// Takes back what is in force for a subject: the one before is in force again. Without a subject that of the
/// only one that has any.
pub async fn roll_back(pool: &Pool, subject: Option<&str>) -> Result<Decided, DecisionError> {
    let mut client = store::client(pool).await?;
    let transaction = begin(&mut client).await?;
    let in_force = calibrations::in_force(&transaction).await?;
    let subject = match subject {
        Some(subject) => subject.to_owned(),
        None if in_force.len() > 1 => {
            let names: Vec<String> = in_force.into_keys().collect();
            return Err(DecisionError::Several(names.join(", ")));
        }
        None => match in_force.keys().next() {
            Some(subject) => subject.clone(),
            None => return Err(DecisionError::NoneInForce("any subject".to_owned())),
        },
    };
    let Some(&calibration) = in_force.get(&subject) else {
        return Err(DecisionError::NoneInForce(subject));
    };
    let before = calibrations::before(&transaction, calibration).await?;
    calibrations::decide(&transaction, calibration, Verdict::RollBack).await?;
    calibrations::put_in_force(&transaction, &subject, before).await?;
    store::commit(transaction).await?;
    Ok(Decided {
        subject,
        calibration,
        in_force: before,
    })
}

/// A transaction in which nobody else decides.
async fn begin(client: &mut store::Client) -> Result<Transaction<'_>, StoreError> {
    let transaction = store::begin(client).await?;
    calibrations::lock_decisions(&transaction).await?;
    Ok(transaction)
}

async fn find(transaction: &Transaction<'_>, calibration: i64) -> Result<Listed, DecisionError> {
    let mut found = calibrations::list(transaction, Some(calibration)).await?;
    found.pop().ok_or(DecisionError::Unknown(calibration))
}

fn status_error(calibration: i64, status: Status, wanted: &'static str) -> DecisionError {
    DecisionError::Status {
        calibration,
        status: status.as_str(),
        wanted,
    }
}

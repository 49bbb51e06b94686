//! What lists are made from: the catalogue in force, and the framework and the calibrations of the served states.

use chrono::{DateTime, Utc};
use mastery::{Calibration, ItemParams};
use schemas::catalogue::CatalogueItem;
use schemas::framework::Framework;
use service::pg::Pool;
use tokio_postgres::{IsolationLevel, Row};

use super::StoreError;

/// Which catalogue is in force, and which framework and calibrations the served states were made with. Two equal
/// editions give equal lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edition {
    /// The catalogue's version; `None` before one was loaded.
    pub catalogue: Option<i64>,
    framework: Option<(String, DateTime<Utc>)>,
    calibrations: Vec<i64>,
}

/// What an edition holds.
#[derive(Debug, Clone)]
pub struct Content {
    /// The framework that the served states were made with; the one that is compiled in before there are any.
    pub framework: Framework,
    /// The items of the catalogue.
    pub items: Vec<CatalogueItem>,
    /// What was fitted.
    pub calibration: Calibration,
}

/// Why there is no catalogue to choose from.
#[derive(Debug, thiserror::Error)]
pub enum ContentError {
    /// The database did not answer.
    #[error("could not read the catalogue and the framework")]
    Store(#[from] StoreError),
    /// An item in `published.catalogue_items` is not one.
    #[error("a published item of the catalogue could not be read")]
    Item(#[source] serde_json::Error),
    /// A published document is not a framework.
    #[error("the published framework could not be read: {0}")]
    Framework(String),
    /// Constants or priors in `published.calibrations` are none.
    #[error("the published constants of the model could not be read")]
    Constants(#[source] serde_json::Error),
    /// The program failed at building the index.
    #[error("the index of the catalogue could not be built")]
    Build(#[source] tokio::task::JoinError),
}

impl From<deadpool_postgres::PoolError> for ContentError {
    fn from(error: deadpool_postgres::PoolError) -> Self {
        Self::Store(error.into())
    }
}

impl From<tokio_postgres::Error> for ContentError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Store(error.into())
    }
}

/// The edition in force: one short query, run before each list whose memory of it is old.
///
/// # Errors
///
/// When the database does not answer.
pub async fn current(pool: &Pool) -> Result<Edition, StoreError> {
    let client = pool.get().await?;
    let statement = client
        .prepare_cached(include_str!("sql/edition_read.sql"))
        .await?;
    let row = client.query_one(&statement, &[]).await?;
    Ok(edition(&row))
}

/// The framework in force: the one that is compiled in where none was loaded.
///
/// # Errors
///
/// When the database does not answer, or what it holds is no framework.
pub async fn framework(pool: &Pool) -> Result<Framework, ContentError> {
    let client = pool.get().await?;
    let row = client
        .query_opt(include_str!("sql/framework_read.sql"), &[])
        .await?;
    row.map_or_else(
        || Ok(Framework::seconde().clone()),
        |row| parse_framework(row.get(0)),
    )
}

/// An edition with its content, all of one moment.
///
/// # Errors
///
/// When the database does not answer, or what it holds is no catalogue, framework or calibration.
pub async fn read(pool: &Pool) -> Result<(Edition, Content), ContentError> {
    let mut client = pool.get().await?;
    // One snapshot for all queries: an import in between would mix two editions.
    let transaction = client
        .build_transaction()
        .isolation_level(IsolationLevel::RepeatableRead)
        .read_only(true)
        .start()
        .await?;
    let row = transaction
        .query_one(include_str!("sql/edition_read.sql"), &[])
        .await?;
    let edition = edition(&row);
    let framework = transaction
        .query_opt(include_str!("sql/framework_served_read.sql"), &[])
        .await?;
    let items = transaction
        .query(include_str!("sql/catalogue_items_read.sql"), &[])
        .await?;
    let constants = transaction
        .query(include_str!("sql/calibrations_read.sql"), &[])
        .await?;
    let fitted = transaction
        .query(include_str!("sql/calibration_items_read.sql"), &[])
        .await?;
    transaction.commit().await?;
    let framework = framework.map_or_else(
        || Ok(Framework::seconde().clone()),
        |row| parse_framework(row.get(0)),
    )?;
    let items = items
        .iter()
        .map(|row| serde_json::from_str(row.get(0)).map_err(ContentError::Item))
        .collect::<Result<_, _>>()?;
    let content = Content {
        framework,
        items,
        calibration: calibration(&constants, &fitted)?,
    };
    Ok((edition, content))
}

fn edition(row: &Row) -> Edition {
    let framework: Option<String> = row.get("framework");
    Edition {
        catalogue: row.get("catalogue"),
        framework: framework.zip(row.get("framework_loaded")),
        calibrations: row.get("calibrations"),
    }
}

fn calibration(constants: &[Row], fitted: &[Row]) -> Result<Calibration, ContentError> {
    let mut calibration = Calibration::default();
    for row in constants {
        let (subject, hyper): (String, &str) = (row.get(0), row.get(1));
        let hyper = serde_json::from_str(hyper).map_err(ContentError::Constants)?;
        if let Some(priors) = row.get::<_, Option<&str>>(2) {
            let priors = serde_json::from_str(priors).map_err(ContentError::Constants)?;
            calibration.priors.insert(subject.clone(), priors);
        }
        calibration.hyper.insert(subject, hyper);
    }
    let items = fitted.iter().map(|row| {
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

fn parse_framework(text: &str) -> Result<Framework, ContentError> {
    Framework::parse(text.as_bytes()).map_err(|faults| {
        let first = faults.first().map_or("", |fault| fault.rule);
        ContentError::Framework(format!("{} faults, the first one {first}", faults.len()))
    })
}

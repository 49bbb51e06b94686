//! One pupil's states, as analytics publishes them.

use mastery::{DecodeError, PupilState};
use schemas::ids::PersonKey;
use service::pg::Pool;

use super::StoreError;

/// A pupil's states by subject; empty before the first answer.
pub type States = Vec<(String, PupilState)>;

/// Why a pupil could not be read.
#[derive(Debug, thiserror::Error)]
pub enum PupilError {
    /// The database did not answer.
    #[error("could not read the pupil's states")]
    Store(#[from] StoreError),
    /// A published state is not one that this program knows.
    #[error("could not decode a pupil's state")]
    State(#[from] DecodeError),
}

/// The states of a pupil; `None` when the key is nobody's.
///
/// # Errors
///
/// When the database does not answer, or holds states of another program.
pub async fn read(pool: &Pool, person: PersonKey) -> Result<Option<States>, PupilError> {
    let rows = query(pool, person).await?;
    let mut known = false;
    let mut states = Vec::new();
    for row in &rows {
        // A state is published before the people's table may know of the account: it is enough.
        let subject: Option<String> = row.get("subject");
        known |= row.get::<_, bool>("known") || subject.is_some();
        if let Some(subject) = subject {
            states.push((subject, PupilState::decode(row.get("state"))?));
        }
    }
    Ok(known.then_some(states))
}

/// Whether a person is a pupil of a school (UAI): of one of its classes.
///
/// # Errors
///
/// When the database does not answer.
pub async fn is_of_school(
    pool: &Pool,
    person: PersonKey,
    school: &str,
) -> Result<bool, StoreError> {
    let client = pool.get().await?;
    let statement = client
        .prepare_cached(include_str!("sql/pupil_of_school.sql"))
        .await?;
    let row = client
        .query_one(&statement, &[&person.as_uuid(), &school])
        .await?;
    Ok(row.get(0))
}

async fn query(pool: &Pool, person: PersonKey) -> Result<Vec<tokio_postgres::Row>, StoreError> {
    let client = pool.get().await?;
    let statement = client
        .prepare_cached(include_str!("sql/pupil_read.sql"))
        .await?;
    Ok(client.query(&statement, &[&person.as_uuid()]).await?)
}

//! What is known of an agent besides its identifier: the statements in which it is the actor.

use service::pg::Pool;
use uuid::Uuid;

use super::dictionaries::Dictionaries;
use super::{StoreError, settle};

/// The payloads of the newest statements of an actor that are not voided, newest first.
pub async fn newest(
    pool: &Pool,
    dictionaries: &Dictionaries,
    account: Uuid,
    limit: i64,
) -> Result<Vec<Vec<u8>>, StoreError> {
    let Some(actor) = dictionaries.actors.find(pool, account).await? else {
        return Ok(Vec::new());
    };
    let connection = pool.get().await?;
    let result = async {
        let statement = connection
            .prepare_cached(include_str!("sql/agents_newest.sql"))
            .await?;
        connection.query(&statement, &[&actor, &limit]).await
    }
    .await;
    let rows = settle(connection, result)?;
    Ok(rows.iter().map(|row| row.get("payload")).collect())
}

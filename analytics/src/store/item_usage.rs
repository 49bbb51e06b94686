//! How often each item was answered: `analytics.item_usage`.

use deadpool_postgres::GenericClient;

use super::StoreError;
use crate::fold::Usage;

/// Adds differences. An item of which answers are only taken away is there already, so its
/// activity, which the states do not hold, is not asked for.
pub async fn add(
    client: &impl GenericClient,
    version: i64,
    usage: &Usage,
) -> Result<(), StoreError> {
    let (mut items, mut activities, mut known) = (Vec::new(), Vec::new(), Vec::new());
    let (mut answers, mut correct) = (Vec::new(), Vec::new());
    for (&item, change) in usage.changes() {
        items.push(item.cast_signed());
        activities.push(change.activity.as_deref().unwrap_or_default());
        known.push(change.known);
        answers.push(change.answers);
        correct.push(change.correct);
    }
    if items.is_empty() {
        return Ok(());
    }
    let sql = include_str!("sql/item_usage_add.sql");
    super::execute(
        client,
        sql,
        &[&version, &items, &activities, &known, &answers, &correct],
    )
    .await?;
    Ok(())
}

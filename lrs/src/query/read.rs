//! A page of statements, read.

use schemas::ids::AccountKey;
use service::pg::Pool;

use super::cursor::Cursor;
use super::filter::{Filter, Shown};
use super::plan::{self, Selection};
use crate::statement::keys;
use crate::store::dictionaries::Dictionaries;
use crate::store::statements::{self, StoredStatement};
use crate::store::{StoreError, horizon, references};

/// Statements in the order that was asked for, and where the next ones start, if there are more.
#[derive(Debug, Default)]
pub struct Page {
    /// The statements.
    pub statements: Vec<StoredStatement>,
    /// The place after them.
    pub more: Option<Cursor>,
    /// How they are shown.
    pub shown: Shown,
}

/// The first page of a filter. `page_max` statements at most.
pub async fn first_page(
    pool: &Pool,
    dictionaries: &Dictionaries,
    secret: &[u8],
    filter: &Filter,
    page_max: u32,
) -> Result<Page, StoreError> {
    let rows = filter
        .limit
        .filter(|limit| *limit > 0)
        .map_or(page_max, |limit| limit.min(page_max));
    match select(pool, dictionaries, secret, filter).await? {
        Some(selection) => page(pool, selection, None, rows, filter.shown).await,
        // No statement ever had such an agent, verb or activity.
        None => Ok(Page {
            shown: filter.shown,
            ..Page::default()
        }),
    }
}

/// The page that a cursor names.
pub async fn next_page(pool: &Pool, cursor: Cursor) -> Result<Page, StoreError> {
    let after = Some(cursor.after);
    page(pool, cursor.selection, after, cursor.rows, cursor.shown).await
}

/// Keys become integers; none when one of them was never used.
async fn select(
    pool: &Pool,
    dictionaries: &Dictionaries,
    secret: &[u8],
    filter: &Filter,
) -> Result<Option<Selection>, StoreError> {
    let mut selection = Selection {
        registration: filter
            .registration
            .map(|registration| registration.as_uuid()),
        since: filter.since,
        until: filter.until,
        ascending: filter.ascending,
        related_agents: filter.related_agents,
        related_activities: filter.related_activities,
        ..Selection::default()
    };
    let agent = filter
        .agent
        .as_ref()
        .map(|ifi| AccountKey::derive(secret, ifi).as_uuid());
    let wanted = [
        (&dictionaries.actors, agent, &mut selection.agent),
        (
            &dictionaries.verbs,
            filter.verb.as_deref().map(keys::hash),
            &mut selection.verb,
        ),
        (
            &dictionaries.activities,
            filter.activity.as_deref().map(keys::hash),
            &mut selection.activity,
        ),
    ];
    for (dictionary, key, found) in wanted {
        if let Some(key) = key {
            *found = dictionary.find(pool, key).await?;
            if found.is_none() {
                return Ok(None);
            }
        }
    }
    Ok(Some(selection))
}

/// One row more than wanted tells whether there are more.
///
/// Oldest first, a page that is not the last ends where all is consistent: beyond it a statement with
/// an earlier position may still be committed, or be found through its reference, which the next page
/// would have passed over. The last page shows everything, since nothing is read on from it. Newest
/// first, what is committed later at an earlier position is still ahead.
async fn page(
    pool: &Pool,
    selection: Selection,
    after: Option<i64>,
    rows: u32,
    shown: Shown,
) -> Result<Page, StoreError> {
    let consistent = if selection.ascending {
        Some(horizon::consistent_through(pool).await?)
    } else {
        None
    };
    let authorities = match selection.agent {
        Some(agent) if selection.related_agents => references::authorities_of(pool, agent).await?,
        _ => Vec::new(),
    };
    let query = plan::query(&selection, &authorities, after, rows.saturating_add(1));
    let mut statements = statements::page(pool, &query.sql, &query.parameters).await?;
    if u32::try_from(statements.len()).is_ok_and(|found| found <= rows) {
        return Ok(Page {
            statements,
            more: None,
            shown,
        });
    }
    statements.pop();
    if let Some(consistent) = consistent {
        statements.retain(|statement| statement.stored <= consistent);
    }
    // Nothing kept: everything beyond is still moving, and the next page starts where this one did.
    let last = statements
        .last()
        .map(|statement| statement.seq)
        .or(after)
        .unwrap_or(0);
    Ok(Page {
        more: Some(Cursor::new(selection, last, rows, shown)),
        statements,
        shown,
    })
}

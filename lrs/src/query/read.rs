//! A page of statements, read.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use schemas::ids::AccountKey;
use service::pg::Pool;

use super::cursor::Cursor;
use super::filter::{Filter, Restriction, Shown};
use super::plan::{self, Bounds, Selection};
use crate::statement::keys;
use crate::store::dictionaries::Dictionaries;
use crate::store::statements::{self, Edge, StoredStatement};
use crate::store::{StoreError, horizon, references};

/// Entries of an activity that are looked at first, in some milliseconds; then four times as many each
/// time, up to the most, which takes some tens of milliseconds.
const ENTRIES_FIRST: u32 = 20_000;
const ENTRIES_MOST: u32 = 16 * ENTRIES_FIRST;

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

/// What reading needs.
#[derive(Clone, Copy, Debug)]
pub struct Access<'a> {
    /// Connections.
    pub pool: &'a Pool,
    /// Integers in place of keys.
    pub dictionaries: &'a Dictionaries,
    /// What the caller may read at all.
    pub restriction: &'a Restriction,
    /// How long statements are looked for that fill a page.
    pub look: Duration,
}

/// The first page of a filter. `page_max` statements at most.
pub async fn first_page(
    access: Access<'_>,
    secret: &[u8],
    filter: &Filter,
    page_max: u32,
) -> Result<Page, StoreError> {
    let rows = filter
        .limit
        .filter(|limit| *limit > 0)
        .map_or(page_max, |limit| limit.min(page_max));
    match select(access.pool, access.dictionaries, secret, filter).await? {
        Some(selection) => page(access, selection, None, rows, filter.shown).await,
        // No statement ever had such an agent, verb or activity.
        None => Ok(nothing(filter.shown)),
    }
}

/// The page that a cursor names, as far as this caller may read it.
pub async fn next_page(access: Access<'_>, cursor: Cursor) -> Result<Page, StoreError> {
    let after = Some(cursor.after);
    page(access, cursor.selection, after, cursor.rows, cursor.shown).await
}

fn nothing(shown: Shown) -> Page {
    Page {
        shown,
        ..Page::default()
    }
}

/// The bounds of a restriction, and the authorities of an agent that is meant broadly; none when
/// nothing that may be read was ever stored.
async fn bounds(access: Access<'_>, selection: &Selection) -> Result<Option<Bounds>, StoreError> {
    let Access {
        pool, dictionaries, ..
    } = access;
    let mut bounds = Bounds::default();
    if let Some(authority) = access.restriction.authority {
        bounds.authority = dictionaries.authorities.find(pool, authority).await?;
        if bounds.authority.is_none() {
            return Ok(None);
        }
    }
    if let Some(actors) = &access.restriction.actors {
        let mut known = Vec::with_capacity(actors.len());
        for actor in actors {
            known.extend(dictionaries.actors.find(pool, actor.as_uuid()).await?);
        }
        known.sort_unstable();
        known.dedup();
        if known.is_empty() {
            return Ok(None);
        }
        bounds.actors = Some(known);
    }
    if let Some(agent) = selection.agent.filter(|_| selection.related_agents) {
        bounds.authorities = references::authorities_of(pool, agent).await?;
    }
    Ok(Some(bounds))
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
///
/// A page that looked for long enough ends there, however short it is: it may have no statement.
async fn page(
    access: Access<'_>,
    selection: Selection,
    after: Option<i64>,
    rows: u32,
    shown: Shown,
) -> Result<Page, StoreError> {
    let consistent = match (selection.ascending, selection.has_key()) {
        (false, _) => None,
        // Nothing is found through a reference.
        (true, false) => Some(horizon::read(access.pool).await?),
        (true, true) => Some(horizon::consistent_through(access.pool).await?),
    };
    let Some(bounds) = bounds(access, &selection).await? else {
        return Ok(nothing(shown));
    };
    let Looked {
        mut statements,
        edge,
    } = if let Some(activity) = plan::may_hardly_meet(&selection) {
        let asked = (&selection, activity);
        look(access, asked, bounds, (after, rows), consistent).await?
    } else {
        let query = plan::query(&selection, &bounds, after, rows.saturating_add(1));
        Looked {
            statements: statements::page(access.pool, &query.sql, &query.parameters).await?,
            edge: None,
        }
    };
    if count(&statements) <= rows {
        return Ok(Page {
            statements,
            more: edge.map(|edge| Cursor::new(selection, edge, rows, shown)),
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

/// What was found, at most one row more than wanted, and up to where was looked if that is not the end.
struct Looked {
    statements: Vec<StoredStatement>,
    edge: Option<i64>,
}

fn count(statements: &[StoredStatement]) -> u32 {
    u32::try_from(statements.len()).unwrap_or(u32::MAX)
}

/// Looks for the statements of a selection that asks for this activity with a verb, after a position.
///
/// Mostly they are found at once. Where they hardly meet, that would read every entry of the activity: it is
/// given up, and what comes next is looked at in portions until the page is full or the time is over.
async fn look(
    access: Access<'_>,
    (selection, activity): (&Selection, i32),
    mut bounds: Bounds,
    (after, rows): (Option<i64>, u32),
    consistent: Option<DateTime<Utc>>,
) -> Result<Looked, StoreError> {
    let begun = Instant::now();
    let query = plan::query(selection, &bounds, after, rows.saturating_add(1));
    let at_once = access.look / 2;
    if let Some(statements) =
        statements::page_within(access.pool, &query.sql, &query.parameters, at_once).await?
    {
        return Ok(Looked {
            statements,
            edge: None,
        });
    }
    let (mut statements, mut from, mut entries) = (Vec::new(), after, ENTRIES_FIRST);
    loop {
        let query = plan::edge(selection, activity, from, entries);
        let edge = statements::edge(access.pool, &query.sql, &query.parameters).await?;
        // Oldest first, a page ends where all is consistent; so near to the newest it is short anyway.
        let is_usable = |edge: &Edge| consistent.is_none_or(|consistent| edge.stored <= consistent);
        bounds.edge = edge.filter(is_usable).map(|edge| edge.seq);
        let missing = rows.saturating_sub(count(&statements));
        let query = plan::query(selection, &bounds, from, missing.saturating_add(1));
        statements.extend(statements::page(access.pool, &query.sql, &query.parameters).await?);
        let is_full = count(&statements) > rows;
        if is_full || bounds.edge.is_none() || begun.elapsed() > access.look {
            return Ok(Looked {
                statements,
                edge: bounds.edge,
            });
        }
        from = bounds.edge;
        entries = (entries * 4).min(ENTRIES_MOST);
    }
}

//! A selection becomes SQL: one ordered index scan a branch, a page costs what the page needs.
//!
//! Every branch carries its own order and limit in parentheses: only then does PostgreSQL merge
//! ordered scans in place of sorting everything. Times become
//! positions, since `stored` and `seq` have one order.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::store::statements::Parameter;

/// Which statements, with keys as the integers of the dictionaries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Selection {
    /// Actor, object or member of either.
    #[serde(rename = "g", default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<i32>,
    /// The verb.
    #[serde(rename = "v", default, skip_serializing_if = "Option::is_none")]
    pub verb: Option<i32>,
    /// The object, an Activity.
    #[serde(rename = "a", default, skip_serializing_if = "Option::is_none")]
    pub activity: Option<i32>,
    /// The registration.
    #[serde(rename = "r", default, skip_serializing_if = "Option::is_none")]
    pub registration: Option<Uuid>,
    /// Stored after this.
    #[serde(
        rename = "s",
        default,
        skip_serializing_if = "Option::is_none",
        with = "chrono::serde::ts_microseconds_option"
    )]
    pub since: Option<DateTime<Utc>>,
    /// Stored at this or before.
    #[serde(
        rename = "u",
        default,
        skip_serializing_if = "Option::is_none",
        with = "chrono::serde::ts_microseconds_option"
    )]
    pub until: Option<DateTime<Utc>>,
    /// Oldest first.
    #[serde(rename = "o", default)]
    pub ascending: bool,
}

/// A query with its values.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// The text.
    pub sql: String,
    /// The values, `$1` first.
    pub parameters: Vec<Parameter>,
}

/// The query for at most `rows` statements of a selection, beyond the position `after` in its order
/// if one is given.
#[must_use]
pub fn query(selection: &Selection, after: Option<i64>, rows: u32) -> Query {
    let mut parameters = Vec::new();
    let filters = Filters::of(selection, after, &mut parameters);
    let order = if selection.ascending { "" } else { " desc" };
    let statements = "lrs.statements s";
    let branches = match &filters.agent {
        None => vec![branch(
            statements,
            &filters.conditions("s"),
            "s",
            order,
            rows,
        )],
        Some(agent) => {
            let by_actor = [vec![format!("s.actor = {agent}")], filters.conditions("s")].concat();
            // Order and bounds are those of the narrow table, whose index has them.
            let by_other = [vec![format!("g.agent = {agent}")], filters.conditions("g")].concat();
            let others = "lrs.statement_agents g join lrs.statements s on s.seq = g.seq";
            vec![
                branch(statements, &by_actor, "s", order, rows),
                branch(others, &by_other, "g", order, rows),
            ]
        }
    };
    let branches = branches.join("\n        union all\n");
    let sql = format!(
        "select p.seq, p.id, p.stored, p.version, p.payload, a.document
  from (
{branches}
       ) p
  join lrs.authorities a on a.id = p.authority
 order by p.seq{order}
 limit {rows}"
    );
    Query { sql, parameters }
}

fn branch(from: &str, conditions: &[String], position: &str, order: &str, rows: u32) -> String {
    let conditions = conditions.join("\n           and ");
    format!(
        "       (select s.seq, s.id, s.stored, s.version, s.payload, s.authority
          from {from}
         where {conditions}
         order by {position}.seq{order} limit {rows})"
    )
}

/// The values of a selection, as they are named in the text (`$1`).
struct Filters {
    agent: Option<String>,
    verb: Option<String>,
    activity: Option<String>,
    registration: Option<String>,
    since: Option<String>,
    until: Option<String>,
    after: Option<String>,
    ascending: bool,
}

impl Filters {
    fn of(selection: &Selection, after: Option<i64>, parameters: &mut Vec<Parameter>) -> Self {
        let mut name = |value: Option<Parameter>| {
            value.map(|value| {
                parameters.push(value);
                format!("${}", parameters.len())
            })
        };
        Self {
            agent: name(selection.agent.map(Parameter::Int4)),
            verb: name(selection.verb.map(Parameter::Int4)),
            activity: name(selection.activity.map(Parameter::Int4)),
            registration: name(selection.registration.map(Parameter::Uuid)),
            since: name(selection.since.map(Parameter::Time)),
            until: name(selection.until.map(Parameter::Time)),
            after: name(after.map(Parameter::Int8)),
            ascending: selection.ascending,
        }
    }

    /// What a row must fulfil besides the agent; positions are those of the table `position`.
    fn conditions(&self, position: &str) -> Vec<String> {
        let side = if self.ascending { '>' } else { '<' };
        let known = [
            self.verb.as_ref().map(|verb| format!("s.verb = {verb}")),
            self.activity
                .as_ref()
                .map(|activity| format!("s.activity = {activity}")),
            self.registration
                .as_ref()
                .map(|registration| format!("s.registration = {registration}")),
            self.since
                .as_ref()
                .map(|since| format!("{position}.seq > {}", last_stored_by(since))),
            self.until
                .as_ref()
                .map(|until| format!("{position}.seq <= {}", last_stored_by(until))),
            self.after
                .as_ref()
                .map(|after| format!("{position}.seq {side} {after}")),
        ];
        // A voiding is never voided. A scalar subquery, not EXISTS: it stays a look-up in an index
        // and is never turned into a scan of all voidings.
        let valid = "(s.voids is not null or (select v.target from lrs.voidings v where v.target = s.id) is null)";
        known
            .into_iter()
            .flatten()
            .chain([valid.to_owned()])
            .collect()
    }
}

/// The last position stored at a time or before; found once a query, by the index on `stored`.
fn last_stored_by(time: &str) -> String {
    format!(
        "coalesce((select b.seq from lrs.statements b where b.stored <= {time} order by b.stored desc, b.seq desc limit 1), 0)"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(selection: &Selection, after: Option<i64>) -> String {
        let words: Vec<_> = query(selection, after, 11)
            .sql
            .split_whitespace()
            .map(str::to_owned)
            .collect();
        words.join(" ")
    }

    const VALID: &str = "(s.voids is not null or (select v.target from lrs.voidings v where v.target = s.id) is null)";
    const COLUMNS: &str = "s.seq, s.id, s.stored, s.version, s.payload, s.authority";

    #[test]
    fn everything_newest_first() {
        let wanted = format!(
            "select p.seq, p.id, p.stored, p.version, p.payload, a.document from ( \
             (select {COLUMNS} from lrs.statements s where {VALID} order by s.seq desc limit 11) ) p \
             join lrs.authorities a on a.id = p.authority order by p.seq desc limit 11"
        );
        assert_eq!(text(&Selection::default(), None), wanted);
    }

    #[test]
    fn an_agent_is_two_branches_each_with_its_order_and_limit() {
        let selection = Selection {
            agent: Some(7),
            verb: Some(1),
            ascending: true,
            ..Selection::default()
        };
        let wanted = format!(
            "select p.seq, p.id, p.stored, p.version, p.payload, a.document from ( \
             (select {COLUMNS} from lrs.statements s \
             where s.actor = $1 and s.verb = $2 and s.seq > $3 and {VALID} order by s.seq limit 11) \
             union all \
             (select {COLUMNS} from lrs.statement_agents g join lrs.statements s on s.seq = g.seq \
             where g.agent = $1 and s.verb = $2 and g.seq > $3 and {VALID} order by g.seq limit 11) ) p \
             join lrs.authorities a on a.id = p.authority order by p.seq limit 11"
        );
        assert_eq!(text(&selection, Some(5)), wanted);
        let values = query(&selection, Some(5), 11).parameters;
        assert_eq!(
            values,
            [Parameter::Int4(7), Parameter::Int4(1), Parameter::Int8(5)]
        );
    }
}

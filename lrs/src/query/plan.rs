//! A selection becomes SQL: one ordered index scan a branch, a page costs what the page needs.
//!
//! A key of a filter has several places: an agent is the actor, or in the index table of further
//! agents, or the authority. Each combination of places is a branch of its own, once for what stands in
//! a statement itself and once for what it inherits from the statements that it refers to
//! (docs/decisions/0016). Every branch carries its own order and limit in parentheses: only then does
//! PostgreSQL merge ordered scans in place of sorting everything. A statement that several branches
//! find is given once: `distinct on` over the merged order stops at the limit, too. Times become
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
    /// The agent may also be authority, instructor, in a team, in a context list or in a
    /// `SubStatement`.
    #[serde(rename = "gg", default, skip_serializing_if = "is_false")]
    pub related_agents: bool,
    /// The verb.
    #[serde(rename = "v", default, skip_serializing_if = "Option::is_none")]
    pub verb: Option<i32>,
    /// The object, an Activity.
    #[serde(rename = "a", default, skip_serializing_if = "Option::is_none")]
    pub activity: Option<i32>,
    /// The activity may also be in the context or in a `SubStatement`.
    #[serde(rename = "aa", default, skip_serializing_if = "is_false")]
    pub related_activities: bool,
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

impl Selection {
    /// Whether anything is asked that a statement may inherit.
    #[must_use]
    pub fn has_key(&self) -> bool {
        self.agent.is_some()
            || self.verb.is_some()
            || self.activity.is_some()
            || self.registration.is_some()
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde asks with a reference"
)]
fn is_false(value: &bool) -> bool {
    !value
}

/// What bounds a selection at the time of a page, and is not kept in a cursor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bounds {
    /// The authorities that the agent is in, where related agents are asked for.
    pub authorities: Vec<i32>,
    /// Only what this authority vouches for.
    pub authority: Option<i32>,
    /// Only statements of these actors.
    pub actors: Option<Vec<i32>>,
    /// The last position that this page looks at, in the order that was asked for ([`edge`]).
    pub edge: Option<i64>,
}

/// A query with its values.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// The text.
    pub sql: String,
    /// The values, `$1` first.
    pub parameters: Vec<Parameter>,
}

/// Authorities of an agent that get a branch each; an agent that is in more of them is busy, and its
/// statements are found soon by walking over all.
const AUTHORITIES: usize = 8;

/// A voiding is never voided (Data 2.3.2). A scalar subquery, not EXISTS: it stays a look-up in an
/// index and is never turned into a scan of all voidings.
const VALID: &str =
    "(s.voids is not null or (select v.target from lrs.voidings v where v.target = s.id) is null)";

/// The activity of which a page may read a great many entries before it is full.
///
/// Half of all statements may name it, and the verb that is asked for hardly meet it. What else is asked
/// is bounded by a smaller key.
#[must_use]
pub fn may_hardly_meet(selection: &Selection) -> Option<i32> {
    let by_verb_alone =
        selection.verb.is_some() && selection.agent.is_none() && selection.registration.is_none();
    selection.activity.filter(|_| by_verb_alone)
}

/// The query for the position of an activity's entry that is so many after a position, and when that was
/// stored; it finds nothing where there are fewer entries.
#[must_use]
pub fn edge(selection: &Selection, activity: i32, after: Option<i64>, entries: u32) -> Query {
    let mut parameters = Vec::new();
    let bounding = Selection {
        since: selection.since,
        until: selection.until,
        ascending: selection.ascending,
        ..Selection::default()
    };
    let values = Values::of(&bounding, &Bounds::default(), after, &mut parameters);
    parameters.push(Parameter::Int4(activity));
    let key = format!("x.activity = ${}", parameters.len());
    let conditions: Vec<String> = std::iter::once(key).chain(values.positions("x")).collect();
    let (conditions, order) = (conditions.join(" and "), values.order());
    let offset = entries.saturating_sub(1);
    // Of several places the nearest: up to there each has been looked at.
    let places = [
        Some(OWN.row.0),
        selection.related_activities.then_some(OWN.activities.name),
    ];
    let edges: Vec<String> = places
        .into_iter()
        .flatten()
        .map(|table| {
            format!("(select x.seq from {table} x where {conditions} order by x.seq{order} offset {offset} limit 1)")
        })
        .collect();
    let sql = format!(
        "select p.seq, p.stored
  from ({}) e
  join lrs.statements p on p.seq = e.seq
 order by e.seq{order} limit 1",
        edges.join(" union all ")
    );
    Query { sql, parameters }
}

/// The query for at most `rows` statements of a selection, beyond the position `after` in its order
/// if one is given.
#[must_use]
pub fn query(selection: &Selection, bounds: &Bounds, after: Option<i64>, rows: u32) -> Query {
    let mut parameters = Vec::new();
    let values = Values::of(selection, bounds, after, &mut parameters);
    let order = values.order();
    let mut branches = values.branches(&OWN, order, rows);
    if selection.has_key() {
        branches.extend(values.branches(&INHERITED, order, rows));
    }
    let found = branches.join("\n        union all\n");
    let found = if branches.len() == 1 {
        found
    } else {
        format!(
            "       select distinct on (u.seq) u.*
  from (
{found}
       ) u
 order by u.seq{order}
 limit {rows}"
        )
    };
    let sql = format!(
        "select p.seq, p.id, p.stored, p.version, p.payload, a.document
  from (
{found}
       ) p
  join lrs.authorities a on a.id = p.authority
 order by p.seq{order}
 limit {rows}"
    );
    Query { sql, parameters }
}

/// Where keys stand: in statements themselves, or in what they inherit.
struct World {
    /// The table with a row for each set of keys that must hold together, and its name in a query.
    row: (&'static str, &'static str),
    /// Index tables of agents besides the actor.
    agents: &'static [Table],
    /// The index table of activities besides the object.
    activities: Table,
    /// Columns that belong together in these tables.
    link: &'static [&'static str],
    /// Whether a statement may be found more than once in one branch.
    repeats: bool,
}

/// An index table `(key, seq)`.
#[derive(Clone, Copy)]
struct Table {
    name: &'static str,
    narrow: Narrow,
    has_verb: bool,
}

/// Which rows of an index table a filter finds that is not meant broadly.
#[derive(Clone, Copy)]
enum Narrow {
    All,
    None,
    Those(&'static str),
}

const OWN: World = World {
    row: ("lrs.statements", "s"),
    agents: &[
        Table {
            name: "lrs.statement_agents",
            narrow: Narrow::All,
            has_verb: false,
        },
        Table {
            name: "lrs.related_agents",
            narrow: Narrow::None,
            has_verb: true,
        },
    ],
    activities: Table {
        name: "lrs.related_activities",
        narrow: Narrow::None,
        has_verb: true,
    },
    link: &["seq"],
    repeats: false,
};

const INHERITED: World = World {
    row: ("lrs.inherited", "i"),
    agents: &[Table {
        name: "lrs.inherited_agents",
        narrow: Narrow::Those("not g.related"),
        has_verb: false,
    }],
    activities: Table {
        name: "lrs.inherited_activities",
        narrow: Narrow::None,
        has_verb: false,
    },
    link: &["seq", "via"],
    repeats: true,
};

/// One place where a key may stand: a column of the row, or an index table under a name.
struct Place {
    table: Option<(Table, &'static str)>,
    conditions: Vec<String>,
}

impl Place {
    fn column(condition: String) -> Self {
        Self {
            table: None,
            conditions: vec![condition],
        }
    }

    /// The rows of an index table that a filter finds, meant broadly or not; none of them perhaps.
    fn table(table: Table, name: &'static str, condition: String, broad: bool) -> Option<Self> {
        let mut conditions = vec![condition];
        match table.narrow {
            _ if broad => {}
            Narrow::All => {}
            Narrow::None => return None,
            Narrow::Those(rows) => conditions.push(rows.to_owned()),
        }
        Some(Self {
            table: Some((table, name)),
            conditions,
        })
    }

    /// No key is asked for: any row will do.
    fn anywhere() -> Self {
        Self {
            table: None,
            conditions: Vec::new(),
        }
    }
}

/// The values of a selection, as they are named in the text (`$1`).
struct Values {
    agent: Option<String>,
    /// Conditions on a column that holds an authority.
    authorities: Vec<String>,
    related_agents: bool,
    verb: Option<String>,
    activity: Option<String>,
    related_activities: bool,
    registration: Option<String>,
    since: Option<String>,
    until: Option<String>,
    after: Option<String>,
    edge: Option<String>,
    ascending: bool,
    only_authority: Option<String>,
    only_actors: Option<String>,
    /// The same actors one by one, where no agent is asked for: each is found by the index.
    each_actor: Vec<String>,
}

impl Values {
    fn of(
        selection: &Selection,
        bounds: &Bounds,
        after: Option<i64>,
        parameters: &mut Vec<Parameter>,
    ) -> Self {
        let mut name = |value: Option<Parameter>| {
            value.map(|value| {
                parameters.push(value);
                format!("${}", parameters.len())
            })
        };
        Self {
            agent: name(selection.agent.map(Parameter::Int4)),
            authorities: if bounds.authorities.len() <= AUTHORITIES {
                bounds
                    .authorities
                    .iter()
                    .filter_map(|authority| name(Some(Parameter::Int4(*authority))))
                    .map(|value| format!("= {value}"))
                    .collect()
            } else {
                let all = name(Some(Parameter::Int4s(bounds.authorities.clone())));
                all.map(|value| format!("= any({value})"))
                    .into_iter()
                    .collect()
            },
            related_agents: selection.related_agents,
            verb: name(selection.verb.map(Parameter::Int4)),
            activity: name(selection.activity.map(Parameter::Int4)),
            related_activities: selection.related_activities,
            registration: name(selection.registration.map(Parameter::Uuid)),
            since: name(selection.since.map(Parameter::Time)),
            until: name(selection.until.map(Parameter::Time)),
            after: name(after.map(Parameter::Int8)),
            edge: name(bounds.edge.map(Parameter::Int8)),
            ascending: selection.ascending,
            only_authority: name(bounds.authority.map(Parameter::Int4)),
            only_actors: name(bounds.actors.clone().map(Parameter::Int4s)),
            each_actor: match (&bounds.actors, selection.agent) {
                (Some(actors), None) => actors
                    .iter()
                    .filter_map(|actor| name(Some(Parameter::Int4(*actor))))
                    .collect(),
                _ => Vec::new(),
            },
        }
    }

    fn order(&self) -> &'static str {
        if self.ascending { "" } else { " desc" }
    }

    fn branches(&self, world: &World, order: &str, rows: u32) -> Vec<String> {
        let activities = self.activity_places(world);
        self.agent_places(world)
            .iter()
            .flat_map(|agent| activities.iter().map(move |activity| [agent, activity]))
            .map(|places| self.branch(world, places, order, rows))
            .collect()
    }

    fn agent_places(&self, world: &World) -> Vec<Place> {
        let row = world.row.1;
        let Some(agent) = &self.agent else {
            if self.only_actors.is_none() {
                return vec![Place::anywhere()];
            }
            let by_actor = |actor| Place::column(format!("{row}.actor = {actor}"));
            return self.each_actor.iter().map(by_actor).collect();
        };
        let mut places = vec![Place::column(format!("{row}.actor = {agent}"))];
        places.extend(world.agents.iter().filter_map(|table| {
            let condition = format!("g.agent = {agent}");
            Place::table(*table, "g", condition, self.related_agents)
        }));
        places.extend(
            self.authorities
                .iter()
                .map(|authority| Place::column(format!("{row}.authority {authority}"))),
        );
        places
    }

    fn activity_places(&self, world: &World) -> Vec<Place> {
        let Some(activity) = &self.activity else {
            return vec![Place::anywhere()];
        };
        let row = world.row.1;
        let condition = format!("x.activity = {activity}");
        [
            Some(Place::column(format!("{row}.activity = {activity}"))),
            Place::table(world.activities, "x", condition, self.related_activities),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    fn branch(&self, world: &World, places: [&Place; 2], order: &str, rows: u32) -> String {
        let row = world.row.1;
        let narrow: Vec<(Table, &str)> = places.iter().filter_map(|place| place.table).collect();
        let first = narrow.first().map_or(row, |(_, name)| name);
        // The verb where an index has it; positions in each index that is read.
        let verb_of = narrow
            .iter()
            .find(|(table, _)| table.has_verb)
            .map_or(row, |(_, name)| name);
        let mut read: Vec<&str> = narrow.iter().map(|(_, name)| *name).collect();
        if read.is_empty() {
            read.push(row);
        }
        let of_keys = places.iter().flat_map(|place| place.conditions.clone());
        let of_verb = self
            .verb
            .iter()
            .map(|verb| format!("{verb_of}.verb = {verb}"));
        let of_registration = self
            .registration
            .iter()
            .map(|registration| format!("{row}.registration = {registration}"));
        let conditions: Vec<String> = of_keys
            .chain(of_verb)
            .chain(of_registration)
            .chain(read.iter().flat_map(|name| self.positions(name)))
            .chain(self.restriction(world))
            .chain([VALID.to_owned()])
            .collect();
        let distinct = if world.repeats {
            format!("distinct on ({first}.seq) ")
        } else {
            String::new()
        };
        let (from, conditions) = (from(world, &narrow), conditions.join("\n           and "));
        format!(
            "       (select {distinct}s.seq, s.id, s.stored, s.version, s.payload, s.authority
          from {from}
         where {conditions}
         order by {first}.seq{order} limit {rows})"
        )
    }

    /// What may be read: the statement, and what it inherits from. Else a reference of one's own to
    /// another's statement would tell what that one is about.
    fn restriction(&self, world: &World) -> Vec<String> {
        let mut rows = vec![world.row.1];
        if world.repeats {
            rows.push("s");
        }
        rows.into_iter()
            .flat_map(|row| {
                let authority = self.only_authority.iter();
                let actors = self.only_actors.iter();
                authority
                    .map(move |only| format!("{row}.authority = {only}"))
                    .chain(actors.map(move |only| format!("{row}.actor = any({only})")))
            })
            .collect()
    }

    /// The positions that are asked for, in the table `name`.
    fn positions(&self, name: &str) -> Vec<String> {
        let (side, other) = if self.ascending {
            ('>', '<')
        } else {
            ('<', '>')
        };
        let since = self.since.as_ref();
        let until = self.until.as_ref();
        let after = self.after.as_ref();
        let edge = self.edge.as_ref();
        [
            since.map(|since| format!("{name}.seq > {}", last_stored_by(since))),
            until.map(|until| format!("{name}.seq <= {}", last_stored_by(until))),
            after.map(|after| format!("{name}.seq {side} {after}")),
            edge.map(|edge| format!("{name}.seq {other}= {edge}")),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

/// The index tables that are read, the row that they belong to, and the statement.
fn from(world: &World, narrow: &[(Table, &str)]) -> String {
    let mut tables: Vec<(&str, &str)> = narrow
        .iter()
        .map(|(table, name)| (table.name, *name))
        .collect();
    tables.push(world.row);
    let (table, first) = tables[0];
    let mut from = format!("{table} {first}");
    for (table, name) in &tables[1..] {
        let on: Vec<String> = world
            .link
            .iter()
            .map(|column| format!("{name}.{column} = {first}.{column}"))
            .collect();
        from.push_str(&format!(" join {table} {name} on {}", on.join(" and ")));
    }
    if world.repeats {
        from.push_str(&format!(" join lrs.statements s on s.seq = {first}.seq"));
    }
    from
}

/// The last position stored at a time or before; found once a query, since it is a query of its own.
fn last_stored_by(time: &str) -> String {
    format!("(select lrs.position_at({time}))")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(selection: &Selection, authorities: &[i32], after: Option<i64>) -> String {
        let bounds = Bounds {
            authorities: authorities.to_vec(),
            ..Bounds::default()
        };
        words(&query(selection, &bounds, after, 11))
    }

    fn words(query: &Query) -> String {
        let words: Vec<_> = query.sql.split_whitespace().map(str::to_owned).collect();
        words.join(" ")
    }

    const COLUMNS: &str = "s.seq, s.id, s.stored, s.version, s.payload, s.authority";

    fn whole(branches: &[String], order: &str) -> String {
        format!(
            "select p.seq, p.id, p.stored, p.version, p.payload, a.document from ( \
             select distinct on (u.seq) u.* from ( {} ) u order by u.seq{order} limit 11 ) p \
             join lrs.authorities a on a.id = p.authority order by p.seq{order} limit 11",
            branches.join(" union all ")
        )
    }

    #[test]
    fn everything_newest_first_is_one_branch() {
        let wanted = format!(
            "select p.seq, p.id, p.stored, p.version, p.payload, a.document from ( \
             (select {COLUMNS} from lrs.statements s where {VALID} order by s.seq desc limit 11) ) p \
             join lrs.authorities a on a.id = p.authority order by p.seq desc limit 11"
        );
        assert_eq!(text(&Selection::default(), &[], None), wanted);
    }

    #[test]
    fn an_agent_is_a_branch_a_place_each_with_its_order_and_limit() {
        let selection = Selection {
            agent: Some(7),
            verb: Some(1),
            ascending: true,
            ..Selection::default()
        };
        let own = |from: &str, key: &str, first: &str| {
            format!(
                "(select {COLUMNS} from {from} where {key} = $1 and s.verb = $2 and {first}.seq > $3 \
                 and {VALID} order by {first}.seq limit 11)"
            )
        };
        let inherited = |from: &str, key: &str, first: &str| {
            format!(
                "(select distinct on ({first}.seq) {COLUMNS} from {from} join lrs.statements s on s.seq = {first}.seq \
                 where {key} and i.verb = $2 and {first}.seq > $3 and {VALID} order by {first}.seq limit 11)"
            )
        };
        let wanted = [
            own("lrs.statements s", "s.actor", "s"),
            own(
                "lrs.statement_agents g join lrs.statements s on s.seq = g.seq",
                "g.agent",
                "g",
            ),
            inherited("lrs.inherited i", "i.actor = $1", "i"),
            inherited(
                "lrs.inherited_agents g join lrs.inherited i on i.seq = g.seq and i.via = g.via",
                "g.agent = $1 and not g.related",
                "g",
            ),
        ];
        assert_eq!(text(&selection, &[], Some(5)), whole(&wanted, ""));
        let values = query(&selection, &Bounds::default(), Some(5), 11).parameters;
        assert_eq!(
            values,
            [Parameter::Int4(7), Parameter::Int4(1), Parameter::Int8(5)]
        );
    }

    #[test]
    fn related_keys_are_a_branch_for_each_pair_of_places() {
        let selection = Selection {
            agent: Some(7),
            related_agents: true,
            activity: Some(3),
            related_activities: true,
            verb: Some(1),
            ..Selection::default()
        };
        let sql = text(&selection, &[5, 6], None);
        // Actor, further, related, two authorities; inherited: actor, further, two authorities. Each
        // with the object and with the related activities.
        assert_eq!(sql.matches("limit 11)").count(), 5 * 2 + 4 * 2);
        let both = format!(
            "(select {COLUMNS} from lrs.related_agents g join lrs.related_activities x on x.seq = g.seq \
             join lrs.statements s on s.seq = g.seq where g.agent = $1 and x.activity = $5 and g.verb = $4 \
             and {VALID} order by g.seq desc limit 11)"
        );
        assert!(sql.contains(&both), "{sql}");
        assert!(sql.contains("from lrs.statements s where s.authority = $3 and s.activity = $5"));
        assert!(!sql.contains("not g.related"));
        // An agent in many authorities does not make a branch for each.
        let many: Vec<i32> = (1..=100).collect();
        let sql = text(&selection, &many, None);
        assert_eq!(sql.matches("limit 11)").count(), 4 * 2 + 3 * 2);
        assert!(sql.contains("s.authority = any($2)"));
    }

    #[test]
    fn an_activity_and_a_verb_are_looked_for_among_so_many_entries() {
        let pair = Selection {
            activity: Some(3),
            verb: Some(1),
            related_activities: true,
            ..Selection::default()
        };
        assert_eq!(may_hardly_meet(&pair), Some(3));
        let found = edge(&pair, 3, Some(9), 20);
        assert_eq!(
            words(&found),
            "select p.seq, p.stored from ((select x.seq from lrs.statements x where x.activity = $2 and x.seq < $1 \
             order by x.seq desc offset 19 limit 1) union all (select x.seq from lrs.related_activities x \
             where x.activity = $2 and x.seq < $1 order by x.seq desc offset 19 limit 1)) e \
             join lrs.statements p on p.seq = e.seq order by e.seq desc limit 1"
        );
        assert_eq!(found.parameters, [Parameter::Int8(9), Parameter::Int4(3)]);
        let bounds = Bounds {
            edge: Some(4),
            ..Bounds::default()
        };
        let sql = words(&query(&pair, &bounds, Some(9), 11));
        assert_eq!(sql.matches("limit 11)").count(), 4);
        assert_eq!(sql.matches(".seq < $3 and").count(), 4, "{sql}");
        assert_eq!(sql.matches(".seq >= $4 and").count(), 4, "{sql}");
        for bounded in [
            Selection {
                verb: None,
                ..pair.clone()
            },
            Selection {
                agent: Some(7),
                ..pair.clone()
            },
        ] {
            assert_eq!(may_hardly_meet(&bounded), None);
        }
    }

    #[test]
    fn a_restriction_holds_for_the_statement_and_for_what_it_inherits_from() {
        let bounds = Bounds {
            authority: Some(5),
            actors: Some(vec![8, 9]),
            ..Bounds::default()
        };
        let verb = Selection {
            verb: Some(1),
            ..Selection::default()
        };
        let sql = words(&query(&verb, &bounds, None, 11));
        // A branch an actor, found by the index of actors.
        for (row, key) in [("s", "$4"), ("s", "$5"), ("i", "$4"), ("i", "$5")] {
            assert!(
                sql.contains(&format!("where {row}.actor = {key} and {row}.verb = $1")),
                "{sql}"
            );
        }
        assert_eq!(sql.matches("limit 11)").count(), 4);
        assert_eq!(
            sql.matches("s.authority = $2 and s.actor = any($3)")
                .count(),
            4
        );
        assert_eq!(
            sql.matches("i.authority = $2 and i.actor = any($3)")
                .count(),
            2
        );
        let agent = Selection {
            agent: Some(7),
            ..Selection::default()
        };
        let sql = words(&query(&agent, &bounds, None, 11));
        assert_eq!(sql.matches("limit 11)").count(), 4);
        assert_eq!(
            sql.matches("s.authority = $2 and s.actor = any($3)")
                .count(),
            4
        );
    }
}

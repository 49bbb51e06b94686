//! The queries that are measured: every filter of the Statement Resource, the pairs that mean something,
//! the worst ones among them. `benches/queries.md` lists the same with what bounds each.

use chrono::{DateTime, Duration, SecondsFormat, Utc};
use lrs::query::plan::Selection;
use uuid::Uuid;

/// An agent, a verb or an activity: its integer in a store, and how it is asked for.
#[derive(Clone, Debug)]
pub struct Key {
    /// In the dictionary.
    pub id: i32,
    /// An Agent as JSON, or an IRI.
    pub text: String,
}

/// What is asked for.
#[derive(Clone, Debug, Default)]
pub struct Ask {
    /// Parameter `agent`.
    pub agent: Option<Key>,
    /// Parameter `related_agents`.
    pub related_agents: bool,
    /// Parameter `verb`.
    pub verb: Option<Key>,
    /// Parameter `activity`.
    pub activity: Option<Key>,
    /// Parameter `related_activities`.
    pub related_activities: bool,
    /// Parameter `registration`.
    pub registration: Option<Uuid>,
    /// Parameter `since`.
    pub since: Option<DateTime<Utc>>,
    /// Parameter `until`.
    pub until: Option<DateTime<Utc>>,
    /// Parameter `ascending`.
    pub ascending: bool,
}

impl Ask {
    /// The request's path, with so many statements a page.
    #[must_use]
    pub fn path(&self, limit: u32) -> String {
        let time = |at: &DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Micros, true);
        let text = |key: &Option<Key>| key.as_ref().map(|key| key.text.clone());
        let flag = |set: bool| set.then(|| "true".to_owned());
        let parameters = [
            ("agent", text(&self.agent)),
            ("related_agents", flag(self.related_agents)),
            ("verb", text(&self.verb)),
            ("activity", text(&self.activity)),
            ("related_activities", flag(self.related_activities)),
            ("registration", self.registration.map(|one| one.to_string())),
            ("since", self.since.as_ref().map(time)),
            ("until", self.until.as_ref().map(time)),
            ("ascending", flag(self.ascending)),
        ];
        let mut path = format!("/xapi/statements?limit={limit}");
        for (name, value) in parameters {
            if let Some(value) = value {
                path.push_str(&format!("&{name}={}", encoded(&value)));
            }
        }
        path
    }

    /// The same as the LRS's own code has it.
    #[must_use]
    pub fn selection(&self) -> Selection {
        let id = |key: &Option<Key>| key.as_ref().map(|key| key.id);
        Selection {
            agent: id(&self.agent),
            related_agents: self.related_agents,
            verb: id(&self.verb),
            activity: id(&self.activity),
            related_activities: self.related_activities,
            registration: self.registration,
            since: self.since,
            until: self.until,
            ascending: self.ascending,
        }
    }
}

/// As a value of a query string.
fn encoded(value: &str) -> String {
    let mut text = String::with_capacity(value.len() * 2);
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~:/".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

/// A statement that was taken at random: what it can be found by.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Its actor.
    pub agent: Option<Key>,
    /// Its verb.
    pub verb: Option<Key>,
    /// Its object.
    pub activity: Option<Key>,
    /// Its registration.
    pub registration: Option<Uuid>,
    /// When it was stored.
    pub stored: DateTime<Utc>,
}

/// Parameters that were taken from a store.
#[derive(Clone, Debug)]
pub struct Samples {
    /// Statements at random places; none is empty.
    pub any: Vec<Sample>,
    /// Those that others refer to, as it is inherited.
    pub referred: Vec<Sample>,
    /// Agents that `related_agents` alone finds.
    pub teachers: Vec<Key>,
    /// The account that most statements are of.
    pub busy: Key,
    /// The authority of all statements.
    pub authority: Key,
    /// The most frequent verb, and on five statements in six.
    pub answered: Key,
    /// A verb on some statements in a hundred.
    pub completed: Key,
    /// A verb on some in ten thousand, with the same activities as the last.
    pub resumed: Key,
    /// A verb of statements that refer to others.
    pub commented: Key,
    /// The series that is chosen most, which is never answered.
    pub series: Key,
    /// An exercise of it.
    pub exercise: Key,
    /// Half of the statements are grouped by it.
    pub subject: Key,
    /// The profile, which is on nearly all of them.
    pub category: Key,
}

impl Samples {
    fn at(&self, n: usize) -> &Sample {
        &self.any[n % self.any.len()]
    }

    fn stored(&self, n: usize) -> Option<DateTime<Utc>> {
        Some(self.at(n).stored)
    }

    fn teacher(&self, n: usize) -> Option<Key> {
        self.teachers.get(n % self.teachers.len().max(1)).cloned()
    }

    fn referred(&self, n: usize) -> Option<&Sample> {
        self.referred.get(n % self.referred.len().max(1))
    }
}

/// How many results a shape has, whatever its parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Results {
    /// Some, nearly always.
    Some,
    /// Never one.
    None,
    /// As it comes.
    Any,
}

/// A query with parameters left open.
#[derive(Clone, Copy)]
pub struct Shape {
    /// As the document names it.
    pub name: &'static str,
    /// Its n-th parameters.
    pub ask: fn(&Samples, usize) -> Ask,
    /// What it finds.
    pub found: Results,
    /// Whether the hundredth page is measured as well.
    pub deep: bool,
    /// Whether it is a pair of frequent keys that hardly meet: what a budget is allowed for.
    pub rarely_meets: bool,
}

impl std::fmt::Debug for Shape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

const fn shape(name: &'static str, found: Results, ask: fn(&Samples, usize) -> Ask) -> Shape {
    Shape {
        name,
        ask,
        found,
        deep: false,
        rarely_meets: false,
    }
}

impl Shape {
    const fn deep(self) -> Self {
        Self { deep: true, ..self }
    }

    const fn rarely(self) -> Self {
        Self {
            rarely_meets: true,
            ..self
        }
    }
}

/// All of them.
#[must_use]
pub fn all() -> Vec<Shape> {
    [alone(), pairs(), related(), chains()].concat()
}

fn alone() -> Vec<Shape> {
    use Results::{Any, None, Some as Found};
    vec![
        shape("everything", Found, |_, _| Ask::default()).deep(),
        shape("everything, oldest first", Found, |_, _| Ask {
            ascending: true,
            ..Ask::default()
        })
        .deep(),
        shape("agent", Found, |s, n| Ask {
            agent: s.at(n).agent.clone(),
            ..Ask::default()
        }),
        shape("agent, busy", Found, |s, _| Ask {
            agent: Some(s.busy.clone()),
            ..Ask::default()
        })
        .deep(),
        shape("agent, oldest first", Found, |s, n| Ask {
            agent: s.at(n).agent.clone(),
            ascending: true,
            ..Ask::default()
        }),
        shape("verb, frequent", Found, |s, _| Ask {
            verb: Some(s.answered.clone()),
            ..Ask::default()
        })
        .deep(),
        shape("verb, rare", Found, |s, _| Ask {
            verb: Some(s.resumed.clone()),
            ..Ask::default()
        }),
        shape("verb, frequent, oldest first", Found, |s, _| Ask {
            verb: Some(s.answered.clone()),
            ascending: true,
            ..Ask::default()
        }),
        shape("activity", Found, |s, n| Ask {
            activity: s.at(n).activity.clone(),
            ..Ask::default()
        }),
        shape("activity, frequent", Found, |s, _| Ask {
            activity: Some(s.exercise.clone()),
            ..Ask::default()
        })
        .deep(),
        shape("activity, never the object", None, |s, _| Ask {
            activity: Some(s.subject.clone()),
            ..Ask::default()
        }),
        shape("registration", Any, |s, n| Ask {
            registration: s.at(n).registration,
            ..Ask::default()
        }),
        shape("registration, unknown", None, |_, n| Ask {
            registration: Some(Uuid::from_u128(n as u128 + 1)),
            ..Ask::default()
        }),
        shape("since", Found, |s, n| Ask {
            since: s.stored(n),
            ..Ask::default()
        }),
        shape("since, oldest first", Found, |s, n| Ask {
            since: s.stored(n).map(|at| at - Duration::milliseconds(1)),
            ascending: true,
            ..Ask::default()
        })
        .deep(),
        shape("since, the future", None, |s, n| Ask {
            since: s.stored(n).map(|at| at + Duration::days(366)),
            ..Ask::default()
        }),
        shape("until", Found, |s, n| Ask {
            until: s.stored(n),
            ..Ask::default()
        })
        .deep(),
        shape("since, until", Found, |s, n| Ask {
            since: s.stored(n).map(|at| at - Duration::milliseconds(50)),
            until: s.stored(n),
            ..Ask::default()
        }),
    ]
}

fn pairs() -> Vec<Shape> {
    use Results::{Any, None, Some as Found};
    vec![
        shape("agent, verb", Found, |s, n| Ask {
            agent: s.at(n).agent.clone(),
            verb: s.at(n).verb.clone(),
            ..Ask::default()
        }),
        shape("agent, verb, never meet", None, |s, n| Ask {
            agent: s.at(n).agent.clone(),
            verb: Some(s.commented.clone()),
            ..Ask::default()
        }),
        shape("agent, busy, verb, rare", Any, |s, _| Ask {
            agent: Some(s.busy.clone()),
            verb: Some(s.resumed.clone()),
            ..Ask::default()
        }),
        shape("agent, activity", Found, |s, n| Ask {
            agent: s.at(n).agent.clone(),
            activity: s.at(n).activity.clone(),
            ..Ask::default()
        }),
        shape("agent, busy, activity, frequent", Any, |s, _| Ask {
            agent: Some(s.busy.clone()),
            activity: Some(s.exercise.clone()),
            ..Ask::default()
        }),
        shape("agent, registration", Found, |s, n| Ask {
            agent: s.at(n).agent.clone(),
            registration: s.at(n).registration,
            ..Ask::default()
        }),
        shape("agent, since", Any, |s, n| Ask {
            agent: s.at(n).agent.clone(),
            since: s.stored(n + 1),
            ..Ask::default()
        }),
        shape("agent, busy, until", Any, |s, n| Ask {
            agent: Some(s.busy.clone()),
            until: s.stored(n),
            ..Ask::default()
        }),
        shape("verb, frequent, activity, frequent", Found, |s, _| Ask {
            verb: Some(s.answered.clone()),
            activity: Some(s.exercise.clone()),
            ..Ask::default()
        })
        .deep(),
        shape("verb, activity, any", Found, |s, n| Ask {
            verb: s.at(n).verb.clone(),
            activity: s.at(n).activity.clone(),
            ..Ask::default()
        }),
        shape(
            "verb, frequent, activity, frequent, never meet",
            None,
            |s, _| Ask {
                verb: Some(s.answered.clone()),
                activity: Some(s.series.clone()),
                ..Ask::default()
            },
        )
        .rarely(),
        shape(
            "verb, rare, activity, frequent, never meet",
            None,
            |s, _| Ask {
                verb: Some(s.resumed.clone()),
                activity: Some(s.exercise.clone()),
                ..Ask::default()
            },
        )
        .rarely(),
        shape("verb, registration", Found, |s, n| Ask {
            verb: s.at(n).verb.clone(),
            registration: s.at(n).registration,
            ..Ask::default()
        }),
        shape("verb, rare, since", Any, |s, n| Ask {
            verb: Some(s.resumed.clone()),
            since: s.stored(n),
            ..Ask::default()
        }),
        shape("verb, frequent, until", Found, |s, n| Ask {
            verb: Some(s.answered.clone()),
            until: s.stored(n),
            ..Ask::default()
        }),
        shape("activity, registration", Found, |s, n| Ask {
            activity: s.at(n).activity.clone(),
            registration: s.at(n).registration,
            ..Ask::default()
        }),
        shape("activity, frequent, since, oldest first", Any, |s, n| Ask {
            activity: Some(s.exercise.clone()),
            since: s.stored(n),
            ascending: true,
            ..Ask::default()
        }),
        shape("activity, frequent, until", Any, |s, n| Ask {
            activity: Some(s.exercise.clone()),
            until: s.stored(n),
            ..Ask::default()
        }),
        shape("registration, since", Any, |s, n| Ask {
            registration: s.at(n).registration,
            since: s.stored(n + 1),
            ..Ask::default()
        }),
    ]
}

fn related() -> Vec<Shape> {
    use Results::{Any, Some as Found};
    vec![
        shape("related agent, a teacher", Found, |s, n| Ask {
            agent: s.teacher(n),
            related_agents: true,
            ..Ask::default()
        }),
        shape("related agent, a pupil", Found, |s, n| Ask {
            agent: s.at(n).agent.clone(),
            related_agents: true,
            ..Ask::default()
        }),
        shape("related agent, the authority of all", Found, |s, _| Ask {
            agent: Some(s.authority.clone()),
            related_agents: true,
            ..Ask::default()
        })
        .deep(),
        shape(
            "related agent, the authority of all, verb, rare",
            Found,
            |s, _| Ask {
                agent: Some(s.authority.clone()),
                related_agents: true,
                verb: Some(s.resumed.clone()),
                ..Ask::default()
            },
        ),
        shape(
            "related agent, the authority of all, activity, frequent",
            Found,
            |s, _| Ask {
                agent: Some(s.authority.clone()),
                related_agents: true,
                activity: Some(s.exercise.clone()),
                ..Ask::default()
            },
        ),
        shape("related agent, verb", Any, |s, n| Ask {
            agent: s.teacher(n),
            related_agents: true,
            verb: Some(s.completed.clone()),
            ..Ask::default()
        }),
        shape("related agent, activity, frequent", Any, |s, n| Ask {
            agent: s.teacher(n),
            related_agents: true,
            activity: Some(s.series.clone()),
            ..Ask::default()
        }),
        shape("related agent, since", Any, |s, n| Ask {
            agent: s.teacher(n),
            related_agents: true,
            since: s.stored(n),
            ..Ask::default()
        }),
        shape("related activity, a series", Found, |s, _| Ask {
            activity: Some(s.series.clone()),
            related_activities: true,
            ..Ask::default()
        })
        .deep(),
        shape("related activity, on half", Found, |s, _| Ask {
            activity: Some(s.subject.clone()),
            related_activities: true,
            ..Ask::default()
        })
        .deep(),
        shape("related activity, on half, oldest first", Found, |s, _| {
            Ask {
                activity: Some(s.subject.clone()),
                related_activities: true,
                ascending: true,
                ..Ask::default()
            }
        }),
        shape(
            "related activity, on half, verb, frequent",
            Found,
            |s, _| Ask {
                activity: Some(s.subject.clone()),
                related_activities: true,
                verb: Some(s.answered.clone()),
                ..Ask::default()
            },
        ),
        shape("related activity, on half, verb, rare", Found, |s, _| Ask {
            activity: Some(s.subject.clone()),
            related_activities: true,
            verb: Some(s.resumed.clone()),
            ..Ask::default()
        })
        .rarely(),
        shape(
            "related activity, on half, verb, hardly meet",
            Any,
            |s, _| Ask {
                activity: Some(s.subject.clone()),
                related_activities: true,
                verb: Some(s.commented.clone()),
                ..Ask::default()
            },
        )
        .rarely(),
        shape(
            "related activity, on all, verb, hardly meet",
            Any,
            |s, _| Ask {
                activity: Some(s.category.clone()),
                related_activities: true,
                verb: Some(s.commented.clone()),
                ..Ask::default()
            },
        )
        .rarely(),
        shape("related activity, on half, agent", Any, |s, n| Ask {
            activity: Some(s.subject.clone()),
            related_activities: true,
            agent: s.at(n).agent.clone(),
            ..Ask::default()
        }),
        shape("related activity, on half, agent, busy", Found, |s, _| {
            Ask {
                activity: Some(s.subject.clone()),
                related_activities: true,
                agent: Some(s.busy.clone()),
                ..Ask::default()
            }
        }),
        shape("related activity, on half, registration", Any, |s, n| Ask {
            activity: Some(s.subject.clone()),
            related_activities: true,
            registration: s.at(n).registration,
            ..Ask::default()
        }),
        shape("related activity, on half, until", Any, |s, n| Ask {
            activity: Some(s.subject.clone()),
            related_activities: true,
            until: s.stored(n),
            ..Ask::default()
        }),
        shape("related activity, a series, since, until", Any, |s, n| {
            Ask {
                activity: Some(s.series.clone()),
                related_activities: true,
                since: s.stored(n).map(|at| at - Duration::milliseconds(50)),
                until: s.stored(n),
                ..Ask::default()
            }
        }),
        shape("related agent, related activity, a series", Any, |s, n| {
            Ask {
                agent: s.teacher(n),
                related_agents: true,
                activity: Some(s.series.clone()),
                related_activities: true,
                ..Ask::default()
            }
        }),
        shape("related agent, related activity, on half", Any, |s, n| {
            Ask {
                agent: s.teacher(n),
                related_agents: true,
                activity: Some(s.subject.clone()),
                related_activities: true,
                ..Ask::default()
            }
        }),
    ]
}

fn chains() -> Vec<Shape> {
    use Results::{Any, Some as Found};
    vec![
        shape("statements that refer, by their verb", Found, |s, _| Ask {
            verb: Some(s.commented.clone()),
            ..Ask::default()
        }),
        shape("found through a reference, agent, verb", Any, |s, n| Ask {
            agent: s.referred(n).and_then(|one| one.agent.clone()),
            verb: s.referred(n).and_then(|one| one.verb.clone()),
            ..Ask::default()
        }),
        shape("found through a reference, registration", Any, |s, n| Ask {
            registration: s.referred(n).and_then(|one| one.registration),
            ..Ask::default()
        }),
        shape("found through a reference, activity, agent", Any, |s, n| {
            Ask {
                activity: s.referred(n).and_then(|one| one.activity.clone()),
                agent: s.referred(n).and_then(|one| one.agent.clone()),
                ..Ask::default()
            }
        }),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_lists_them_and_no_others() {
        let path = crate::workspace_root().join("benches/queries.md");
        let text = std::fs::read_to_string(path).unwrap();
        let mut listed: Vec<&str> = text
            .lines()
            .filter_map(|line| line.strip_prefix("| ")?.split(" | ").next())
            .filter(|name| !name.starts_with("shape"))
            .collect();
        let mut measured: Vec<&str> = all().iter().map(|shape| shape.name).collect();
        listed.sort_unstable();
        measured.sort_unstable();
        assert_eq!(listed, measured);
    }

    #[test]
    fn what_is_asked_stands_in_the_path() {
        let key = |text: &str| {
            Some(Key {
                id: 1,
                text: text.to_owned(),
            })
        };
        let ask = Ask {
            agent: key(r#"{"mbox":"mailto:a@b"}"#),
            verb: key("http://x/é"),
            ascending: true,
            ..Ask::default()
        };
        assert_eq!(
            ask.path(100),
            "/xapi/statements?limit=100&agent=%7B%22mbox%22:%22mailto:a%40b%22%7D&verb=http://x/%C3%A9&ascending=true"
        );
    }
}

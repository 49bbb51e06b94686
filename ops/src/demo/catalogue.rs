//! The demo's catalogue: for each competency of the framework, numbered exercises of six levels.
//!
//! No exercise is written out: the titles say what they are, a competency and a number.

use schemas::framework::Framework;
use serde_json::{Value, json};

/// Levels of the scale.
const LEVELS: u8 = 6;

/// Exercises of one level of one competency: they make a series.
const SERIES: u8 = 4;

/// One exercise.
#[derive(Clone, Debug)]
pub(crate) struct Exercise {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) kind: Kind,
}

/// How an exercise is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// One of four choices.
    Choice,
    /// Three steps to put in order, with partial credit.
    Sequencing,
}

/// The exercises of one competency at one level.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) competency: usize,
    pub(crate) level: u8,
    pub(crate) exercises: Vec<Exercise>,
}

/// A competency, with its place in the framework.
#[derive(Clone, Debug)]
pub(crate) struct Practised {
    pub(crate) uri: String,
    pub(crate) subject: String,
    pub(crate) domain: usize,
}

/// Everything a pupil of the demo can do.
#[derive(Clone, Debug)]
pub(crate) struct Exercises {
    pub(crate) competencies: Vec<Practised>,
    pub(crate) series: Vec<Series>,
}

impl Exercises {
    /// Series of every level for every competency.
    pub(crate) fn of(framework: &Framework) -> Self {
        let mut competencies = Vec::new();
        let mut series = Vec::new();
        for (domain, described) in framework.domains.iter().enumerate() {
            for competency in &described.competencies {
                let place = format!(
                    "{}/{}/{}",
                    described.subject,
                    last(&described.uri),
                    last(&competency.uri)
                );
                let label = capitalised(&competency.label_fr);
                let new =
                    (1..=LEVELS).map(|level| one_series(&place, &label, competencies.len(), level));
                series.extend(new);
                competencies.push(Practised {
                    uri: competency.uri.clone(),
                    subject: described.subject.clone(),
                    domain,
                });
            }
        }
        Self {
            competencies,
            series,
        }
    }

    /// How many exercises there are.
    pub(crate) fn count(&self) -> usize {
        self.series
            .iter()
            .map(|series| series.exercises.len())
            .sum()
    }

    /// The document that `PUT /api/v1/catalogue` takes.
    pub(crate) fn document(&self) -> Value {
        let items: Vec<Value> = self
            .series
            .iter()
            .flat_map(|series| self.items(series))
            .collect();
        json!({ "uri": "https://w3id.org/sillage/demo/catalogue", "version": "1", "items": items })
    }

    fn items(&self, series: &Series) -> Vec<Value> {
        let competency = &self.competencies[series.competency];
        let intent = if series.level == 1 {
            "decouverte"
        } else {
            "entrainement"
        };
        let item = |exercise: &Exercise| {
            json!({
                "id": exercise.id,
                "title": { "fr": exercise.title },
                "subject": competency.subject,
                "competencies": [competency.uri],
                "intent": format!("https://w3id.org/sillage/framework/intention/{intent}"),
                "level": series.level,
            })
        };
        series.exercises.iter().map(item).collect()
    }
}

fn one_series(place: &str, label: &str, competency: usize, level: u8) -> Series {
    let exercise = |n: u8| {
        let number = (level - 1) * SERIES + n;
        Exercise {
            id: format!("https://w3id.org/sillage/activity/{place}/exercice/{number:02}"),
            title: format!("{label} – exercice {number:02}"),
            kind: if n == SERIES {
                Kind::Sequencing
            } else {
                Kind::Choice
            },
        }
    };
    Series {
        id: format!("https://w3id.org/sillage/activity/{place}/serie/{level}"),
        title: format!("{label} – série {level}"),
        competency,
        level,
        exercises: (1..=SERIES).map(exercise).collect(),
    }
}

/// The last segment of an IRI: the framework's own short name of the thing.
fn last(iri: &str) -> &str {
    iri.rsplit('/').next().unwrap_or(iri)
}

fn capitalised(label: &str) -> String {
    let mut letters = label.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

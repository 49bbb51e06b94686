//! Every prediction with what came of it, in sums: never a row an answer.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use chrono::{DateTime, Datelike, NaiveDate};
use mastery::maths::PI_8;
use mastery::{Item, Model, PupilState, Step, Voie};
use schemas::catalogue::CatalogueItem;
use schemas::ids::StatementId;

use crate::fold::{Answer, Evaluation, Observer};

/// Bins of equal width over `[0, 1]`: those of the bench and of a fit.
pub const BINS: usize = fit::scores::BINS;

/// The kind of items of which the catalogue tells no intent.
const NO_KIND: &str = "none";

/// What predictions are told apart by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dimension {
    /// Nothing: all of the subject.
    Subject,
    /// A domain of the framework: one of those of the item's competencies.
    Domain,
    /// The pedagogical intent of the item.
    Kind,
    /// Whether the pupil answered the item before.
    Turn,
    /// The pupil's *voie*, where the roster tells it; who has none is in no slice of it.
    Voie,
}

impl Dimension {
    /// Its stable name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Subject => "subject",
            Self::Domain => "domain",
            Self::Kind => "kind",
            Self::Turn => "turn",
            Self::Voie => "voie",
        }
    }
}

/// What a sum is over: a day, a subject, a slice of a dimension.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cell {
    /// The day on which the answer was stored, in UTC.
    pub day: NaiveDate,
    /// Index of the subject in [`Model::subjects`].
    pub subject: usize,
    /// What it is a slice of.
    pub dimension: Dimension,
    /// Which slice: the domain's key, the number of the kind, 0 or 1 of the turn, 0 or 1 of the *voie*.
    pub slice: u64,
}

/// Predictions between two bounds, and what came of them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Bin {
    /// Answers.
    pub answers: i64,
    /// Sum of the success expected.
    pub expected: f64,
    /// Sum of what came.
    pub outcome: f64,
    /// Sum of p·(1 − p).
    pub variance: f64,
}

/// Bins from 0 to 1.
pub type Bins = [Bin; BINS];

/// What a month's answers say of an item's difficulty: slope and curvature of their log likelihood.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Month {
    /// Answers.
    pub answers: i64,
    /// Sum of k·(y − p).
    pub slope: f64,
    /// Sum of k²·p·(1 − p).
    pub curve: f64,
}

/// The intents of a catalogue's items.
#[derive(Clone, Debug, Default)]
pub struct Kinds {
    names: Vec<String>,
    of_item: HashMap<u64, usize>,
}

/// Sums of predictions.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tally {
    cells: BTreeMap<Cell, Bins>,
    /// By the first day of the month in which it was stored, and the item.
    months: BTreeMap<(NaiveDate, u64), Month>,
    /// IRIs of the items of `months`.
    activities: HashMap<u64, Arc<str>>,
    answers: i64,
}

impl Kinds {
    /// Those of a catalogue's items; of two with one id the first counts.
    #[must_use]
    pub fn new(items: &[CatalogueItem]) -> Self {
        let mut kinds = Self::default();
        for item in items {
            let name = item.intent.as_deref().unwrap_or(NO_KIND);
            let known = kinds.names.iter().position(|known| known == name);
            let number = known.unwrap_or_else(|| {
                kinds.names.push(name.to_owned());
                kinds.names.len() - 1
            });
            kinds.of_item.entry(item.id.key64()).or_insert(number);
        }
        kinds
    }

    /// The name of a slice: URI of a domain or an intent, `first` or `again`, a *voie*, nothing for a whole
    /// subject.
    #[must_use]
    pub fn name<'a>(&'a self, model: &'a Model, cell: &Cell) -> &'a str {
        match cell.dimension {
            Dimension::Subject => "",
            Dimension::Domain => model.uri_of(cell.slice).unwrap_or_default(),
            Dimension::Kind => {
                let number = usize::try_from(cell.slice).ok();
                let name = number.and_then(|number| self.names.get(number));
                name.map_or(NO_KIND, String::as_str)
            }
            Dimension::Turn if cell.slice == 0 => "first",
            Dimension::Turn => "again",
            Dimension::Voie if cell.slice == place(Voie::GeneraleTechnologique) => {
                Voie::GeneraleTechnologique.as_str()
            }
            Dimension::Voie => Voie::Professionnelle.as_str(),
        }
    }

    fn of(&self, item: u64) -> u64 {
        self.of_item.get(&item).map_or(u64::MAX, |&n| n as u64)
    }
}

impl Tally {
    /// Answers in it; each is in one slice of each dimension, but in as many domains as its item has, and in that
    /// of the *voie* only where it is known.
    #[must_use]
    pub fn answers(&self) -> i64 {
        self.answers
    }

    /// The sums, by cell.
    #[must_use]
    pub fn cells(&self) -> &BTreeMap<Cell, Bins> {
        &self.cells
    }

    /// The sums of items: month, item, its IRI, sums.
    pub fn months(&self) -> impl Iterator<Item = (NaiveDate, u64, &str, Month)> {
        self.months.iter().map(|(&(month, item), &sums)| {
            let activity = self.activities.get(&item);
            (month, item, activity.map_or("", |iri| iri.as_ref()), sums)
        })
    }

    /// One prediction more.
    fn add(&mut self, item: &Item, answer: &Answer, seen: Seen<'_>) {
        let Some(day) = DateTime::from_timestamp_micros(seen.stored) else {
            return;
        };
        let day = day.date_naive();
        let (step, expected) = (seen.step, seen.step.expected());
        let mut count = |dimension, slice| {
            let cell = Cell {
                day,
                subject: item.subject(),
                dimension,
                slice,
            };
            let bins = self.cells.entry(cell).or_default();
            bins[bin_of(expected)].add(expected, step.y);
        };
        count(Dimension::Subject, 0);
        count(Dimension::Kind, seen.kind);
        count(Dimension::Turn, u64::from(seen.again));
        if let Some(voie) = seen.voie {
            count(Dimension::Voie, place(voie));
        }
        let loadings = item.loadings();
        for (place, loading) in loadings.iter().enumerate() {
            let earlier = &loadings[..place];
            if earlier.iter().all(|one| one.domain != loading.domain) {
                count(Dimension::Domain, loading.domain_key);
            }
        }
        let month = self.months.entry((first_of_month(day), item.key()));
        month.or_default().add(expected, step);
        let activity = self.activities.entry(item.key());
        activity.or_insert_with(|| Arc::clone(&answer.activity));
        self.answers += 1;
    }
}

/// A prediction that counts.
#[derive(Clone, Copy, Debug)]
struct Seen<'a> {
    step: &'a Step,
    /// When the answer was stored, in microseconds.
    stored: i64,
    kind: u64,
    again: bool,
    voie: Option<Voie>,
}

impl Bin {
    fn add(&mut self, expected: f64, outcome: f64) {
        self.answers += 1;
        self.expected += expected;
        self.outcome += outcome;
        self.variance += expected * (1.0 - expected);
    }

    /// The sum of two.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            answers: self.answers + other.answers,
            expected: self.expected + other.expected,
            outcome: self.outcome + other.outcome,
            variance: self.variance + other.variance,
        }
    }
}

impl Month {
    fn add(&mut self, p: f64, step: &Step) {
        // The share in which the difficulty counted, shrunk as what was expected is.
        let k2 = step.factor * step.factor / (1.0 + PI_8 * step.x.1);
        self.answers += 1;
        self.slope += k2.sqrt() * (step.y - p);
        self.curve += k2 * p * (1.0 - p);
    }

    /// The sum of two.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            answers: self.answers + other.answers,
            slope: self.slope + other.slope,
            curve: self.curve + other.curve,
        }
    }
}

fn place(voie: Voie) -> u64 {
    match voie {
        Voie::GeneraleTechnologique => 0,
        Voie::Professionnelle => 1,
    }
}

fn bin_of(expected: f64) -> usize {
    ((expected * BINS as f64) as usize).min(BINS - 1)
}

fn first_of_month(day: NaiveDate) -> NaiveDate {
    day.with_day(1).unwrap_or(day)
}

/// Looks on while a person's answers are folded, and tallies those that are new.
#[derive(Debug)]
pub struct Watching<'a> {
    /// The kinds of the model's items.
    pub kinds: &'a Kinds,
    /// When each new answer was stored, in microseconds.
    pub new: &'a HashMap<StatementId, i64>,
    /// The person's *voie*, where it is known.
    pub voie: Option<Voie>,
    /// Where they are counted.
    pub tally: &'a mut Tally,
}

impl Observer for Watching<'_> {
    fn answer(&mut self, model: &Model, state: &mut PupilState, item: &Item, answer: &Answer) {
        let again = state.item(item.key()).is_some();
        let (y, correct, t) = (answer.outcome, answer.correct, answer.time_s());
        let step = state.step(model, item, y, correct, t);
        if let Some(&stored) = self.new.get(&answer.key.id) {
            let seen = Seen {
                step: &step,
                stored,
                kind: self.kinds.of(item.key()),
                again,
                voie: self.voie,
            };
            self.tally.add(item, answer, seen);
        }
    }

    fn evaluation(
        &mut self,
        model: &Model,
        state: &mut PupilState,
        item: &Item,
        evaluation: &Evaluation,
    ) {
        state.evaluate(model, item, evaluation.finding, evaluation.time_s());
    }
}
